"""What is done with what stations tell: it is stored, the site is planned again, and stations are answered."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

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
from api.ocpp.notice_listener import HarmlessNotices
from api.ocpp.registry import Clock, Registry, utc_now
from api.stations import repository
from api.storage import outbox
from api.storage.engine import Database
from api.storage.tables import TransactionRow

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Told:
    """Whom the service tells what has happened at a station, by its identity.

    Parameters
    ----------
    changed : callable
        Its site should be planned again.
    arrived : callable
        It can be sent what it must know.
    began : callable
        A transaction has begun on an EVSE, by its number, that was never heard of.
    metered : callable
        An EVSE, by its number, has sent readings.
    """

    changed: Callable[[str], None]
    arrived: Callable[[str], Awaitable[None]]
    began: Callable[[str, int], None]
    metered: Callable[[str, int, tuple[MeterReading, ...]], None]


class StationService:
    """The gateway's listener.

    Parameters
    ----------
    database : Database
    registry : Registry
    told : Told
    clock : callable
        Time of plans and stations.
    """

    def __init__(self, database: Database, registry: Registry, told: Told, clock: Clock = utc_now) -> None:
        self.notices = HarmlessNotices()
        self._began = told.began
        self._database = database
        self._registry = registry
        self._changed = told.changed
        self._arrived = told.arrived
        self._metered = told.metered
        self._clock = clock

    async def connected(self, station_id: str) -> None:
        """Send again what was on the way, install the fall-back, and plan with the station."""
        version = self._registry.capabilities(station_id).version.value
        now = self._clock()

        def note(session: Session) -> None:
            repository.note_connected(session, station_id, version, now)
            outbox.release(session, station_id, utc_now())

        await self._write(note)
        await self._arrived(station_id)
        self._changed(station_id)

    async def disconnected(self, station_id: str) -> None:
        """Note it; the station keeps to the profiles that it has."""
        now = self._clock()
        await self._write(lambda session: repository.note_lost(session, station_id, now))

    async def booted(self, station_id: str, event: Booted) -> BootDecision:
        """Take the station; it was authenticated when it connected."""
        now = self._clock()
        await self._write(lambda session: repository.note_boot(session, station_id, event, now))
        return BootDecision()

    async def status_changed(self, station_id: str, event: StatusChanged) -> None:
        """Note the state of a connector."""
        now = self._clock()
        await self._write(lambda session: repository.note_status(session, station_id, event, now))

    async def authorize(self, station_id: str, id_token: str) -> AuthorizationStatus:
        """Accept every driver: who may charge is decided elsewhere so far."""
        del station_id, id_token
        return AuthorizationStatus.ACCEPTED

    async def transaction_started(self, station_id: str, event: TransactionStarted) -> TransactionDecision:
        """Note a transaction, and plan with it if it is new."""

        def start(session: Session) -> tuple[str, bool]:
            transaction_id, is_new = repository.start_transaction(session, station_id, event)
            self._note_readings(session, station_id, event.evse_number, transaction_id, event.readings)
            return transaction_id, is_new

        transaction_id, is_new = await self._write(start)
        if is_new:
            self._began(station_id, event.evse_number)
            self._changed(station_id)
        return TransactionDecision(transaction_id)

    async def transaction_updated(self, station_id: str, event: TransactionUpdated) -> None:
        """Note what has changed, the token of the driver above all."""

        def note(session: Session) -> tuple[bool, int | None, int]:
            row = repository.transaction(session, station_id, event.transaction_id)
            if row is None:
                return False, None, 0
            learned = event.id_token is not None and row.id_token != event.id_token
            row.id_token = event.id_token or row.id_token
            is_placed = repository.place_transaction(session, row, event.evse_number, event.at)
            self._note_readings(session, station_id, row.evse_number, event.transaction_id, event.readings)
            return learned, row.evse_number if is_placed else None, row.evse_number

        learned, placed_at, evse_number = await self._write(note)
        self._metered(station_id, evse_number, event.readings)
        if placed_at is not None:
            self._began(station_id, placed_at)
        if learned or placed_at is not None:
            self._changed(station_id)

    async def meter_values(self, station_id: str, event: MeterValuesReceived) -> None:
        """Store readings; the next plan counts what was delivered, and until then they are acted upon."""
        transaction_id, readings = event.transaction_id, event.readings
        await self._write(
            lambda session: self._note_readings(
                session, station_id, event.evse_number, transaction_id, readings
            )
        )
        self._metered(station_id, event.evse_number, readings)

    async def transaction_ended(self, station_id: str, event: TransactionEnded) -> None:
        """Note the end, and plan without the car."""

        def end(session: Session) -> None:
            row = repository.transaction(session, station_id, event.transaction_id)
            if row is None:
                return
            self._note_readings(session, station_id, row.evse_number, event.transaction_id, event.readings)
            repository.note_register(row, event.meter_stop_kwh)
            repository.end_transaction(row, event.at, event.reason)

        await self._write(end)
        self._changed(station_id)

    def _note_readings(
        self,
        session: Session,
        station_id: str,
        evse_number: int,
        transaction_id: str | None,
        readings: tuple[MeterReading, ...],
    ) -> None:
        row: TransactionRow | None = None
        if transaction_id is not None:
            row = repository.transaction(session, station_id, transaction_id)
        elif evse_number > 0:  # OCPP 1.6 leaves it open whether meter values name their transaction
            row = repository.running_at(session, station_id, evse_number)
        for reading in readings:
            repository.add_reading(session, station_id, evse_number, transaction_id, reading)
            if row is not None and (transaction_id is not None or reading.at >= row.started_at):
                repository.note_register(row, reading.energy_kwh)

    async def _write(self, work: Callable[[Session], Result]) -> Result:
        """Run a transaction on a thread, so that a waiting disk holds up no station."""

        def run() -> Result:
            with self._database.write() as session:
                return work(session)

        return await asyncio.to_thread(run)
