"""Delivery: what lowers comes first and gets through, whatever else waits, is late or breaks."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

from sqlalchemy.exc import OperationalError

from api.ocpp.capabilities import OcppVersion, StationCapabilities
from api.ocpp.charging_profile import ChargingProfile, ProfilePurpose
from api.ocpp.dialects import DIALECTS
from api.ocpp.periods import SchedulePeriod
from api.ocpp.profiles import RateUnit
from api.ocpp.registry import Registry
from api.ocpp.session_events import CallAnswered, CallTimedOut
from api.stations.delivery import Delivery
from api.stations.documents import document_of, slot_of
from api.storage import outbox
from api.storage.engine import Database
from api.storage.tables import PlanRow


class Panel:
    """Stations behind one fuse, and the current that each place was last told [A]."""

    def __init__(self, limit_a=1e6):
        self.limit_a = limit_a
        self.told_a = {}

    def tell(self, place, limit_a):
        self.told_a[place] = limit_a
        assert sum(self.told_a.values()) <= self.limit_a


class ScriptedLink:
    """A station that takes every profile; it can be made to wait before it answers, or to stay silent."""

    dialect = DIALECTS[OcppVersion.V16]

    def __init__(self, station_id, panel):
        self.station_id, self.panel = station_id, panel
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.is_silent = False
        self.n_calls = 0

    async def call(self, command):
        self.n_calls += 1
        await self.may_answer.wait()
        if self.is_silent:
            return CallTimedOut("1", command.action)
        period, *_ = command.payload["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"]
        if command.payload["csChargingProfiles"]["chargingProfilePurpose"] == "TxProfile":
            self.panel.tell((self.station_id, command.payload["connectorId"]), period["limit"])
        return CallAnswered("1", command.action, {"status": "Accepted"})


def now():
    return datetime.now(UTC)


def profile(evse_number, limit_a, purpose=ProfilePurpose.TX):
    is_tx = purpose is ProfilePurpose.TX
    return ChargingProfile(
        profile_id=evse_number * 10 + 1,
        purpose=purpose,
        evse_number=evse_number,
        stack_level=0,
        unit=RateUnit.CURRENT,
        start=now().replace(microsecond=0),
        duration_s=86_400 if is_tx else None,
        periods=(SchedulePeriod(0, limit_a, 3),),
        transaction_id="7" if is_tx else None,
    )


def plan(database, limits_a):
    """Store a plan that gives these limits [A] to these (station, EVSE)."""
    with database.write() as session:
        row = PlanRow(site_id="site", made_at=now(), status="feasible", answer={})
        session.add(row)
        session.flush()
        outbox.drop_older_plans(session, "site", row.plan_id, now())
        told = [(station_id, profile(number, a)) for (station_id, number), a in limits_a.items()]
        messages = [
            outbox.Message(
                f"{row.plan_id} {station_id} {slot_of(p)}",
                station_id,
                slot_of(p),
                document_of(p),
                row.plan_id,
            )
            for station_id, p in told
        ]
        outbox.put(session, messages, now())


def delivery_to(database, links, **options):
    """Return what delivers to stations that all hold their fall-back, and nothing else."""
    registry = Registry()
    for link in links:
        registry.attach(link.station_id, link, StationCapabilities(OcppVersion.V16))
    delivery = Delivery(database, registry, ramp_s=0.0, **options)
    floors = [(link.station_id, profile(0, 0.0, ProfilePurpose.TX_DEFAULT)) for link in links]
    with database.write() as session:
        outbox.put(session, [outbox.Message(s, s, slot_of(p), document_of(p)) for s, p in floors], now())
    for link in links:
        for evse_number in (1, 2):
            delivery.began(link.station_id, evse_number)
    return delivery


async def delivered(delivery, rounds=8):
    for _ in range(rounds):
        await delivery.deliver()


def test_what_lowers_gets_through_however_many_messages_wait_for_it(database):
    async def scenario():
        panel = Panel()
        links = [ScriptedLink(f"{number:03}", panel) for number in range(130)]
        places = [(link.station_id, 1) for link in links]
        delivery = delivery_to(database, links)
        plan(database, dict.fromkeys(places[:-1], 6.0) | {places[-1]: 32.0})
        await delivered(delivery)
        panel.limit_a = sum(panel.told_a.values())
        plan(database, dict.fromkeys(places[:-1], 6.2) | {places[-1]: 6.0})
        await delivered(delivery)
        return panel.told_a[places[-1]], panel.told_a[places[0]]

    assert asyncio.run(scenario()) == (6.0, 6.2)


def test_nobody_rises_while_an_older_raise_still_waits_its_turn_at_a_slow_station(database):
    async def scenario():
        panel = Panel(limit_a=24.0)
        slow, other = ScriptedLink("slow", panel), ScriptedLink("other", panel)
        delivery = delivery_to(database, [slow, other])
        plan(database, {("slow", 1): 6.0, ("slow", 2): 10.0, ("other", 1): 6.0})
        await delivered(delivery)
        plan(database, {("slow", 1): 8.0, ("slow", 2): 16.0, ("other", 1): 0.0})
        await delivery.deliver()  # the other one is lower now, the slow one may rise
        slow.may_answer.clear()
        rising = asyncio.create_task(delivery.deliver())
        while slow.n_calls < 3:  # noqa: ASYNC110 - a station raises no event
            await asyncio.sleep(0.01)
        plan(database, {("slow", 1): 8.0, ("slow", 2): 10.0, ("other", 1): 6.0})
        again = asyncio.create_task(delivery.deliver())
        await asyncio.sleep(0.1)
        slow.may_answer.set()
        await rising
        await again
        await delivered(delivery)
        return panel.told_a

    assert asyncio.run(scenario()) == {("slow", 1): 8.0, ("slow", 2): 10.0, ("other", 1): 6.0}


def test_after_a_restart_a_station_that_is_away_counts_as_holding_what_it_was_told(database):
    """It holds up whoever would need what it holds, and nobody else."""

    async def scenario():
        panel = Panel(limit_a=20.0)
        there, away = ScriptedLink("there", panel), ScriptedLink("away", panel)
        before = delivery_to(database, [there, away])
        plan(database, {("there", 1): 6.0, ("away", 1): 10.0})
        await delivered(before)
        after = delivery_to(database, [there])
        await after.recall()
        plan(database, {("there", 1): 10.0, ("away", 1): 10.0})
        await delivered(after)
        shared = panel.told_a["there", 1]
        plan(database, {("there", 1): 14.0, ("away", 1): 6.0})
        await delivered(after)
        return shared, panel.told_a["there", 1]

    assert asyncio.run(scenario()) == (10.0, 10.0)


def test_after_a_restart_a_raise_that_was_tried_without_an_answer_counts_as_held(database):
    async def scenario():
        panel = Panel(limit_a=20.0)
        there, away = ScriptedLink("there", panel), ScriptedLink("away", panel)
        before = delivery_to(database, [there, away])
        plan(database, {("there", 1): 6.0, ("away", 1): 6.0})
        await delivered(before)
        away.is_silent = True  # it takes the profile, and its answer is lost
        plan(database, {("there", 1): 6.0, ("away", 1): 14.0})
        await delivered(before)
        panel.tell(("away", 1), 14.0)
        after = delivery_to(database, [there])
        await after.recall()
        plan(database, {("there", 1): 14.0, ("away", 1): 6.0})
        await delivered(after)
        return panel.told_a["there", 1]

    assert asyncio.run(scenario()) == 6.0


class FailingDatabase(Database):
    """Is busy for too long whenever it is told to be."""

    is_busy = False

    def write(self):
        if self.is_busy:
            raise OperationalError("BEGIN IMMEDIATE", {}, Exception("database is locked"))
        return super().write()


def test_a_database_that_was_busy_for_too_long_does_not_end_the_delivery(database):
    async def scenario():
        failing = FailingDatabase(database.url)
        link = ScriptedLink("north", Panel())
        delivery = delivery_to(failing, [link], poll_s=0.02)
        failing.is_busy = True
        running = asyncio.create_task(delivery.run())
        await asyncio.sleep(0.1)
        failing.is_busy = False
        plan(database, {("north", 1): 6.0})
        async with asyncio.timeout(60):
            while link.panel.told_a != {("north", 1): 6.0}:  # noqa: ASYNC110 - a station raises no event
                await asyncio.sleep(0.01)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        failing.close()
        return link.panel.told_a

    assert asyncio.run(scenario()) == {("north", 1): 6.0}
