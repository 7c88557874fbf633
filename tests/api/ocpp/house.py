"""A gateway on this machine, an application that notes what it hears, and stations that come and go."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from api.ocpp.capabilities import OcppVersion, RateUnit, StationCapabilities
from api.ocpp.commands import StationCommands
from api.ocpp.events import (
    AuthorizationStatus,
    BootDecision,
    TransactionDecision,
)
from api.ocpp.gateway import Gateway, GatewaySettings
from api.ocpp.listener import AcceptEveryStation
from api.ocpp.notice_listener import HarmlessNotices
from api.ocpp.profiles import PilotRow, profile_from_pilots
from api.ocpp.registry import Registry
from api.ocpp.session_state import SessionLimits

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
TIME = "2024-05-01T12:00:00Z"
PATIENCE_S = 20.0
BOTH = pytest.mark.parametrize("version", list(OcppVersion))
HANGS = object()

BOOT = {
    OcppVersion.V16: {"chargePointVendor": "V", "chargePointModel": "M"},
    OcppVersion.V201: {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}},
    OcppVersion.V21: {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}},
}
CAPABILITIES = {
    OcppVersion.V16: {
        "configurationKey": [
            {"key": "ChargeProfileMaxStackLevel", "readonly": True, "value": "5"},
            {"key": "ChargingScheduleMaxPeriods", "readonly": True, "value": "24"},
            {"key": "ChargingScheduleAllowedChargingRateUnit", "readonly": True, "value": "Current,Power"},
        ]
    },
    OcppVersion.V201: {
        "getVariableResult": [
            {
                "attributeStatus": "Accepted",
                "attributeValue": value,
                "component": {"name": "SmartChargingCtrlr"},
                "variable": {"name": name},
            }
            for name, value in (("ProfileStackLevel", "5"), ("PeriodsPerSchedule", "24"), ("RateUnit", "A,W"))
        ]
    },
}


CAPABILITIES[OcppVersion.V21] = CAPABILITIES[OcppVersion.V201]


class Application:
    """A listener that notes what it hears."""

    def __init__(self):
        self.heard: asyncio.Queue[tuple[str, str, Any]] = asyncio.Queue()
        self.boot = BootDecision(interval_s=60)
        self.notices = Notices(self)
        self.fails = False

    async def next(self, name):
        """The next event of this name; others are passed over."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                heard_name, station_id, event = await self.heard.get()
                if heard_name == name:
                    return station_id, event

    async def note(self, name, station_id, event=None):
        if self.fails:
            raise RuntimeError("the application is ill")
        await self.heard.put((name, station_id, event))

    async def connected(self, station_id):
        await self.note("connected", station_id)

    async def disconnected(self, station_id):
        await self.note("disconnected", station_id)

    async def booted(self, station_id, event):
        await self.note("booted", station_id, event)
        return self.boot

    async def status_changed(self, station_id, event):
        await self.note("status", station_id, event)

    async def authorize(self, station_id, id_token):
        await self.note("authorize", station_id, id_token)
        return AuthorizationStatus.ACCEPTED if id_token == "GOOD" else AuthorizationStatus.INVALID

    async def transaction_started(self, station_id, event):
        await self.note("started", station_id, event)
        return TransactionDecision(event.transaction_id or "42")

    async def transaction_updated(self, station_id, event):
        await self.note("updated", station_id, event)

    async def meter_values(self, station_id, event):
        await self.note("metered", station_id, event)

    async def transaction_ended(self, station_id, event):
        await self.note("ended", station_id, event)


class Notices(HarmlessNotices):
    """Notes what is told beyond transactions under its own name; what is asked is refused."""

    def __init__(self, application):
        self.application = application

    async def noticed(self, station_id, event):
        await self.application.note("noticed", station_id, event)

    async def security_event(self, station_id, event):
        await self.application.note("security", station_id, event)

    async def reported(self, station_id, event):
        await self.application.note("reported", station_id, event)

    async def limit_set(self, station_id, event):
        await self.application.note("limit set", station_id, event)

    async def limit_cleared(self, station_id, event):
        await self.application.note("limit cleared", station_id, event)


