"""Certificates that stations ask for are signed by an authority of our own, if they are theirs (A02)."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from api.commands.signing import signer_of
from api.ocpp.notices import CertificateRequested
from api.settings import Settings
from api.stations.authority import AuthorityFiles, OwnAuthority
from models.errors import InvalidInputError

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)


def name(common, organisation="Gridpilot"):
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, common),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
        ]
    )


def certificate(key, subject, signing_key, issuer):
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(signing_key, hashes.SHA256())
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """An authority beneath a root, as PEM files."""
    folder = tmp_path_factory.mktemp("authority")
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = certificate(root_key, name("root"), root_key, name("root"))
    own = certificate(key, name("stations"), root_key, name("root"))
    chain = b"".join(one.public_bytes(Encoding.PEM) for one in (own, root))
    (folder / "chain.pem").write_bytes(chain)
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return AuthorityFiles(folder / "chain.pem", folder / "key.pem")


def request_of(subject, key=None, kind=""):
    key = key or ec.generate_private_key(ec.SECP256R1())
    asked = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return CertificateRequested(asked.public_bytes(Encoding.PEM).decode(), kind)


def signed(files, request, **options):
    authority = OwnAuthority(files, clock=lambda: NOW, **options)
    return asyncio.run(authority.sign("CS1", request))


KEYS = {
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
    "curve": lambda: ec.generate_private_key(ec.SECP256R1()),
}


@pytest.mark.parametrize("make", KEYS.values(), ids=KEYS)
def test_a02_fr_05_what_a_station_asks_for_in_its_own_name_is_signed(files, make):
    chain = signed(
        files, request_of(name("CS1"), make(), "ChargingStationCertificate"), organisation="Gridpilot"
    )
    own, above = x509.load_pem_x509_certificates(chain.encode())
    own.verify_directly_issued_by(above)
    assert own.subject == name("CS1")
    assert own.not_valid_before_utc <= NOW < own.not_valid_after_utc <= NOW + timedelta(days=397)
    assert not own.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert above.subject == name("stations")  # the root is not sent: a station has it, or must not believe us


@pytest.mark.parametrize(
    "request_",
    [
        request_of(name("CS2")),
        request_of(name("CS1", "Somebody")),
        request_of(name("CS1"), kind="V2GCertificate"),
        request_of(name("CS1"), rsa.generate_private_key(65537, 1024)),  # noqa: S505 - that is the point
        request_of(name("CS1"), ec.generate_private_key(ec.SECP192R1())),
        CertificateRequested("nonsense"),
    ],
    ids=["another station", "another organisation", "for charging", "weak RSA", "weak curve", "nonsense"],
)
def test_a02_fr_06_nothing_else_is_signed(files, request_):
    assert signed(files, request_, organisation="Gridpilot") is None


def test_a_request_that_another_key_has_signed_is_refused(files):
    sound = request_of(name("CS1"))
    parsed = x509.load_pem_x509_csr(sound.csr.encode())
    broken = bytearray(parsed.public_bytes(Encoding.DER))
    broken[-1] ^= 1
    text = x509.load_der_x509_csr(bytes(broken)).public_bytes(Encoding.PEM).decode()
    assert signed(files, CertificateRequested(text)) is None


def test_files_that_do_not_belong_together_are_a_fault_of_the_settings(files, tmp_path):
    settings = Settings(ocpp_signing_certificate=str(files.certificate), ocpp_signing_key=str(files.key))
    assert signer_of(settings) is not None
    assert signer_of(Settings()) is None
    other = tmp_path / "other.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    other.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    for wrong in (str(other), str(files.certificate), "nowhere.pem", ""):
        with pytest.raises(InvalidInputError):
            signer_of(Settings(ocpp_signing_certificate=str(files.certificate), ocpp_signing_key=wrong))
