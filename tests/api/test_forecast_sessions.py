"""What `gridpilot forecast` reads in files: recorded sessions, units and rows."""

import numpy as np
import pandas as pd
import pytest

from tests.forecast_files import loads, quantiles, run


def garage(n_days=21):
    """A garage that twenty cars come to every evening, and its sessions; the last car is still there."""
    rng = np.random.default_rng(4)
    times = pd.date_range("2026-01-05", periods=n_days * 24, freq="h", tz="UTC", name="time")
    load, sessions = np.zeros(len(times)), []
    for day in range(n_days):
        for car in range(6):
            arrival = times[day * 24] + pd.Timedelta(hours=16 + 4 * rng.random())
            energy = 5 + 10 * rng.random()
            first = int((arrival - times[0]) / pd.Timedelta("1h"))
            for hour in range(first, min(first + int(energy / 7), len(load))):
                load[hour] += 7.0
            gone = arrival + pd.Timedelta(hours=6 + 6 * rng.random())
            sessions.append(("garage", f"user {car}", arrival, gone, energy, 7.0))
    columns = ["station", "user", "arrival", "departure", "energy_kwh", "power_kw"]
    return pd.DataFrame({"garage": load}, index=times), pd.DataFrame(sessions, columns=columns)


def test_a_car_that_is_plugged_in_shows_in_the_next_hour(tmp_path):
    load, sessions = garage()
    path, recorded, busy = (tmp_path / name for name in ("load.csv", "sessions.csv", "busy.csv"))
    load.to_csv(path)
    at = "2026-01-24T10:00:00"
    sessions.to_csv(recorded, index=False)
    here = pd.DataFrame([("garage", f"user {i}", "2026-01-24T09:55Z", None, 0.5, 7.0) for i in range(4)])
    pd.concat([sessions, here.set_axis(sessions.columns, axis=1)]).to_csv(busy, index=False)
    options = ("--charging", "--at", at, "--horizon", 4)
    quiet = quantiles(path, *options, "--sessions", recorded)
    full = quantiles(path, *options, "--sessions", busy, "--paths", 20)
    assert full["method"].startswith("open sessions")
    assert np.array(quiet["series"][0]["quantiles"])[3, 0] < 4.0
    assert np.array(full["series"][0]["quantiles"])[3, 0] > 12.0
    assert np.median(np.array(full["series"][0]["paths"])[:, 0]) > 12.0


def test_a_car_that_nobody_saw_leave_is_not_there_for_ever(tmp_path):
    load, sessions = garage()
    path, recorded = tmp_path / "load.csv", tmp_path / "sessions.csv"
    load.to_csv(path)
    sessions.to_csv(recorded, index=False)
    plain = quantiles(path, "--sessions", recorded)
    lost = pd.DataFrame([("garage", "user 9", "2025-12-16T09:00Z", None, 0.5, 7.0)], columns=sessions.columns)
    pd.concat([lost, sessions]).to_csv(recorded, index=False)
    told = quantiles(path, "--sessions", recorded)
    assert told["series"][0]["quantiles"] == plain["series"][0]["quantiles"]
    assert any("1 left out: open for more than 14 days, up to 40" in one["what"] for one in told["warnings"])


def test_series_without_sessions_follow_their_samples(tmp_path):
    load, sessions = garage()
    load["office"] = loads(21, 60)["office"].to_numpy()
    path, recorded = tmp_path / "load.csv", tmp_path / "sessions.csv"
    load.to_csv(path)
    sessions.to_csv(recorded, index=False)
    plain, layered = quantiles(path), quantiles(path, "--sessions", recorded)
    assert layered["series"][1]["quantiles"] == plain["series"][1]["quantiles"]
    assert layered["series"][0]["quantiles"] != plain["series"][0]["quantiles"]


