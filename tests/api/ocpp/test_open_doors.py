"""The door over real sockets: attacks that were seen in the field, and what the gateway does about each."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from websockets.exceptions import InvalidMessage, InvalidStatus

from api.ocpp.admission import DoorSettings
from api.ocpp.alarms import Alarm, AlarmKind
from api.ocpp.capabilities import OcppVersion
from api.ocpp.commands import CommandOutcome
from api.ocpp.session_events import Oddity
from api.ocpp.throttle import ThrottleSettings
from tests.api.ocpp.house import BOTH, HANGS, PATIENCE_S, in_house, plan

V16 = OcppVersion.V16
WRONG = "wrong"


class OneKey:
    async def authenticate(self, shown):
        return shown.password == b"0123456789abcdef"


async def answer_to(house, station_id, password=WRONG):
    with pytest.raises(InvalidStatus) as caught:
        async with house.station(V16, station_id, f"{station_id}:{password}@"):
            pass
    return caught.value.response


async def until(is_so):
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():  # noqa: ASYNC110 - counters have no event
            await asyncio.sleep(0.01)


def test_cve_2026_24445_and_20882_brute_force_at_a_station_is_answered_429_and_the_station_itself_still_comes_in():
    """CVE-2026-24445, CVE-2026-20882."""

    async def scenario(house):
        login = "CS1:0123456789abcdef@"
        async with house.station(V16, "CS1", login):
            pass
        answers = [await answer_to(house, "CS2") for _ in range(6)]
        assert [answer.status_code for answer in answers] == [401] * 3 + [429] * 3
        assert int(answers[-1].headers["Retry-After"]) >= 1
        async with house.station(V16, "CS1", login) as station:
            assert "currentTime" in await station.call("Heartbeat", {})
        assert house.gateway.alarms.counts("CS2") == {AlarmKind.REFUSED: 3, AlarmKind.THROTTLED: 3}

    in_house(scenario, OneKey(), door=DoorSettings(throttle=ThrottleSettings(identity_failures=2)))


def test_no_more_stations_than_there_is_room_for_and_one_that_comes_back_takes_its_own_place():
    async def scenario(house):
        login = "0123456789abcdef"
        async with AsyncExitStack() as stack:
            for name in ("CS1", "CS2"):
                await stack.enter_async_context(house.station(V16, name, f"{name}:{login}@"))
            full = await answer_to(house, "CS3", login)
            assert (full.status_code, full.headers["Retry-After"]) == (503, "10")
            async with house.station(V16, "CS1", f"CS1:{login}@") as again:
                assert "currentTime" in await again.call("Heartbeat", {})
        await until(lambda: not house.registry.n_links)
        async with house.station(V16, "CS3", f"CS3:{login}@"):
            assert house.gateway.alarms.counts("CS3") == {AlarmKind.CROWDED_OUT: 1}

    in_house(scenario, OneKey(), door=DoorSettings(connections=2))


def test_who_only_opens_connections_fills_its_own_share_until_they_are_given_up():
    async def scenario(house):
        lazy = [await asyncio.open_connection("127.0.0.1", house.gateway.port) for _ in range(3)]
        with pytest.raises((OSError, InvalidMessage)):
            async with house.station(V16):
                pass
        for reader, writer in lazy:
            await reader.read()
            writer.close()
        async with house.station(V16) as station:
            assert "currentTime" in await station.call("Heartbeat", {})
        assert len(house.gateway._half_open) == 0

    in_house(scenario, door=DoorSettings(half_open_per_address=3, handshake_s=0.3))


@BOTH
def test_saiflow_2023_a_second_connection_needs_proof_before_it_takes_the_place_of_the_first(version):
    """Seen in 2023: two connections with one identity, and the stranger's is served."""

    async def scenario(house):
        login = "CS1:0123456789abcdef@"
        async with house.station(version, "CS1", login, SetChargingProfile=HANGS) as first:
            await first.call("Heartbeat", {})
            assert (await answer_to(house, "CS1")).status_code == 401
            assert "currentTime" in await first.call("Heartbeat", {})
            sending = asyncio.create_task(house.commands.send_profile("CS1", plan(version)))
            await first.is_called("SetChargingProfile")
            async with house.station(version, "CS1", login) as second:
                assert await sending is CommandOutcome.DISCONNECTED
                await first.reader
                assert first.socket.close_reason == "replaced by a newer connection"
                assert "currentTime" in await second.call("Heartbeat", {})
        assert house.gateway.alarms.counts("CS1")[AlarmKind.REPLACED] == 1

    in_house(scenario, OneKey())


def test_two_clients_with_one_identity_that_throw_each_other_out_are_told():
    async def scenario(house):
        heard: list[Alarm] = []
        house.gateway.alarms.subscribe(heard.append)
        async with AsyncExitStack() as stack:
            for _ in range(5):
                await stack.enter_async_context(house.station(V16))
        assert [alarm.kind for alarm in heard] == [AlarmKind.REPLACED] * 4 + [AlarmKind.FLAPPING]

    in_house(scenario)


@BOTH
def test_what_was_odd_is_counted_for_its_station_and_abuse_ends_the_connection(version):
    async def scenario(house):
        async with house.booted(version) as hostile:
            await hostile.socket.send('[3,"nobody asked",{}]')
            for _ in range(101):
                await hostile.socket.send("garbage")
            await hostile.reader
            assert hostile.socket.close_code == 1008
        await until(lambda: AlarmKind.GIVEN_UP in house.gateway.alarms.counts("CS1"))
        counts = house.gateway.alarms.counts("CS1")
        assert counts[Oddity.UNSOLICITED] == 1
        assert counts[Oddity.MALFORMED] == 101

    in_house(scenario)
