"""Keys of stations: what is stored tells nothing, and whoever fails learns nothing."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.ocpp.keys import (
    HashedKeys,
    KeyScheme,
    canonical,
    check_key,
    digest,
    hash_key,
    matching_key,
    new_decoy,
    new_key,
    new_salt,
)
from models.errors import InvalidInputError

DECOY = new_decoy()
BOTH_SCHEMES = frozenset(KeyScheme)
CHOSEN_KEY = "a key that people chose"


def cheap(scheme, salt, password):
    """A digest as different as the schemes are, without their cost."""
    return hashlib.sha256(scheme.value.encode() + salt + password).digest()


def stored(*keys):
    salt = new_salt()
    return HashedKeys(salt, tuple(hash_key(scheme, salt, key) for scheme, key in keys))


PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=16, max_size=40)


@given(key=PRINTABLE, other=PRINTABLE)
def test_a00_fr_202_a_key_and_no_other_opens(key, other):
    keys = stored((KeyScheme.RANDOM, key))
    assert matching_key(key.encode(), keys, {KeyScheme.RANDOM}, DECOY) == 0
    same = canonical(key.encode()) == canonical(other.encode())
    assert (matching_key(other.encode(), keys, {KeyScheme.RANDOM}, DECOY) == 0) is same


def test_a_key_that_people_chose_opens_too():
    keys = stored((KeyScheme.CHOSEN, CHOSEN_KEY), (KeyScheme.RANDOM, "0123456789abcdef-next"))
    shown = [CHOSEN_KEY.encode(), b"0123456789abcdef-next", b"neither of the two of them", b"", None]
    assert [matching_key(one, keys, BOTH_SCHEMES, DECOY) for one in shown] == [0, 1, None, None, None]


@given(octets=st.binary(min_size=20, max_size=20))
def test_a00_fr_205_forty_hexadecimal_digits_of_1_6_are_shown_as_digits_or_as_octets(octets):
    keys = stored((KeyScheme.RANDOM, octets.hex()))
    for shown in (octets, octets.hex().encode(), octets.hex().upper().encode()):
        assert matching_key(shown, keys, {KeyScheme.RANDOM}, DECOY) == 0


def test_a00_fr_205_our_keys_fit_every_version_and_never_come_twice():
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    for key in keys:
        check_key(key)
        assert len(canonical(key.encode())) == 20


@pytest.mark.parametrize("key", ["", "x" * 15, "x" * 41, "x" * 15 + "\u20ac", "x" * 15 + "\n"])
def test_a00_fr_205_a_key_that_some_station_cannot_hold_is_refused(key):
    with pytest.raises(InvalidInputError):
        check_key(key)


def test_what_is_stored_is_salted_and_not_the_key():
    one, two = (stored((KeyScheme.RANDOM, "0123456789abcdefgh")) for _ in range(2))
    assert one.keys[0].digest != two.keys[0].digest
    assert b"0123456789abcdefgh" not in one.keys[0].digest


SHOWN = st.none() | st.binary(max_size=40)
STORED = st.lists(st.sampled_from(list(KeyScheme)), max_size=2)


@given(password=SHOWN, schemes=STORED)
@pytest.mark.parametrize("in_use", [{KeyScheme.RANDOM}, BOTH_SCHEMES])
def test_unknown_station_and_wrong_key_cost_the_same_work(password, schemes, in_use):
    """Counted, not timed: hashes by scheme, and bytes that are hashed beside the password."""
    salt = new_salt()
    keys = HashedKeys(salt, tuple(hash_key(KeyScheme.RANDOM, salt, new_key()) for _ in schemes))
    work = []
    for one in (keys if schemes else None, None):
        counted: list[tuple[KeyScheme, int, int]] = []

        def count(scheme, salt, password, counted=counted):
            counted.append((scheme, len(salt), len(password)))
            return cheap(scheme, salt, password)

        assert matching_key(password, one, in_use, DECOY, count) is None
        work.append(counted)
    assert work[0] == work[1] != []


def test_only_a_right_random_key_is_spared_the_costly_hash():
    counted: list[KeyScheme] = []

    def count(scheme, salt, password):
        counted.append(scheme)
        return digest(KeyScheme.RANDOM, salt, password)

    key = new_key()
    matching_key(key.encode(), stored((KeyScheme.RANDOM, key)), BOTH_SCHEMES, DECOY, count)
    assert counted == [KeyScheme.RANDOM]