def test_old_sessions_are_not_used_and_that_is_said(tmp_path):
    load, sessions = garage()
    path, recorded = tmp_path / "load.csv", tmp_path / "sessions.csv"
    load.to_csv(path)
    sessions[sessions["departure"] < "2026-01-12T00:00Z"].to_csv(recorded, index=False)
    told = quantiles(path, "--sessions", recorded)
    assert any("not used" in one["what"] for one in told["warnings"])
    assert told["series"][0]["quantiles"] == quantiles(path)["series"][0]["quantiles"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("station,arrival\ngarage,2026-01-05\n", ("energy_kwh",)),
        ("arrival,energy_kwh\nsoon,1\n2026-01-05,much\n", ("soon", "much")),
    ],
)
def test_every_fault_of_recorded_sessions_is_named(tmp_path, text, named):
    load, _ = garage()
    path, recorded = tmp_path / "load.csv", tmp_path / "sessions.csv"
    load.to_csv(path)
    recorded.write_text(text)
    result = run(path, "--sessions", recorded)
    assert (result.exit_code, "Traceback" in result.output) == (2, False)
    for word in named:
        assert word in result.stderr


def test_every_column_has_the_unit_that_its_name_says(tmp_path):
    table = loads().set_axis(["site_kW", "b_MW"], axis=1).assign(c_Wh=3.0, plain=4.0)
    table.to_csv(tmp_path / "units.csv")
    told = quantiles(tmp_path / "units.csv")
    assert [one["unit"] for one in told["series"]] == ["kW", "MW", "Wh", "kW"]


def test_columns_of_different_units_have_no_sum(tmp_path):
    loads().set_axis(["site_kW", "b_MW"], axis=1).to_csv(tmp_path / "units.csv")
    result = run(tmp_path / "units.csv", "--total")
    assert result.exit_code == 2
    assert "series in MW, kW have no sum" in result.stderr


def test_cars_are_not_added_to_series_in_other_units(tmp_path):
    load, sessions = garage()
    load.set_axis(["garage_MW"], axis=1).to_csv(tmp_path / "load.csv")
    sessions.to_csv(tmp_path / "sessions.csv", index=False)
    result = run(tmp_path / "load.csv", "--sessions", tmp_path / "sessions.csv")
    assert result.exit_code == 2
    assert "cars count in kW, the history has series in MW" in result.stderr


@pytest.mark.parametrize("unit", ["Wh", "kWh", "MWh"])
def test_registers_give_power_in_the_unit_of_their_energy(tmp_path, unit):
    table = loads()[["office"]].cumsum() * 0.5
    table.set_axis([f"office_{unit}"], axis=1).to_csv(tmp_path / "registers.csv")
    [one] = quantiles(tmp_path / "registers.csv", "--registers")["series"]
    assert one["unit"] == unit.removesuffix("h")


def test_rows_of_a_long_file_are_those_of_the_file_where_only_some_series_are_read(tmp_path):
    lines = ["time,meter,value"]
    for hour in range(24):
        lines += [f"2026-01-05T{hour:02d}:00,{name},{hour}" for name in ("a", "b")]
    lines[20 - 1] = "2026-01-05T09:00,b,oops"
    lines[30 - 1] = "2026-01-05T14:0x,b,3"
    path = tmp_path / "long.csv"
    path.write_text("\n".join(lines))
    told = run(path, "--column", "b").stderr
    assert "row 20: 'oops'" in told
    path.write_text("\n".join(lines).replace("oops", "9"))
    assert "row 30: '2026-01-05T14:0x'" in run(path, "--column", "b").stderr


def test_rows_of_sessions_are_those_of_the_file_where_some_have_no_departure(tmp_path):
    loads(3).to_csv(tmp_path / "load.csv")
    rows = ["station,arrival,departure,energy_kwh"]
    rows += [f"office,2026-01-05T{hour:02d}:00Z,,3" for hour in range(8)]
    rows += ["office,2026-01-06T08:00Z,2026-01-06T0x:00Z,3"]
    (tmp_path / "sessions.csv").write_text("\n".join(rows))
    told = run(tmp_path / "load.csv", "--sessions", tmp_path / "sessions.csv").stderr
    assert "row 10: '2026-01-06T0x:00Z'" in told
