"""Between plans, over real websockets: what a car does not use is taken back from it and given to another."""

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.ocpp.gateway import GatewaySettings
from api.ocpp.metering import MeterReading
from api.ocpp.registry import Registry
from api.stations.between import BetweenPlans, SiteDesk
from api.stations.network import ChargingNetwork, NetworkSettings
from api.stations.seen import SiteSigns
from api.stations.states import request_of
from api.storage.tables import OutboxRow, PlanRow
from benchmarks.station_words import Reading
from benchmarks.stations import StationSettings, VirtualStation
from models.state import Conduct, StationCondition
from optimizer.fast import Sign
from tests.api.stations.test_network import (
    PATIENCE_S,
    WORDS,
    installed,
    planner,
    rows,
    settled,
    standing,
    until,
)

__all__ = ["planner"]  # the fixture

SPEED = 30.0
START = datetime(2026, 6, 1, 8, 1, tzinfo=UTC)
LIMIT_KW = 12.0
KW_PER_A = 0.69


class Quick:
    """A clock that runs thirty times as fast as the wall's."""

    def __init__(self):
        self._began = time.monotonic()

    def __call__(self):
        return START + timedelta(seconds=SPEED * (time.monotonic() - self._began))


class World:
    """Two stations with a car each, over websockets; the cars draw what the test says, at most their pilots."""

    def __init__(self, stations, clock):
        self.stations = stations
        self._clock = clock
        self.wants_a = {"north": 32.0, "south": 32.0}
        self.energy_kwh = dict.fromkeys(stations, 0.0)

    @property
    def pilots_a(self):
        return {name: station.pilot_a(1) for name, station in self.stations.items()}

    def tick(self):
        pilots_a = self.pilots_a
        assert sum(pilots_a.values()) * KW_PER_A <= LIMIT_KW + 1e-6
        for name, station in self.stations.items():
            drawn_a = min(self.wants_a[name], pilots_a[name])
            self.energy_kwh[name] += drawn_a * KW_PER_A * 3.0 / 3600.0
            lines_a = (drawn_a, drawn_a, drawn_a)
            station.tick({1: Reading(self.energy_kwh[name], drawn_a * KW_PER_A, lines_a)})

    async def let_pass(self, seconds):
        began = self._clock()
        await self.until(lambda: self._clock() >= began + timedelta(seconds=seconds), "time passes")

    async def until(self, holds, what):
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                self.tick()
                await asyncio.sleep(0.1)
        assert holds(), what


@asynccontextmanager
async def world(database, planner, look_every_s=0.3):
    clock = Quick()
    settings = NetworkSettings(
        GatewaySettings(port=0, settle_s=0.1), replan_every_s=600, ramp_s=0.3, look_every_s=look_every_s
    )
    async with ChargingNetwork(database, planner, settings, clock=clock) as network:
        await network.put_site(standing())
        site = standing().site.to_domain()
        evses = {station.station_id: station.evses for station in site.stations}
        every = StationSettings(meter_every=timedelta(seconds=10))
        stations = {
            name: VirtualStation(name, evses[name], words(), clock, every) for name, words in WORDS.items()
        }
        for station in stations.values():
            await station.connect(f"ws://127.0.0.1:{network.gateway.port}/ocpp")
        await installed(database, 4)
        try:
            yield network, World(stations, clock)
        finally:
            for station in stations.values():
                await station.close()


async def two_cars(database, network, here):
    """Plug in both cars; returns which of them was given more, and which less."""
    for name, station in here.stations.items():
        station.plug(1, name)
    await here.until(lambda: settled(database, 2), "a plan with both is confirmed")
    await until(lambda: network.is_quiet and any(here.pilots_a.values()), "all is told")
    return sorted(here.pilots_a, key=here.pilots_a.__getitem__, reverse=True)


def is_full(network, evse_id):
    """Whether the car at an EVSE is known to be full; what it leaves may be handed on a look earlier."""
    signs = network._between.signs("workplace").of_session
    return [sign.is_full for name, sign in signs.items() if name.startswith(evse_id)] == [True]


