"""What stations must be told goes into the outbox: with the plan that says it, or after a boot."""

from collections.abc import Iterable
from uuid import uuid4

from sqlalchemy.orm import Session

from api.ocpp.registry import Clock, utc_now
from api.planning.profiles import StationProfile
from api.planning.repository import add_plan, newest_plan_id
from api.planning.service import Decision
from api.stations import happenings
from api.stations.documents import document_of, slot_of
from api.stations.happenings import Event, Happening
from api.storage import outbox
from api.storage.engine import Database


class PlanQueue:
    """Stores plans, and queues their profiles in the same transaction.

    Only a running transaction is told its plan. The fall-back that every station holds keeps the other
    EVSEs at 0 A, so that a car that is plugged in waits for the plan that counts it.

    Parameters
    ----------
    database : Database
    wall_clock : callable
        Time in which messages are retried; it runs as fast as the network, whatever the plans' clock does.
    """

    def __init__(self, database: Database, wall_clock: Clock = utc_now) -> None:
        self._database = database
        self._wall_clock = wall_clock

    def store(self, decision: Decision) -> None:
        """Store a plan and queue its profiles."""
        running = [told for told in decision.profiles if told.profile.transaction_id is not None]
        with self._database.write() as session:
            plan_id = add_plan(session, decision)
            outbox.drop_older_plans(session, decision.plan.site_id, plan_id, self._wall_clock())
            self._put(session, running, f"plan {plan_id}", plan_id)
            plan = decision.plan
            data = {"plan_id": plan_id, "status": plan.report.status.value, "told": len(running)}
            happenings.note(session, Event(Happening.PLAN_MADE, plan.made_at, None, plan.site_id, data))

    def amend(self, decision: Decision, profiles: Iterable[StationProfile]) -> bool:
        """Queue profiles that change a plan, as part of it; tell whether it is still the newest of its site."""
        site_id, made_at = decision.plan.site_id, decision.plan.made_at
        with self._database.write() as session:
            plan_id = newest_plan_id(session, site_id, made_at)
            if plan_id is not None:
                self._put(session, profiles, f"plan {plan_id}, {uuid4().hex}", plan_id)
        return plan_id is not None

    def store_fallback(self, profiles: Iterable[StationProfile]) -> None:
        """Queue the fall-back of a station, anew after each boot."""
        with self._database.write() as session:
            self._put(session, profiles, f"boot {uuid4().hex}", None)

    def has_told(self, station_id: str) -> bool:
        """Tell whether a fall-back was ever queued for a station."""
        with self._database.read() as session:
            return outbox.is_known(session, station_id)

    def _put(
        self, session: Session, profiles: Iterable[StationProfile], cause: str, plan_id: int | None
    ) -> None:
        messages = (
            outbox.Message(
                key=f"{cause}: {told.station_id}, {slot_of(told.profile)}",
                station_id=told.station_id,
                slot=slot_of(told.profile),
                profile=document_of(told.profile),
                plan_id=plan_id,
            )
            for told in profiles
        )
        outbox.put(session, messages, self._wall_clock())
