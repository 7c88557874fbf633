"""The whole way over real websockets: a plug becomes a plan, the plan a profile that the station keeps."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select

from api.examples import examples
from api.ocpp.capabilities import OcppVersion, RateUnit, StationCapabilities
from api.ocpp.charging_profile import ChargingProfile, ProfilePurpose
from api.ocpp.dialects import DIALECTS
from api.ocpp.events import MeterValuesReceived, TransactionStarted, TransactionUpdated
from api.ocpp.gateway import GatewaySettings
from api.ocpp.metering import MeterReading
from api.ocpp.periods import SchedulePeriod
from api.ocpp.registry import Registry
from api.planning.planner import Planner
from api.planning.profiles import BORDER_S
from api.planning.service import Decision
from api.planning.warm_up import pieces_of_warm_up
from api.stations import repository
from api.stations.documents import profile_in
from api.stations.network import ChargingNetwork, NetworkSettings
from api.stations.schemas import DeclarationWire, StandingWire
from api.stations.states import request_of
from api.storage.outbox import OutboxState
from api.storage.tables import ConnectorRow, OutboxRow, PlanRow, StationRow, TransactionRow
from benchmarks.station_v16 import Words16
from benchmarks.station_v21 import Words21
from benchmarks.station_v201 import Words201
from benchmarks.station_words import Reading, Words
from benchmarks.stations import VirtualStation
from models.errors import InvalidInputError

PATIENCE_S = 60.0
WORDS: dict[str, type[Words]] = {"north": Words16, "south": Words201}
ALL_WORDS = pytest.mark.parametrize(
    ("station_id", "words"),
    [("north", Words16), ("south", Words201), ("north", Words21)],
    ids=["1.6", "2.0.1", "2.1"],
)


def now():
    return datetime.now(UTC)


def standing(**changes):
    site = examples()["workplace"]["site"]
    site["nodes"][0]["limit_kw"] = 12.0
    document = {
        "site": site,
        "tariff": {"energy_per_kwh": 0.3},
        "horizon": {"step_minutes": 15, "slots": 24},
        "assumed": {"target_kwh": 20, "stay_hours": 4},
    }
    return StandingWire.model_validate(document | changes, strict=False)


@pytest.fixture(scope="module")
def planner():
    """A planner whose kernels are compiled, as `gridpilot serve` compiles them before it is ready."""
    planner = Planner()
    for work in pieces_of_warm_up(planner):
        work()
    yield planner
    planner.close()


@asynccontextmanager
async def running(database, planner, observer=None, port=0):
    settings = NetworkSettings(GatewaySettings(port=port, settle_s=0.2), replan_every_s=60, ramp_s=0.05)
    async with ChargingNetwork(database, planner, settings, observer=observer) as network:
        yield network


@asynccontextmanager
async def station_at(network, station_id, *left, words=None):
    site = standing().site.to_domain()
    [evses] = [station.evses for station in site.stations if station.station_id == station_id]
    station = VirtualStation(station_id, evses, (words or WORDS[station_id])(), now)
    for command in left:
        station.memory.keep(station.words.profile_in(command.payload))
    await station.connect(f"ws://127.0.0.1:{network.gateway.port}/ocpp")
    try:
        yield station
    finally:
        await station.close()


async def until(holds, what):
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():  # noqa: ASYNC110 - a database and a station raise no event
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"never happened: {what}")


async def installed(database, n_profiles=2):
    """Wait until stations hold the profiles beneath every plan: a default and a maximum each."""

    def confirmed():
        return sum(row.plan_id is None and row.state == OutboxState.SENT for row in rows(database, OutboxRow))

    await until(lambda: confirmed() >= n_profiles, "the fall-back is confirmed")


def settled(database, n_cars):
    """Whether the newest plan counts so many cars, and all that it says is confirmed.

    Between plans a car may be told more than once under the same plan: what it was told last counts.
    """
    messages = rows(database, OutboxRow)
    newest = max((row.plan_id for row in messages if row.plan_id is not None), default=None)
    of_newest = sorted(
        (row for row in messages if row.plan_id is not None and row.plan_id == newest),
        key=lambda row: row.outbox_id,
    )
    last = {(row.station_id, row.slot): row for row in of_newest}
    return len(last) == n_cars and all(row.state == OutboxState.SENT for row in last.values())


def rows(database, table):
    with database.read() as session:
        return session.scalars(select(table)).all()


@ALL_WORDS
def test_a_car_that_plugs_in_is_given_what_the_plan_says(database, planner, station_id, words):
    async def scenario():
        async with running(database, planner) as network:
            await network.put_site(standing())
            async with station_at(network, station_id, words=words) as station:
                await installed(database)
                assert station.pilot_a(1) == 0
                station.plug(1, "token")
                await until(lambda: station.pilot_a(1) > 0, "the car is given current")
                assert station.pilot_a(1) * 0.69 <= 12.0 + 1e-6
                station.tick({1: Reading(energy_kwh=1.5, power_kw=6.9, current_a=(10.0, 10.0, 10.0))})
                station.unplug(1)
                await until(
                    lambda: all(t.ended_at for t in rows(database, TransactionRow)), "the transaction ended"
                )

    asyncio.run(scenario())
    [transaction] = rows(database, TransactionRow)
    assert transaction.id_token == "token"
    [station] = rows(database, StationRow)
    assert (station.station_id, station.lost_at is None) == (station_id, False)
    assert rows(database, ConnectorRow)
    assert {row.state for row in rows(database, OutboxRow)} <= {OutboxState.SENT, OutboxState.SUPERSEDED}


def test_the_site_limit_is_shared_by_all_cars_of_all_versions(database, planner):
    async def scenario():
        async with running(database, planner) as network:
            await network.put_site(standing())
            async with station_at(network, "north") as north, station_at(network, "south") as south:
                await installed(database, 4)
                north.plug(1, "a")
                north.plug(2, "b")
                south.plug(1, "c")
                await until(lambda: len(rows(database, TransactionRow)) == 3, "all transactions began")
                await until(lambda: settled(database, 3), "a plan with all three is confirmed")
                return [north.pilot_a(1), north.pilot_a(2), south.pilot_a(1)]

    pilots_a = asyncio.run(scenario())
    assert 0 < sum(pilots_a) * 0.69 <= 12.0 + 1e-6


def test_a_profile_that_was_on_the_way_when_the_station_went_is_sent_again(database, planner):
    """The station goes deaf: its connection drops with the profile unconfirmed, and it comes back."""

    async def scenario():
        async with running(database, planner) as network:
            await network.put_site(standing())
            async with station_at(network, "north") as station:
                await installed(database)
                station.plug(1, "token")
                await until(lambda: rows(database, TransactionRow), "the transaction began")
                await station.close()  # the plan is made, and its profile waits or is lost
                await until(
                    lambda: any(row.slot == "1/TxProfile" for row in rows(database, OutboxRow)),
                    "a profile is queued",
                )
                assert station.pilot_a(1) == 0
                await station.connect(f"ws://127.0.0.1:{network.gateway.port}/ocpp")
                await until(lambda: station.pilot_a(1) > 0, "the profile arrived after all")

    asyncio.run(scenario())


def test_after_a_restart_the_outbox_is_delivered_and_sites_are_known(database, planner):
    async def before():
        async with running(database, planner) as network:
            await network.put_site(standing())
            async with station_at(network, "south"):
                await installed(database)

    async def after():
        async with running(database, planner) as network, station_at(network, "south") as station:
            await installed(database)
            station.plug(1, "token")
            await until(lambda: station.pilot_a(1) > 0, "the car is given current")

    asyncio.run(before())
    asyncio.run(after())


def test_what_a_driver_declares_is_planned_with(database, planner):
    decisions: list[Decision] = []

    async def scenario():
        async with running(database, planner, decisions.append) as network:
            await network.put_site(standing())
            said = DeclarationWire(departure=now() + timedelta(hours=2), target_kwh=7.5, n_phases=3)
            await network.declare("anna", said)
            async with station_at(network, "south") as station:
                await installed(database)
                station.plug(2, "anna")  # on one phase: more than that is not believed
                await until(lambda: station.pilot_a(2) > 0, "the car is given current")

    asyncio.run(scenario())
    session = [decision for decision in decisions if decision.request.state.sessions][
        -1
    ].request.state.sessions[0]
    assert (session.target_kwh, session.n_phases) == (7.5, 1)
    assert rows(database, PlanRow)[-1].answer["site_id"] == "workplace"


def test_a_site_that_cannot_be_planned_is_refused_and_not_stored(database, planner):
    async def scenario():
        async with running(database, planner) as network:
            with pytest.raises(InvalidInputError, match="Mars"):
                await network.put_site(standing(site=examples()["workplace"]["site"] | {"zone": "Mars/Base"}))
            return await network.newest_plan("workplace")

    assert asyncio.run(scenario()) is None


def begun(database, station_id, version, **event):
    """Store a station that is away, and a transaction that runs there."""
    with database.write() as session:
        repository.note_connected(session, station_id, version, now())
        repository.start_transaction(session, station_id, TransactionStarted(**event))


def test_after_a_restart_a_site_is_planned_before_its_stations_are_back(database, planner):
    """A transaction of OCPP 2.0.1 has a name that 1.6 cannot write."""
    begun(database, "south", "ocpp2.0.1", evse_number=1, at=now(), transaction_id="no-number", id_token="a")

    async def scenario():
        async with running(database, planner) as network:
            await network.put_site(standing())
            await network.plan_now("workplace")

    asyncio.run(scenario())
    assert rows(database, PlanRow)


def test_a_transaction_ends_when_its_station_comes_back_with_another_protocol(database, planner):
    """Its name means nothing there, and could not even be written."""
    begun(database, "south", "ocpp2.0.1", evse_number=1, at=now(), transaction_id="no-number", id_token="a")
    with database.write() as session:
        repository.note_connected(session, "south", "ocpp1.6", now())

    async def scenario():
        async with running(database, planner) as network:
            await network.put_site(standing())
            await network.plan_now("workplace")

    asyncio.run(scenario())
    assert rows(database, TransactionRow)[0].ended_at is not None


@pytest.mark.parametrize("year", [1, 1970, 2099, 9999])
def test_a_station_whose_clock_is_wrong_does_not_keep_its_site_from_being_planned(database, planner, year):
    at = datetime(year, 12, 31, 23, 59, tzinfo=UTC)
    begun(database, "north", "ocpp1.6", evse_number=1, at=at, id_token="a")

    async def scenario():
        async with running(database, planner) as network:
            await network.put_site(standing())
            await network.plan_now("workplace")

    asyncio.run(scenario())


def test_a_driver_who_promises_more_than_they_want_does_not_keep_a_site_from_being_planned(database, planner):
    begun(database, "north", "ocpp1.6", evse_number=1, at=now(), id_token="a")

    async def scenario():
        async with running(database, planner) as network:
            await network.put_site(standing())
            departure = now() + timedelta(hours=2)
            await network.declare("a", DeclarationWire(departure=departure, target_kwh=1.0, minimum_kwh=2.0))
            await network.plan_now("workplace")

    asyncio.run(scenario())


def test_a_limit_in_watt_is_written_for_the_voltage_of_the_site():
    site = examples()["workplace"]["site"] | {"voltage_v": 120.0}
    registry = Registry()
    watt = StationCapabilities(OcppVersion.V16, frozenset({RateUnit.POWER}))
    registry.expect("north", watt)
    request = request_of(standing(site=site), [], now(), registry)
    assert request.capabilities["north"].voltage_v == 120.0


def test_a_transaction_that_names_its_evse_later_is_planned_then(database, planner):
    """In OCPP 2.0.1 a transaction may begin with the driver's token, before a cable is plugged in anywhere."""

    async def scenario():
        async with running(database, planner) as network:
            await network.put_site(standing())
            service = network.service
            network.registry.expect("south", StationCapabilities(OcppVersion.V201))
            for name in ("first", "second"):
                await service.transaction_started("south", TransactionStarted(0, now(), name, "token"))
            await service.transaction_updated("south", TransactionUpdated("first", now(), evse_number=1))
            await service.transaction_updated("south", TransactionUpdated("second", now(), evse_number=2))

    asyncio.run(scenario())
    told = {row.transaction_id: (row.evse_number, row.ended_at) for row in rows(database, TransactionRow)}
    assert told == {"first": (1, None), "second": (2, None)}


