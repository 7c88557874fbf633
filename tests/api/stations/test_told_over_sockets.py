"""Over real websockets: a limit of somebody else, and the needs of a car, are in the next profile."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from api.ocpp.events import TransactionStarted
from api.stations.queued import is_queued
from api.storage.station_tables import ChargingNeedsRow, ExternalLimitRow
from api.storage.tables import PlanRow, TransactionRow
from benchmarks.station_v21 import Words21
from benchmarks.station_v201 import Words201
from benchmarks.station_words import Payload, Saying, time_text
from tests.api.stations.test_network import (
    installed,
    now,
    planner,
    rows,
    running,
    standing,
    station_at,
    until,
)

__all__ = ["planner"]

AT = datetime(2026, 3, 3, 12, tzinfo=UTC)

SINCE_201 = pytest.mark.parametrize("words", [Words201, Words21], ids=["2.0.1", "2.1"])


@SINCE_201
def test_k12_and_k13_a_limit_of_an_energy_manager_is_planned_with_until_it_is_cleared(
    database, planner, words
):
    limit = {
        "id": 1,
        "startSchedule": time_text(now()),
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 8.0}],
    }
    told = {"chargingSchedule": [limit], "chargingLimit": {"chargingLimitSource": "EMS"}}
    answers: list[Payload] = []

    async def scenario():
        async with running(database, planner) as network:
            await network.put_site(standing())
            async with station_at(network, "north", words=words) as station:
                await installed(database)
                station.plug(1, "token")
                await until(lambda: station.pilot_a(1) > 8.0, "the car is given current")
                station.say(Saying("NotifyChargingLimit", told), answers.append)
                await until(lambda: 0 < station.pilot_a(1) <= 8.0, "the plan respects the limit")
                assert rows(database, ExternalLimitRow)
                cleared = {"chargingLimitSource": "EMS"}
                station.say(Saying("ClearedChargingLimit", cleared), answers.append)
                await until(lambda: station.pilot_a(1) > 8.0, "the limit is forgotten")

    asyncio.run(scenario())
    assert answers == [{}, {}]
    assert rows(database, ExternalLimitRow) == []


@SINCE_201
def test_k15_fr_03_and_07_needs_of_a_car_are_followed_by_a_schedule_that_it_can_read(
    database, planner, words
):
    needs = {
        "evseId": 1,
        "maxScheduleTuples": 2,
        "chargingNeeds": {
            "requestedEnergyTransfer": "AC_three_phase",
            "acChargingParameters": {
                "energyAmount": 3000,
                "evMinCurrent": 6,
                "evMaxCurrent": 10,
                "evMaxVoltage": 400,
            },
        },
    }
    answers: list[Payload] = []

    async def scenario():
        async with running(database, planner) as network:
            await network.put_site(standing())
            async with station_at(network, "north", words=words) as station:
                await installed(database)
                station.plug(1, "token")
                await until(lambda: station.pilot_a(1) > 10.0, "the car is given current")
                told = station.n_profiles
                station.say(Saying("NotifyEVChargingNeeds", needs), answers.append)
                await until(lambda: station.n_profiles > told, "a schedule follows")
                await until(lambda: 0 < station.pilot_a(1) <= 10.0, "the car's own limit holds")
                again = station.n_profiles
                station.say(Saying("NotifyEVChargingNeeds", needs), answers.append)
                await until(lambda: station.n_profiles > again, "a schedule follows though nothing is new")
                return [len(held.periods) for held in station.memory.held if held.transaction_id]

    n_periods = asyncio.run(scenario())
    assert [answer["status"] for answer in answers] == ["Accepted", "Accepted"]
    assert max(n_periods) <= 2
    [row] = rows(database, ChargingNeedsRow)
    assert (row.target_kwh, row.max_current_a, row.n_phases) == (3.0, 10.0, 3)


def test_c4_a_transaction_that_was_over_before_it_was_told_gets_no_profile(database, planner):
    """OCPP 1.6 tells a queued start as any other: only its time is old, and its end follows."""
    began = now() - timedelta(minutes=30)
    start = {"connectorId": 1, "idTag": "a", "meterStart": 0, "timestamp": time_text(began)}
    answers: list[Payload] = []

    async def scenario():
        async with running(database, planner) as network:
            await network.put_site(standing())
            async with station_at(network, "north") as station:
                await installed(database)
                await until(lambda: rows(database, PlanRow), "the site is planned as it was found")
                station.say(Saying("StartTransaction", start), answers.append)
                await until(lambda: answers, "the start is answered")
                await asyncio.sleep(0.5)  # ten times what a plan waits for, and longer than it takes
                end = {"meterStop": 5000, "timestamp": time_text(began + timedelta(minutes=9))}
                stop = {"transactionId": answers[0]["transactionId"]} | end
                station.say(Saying("StopTransaction", stop), answers.append)
                await until(lambda: len(answers) == 2, "the end is answered")
                await network.plan_now("workplace")
                return station.n_profiles

    n_beneath_all_plans = 2
    assert asyncio.run(scenario()) == n_beneath_all_plans
    [transaction] = rows(database, TransactionRow)
    assert (transaction.delivered_kwh, transaction.ended_at is None) == (5.0, False)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (TransactionStarted(1, AT - timedelta(minutes=1)), False),
        (TransactionStarted(1, AT - timedelta(minutes=3)), True),
        (TransactionStarted(1, AT, offline=True), True),
        (TransactionStarted(1, AT + timedelta(days=1)), False),
    ],
)
def test_c4_a_start_that_is_told_late_was_queued(event, expected):
    assert is_queued(event, AT) is expected
