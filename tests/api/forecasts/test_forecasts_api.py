"""`POST /v1/forecasts`: a forecast that is in order, faults that are told, and bad input that is named."""

from datetime import UTC

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.examples.forecast import example_forecast
from api.forecasts.answer.schemas import ForecastOut

START = "2026-03-02T00:00:00+00:00"


def request(n=14 * 48, **members):
    """A building whose load is never twice the same."""
    rng = np.random.default_rng(1)
    values = 60 + 25 * np.sin(np.arange(n) * np.pi / 24) + rng.normal(0, 2, n)
    return {"series": [{"series_id": "building", "start": START, "values": values.tolist()}]} | members


def test_the_example_of_the_description_is_answered_in_full(client):
    body = client.get("/openapi.json").json()["paths"]["/v1/forecasts"]["post"]["requestBody"]
    example = body["content"]["application/json"]["examples"]["workplace"]["value"]
    answer = client.post("/v1/forecasts", json=example)
    assert answer.status_code == 200, answer.text
    told = ForecastOut.model_validate_json(answer.content)
    assert [one.series_id for one in told.series] == [one["series_id"] for one in example["series"]]
    assert told.total is not None
    for one in (*told.series, told.total):
        quantiles = np.array(one.quantiles)
        assert quantiles.shape == (7, 24)
        assert np.array(one.paths).shape == (10, 24)
        assert (np.diff(quantiles, axis=0) >= 0).all()


def test_paths_of_the_total_are_the_sums_of_paths(client):
    told = client.post("/v1/forecasts", json=example_forecast()).json()
    summed = sum(np.array(one["paths"]) for one in told["series"])
    np.testing.assert_allclose(summed, told["total"]["paths"])


@pytest.mark.parametrize("name", ["climatology", "seasonal_naive", "double_seasonal", "ridge"])
def test_another_forecaster_may_be_chosen_and_says_its_method(client, name):
    usual, other = (
        client.post("/v1/forecasts", json=request(paths=3, **chosen)).json()
        for chosen in ({}, {"forecaster": name})
    )
    assert other["method"] != usual["method"]
    quantiles = np.array(other["series"][0]["quantiles"])
    assert (np.diff(quantiles, axis=0) >= 0).all()
    assert np.abs(quantiles - np.array(usual["series"][0]["quantiles"])).mean() < 15.0


def test_a_forecaster_that_is_none_is_answered_with_those_that_are(client):
    answer = client.post("/v1/forecasts", json=request(forecaster="oracle"))
    assert answer.status_code == 422
    assert "forecaster" in answer.text
    for name in ("usual", "climatology", "seasonal_naive", "double_seasonal", "ridge"):
        assert name in answer.text


def test_what_was_cleaned_is_told_with_its_place(client):
    asked = request()
    values = asked["series"][0]["values"]
    values[300] *= 9
    values[400:406] = [None] * 6
    told = client.post("/v1/forecasts", json=asked).json()["series"][0]["cleaned"]
    assert {one["fault"]: one["samples"] for one in told} == {"gap": 6, "spike": 1}
    assert told[1]["spans"] == [
        {"start": "2026-03-08T06:00:00Z", "end": "2026-03-08T06:30:00Z", "samples": 1}
    ]


def test_an_offline_hour_is_not_learnt_as_idle(client):
    online = [True] * 672
    asked = request()
    asked["series"][0]["values"] = [5.0 if slot % 48 < 24 else 8.0 for slot in range(672)]
    asked["series"][0]["values"][200:220], online[200:220] = [0.0] * 20, [False] * 20
    asked["series"][0] |= {"online": online, "charging": True}
    one = client.post("/v1/forecasts", json=asked).json()["series"][0]
    assert np.min(one["quantiles"]) > 4.99
    assert [(c["fault"], c["samples"]) for c in one["cleaned"]] == [("offline", 20)]


def test_hours_at_a_limit_are_told_and_not_learnt(client):
    asked = request()
    limit = [None] * 200 + [20.0] * 100 + [None] * 372
    asked["series"][0]["values"][200:300] = [20.0] * 100
    asked["series"][0]["limit_kw"] = limit
    one = client.post("/v1/forecasts", json=asked).json()["series"][0]
    assert [(c["fault"], c["samples"]) for c in one["cleaned"]] == [("curtailed", 100)]
    assert one["samples"] == 572


def test_nothing_from_now_on_is_read_and_slots_begin_then(client):
    asked = request(now="2026-03-10T10:10:00Z", step_minutes=15, slots=5)
    other = request(now="2026-03-10T10:10:00Z", step_minutes=15, slots=5)
    other["series"][0]["values"][412:] = [500.0] * (672 - 412)
    told, tempted = (client.post("/v1/forecasts", json=body).json() for body in (asked, other))
    assert told["start"] == "2026-03-10T10:15:00Z"
    assert told["series"][0]["quantiles"] == tempted["series"][0]["quantiles"]


