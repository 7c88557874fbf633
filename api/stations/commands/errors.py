"""Why a command was not carried out; each is one answer of the API."""

from collections.abc import Iterable, Sequence

from api.ocpp.safeguards import Objection
from models.errors import ChargingError, Issue


class UnknownStationError(ChargingError):
    """No station of this name has ever been here."""

    def __init__(self, station_id: str) -> None:
        super().__init__(f"no station is called {station_id!r}")


class UnknownCommandError(ChargingError):
    """The station's version has no such command, or no such one was queued."""


class StationAwayError(ChargingError):
    """The station is not connected, or has gone before it answered; then nobody knows whether it has acted."""


class NoAnswerError(ChargingError):
    """The station did not answer in time; nobody knows whether it has acted."""


class StationRefusedError(ChargingError):
    """The station has answered by an error; ``issues`` has its code, its description and its details."""

    def __init__(self, action: str, code: str, description: str) -> None:
        super().__init__(f"the station answers {action} by the error {code}: {description}")
        self.issues: Sequence[Issue] = (Issue("code", code), Issue("description", description))


class ForbiddenCommandError(ChargingError):
    """The command could take the station away; ``issues`` says why, and whether two approvals would do."""

    def __init__(self, objections: Iterable[Objection]) -> None:
        found = tuple(objections)
        can_be_approved = all(one.can_be_approved for one in found)
        more = "two approvals are needed" if can_be_approved else "it cannot be approved"
        super().__init__(f"the command is forbidden, {more}")
        self.issues: Sequence[Issue] = tuple(
            Issue("", f"{one.what}; {'can' if one.can_be_approved else 'cannot'} be approved")
            for one in found
        )


class KeyTakenError(ChargingError):
    """The idempotency key belongs to another command for this station."""
