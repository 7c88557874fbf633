"""Which stations are there, what each can do, and the profiles that it is believed to hold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol, TypeAlias

from api.ocpp.capabilities import OcppVersion, StationCapabilities
from api.ocpp.charging_profile import ChargingProfile, ProfileSelection
from api.ocpp.dialects import Dialect
from api.ocpp.installed import with_installed, without_selected, without_transaction
from api.ocpp.quirks import with_kinds, with_quirks
from api.ocpp.session_events import CallAnswered, CallFailed, CallTimedOut, Oddity
from api.ocpp.wire import Command

Clock: TypeAlias = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time, aware UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class LinkClosed:
    """The connection has ended before the answer came; the station may or may not have acted."""


CallOutcome: TypeAlias = CallAnswered | CallFailed | CallTimedOut | LinkClosed


class Link(Protocol):
    """A connection to a station, as those see it that send commands."""

    @property
    def dialect(self) -> Dialect:
        """What the station speaks."""

    @property
    def oddities(self) -> Mapping[Oddity, int]:
        """What the station did over this connection that is counted."""

    async def call(self, command: Command) -> CallOutcome:
        """Send a command when those before it are answered, and wait for its own answer."""


@dataclass(frozen=True, slots=True)
class StationRecord:
    """What is known of a station.

    Parameters
    ----------
    capabilities : StationCapabilities
        Cautious until the station has told.
    is_online : bool
    since : datetime
        When it came, or went.
    installed : tuple of ChargingProfile
        Believed; a station keeps its profiles while it is away (1.6 E3.37).
    last_refusal : str
        Why it refused the last profile that it refused, in its own words.
    security_profile : int or None
        How it has proved who it is, as OCPP numbers it; None until it has connected to this process.
    """

    capabilities: StationCapabilities
    is_online: bool
    since: datetime
    installed: tuple[ChargingProfile, ...] = ()
    last_refusal: str = ""
    security_profile: int | None = None


class Registry:
    """The stations of one process."""

    def __init__(self, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._links: dict[str, Link] = {}
        self._records: dict[str, StationRecord] = {}

    def now(self) -> datetime:
        """Return the time, aware UTC."""
        return self._clock()

    def expect(
        self,
        station_id: str,
        capabilities: StationCapabilities,
        installed: tuple[ChargingProfile, ...] = (),
    ) -> None:
        """Note what a station that was here before this process can do and holds; it has not come back yet."""
        self._records.setdefault(
            station_id,
            StationRecord(capabilities, is_online=False, since=self._clock(), installed=installed),
        )

    def attach(self, station_id: str, link: Link, capabilities: StationCapabilities) -> Link | None:
        """Note a new connection, and return the one that it replaces; what was learned of the station stays."""
        known = self._records.get(station_id)
        if known is None or known.capabilities.version is not capabilities.version:
            known = StationRecord(capabilities, is_online=True, since=self._clock())
        self._records[station_id] = replace(known, is_online=True, since=self._clock())
        replaced = self._links.get(station_id)
        self._links[station_id] = link
        return replaced

    def detach(self, station_id: str, link: Link) -> bool:
        """Note that a connection has ended; False if a newer one had replaced it before."""
        if self._links.get(station_id) is not link:
            return False
        del self._links[station_id]
        self._update(station_id, is_online=False, since=self._clock())
        return True

    def link(self, station_id: str) -> Link | None:
        """Return the connection to a station that is there."""
        return self._links.get(station_id)

    def record(self, station_id: str) -> StationRecord | None:
        """Return what is known of a station that has ever been there."""
        return self._records.get(station_id)

    @property
    def n_links(self) -> int:
        """Number of stations that are there."""
        return len(self._links)

    def station_ids(self) -> tuple[str, ...]:
        """Return the stations that are there."""
        return tuple(self._links)

    def capabilities(self, station_id: str) -> StationCapabilities:
        """Return what a station can do; cautious for one that was never there."""
        known = self._records.get(station_id)
        return StationCapabilities(OcppVersion.V16) if known is None else known.capabilities

    def learn(self, station_id: str, capabilities: StationCapabilities) -> None:
        """Note what a station can do, less what its model is known not to do."""
        known = self._records.get(station_id)
        if known is not None:
            capabilities = with_kinds(capabilities, known.capabilities.quirks)
        self._update(station_id, capabilities=capabilities)

    def note_model(self, station_id: str, vendor: str, model: str, firmware: str = "") -> None:
        """Note which model a station is, and what is known of that."""
        known = self._records.get(station_id)
        if known is not None:
            self._update(station_id, capabilities=with_quirks(known.capabilities, vendor, model, firmware))

    def note_profile(self, station_id: str, security_profile: int) -> None:
        """Note how a station has proved who it is."""
        self._update(station_id, security_profile=security_profile)

    def note_installed(self, station_id: str, profile: ChargingProfile) -> None:
        """Note that a station has accepted a profile."""
        self._update(station_id, installed=with_installed(self._installed(station_id), profile))

    def note_cleared(self, station_id: str, selection: ProfileSelection) -> None:
        """Note that a station has cleared profiles."""
        self._update(station_id, installed=without_selected(self._installed(station_id), selection))

    def note_transaction_ended(self, station_id: str, transaction_id: str) -> None:
        """Note that a transaction is over, and its profiles with it."""
        self._update(station_id, installed=without_transaction(self._installed(station_id), transaction_id))

    def note_refused(self, station_id: str, reason: str) -> None:
        """Note why a station has refused a profile."""
        self._update(station_id, last_refusal=reason)

    def _installed(self, station_id: str) -> tuple[ChargingProfile, ...]:
        known = self._records.get(station_id)
        return () if known is None else known.installed

    def _update(self, station_id: str, **changes: object) -> None:
        """Replace fields of a record; a station that was never there has none."""
        known = self._records.get(station_id)
        if known is not None:
            self._records[station_id] = replace(known, **changes)  # type: ignore[arg-type] # checked by the callers
