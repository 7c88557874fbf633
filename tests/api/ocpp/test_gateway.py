"""The gateway with real websockets on this machine, for each version of OCPP."""

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from api.ocpp.capabilities import OcppVersion, RateUnit, StationCapabilities
from api.ocpp.charging_profile import ProfilePurpose, ProfileSelection
from api.ocpp.commands import CommandOutcome, StationCommands
from api.ocpp.events import (
    AuthorizationStatus,
    BootDecision,
    MeterValuesReceived,
    RegistrationStatus,
    StatusChanged,
    TransactionDecision,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from api.ocpp.gateway import Gateway, GatewaySettings
from api.ocpp.listener import AcceptEveryStation
from api.ocpp.profiles import PilotRow, profile_from_pilots
from api.ocpp.registry import Registry
from api.ocpp.session import SessionLimits
from models.errors import InvalidInputError

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
TIME = "2024-05-01T12:00:00Z"
PATIENCE_S = 20.0
BOTH = pytest.mark.parametrize("version", list(OcppVersion))
HANGS = object()

BOOT = {
    OcppVersion.V16: {"chargePointVendor": "V", "chargePointModel": "M"},
    OcppVersion.V201: {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}},
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


@pytest.fixture(autouse=True)
def no_connection_handler_fails(caplog):
    yield
    assert [record.getMessage() for record in caplog.records if record.name.startswith("websockets")] == []


class Application:
    """A listener that notes what it hears."""

    def __init__(self):
        self.heard: asyncio.Queue[tuple[str, str, Any]] = asyncio.Queue()
        self.boot = BootDecision(interval_s=60)
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
    async def station(self, version, station_id="CS1", login="", **answers):
        table = {
            "GetConfiguration": CAPABILITIES[OcppVersion.V16],
            "GetVariables": CAPABILITIES[OcppVersion.V201],
            "SetChargingProfile": {"status": "Accepted"},
            "ClearChargingProfile": {"status": "Accepted"},
        }
        uri = f"ws://{login}127.0.0.1:{self.gateway.port}/ocpp/{station_id}"
        async with connect(uri, subprotocols=[Subprotocol(version.value)], compression=None) as socket:
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


# --- what a station tells -------------------------------------------------------------------------


@BOTH
def test_a_station_boots_and_its_capabilities_are_read(version):
    async def scenario(house):
        async with house.station(version) as station:
            answer = await station.call("BootNotification", BOOT[version])
            assert answer == {"status": "Accepted", "currentTime": TIME, "interval": 60}
            assert (await house.application.next("booted"))[1].model == "M"
            assert await house.application.next("connected") == ("CS1", None)
            expected = StationCapabilities(version, frozenset(RateUnit), max_stack_level=5, max_periods=24)
            assert house.registry.capabilities("CS1") == expected
            assert await station.call("Heartbeat", {}) == {"currentTime": TIME}
        assert await house.application.next("disconnected") == ("CS1", None)
        assert house.registry.link("CS1") is None

    in_house(scenario)


def test_a_1_6_transaction_from_plug_to_unplug():
    async def scenario(house):
        async with house.booted(OcppVersion.V16) as station:
            status = {"connectorId": 1, "errorCode": "NoError", "status": "Preparing"}
            assert await station.call("StatusNotification", status) == {}
            assert isinstance((await house.application.next("status"))[1], StatusChanged)
            assert await station.call("Authorize", {"idTag": "BAD"}) == {"idTagInfo": {"status": "Invalid"}}
            assert await station.call("Authorize", {"idTag": "GOOD"}) == {"idTagInfo": {"status": "Accepted"}}
            start = {"connectorId": 1, "idTag": "GOOD", "meterStart": 1000, "timestamp": TIME}
            started = await station.call("StartTransaction", start)
            assert started == {"idTagInfo": {"status": "Accepted"}, "transactionId": 42}
            _, event = await house.application.next("started")
            assert event == TransactionStarted(1, NOON, None, "GOOD", 1.0, 1)
            values = [{"timestamp": TIME, "sampledValue": [{"value": "1500"}]}]
            meter = {"connectorId": 1, "transactionId": 42, "meterValue": values}
            assert await station.call("MeterValues", meter) == {}
            _, metered = await house.application.next("metered")
            assert isinstance(metered, MeterValuesReceived)
            assert metered.readings[0].energy_kwh == 1.5
            assert await house.commands.send_profile("CS1", plan(OcppVersion.V16)) is CommandOutcome.ACCEPTED
            stop = {"transactionId": 42, "meterStop": 2000, "timestamp": TIME}
            assert await station.call("StopTransaction", stop) == {}
            assert (await house.application.next("ended"))[1] == TransactionEnded(
                "42", NOON, meter_stop_kwh=2.0, reason="Local"
            )
            assert house.registry.record("CS1").installed == ()

    in_house(scenario)


def test_a_2_0_1_transaction_from_plug_to_unplug():
    async def scenario(house):
        async with house.booted(OcppVersion.V201) as station:
            token = {"idToken": "GOOD", "type": "ISO14443"}
            status = {"timestamp": TIME, "connectorStatus": "Occupied", "evseId": 1, "connectorId": 1}
            assert await station.call("StatusNotification", status) == {}
            assert await station.call("Authorize", {"idToken": token}) == {
                "idTokenInfo": {"status": "Accepted"}
            }
            event = {
                "eventType": "Started",
                "timestamp": TIME,
                "triggerReason": "CablePluggedIn",
                "seqNo": 0,
                "transactionInfo": {"transactionId": "a-1"},
                "evse": {"id": 1, "connectorId": 1},
            }
            assert await station.call("TransactionEvent", event) == {}
            assert (await house.application.next("started"))[1].transaction_id == "a-1"
            update = event | {
                "eventType": "Updated",
                "triggerReason": "Authorized",
                "seqNo": 1,
                "idToken": token,
            }
            assert await station.call("TransactionEvent", update) == {"idTokenInfo": {"status": "Accepted"}}
            assert isinstance((await house.application.next("updated"))[1], TransactionUpdated)
            assert (await house.application.next("authorize"))[1] == "GOOD"
            values = [
                {"timestamp": TIME, "sampledValue": [{"value": 7000, "measurand": "Power.Active.Import"}]}
            ]
            assert await station.call("MeterValues", {"evseId": 1, "meterValue": values}) == {}
            assert (await house.application.next("metered"))[1].readings[0].power_kw == 7.0
            profile = plan(OcppVersion.V201, "a-1")
            assert await house.commands.send_profile("CS1", profile) is CommandOutcome.ACCEPTED
            assert house.registry.record("CS1").installed == (profile,)
            end = event | {"eventType": "Ended", "triggerReason": "EVDeparted", "seqNo": 2}
            assert await station.call("TransactionEvent", end) == {}
            assert isinstance((await house.application.next("ended"))[1], TransactionEnded)
            assert house.registry.record("CS1").installed == ()
            report = {"requestId": 1, "generatedAt": TIME, "seqNo": 0}
            assert await station.call("NotifyReport", report) == {}

    in_house(scenario)


@BOTH
def test_c24_a_station_that_comes_back_without_a_boot_is_known_by_its_first_message(version):
    async def scenario(house):
        async with house.station(version) as station:
            await station.call("Heartbeat", {})
            await house.application.next("connected")
            assert house.registry.capabilities("CS1").max_periods == 24

    in_house(scenario)


@BOTH
def test_a_station_that_comes_back_and_says_nothing_is_known_after_a_while(version):
    async def scenario(house):
        async with house.station(version):
            await house.application.next("connected")

    in_house(scenario, settle_s=0.05)


@BOTH
@pytest.mark.parametrize("answer", ["NotImplemented", {"nonsense": 1}])
def test_c11_a_station_that_tells_no_capabilities_is_treated_cautiously(version, answer):
    async def scenario(house):
        async with house.booted(version, GetConfiguration=answer, GetVariables=answer):
            assert house.registry.capabilities("CS1") == StationCapabilities(version)

    in_house(scenario)


@BOTH
@pytest.mark.parametrize("status", [RegistrationStatus.PENDING, RegistrationStatus.REJECTED])
def test_a_station_that_is_not_accepted_is_asked_nothing(version, status):
    async def scenario(house):
        house.application.boot = BootDecision(status, 5)
        async with house.station(version) as station:
            assert (await station.call("BootNotification", BOOT[version]))["status"] == status.value
            await station.call("Heartbeat", {})
            assert station.called == []
            house.application.boot = BootDecision()
            await station.call("BootNotification", BOOT[version])
            await house.application.next("connected")

    in_house(scenario)


# --- profiles -------------------------------------------------------------------------------------


@BOTH
def test_a_profile_is_pushed_confirmed_and_cleared(version):
    async def scenario(house):
        async with house.booted(version) as station:
            profile = plan(version)
            assert await house.commands.send_profile("CS1", profile) is CommandOutcome.ACCEPTED
            assert house.registry.record("CS1").installed == (profile,)
            assert len(station.profiles()) == 1
            selection = ProfileSelection(purpose=ProfilePurpose.TX)
            assert await house.commands.clear_profiles("CS1", selection) is CommandOutcome.ACCEPTED
            assert house.registry.record("CS1").installed == ()

    in_house(scenario)


@BOTH
def test_c24_many_profiles_at_once_are_sent_one_after_the_other(version):
    async def scenario(house):
        async with house.booted(version) as station:
            profiles = [replace(plan(version), profile_id=100 + i, evse_number=1 + i) for i in range(10)]
            sent = [house.commands.send_profile("CS1", profile) for profile in profiles]
            assert set(await asyncio.gather(*sent)) == {CommandOutcome.ACCEPTED}
            assert len(station.profiles()) == 10

    in_house(scenario)


@BOTH
def test_c23_a_refused_profile_is_tried_simpler_and_what_helped_is_remembered(version):
    async def scenario(house):
        answers = [{"status": "Rejected"}, "PropertyConstraintViolation", {"status": "Accepted"}]
        async with house.booted(version, SetChargingProfile=answers) as station:
            assert await house.commands.send_profile("CS1", plan(version)) is CommandOutcome.ACCEPTED
            assert len(station.profiles()) == 3
            (installed,) = house.registry.record("CS1").installed
            assert (installed.stack_level, len(installed.periods)) == (0, 2)
            learned = house.registry.capabilities("CS1")
            assert (learned.max_stack_level, learned.max_periods) == (0, 2)

    in_house(scenario)


@BOTH
def test_c23_a_station_without_smart_charging_is_told_apart(version):
    async def scenario(house):
        async with house.booted(version, SetChargingProfile="NotSupported") as station:
            outcome = await house.commands.send_profile("CS1", plan(version))
            assert outcome is CommandOutcome.NOT_SUPPORTED
            assert not outcome.should_be_sent_again
            assert len(station.profiles()) == 1
            assert house.registry.record("CS1").last_refusal.startswith("NotSupported")

    in_house(scenario)


def test_c23_a_transaction_that_is_over_is_no_reason_for_a_simpler_profile():
    async def scenario(house):
        refused = {"status": "Rejected", "statusInfo": {"reasonCode": "TxNotFound"}}
        async with house.booted(OcppVersion.V201, SetChargingProfile=refused) as station:
            assert await house.commands.send_profile("CS1", plan(OcppVersion.V201)) is CommandOutcome.REJECTED
            assert len(station.profiles()) == 1
            assert house.registry.record("CS1").last_refusal == "TxNotFound"

    in_house(scenario)


@BOTH
def test_c23_a_station_that_refuses_everything_is_rejected_in_the_end(version):
    async def scenario(house):
        async with house.booted(version, SetChargingProfile={"status": "Rejected"}):
            assert await house.commands.send_profile("CS1", plan(version)) is CommandOutcome.REJECTED
            assert house.registry.record("CS1").installed == ()

    in_house(scenario)


@BOTH
def test_a_station_that_does_not_answer_times_out_and_takes_the_next_call(version):
    async def scenario(house):
        answers = [HANGS, {"status": "Accepted"}]
        async with house.booted(version, SetChargingProfile=answers):
            outcome = await house.commands.send_profile("CS1", plan(version))
            assert outcome is CommandOutcome.TIMED_OUT
            assert outcome.should_be_sent_again
            assert await house.commands.send_profile("CS1", plan(version)) is CommandOutcome.ACCEPTED

    in_house(scenario, call_timeout_s=0.2)


@BOTH
def test_a_station_that_goes_while_its_profile_is_on_the_way_gets_it_when_it_is_back(version):
    async def scenario(house):
        async with house.booted(version, SetChargingProfile=HANGS) as station:
            sending = asyncio.create_task(house.commands.send_profile("CS1", plan(version)))
            await station.is_called("SetChargingProfile")
            await station.socket.close()
            outcome = await sending
            assert outcome is CommandOutcome.DISCONNECTED
            assert outcome.should_be_sent_again
        await house.application.next("disconnected")
        assert await house.commands.send_profile("CS1", plan(version)) is CommandOutcome.DISCONNECTED
        async with house.station(version) as station:
            await station.call("Heartbeat", {})
            await house.application.next("connected")
            assert await house.commands.send_profile("CS1", plan(version)) is CommandOutcome.ACCEPTED
            assert len(station.profiles()) == 1

    in_house(scenario)


def test_a_command_that_is_cancelled_does_not_block_the_next():
    async def scenario(house):
        async with house.booted(
            OcppVersion.V16, SetChargingProfile=[HANGS, {"status": "Accepted"}]
        ) as station:
            sending = asyncio.create_task(house.commands.send_profile("CS1", plan(OcppVersion.V16)))
            await station.is_called("SetChargingProfile")
            sending.cancel()
            assert await house.commands.send_profile("CS1", plan(OcppVersion.V16)) is CommandOutcome.ACCEPTED

    in_house(scenario)


def test_a_profile_that_a_version_cannot_write_is_our_fault():
    async def scenario(house):
        async with house.booted(OcppVersion.V16):
            with pytest.raises(InvalidInputError, match="no number"):
                await house.commands.send_profile("CS1", plan(OcppVersion.V16, "a-1"))
        for outcome in (
            await house.commands.send_profile("CS2", plan(OcppVersion.V16)),
            await house.commands.clear_profiles("CS2", ProfileSelection()),
        ):
            assert outcome is CommandOutcome.DISCONNECTED

    in_house(scenario)


# --- broken and hostile peers ---------------------------------------------------------------------


@BOTH
def test_garbage_is_survived(version):
    async def scenario(house):
        async with house.booted(version) as station:
            for garbage in (
                "",
                "garbage",
                "[" * 50_000,
                b"\x00\xff",
                "[3,1]",
                '[2,"x"]',
                "[9]",
                '[2,"y","Z",{}]',
            ):
                await station.socket.send(garbage)
            answers = [await station.next_frame() for _ in range(6)]
            assert {frame[0] for frame in answers} == {4}
            assert await station.call("Heartbeat", {}) == {"currentTime": TIME}

    in_house(scenario)


@BOTH
def test_a_frame_that_is_too_long_closes_only_its_connection(version):
    async def scenario(house):
        async with house.booted(version, "CS1") as hostile, house.booted(version, "CS2") as honest:
            await hostile.socket.send("x" * 200_000)
            await hostile.reader
            assert hostile.socket.close_code == 1009
            assert await honest.call("Heartbeat", {}) == {"currentTime": TIME}

    in_house(scenario)


@BOTH
def test_the_newest_connection_of_a_station_wins(version):
    async def scenario(house):
        async with house.booted(version, SetChargingProfile=HANGS) as first:
            sending = asyncio.create_task(house.commands.send_profile("CS1", plan(version)))
            await first.is_called("SetChargingProfile")
            async with house.booted(version) as second:
                assert await sending is CommandOutcome.DISCONNECTED
                await first.reader
                assert (first.socket.close_code, first.socket.close_reason) == (
                    1000,
                    "replaced by a newer connection",
                )
                assert await house.commands.send_profile("CS1", plan(version)) is CommandOutcome.ACCEPTED
                assert len(second.profiles()) == 1
                assert house.registry.record("CS1").is_online
                assert house.application.heard.empty()  # nobody was told that the station has gone

    in_house(scenario)


@BOTH
def test_what_a_replaced_connection_still_sends_is_passed_over(version):
    async def scenario(house):
        async with house.booted(version) as first:
            talking = asyncio.create_task(talk(first))
            async with house.booted(version) as second:
                await first.reader
                await talking
                assert await second.call("Heartbeat", {}) == {"currentTime": TIME}

    async def talk(station):
        with suppress(ConnectionClosed):
            for i in range(10_000):
                await station.socket.send(json.dumps([2, f"talk-{i}", "Heartbeat", {}]))
                await asyncio.sleep(0)

    in_house(scenario)


@BOTH
def test_an_application_that_fails_is_told_to_the_station(version):
    async def scenario(house):
        async with house.booted(version) as station:
            house.application.fails = True
            authorize = (
                {"idTag": "T"}
                if version is OcppVersion.V16
                else {"idToken": {"idToken": "T", "type": "Local"}}
            )
            assert (await station.call("Authorize", authorize))[0] == "InternalError"
            house.application.fails = False
            assert await station.call("Heartbeat", {}) == {"currentTime": TIME}

    in_house(scenario)


class OnePassword:
    async def authenticate(self, station_id, password):
        return station_id == "CS1" and password == b"secret"


@BOTH
def test_a00_only_a_station_with_its_password_comes_in(version):
    async def scenario(house):
        async with house.station(version, login="CS1:secret@") as station:
            await station.call("Heartbeat", {})
        refusals = []
        for station_id, login in (
            ("CS1", ""),
            ("CS1", "CS1:wrong@"),
            ("CS2", "CS2:secret@"),
            ("CS1", "CS2:secret@"),
        ):
            with pytest.raises(InvalidStatus) as caught:
                async with house.station(version, station_id, login):
                    pass
            response = caught.value.response
            refusals.append(
                (response.status_code, bytes(response.body), response.headers["WWW-Authenticate"])
            )
        assert set(refusals) == {(401, b"not authorised\n", 'Basic realm="ocpp"')}

    in_house(scenario, authenticator=OnePassword())


def test_a_wrong_path_and_a_wrong_protocol_are_refused():
    async def scenario(house):
        with pytest.raises(InvalidStatus) as caught:
            async with house.station(OcppVersion.V16, "a/b"):
                pass
        assert caught.value.response.status_code == 404
        uri = f"ws://127.0.0.1:{house.gateway.port}/ocpp/CS1"
        with pytest.raises(InvalidStatus):
            async with connect(uri, subprotocols=[Subprotocol("ocpp1.5")]):
                pass

    in_house(scenario)


def test_a_station_that_offers_several_versions_gets_the_newest():
    async def scenario(house):
        uri = f"ws://127.0.0.1:{house.gateway.port}/ocpp/CS1"
        async with connect(uri, subprotocols=[Subprotocol("ocpp1.6"), Subprotocol("ocpp2.0.1")]) as socket:
            assert socket.subprotocol == "ocpp2.0.1"

    in_house(scenario)


@BOTH
def test_a_gateway_that_stops_says_goodbye(version):
    async def scenario(house):
        async with house.booted(version) as station:
            await house.gateway.stop()
            await station.reader
            assert station.socket.close_code == 1001
            assert house.registry.station_ids() == ()
            with pytest.raises(RuntimeError, match="not started"):
                _ = house.gateway.port

    in_house(scenario)
