"""`gridpilot forecast` as users call it: any regular file, pictures and tables, and faults that are all named."""

import gzip
import json

import numpy as np
import pandas as pd
import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from api.cli import app
from api.examples.forecast import example_forecast
from api.forecasts.answer.schemas import ForecastOut
from tests.forecast_files import loads, quantiles, run


@pytest.fixture
def plain(tmp_path):
    """The loads as a wide CSV with offsets, and their forecast."""
    path = tmp_path / "plain.csv"
    loads().to_csv(path)
    return path


def test_the_example_needs_no_file_and_shows_what_was_cleaned(tmp_path):
    plot, out = tmp_path / "fan.html", tmp_path / "out.csv"
    result = run("--example", "--total", "--paths", 5, "--plot", plot, "--out", out)
    assert result.exit_code == 0, result.output
    for word in ("gap", "spike", "flatline", "building", "total"):
        assert word in result.output
    assert "<svg" in plot.read_text()
    table = pd.read_csv(out)
    assert set(table["series"]) == {"north", "south", "building", "total"}
    assert list(table.columns[:4]) == ["series", "start", "q05", "q10"]
    paths = table.filter(like="path_").groupby(table["series"])
    parts = sum(paths.get_group(name).to_numpy() for name in ("north", "south", "building"))
    np.testing.assert_allclose(paths.get_group("total").to_numpy(), parts, atol=1e-6)


def test_the_saved_example_gives_the_same_forecast(tmp_path):
    path = tmp_path / "example.csv"
    assert run("--save-example", path).exit_code == 0
    run("--example", "--out", tmp_path / "a.json")
    built_in, saved = json.loads((tmp_path / "a.json").read_text()), quantiles(path)
    for one, other in zip(built_in["series"], saved["series"], strict=True):
        assert other["series_id"] == f"{one['series_id']}_kw"
        assert other["quantiles"] == one["quantiles"]


@pytest.mark.parametrize("suffix", [".png", ".svg", ".html"])
def test_a_fan_chart_is_written_in_every_form(plain, tmp_path, suffix):
    plot = tmp_path / f"fan{suffix}"
    assert run(plain, "--plot", plot, "--horizon", 6).exit_code == 0
    assert plot.stat().st_size > 5000


def write_semicolons(frame, path):
    frame.tz_localize(None).to_csv(path, sep=";", decimal=",", date_format="%d/%m/%Y %H:%M")


def write_american(frame, path):
    frame.tz_localize(None).to_csv(path, date_format="%m/%d/%Y %I:%M %p")


def write_swapped(frame, path):
    """As a spreadsheet spoils dates: day and month swapped where both are possible."""
    moments = [one.replace(day=one.month, month=one.day) if one.day <= 12 else one for one in frame.index]
    frame.set_axis(pd.DatetimeIndex(moments, name="when")).to_csv(path)


def write_long(frame, path):
    long = frame.reset_index().melt("time", var_name="station", value_name="power_kw")
    long.sort_values(["time", "station"]).to_csv(path, index=False)


def write_seconds(frame, path):
    frame.set_axis(pd.Index(frame.index.as_unit("s").astype("int64"), name="timestamp")).to_csv(path)


def write_date_and_time(frame, path):
    index = frame.index
    apart = frame.assign(Date=index.strftime("%Y-%m-%d"), Time=index.strftime("%H:%M"))
    apart.to_csv(path, index=False)


def write_backwards(frame, path):
    frame.iloc[::-1].to_csv(path)


def write_weather_too(frame, path):
    frame.assign(temp_c=20.0, note="fine").to_csv(path)


WRITERS = (
    write_semicolons,
    write_american,
    write_swapped,
    write_long,
    write_seconds,
    write_date_and_time,
    write_backwards,
    write_weather_too,
)


@pytest.mark.parametrize("write", WRITERS)
def test_however_a_file_is_written_the_forecast_is_the_same(plain, tmp_path, write):
    path = tmp_path / "other.csv"
    write(loads(), path)
    expected, told = quantiles(plain), quantiles(path)
    for one in expected["series"]:
        other = next(two for two in told["series"] if two["series_id"] == one["series_id"])
        np.testing.assert_allclose(other["quantiles"], one["quantiles"], atol=1e-9)


