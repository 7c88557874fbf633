"""The demonstration is what it says: real stations, no limit exceeded, a report and a page."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from benchmarks.demo import main
from benchmarks.demo.command import play
from benchmarks.demo.day import car_of, day_of, stated_departure
from benchmarks.demo.meters import DayMeters
from benchmarks.demo.rivals import rivals_of
from benchmarks.stations import VirtualStation
from models.errors import ChargingError
from models.simulation import SimulatedSite
from models.timegrid import TimeGrid

MORNING = (6, 8)


def small_day(seed=11):
    return day_of(seed, n_evses=6, hours=MORNING)


def test_a_small_day_ends_with_a_report_a_page_and_no_limit_exceeded(tmp_path, capsys):
    out = tmp_path / "demo.html"
    assert main(seed=11, seconds=4, evses=6, out=out, hours=MORNING) == 0
    said = capsys.readouterr().out
    assert "No limit was exceeded at any meter." in said
    assert str(out) in said.replace("\n", "")
    for name in ("gridpilot", "uncontrolled", "equal share"):
        assert name in said
    page = out.read_text(encoding="utf-8")
    assert page.count("<svg") == 1
    assert "<script" not in page
    assert not any(f'{attribute}="http' in page for attribute in ("src", "href"))


def test_stations_that_do_not_obey_are_seen_at_the_meters(monkeypatch):
    """The zero of the report is measured: with stations that ignore their profiles it is not zero."""
    monkeypatch.setattr(
        VirtualStation, "pilot_a", lambda self, number: self._place(number).evse.max_current_a
    )
    crowded = replace(small_day(), sessions=tuple(full_house()))
    result = play(crowded, 3, Console(quiet=True))
    assert not result.is_safe
    assert result.ours.over_s > 0


def full_house():
    """A car that needs much at every EVSE of the small site, from the start."""
    day = small_day()
    first = day.sessions[0]
    for number, evse in enumerate(day.site.evses):
        yield replace(
            first,
            session_id=f"full-{number:03d}",
            evse_id=evse.evse_id,
            arrival=day.start,
            target_kwh=30.0,
            max_current_a=evse.max_current_a,
            n_phases=len(evse.phases),
        )


def test_a_full_house_shares_the_limit_that_it_would_exceed_alone():
    crowded = replace(small_day(), sessions=tuple(full_house()))
    result = play(crowded, 5, Console(quiet=True))
    uncontrolled, equal_share = result.rivals
    assert result.is_safe
    assert uncontrolled.over_s > 0
    assert equal_share.over_s == 0
    assert result.ours.delivered_kwh > 0.5 * equal_share.delivered_kwh
    assert result.plan_s
    assert result.n_profiles > 0


@settings(max_examples=10)
@given(seed=st.integers(0, 10_000))
def test_every_day_is_one_that_can_be_charged(seed):
    day = day_of(seed)
    assert day.sessions
    for session in day.sessions:
        assert day.start <= session.arrival < session.departure.median <= day.end
        assert session.arrival < stated_departure(session) <= session.departure.median
        assert car_of(session).need_kwh == session.target_kwh
    assert len(day.site.evses) == 20
    assert day.limit_kw == pytest.approx(day.connected_kw / 2, rel=0.01)


@given(seed=st.integers(0, 10_000), minute=st.integers(0, 24 * 60 - 1))
@settings(max_examples=20)
def test_the_building_stays_within_what_is_planned_with(seed, minute):
    day = day_of(seed, n_evses=3)
    moment = day.start + (day.end - day.start) * minute / (24 * 60)
    booked = day.load(TimeGrid.around(moment, 900, 1))
    assert 0.0 < day.building.at(moment) <= booked.at(0.9)[0] + 1e-9


def test_the_same_seed_gives_the_same_day_and_the_same_rivals():
    first, second = small_day(), small_day()
    assert first.sessions == second.sessions
    for one, other in zip(rivals_of(first), rivals_of(second), strict=True):
        assert np.array_equal(one.evse_kw, other.evse_kw)
        assert one.delivered_kwh == other.delivered_kwh


def test_a_meter_counts_time_above_a_limit_and_nothing_at_the_limit():
    day = small_day()
    site, meters = SimulatedSite(day.site), DayMeters(day)
    metered = site.advance(np.zeros(len(day.site.evses)), 60.0)
    meters.book(metered, day.limit_kw, day.start)
    assert meters.over_s == 0
    meters.book(metered, day.limit_kw + 0.1, day.start)
    assert meters.over_s == 60.0


def test_a_page_that_cannot_be_written_is_told_before_the_day_is_played(tmp_path):
    with pytest.raises(ChargingError, match="No such file"):
        main(out=tmp_path / "nowhere" / "demo.html")


@pytest.mark.slow
def test_the_whole_day_of_the_default_seed_is_safe_and_served():
    result = play(day_of(), 60, Console(quiet=True))
    assert result.is_safe
    assert result.ours.met_percent > 90.0
    uncontrolled, _ = result.rivals
    assert uncontrolled.over_s > 0
    assert result.ours.peak_kw < result.day.limit_kw < uncontrolled.peak_kw
    assert result.ours.cost_per_kwh < uncontrolled.cost_per_kwh
