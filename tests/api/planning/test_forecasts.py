"""A load that is given as metered history is forecast, and the plan leaves room for it."""

import copy
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.examples import examples
from api.planning.forecasts import by_horizon_slot
from api.planning.request import MeteredLoad
from models.arrays import frozen

NOW = datetime(2026, 3, 3, 7, 10, tzinfo=UTC)
POWERS = st.lists(st.one_of(st.just(np.nan), st.floats(0, 1000)), min_size=1, max_size=50)


def state_with(history):
    state = copy.deepcopy(examples()["workplace"])
    return state | {"now": NOW.isoformat(), "loads": [{"node_id": "grid", "history": history}]}


def history_of(days, power_kw):
    """A meter that shows ``power_kw(hour of the day in UTC)`` in quarters of an hour."""
    start = NOW.replace(minute=0) - timedelta(days=days)
    times = [start + timedelta(minutes=15 * place) for place in range(int(days * 96))]
    return {"start": start.isoformat(), "power_kw": [power_kw(time.hour) for time in times]}


def test_four_weeks_of_history_give_the_load_of_a_day_and_leave_room_for_it(client):
    answer = client.post(
        "/v1/plans", json=state_with(history_of(28, lambda hour: 20.0 if hour < 12 else 5.0))
    )
    plan = answer.json()
    assert answer.status_code == 200, answer.text
    assert plan["notes"] == []
    assert plan["load_kw"][:10] == pytest.approx([20.0] * 10)
    assert plan["load_kw"][14:] == pytest.approx([5.0] * 6)  # an hour at the edge is forecast as either
    limit_kw = 3 * 63 * 0.23
    for slot, load_kw in enumerate(plan["load_kw"]):
        assert load_kw + sum(row["power_kw"][slot] for row in plan["schedule"]) <= limit_kw + 1e-6


def test_a_history_of_less_than_a_week_is_told(client):
    plan = client.post("/v1/plans", json=state_with(history_of(2, float))).json()
    [note] = plan["notes"]
    assert "grid" in note
    assert "2.0 days" in note


@pytest.mark.parametrize(
    "history",
    [
        {"start": NOW.isoformat(), "power_kw": [5.0] * 96},
        {"start": (NOW - timedelta(minutes=10)).isoformat(), "power_kw": [5.0, None]},
        {"start": (NOW - timedelta(days=9)).isoformat(), "power_kw": [None] * 96},
    ],
    ids=["begins now", "not over yet", "silent"],
)
def test_a_history_in_which_nothing_was_metered_yet_is_refused(client, history):
    answer = client.post("/v1/plans", json=state_with(history))
    assert answer.status_code == 422
    assert [fault["path"] for fault in answer.json()["errors"]] == ["loads[0].history.power_kw"]


@given(power_kw=POWERS, step_s=st.sampled_from([300, 900, 3600]), place=st.integers(0, 11))
def test_slots_of_the_meters_own_length_keep_every_value(power_kw, step_s, place):
    start = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=step_s * place)
    history = MeteredLoad(0, start, step_s, frozen(power_kw))
    time_s, value = by_horizon_slot(history, step_s)
    assert time_s[0] == start.timestamp()
    assert np.allclose(value, power_kw, equal_nan=True)


@given(power_kw=st.lists(st.floats(0, 1000), min_size=1, max_size=20), parts=st.sampled_from([2, 3, 4]))
def test_coarser_and_finer_slots_keep_the_energy(power_kw, parts):
    start = datetime(2026, 3, 1, tzinfo=UTC)
    coarse_s = 3600
    fine_s = coarse_s // parts
    _, finer = by_horizon_slot(MeteredLoad(0, start, coarse_s, frozen(power_kw)), fine_s)
    assert finer.sum() * fine_s == pytest.approx(sum(power_kw) * coarse_s)
    _, coarser = by_horizon_slot(MeteredLoad(0, start, fine_s, finer), coarse_s)
    assert coarser == pytest.approx(power_kw)