def test_local_times_without_offset_survive_the_change_of_clocks(tmp_path):
    frame = loads(40).set_axis(pd.date_range("2026-03-01", periods=40 * 48, freq="30min", tz="UTC"))
    aware, naive = tmp_path / "aware.csv", tmp_path / "naive.csv"
    frame.rename_axis("time").to_csv(aware)
    frame.tz_convert("Europe/Oslo").tz_localize(None).rename_axis("time").to_csv(naive)
    zone = ("--zone", "Europe/Oslo")
    assert quantiles(naive, *zone)["series"] == quantiles(aware, *zone)["series"]


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("usual", "blended memories"),
        ("climatology", "climatology"),
        ("seasonal_naive", "seasonal naive"),
        ("double_seasonal", "double seasonal"),
        ("ridge", "pooled ridge"),
    ],
)
def test_the_forecaster_is_chosen_by_name(plain, name, method):
    assert quantiles(plain, "--forecaster", name)["method"] == method


def of_a_shop(path):
    """A load that falls to a tenth on Sundays and on the holidays of Bavaria; the last day is the 5th of January."""
    times = pd.date_range("2025-11-10", "2026-01-05T23:00", freq="h", tz="UTC")
    off = (times.day_of_week == 6) | times.strftime("%m-%d").isin(["12-25", "12-26", "01-01"])
    pd.DataFrame({"shop": np.where(off, 2.0, 20.0)}, index=times.rename("time")).to_csv(path)
    return path


@pytest.mark.parametrize(
    ("options", "low"),
    [
        ((), False),
        (("--country", "DE"), False),
        (("--country", "DE", "--subdivision", "BY"), True),
        (("--holiday", "2026-01-06"), True),
    ],
)
def test_a_holiday_is_forecast_like_a_sunday_where_the_region_or_the_date_is_given(tmp_path, options, low):
    answer = quantiles(of_a_shop(tmp_path / "shop.csv"), *options)
    [shop] = answer["series"]
    assert (np.mean(shop["quantiles"][answer["levels"].index(0.5)]) < 12.0) == low


def test_finer_samples_give_coarser_slots(plain):
    told = quantiles(plain, "--step", 60, "--horizon", 12)
    assert (told["step_minutes"], len(told["series"][0]["quantiles"][0])) == (60, 12)


def test_parquet_is_read_and_written(tmp_path):
    pytest.importorskip("pyarrow")
    path, out = tmp_path / "loads.parquet", tmp_path / "out.parquet"
    loads().to_parquet(path)
    assert run(path, "--out", out, "--paths", 3, "--column", "hall").exit_code == 0
    table = pd.read_parquet(out)
    assert set(table["series"]) == {"hall"}
    assert table["start"].dt.tz is not None
    assert {"q50", "path_3"} <= set(table.columns)


def test_the_json_is_what_the_api_answers(plain, tmp_path):
    out = tmp_path / "out.json"
    assert run(plain, "--out", out, "--levels", "0.1,0.5,0.9").exit_code == 0
    assert ForecastOut.model_validate_json(out.read_bytes()).levels == (0.1, 0.5, 0.9)