def test_meter_values_that_name_no_transaction_count_for_the_one_that_runs(database, planner):
    an_hour_ago = now() - timedelta(hours=1)
    begun(database, "north", "ocpp1.6", evse_number=1, at=an_hour_ago, id_token="a", meter_start_kwh=10.0)

    async def scenario():
        async with running(database, planner) as network:
            await network.put_site(standing())
            before = MeterReading(now() - timedelta(hours=2), energy_kwh=99.0)
            readings = (before, MeterReading(now(), energy_kwh=12.5))
            await network.service.meter_values("north", MeterValuesReceived(1, readings))
            await network.service.meter_values("north", MeterValuesReceived(2, readings))

    asyncio.run(scenario())
    [transaction] = rows(database, TransactionRow)
    assert transaction.delivered_kwh == 2.5


def test_a_plan_that_is_told_lowers_before_the_slot_ends_and_raises_after_it(database, planner):
    begun(database, "north", "ocpp1.6", evse_number=1, at=now(), id_token="a")

    async def scenario():
        async with running(database, planner) as network:
            await network.put_site(standing())
            await network.plan_now("workplace")

    asyncio.run(scenario())
    told = [profile_in(row.profile) for row in rows(database, OutboxRow) if row.plan_id is not None]
    borders = [
        (profile.start + timedelta(seconds=after.start_s), after.limit > before.limit)
        for profile in told
        for before, after in pairwise(profile.periods)
    ]
    assert borders
    for at, rises in borders:
        assert (at + timedelta(seconds=-BORDER_S if rises else BORDER_S)).timestamp() % 900 == 0


@ALL_WORDS
def test_profiles_that_somebody_else_left_at_a_station_are_cleared_when_it_comes_first(
    database, planner, station_id, words
):
    def left(evse_number, purpose):
        foreign = ChargingProfile(
            900 + evse_number,
            purpose,
            evse_number,
            7,
            RateUnit.CURRENT,
            now(),
            None,
            (SchedulePeriod(0, 32.0, 3),),
        )
        return DIALECTS[OcppVersion(words.subprotocol)].encode_profile(foreign)

    async def scenario():
        async with running(database, planner) as network:
            await network.put_site(standing())
            foreign = left(1, ProfilePurpose.TX_DEFAULT)
            async with station_at(network, station_id, foreign, words=words) as station:
                await installed(database)
                assert 900 not in {held.profile_id // 100 * 100 for held in station.memory.held}
                ours = station.memory.held
                await station.close()
                await station.connect(f"ws://127.0.0.1:{network.gateway.port}/ocpp")
                await installed(database, 4)
                assert {held.profile_id for held in station.memory.held} == {held.profile_id for held in ours}

    asyncio.run(scenario())
