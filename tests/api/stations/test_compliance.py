"""Trust nothing "Accepted": a station that ignores its limit is flagged, counted at full power, and shown."""

import asyncio
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from api.ocpp.capabilities import RateUnit
from api.ocpp.charging_profile import ChargingProfile, ProfilePurpose
from api.ocpp.metering import MeterReading
from api.ocpp.periods import SchedulePeriod
from api.planning.service import Decision, decide
from api.stations.app import add_stations
from api.stations.between import SENDING, SiteDesk
from benchmarks.station_words import Reading
from models.state import Conduct, StationCondition
from optimizer.fast.signs import N_OBEYED
from tests.api.stations.test_between import KW_PER_A, START, World, request, two_cars, world
from tests.api.stations.test_network import planner, standing

__all__ = ["planner"]  # the fixture


def limited(limit_a):
    periods = (SchedulePeriod(0, limit_a, 3),)
    return ChargingProfile(1, ProfilePurpose.TX, 1, 0, RateUnit.CURRENT, START, None, periods, "1")


@pytest.mark.parametrize(("drawn_a", "ends_as"), [(20.0, Conduct.NOT_FOLLOWING), (8.0, None)])
def test_the_second_sample_above_a_limit_flags_a_station(planner, drawn_a, ends_as):
    told: list[tuple[str, Conduct | None]] = []
    present: Any = SimpleNamespace(link=lambda _: object())
    desk = SiteDesk(
        standing().site.to_domain(), lambda *_: (limited(8.0),), present, lambda *said: told.append(said)
    )
    decision = decide(planner, request("a"))
    now = decision.request.state.now
    desk.follow(decision, now)
    desk.decide(now := now + SENDING)
    for number in range(1, N_OBEYED + 1):
        now += 3 * SENDING  # longer than any car takes to follow
        desk.meter("north", 1, (MeterReading(now, current_a=(drawn_a, drawn_a, drawn_a)),), now)
        desk.decide(now)
        flagged = ("north", Conduct.NOT_FOLLOWING) in told
        assert flagged == (number >= 2 and ends_as is not None), f"after sample {number}"
    assert told[-1] == ("north", ends_as)


def test_who_did_not_follow_before_a_restart_counts_at_full_power_from_the_first_plan_on(database, planner):
    async def flag():
        async with world(database, planner) as (network, _):
            network.connectivity.conducted("north", Conduct.NOT_FOLLOWING)

    async def begin_again():
        decisions: list[Decision] = []
        async with world(database, planner) as (network, _):
            network._queue._observer = decisions.append
            await network.plan_now("workplace")
        return decisions[-1].request.state.conditions

    asyncio.run(flag())
    assert asyncio.run(begin_again()) == (StationCondition("north", Conduct.NOT_FOLLOWING),)


class DeafWorld(World):
    """One of the two stations accepts everything and obeys nothing."""

    deaf: str | None = None

    def tick(self):
        for name, station in self.stations.items():
            drawn_a = 16.0 if name == self.deaf else min(self.wants_a[name], self.pilots_a[name])
            self.energy_kwh[name] += drawn_a * KW_PER_A * 3.0 / 3600.0
            station.tick({1: Reading(self.energy_kwh[name], drawn_a * KW_PER_A, (drawn_a,) * 3)})


def test_a_deaf_station_is_shown_everywhere_and_counts_at_full_power_in_the_next_plan(database, planner):
    decisions: list[Decision] = []

    async def scenario():
        async with world(database, planner) as (network, plain):
            network._queue._observer = decisions.append
            here = DeafWorld(plain.stations, plain._clock)
            first, other = await two_cars(database, network, here)
            here.deaf = other  # the one that was to have less
            app = FastAPI()
            add_stations(app)
            app.state.network = network
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                await here.until(
                    lambda: other in network.connectivity.facts.not_following, "the deaf station is flagged"
                )
                assert first not in network.connectivity.facts.not_following
                n_before = len(decisions)
                network.trigger("workplace")
                await here.until(lambda: len(decisions) > n_before, "the next plan is made")
                await here.until(lambda: here.pilots_a[first] == 0.0, "nothing is left for the other one")
                return await shown(client, here, other), other

    (state, kinds, n_deaf), deaf = asyncio.run(scenario())
    conditions = decisions[-1].request.state.conditions
    assert StationCondition(deaf, Conduct.NOT_FOLLOWING) in conditions
    assert (state["conduct"], state["conduct_since"] is not None) == ("not_following", True)
    assert "station.not_following" in kinds
    assert n_deaf == 1


async def shown(client, here, name):
    """What the API shows of a station: its state, its events, and the figure."""
    page: dict[str, Any] = {}

    async def ask():
        page.update((await client.get(f"/v1/stations/{name}")).json())

    async with asyncio.timeout(60):
        while page.get("conduct") != "not_following":
            here.tick()
            await ask()
            await asyncio.sleep(0.1)
    events = (await client.get("/v1/events/recent?limit=1000")).json()["events"]
    kinds = [one["kind"] for one in events if one["station_id"] == name]
    figures = text_string_to_metric_families((await client.get("/metrics")).text)
    [deaf] = [one for one in figures if one.name == "gridpilot_stations_not_following"]
    return page, kinds, deaf.samples[0].value
