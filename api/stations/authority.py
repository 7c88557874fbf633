"""An authority of our own, that signs the certificates that stations ask for (A02)."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from api.ocpp.notices import CertificateRequested
from api.ocpp.registry import Clock, utc_now
from models.errors import InvalidInputError, Issue

_log = logging.getLogger(__name__)

_OWN_KINDS: Final = ("", "ChargingStationCertificate")
"""What is signed: certificates for charging belong to an authority of the car makers."""

_LEAST_RSA_BITS: Final = 2048
_LEAST_EC_BITS: Final = 224
_EARLIER: Final = timedelta(minutes=5)
"""A certificate is valid from a little before now on: clocks of stations are late."""

_Key: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class AuthorityFiles:
    """The certificate of an authority with the chain above it, and its private key without a password (PEM)."""

    certificate: Path
    key: Path


class OwnAuthority:
    """Signs what a station asks for in its own name, and nothing else.

    Parameters
    ----------
    files : AuthorityFiles
    organisation : str
        Organisation that a request must name; empty for any.
    days : int
        How long a certificate is valid.
    clock : Clock

    Raises
    ------
    InvalidInputError
        The files cannot be read, or do not belong together.
    """

    def __init__(
        self, files: AuthorityFiles, organisation: str = "", days: int = 397, clock: Clock = utc_now
    ) -> None:
        self._chain, self._key = _read(files)
        self._organisation, self._valid_for, self._clock = organisation, timedelta(days=days), clock

    async def sign(self, station_id: str, request: CertificateRequested) -> str | None:
        """Return the chain of the signed certificate; None, and a warning, where the request is not sound."""
        return await asyncio.to_thread(self._signed, station_id, request)

    def _signed(self, station_id: str, request: CertificateRequested) -> str | None:
        try:
            asked = x509.load_pem_x509_csr(request.csr.encode())
            fault = self._fault(station_id, asked, request.kind)
        except ValueError as error:
            fault = f"it cannot be read: {error}"
        if fault is not None:
            _log.warning("%s: its certificate is not signed: %s", station_id, fault)
            return None
        own = self._certificate(asked).public_bytes(Encoding.PEM)
        above = [one.public_bytes(Encoding.PEM) for one in self._chain if one.issuer != one.subject]
        return b"".join([own, *above]).decode()

    def _fault(self, station_id: str, asked: x509.CertificateSigningRequest, kind: str) -> str | None:
        """Return why a request is not signed (A02.FR.06: it must be this station's own)."""
        if kind not in _OWN_KINDS:
            return f"{kind} is not ours to sign"
        names = [str(one.value) for one in asked.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        organisations = [
            str(one.value) for one in asked.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        ]
        if names != [station_id]:
            return f"it names {names}"
        if self._organisation and organisations != [self._organisation]:
            return f"it names the organisation {organisations}"
        if not asked.is_signature_valid:
            return "it is not signed by its own key"
        return None if _is_strong(asked) else "its key is too weak, or of a kind that no station has"

    def _certificate(self, asked: x509.CertificateSigningRequest) -> x509.Certificate:
        now = self._clock()
        usage = x509.KeyUsage(
            digital_signature=True,
            key_encipherment=isinstance(asked.public_key(), rsa.RSAPublicKey),
            content_commitment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=False,
            crl_sign=False,
            encipher_only=False,
            decipher_only=False,
        )
        issuer = self._chain[0]
        extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (usage, True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False),
            (x509.SubjectKeyIdentifier.from_public_key(asked.public_key()), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), False),
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(asked.subject)
            .issuer_name(issuer.subject)
            .public_key(asked.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _EARLIER)
            .not_valid_after(min(now + self._valid_for, issuer.not_valid_after_utc))
        )
        for extension, is_critical in extensions:
            builder = builder.add_extension(extension, critical=is_critical)
        return builder.sign(self._key, hashes.SHA256())


def _is_strong(asked: x509.CertificateSigningRequest) -> bool:
    key = asked.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size >= _LEAST_RSA_BITS
    return isinstance(key, ec.EllipticCurvePublicKey) and key.curve.key_size >= _LEAST_EC_BITS


def _read(files: AuthorityFiles) -> tuple[list[x509.Certificate], _Key]:
    """Return the chain of an authority, its own certificate first, and its key."""
    try:
        chain = x509.load_pem_x509_certificates(files.certificate.read_bytes())
        key = load_pem_private_key(files.key.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise InvalidInputError((Issue("signing authority", f"cannot be read: {error}"),)) from error
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise InvalidInputError((Issue(str(files.key), "is no key of RSA or of an elliptic curve"),))
    if chain[0].public_key() != key.public_key():
        raise InvalidInputError((Issue(str(files.key), "is not the key of the first certificate"),))
    return chain, key
