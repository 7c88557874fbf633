"""What is known ahead, weather above all, comes in over HTTP and from files, and its end is told."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from api.forecasts.request import Column
from api.forecasts.slots import in_slots
from models.arrays import frozen
from models.timegrid import TimeGrid
from tests.forecast_files import quantiles, run

START = datetime(2026, 1, 5, tzinfo=UTC)
N_DAYS = 50
N_PAST = N_DAYS * 24
WHERE = "columns"


def heated():
    """A heated hall by the hour, and the temperature of its days and the cold one to come."""
    rng = np.random.default_rng(2)
    mean_c = rng.normal(5.0, 6.0, N_DAYS + 1)
    mean_c[-1] = -6.0
    temperature_c = np.repeat(mean_c, 24)
    hour = np.arange(temperature_c.size) % 24
    load_kw = (
        20
        + 5 * np.sin(hour / 24 * 2 * np.pi)
        + np.maximum(12 - temperature_c, 0)
        + rng.normal(0, 0.5, hour.size)
    )
    return load_kw, temperature_c


LOAD_KW, TEMPERATURE_C = heated()


def asked(known=()):
    values = LOAD_KW[:N_PAST].round(3).tolist()
    series = {"series_id": "hall", "start": START.isoformat(), "values": values}
    return {"series": [series], "sample_minutes": 60, "slots": 24, "paths": 4, "known": list(known)}


def column(values, **more):
    return {"name": "temperature_c", "start": START.isoformat(), "values": list(values)} | more


def medians(answer):
    return np.array(answer["series"][0]["quantiles"][answer["levels"].index(0.5)])


def missed(answer):
    return float(np.abs(medians(answer) - LOAD_KW[N_PAST:]).mean())


def test_a_forecast_with_the_weather_to_come_is_nearer_to_what_comes(client):
    plain = client.post("/v1/forecasts", json=asked()).json()
    told = client.post("/v1/forecasts", json=asked([column(TEMPERATURE_C)])).json()
    assert missed(told) < 0.4 * missed(plain)
    assert "temperature_c" in told["method"]
    assert not any(one["where"] == WHERE for one in told["warnings"])


def test_weather_that_ends_is_told_and_the_forecast_goes_on_without_it(client):
    plain = client.post("/v1/forecasts", json=asked()).json()
    told = client.post("/v1/forecasts", json=asked([column(TEMPERATURE_C[: N_PAST + 6])])).json()
    [what] = [one["what"] for one in told["warnings"] if one["where"] == WHERE]
    assert what.startswith("temperature_c is not known in 18 of 24 slots, from 2026-02-24 06:00 UTC on")
    np.testing.assert_array_equal(medians(told)[6:], medians(plain)[6:])
    assert (medians(told)[:6] > medians(plain)[:6] + 2.0).all()


def test_a_column_that_is_given_twice_is_refused(client):
    answer = client.post("/v1/forecasts", json=asked([column([1.0]), column([2.0])]))
    assert answer.status_code == 422
    assert [one["path"] for one in answer.json()["errors"]] == ["known"]


def test_a_forecaster_that_reads_no_columns_says_so(client):
    body = asked([column(TEMPERATURE_C)]) | {"forecaster": "climatology"}
    told = client.post("/v1/forecasts", json=body).json()
    assert [one["what"] for one in told["warnings"] if one["where"] == WHERE] == [
        "not used by this forecaster"
    ]


@pytest.fixture
def hall(tmp_path):
    """The hall's history as a file, and a writer of what is known."""
    times = pd.date_range(START, periods=LOAD_KW.size, freq="h", name="time")
    pd.DataFrame({"hall": LOAD_KW[:N_PAST]}, index=times[:N_PAST]).to_csv(tmp_path / "hall.csv")

    def write(name, table):
        path = tmp_path / name
        frame = pd.DataFrame(table, index=times[: len(next(iter(table.values())))])
        frame.to_csv(path) if path.suffix == ".csv" else frame.to_parquet(path)
        return path

    return tmp_path / "hall.csv", write


@pytest.mark.parametrize("name", ["weather.csv", "weather.parquet"])
def test_a_file_of_what_is_known_gives_what_the_api_gives(client, hall, name):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    path, write = hall
    known = write(name, {"temperature_c": TEMPERATURE_C})
    told = quantiles(path, "--known", known)
    same = client.post("/v1/forecasts", json=asked([column(TEMPERATURE_C)])).json()
    np.testing.assert_allclose(medians(told), medians(same), atol=0.01)


def test_a_file_that_ends_or_has_gaps_is_told(hall):
    path, write = hall
    cut = np.where(np.arange(TEMPERATURE_C.size) < N_PAST + 6, TEMPERATURE_C, np.nan)
    for values in (cut, TEMPERATURE_C[: N_PAST + 6]):
        told = quantiles(path, "--known", write("weather.csv", {"temperature_c": values}))
        assert any("18 of 24 slots" in one["what"] for one in told["warnings"])


def test_faults_of_the_file_are_named_with_the_option(hall, tmp_path):
    path, write = hall
    many = {f"c{number}": TEMPERATURE_C for number in range(9)}
    assert "--known" in run(path, "--known", write("many.csv", many)).stderr
    bad = tmp_path / "bad.csv"
    bad.write_text("time,temperature_c\n2026-01-05T00:00Z,1\n2026-01-05T01:00Z,warm\n2026-01-05T02:00Z,2\n")
    result = run(path, "--known", bad)
    assert (result.exit_code, "Traceback" in result.output) == (2, False)
    assert "row 3: 'warm'" in result.stderr


@pytest.mark.parametrize(("own_s", "step_s"), [(3600, 1800), (1800, 3600), (3600, 3600), (900, 1800)])
def test_columns_of_any_step_stand_in_the_slots_of_the_forecast(own_s, step_s):
    grid = TimeGrid(START + timedelta(days=1), step_s, 4)
    n = 2 * 86_400 // own_s
    time_s = int(START.timestamp()) + np.arange(n, dtype=np.int64) * own_s
    found = in_slots([Column("x", time_s, frozen(np.arange(n) * own_s / 3600.0), own_s)], grid)
    assert found is not None
    values = found.at(grid.steps, grid)[0]
    offset = (step_s - own_s) / 2 / 3600 if step_s > own_s else 0.0
    hours = 24 + np.arange(4) * step_s / 3600
    wanted = np.floor(hours) if own_s > step_s else hours + offset
    np.testing.assert_allclose(values, wanted)
    assert np.isnan(found.at(np.array([grid.first_step - 25 * 3600 // step_s]), grid)).all()


def test_of_two_values_at_one_time_the_later_one_holds():
    grid = TimeGrid(START, 3600, 1)
    time_s = np.full(2, int(START.timestamp()), dtype=np.int64)
    found = in_slots([Column("x", time_s, frozen([1.0, 2.0]), 3600)], grid)
    assert found is not None
    assert found.at(grid.steps, grid).tolist() == [[2.0]]
