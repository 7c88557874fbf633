"""Whoever watches the traffic sees every frame, in both directions, before anybody has looked at it."""

import asyncio
import json

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from api.ocpp.capabilities import OcppVersion
from api.ocpp.gateway import Gateway, GatewaySettings
from api.ocpp.listener import AcceptEveryStation
from api.ocpp.registry import Registry
from tests.api.ocpp.house import BOOT, CAPABILITIES, PATIENCE_S, Application, Station


class Watch:
    def __init__(self):
        self.frames = []

    def received(self, station_id, text):
        self.frames.append((station_id, "in", text))

    def sent(self, station_id, text):
        self.frames.append((station_id, "out", text))


@pytest.mark.parametrize("version", [OcppVersion.V16, OcppVersion.V201])
def test_every_frame_is_seen_hostile_ones_as_well(version):
    watch = Watch()

    async def scenario():
        application = Application()
        gateway = Gateway(
            application, AcceptEveryStation(), Registry(), GatewaySettings(port=0, settle_s=60), watch=watch
        )
        async with asyncio.timeout(PATIENCE_S), gateway:
            uri = f"ws://127.0.0.1:{gateway.port}/ocpp/CS1"
            async with connect(uri, subprotocols=[Subprotocol(version.value)]) as socket:
                station = Station(
                    socket, dict.fromkeys(("GetConfiguration", "GetVariables"), CAPABILITIES[version])
                )
                await station.call("BootNotification", BOOT[version])
                await application.next("connected")
                await socket.send("no frame at all")
                await station.next_frame()
                await socket.close()
                await station.reader

    asyncio.run(scenario())
    assert {station_id for station_id, _, _ in watch.frames} == {"CS1"}
    first = [(way, json.loads(text)[0]) for _, way, text in watch.frames[:4]]
    assert first == [("in", 2), ("out", 3), ("out", 2), ("in", 3)]
    assert ("CS1", "in", "no frame at all") in watch.frames
    assert watch.frames[-1][1] == "out"
