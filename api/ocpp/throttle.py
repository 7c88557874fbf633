"""Who fails at the door waits, longer every time; whoever proved who it is does not.

Failures are counted by address and by identity. An identity that an attacker tries is closed to strangers only:
the address that it last came from stays open to it, or guessing would lock honest stations out. Many stations may
share one address, so an address may fail more often before it waits. Both books hold a bounded number of entries
and forget the oldest.
"""

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

_V6_NETWORK_BITS: Final = 64
"""Whoever has one address of IPv6 has a network of so many bits' prefix."""

_MOST_DOUBLINGS: Final = 16


@dataclass(frozen=True, slots=True)
class ThrottleSettings:
    """How patient the door is.

    Parameters
    ----------
    address_failures, identity_failures : int
        So many are free.
    first_wait_s, longest_wait_s : float
        The wait after the first failure that is not free, doubled by each one after it [s].
    forgiven_after_s : float
        Without a failure for so long, all are forgotten [s].
    entries : int
        Addresses, identities and known homes that are remembered, each.
    """

    address_failures: int = 100
    identity_failures: int = 5
    first_wait_s: float = 1.0
    longest_wait_s: float = 600.0
    forgiven_after_s: float = 3600.0
    entries: int = 20_000


@dataclass(frozen=True, slots=True)
class _Failures:
    count: int
    last_at: float
    closed_until: float


class _Book:
    """Failures by name; bounded."""

    def __init__(self, free: int, settings: ThrottleSettings) -> None:
        self._free = free
        self._settings = settings
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def __len__(self) -> int:
        return len(self._failures)

    def wait_s(self, name: str, now: float) -> float:
        """Return how long a name has still to wait [s]."""
        known = self._failures.get(name)
        return 0.0 if known is None else max(0.0, known.closed_until - now)

    def failed(self, name: str, now: float) -> None:
        """Note one more failure."""
        known = self._failures.pop(name, None)
        is_old = known is None or now - known.last_at > self._settings.forgiven_after_s
        count = 1 if known is None or is_old else known.count + 1
        self._failures[name] = _Failures(count, now, now + self._wait_after(count))
        if len(self._failures) > self._settings.entries:
            self._failures.popitem(last=False)

    def forget(self, name: str) -> None:
        """Forget the failures of a name."""
        self._failures.pop(name, None)

    def _wait_after(self, count: int) -> float:
        doublings = count - self._free - 1
        if doublings < 0:
            return 0.0
        wait_s = self._settings.first_wait_s * 2.0 ** min(doublings, _MOST_DOUBLINGS)
        return min(wait_s, self._settings.longest_wait_s)


class Throttle:
    """Counts failures at the door; ``now`` is any steady clock [s]."""

    def __init__(self, settings: ThrottleSettings = ThrottleSettings()) -> None:
        self._addresses = _Book(settings.address_failures, settings)
        self._identities = _Book(settings.identity_failures, settings)
        self._homes: OrderedDict[str, str] = OrderedDict()
        self._entries = settings.entries

    @property
    def n_remembered(self) -> int:
        """Entries in memory."""
        return len(self._addresses) + len(self._identities) + len(self._homes)

    def address_wait_s(self, address: str, now: float) -> float:
        """Return how long an address has to wait, whatever it wants [s]."""
        return self._addresses.wait_s(_network(address), now)

    def identity_wait_s(self, address: str, station_id: str, now: float) -> float:
        """Return how long an identity is closed to an address [s]."""
        if self._homes.get(station_id) == _network(address):
            return 0.0
        return self._identities.wait_s(station_id, now)

    def failed(self, address: str, station_id: str | None, now: float) -> None:
        """Note a failure; ``station_id`` is None where the request named none."""
        self._addresses.failed(_network(address), now)
        if station_id is not None and self._homes.get(station_id) != _network(address):
            self._identities.failed(station_id, now)

    def succeeded(self, address: str, station_id: str) -> None:
        """Note that a station has proved who it is; its address stays open to it."""
        self._identities.forget(station_id)
        self._homes.pop(station_id, None)
        self._homes[station_id] = _network(address)
        if len(self._homes) > self._entries:
            self._homes.popitem(last=False)


def _network(address: str) -> str:
    """Return what one peer has of the address space."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _V6_NETWORK_BITS), strict=False))
