"""The door of the gateway: every caller is admitted as a station, or gets one answer that tells nothing."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from api.ocpp.alarms import AlarmKind, Alarms
from api.ocpp.handshake import Caller, SecurityProfile, credentials_of, station_of_path
from api.ocpp.listener import Authenticator
from api.ocpp.throttle import Throttle, ThrottleSettings

_CHALLENGE: Final = MappingProxyType({"WWW-Authenticate": 'Basic realm="ocpp"'})
_ROOM_AGAIN_S: Final = 10
"""Who finds no room may ask again after so long [s]."""


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """What the door allows.

    Parameters
    ----------
    path : str
        Stations connect to ``{path}/{identity}``.
    connections : int
        Stations that may be connected at a time.
    half_open, half_open_per_address : int
        Connections that have not finished their hand-shake, in all and from one address.
    handshake_s : float
        A hand-shake that takes longer is given up [s].
    throttle : ThrottleSettings
    """

    path: str = "/ocpp"
    connections: int = 12_000
    half_open: int = 16_000
    half_open_per_address: int = 10_000
    handshake_s: float = 10.0
    throttle: ThrottleSettings = field(default_factory=ThrottleSettings)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A station has proved who it is."""

    station_id: str
    profile: SecurityProfile


@dataclass(frozen=True, slots=True)
class Refused:
    """An answer of HTTP to a caller that does not come in."""

    status: HTTPStatus
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Doorkeeper:
    """Decides who comes in.

    Parameters
    ----------
    authenticator : Authenticator
    alarms : Alarms
    settings : DoorSettings
    has_room : callable
        Tells whether a station may connect that has proved who it is.
    steady : callable
        A clock that never jumps [s].
    """

    def __init__(
        self,
        authenticator: Authenticator,
        alarms: Alarms,
        settings: DoorSettings,
        has_room: Callable[[str], bool],
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._authenticator = authenticator
        self._alarms = alarms
        self._settings = settings
        self._has_room = has_room
        self._steady = steady
        self.throttle = Throttle(settings.throttle)

    async def admit(self, caller: Caller) -> Admitted | Refused:
        """Decide on a caller.

        An address that has failed too often is not looked at any more. Unknown station and wrong password get
        the same answer for the same work, and fill the same books.
        """
        address = caller.address
        wait_s = self.throttle.address_wait_s(address, self._steady())
        if wait_s > 0.0:
            return self._later(wait_s, "")
        station_id = station_of_path(caller.target, self._settings.path)
        if station_id is None:
            self.throttle.failed(address, None, self._steady())
            return Refused(HTTPStatus.NOT_FOUND, "no such path\n")
        wait_s = self.throttle.identity_wait_s(address, station_id, self._steady())
        if wait_s > 0.0:
            return self._later(wait_s, station_id)
        return await self._judge(caller, station_id)

    async def _judge(self, caller: Caller, station_id: str) -> Admitted | Refused:
        """Let the authenticator decide."""
        shown = credentials_of(caller, station_id)
        if not await self._authenticator.authenticate(shown):
            self.throttle.failed(caller.address, station_id, self._steady())
            self._alarms.sound(AlarmKind.REFUSED, station_id, f"from {caller.address}")
            return Refused(HTTPStatus.UNAUTHORIZED, "not authorised\n", _CHALLENGE)
        if not self._has_room(station_id):
            self._alarms.sound(AlarmKind.CROWDED_OUT, station_id)
            again = {"Retry-After": str(_ROOM_AGAIN_S)}
            return Refused(HTTPStatus.SERVICE_UNAVAILABLE, "no room\n", again)
        self.throttle.succeeded(caller.address, station_id)
        return Admitted(station_id, shown.profile)

    def _later(self, wait_s: float, station_id: str) -> Refused:
        """Tell a caller to come back later."""
        self._alarms.sound(AlarmKind.THROTTLED, station_id)
        again = {"Retry-After": str(max(1, math.ceil(wait_s)))}
        return Refused(HTTPStatus.TOO_MANY_REQUESTS, "later\n", again)


class HalfOpen:
    """Counts connections whose hand-shake is not finished.

    Parameters
    ----------
    settings : DoorSettings
    """

    def __init__(self, settings: DoorSettings) -> None:
        self._settings = settings
        self._by_address: dict[str, int] = {}
        self._n = 0

    def __len__(self) -> int:
        return self._n

    def enter(self, address: str) -> bool:
        """Note a new connection; False if there is no room for it, and then it does not count."""
        known = self._by_address.get(address, 0)
        if self._n >= self._settings.half_open or known >= self._settings.half_open_per_address:
            return False
        self._by_address[address] = known + 1
        self._n += 1
        return True

    def leave(self, address: str) -> None:
        """Note that a hand-shake is finished, or was given up."""
        self._n -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]
