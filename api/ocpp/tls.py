"""TLS of the gateway: version 1.2 or newer, the suites of OCPP, and client certificates of one authority."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.errors import IssueList

_SUITES: Final = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
)
"""Of TLS 1.2, ours first. A00.FR.318 demands the first two and the last two, which keep no secret for the future
but are all that some stations have; nothing else is offered (A00.FR.320). Those of TLS 1.3 are always there."""


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """A certificate with its chain, and its private key, as PEM."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """What the gateway shows, and whom it believes.

    Parameters
    ----------
    own : sequence of CertificateFiles
        One, or one of each kind of key: stations without elliptic curves need one of RSA (A00.FR.318).
    client_authority : pathlib.Path or None
        Certificates whose holders may vouch for stations, as PEM; None: no station shows a certificate.
    """

    own: Sequence[CertificateFiles]
    client_authority: Path | None = None


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """Return the TLS side of a gateway.

    A station may show a certificate or not; one that shows a wrong one is refused while the connection is made.

    Raises
    ------
    InvalidInputError
        Files are missing or do not hold what they should; names every one.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(":".join(_SUITES))
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_RENEGOTIATION
    issues = IssueList()
    for pair in files.own:
        try:
            context.load_cert_chain(pair.certificate, pair.key)
        except (OSError, ssl.SSLError) as error:
            issues.add(str(pair.certificate), f"cannot be served with {pair.key}: {error}")
    if files.client_authority is not None:
        try:
            context.load_verify_locations(files.client_authority)
            context.verify_mode = ssl.CERT_OPTIONAL
        except (OSError, ssl.SSLError) as error:
            issues.add(str(files.client_authority), f"holds no certificates: {error}")
    issues.raise_if_any()
    return context
