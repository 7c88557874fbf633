"""A load that is given as metered history is forecast, and the plan leaves room for it."""

import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from api.examples import examples
from api.planning.forecasts import forecast_loads, forecast_step_s, on_grid
from api.planning.request import MeteredLoad, PlanRequest
from models.arrays import frozen
from models.load import LoadForecast
from models.timegrid import TimeGrid
from tests.strategies import states

NOW = datetime(2026, 3, 3, 7, 10, tzinfo=UTC)
STEPS_S = st.sampled_from([60, 120, 180, 240, 300, 360, 600, 720, 900, 1200, 1800, 3600])


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


def with_spikes(days):
    """A load like any building's, with three values that no building draws."""
    rng = np.random.default_rng(5)
    history = history_of(days, lambda hour: round(10.0 + 0.5 * hour + float(rng.uniform(0, 1)), 2))
    for place in (1500, 1900, 2400):
        history["power_kw"][place] = 500.0
    return history


def test_what_the_cleaner_sets_aside_is_told_and_not_planned_with(client):
    plan = client.post("/v1/plans", json=state_with(with_spikes(28))).json()
    [note] = plan["notes"]
    assert note.startswith("load at grid: 3 x spike")
    assert max(plan["load_kw"]) < 25.0


def test_a_load_that_looks_stuck_is_still_planned_with(client):
    history = history_of(28, float)
    history["power_kw"][700:] = [40.0] * (28 * 96 - 700)
    plan = client.post("/v1/plans", json=state_with(history)).json()
    [note] = plan["notes"]
    assert "learnt from as they are" in note
    assert min(plan["load_kw"]) > 30.0


def test_a_load_of_last_year_is_taken_as_it_was_and_that_is_told(client):
    history = history_of(7, lambda _: 12.0)
    history["start"] = (NOW - timedelta(days=365)).isoformat()
    state = state_with(history_of(28, lambda _: 3.0))
    state["loads"].append({"node_id": "grid", "history": history})
    plan = client.post("/v1/plans", json=state).json()
    [note] = plan["notes"]
    assert "too old or too few" in note
    assert plan["load_kw"] == pytest.approx([15.0] * len(plan["load_kw"]))


def test_a_value_that_is_days_old_is_told(client):
    history = history_of(28, lambda _: 12.0)
    history["start"] = (NOW - timedelta(days=31)).isoformat()
    plan = client.post("/v1/plans", json=state_with(history)).json()
    [note] = plan["notes"]
    assert "days old" in note


def test_no_load_is_planned_above_what_is_installed(client):
    rng = np.random.default_rng(8)
    history = history_of(14, lambda _: float(rng.uniform(0, 9)))
    plan = client.post("/v1/plans", json=state_with(history | {"installed_kw": 6.0})).json()
    assert max(plan["load_kw"]) <= 6.0
    assert any("out of bounds" in note for note in plan["notes"])


def test_a_holiday_of_the_region_is_planned_like_a_sunday(client):
    now = datetime(2026, 1, 5, 23, 10, tzinfo=UTC)  # the day to come is a holiday in Bavaria, and a Tuesday
    start = datetime(2025, 11, 11, tzinfo=UTC)
    times = [start + timedelta(hours=place) for place in range(int((now - start) / timedelta(hours=1)))]
    closed = {datetime(2025, 12, day, tzinfo=UTC).date() for day in (25, 26)} | {datetime(2026, 1, 1).date()}  # noqa: DTZ001 - a date
    power_kw = [2.0 if time.weekday() == 6 or time.date() in closed else 20.0 for time in times]
    state = state_with({"start": start.isoformat(), "step_minutes": 60, "power_kw": power_kw})
    state |= {"now": now.isoformat(), "sessions": [], "options": {"load_quantile": 0.5}}
    loads_kw = {}
    for region in ({}, {"country": "DE"}, {"country": "DE", "subdivision": "BY"}):
        site = state["site"] | {"zone": "UTC"} | region
        answer = client.post("/v1/plans", json=state | {"site": site})
        assert answer.status_code == 200, answer.text
        loads_kw[region.get("subdivision", region.get("country"))] = answer.json()["load_kw"][-1]
    assert loads_kw[None] == pytest.approx(20.0, abs=1.0)
    assert loads_kw["DE"] == pytest.approx(20.0, abs=1.0)
    assert loads_kw["BY"] < 15.0


def test_an_unknown_country_of_a_site_is_named_with_those_that_are_known(client):
    state = state_with(history_of(8, float))
    answer = client.post("/v1/plans", json=state | {"site": state["site"] | {"country": "XX"}})
    assert answer.status_code == 422
    [fault] = answer.json()["errors"]
    assert fault["path"] == "site.country"
    assert "DE" in fault["detail"]


