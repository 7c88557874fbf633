"""Attacks and accidents that were seen in the field, one by one, over real sockets."""

import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from api.ocpp.capabilities import OcppVersion
from api.ocpp.pace import Pace
from api.ocpp.session_events import Oddity
from tests.api.ocpp.house import BOTH, TIME, in_house

KEY = "0123456789abcdef"
HEARTBEAT = {"currentTime": TIME}


class OneKey:
    async def authenticate(self, shown):
        return shown.station_id == "CS1" and shown.password == KEY.encode()


IMPERSONATIONS = [
    pytest.param("CS1", "", id="CVE-2026-20781 a known identity without a key"),
    pytest.param("CS1", "CS1:CS1@", id="CVE-2026-22552 a guessed key"),
    pytest.param("CS1", f"CS2:{KEY}@", id="CVE-2026-26288 the key of another name"),
    pytest.param("CS2", f"CS2:{KEY}@", id="ICSA-26-062-08 an unknown identity"),
]


@pytest.mark.parametrize(("station_id", "login"), IMPERSONATIONS)
def test_who_does_not_prove_who_it_is_gets_the_same_answer_and_no_connection(station_id, login):
    async def scenario(house):
        with pytest.raises(InvalidStatus) as caught:
            async with house.station(OcppVersion.V16, station_id, login):
                pass
        response = caught.value.response
        told = {name.lower() for name in response.headers}
        assert (response.status_code, bytes(response.body)) == (401, b"not authorised\n")
        assert told <= {"date", "connection", "content-length", "content-type", "www-authenticate"}
        assert house.registry.station_ids() == ()

    in_house(scenario, OneKey())


@BOTH
def test_a_message_in_many_fragments_that_is_too_long_closes_its_connection(version):
    async def scenario(house):
        async with house.station(version) as station:
            await station.socket.send("x" * 1_000 for _ in range(200))
            await station.reader
            assert station.socket.close_code == 1009

    in_house(scenario)


def test_compression_is_never_agreed_on():
    async def scenario(house):
        uri = f"ws://127.0.0.1:{house.gateway.port}/ocpp/CS1"
        async with connect(uri, subprotocols=[Subprotocol("ocpp1.6")], compression="deflate") as socket:
            assert socket.response is not None
            assert "Sec-WebSocket-Extensions" not in socket.response.headers

    in_house(scenario)


@BOTH
def test_sap_1204_a_flood_of_buffered_messages_after_an_outage_is_served_whole_and_in_order(version):
    async def scenario(house):
        async with house.booted(version) as station, house.booted(version, "CS2") as other:
            for i in range(150):
                await station.socket.send(json.dumps([2, f"m{i}", "Heartbeat", {}]))
            assert await other.call("Heartbeat", {}) == HEARTBEAT
            answers = [await station.next_frame() for _ in range(150)]
        assert answers == [[3, f"m{i}", HEARTBEAT] for i in range(150)]

    in_house(scenario, pace=Pace(messages_per_s=500.0, burst=10))


@BOTH
def test_answers_that_nobody_waits_for_are_counted_and_change_nothing(version):
    async def scenario(house):
        async with house.booted(version) as station:
            for frame in ([3, "late", {}], [4, "late", "GenericError", "", {}], [3, "late", {}]):
                await station.socket.send(json.dumps(frame))
            assert await station.call("Heartbeat", {}) == HEARTBEAT
            assert house.registry.link("CS1").session.oddities[Oddity.UNSOLICITED] == 3

    in_house(scenario)


def test_steve_an_id_that_is_used_again_gets_the_same_answer_for_the_same_call_and_an_error_for_another():
    async def scenario(house):
        async with house.booted(OcppVersion.V16) as station:
            start = {"connectorId": 1, "idTag": "GOOD", "meterStart": 0, "timestamp": TIME}
            answers = []
            for payload in (start, start, start | {"meterStart": 1}):
                await station.socket.send(json.dumps([2, "same", "StartTransaction", payload]))
                answers.append(await station.next_frame())
            assert answers[0] == answers[1]
            assert answers[2][0] == 4
            starts = [event for event in house.application.heard._queue if event[0] == "started"]
            assert len(starts) == 1

    in_house(scenario)
