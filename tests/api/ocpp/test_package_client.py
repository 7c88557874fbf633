"""The client of the ``ocpp`` package, which checks all that it hears by its own schemas, talks with the gateway."""

import asyncio
import json
from contextlib import asynccontextmanager
from typing import Any

import ocpp.v16
import ocpp.v21
import ocpp.v201
import pytest
from ocpp.routing import on
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from api.ocpp.capabilities import OcppVersion, RateUnit
from api.ocpp.charging_profile import ProfilePurpose, ProfileSelection
from api.ocpp.commands import CommandOutcome
from tests.api.ocpp.house import CAPABILITIES, PATIENCE_S, TIME, in_house, plan

SINCE_201 = (OcppVersion.V201, OcppVersion.V21)
PACKAGES = {OcppVersion.V16: ocpp.v16, OcppVersion.V201: ocpp.v201, OcppVersion.V21: ocpp.v21}
TOKEN = {"idToken": "GOOD", "type": "ISO14443"}


TOLD_16: Any = CAPABILITIES[OcppVersion.V16]
TOLD_201: Any = CAPABILITIES[OcppVersion.V201]


def client_of(version):
    """A station of the package that keeps what it is told."""
    package = PACKAGES[version]
    results = package.call_result

    class Client(package.ChargePoint):  # type: ignore[name-defined, misc] # the package has no types
        def __init__(self, station_id, socket):
            super().__init__(station_id, socket)
            self.told = []

        @on("SetChargingProfile")
        def on_profile(self, **payload):
            self.told.append(payload)
            return results.SetChargingProfile(status="Accepted")

        @on("ClearChargingProfile")
        def on_clear(self, **payload):
            self.told.append(payload)
            return results.ClearChargingProfile(status="Accepted")

        if version is OcppVersion.V16:

            @on("GetConfiguration")
            def on_query(self, **_):
                return results.GetConfiguration(TOLD_16["configurationKey"])

        else:

            @on("GetVariables")
            def on_query(self, **_):
                return results.GetVariables(TOLD_201["getVariableResult"])

    return Client


@asynccontextmanager
async def client(house, version):
    uri = f"ws://127.0.0.1:{house.gateway.port}/ocpp/CS1"
    async with connect(uri, subprotocols=[Subprotocol(version.value)]) as socket:
        station = client_of(version)("CS1", socket)
        reading = asyncio.create_task(station.start())
        try:
            async with asyncio.timeout(3 * PATIENCE_S):
                yield station, PACKAGES[version].call
        finally:
            await socket.close()
            with pytest.raises(ConnectionClosed):
                await reading


def socket_of(station):
    """Beneath the package, which cannot send what is not answered."""
    return station._connection


async def told_a_profile(house, station, version, transaction_id):
    """A profile is sent, understood by the package, and cleared."""
    profile = plan(version, transaction_id)
    assert await house.commands.send_profile("CS1", profile) is CommandOutcome.ACCEPTED
    selection = ProfileSelection(purpose=ProfilePurpose.TX, evse_number=1, stack_level=1)
    assert await house.commands.clear_profiles("CS1", selection) is CommandOutcome.ACCEPTED
    assert len(station.told) == 2
    assert house.registry.capabilities("CS1").rate_units == frozenset(RateUnit)


def test_a_1_6_station_of_the_package_charges_from_boot_to_stop():
    async def scenario(house):
        async with client(house, OcppVersion.V16) as (station, call):
            boot = await station.call(call.BootNotification(charge_point_model="M", charge_point_vendor="V"))
            assert (boot.status, boot.interval, boot.current_time) == ("Accepted", 60, TIME)
            await house.application.next("connected")
            await station.call(call.Heartbeat())
            await station.call(
                call.StatusNotification(connector_id=1, error_code="NoError", status="Preparing")
            )
            refused = await station.call(call.Authorize(id_tag="BAD"))
            assert refused.id_tag_info["status"] == "Invalid"
            begun = await station.call(
                call.StartTransaction(connector_id=1, id_tag="GOOD", meter_start=0, timestamp=TIME)
            )
            await told_a_profile(house, station, OcppVersion.V16, str(begun.transaction_id))
            values = [{"timestamp": TIME, "sampled_value": [{"value": "1500"}]}]
            await station.call(
                call.MeterValues(connector_id=1, transaction_id=begun.transaction_id, meter_value=values)
            )
            await station.call(
                call.StopTransaction(transaction_id=begun.transaction_id, meter_stop=1500, timestamp=TIME)
            )
            assert (await house.application.next("ended"))[1].transaction_id == str(begun.transaction_id)
            await station.call(call.SecurityEventNotification("TamperDetection", TIME, None))
            assert (await house.application.next("security"))[1].kind == "TamperDetection"
            assert (await station.call(call.SignCertificate(csr="CSR"))).status == "Rejected"
            assert (
                await station.call(call.DataTransfer(vendor_id="com.example"))
            ).status == "UnknownVendorId"

    in_house(scenario)


