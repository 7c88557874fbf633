"""Who is at the door: the station's identity from the path, and what it shows to prove it."""

import base64
import binascii
import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final
from urllib.parse import unquote, urlsplit

_IDENTITY: Final = re.compile(r"[A-Za-z0-9*\-_=:+|@.]{1,48}")
"""Characters and length of an identity (OCPP 2.0.1 part 4; 1.6 stations keep to it as well)."""

_SCHEME: Final = "basic "


class SecurityProfile(IntEnum):
    """How a station proves who it is, as OCPP numbers it; 0 is no profile at all."""

    NONE = 0
    BASIC = 1
    TLS_BASIC = 2
    TLS_CERTIFICATE = 3


@dataclass(frozen=True, slots=True)
class CertificateSubject:
    """Whom a client certificate names; TLS has verified its path before (A00.FR.403)."""

    common_names: frozenset[str]
    organisations: frozenset[str]

    def belongs_to(self, name: str, organisation: str) -> bool:
        """Tell whether it is the one of a station, and of an organisation unless that is empty (A00.FR.404, 405)."""
        return name in self.common_names and (not organisation or organisation in self.organisations)


@dataclass(frozen=True, slots=True)
class Caller:
    """A request to connect, as its socket shows it.

    Parameters
    ----------
    target : str
        The request's target, as it was sent.
    authorization : tuple of str
        Every header of that name.
    address : str
        Where it comes from.
    is_encrypted : bool
    certificate : mapping or None
        Of the client, in the form of ``ssl.SSLSocket.getpeercert``; empty or None where it showed none.
    """

    target: str
    authorization: tuple[str, ...] = ()
    address: str = ""
    is_encrypted: bool = False
    certificate: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a station shows: its password, its certificate, or nothing."""

    station_id: str
    password: bytes | None = None
    is_encrypted: bool = False
    subject: CertificateSubject | None = None

    @property
    def profile(self) -> SecurityProfile:
        """The security profile that is used."""
        if self.subject is not None:
            return SecurityProfile.TLS_CERTIFICATE
        if self.password is None:
            return SecurityProfile.NONE
        return SecurityProfile.TLS_BASIC if self.is_encrypted else SecurityProfile.BASIC


def credentials_of(caller: Caller, station_id: str) -> Credentials:
    """Return what a caller shows; a request with two headers of authorisation shows none."""
    header = caller.authorization[0] if len(caller.authorization) == 1 else None
    subject = subject_of(caller.certificate) if caller.certificate else None
    password = password_of_header(header, station_id)
    return Credentials(station_id, password, caller.is_encrypted, subject)


def is_identity(text: str) -> bool:
    """Tell whether a text can be the identity of a station."""
    return bool(_IDENTITY.fullmatch(text) and text.strip("."))


def station_of_path(target: str, prefix: str) -> str | None:
    """Return the identity in ``{prefix}/{identity}``; None for any other path, and for what is no identity."""
    try:
        path = urlsplit(target).path
    except ValueError:  # an address in brackets that is none
        return None
    if not path.startswith(f"{prefix}/"):
        return None
    identity = unquote(path.removeprefix(f"{prefix}/"))
    return identity if is_identity(identity) else None


def password_of_header(header: str | None, station_id: str) -> bytes | None:
    """Return the password of HTTP Basic authentication; None unless the user is the station (A00.FR.204)."""
    if header is None or not header.lower().startswith(_SCHEME):
        return None
    try:
        decoded = base64.b64decode(header[len(_SCHEME) :].strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    user, password = decoded[: len(station_id)], decoded[len(station_id) :]
    is_its_own = hmac.compare_digest(user, station_id.encode()) and password.startswith(b":")
    return password[1:] if is_its_own else None


def subject_of(certificate: Mapping[str, Any]) -> CertificateSubject:
    """Return whom a certificate names, in the form of ``ssl.SSLSocket.getpeercert``."""
    return CertificateSubject(
        frozenset(_subject_values(certificate, "commonName")),
        frozenset(_subject_values(certificate, "organizationName")),
    )


def _subject_values(certificate: Mapping[str, Any], wanted: str) -> Iterator[str]:
    """Yield the values of one attribute of the subject."""
    for names in certificate.get("subject", ()):
        for name, value in names:
            if name == wanted:
                yield value
