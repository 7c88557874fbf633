"""A station's heartbeat is answered over its websocket while a plan is made."""

import asyncio
import json
import threading
from datetime import datetime

from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from api.examples import examples
from api.ocpp.gateway import GatewaySettings
from api.planning.planner import Planner
from api.stations.network import ChargingNetwork, NetworkSettings
from api.stations.schemas import StandingWire
from optimizer.mpc import Controller

PATIENCE_S = 30


def test_a_heartbeat_is_answered_while_a_plan_is_made(database):
    """The plan waits inside the planner until the heartbeat was answered."""
    answered, inside = threading.Event(), threading.Event()

    class Waiting(Controller):
        def step(self, state):
            inside.set()
            assert answered.wait(PATIENCE_S), "the heartbeat was not answered while a plan was made"
            return super().step(state)

    planner = Planner(n_threads=1, controller=Waiting)

    async def scenario():
        settings = NetworkSettings(GatewaySettings(port=0))
        async with ChargingNetwork(database, planner, settings) as network:
            url = f"ws://127.0.0.1:{network.gateway.port}/ocpp/north"
            async with connect(url, subprotocols=[Subprotocol("ocpp1.6")]) as station:
                site = examples()["workplace"]["site"]
                document = {"site": site, "tariff": {"energy_per_kwh": 0.3}}
                await network.put_site(StandingWire.model_validate(document, strict=False))
                assert await asyncio.to_thread(inside.wait, PATIENCE_S), "no plan is made"
                await station.send(json.dumps([2, "beat", "Heartbeat", {}]))
                try:
                    answer = await _answer(station, "beat")
                finally:
                    answered.set()
                return answer

    answer = asyncio.run(asyncio.wait_for(scenario(), 2 * PATIENCE_S))
    planner.close()
    assert datetime.fromisoformat(answer["currentTime"]).tzinfo is not None


async def _answer(station, message_id):
    """Return the payload of the answer to a call; what the gateway calls meanwhile is left unanswered."""
    async for text in station:
        frame = json.loads(text)
        if frame[:2] == [3, message_id]:
            return frame[2]
    raise AssertionError("the connection was closed")
