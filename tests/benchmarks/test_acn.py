"""Inside ACN-Sim: its networks are ours limit by limit, nobody beats the bound, and what is told can be executed."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.peers.acn.bound import Clairvoyant
from benchmarks.peers.acn.money import Money
from benchmarks.peers.acn.networks import ZONE, Network
from benchmarks.peers.acn.options import Batteries, Inputs, NetworkName, Pilots, RivalName
from benchmarks.peers.acn.ours import ours
from benchmarks.peers.acn.portal import portal
from benchmarks.peers.acn.rivals import rival
from benchmarks.peers.acn.sessions import CAR_KW, PERIOD_H, stays_of
from benchmarks.peers.acn.simulate import Case, simulate
from benchmarks.registry import BenchmarkContext, find
from models.demand.arrivals import Visit
from models.sessions import ChargingSession, Departure

pytest.importorskip("acnportal")
pytestmark = pytest.mark.bench

START = datetime(2019, 9, 9, tzinfo=ZoneInfo(ZONE))


@cache
def network(name=NetworkName.CALTECH, cap_share=0.1, pilots=Pilots.QUANTISED):
    return Network(name, cap_share, pilots)


def visit(number, evse_id, begin_h, stay_h, need_kwh):
    arrival = START + timedelta(hours=begin_h)
    departure = arrival + timedelta(hours=stay_h)
    session = ChargingSession(f"S{number}", evse_id, arrival, Departure.at(departure), need_kwh)
    return Visit(session, departure + timedelta(hours=1), 2.0 * need_kwh)


def case(visits, *, cap_share=0.1, pilots=Pilots.QUANTISED, inputs=Inputs.TRUE, batteries=Batteries.IDEAL):
    stays = stays_of(visits, START, START + timedelta(days=1))
    return Case(network(cap_share=cap_share, pilots=pilots), stays, START, inputs, batteries)


def crowd(n=8):
    """Cars on all pairs of lines and in both pods, more than 15 kW can serve in two hours."""
    ids = ("CA-303", "CA-148", "CA-307", "CA-322", "CA-324", "CA-149", "CA-309", "CA-493")
    return [visit(k, ids[k], 0.1 * k, 2.0, 5.0 + k) for k in range(n)]


@pytest.mark.parametrize("name", list(NetworkName))
@given(seed=st.integers(0, 10_000), level=st.floats(0.0, 32.0))
def test_a_current_that_acn_sim_allows_keeps_every_line_of_the_site_and_no_other_does(name, seed, level):
    built = network(name)
    current_a = np.random.default_rng(seed).uniform(0.0, level, len(built.wires.station_ids))
    row_of = {evse_id: row for row, evse_id in enumerate(built.site.evse_ids)}
    kept = all(
        abs(sum(weight * current_a[row_of[evse_id]] for evse_id, weight in line.weights)) <= line.limit_a
        for line in built.site.lines
    )
    assert kept == bool(built.build().is_feasible(current_a[:, None]))


@pytest.mark.parametrize("name", list(NetworkName))
def test_an_evse_of_the_site_gives_what_its_twin_gives(name):
    built = network(name)
    for evse, rates in zip(built.site.evses, built.build().allowable_rates, strict=True):
        assert evse.levels_a == tuple(rates[rates > 0])


def test_two_cars_between_the_same_lines_share_what_one_limit_leaves():
    both = [visit(0, "CA-303", 0.0, 1.0, 20.0), visit(1, "CA-308", 0.0, 1.0, 20.0)]
    program = case(both, cap_share=0.1)
    # Alone on one pair, half of its current flows on a line of the primary side: I / 2 <= 15 kW / 3 / 277 V.
    most_kwh = 2 * 15_000 / 3 / 277 * 0.208
    assert Clairvoyant(program).most_energy().delivered_kwh.sum() == pytest.approx(most_kwh, rel=2e-4)


def test_the_most_profit_leaves_what_costs_more_than_it_brings():
    lone = case([visit(0, "CA-303", 0.0, 1.0, 6.0)], cap_share=1.0)
    free = Money(np.full(12, 0.1), 0.0)
    dear = Money(np.full(12, 0.4), 0.0)
    peaky = Money(np.full(12, 0.1), 10.0)
    program = Clairvoyant(lone)
    assert program.most_profit(free).met_share == pytest.approx(1.0)
    assert program.most_profit(dear).met_share == pytest.approx(0.0, abs=1e-6)
    assert program.most_profit(peaky).met_share == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("policy", [RivalName.ROUND_ROBIN, RivalName.LEAST_LAXITY_MENDED])
@pytest.mark.parametrize("pilots", list(Pilots))
def test_nobody_delivers_more_than_the_bound(policy, pilots):
    chosen = case(crowd(), pilots=pilots)
    outcome = simulate(chosen, policy, rival(policy))
    assert outcome.over_a_min == pytest.approx(0.0, abs=1e-3)
    assert 0.0 < outcome.met_share <= Clairvoyant(chosen).most_energy().met_share + 1e-6


@pytest.mark.parametrize("inputs", list(Inputs))
@pytest.mark.parametrize("batteries", list(Batteries))
def test_our_pilots_are_pilots_that_the_evses_have(inputs, batteries):
    chosen = case(crowd(), inputs=inputs, batteries=batteries)
    past = tuple(replace(one, session=replace(one.session, session_id="old")) for one in crowd())
    outcome = simulate(chosen, "ours", ours(chosen, past))
    for row, levels_a in enumerate(chosen.network.wires.levels_a):
        assert set(outcome.pilot_a[row]) <= {0.0, *levels_a}
    assert outcome.met_share > 0.3


def test_a_lone_car_is_fully_met_with_one_switch():
    chosen = case([visit(0, "CA-303", 1.0, 3.0, 6.0)], cap_share=1.0)
    outcome = simulate(chosen, "ours", ours(chosen, ()))
    assert (outcome.fully_met_share, outcome.switches_per_session) == (1.0, 1.0)


def test_the_mended_estimator_answers_by_station():
    chosen = case([visit(0, "CA-303", 0.0, 2.0, 3.0)], inputs=Inputs.DECLARED)
    shipped = simulate(chosen, "shipped", rival(RivalName.LEAST_LAXITY))
    mended = simulate(chosen, "mended", rival(RivalName.LEAST_LAXITY_MENDED))
    assert shipped.pilot_a[:, -1].max() > 20.0
    assert mended.pilot_a[:, -1].max() <= 6.0


def test_a_real_battery_takes_all_it_needs_at_full_power_until_the_end():
    chosen = case([visit(0, "CA-303", 0.0, 1.0, 5.0)], cap_share=1.0, batteries=Batteries.REAL)
    outcome = simulate(chosen, "uncontrolled", rival(RivalName.UNCONTROLLED))
    assert outcome.delivered_kwh.sum() == pytest.approx(5.0, abs=0.01)
    assert outcome.current_a.max() <= CAR_KW / 0.208 + 1e-9
    assert outcome.current_a[:, -1].max() * 0.208 * PERIOD_H < 0.5


def test_acnportal_is_loaded_where_setuptools_are_new(monkeypatch):
    import sys

    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "pkg_resources" else object()
    )
    monkeypatch.delitem(sys.modules, "pkg_resources", raising=False)
    assert portal().acnsim.Simulator is not None
    assert "pkg_resources" not in sys.modules


@pytest.mark.data
def test_the_benchmark_runs(data_dir):
    report = find("acn").measure(BenchmarkContext(data_dir, smoke=True))
    energy = {row[4]: float(str(row[5])) for row in report.rows}
    assert 0 < energy["least_laxity"] <= energy["most energy"] <= 100
    assert any("points of energy lost" in note for note in report.notes)
