"""Who may connect: keys, certificates and lowest security profiles of stations, from the database."""

import asyncio
import hmac
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from sqlalchemy.orm import Session

from api.ocpp.handshake import Credentials, SecurityProfile, is_identity
from api.ocpp.keys import (
    Digest,
    HashedKeys,
    KeyScheme,
    canonical,
    check_key,
    digest,
    matching_key,
    new_decoy,
    new_key,
)
from api.stations import door_records
from api.stations.door_records import Door, NewKey
from api.storage.engine import Database
from models.errors import InvalidInputError, Issue

Result = TypeVar("Result")

_NEXT: Final = 1
_FRESH_S: Final = 1.0
"""Changes of other processes are seen after so long [s]."""


@dataclass(frozen=True, slots=True)
class DoorRules:
    """What holds for every station.

    Parameters
    ----------
    minimum_profile : SecurityProfile
        The lowest that is let in; with ``NONE`` and no common key, a station without a key of its own need not
        show anything.
    common_key : str
        Key of all stations that have none of their own; empty for none.
    organisation : str
        Certificates must name it (A00.FR.404); empty trusts every certificate of the client authority.
    """

    minimum_profile: SecurityProfile = SecurityProfile.BASIC
    common_key: str = ""
    organisation: str = ""


class StationDoors:
    """Decides who may connect, and keeps the keys.

    Reads the table once and then only what changes: a boot storm asks ten thousand times.

    Parameters
    ----------
    database : Database
    rules : DoorRules
    digest_of : callable
        Hashes passwords.
    steady : callable
        A clock that never jumps [s].
    """

    def __init__(
        self,
        database: Database,
        rules: DoorRules,
        digest_of: Digest = digest,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._rules = rules
        self._digest_of = digest_of
        self._steady = steady
        self._doors: dict[str, Door] = {}
        self._version = 0
        self._read_at = -_FRESH_S
        self._schemes: Counter[KeyScheme] = Counter()
        self._decoy = new_decoy()
        self._reading = asyncio.Lock()
        self._costly = asyncio.Lock()
        """One costly hash at a time: guessing takes no more than one core, and no thread of the storage."""

    async def authenticate(self, shown: Credentials) -> bool:
        """Tell whether a station is who it says, and uses a profile that is high enough for it."""
        await self._refresh()
        door = self._doors.get(shown.station_id)
        least = self._rules.minimum_profile
        if door is not None:
            least = max(least, door.minimum_profile)
        proved = await self._proved(shown, door)
        if proved is None or proved < least:
            return False
        if proved > least:
            raised = partial(door_records.raise_profile, station_id=shown.station_id, profile=proved)
            await self._write(raised)
        return True

    async def set_key(self, station_id: str, key: str | None = None, *, at_once: bool = False) -> str:
        """Give a station a key, a random one unless given, and return it; nobody can read it again.

        The old key holds until the station has connected with the new one, unless ``at_once``.

        Raises
        ------
        InvalidInputError
            The station cannot have this name, or nobody this key.
        """
        check_station(station_id)
        if key is not None:
            check_key(key)
        scheme = KeyScheme.RANDOM if key is None else KeyScheme.CHOSEN
        chosen = key or new_key()
        new = NewKey(scheme, chosen, at_once, self._rules.common_key)
        await self._write(partial(door_records.set_key, station_id=station_id, new=new))
        return chosen

    async def expect_key(self, station_id: str, key: str, *, is_accepted: bool) -> None:
        """Take a key that a command gives to a station, before it is sent and after it was accepted.

        Before, a station that shows a key already may go on with it, in case that it refuses the new one. One
        that shows none gets its key when it has accepted it: until then it could not show any.

        Raises
        ------
        InvalidInputError
            Nobody can have this key.
        """
        check_key(key)
        await self._refresh()
        door = self._doors.get(station_id)
        keys = None if door is None else door.keys
        shows_one = keys is not None or bool(self._rules.common_key)
        if (shows_one or is_accepted) and await self._matching(key.encode(), keys) is None:
            await self.set_key(station_id, key)

    async def set_profile(self, station_id: str, profile: SecurityProfile) -> None:
        """Set the lowest profile that a station may use.

        Raises
        ------
        InvalidInputError
            The station cannot have this name.
        """
        check_station(station_id)
        await self._write(partial(door_records.set_profile, station_id=station_id, profile=profile))

    async def set_certificate_name(self, station_id: str, name: str) -> None:
        """Set the common name of a station's certificate, where it is not the station's identity.

        Raises
        ------
        InvalidInputError
            The station cannot have this name.
        """
        check_station(station_id)
        await self._write(partial(door_records.set_certificate_name, station_id=station_id, name=name))

    async def _proved(self, shown: Credentials, door: Door | None) -> SecurityProfile | None:
        """Return the profile by which a station has proved who it is; None where it has not."""
        if shown.subject is not None:
            name = shown.station_id if door is None else door.certificate_name or shown.station_id
            return shown.profile if shown.subject.belongs_to(name, self._rules.organisation) else None
        keys = None if door is None else door.keys
        common_key = canonical(self._rules.common_key.encode())
        is_common = hmac.compare_digest(canonical(shown.password or b""), common_key)
        found = await self._matching(shown.password, keys)
        if keys is not None and found == _NEXT:
            used = keys.keys[_NEXT].digest
            await self._write(partial(door_records.use_next_key, station_id=shown.station_id, digest=used))
        if keys is not None:
            return None if found is None else shown.profile
        if common_key and is_common:
            return shown.profile
        return SecurityProfile.NONE if self._is_open else None

    @property
    def _is_open(self) -> bool:
        """Whether a station without a key of its own need not show anything."""
        return self._rules.minimum_profile is SecurityProfile.NONE and not self._rules.common_key

    async def _matching(self, password: bytes | None, keys: HashedKeys | None) -> int | None:
        """Compare, on a thread of its own where it is costly."""
        compare = partial(matching_key, password, keys, decoy=self._decoy, digest_of=self._digest_of)
        if not self._schemes[KeyScheme.CHOSEN]:
            return compare(schemes=(KeyScheme.RANDOM,))
        quick = compare(schemes=(KeyScheme.RANDOM,))
        if quick is not None:
            return quick
        async with self._costly:
            return await asyncio.to_thread(compare, schemes=tuple(KeyScheme))

    async def _refresh(self) -> None:
        """Read what has changed, at most once a second."""
        async with self._reading:
            if self._steady() - self._read_at < _FRESH_S:
                return
            changed = await asyncio.to_thread(self._changed)
            self._read_at = self._steady()
        for door in changed:
            self._schemes.subtract(_schemes_of(self._doors.get(door.station_id)))
            self._schemes.update(_schemes_of(door))
            self._doors[door.station_id] = door
            self._version = max(self._version, door.version)

    def _changed(self) -> list[Door]:
        with self._database.read() as session:
            return door_records.changed_since(session, self._version)

    async def _write(self, work: Callable[[Session], Result]) -> Result:
        """Run a transaction on a thread, and read what it has changed."""

        def run() -> Result:
            with self._database.write() as session:
                return work(session)

        result = await asyncio.to_thread(run)
        self._read_at = -_FRESH_S
        await self._refresh()
        return result


def check_station(station_id: str) -> None:
    """Check the name of a station that is to get something.

    Raises
    ------
    InvalidInputError
        No station could connect under it.
    """
    if not is_identity(station_id):
        raise InvalidInputError((Issue("station", f"{station_id!r} is no identity of a station"),))


def _schemes_of(door: Door | None) -> tuple[KeyScheme, ...]:
    return () if door is None or door.keys is None else tuple(key.scheme for key in door.keys.keys)