def test_what_a_car_does_not_use_is_handed_on_without_a_new_plan(database, planner):
    async def scenario():
        async with world(database, planner) as (network, here):
            first, other = await two_cars(database, network, here)
            await here.let_pass(60)
            n_plans, before_a = len(rows(database, PlanRow)), here.pilots_a
            here.wants_a[first] = 0.0
            await here.until(lambda: here.pilots_a[other] > before_a[other] + 3.0, "the other is given more")
            assert here.pilots_a[first] < before_a[first]
            assert len(rows(database, PlanRow)) == n_plans
            await here.until(lambda: is_full(network, first), "who takes nothing counts as full")
            assert len(rows(database, PlanRow)) == n_plans
            await network.plan_now("workplace")
            await here.until(lambda: network.is_quiet and settled(database, 2), "a new plan is confirmed")
            return here.pilots_a, first, other

    pilots_a, first, other = asyncio.run(scenario())
    assert pilots_a[first] == 0.0
    assert pilots_a[other] > 15.0


def test_where_nobody_looks_between_plans_they_alone_are_told(database, planner):
    async def scenario():
        async with world(database, planner, look_every_s=float("inf")) as (network, here):
            first, _ = await two_cars(database, network, here)
            before_a = here.pilots_a
            here.wants_a[first] = 0.0
            await here.let_pass(90)
            assert here.pilots_a == before_a
            assert network._between.signs("workplace") == SiteSigns()

    asyncio.run(scenario())


# --- the parts ------------------------------------------------------------------------------------


def request(*evse_ids, hours=1.0):
    cars = [
        SimpleNamespace(
            transaction=SimpleNamespace(
                station_id="north",
                evse_number=number,
                started_at=START,
                transaction_id=str(number),
                delivered_kwh=2.0,
            ),
            declaration=None,
        )
        for number, _ in enumerate(evse_ids, start=1)
    ]
    return request_of(standing(), cars, START + timedelta(hours=hours), Registry(lambda: START))  # type: ignore[arg-type] # rows as records


def test_a_plan_believes_what_meters_showed():
    seen = {
        "north/1": Sign(10.0, is_full=False, n_phases=1),
        "north/2": Sign(None, is_full=True, n_phases=None),
    }
    deaf = StationCondition("north", Conduct.NOT_FOLLOWING)
    gone = StationCondition("west", Conduct.NOT_FOLLOWING)
    state = SiteSigns(seen, (deaf, gone)).on(request("a", "b")).state
    slow, full = state.sessions
    assert (slow.max_current_a, slow.n_phases, slow.target_kwh) == (10.0, 1, 20.0)
    assert (full.target_kwh, full.minimum_kwh, full.delivered_kwh) == (2.0, 0.0, 2.0)
    assert state.conditions == (deaf,)


def test_a_car_of_which_nothing_was_seen_is_planned_as_it_was():
    plain = request("a")
    assert SiteSigns().on(plain).state == plain.state


@given(evse_number=st.integers(0, 9), amperes=st.lists(st.one_of(st.none(), st.floats(0, 40)), max_size=3))
def test_readings_of_any_evse_are_taken_or_left(evse_number, amperes):
    desk = SiteDesk(standing().site.to_domain(), lambda *_: None, Registry(lambda: START))
    readings = tuple(MeterReading(START + timedelta(hours=9), current_a=(a, None, None)) for a in amperes)
    desk.meter("north", evse_number, readings, START)
    assert sum(part.evse.size for part in desk._samples) in {0, len(readings)}
    assert all(part.at_s.max() <= START.timestamp() for part in desk._samples)
    assert desk.decide(START) == ()


def test_before_a_sites_first_plan_there_is_nothing_to_look_at():
    desks = BetweenPlans(SimpleNamespace(), lambda *_: None, Registry(lambda: START), lambda: START)
    desks.meter("workplace", "north", 1, (MeterReading(START),))
    assert not asyncio.run(desks.look("workplace"))
    assert desks.signs("workplace") == SiteSigns()


@pytest.mark.parametrize("is_newest", [True, False])
def test_a_change_of_a_plan_is_queued_only_while_the_plan_is_the_newest(database, planner, is_newest):
    from api.planning.service import decide
    from api.stations.queue import PlanQueue

    queue, decision = PlanQueue(database), decide(planner, request("a"))
    queue.store(decision)
    told = [one for one in decision.profiles if one.profile.transaction_id is not None]
    if not is_newest:
        later = replace(decision.plan, made_at=decision.plan.made_at + timedelta(minutes=1))
        queue.store(replace(decision, plan=later, profiles=()))
    assert queue.amend(decision, told) is is_newest
    assert len(rows(database, OutboxRow)) == (2 if is_newest else 1)
