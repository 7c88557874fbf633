"""From settings to the authority that signs certificates of stations."""

from pathlib import Path
from typing import TYPE_CHECKING

from api.settings import Settings
from models.errors import InvalidInputError, Issue

if TYPE_CHECKING:
    from api.stations.certificates import CertificateSigner


def signer_of(settings: Settings) -> "CertificateSigner | None":
    """Return the authority that the settings name; None where they name none.

    Raises
    ------
    InvalidInputError
        Its files cannot be used, or one of them is missing.
    """
    named = (settings.ocpp_signing_certificate, settings.ocpp_signing_key)
    if named == ("", ""):
        return None
    if "" in named:
        raise InvalidInputError((Issue("GRIDPILOT_OCPP_SIGNING_*", "needs a certificate and its key"),))
    from api.stations.authority import AuthorityFiles, OwnAuthority

    files = AuthorityFiles(Path(named[0]), Path(named[1]))
    return OwnAuthority(files, settings.ocpp_organisation)
