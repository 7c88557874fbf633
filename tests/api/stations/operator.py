"""A running network with its HTTP API, and stations that answer by a table."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import httpx
from fastapi import FastAPI
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from api.errors import answer_with_problems
from api.ocpp.capabilities import OcppVersion
from api.ocpp.gateway import GatewaySettings
from api.ocpp.session_state import SessionLimits
from api.planning.planner import Planner
from api.stations.app import add_stations
from api.stations.connectivity import ConnectivitySettings
from api.stations.network import ChargingNetwork, NetworkSettings
from tests.api.ocpp.house import BOOT, CAPABILITIES, Station

PATIENCE_S = 60.0


class Operator:
    """An API and its network."""

    def __init__(self, network: ChargingNetwork, client: httpx.AsyncClient) -> None:
        self.network = network
        self.client = client

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.client.get(path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return await self.client.post(path, json={} if body is None else body, **more)

    async def until(self, path: str, holds: Any) -> Any:
        """Wait until what a path answers is as it should be, and return it."""
        answer = None
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    answer = (await self.get(path)).json()
                    if holds(answer):
                        return answer
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{path} never came to that: {json.dumps(answer)[:2000]}") from None

    @asynccontextmanager
    async def station(self, version: OcppVersion, station_id: str, **answers: Any) -> AsyncIterator[Station]:
        """Connect a station and boot it."""
        table = {
            "GetConfiguration": CAPABILITIES[OcppVersion.V16],
            "GetVariables": CAPABILITIES[OcppVersion.V201],
            "SetChargingProfile": {"status": "Accepted"},
            "ClearChargingProfile": {"status": "Accepted"},
        }
        uri = f"ws://127.0.0.1:{self.network.gateway.port}/ocpp/{station_id}"
        async with connect(uri, subprotocols=[Subprotocol(version.value)], compression=None) as socket:
            station = Station(socket, table | answers)
            try:
                await station.call("BootNotification", BOOT[version])
                yield station
            finally:
                await socket.close()
                await station.reader


@asynccontextmanager
async def operating(database: Any, planner: Planner | None = None, **more: Any) -> AsyncIterator[Operator]:
    """Run a network with its API."""
    limits = SessionLimits(call_timeout_s=more.pop("call_timeout_s", PATIENCE_S))
    connectivity = ConnectivitySettings(
        log_every_s=0.05,
        **{name: more.pop(name) for name in ("policy", "approver_keys", "log_per_station") if name in more},
    )
    gateway = GatewaySettings(port=0, settle_s=0.2, limits=limits)
    settings = NetworkSettings(gateway, ramp_s=0.05, connectivity=connectivity, **more)
    owned = planner or Planner()
    app = FastAPI()
    answer_with_problems(app)
    add_stations(app)
    try:
        async with ChargingNetwork(database, owned, settings) as network:
            app.state.network = network
            app.state.planner = SimpleNamespace(n_live=0)
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://test", timeout=120) as client:
                yield Operator(network, client)
    finally:
        if planner is None:
            owned.close()
