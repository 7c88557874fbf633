"""Profiles on their way to a station, with real websockets on this machine."""

import asyncio
from dataclasses import replace

import pytest

from api.ocpp.capabilities import OcppVersion
from api.ocpp.charging_profile import ProfilePurpose, ProfileSelection
from api.ocpp.commands import CommandOutcome
from models.errors import InvalidInputError
from tests.api.ocpp.house import BOTH, HANGS, in_house, plan


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
