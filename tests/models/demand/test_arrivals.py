"""The arrival generator: what always holds for a drawn day, and how close it is to the recorded ones."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp, spearmanr

from models.arrays import FloatArray
from models.demand.arrivals import ArrivalModel, Visit
from models.grid.site import CircuitNode, CurrentType, Evse, Phase, Site, Station
from models.units import power_kw

CALIFORNIA = "America/Los_Angeles"
MODELS = {"workplace": ArrivalModel.workplace(), "campus": ArrivalModel.campus()}
EVSES = (
    Evse("three-phase"),
    Evse("single-phase", phases=(Phase.L2,), max_current_a=16.0),
    Evse("dc", current_type=CurrentType.DC, max_current_a=80.0),
)
models = st.sampled_from(tuple(MODELS.values()))
days = st.dates(date(2023, 1, 1), date(2026, 12, 31))
seeds = st.integers(0, 2**31)


def site_of(n_evses: int, zone: str = CALIFORNIA) -> Site:
    evses = (Evse(f"{EVSES[n % 3].evse_id}-{n}", EVSES[n % 3].phases) for n in range(n_evses))
    stations = tuple(Station(f"station-{n}", "root", (evse,)) for n, evse in enumerate(evses))
    return Site("site", zone, (CircuitNode("root"),), stations)


def mixed_site(zone: str) -> Site:
    return Site("site", zone, (CircuitNode("root"),), (Station("station", "root", EVSES),))


def stay_h(visit: Visit) -> float:
    return (visit.session.departure.median - visit.session.arrival).total_seconds() / 3600.0


@given(model=models, day=days, seed=seeds, zone=st.sampled_from((CALIFORNIA, "Europe/Oslo", "Asia/Kolkata")))
def test_every_session_fits_its_stay_its_evse_and_its_day(
    model: ArrivalModel, day: date, seed: int, zone: str
) -> None:
    site = mixed_site(zone)
    for session in model.sample_day(site, day, seed, n_sessions=8):
        evse = next(evse for evse in site.evses if evse.evse_id == session.evse_id)
        amperes = min(session.max_current_a or np.inf, evse.max_current_a)
        greatest_kw = power_kw(amperes, session.n_phases or len(evse.phases), site.voltage_v)
        hours = (session.departure.median - session.arrival).total_seconds() / 3600.0
        assert 0.0 < session.target_kwh <= greatest_kw * hours
        assert session.arrival.tzinfo is UTC
        assert session.arrival.astimezone(ZoneInfo(zone)).date() == day


@given(model=models, day=days, seed=seeds, n_evses=st.integers(1, 6))
@settings(max_examples=25)
def test_no_two_sessions_share_an_evse_even_overnight(
    model: ArrivalModel, day: date, seed: int, n_evses: int
) -> None:
    visits = model.sample_days(site_of(n_evses), day, 5, seed)
    by_evse: dict[str, list[tuple[datetime, datetime]]] = {}
    for visit in visits:
        stay = (visit.session.arrival, visit.session.departure.median)
        by_evse.setdefault(visit.session.evse_id, []).append(stay)
    for stays in by_evse.values():
        assert all(first[1] < second[0] for first, second in pairwise(sorted(stays)))
    assert len({visit.session.session_id for visit in visits}) == len(visits)


@given(model=models, day=days, seed=seeds)
def test_the_same_seed_gives_the_same_day_and_another_seed_another(
    model: ArrivalModel, day: date, seed: int
) -> None:
    site = site_of(12)
    assert model.sample_visits(site, day, seed, 10) == model.sample_visits(site, day, seed, 10)
    assert model.sample_visits(site, day, seed, 10) != model.sample_visits(site, day, seed + 1, 10)


def test_a_wanted_number_of_sessions_comes_when_there_is_room() -> None:
    assert len(MODELS["workplace"].sample_day(site_of(20), date(2024, 5, 6), 1, n_sessions=24)) == 24


def test_drivers_stay_away_when_every_evse_is_taken() -> None:
    sessions = MODELS["workplace"].sample_day(site_of(1), date(2024, 5, 6), 1, n_sessions=200)
    assert 1 <= len(sessions) < 40


def test_a_site_without_evses_has_no_sessions() -> None:
    assert MODELS["workplace"].sample_day(site_of(0), date(2024, 5, 6), 1, n_sessions=5) == ()


def test_a_holiday_is_as_quiet_as_a_weekend() -> None:
    model = ArrivalModel.workplace()
    with_holiday = ArrivalModel(
        model.workday, model.day_off, model.levels, model.stated_share, holidays=frozenset({date(2024, 7, 4)})
    )
    assert model.pattern(date(2024, 7, 4)) is model.workday
    assert with_holiday.pattern(date(2024, 7, 4)) is model.day_off
    assert with_holiday.pattern(date(2024, 7, 6)) is model.day_off


@pytest.mark.parametrize("day", [date(2024, 3, 10), date(2024, 11, 3)])
def test_arrivals_keep_their_local_date_when_the_clock_changes(day: date) -> None:
    sessions = MODELS["campus"].sample_day(site_of(60), day, 5, n_sessions=80)
    assert len(sessions) == 80
    assert {session.arrival.astimezone(ZoneInfo(CALIFORNIA)).date() for session in sessions} == {day}


@pytest.mark.parametrize("name", MODELS)
def test_drawn_stays_and_energies_have_the_fitted_quantiles(name: str) -> None:
    model = MODELS[name]
    rng = np.random.default_rng(7)
    for member in model.workday.classes:
        drawn = np.array([member.draw(rng, model.levels) for _ in range(1000)])
        for column, quantiles in zip(drawn.T, member.quantiles, strict=True):
            fitted = np.interp(rng.random(4000), model.levels, quantiles)
            assert ks_2samp(column, fitted).statistic < 0.07
        wanted = 6.0 / np.pi * np.arcsin(member.correlation / 2.0)
        assert np.abs(spearmanr(drawn).statistic - wanted).max() < 0.12


@pytest.mark.parametrize("name", MODELS)
def test_stored_parameters_are_distributions(name: str) -> None:
    for pattern in (MODELS[name].workday, MODELS[name].day_off):
        assert pattern.arrival_share.sum() == pytest.approx(1.0, abs=1e-3)
        assert (np.diff(pattern.sessions_per_evse) >= 0.0).all()
        assert [member.begin_h for member in pattern.classes[1:]] == [
            member.end_h for member in pattern.classes[:-1]
        ]
        for member in pattern.classes:
            assert (np.diff(member.quantiles, axis=1) >= 0.0).all()
            assert np.linalg.eigvalsh(member.correlation).min() > 0.0


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "recorded_site", "n_evses"), [("workplace", "jpl", 52), ("campus", "caltech", 53)]
)
def test_drawn_workdays_are_close_to_the_recorded_ones(
    name: str, recorded_site: str, n_evses: int, data_dir: Path
) -> None:
    import pandas as pd

    recorded = pd.read_parquet(data_dir / "forecasting" / "sessions_acn.parquet")
    recorded = recorded[recorded["site"] == recorded_site]
    local = recorded["arrival"].dt.tz_convert(CALIFORNIA)
    workday = np.asarray(local.dt.day_of_week < 5)
    hour = np.asarray(local.dt.hour + local.dt.minute / 60.0, dtype=np.float64)[workday]
    hours = np.asarray((recorded["departure"] - recorded["arrival"]).dt.total_seconds() / 3600.0)[workday]
    kwh = np.asarray(recorded["energy_kwh"], dtype=np.float64)[workday]
    drawn = _drawn_workdays(MODELS[name], n_evses)
    for ours, theirs in zip(drawn, (hour, hours, kwh), strict=True):
        assert ks_2samp(ours, theirs).statistic < 0.06


def _drawn_workdays(model: ArrivalModel, n_evses: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    site = site_of_three_phase(n_evses)
    visits = [visit for visit in model.sample_days(site, date(2024, 5, 6), 42, 1) if _is_workday(visit)]
    arrivals = [visit.session.arrival.astimezone(ZoneInfo(CALIFORNIA)) for visit in visits]
    hour = np.array([arrival.hour + arrival.minute / 60.0 for arrival in arrivals])
    kwh = np.array([visit.session.target_kwh for visit in visits])
    return hour, np.array([stay_h(visit) for visit in visits]), kwh


def _is_workday(visit: Visit) -> bool:
    return visit.session.arrival.astimezone(ZoneInfo(CALIFORNIA)).weekday() < 5


def site_of_three_phase(n_evses: int) -> Site:
    stations = tuple(Station(f"station-{n}", "root", (Evse(f"evse-{n}"),)) for n in range(n_evses))
    return Site("site", CALIFORNIA, (CircuitNode("root"),), stations)


def test_a_driver_states_a_departure_after_the_arrival_or_nothing() -> None:
    visits = MODELS["campus"].sample_visits(site_of(60), date(2024, 5, 6), 3, n_sessions=70)
    stated = [visit for visit in visits if visit.stated_departure is not None]
    assert 40 < len(stated) < 70
    for visit in stated:
        assert visit.stated_departure is not None
        assert visit.stated_departure - visit.session.arrival >= timedelta(minutes=1)
        assert (visit.stated_energy_kwh or 0.0) > 0.0
