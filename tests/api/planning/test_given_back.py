"""What cars give back, on the wire: told by EVSE, with its reason, and never as a profile that cannot say it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from api.examples import state_of
from api.ocpp.capabilities import Feature, OcppVersion, RateUnit, StationCapabilities
from api.ocpp.validation import MessageKind, MessageValidator
from api.planning.answer.schemas import PlanOut
from api.planning.planner import Planner
from api.planning.profiles import command_of
from api.planning.routes import plan_out
from api.planning.service import decide

CASE = Path(__file__).parents[2] / "cases" / "car_gives_back" / "input.json"


@pytest.fixture(scope="module")
def answer():
    planner = Planner()
    yield plan_out(decide(planner, state_of(json.loads(CASE.read_text())).to_domain()))
    planner.close()


def test_the_answer_says_what_each_car_gives_and_when(answer):
    told = answer.given_back[0]
    assert (told.evse_id, told.station_id) == ("e0", "s0")
    assert told.current_a == (10.0, 0.0, 0.0)
    assert told.power_kw == pytest.approx((6.9, 0.0, 0.0))
    assert told.energy_kwh == pytest.approx((6.9, 0.0, 0.0))


def test_the_answer_says_why_a_car_gives(answer):
    why = answer.given_back[0].why[0]
    assert (why.session_id, why.slots) == ("car", (0,))
    assert (why.earns_per_kwh, why.again_per_kwh, why.wear_per_kwh) == pytest.approx((0.5, 0.1, 0.05))
    assert why.spare_kwh == pytest.approx(0.0)
    assert why.sentence == (
        "gives 6.9 kWh back 00:00 to 01:00, down to its reserve: a kWh is worth 0.500 EUR there, "
        "and costs 0.150 to charge again and in wear"
    )


def test_a_station_that_cannot_be_told_to_discharge_gets_0_a_and_the_plan_says_so(answer):
    limits = [
        period["limit"]
        for profile in answer.profiles
        if profile.evse_id == "e0"
        for period in profile.payload["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"]
    ]
    assert min(limits) == 0.0
    assert any("told 0 A where its car is to give back" in note for note in answer.notes)


def test_q_a_2_1_station_that_knows_setpoints_is_told_to_give_back():
    planner = Planner()
    request = state_of(json.loads(CASE.read_text())).to_domain()
    both_ways = StationCapabilities(
        OcppVersion.V21, frozenset(RateUnit), 3, 24, features=frozenset({Feature.BOTH_WAYS})
    )
    decision = decide(planner, replace(request, capabilities={"s0": both_ways}))
    answer = plan_out(decision)
    planner.close()
    [profile] = [told.profile for told in decision.profiles if told.evse_id == "e0"]
    told = answer.given_back[0]
    first = profile.periods[0]
    assert first.setpoint == first.discharge_limit == pytest.approx(-1000 * told.power_kw[0])
    assert all(later.setpoint is not None and later.setpoint >= 0 for later in profile.periods[1:])
    assert all(later.discharge_limit == 0 for later in profile.periods[1:])
    assert not any("told 0 A" in note for note in answer.notes)
    MessageValidator(OcppVersion.V21).check(
        "SetChargingProfile", MessageKind.REQUEST, command_of(profile, OcppVersion.V21).payload
    )


def test_the_answer_survives_the_wire(answer):
    assert PlanOut.model_validate_json(answer.model_dump_json()) == answer