def test_finer_samples_are_averaged_by_slot(client):
    rng = np.random.default_rng(2)
    quarters = rng.uniform(5, 9, 14 * 96)
    fine = request(sample_minutes=15, step_minutes=60, slots=24)
    fine["series"][0]["values"] = quarters.tolist()
    hourly = request(sample_minutes=60, slots=24)
    hourly["series"][0]["values"] = quarters.reshape(-1, 4).mean(axis=1).tolist()
    answers = [
        client.post("/v1/forecasts", json=body).json()["series"][0]["quantiles"] for body in (fine, hourly)
    ]
    np.testing.assert_allclose(*answers)


def test_levels_between_are_interpolated(client):
    usual = np.array(client.post("/v1/forecasts", json=request()).json()["series"][0]["quantiles"])
    told = client.post("/v1/forecasts", json=request(levels=[0.1, 0.3, 0.9])).json()
    between = usual[2] + 0.2 * (usual[3] - usual[2])
    np.testing.assert_allclose(told["series"][0]["quantiles"], [usual[1], between, usual[5]])


def test_little_and_old_history_is_told(client):
    told = client.post("/v1/forecasts", json=request(n=96, now="2026-03-20T00:00:00Z")).json()
    words = " ".join(one["what"] for one in told["warnings"])
    assert "2.0 days of samples" in words
    assert "16.0 days old" in words


def test_a_series_of_nulls_is_answered_with_a_warning(client):
    asked = request()
    asked["series"][0]["values"] = [None] * 50
    told = client.post("/v1/forecasts", json=asked).json()
    assert {"where": "building", "what": "no history"} in told["warnings"]


def test_every_fault_of_a_request_is_named(client):
    asked = request(levels=[0.5, 0.1], zone="Mars/Base", slots=2016, paths=1000)
    asked["series"] = [asked["series"][0] | {"online": [True]}, asked["series"][0]]
    asked["plugged_in"] = [
        {
            "session_id": "a",
            "series_id": "nowhere",
            "arrival": "2027-01-01T00:00:00Z",
            "departure": {"levels": [0.5, 0.4], "times": ["2027-01-01T00:00:00Z"]},
            "need_kwh": 1.0,
            "power_kw": 3.7,
        }
    ]
    answer = client.post("/v1/forecasts", json=asked)
    assert answer.status_code == 422
    assert {error["path"] for error in answer.json()["errors"]} == {
        "series",
        "series[0].online",
        "levels",
        "zone",
        "slots",
        "plugged_in[0].series_id",
        "plugged_in[0].arrival",
        "plugged_in[0].departure.levels",
        "plugged_in[0].departure.times",
    }


def test_what_would_take_too_much_memory_is_refused_before_it_does(client):
    one = {"start": START, "values": [1.0]}
    many = [one | {"series_id": str(k)} for k in range(1000)]
    for asked in (
        {"series": many, "sample_minutes": 1, "step_minutes": 1, "slots": 1},
        {"series": many, "slots": 1000, "levels": [0.5], "total": True},
        {
            "series": many,
            "sample_minutes": 15,
            "step_minutes": 15,
            "slots": 1,
            "forecaster": "double_seasonal",
        },
    ):
        answer = client.post("/v1/forecasts", json=asked)
        assert [error["path"] for error in answer.json()["errors"]] == ["series"]


@pytest.mark.parametrize(("given_min", "wanted_min"), [(20, 15), (30, 20), (20, 30)])
def test_slots_that_do_not_fit_the_samples_are_refused(client, given_min, wanted_min):
    asked = request(sample_minutes=given_min, step_minutes=wanted_min)
    answer = client.post("/v1/forecasts", json=asked)
    assert [error["path"] for error in answer.json()["errors"]] == ["step_minutes"]


@given(
    values=st.lists(st.one_of(st.none(), st.floats(-1e7, 1e7)), min_size=1, max_size=200),
    seed=st.integers(0, 9),
)
@settings(max_examples=40)
def test_whatever_was_metered_the_answer_is_finite_and_in_order(client, values, seed):
    series = [
        {"series_id": "a", "start": START, "values": values},
        {"series_id": "b", "start": START, "values": values[::-1], "installed_kw": 22.0},
    ]
    answer = client.post(
        "/v1/forecasts", json={"series": series, "slots": 30, "paths": 5, "seed": seed, "total": True}
    )
    assert answer.status_code == 200, answer.text
    told = ForecastOut.model_validate_json(answer.content)
    assert told.total is not None
    for one in (*told.series, told.total):
        assert np.isfinite(one.quantiles).all()
        assert (np.diff(one.quantiles, axis=0) >= 0).all()
    assert 0 <= np.min(told.series[1].paths) <= np.max(told.series[1].paths) <= 22.0
    assert told.issued_at <= told.start
    assert told.start.astimezone(UTC) == told.start