class Station:
    """The other end: calls, and answers what it is called by a table."""

    def __init__(self, socket, answers):
        self.socket = socket
        self.answers = answers
        self.called = []
        self.was_called: dict[str, asyncio.Event] = {}
        self.frames: asyncio.Queue[list[Any]] = asyncio.Queue()
        self.n_calls = 0
        self.reader = asyncio.create_task(self.read())

    async def read(self):
        try:
            async for text in self.socket:
                frame = json.loads(text)
                if frame[0] == 2:
                    await self.on_call(frame)
                else:
                    await self.frames.put(frame)
        except ConnectionClosed:
            pass

    async def on_call(self, frame):
        _, message_id, action, payload = frame
        self.called.append((action, payload))
        self.was_called.setdefault(action, asyncio.Event()).set()
        answer = self.answers[action]
        if isinstance(answer, list):
            answer = answer.pop(0)
        if isinstance(answer, str):
            await self.socket.send(json.dumps([4, message_id, answer, "", {}]))
        elif answer is not HANGS:
            await self.socket.send(json.dumps([3, message_id, answer]))

    async def next_frame(self):
        async with asyncio.timeout(PATIENCE_S):
            return await self.frames.get()

    async def call(self, action, payload):
        self.n_calls += 1
        await self.socket.send(json.dumps([2, str(self.n_calls), action, payload]))
        kind, message_id, *rest = await self.next_frame()
        assert message_id == str(self.n_calls)
        return rest[0] if kind == 3 else rest

    async def is_called(self, action):
        async with asyncio.timeout(PATIENCE_S):
            await self.was_called.setdefault(action, asyncio.Event()).wait()

    def profiles(self):
        return [payload for action, payload in self.called if action == "SetChargingProfile"]


class House:
    """A gateway with its application, and stations that come and go."""

    def __init__(self, authenticator, **settings):
        limits = SessionLimits(call_timeout_s=settings.pop("call_timeout_s", PATIENCE_S))
        self.application = Application()
        self.registry = Registry()
        self.commands = StationCommands(self.registry)
        chosen = GatewaySettings(
            port=0, limits=limits, settle_s=settings.pop("settle_s", PATIENCE_S), **settings
        )
        self.gateway = Gateway(self.application, authenticator, self.registry, chosen, clock=lambda: NOON)

    @asynccontextmanager
    async def station(self, version, station_id="CS1", login="", tls=None, port=None, **answers):
        table = {
            "GetConfiguration": CAPABILITIES[OcppVersion.V16],
            "GetVariables": CAPABILITIES[OcppVersion.V201],
            "SetChargingProfile": {"status": "Accepted"},
            "ClearChargingProfile": {"status": "Accepted"},
        }
        scheme = "ws" if tls is None else "wss"
        uri = f"{scheme}://{login}127.0.0.1:{port or self.gateway.port}/ocpp/{station_id}"
        offered = [Subprotocol(version.value)]
        async with connect(uri, subprotocols=offered, compression=None, ssl=tls) as socket:
            station = Station(socket, table | answers)
            try:
                yield station
            finally:
                await socket.close()
                await station.reader

    @asynccontextmanager
    async def booted(self, version, station_id="CS1", **answers):
        async with self.station(version, station_id, **answers) as station:
            await station.call("BootNotification", BOOT[version])
            await self.application.next("connected")
            yield station


def in_house(scenario, authenticator=None, **settings):
    """Run a scenario against a gateway that listens."""

    async def run():
        house = House(authenticator or AcceptEveryStation(), **settings)
        async with asyncio.timeout(3 * PATIENCE_S), house.gateway:
            await scenario(house)

    asyncio.run(run())


def plan(version, transaction="42"):
    row = PilotRow(NOON, 900, np.array([16.0, 10.0, 8.0, 0.0]))
    capabilities = StationCapabilities(version, frozenset(RateUnit), max_stack_level=5, max_periods=24)
    return profile_from_pilots(row, capabilities, NOON, transaction)
