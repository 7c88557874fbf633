"""What the settings say about what is kept of stations, and what may be sent to them."""

from typing import TYPE_CHECKING

from api.commands.doors import command_policy, parts
from api.settings import PREFIX, Settings
from models.errors import IssueList

if TYPE_CHECKING:
    from api.stations.connectivity import ConnectivitySettings


def connectivity_settings(settings: Settings) -> "ConnectivitySettings":
    """Return what is kept of stations, and what may be sent to them.

    Raises
    ------
    InvalidInputError
        A setting is none of those that exist; names every fault.
    """
    from api.stations.connectivity import ConnectivitySettings
    from api.stations.log.traffic import LogScope

    scopes = [scope.value for scope in LogScope]
    issues = IssueList()
    issues.require(settings.message_log in scopes, f"{PREFIX}MESSAGE_LOG", f"is none of {', '.join(scopes)}")
    issues.require(settings.message_log_length > 0, f"{PREFIX}MESSAGE_LOG_LENGTH", "keeps nothing")
    issues.raise_if_any()
    return ConnectivitySettings(
        process=settings.process_name,
        log_scope=LogScope(settings.message_log),
        log_per_station=settings.message_log_length,
        policy=command_policy(settings),
        approver_keys=parts(settings.approver_keys),
    )
