"""What a station says that it will do is compared with what it was told; models are known for their quirks."""

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.ocpp.capabilities import OcppVersion, QuirkKind, RateUnit, StationCapabilities
from api.ocpp.commands import CommandOutcome, Place
from api.ocpp.dialects import DIALECTS
from api.ocpp.profiles import SafeFloor, fallback_profiles, profile_from_pilots
from api.ocpp.quirks import with_kinds
from api.ocpp.smart.answers import answer_to
from api.ocpp.smart.prediction import Held, differences, predict
from api.ocpp.smart.station import RunningTransaction
from api.smart.schemas import CompositeCaseWire
from api.wire.schemas import parsed
from tests.api.ocpp.house import BOOT, BOTH, in_house, plan
from tests.strategies import pilot_rows, station_capabilities

RUNNING = {1: RunningTransaction(1, "42", 0)}
PLACE = Place((1,), RUNNING)


def answer_of(version, payloads, now, duration_s, unit, voltage_v=230.0):
    """What a station answers that does as it is told."""
    case = {
        "version": version.value,
        "now": now.isoformat(),
        "question": {"evseId": 1, "duration": duration_s},
        "station": {"max_a": 1000.0, "voltage_v": voltage_v},
        "profiles": list(payloads),
        "transactions": [{"evse": 1, "id": 42}],
    }
    situation, _ = parsed(CompositeCaseWire, json.dumps(case).encode()).asked()
    return answer_to(situation, 1, math.floor(now.timestamp()), duration_s, unit)


@given(row=pilot_rows(), capabilities=station_capabilities(), seconds=st.integers(0, 900))
@settings(max_examples=60)
def test_a_station_that_does_as_it_was_told_shows_no_difference(row, capabilities, seconds):
    row = replace(row, evse_number=1)
    now = row.start + timedelta(seconds=min(seconds, row.step_s - 1))
    floor = fallback_profiles(SafeFloor(6.0, 32.0, evse_numbers=(1,)), capabilities, now)
    profiles = (*floor, profile_from_pilots(row, capabilities, now, "42"))
    dialect = DIALECTS[capabilities.version]
    payloads = [dialect.encode_profile(one).payload for one in profiles]
    held = Held(capabilities, profiles, (1,), RUNNING)
    for unit in RateUnit:
        answer = answer_of(capabilities.version, payloads, now, 7200, unit, capabilities.voltage_v)
        assert differences(held, 1, now, answer) == ()
        expected = predict(held, 1, now, 7200, unit)
        schedule = answer["schedule" if "schedule" in answer else "chargingSchedule"]
        told = schedule["chargingSchedulePeriod"]
        if all(math.isfinite(one.limit.value) for one in expected):
            assert [one.limit.value for one in expected] == [one["limit"] for one in told]


@BOTH
def test_a_station_is_asked_and_what_differs_is_told(version):
    async def scenario(house):
        profile = plan(version)
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=60)
        profile = replace(profile, start=start)
        payload = DIALECTS[version].encode_profile(profile).payload
        honest = answer_of(version, [payload], start + timedelta(seconds=60), 3600, RateUnit.CURRENT)
        deaf = json.loads(json.dumps(honest))
        inner = deaf["schedule" if "schedule" in deaf else "chargingSchedule"]
        inner["chargingSchedulePeriod"] = [{"startPeriod": 0, "limit": 32.0}]
        answers = [honest, deaf, {"status": "Rejected"}]
        async with house.booted(version, GetCompositeSchedule=answers):
            await house.commands.send_profile("CS1", profile)
            first, second, third = [
                await house.commands.compare_schedule("CS1", 1, 3600, PLACE) for _ in range(3)
            ]
            assert (first.outcome, first.differences) == (CommandOutcome.ACCEPTED, ())
            assert second.allows_more
            assert second.differences[0].told == 32.0
            assert second.differences[0].expected == 16.0
            assert third.outcome is CommandOutcome.REJECTED
        gone = await house.commands.compare_schedule("CS1", 1, 3600, PLACE)
        assert gone.outcome is CommandOutcome.DISCONNECTED

    in_house(scenario)


@pytest.mark.parametrize("version", [OcppVersion.V16])
def test_c20_what_is_known_of_a_model_is_applied_when_it_boots(version, monkeypatch):
    boot = {"chargePointVendor": "go-e", "chargePointModel": "Gemini", "firmwareVersion": "055.5"}
    monkeypatch.setitem(BOOT, version, boot)

    async def scenario(house):
        async with house.booted(version) as station:
            can = house.registry.capabilities("CS1")
            assert can.quirks == {QuirkKind.NO_PHASE_SWITCH, QuirkKind.LIMIT_LOST_AFTER_PAUSE}
            paused = plan(version)  # its last slot is a pause
            await house.commands.send_profile("CS1", paused)
            assert len(station.profiles()) == 1
            await house.commands.send_profile("CS1", paused)
            assert len(station.profiles()) == 3, "the first limit after a pause would be lost"

    in_house(scenario)


def test_quirks_outlive_what_a_station_tells_anew():
    can = StationCapabilities(OcppVersion.V16, frozenset(RateUnit), switches_phases=True)
    bound = with_kinds(can, frozenset({QuirkKind.ONLY_WATTS, QuirkKind.NO_PHASE_SWITCH}))
    assert bound.rate_units == {RateUnit.POWER}
    assert not bound.switches_phases
