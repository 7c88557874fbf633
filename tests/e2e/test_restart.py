"""The process is killed and started again: no transaction, no offline message and no profile record is lost."""

import asyncio
import contextlib
import itertools
import json
from datetime import UTC, datetime, timedelta

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from benchmarks.station_v16 import Words16
from benchmarks.station_v21 import Words21
from benchmarks.station_v201 import Words201
from benchmarks.station_words import Reading, Words
from benchmarks.stations import StationSettings, VirtualStation
from tests.api.stations.test_network import standing
from tests.e2e.service import PATIENCE_S, Service

pytestmark = pytest.mark.slow

WORDS: dict[str, type[Words]] = {"old": Words16, "middle": Words201, "new": Words21}
NETWORK_ERRORS = (OSError, WebSocketException, TimeoutError)


def now():
    return datetime.now(UTC)


def site():
    """A site with a station of every version, two EVSEs each."""
    document = standing().model_dump(mode="json")
    document["site"]["stations"] = [
        {
            "station_id": name,
            "node_id": "grid",
            "evses": [{"evse_id": f"{name}-{n}", "phases": ["L1", "L2", "L3"]} for n in (1, 2)],
        }
        for name in WORDS
    ]
    document["site"]["nodes"] = [{"node_id": "grid", "limit_kw": 100.0}]
    return document


def stations():
    wire = standing(site=site()["site"]).site.to_domain()
    every = StationSettings(meter_every=timedelta(seconds=0.5))
    return {
        one.station_id: VirtualStation(one.station_id, one.evses, WORDS[one.station_id](), now, every)
        for one in wire.stations
    }


async def back(station, service):
    """Connect as a station does after an outage: again and again."""
    is_there = False
    async with asyncio.timeout(PATIENCE_S):
        while not is_there:
            try:
                await station.close()
                await station.connect(service.ocpp_url)
                is_there = True
            except NETWORK_ERRORS:
                await asyncio.sleep(0.2)


async def until(holds, what):
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():  # noqa: ASYNC110 - a station raises no event
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"never happened: {what}")


class Cars:
    """Cars that draw what they are given."""

    def __init__(self, fleet):
        self.fleet = fleet
        self.energy_kwh = {(name, number): 100.0 for name in fleet for number in (1, 2)}

    async def charge(self):
        while True:
            for name, station in self.fleet.items():
                readings = {}
                for number in (1, 2):
                    drawn_a = station.pilot_a(number)
                    self.energy_kwh[name, number] += drawn_a * 0.69 * 0.2 / 3600
                    lines_a = (drawn_a, drawn_a, drawn_a)
                    readings[number] = Reading(self.energy_kwh[name, number], drawn_a * 0.69, lines_a)
                station.tick(readings)
            await asyncio.sleep(0.2)


def test_after_a_kill_in_the_middle_of_charging_all_goes_on_and_nothing_is_lost(new_url, tmp_path):
    service = Service(new_url(), tmp_path / "log.txt", GRIDPILOT_PLAN_EVERY_S="2")
    fleet = stations()

    async def scenario():
        await service.start()
        await service.ask("/v1/sites/workplace", site(), "PUT")
        for station in fleet.values():
            await station.connect(service.ocpp_url)
        charging = asyncio.create_task(Cars(fleet).charge())
        for station in fleet.values():
            station.plug(1, f"early-{station.station_id}")
        await until(lambda: all(one.pilot_a(1) > 0 for one in fleet.values()), "every car is given current")
        held = {name: await profiles_of(service, name) for name in fleet}
        await service.kill()

        # while nobody is there: one car leaves, another comes, all go on by what they hold
        assert all(station.pilot_a(1) > 0 for station in fleet.values())
        for station in fleet.values():
            station.unplug(1)
        began_again = now()
        await service.start()
        assert {name: await profiles_of(service, name) for name in fleet} == held
        for station in fleet.values():
            await back(station, service)
            station.plug(2, f"late-{station.station_id}")
        await until(
            lambda: all(one.pilot_a(2) > 0 for one in fleet.values()), "the new cars are given current"
        )
        await until(lambda: all(one.n_unsaid == 0 for one in fleet.values()), "all is said")
        for name in fleet:
            said = await service.until(f"/v1/stations/{name}", lambda one: one["online"])
            assert len(said["transactions"]) == 1
            shown = (await service.ask(f"/v1/stations/{name}/transactions"))["transactions"]
            told = [(one["evse"], one["ended_at"] is not None) for one in shown]
            assert told == [(2, False), (1, True)], name
        plan = await service.until(
            "/v1/sites/workplace/plan", lambda one: datetime.fromisoformat(one["made_at"]) > began_again
        )
        assert plan["site_id"] == "workplace"
        charging.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await charging
        for station in fleet.values():
            await station.close()
        assert await service.stop()

    try:
        asyncio.run(scenario())
    finally:
        asyncio.run(service.kill())


