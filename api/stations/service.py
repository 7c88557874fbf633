"""What is done with what stations tell: it is stored, the site is planned again, and stations are answered.

All is stored before the station is answered, meter values too, so nothing is lost whenever the process is killed:
what was not stored was not answered, and is sent again. What many stations tell at the same time is stored in one
transaction.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from api.ocpp.events import (
    AuthorizationStatus,
    BootDecision,
    Booted,
    MeterValuesReceived,
    StatusChanged,
    TransactionDecision,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from api.ocpp.metering import MeterReading
from api.ocpp.notice_listener import NoticeListener
from api.ocpp.plausibility import ANY_EVSE_KW, MeterBounds, plausible
from api.ocpp.registry import Clock, Registry, utc_now
from api.stations import happenings, installed_profiles, repository, transactions
from api.stations.happenings import Event, Happening
from api.stations.meter_book import Metered
from api.stations.notices import KeptNotices
from api.stations.queued import is_queued
from api.storage import outbox
from api.storage.writer import GroupWriter


def _any_evse(_station_id: str, _evse_number: int) -> float:
    """Return the greatest power of an EVSE of which nothing is known [kW]."""
    return ANY_EVSE_KW


@dataclass(frozen=True, slots=True)
class Told:
    """Whom the service tells what has happened at a station, by its identity.

    Parameters
    ----------
    changed : callable
        Its site should be planned again.
    changed_late : callable
        Its site should be planned again once the station had the time to tell all that it has queued.
    arrived : callable
        It can be sent what it must know.
    began : callable
        A transaction has begun on an EVSE, by its number, that was never heard of.
    metered : callable
        An EVSE, by its number, has sent readings; those that cannot be true are left out.
    most_kw : callable
        Gives the greatest power of an EVSE, by its number [kW].
    """

    changed: Callable[[str], None]
    changed_late: Callable[[str], None]
    arrived: Callable[[str], Awaitable[None]]
    began: Callable[[str, int], None]
    metered: Callable[[str, int, tuple[MeterReading, ...]], None]
    most_kw: Callable[[str, int], float] = _any_evse


class StationService:
    """The gateway's listener.

    Parameters
    ----------
    writer : GroupWriter of Metered
    registry : Registry
    told : Told
    clock : callable
        Time of plans and stations.
    process : str
        Name of this process among those that stations connect to.
    notices : NoticeListener or None
        Hears what stations tell beyond transactions; None keeps it, and says no to what is asked.
    """

    def __init__(
        self,
        writer: GroupWriter[Metered],
        registry: Registry,
        told: Told,
        clock: Clock = utc_now,
        process: str = "",
        *,
        notices: NoticeListener | None = None,
    ) -> None:
        self.notices = notices or KeptNotices(writer, clock)
        self._writer = writer
        self._registry = registry
        self._told = told
        self._clock = clock
        self._process = process

    async def connected(self, station_id: str) -> None:
        """Send again what was on the way, install the fall-back, and plan with the station."""
        version = self._registry.capabilities(station_id).version.value
        now = self._clock()

        def note(session: Session) -> None:
            with session.no_autoflush:  # what a storm of others has told goes together, at the end
                repository.note_connected(session, station_id, version, now, self._process)
                outbox.release(session, station_id, utc_now())
            happenings.note(
                session, Event(Happening.STATION_CONNECTED, now, station_id, data={"version": version})
            )

        await self._writer.write(note)
        await self._told.arrived(station_id)
        self._told.changed(station_id)

    async def disconnected(self, station_id: str) -> None:
        """Note it; the station keeps to the profiles that it has."""
        now = self._clock()

        def note(session: Session) -> None:
            repository.note_lost(session, station_id, now, self._process)
            happenings.note(session, Event(Happening.STATION_DISCONNECTED, now, station_id))

        await self._writer.write(note)

    async def booted(self, station_id: str, event: Booted) -> BootDecision:
        """Take the station; it was authenticated when it connected."""
        now = self._clock()

        def note(session: Session) -> None:
            with session.no_autoflush:  # as above
                repository.note_boot(session, station_id, event, now)
            data = {"vendor": event.vendor, "model": event.model, "firmware": event.firmware_version}
            happenings.note(
                session,
                Event(Happening.STATION_BOOTED, now, station_id, data=data | {"reason": event.reason}),
            )

        await self._writer.write(note)
        return BootDecision()

    async def status_changed(self, station_id: str, event: StatusChanged) -> None:
        """Note the state of a connector."""
        now = self._clock()

        def note(session: Session) -> None:
            if repository.note_status(session, station_id, event, now):
                data = {
                    "evse": event.evse_number,
                    "connector": event.connector_number,
                    "status": event.status.value,
                    "error_code": event.error_code,
                }
                happenings.note(
                    session, Event(Happening.CONNECTOR_CHANGED, event.at or now, station_id, data=data)
                )

        await self._writer.write(note)

    async def authorize(self, station_id: str, id_token: str) -> AuthorizationStatus:
        """Accept every driver: who may charge is decided elsewhere so far."""
        del station_id, id_token
        return AuthorizationStatus.ACCEPTED

    async def transaction_started(self, station_id: str, event: TransactionStarted) -> TransactionDecision:
        """Note a transaction, and plan with it if it is new; one that was queued may be over already."""
        bounds = self._bounds(station_id, event.evse_number)
        transaction_id, is_new = await self._writer.write(
            lambda session: transactions.start(session, station_id, event, bounds)
        )
        if is_new:
            self._told.began(station_id, event.evse_number)
            tell = self._told.changed_late if is_queued(event, self._clock()) else self._told.changed
            tell(station_id)
        return TransactionDecision(transaction_id)

    async def transaction_updated(self, station_id: str, event: TransactionUpdated) -> None:
        """Note what has changed, the token of the driver above all."""
        bounds = self._bounds(station_id, event.evse_number)
        seen = await self._writer.write(
            lambda session: transactions.update(session, station_id, event, bounds)
        )
        self._told.metered(station_id, seen.evse_number, _believed(event.readings, bounds))
        if seen.is_placed:
            self._told.began(station_id, seen.evse_number)
        if seen.is_placed or seen.has_learned:
            self._told.changed(station_id)

    def meter_values(self, station_id: str, event: MeterValuesReceived) -> Awaitable[None]:
        """Keep readings; the next plan counts what was delivered, and until then they are acted upon."""
        bounds = self._bounds(station_id, event.evse_number)
        self._told.metered(station_id, event.evse_number, _believed(event.readings, bounds))
        return self._writer.hand_over(
            Metered(station_id, event.evse_number, event.transaction_id, event.readings, bounds)
        )

    async def transaction_ended(self, station_id: str, event: TransactionEnded) -> None:
        """Note the end, and plan without the car."""
        bounds = self._bounds(station_id, event.evse_number)

        def end(session: Session) -> None:
            transactions.end(session, station_id, event, bounds)
            installed_profiles.forget_transaction(session, station_id, event.transaction_id)

        await self._writer.write(end)
        self._told.changed(station_id)

    def _bounds(self, station_id: str, evse_number: int | None) -> MeterBounds:
        """Return what bounds the meter of an EVSE now."""
        return MeterBounds(self._clock(), self._told.most_kw(station_id, evse_number or 0))


def _believed(readings: tuple[MeterReading, ...], bounds: MeterBounds) -> tuple[MeterReading, ...]:
    """Return readings without what cannot be true."""
    return tuple(plausible(reading, bounds) for reading in readings)