@pytest.mark.parametrize("version", SINCE_201)
def test_a_station_of_the_package_charges_from_boot_to_stop(version):
    async def scenario(house):
        async with client(house, version) as (station, call):
            what = {"model": "M", "vendor_name": "V"}
            boot = await station.call(call.BootNotification(charging_station=what, reason="PowerUp"))
            assert (boot.status, boot.interval, boot.current_time) == ("Accepted", 60, TIME)
            await house.application.next("connected")
            await station.call(call.Heartbeat())
            status = {"connector_status": "Occupied", "evse_id": 1, "connector_id": 1}
            await station.call(call.StatusNotification(timestamp=TIME, **status))
            refused = await station.call(call.Authorize(id_token=TOKEN | {"idToken": "BAD"}))
            assert refused.id_token_info["status"] == "Invalid"
            begun = await station.call(event(call, "Started", "CablePluggedIn", 0, id_token=TOKEN))
            assert begun.id_token_info["status"] == "Accepted"
            await told_a_profile(house, station, version, "a-1")
            metered = [{"timestamp": TIME, "sampled_value": [{"value": 1500.5}]}]
            await station.call(event(call, "Updated", "MeterValuePeriodic", 1, meter_value=metered))
            await station.call(event(call, "Ended", "EVDeparted", 2))
            assert (await house.application.next("ended"))[1].transaction_id == "a-1"

    in_house(scenario)


@pytest.mark.parametrize("version", SINCE_201)
def test_what_a_station_of_the_package_tells_beyond_transactions_is_answered(version):
    async def scenario(house):
        async with client(house, version) as (station, call):
            limit = {"charging_limit_source": "EMS", "is_grid_critical": True}
            await station.call(call.NotifyChargingLimit(charging_limit=limit, evse_id=1))
            assert (await house.application.next("limit set"))[1].source == "EMS"
            await station.call(call.ClearedChargingLimit(charging_limit_source="EMS", evse_id=1))
            await house.application.next("limit cleared")
            await station.call(call.SecurityEventNotification(type="TamperDetection", timestamp=TIME))
            await station.call(call.NotifyReport(request_id=1, generated_at=TIME, seq_no=0, tbc=True))
            assert not (await house.application.next("reported"))[1].is_last
            assert (await station.call(call.SignCertificate(csr="CSR"))).status == "Rejected"
            told = {"event_id": 1, "timestamp": TIME, "trigger": "Delta", "actual_value": "Unavailable"}
            told |= {"event_notification_type": "HardWiredNotification"}
            told |= {"component": {"name": "ChargingStation"}, "variable": {"name": "AvailabilityState"}}
            await station.call(call.NotifyEvent(generated_at=TIME, seq_no=0, event_data=[told]))
            assert (await house.application.next("status"))[1].status == "Unavailable"
            assert (await house.application.next("noticed"))[1].action == "NotifyEvent"
            needs = {"requested_energy_transfer": "DC"}
            answer = await station.call(call.NotifyEVChargingNeeds(charging_needs=needs, evse_id=1))
            assert answer.status == ("Rejected" if version is OcppVersion.V201 else "NoChargingProfile")

    in_house(scenario)


def test_what_only_2_1_knows_is_answered():
    async def scenario(house):
        async with client(house, OcppVersion.V21) as (station, call):
            pulled = await station.call(call.PullDynamicScheduleUpdate(charging_profile_id=7))
            assert pulled.status == "Rejected"
            checked = await station.call(call.VatNumberValidation(vat_number="NL1", evse_id=1))
            assert (checked.status, checked.vat_number, checked.evse_id) == ("Rejected", "NL1", 1)
            await station.call(call.NotifyPriorityCharging(transaction_id="a-1", activated=True))
            assert (await house.application.next("noticed"))[1].action == "NotifyPriorityCharging"
            await station.call(
                call.NotifyDERAlarm(
                    control_type="FreqDroop", timestamp=TIME, grid_event_fault="OverFrequency"
                )
            )
            stream = {"id": 1, "params": {"interval": 5}, "variable_monitoring_id": 2}
            opened = await station.call(call.OpenPeriodicEventStream(constant_stream_data=stream))
            assert opened.status == "Accepted"
            values = {"data": [{"t": 0, "v": "1"}], "id": 1, "pending": 0, "basetime": TIME}
            await socket_of(station).send(json.dumps([6, "s", "NotifyPeriodicEventStream", values]))
            heard = await house.application.next("noticed")
            while heard[1].action != "NotifyPeriodicEventStream":
                heard = await house.application.next("noticed")
            assert heard[1].message == values
            await station.call(call.ClosePeriodicEventStream(id=1))

    in_house(scenario)


def event(call, kind, trigger, number, **more):
    return call.TransactionEvent(
        event_type=kind,
        timestamp=TIME,
        trigger_reason=trigger,
        seq_no=number,
        transaction_info={"transaction_id": "a-1"},
        evse={"id": 1, "connector_id": 1},
        **more,
    )
