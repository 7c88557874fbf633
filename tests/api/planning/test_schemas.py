"""The wire schemas of the input: strict, closed, and the same state on both sides."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from api.examples import examples, state_of
from api.planning.schemas import StateWire
from api.wire.schemas import parsed
from models.errors import InvalidInputError
from tests.described import undescribed
from tests.strategies import rich_states, site_states


def same(one, other):
    """Whether two states are equal: arrays by value."""
    return _plain(one) == _plain(other)


def _plain(record):
    if isinstance(record, np.ndarray):
        return record.tolist()
    if hasattr(record, "__dataclass_fields__"):
        return {name: _plain(getattr(record, name)) for name in record.__dataclass_fields__}
    return [_plain(part) for part in record] if isinstance(record, tuple) else record


def faults(document):
    with pytest.raises(InvalidInputError) as caught:
        parsed(StateWire, json.dumps(document).encode()).to_domain()
    return {issue.where: issue.what for issue in caught.value.issues}


@given(state=st.one_of(rich_states(), site_states()))
def test_a_state_comes_back_from_the_wire_as_it_went(state):
    body = StateWire.from_domain(state).model_dump_json().encode()
    assert same(parsed(StateWire, body).to_domain().state, state)


@given(state=st.one_of(rich_states(), site_states()))
def test_what_is_written_obeys_the_published_schema(state):
    document = json.loads(StateWire.from_domain(state).model_dump_json())
    Draft202012Validator(StateWire.model_json_schema()).validate(document)


@pytest.mark.parametrize("name", sorted(examples()))
def test_every_example_obeys_the_published_schema_and_can_be_planned(name):
    Draft202012Validator(StateWire.model_json_schema()).validate(examples()[name])
    assert state_of(examples()[name]).to_domain().state.sessions


@given(cut=st.integers(0, 400), junk=st.binary(max_size=20))
def test_broken_json_is_one_fault_and_never_another_error(cut, junk):
    body = json.dumps(examples()["workplace"]).encode()[: -cut - 1] + junk
    with pytest.raises(InvalidInputError) as caught:
        parsed(StateWire, body)
    assert caught.value.issues


@pytest.mark.parametrize("text", ["[" * 100_000, '{"site":' * 50_000, '"' + "a" * 1000, "nul", "", "\x00"])
def test_hostile_json_is_refused(text):
    with pytest.raises(InvalidInputError):
        parsed(StateWire, text.encode())


def test_every_fault_is_told_at_once_with_its_path():
    state = examples()["workplace"]
    state["sessions"][3] |= {"departure": "2026-03-03T16:00:00", "target_kwh": "18"}
    state["site"]["nodes"][0]["limit_a"] = [63, -1, 63]
    state["tariff"]["colour"] = "green"
    del state["sessions"][0]["arrival"]
    told = faults(state)
    assert set(told) == {
        "sessions[3].departure",
        "sessions[3].target_kwh",
        "site.nodes[0].limit_a[1]",
        "tariff.colour",
        "sessions[0].arrival",
    }
    assert "timezone" in told["sessions[3].departure"]


def test_faults_of_shape_and_of_meaning_are_told_together():
    state = examples()["workplace"]
    state["sessions"][0]["evse_id"] = "nowhere"
    state["tariff"]["energy_per_kwh"] = [0.3, 0.2]
    state["loads"][0]["quantiles"]["levels"] = [0.9, 0.5]
    assert set(faults(state)) == {"sessions[0].evse_id", "tariff.energy_per_kwh", "loads[0].quantiles.levels"}


@pytest.mark.parametrize(
    "value", ["true", '"1"', "NaN", "Infinity", "-Infinity", "1e999", "-1", "null", "[1]", "{}"]
)
def test_an_energy_is_a_finite_number_of_at_least_zero(value):
    body = json.dumps(examples()["workplace"]).replace('"target_kwh": 42', f'"target_kwh": {value}')
    assert value in body
    with pytest.raises(InvalidInputError) as caught:
        parsed(StateWire, body.encode())
    assert [issue.where for issue in caught.value.issues] == ["sessions[0].target_kwh"]


@pytest.mark.parametrize(
    "time", ["2026-03-03T08:00:00", "yesterday", 1_772_500_000, "0001-01-01T00:00:00Z", None]
)
def test_a_time_has_a_zone_and_lies_in_our_days(time):
    assert "now" in faults(examples()["workplace"] | {"now": time})


def test_a_load_takes_exactly_one_form():
    state = examples()["workplace"]
    state["loads"] = [{"node_id": "grid"}, {"node_id": "grid", "power_kw": 1, "history": None}]
    assert set(faults(state)) == {"loads[0]"}


def test_a_transaction_of_ocpp_1_6_is_a_number():
    state = examples()["workplace"]
    state["sessions"][0]["transaction_id"] = "a7"
    assert set(faults(state)) == {"sessions[0].transaction_id"}


def test_a_plan_that_would_not_fit_into_memory_is_refused():
    state = examples()["workplace"]
    station = state["site"]["stations"][0]
    evses = [{"evse_id": f"e{number}"} for number in range(1000)]
    state |= {"sessions": [], "loads": [], "horizon": {"step_minutes": 5, "slots": 2000}}
    state["tariff"]["energy_per_kwh"] = 0.3
    state["site"]["stations"] = [station | {"evses": evses}]
    assert set(faults(state)) == {"horizon.slots"}


def test_every_member_of_the_input_is_described():
    assert undescribed(StateWire.model_json_schema()) == []


def test_a_member_without_description_is_noticed():
    bare = {"title": "A", "properties": {"x": {"type": "number"}}, "$defs": {}}
    assert undescribed(bare) == ["A.x"]


CAR_ASKED = {
    "departure_time": "2026-03-03T12:00:00+01:00",
    "energy_request_wh": 21_500,
    "ev_maximum_power_w": 7400,
    "ev_maximum_current_a": 32,
}


def session_of(**said):
    state = examples()["workplace"]
    state["sessions"] = [
        {"session_id": "s", "evse_id": "north-1", "arrival": "2026-03-03T07:40:00+01:00"} | said
    ]
    Draft202012Validator(StateWire.model_json_schema()).validate(state)
    (session,) = state_of(state).to_domain().state.sessions
    return session


def test_what_the_car_asked_for_stands_in_for_what_is_absent():
    session = session_of(iso15118=CAR_ASKED, max_power_kw=None)
    assert session.departure.times[0].isoformat() == CAR_ASKED["departure_time"]
    assert (session.target_kwh, session.max_power_kw, session.max_current_a) == (21.5, 7.4, 32.0)


def test_what_the_session_says_wins_over_what_the_car_asked_for():
    own = {"target_kwh": 0.0, "max_power_kw": 11.0, "max_current_a": 16.0}
    session = session_of(departure="2026-03-03T15:00:00+01:00", iso15118=CAR_ASKED, **own)
    assert session.departure.times[0].hour == 15
    assert {name: getattr(session, name) for name in own} == own


@pytest.mark.parametrize("asked", [None, {}, {"departure_time": None}, {"energy_request_wh": 1000}])
def test_somebody_says_when_a_car_leaves(asked):
    state = examples()["workplace"]
    del state["sessions"][0]["departure"]
    state["sessions"][0]["iso15118"] = asked
    assert set(faults(state)) == {"sessions[0].departure"}


def test_the_published_schema_wants_somebody_to_say_when_a_car_leaves():
    state = examples()["workplace"]
    schema = Draft202012Validator(StateWire.model_json_schema())
    del state["sessions"][0]["departure"]
    assert not schema.is_valid(state)
    state["sessions"][0]["iso15118"] = {"energy_request_wh": 1000}
    assert not schema.is_valid(state)
    state["sessions"][0]["iso15118"] = CAR_ASKED
    assert schema.is_valid(state)


def test_a_car_that_asks_for_nonsense_is_told_of_that_alone():
    state = examples()["workplace"]
    del state["sessions"][0]["target_kwh"]
    state["sessions"][0]["iso15118"] = {"energy_request_wh": -1}
    assert set(faults(state)) == {"sessions[0].iso15118.energy_request_wh"}


@pytest.mark.parametrize("name", ["loads", "solar"])
def test_a_series_of_no_values_is_not_one_of_zeros(name):
    state = examples()["workplace"]
    if name == "loads":
        state["loads"] = [{"node_id": "grid", "power_kw": []}]
        assert set(faults(state)) == {"loads[0].power_kw"}
    else:
        state["assets"] = {"solar": [{"asset_id": "p", "node_id": "grid", "available_kw": []}]}
        assert set(faults(state)) == {"assets.solar[0].available_kw"}


def test_faults_of_everything_new_are_told_where_the_document_says_it():
    state = examples()["workplace"]
    state["site"]["nodes"][0]["fuse"] = {
        "points": [{"multiple": 2, "hold_s": 5}, {"multiple": 1.5, "hold_s": 9}]
    }
    state["site"]["stations"][0] |= {"limit_kw": 150, "module_kw": 40}
    state["site"]["lines"] = [
        {"line_id": "neutral", "limit_a": 40, "weights": [{"evse_id": "x", "real": 1, "imaginary": 0}]}
    ]
    state["sessions"][0]["milestones"] = [{"by": "2026-03-04T08:00:00+01:00", "energy_kwh": 1}]
    state["tariff"]["peaks"] = [{"per_kw": 4, "applies": [True]}]
    sunny = {"levels": [0.9, 0.1], "power_kw": [[2.0] * 20, [1.0] * 20]}
    state["assets"] = {"solar": [{"asset_id": "roof", "node_id": "grid", "quantiles": sunny}]}
    state["flexibility"] = {
        "reserves": [{"product_id": "r", "direction": "down", "most_kw": [1.0], "pays_per_kw_h": 0.1}]
    }
    state["conditions"] = [{"station_id": "nowhere", "conduct": "offline"}]
    state["expected"] = {"energy_kwh": 1, "stay_h": 2, "most_kw": [3]}
    assert set(faults(state)) == {
        "site.nodes[0].fuse",
        "site.stations[0].module_kw",
        "site.lines[0].weights[0]",
        "sessions[0].milestones[0].by",
        "tariff.peaks[0].applies",
        "assets.solar[0].quantiles.levels",
        "flexibility.reserves[0].most_kw",
        "conditions[0].station_id",
        "expected.most_kw",
    }