def test_notes_on_many_loads_are_few(client):
    state = state_with(history_of(2, float))
    state["loads"] *= 40
    notes = client.post("/v1/plans", json=state).json()["notes"]
    assert len([note for note in notes if note.startswith("load at")]) < 20
    assert any("more notes on loads" in note for note in notes)


@given(
    state=states(),
    step_s=st.sampled_from([300, 600, 900, 1200, 1800, 3600]),
    shift_s=st.integers(0, 7200),
    power_kw=st.lists(st.one_of(st.just(np.nan), st.floats(0, 1000)), min_size=1, max_size=50),
)
def test_whatever_was_metered_gives_quantiles_for_every_slot_within_what_was_seen(
    state, step_s, shift_s, power_kw
):
    power_kw = [*power_kw, 3.0]
    start = state.now - timedelta(seconds=step_s * len(power_kw) + shift_s)
    n_slots = state.grid.n_slots
    load = LoadForecast(
        state.site.nodes[0].node_id, frozen([0.5]), frozen(np.zeros((1, n_slots))), frozen([0.2, 0.3, 0.5])
    )
    history = MeteredLoad(0, start, step_s, frozen(power_kw))
    asked = PlanRequest(replace(state, loads=(load,)), histories=(history,))
    [told] = forecast_loads(asked).state.loads
    assert told.power_kw.shape == (told.levels.size, n_slots)
    assert (np.diff(told.power_kw, axis=0) >= -1e-9).all()
    assert (told.power_kw >= 0.0).all()
    assert (told.power_kw <= np.nanmax(power_kw) + 1e-6).all()
    assert told.phase_share.tolist() == [0.2, 0.3, 0.5]


@given(power_kw=st.lists(st.floats(0, 1000), min_size=1, max_size=20), own_s=STEPS_S, step_s=STEPS_S)
def test_slots_of_another_length_keep_the_energy(power_kw, own_s, step_s):
    start = datetime(2026, 3, 1, tzinfo=UTC)
    n_slots = len(power_kw) * own_s // step_s
    assume(n_slots > 0)
    grid = TimeGrid(start, step_s, n_slots)
    moved = on_grid(frozen([power_kw]), TimeGrid(start, own_s, len(power_kw)), grid)
    second_kw = np.repeat(power_kw, own_s)[: n_slots * step_s]
    assert moved.shape == (1, n_slots)
    assert moved[0] == pytest.approx(second_kw.reshape(n_slots, step_s).mean(axis=1), abs=1e-6)


@given(history_s=st.sampled_from([300, 600, 900, 1200, 1800, 3600]), horizon_s=STEPS_S)
def test_a_load_is_never_forecast_finer_than_it_was_metered(history_s, horizon_s):
    step_s = forecast_step_s(history_s, horizon_s)
    assert step_s >= history_s
    assert step_s % history_s == 0


def heated(degrees_c):
    """A load that heating adds to, by the hour, of days of some mean temperatures up to now, and these by the hour."""
    rng = np.random.default_rng(2)
    start = NOW.replace(hour=0, minute=0) - timedelta(days=len(degrees_c) - 1)
    temperature_c = np.repeat(degrees_c, 24)
    n_past = int((NOW - start) / timedelta(hours=1))
    power_kw = 10.0 + np.maximum(12.0 - temperature_c, 0.0) + rng.normal(0, 0.3, temperature_c.size)
    history = {
        "start": start.isoformat(),
        "step_minutes": 60,
        "power_kw": power_kw[:n_past].round(3).tolist(),
    }
    known = {"name": "temperature_c", "start": start.isoformat(), "values": temperature_c.tolist()}
    return history, known


def test_a_heated_building_is_planned_with_the_weather_to_come(client):
    degrees_c = np.append(np.random.default_rng(3).normal(5.0, 6.0, 50), -8.0)  # it turns cold at midnight
    history, known = heated(degrees_c)
    history["power_kw"] = history["power_kw"][:-1]
    state = state_with(history) | {"sessions": [], "options": {"load_quantile": 0.5}}
    state |= {"now": NOW.replace(hour=6).isoformat()}
    plain, told = (client.post("/v1/plans", json=state | more).json() for more in ({}, {"known": [known]}))
    assert np.abs(np.array(told["load_kw"]) - 30.0).max() < 2.0
    assert not any(note.startswith("known:") for note in told["notes"])
    stopped = known | {"values": known["values"][: -24 + 7]}
    cut = client.post("/v1/plans", json=state | {"known": [stopped]}).json()
    assert any(note.startswith("known: temperature_c is not known in") for note in cut["notes"])
    assert cut["load_kw"][-1] == pytest.approx(plain["load_kw"][-1])


def test_a_column_that_is_given_twice_is_refused(client):
    history, known = heated([5.0] * 30)
    answer = client.post("/v1/plans", json=state_with(history) | {"known": [known, known]})
    assert [fault["path"] for fault in answer.json()["errors"]] == ["known"]