async def profiles_of(service, name):
    """The numbers of the profiles that a station is believed to hold, once they have been quiet for a while."""
    before = None
    while True:
        said = await service.ask(f"/v1/stations/{name}")
        present = sorted(one["profile_id"] for one in said["installed_profiles"])
        if present and present == before:
            return present
        before = present
        await asyncio.sleep(0.5)


class Restless:
    """A station of 1.6 that begins and ends transactions without a pause, and says again what was not answered."""

    def __init__(self, name, url):
        self.name, self.url = name, url
        self.begun, self.ended = {}, set()
        self._calls = itertools.count()

    async def run(self):
        for number in itertools.count():
            start = {
                "connectorId": 1,
                "idTag": f"{self.name}-{number}",
                "meterStart": number,
                "timestamp": (now() + timedelta(milliseconds=number)).isoformat(timespec="milliseconds"),
            }
            answer = await self.said("StartTransaction", start)
            self.begun[start["idTag"]] = answer["transactionId"]
            stop = {"transactionId": answer["transactionId"], "meterStop": number + 7}
            await self.said("StopTransaction", stop | {"timestamp": start["timestamp"]})
            self.ended.add(start["idTag"])

    async def said(self, action, payload):
        """Say something until it is answered, over however many connections."""
        while True:
            try:
                async with asyncio.timeout(5), self.connected() as socket:
                    message_id = str(next(self._calls))
                    await socket.send(json.dumps([2, message_id, action, payload]))
                    while True:
                        frame = json.loads(await socket.recv())
                        if frame[:2] == [3, message_id]:
                            return frame[2]
                        if frame[0] == 2:
                            await socket.send(json.dumps([4, frame[1], "NotSupported", "", {}]))
            except NETWORK_ERRORS:
                await self.drop()
                await asyncio.sleep(0.05)

    async def drop(self):
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close()

    _socket = None

    @contextlib.asynccontextmanager
    async def connected(self):
        if self._socket is None:
            self._socket = await connect(
                f"{self.url}/{self.name}", subprotocols=[Subprotocol("ocpp1.6")], open_timeout=2
            )
        yield self._socket


def test_whatever_was_answered_is_stored_once_at_whatever_moment_the_process_is_killed(new_url, tmp_path):
    service = Service(new_url(), tmp_path / "log.txt")

    async def scenario():
        await service.start()
        fleet = [Restless(f"r{number}", service.ocpp_url) for number in range(6)]
        running = [asyncio.create_task(station.run()) for station in fleet]
        for seconds in (0.61, 1.03, 0.37):
            n_before = sum(len(station.ended) for station in fleet)
            await until(
                lambda n=n_before: sum(len(one.ended) for one in fleet) > n + 30,
                "transactions begin and end",
            )
            await asyncio.sleep(seconds)
            await service.kill()
            await service.start()
        await until(lambda: all(len(one.ended) > 10 for one in fleet), "every station goes on")
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for station in fleet:
            await station.drop()
            shown = await every_transaction(service, station.name)
            names = [one["transaction_id"] for one in shown]
            assert len(set(names)) == len(names)
            kept = {one["transaction_id"]: one for one in shown}
            for token, number in station.begun.items():
                assert str(number) in kept, f"{station.name}: {token} was answered and is lost"
                if token in station.ended:
                    assert kept[str(number)]["ended_at"] is not None
                    assert kept[str(number)]["delivered_kwh"] == pytest.approx(0.007)
            assert len(kept) <= len(station.begun) + 1  # what was begun last may not have been answered
        assert await service.stop()

    try:
        asyncio.run(scenario())
    finally:
        asyncio.run(service.kill())


async def every_transaction(service, name):
    found, before = [], ""
    while True:
        page = await service.ask(f"/v1/stations/{name}/transactions?limit=1000{before}")
        found += page["transactions"]
        if page["next"] is None:
            return found
        before = f"&before={page['next']}"
