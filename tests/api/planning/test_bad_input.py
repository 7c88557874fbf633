"""Bad input, as callers send it: refused with every fault, or planned with the reason told."""

import copy

import pytest

from api.app import create_app
from api.examples import examples
from api.planning.planner import Planner
from api.settings import Settings
from optimizer.mpc import Controller
from tests.serving import serving


@pytest.fixture
def state():
    return copy.deepcopy(examples()["workplace"])


def refused(client, state):
    answer = client.post("/v1/plans", json=state)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return {fault["path"]: fault["detail"] for fault in answer.json()["errors"]}


def planned(client, state):
    answer = client.post("/v1/plans", json=state)
    assert answer.status_code == 200, answer.text
    return answer.json()


def total_kw(plan):
    rows = [row["power_kw"] for row in plan["schedule"]]
    return [load + sum(powers) for load, *powers in zip(plan["load_kw"], *rows, strict=True)]


def test_an_unknown_evse_is_named(client, state):
    state["sessions"][2]["evse_id"] = "west-9"
    assert "west-9" in refused(client, state)["sessions[2].evse_id"]


def test_two_sessions_at_once_on_one_evse_are_refused(client, state):
    state["sessions"][1]["evse_id"] = state["sessions"][0]["evse_id"]
    assert list(refused(client, state)) == ["sessions[1]"]


def test_a_car_that_is_expected_to_leave_before_it_comes_is_refused(client, state):
    state["sessions"][3]["departure"] = "2026-03-03T09:59:00+01:00"
    assert list(refused(client, state)) == ["sessions[3].departure"]


def test_a_car_that_stays_past_its_departure_is_charged_as_long_as_a_slot_and_the_rest_is_told(client, state):
    state["sessions"][1]["departure"] = "2026-03-03T08:07:00+01:00"
    plan = planned(client, state)
    [row] = [row for row in plan["schedule"] if row["evse_id"] == "north-2"]
    assert row["pilot_a"][0] >= 6
    assert not any(row["pilot_a"][2:])
    assert "s-2" in {unmet["session_id"] for unmet in plan["unmet"]}


@pytest.mark.parametrize("text", ["-1", "NaN", "Infinity", "-Infinity", "1e400"])
def test_a_number_that_is_none_is_refused_wherever_it_stands(client, state, text):
    state["billing_peak_kw"] = state["site"]["stations"][0]["evses"][0]["max_current_a"] = 12345.5
    body = str(state).replace("'", '"').replace("12345.5", text)
    answer = client.post("/v1/plans", content=body, headers={"content-type": "application/json"})
    assert {fault["path"] for fault in answer.json()["errors"]} == {
        "billing_peak_kw",
        "site.stations[0].evses[0].max_current_a",
    }


def test_energy_that_cannot_fit_in_the_time_is_told_with_its_reason(client, state):
    state["sessions"][1] |= {"target_kwh": 500, "departure": "2026-03-03T09:10:00+01:00"}
    plan = planned(client, state)
    [unmet] = [unmet for unmet in plan["unmet"] if unmet["session_id"] == "s-2"]
    assert unmet["reason"] == "time"
    assert unmet["target_kwh"] > 480


def test_below_a_limit_that_the_load_exceeds_cars_go_to_zero_and_the_plan_says_why(client, state):
    state["limits"] = [{"node_id": "grid", "source": "grid operator", "limit_kw": 2.0}]
    plan = planned(client, state)
    assert all(pilot == 0 for row in plan["schedule"] for pilot in row["pilot_a"])
    assert any("grid operator" in note and "2026-03-03T08:00:00+01:00" in note for note in plan["notes"])
    assert {unmet["reason"] for unmet in plan["unmet"]} == {"limit"}


def test_phases_that_the_node_does_not_have_are_refused(client, state):
    state["site"]["nodes"][1]["limit_a"] = [40, 0, 0]
    assert "site.stations[0].evses[0].phases" in refused(client, state)


def test_a_car_on_more_phases_than_its_evse_is_refused(client, state):
    state["sessions"][3]["n_phases"] = 3
    assert list(refused(client, state)) == ["sessions[3].n_phases"]


def test_an_empty_site_gets_an_empty_plan_with_prices(client, state):
    state["site"]["stations"], state["sessions"] = [], []
    plan = planned(client, state)
    assert plan["schedule"] == plan["profiles"] == []
    assert len(plan["prices"]["slots"]) == state["horizon"]["slots"]


def test_without_sessions_every_evse_pauses(client, state):
    state["sessions"] = []
    plan = planned(client, state)
    assert {pilot for row in plan["schedule"] for pilot in row["pilot_a"]} == {0.0}
    assert plan["unmet"] == []


@pytest.mark.parametrize(
    ("now", "hours"), [("2026-03-29T00:00:00+01:00", 23), ("2026-10-25T00:00:00+02:00", 25)]
)
def test_a_day_on_which_the_clock_changes_is_planned_whole(client, state, now, hours):
    leaves = now.replace("T00:00:00", "T23:30:00").replace("+01:00", "+02:00" if hours == 23 else "+01:00")
    offset = "+02:00" if hours == 23 else "+01:00"
    state |= {"now": now, "horizon": {"step_minutes": 60, "slots": hours}, "loads": []}
    state["tariff"]["energy_per_kwh"] = 0.3
    state["sessions"] = [
        {
            "session_id": "s",
            "evse_id": "north-1",
            "arrival": now,
            "departure": leaves[:-6] + offset,
            "target_kwh": 20,
        }
    ]
    plan = planned(client, state)
    assert len(plan["schedule"][0]["pilot_a"]) == hours
    assert plan["unmet"] == []
    assert sum(plan["schedule"][0]["energy_kwh"]) == pytest.approx(20, abs=0.01)


def test_ten_megabytes_of_json_are_refused_unread(client):
    answer = client.post("/v1/plans", content=b'{"site": "' + b"a" * 10_000_000 + b'"}')
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_long_body_of_unknown_length_is_refused_too(client):
    async def parts():
        for _ in range(100):
            yield b"[" + b"1," * 50_000

    answer = client.post("/v1/plans", content=parts())
    assert answer.status_code == 413


def test_megabytes_of_json_that_are_short_enough_are_answered_with_their_faults(client, state):
    state["sessions"] = [state["sessions"][0]] * 5000
    told = refused(client, state)
    assert told["sessions[4999].session_id"] == "appears more than once"


def test_when_the_solver_is_out_of_time_dispatch_answers_within_every_limit(client, state):
    state["options"] = {"deadline_s": 0.0}
    plan = planned(client, state)
    assert plan["solve"]["status"] == "dispatched"
    assert max(total_kw(plan)) <= 63 * 3 * 0.23
    assert any(pilot > 0 for row in plan["schedule"] for pilot in row["pilot_a"])


def test_a_fault_of_ours_is_a_problem_that_tells_nothing_of_the_inside(state):
    class Broken(Controller):
        def step(self, _state):
            raise ZeroDivisionError("secret")

    with serving(create_app(Settings(), Planner(controller=Broken))) as client:
        answer = client.post("/v1/plans", json=state)
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text


def test_what_does_not_exist_is_a_problem_too(client):
    answer = client.get("/v1/nothing")
    assert (answer.status_code, answer.json()["title"]) == (404, "Not Found")
    assert client.get("/v1/plans").status_code == 405
