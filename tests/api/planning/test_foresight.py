"""What past sessions say of the cars that are here, and of those to come, is what a plan is made with."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.examples import examples
from api.forecasts.request import SessionRecord
from api.planning.foresight import foreseen
from api.planning.request import PlanRequest
from models.validate import validate_state
from tests.strategies import rich_states, states

NOW = datetime(2026, 3, 3, 7, 10, tzinfo=UTC)


def past_of(days, at_hour, stay_h, kwh, **more):
    """One car on each day before today."""
    midnight = NOW.replace(hour=0, minute=0)
    arrivals = [midnight - timedelta(days=back) + timedelta(hours=at_hour) for back in range(days, 0, -1)]
    return [
        {
            "arrival": one.isoformat(),
            "departure": (one + timedelta(hours=stay_h)).isoformat(),
            "energy_kwh": kwh,
        }
        | more
        for one in arrivals
    ]


def state_with(past, *sessions):
    state = examples()["workplace"] | {"past_sessions": past}
    return state | {"sessions": [session() | dict(one) for one in sessions]}


def session(**changed):
    return {
        "session_id": "s",
        "evse_id": examples()["workplace"]["sessions"][0]["evse_id"],
        "arrival": "2026-03-03T06:30:00Z",
        "departure": "2026-03-03T11:30:00Z",
        "target_kwh": 30.0,
    } | changed


def read(state):
    from api.planning.schemas import StateWire

    return foreseen(StateWire.model_validate(state, strict=False).to_domain())


@st.composite
def past_sessions(draw, now):
    """Sessions that have mostly ended by ``now``, of drivers who state something, are known, or neither."""
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    states_it, known = draw(st.booleans()), draw(st.booleans())
    found = []
    for number in range(draw(st.integers(0, 60))):
        arrival = now - timedelta(hours=float(rng.uniform(0, 24 * 50)))
        departure = arrival + timedelta(hours=float(rng.gamma(4, 1)) + 0.01)
        stated = departure + timedelta(hours=float(rng.normal(0, 2)))
        record = SessionRecord(
            "site", "e", arrival, departure, float(rng.gamma(4, 3)), user=f"u{number % 5}" if known else None
        )
        found.append(replace(record, stated_departure=stated, stated_kwh=9.0) if states_it else record)
    return tuple(found)


@settings(max_examples=60)
@given(data=st.data(), state=st.one_of(states(), rich_states()))
def test_a_state_that_could_be_planned_still_can_be_and_nobody_gets_more_than_asked_or_less_than_promised(
    data, state
):
    past = data.draw(past_sessions(state.now))
    told = foreseen(PlanRequest(state, past=past)).state
    validate_state(told)
    for before, after in zip(state.sessions, told.sessions, strict=True):
        assert after.target_kwh <= before.target_kwh
        assert after.remaining_minimum_kwh == pytest.approx(before.remaining_minimum_kwh)
        if before.arrival > state.now or len(before.departure.levels) > 1:
            assert after == before
    if state.expected is not None or any(one.arrival > state.now for one in state.sessions):
        assert told.expected is state.expected


def test_a_car_leaves_and_takes_what_others_did_that_came_at_its_hour():
    [told] = read(state_with(past_of(30, 6.5, 2.0, 8.0), {})).state.sessions
    assert told.departure.median == datetime(2026, 3, 3, 8, 30, tzinfo=UTC)
    assert told.target_kwh == 8.0


def test_who_states_something_is_like_those_who_stated_it():
    habit = {"stated_departure": "2026-03-03T16:30:00Z", "stated_kwh": 40.0}
    other = {"stated_departure": "2026-03-03T08:30:00Z", "stated_kwh": 5.0}
    past = []
    for one in past_of(30, 6.5, 9.0, 20.0):
        day = one["arrival"][:10]
        past.append(one | habit | {"stated_departure": f"{day}T16:30:00Z"})
    for one in past_of(30, 6.6, 2.0, 5.0):
        day = one["arrival"][:10]
        past.append(one | other | {"stated_departure": f"{day}T08:30:00Z"})
    long_one = {"departure": "2026-03-03T16:30:00Z", "target_kwh": 40.0}
    [told] = read(state_with(past, long_one)).state.sessions
    assert told.departure.median.hour >= 15
    assert told.target_kwh == pytest.approx(20.0, abs=2.0)


def test_a_regular_user_is_himself():
    own = past_of(30, 6.5, 1.0, 4.0, user_id="ada")
    others = past_of(30, 6.5, 4.5, 25.0, user_id="bob")
    past = [one for pair in zip(own, others, strict=True) for one in pair]
    hers, his = (
        read(state_with(past, {"user_id": name})).state.sessions[0].departure.median
        for name in ("ada", "bob")
    )
    assert hers < his


def test_who_has_taken_more_than_all_others_is_believed_to_take_more():
    [told] = read(state_with(past_of(30, 6.5, 2.0, 8.0), {"delivered_kwh": 12.0})).state.sessions
    assert 12.0 < told.target_kwh < 30.0


def test_quantiles_of_the_caller_stay_as_they_are():
    own = {"departure": {"levels": [0.1, 0.5], "times": ["2026-03-03T09:00:00Z", "2026-03-03T10:00:00Z"]}}
    [told] = read(state_with(past_of(30, 6.5, 2.0, 8.0), own)).state.sessions
    assert told.departure.levels == (0.1, 0.5)
    assert told.target_kwh == 30.0


def test_cars_that_come_every_morning_are_expected_this_morning(client):
    state = state_with(past_of(30, 8.0, 3.0, 12.0))
    told = read(state).state
    assert told.expected.energy_kwh.sum() == pytest.approx(12.0, abs=1e-6)
    slot = int(np.flatnonzero(told.expected.energy_kwh)[0])
    assert told.grid.slot_start(slot) == datetime(2026, 3, 3, 8, tzinfo=UTC)
    assert told.expected.stay_h == 3.0
    plan = client.post("/v1/plans", json=state).json()
    assert any("12.0 kWh of cars to come are expected" in note for note in plan["notes"])


def test_what_the_state_says_of_cars_to_come_is_not_added_to():
    past = past_of(30, 8.0, 3.0, 12.0)
    named = read(state_with(past, {"arrival": "2026-03-03T07:30:00Z"}))
    assert named.state.expected is None
    given_ = state_with(past) | {"expected": {"energy_kwh": 1.0, "stay_h": 1.0, "most_kw": 1.0}}
    assert read(given_).state.expected.stay_h == 1.0


@pytest.mark.parametrize(
    ("past", "note"),
    [
        (past_of(5, 8.0, 3.0, 12.0), "at least 20 are needed"),
        (past_of(60, 8.0, 3.0, 12.0)[:40], "the newest of them is 21 days old"),
    ],
    ids=["few", "old"],
)
def test_past_sessions_that_say_little_are_told_to(past, note):
    told = read(state_with(past))
    assert told.state.expected is None
    assert note in told.notes[0]


def test_a_past_session_that_ended_before_it_began_is_refused_with_its_place(client):
    past = past_of(3, 8.0, 3.0, 12.0)
    past[1]["departure"] = past[1]["arrival"]
    answer = client.post("/v1/plans", json=state_with(past))
    assert answer.status_code == 422
    assert [fault["path"] for fault in answer.json()["errors"]] == ["past_sessions[1].departure"]
