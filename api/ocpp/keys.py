"""Keys of stations: made, checked, and compared with what is stored, which is never the key itself.

Two schemes, because two kinds of key exist. A key that we make has 160 random bits: nobody guesses it, whatever
the hash costs, so a salted SHA-256 (a microsecond) is enough, and ten thousand stations that come back at once
cost no second of processor time. A key that people choose can be guessed, so each guess must cost: scrypt with
16 MiB, about 50 ms. Ten thousand of those would be eight minutes; where that matters, let us make the keys.

Whoever fails learns nothing: unknown station and wrong key get the same work. Both derive one SHA-256, and one
scrypt where the store holds any chosen key at all, and compare as many digests. Only a right random key is let in
before the scrypt.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from models.errors import IssueList

LEAST_CHARACTERS: Final = 16
MOST_CHARACTERS: Final = 40
"""Bounds of a key (A00.FR.205); as 40 hexadecimal digits it has the most bytes that OCPP 1.6 allows: 20."""

_RANDOM_BYTES: Final = MOST_CHARACTERS // 2
_SALT_BYTES: Final = 16
_DIGEST_BYTES: Final = 32
_NO_DIGEST: Final = bytes(_DIGEST_BYTES)
_HEX: Final = re.compile(rb"(?:[0-9A-Fa-f]{2}){16,20}")
_SCRYPT_N: Final = 2**14
_SCRYPT_R: Final = 8
_KEYS_OF_A_STATION: Final = 2
"""The one that it uses, and the one that it is to use from its next connection on."""


class KeyScheme(StrEnum):
    """How a key is hashed."""

    RANDOM = "sha256"
    CHOSEN = "scrypt"


@dataclass(frozen=True, slots=True)
class HashedKey:
    """A key as it is stored."""

    scheme: KeyScheme
    digest: bytes


@dataclass(frozen=True, slots=True)
class HashedKeys:
    """The keys of one station, at most two, under one salt; the present one comes first."""

    salt: bytes
    keys: tuple[HashedKey, ...]


Digest: TypeAlias = Callable[[KeyScheme, bytes, bytes], bytes]
"""Hashes a password under a salt."""


def new_key() -> str:
    """Return a random key that every version accepts: 40 hexadecimal digits, 160 bits."""
    return secrets.token_hex(_RANDOM_BYTES)


def new_salt() -> bytes:
    """Return a salt."""
    return secrets.token_bytes(_SALT_BYTES)


def check_key(key: str) -> None:
    """Check a key that somebody has chosen.

    Raises
    ------
    InvalidInputError
        It is too short, too long, or has characters that some stations cannot store.
    """
    issues = IssueList()
    issues.require(len(key) >= LEAST_CHARACTERS, "key", f"has fewer than {LEAST_CHARACTERS} characters")
    issues.require(len(key) <= MOST_CHARACTERS, "key", f"has more than {MOST_CHARACTERS} characters")
    issues.require(key.isascii() and key.isprintable(), "key", "has characters beyond printable ASCII")
    issues.raise_if_any()


def canonical(password: bytes) -> bytes:
    """Return the octets that a password stands for.

    OCPP 1.6 writes AuthorizationKey in hexadecimal; some stations then show the octets, others the digits.
    """
    return bytes.fromhex(password.decode()) if _HEX.fullmatch(password) else password


def hash_key(scheme: KeyScheme, salt: bytes, key: str) -> HashedKey:
    """Return a key as it is stored."""
    return HashedKey(scheme, digest(scheme, salt, canonical(key.encode())))


def digest(scheme: KeyScheme, salt: bytes, password: bytes) -> bytes:
    """Return the salted hash of a password."""
    if scheme is KeyScheme.RANDOM:
        return hashlib.sha256(salt + password).digest()
    return hashlib.scrypt(password, salt=salt, n=_SCRYPT_N, r=_SCRYPT_R, p=1, dklen=_DIGEST_BYTES)


def matching_key(
    password: bytes | None,
    stored: HashedKeys | None,
    schemes: Collection[KeyScheme],
    decoy: HashedKeys,
    digest_of: Digest = digest,
) -> int | None:
    """Return which of a station's keys was shown: 0 the present one, 1 the next one, None if none.

    Parameters
    ----------
    password : bytes or None
        What was shown; nothing shown costs as much as a wrong password.
    stored : HashedKeys or None
        None for a station that has no key.
    schemes : collection of KeyScheme
        All that the store holds for any station.
    decoy : HashedKeys
        Stands in for an unknown station.
    digest_of : callable
        Hashes; given by tests, which count.
    """
    keys = decoy if stored is None else stored
    plain = canonical(password or b"")
    for scheme in KeyScheme:  # the cheap one comes first
        if scheme is KeyScheme.RANDOM or scheme in schemes:
            shown = digest_of(scheme, keys.salt, plain)
            equal = [hmac.compare_digest(shown, other) for other in _digests(keys, scheme)]
            if True in equal and stored is not None and password is not None:
                return equal.index(True)
    return None


def new_decoy() -> HashedKeys:
    """Return keys that nobody has."""
    return HashedKeys(new_salt(), (HashedKey(KeyScheme.RANDOM, secrets.token_bytes(_DIGEST_BYTES)),))


def _digests(keys: HashedKeys, scheme: KeyScheme) -> Iterator[bytes]:
    """Yield as many digests for every station: a missing one, or one of another scheme, equals nothing."""
    for i in range(_KEYS_OF_A_STATION):
        one = keys.keys[i] if i < len(keys.keys) else None
        yield one.digest if one is not None and one.scheme is scheme else _NO_DIGEST
