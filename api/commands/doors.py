"""What the settings say about the doors of the gateway, checked as a whole."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from api.settings import PREFIX, Settings
from models.errors import IssueList

if TYPE_CHECKING:
    from api.ocpp.gateway import GatewaySettings
    from api.ocpp.safeguards import CommandPolicy
    from api.stations.doors import DoorRules

_HIGHEST: Final = 3
_FIRST_WITH_TLS: Final = 2
_LEAST_KEY: Final = 16
_OTHER_FILES: Final = 2_000
"""Beside the stations: hand-shakes, callers of the API, the database."""


def door_rules(settings: Settings) -> "DoorRules":
    """Return what stations must show.

    Raises
    ------
    InvalidInputError
        Settings contradict each other; names every fault.
    """
    from api.ocpp.handshake import SecurityProfile
    from api.stations.doors import DoorRules

    _check(settings)
    return DoorRules(
        SecurityProfile(settings.ocpp_minimum_profile), settings.station_key, settings.ocpp_organisation
    )


def gateway_settings(settings: Settings) -> "GatewaySettings":
    """Return how the gateway listens.

    Raises
    ------
    InvalidInputError
        Certificates cannot be read.
    """
    from api.ocpp.admission import DoorSettings
    from api.ocpp.gateway import GatewaySettings
    from api.ocpp.tls import CertificateFiles, TlsFiles, server_context

    certificates, keys = parts(settings.ocpp_certificate), parts(settings.ocpp_certificate_key)
    own = [CertificateFiles(Path(one), Path(key)) for one, key in zip(certificates, keys, strict=True)]
    authority = Path(settings.ocpp_client_ca) if settings.ocpp_client_ca else None
    return GatewaySettings(
        settings.ocpp_host,
        settings.ocpp_port,
        door=DoorSettings(connections=settings.ocpp_connections),
        tls=server_context(TlsFiles(own, authority)) if own else None,
        plain_port=settings.ocpp_plain_port if own and settings.ocpp_plain_port else None,
    )


def command_policy(settings: Settings) -> "CommandPolicy":
    """Return where stations may be sent, and where their files may come from."""
    from api.ocpp.safeguards import CommandPolicy

    return CommandPolicy(parts(settings.ocpp_own_urls), parts(settings.ocpp_file_urls))


def told(settings: Settings) -> str:
    """Return what somebody must know who starts a gateway like this; empty for nothing."""
    if settings.ocpp_minimum_profile == 0 and not settings.station_key:
        return "every station comes in, whatever it shows: for a trusted network only"
    if settings.ocpp_minimum_profile < _HIGHEST and not settings.station_key:
        return f"stations need keys: `gridpilot stations key STATION`, or one for all in {PREFIX}STATION_KEY"
    if settings.station_key and len(settings.station_key) < _LEAST_KEY:
        return f"{PREFIX}STATION_KEY has fewer than {_LEAST_KEY} characters, which OCPP does not allow"
    return ""


def files_allowed(settings: Settings) -> str:
    """Let this process open as many files as it serves stations, if it may; return what to know if it may not.

    Every connection is a file, and by habit a process may open 1,024.
    """
    try:
        import resource
    except ImportError:  # no such bound to raise
        return ""
    wanted = settings.ocpp_connections + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    within = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < within:
        resource.setrlimit(resource.RLIMIT_NOFILE, (within, hard))
    if within < wanted:
        return (
            f"this process may open {within} files: no more than {within - _OTHER_FILES} stations find room"
        )
    return ""


def parts(text: str) -> tuple[str, ...]:
    """Return what stands between commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _check(settings: Settings) -> None:
    """Check what belongs together."""
    least, has_tls = settings.ocpp_minimum_profile, bool(settings.ocpp_certificate)
    n_certificates, n_keys = len(parts(settings.ocpp_certificate)), len(parts(settings.ocpp_certificate_key))
    issues = IssueList()
    rows = (
        (0 <= least <= _HIGHEST, "MINIMUM_PROFILE", "is no security profile: 0, 1, 2 or 3"),
        (n_certificates == n_keys, "CERTIFICATE_KEY", "does not name one key for each certificate"),
        (least < _FIRST_WITH_TLS or has_tls, "CERTIFICATE", f"is needed for profile {least}"),
        (least < _HIGHEST or bool(settings.ocpp_client_ca), "CLIENT_CA", f"is needed for profile {least}"),
        (has_tls or not settings.ocpp_client_ca, "CLIENT_CA", "is of no use without a certificate"),
        (has_tls or not settings.ocpp_plain_port, "PLAIN_PORT", "is of no use without a certificate"),
        (
            least < _FIRST_WITH_TLS or not settings.ocpp_plain_port,
            "PLAIN_PORT",
            f"lets nobody in at profile {least}",
        ),
        (settings.ocpp_connections > 0, "CONNECTIONS", "lets nobody in"),
    )
    for holds, name, what in rows:
        issues.require(holds, f"{PREFIX}OCPP_{name}", what)
    issues.raise_if_any()