def test_nothing_from_the_given_moment_on_is_read(plain, tmp_path):
    frame = loads()
    frame[frame.index >= "2026-01-20T10:00Z"] = 900.0
    other = tmp_path / "other.csv"
    frame.to_csv(other)
    at = ("--at", "2026-01-20T12:00+02:00")
    assert quantiles(plain, *at)["series"][0]["quantiles"] == quantiles(other, *at)["series"][0]["quantiles"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (
            "time,a,b\n2024-01-01,1,x\nfoo,2,3\n2024-01-01T01:00,oops,4\n2024-01-01T02:00,4,4\n",
            ("oops", "'x'", "foo"),
        ),
        ("", ("No columns",)),
        ("time,a\n", ("no row",)),
        ("time,a\n2024-01-01,1\n", ("two samples",)),
        ("a,b\n1,2\n3,4\n", ("column of times", "--time")),
        ("time,a\n2024-01-01,x\n2024-01-02,y\n", ("column of numbers",)),
        ("time,a\n2024-01-01T00:00,1\n2024-01-01T00:07,2\n2024-01-03T00:09,2\n", ("not regular",)),
        ("station,arrival,departure,energy_kwh\na,2024-01-01,2024-01-02,3\n", ("sessions",)),
        ("time,online,a\n2024-01-01,perhaps,1\n2024-01-02,true,2\n", ("perhaps",)),
    ],
)
def test_every_fault_of_a_file_is_named_and_there_is_no_traceback(tmp_path, text, named):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    result = run(path)
    assert (result.exit_code, "Traceback" in result.output) == (2, False)
    for word in named:
        assert word in result.stderr


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--plot", "fan.gif"), "fan.gif"),
        (("--out", "out.xml", "--plot", "fan.gif"), "out.xml"),
        (("--levels", "0.5,2"), "--levels"),
        (("--step", 7), "--step"),
        (("--step", 20), "--step"),
        (("--column", "cellar"), "cellar"),
        (("--zone", "Mars/Base"), "Mars/Base"),
        (("--time", "when"), "when"),
        (("--horizon", 100_000), "--horizon"),
        (("--horizon", "inf"), "--horizon"),
        (("--country", "XX"), "no holidays are known of 'XX'; they are of AD, AE"),
        (("--country", "DE", "--subdivision", "ZZ"), "there are BB, BE"),
        (("--subdivision", "BY"), "needs a country"),
        (("--forecaster", "oracle"), "there are: usual, climatology, seasonal_naive, double_seasonal, ridge"),
    ],
)
def test_every_option_that_does_not_fit_is_named(plain, options, named):
    result = run(plain, *options)
    assert (result.exit_code, "Traceback" in result.output) == (2, False)
    assert named in result.stderr


def test_a_file_that_was_cut_off_is_no_traceback(tmp_path):
    path = tmp_path / "loads.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write("time,load\n" + "2026-03-02T00:00:00Z,1\n" * 1000)
    path.write_bytes(path.read_bytes()[:-20])
    result = run(path)
    assert (result.exit_code, "Traceback" in result.output) == (2, False)
    assert "cannot be read" in result.stderr


def test_a_file_or_the_example_is_needed():
    assert run().exit_code == 2
    assert run("missing.csv").exit_code == 2
    assert "missing.csv" in run("missing.csv").stderr


def test_energy_registers_give_the_forecast_of_their_power(plain, tmp_path):
    frame, path = loads(), tmp_path / "registers.csv"
    edges = frame.index.append(frame.index[-1:] + pd.Timedelta("30min"))
    kwh = np.vstack([np.zeros(2), np.cumsum(frame.to_numpy() / 2, axis=0)]) + 12_345.0
    pd.DataFrame(kwh, index=edges.rename("time"), columns=["office_kwh", "hall_kwh"]).to_csv(path)
    told, expected = quantiles(path, "--registers"), quantiles(plain)
    for one, other in zip(told["series"], expected["series"], strict=True):
        assert one["unit"] == "kW"
        np.testing.assert_allclose(one["quantiles"], other["quantiles"], rtol=1e-6)
    assert told["start"] == expected["start"]


def test_a_clock_that_is_wrong_by_hours_is_told(tmp_path):
    frame, path = loads(40), tmp_path / "wrong.csv"
    frame["office"] = np.where(np.arange(len(frame)) >= 30 * 48, np.roll(frame["office"], 6), frame["office"])
    frame.to_csv(path)
    office, hall = quantiles(path)["series"]
    assert "clock_shift" in {one["fault"] for one in office["cleaned"]}
    assert "clock_shift" not in {one["fault"] for one in hall["cleaned"]}


def test_the_schema_of_a_forecast_is_one_that_its_example_obeys():
    schema = json.loads(CliRunner().invoke(app, ["schema", "forecast"]).output)
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(example_forecast())
    assert CliRunner().invoke(app, ["schema", "weather"]).exit_code == 2


def test_a_stray_stamp_of_the_far_future_does_not_move_the_forecast(plain, tmp_path):
    frame, other = loads(), tmp_path / "stray.csv"
    stray = frame.iloc[[50]].set_axis(pd.DatetimeIndex(["2089-01-01T00:00Z"], name="time"))
    pd.concat([frame.iloc[:400], stray, frame.iloc[400:]]).to_csv(other)
    told = quantiles(other)
    assert told["start"] == quantiles(plain)["start"]
    assert told["series"][0]["cleaned"][0]["fault"] == "ahead"
