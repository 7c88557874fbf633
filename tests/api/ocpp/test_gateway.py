"""The gateway with real websockets on this machine: what stations tell, and what hostile ones try."""

import asyncio
import json
from contextlib import suppress

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from api.ocpp.capabilities import OcppVersion, RateUnit, StationCapabilities
from api.ocpp.commands import CommandOutcome
from api.ocpp.events import (
    BootDecision,
    MeterValuesReceived,
    RegistrationStatus,
    StatusChanged,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from tests.api.ocpp.house import BOOT, BOTH, CAPABILITIES, HANGS, NOON, TIME, in_house, plan

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


@BOTH
def test_a_station_that_refuses_a_long_question_is_asked_a_short_one(version):
    async def scenario(house):
        action = "GetConfiguration" if version is OcppVersion.V16 else "GetVariables"
        answers = {action: ["OccurrenceConstraintViolation", CAPABILITIES[version]]}
        async with house.booted(version, **answers) as station:
            assert [asked for asked, _ in station.called] == [action, action]
            assert house.registry.capabilities("CS1").max_periods == 24

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
    async def authenticate(self, shown):
        return (shown.station_id, shown.password) == ("CS1", b"secret")


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


@pytest.mark.parametrize(
    "offered", [["ocpp1.6", "ocpp2.0.1"], ["ocpp2.0.1", "ocpp1.6", "ocpp2.1"], ["ocpp1.6"]]
)
def test_a_station_that_offers_several_versions_gets_the_newest(offered):
    async def scenario(house):
        uri = f"ws://127.0.0.1:{house.gateway.port}/ocpp/CS1"
        async with connect(uri, subprotocols=[Subprotocol(one) for one in offered]) as socket:
            assert socket.subprotocol == max(offered)

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
