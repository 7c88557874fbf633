"""What stations ask for beyond transactions is planned with, and answered."""

import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from api.ocpp.charging_profile import ChargingProfile
from api.ocpp.notice_answers import DynamicUpdate, NeedsDecision, NeedsStatus, Verdict
from api.ocpp.notices import (
    CarScheduleTold,
    CertificateRequested,
    ChargingNeedsTold,
    DynamicUpdateAsked,
    ExternalLimitCleared,
    ExternalLimitSet,
    ReportPart,
)
from api.ocpp.registry import Clock, Registry
from api.ocpp.session_state import OurProtocolError
from api.stations import car_schedules, happenings, limits, needs
from api.stations.certificates import CertificateSigner, sign_and_send
from api.stations.happenings import Event, Happening
from api.stations.meter_book import Metered
from api.stations.notices import KeptNotices
from api.storage.writer import GroupWriter
from models.timegrid import aware_utc

_log = logging.getLogger(__name__)

_MOST: Final = 2**31


@dataclass(frozen=True, slots=True)
class NoticeHooks:
    """Whom these notices touch.

    Parameters
    ----------
    changed : callable
        The site of a station should be planned again.
    asked : callable
        An EVSE of a station is to be sent its profile, whatever it holds.
    has_evse : callable
        Tells whether a station of ours has an EVSE of this number.
    spawn : callable
        Runs something beside what stations say.
    """

    changed: Callable[[str], None]
    asked: Callable[[str, int], None]
    has_evse: Callable[[str, int], bool]
    spawn: Callable[[Coroutine[Any, Any, None]], None]


class AnsweredNotices(KeptNotices):
    """Keeps what is told, and acts on what is asked: limits of others, needs of cars, certificates.

    Parameters
    ----------
    writer : GroupWriter of Metered
    registry : Registry
    hooks : NoticeHooks
    clock : callable
    signer : CertificateSigner or None
        Signs what stations ask to have signed; None refuses.
    """

    def __init__(
        self,
        writer: GroupWriter[Metered],
        registry: Registry,
        hooks: NoticeHooks,
        clock: Clock,
        signer: CertificateSigner | None = None,
    ) -> None:
        super().__init__(writer, clock)
        self._registry, self._hooks, self._signer = registry, hooks, signer

    async def reported(self, station_id: str, event: ReportPart) -> None:
        """Keep a part of a report; one whose numbers nobody can have asked for is passed over."""
        if _is_number(abs(event.request_id)) and _is_number(event.number or 0):
            await super().reported(station_id, event)
        if event.limit is not None:
            await self.limit_set(station_id, event.limit)

    # --- smart charging ---------------------------------------------------------------------------

    async def limit_set(self, station_id: str, event: ExternalLimitSet) -> None:
        """Store the limit, and plan with it; a station that does not say how much it is, is asked (K09)."""
        now = self._clock()
        if not _is_number(event.evse_number):
            return
        data = {"source": event.source, "evse": event.evse_number, "grid_critical": event.is_grid_critical}

        def note(session: Session) -> None:
            limits.keep(session, station_id, event, now)
            happenings.note(session, Event(Happening.LIMIT_EXTERNAL, now, station_id, data=data))

        await self._writer.write(note)
        self._hooks.changed(station_id)
        if not (event.schedules or event.is_local_generation):
            self._hooks.spawn(self._ask_limit(station_id, event))

    async def _ask_limit(self, station_id: str, event: ExternalLimitSet) -> None:
        """Have a station report how much somebody else allows."""
        link = self._registry.link(station_id)
        request_id = int(self._clock().timestamp()) % _MOST
        query = None if link is None else link.dialect.encode_limit_query(event, request_id)
        if link is None or query is None:
            return
        try:
            await link.call(query)
        except OurProtocolError as error:  # it has come back with another version, that has no such source
            _log.info("%s is not asked about its limit: %s", station_id, error)

    async def limit_cleared(self, station_id: str, event: ExternalLimitCleared) -> None:
        """Forget the limit, and plan without it."""
        now = self._clock()
        if not _is_number(event.evse_number):
            return
        data = {"source": event.source, "evse": event.evse_number, "cleared": True}

        def note(session: Session) -> None:
            limits.forget(session, station_id, event)
            happenings.note(session, Event(Happening.LIMIT_EXTERNAL, now, station_id, data=data))

        await self._writer.write(note)
        self._hooks.changed(station_id)

    async def charging_needs(self, station_id: str, event: ChargingNeedsTold) -> NeedsDecision:
        """Plan with what a car asks for; its schedule follows as soon as the site is planned (K15.FR.03)."""
        now = self._clock()
        if not self._hooks.has_evse(station_id, event.evse_number):
            return NeedsDecision(NeedsStatus.NO_PROFILE, "UnknownEvse")
        is_running = await self._writer.write(lambda session: needs.keep(session, station_id, event, now))
        self._hooks.asked(station_id, event.evse_number)
        self._hooks.changed(station_id)
        return NeedsDecision(NeedsStatus.ACCEPTED if is_running else NeedsStatus.PROCESSING)

    async def car_schedule(self, station_id: str, event: CarScheduleTold) -> Verdict:
        """Agree to what stays within the profile that the car was given; else negotiate again (K15.FR.11)."""
        known = self._registry.record(station_id)
        installed = () if known is None else known.installed
        voltage_v = self._registry.capabilities(station_id).voltage_v
        if car_schedules.keeps_to(event, installed, voltage_v):
            return Verdict(is_accepted=True)
        self._hooks.asked(station_id, event.evse_number)
        self._hooks.changed(station_id)
        return Verdict(is_accepted=False, reason="LimitExceeded")

    async def dynamic_update(self, station_id: str, event: DynamicUpdateAsked) -> DynamicUpdate:
        """Return what the profile says now."""
        known = self._registry.record(station_id)
        installed = () if known is None else known.installed
        for profile in installed:
            if profile.profile_id == event.profile_id:
                return _present(profile, self._clock())
        return DynamicUpdate()

    # --- certificates -----------------------------------------------------------------------------

    async def certificate_requested(self, station_id: str, event: CertificateRequested) -> Verdict:
        """Have it signed, and send it afterwards (A02.FR.05)."""
        if self._signer is None:
            return Verdict(is_accepted=False, reason="NoSigner")
        self._hooks.spawn(self._sign(self._signer, station_id, event))
        return Verdict(is_accepted=True)

    async def _sign(self, signer: CertificateSigner, station_id: str, event: CertificateRequested) -> None:
        is_taken = await sign_and_send(signer, self._registry, station_id, event)
        data = {"action": "CertificateSigned", "taken": is_taken}
        await self._write_event(Event(Happening.STATION_SECURITY, self._clock(), station_id, data=data))

    async def _write_event(self, event: Event) -> None:
        await self._writer.write(lambda session: happenings.note(session, event))


def _is_number(number: int) -> bool:
    """Tell whether a number is one that an EVSE or a report can have, and that a database can keep."""
    return 0 <= number < _MOST


def _present(profile: ChargingProfile, now: datetime) -> DynamicUpdate:
    """Return what a profile says at a time: its first period before it begins."""
    elapsed_s = (aware_utc(now) - profile.start).total_seconds()
    begun = [period for period in profile.periods if period.start_s <= elapsed_s]
    period = begun[-1] if begun else profile.periods[0]
    return DynamicUpdate(period.limit, period.discharge_limit, period.setpoint)
