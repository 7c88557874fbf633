"""Circuits of every kind: wiring between lines, power factors, apparent power, unbalance, modules, stations offline."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from models.assets import SiteAssets
from models.grid.site import CircuitNode, CurrentType, Evse, LineLimit, Phase, Site, Station, Wiring
from models.state import Conduct, StationCondition
from optimizer.mpc import Controller
from optimizer.options import PlanOptions
from optimizer.problem import problem_of
from optimizer.rows import Rows, evse_phasors, kw_per_a, station_levels_a
from optimizer.scheduling.check import breaches
from optimizer.scheduling.dispatch import dispatch_alone
from optimizer.solver.outcome import SolveStatus
from optimizer.topology import Topology
from tests.optimizer.builders import FULL_KW, car, site, state
from tests.reference.limits import excesses
from tests.strategies import rich_states

PAIR = (Phase.L1, Phase.L2)
OPTIONS = PlanOptions()


def delta_site(n_evses, **limits):
    """EVSEs between two lines each, in turn, behind one node."""
    pairs = (PAIR, (Phase.L2, Phase.L3), (Phase.L3, Phase.L1))
    evses = [Evse(f"E{n + 1}", pairs[n % 3], wiring=Wiring.DELTA) for n in range(n_evses)]
    stations = tuple(Station(f"S{n + 1}", "grid", (one,)) for n, one in enumerate(evses))
    return Site("delta", "UTC", (CircuitNode("grid", **limits),), stations)


def planned(of):
    return Controller(of.site).step(of)


@given(of=rich_states())
@settings(max_examples=33)
def test_no_row_of_any_kind_is_overloaded(of):
    of = replace(of, assets=SiteAssets())  # what assets carry of it is counted in the tests of assets
    plan = planned(of)
    assert plan.report.status is not SolveStatus.DISPATCHED, plan.notes
    assert excesses(of, plan.schedule, OPTIONS.load_quantile) == []


@given(of=rich_states())
@settings(max_examples=33)
def test_dispatch_alone_keeps_every_row(of):
    problem = problem_of(of, Topology.of(of.site), OPTIONS)
    dispatched = dispatch_alone(problem, np.zeros(problem.topology.n_evses, dtype=np.bool_))
    assert excesses(of, dispatched.schedule, OPTIONS.load_quantile) == []
    assert breaches(of, dispatched.schedule, OPTIONS.load_quantile) == ()


def test_an_evse_between_lines_draws_the_root_of_three_times_the_power():
    one = Evse("E1", PAIR, wiring=Wiring.DELTA)
    assert kw_per_a(one, site(1)) == pytest.approx(0.23 * np.sqrt(3))
    assert np.angle(evse_phasors(one), deg=True)[:2] == pytest.approx([30.0, -30.0])


def test_three_balanced_pairs_load_each_line_by_the_root_of_three():
    cars = [car(f"E{n}", 60.0) for n in (1, 2, 3)]
    plan = planned(state(delta_site(3, limit_a=(40.0, 40.0, 40.0)), *cars))
    # 23 A between every pair make 39.84 A on every line; 24 A would make 41.6 A.
    assert plan.schedule.pilot_a[:, 0].tolist() == [23.0, 23.0, 23.0]


def test_one_pair_alone_loads_its_lines_by_its_current():
    plan = planned(state(delta_site(1, limit_a=(20.0, 20.0, 20.0)), car("E1", 60.0)))
    assert plan.schedule.pilot_a[0, 0] == 20.0


def test_apparent_power_counts_the_power_factor():
    lagging = Evse("E1", power_factor=0.8)
    here = replace(site(1, evses=(lagging,)), nodes=(CircuitNode("grid", limit_kva=13.8),))
    plan = planned(state(here, car("E1", 60.0)))
    assert plan.schedule.pilot_a[0, 0] == 20.0
    assert plan.schedule.power_kw[0, 0] == pytest.approx(13.8 * 0.8)


def test_single_phase_cars_are_held_within_the_unbalance():
    evses = tuple(Evse(f"E{n}", (Phase.L1,)) for n in (1, 2))
    here = replace(site(2, evses=evses), nodes=(CircuitNode("grid", unbalance_a=20.0),))
    plan = planned(state(here, car("E1", 60.0), car("E2", 60.0)))
    assert plan.schedule.pilot_a.sum(axis=0).max() == 20.0


def test_ports_of_a_cabinet_take_whole_modules():
    ports = tuple(Evse(f"P{n}", min_current_a=2.0, max_current_a=90.0, step_a=0.5) for n in (1, 2))
    ports = tuple(replace(port, current_type=CurrentType.DC) for port in ports)
    cabinet = Station("C", "grid", ports, limit_kw=60.0, module_kw=20.0)
    here = Site("dc", "UTC", (CircuitNode("grid"),), (cabinet,))
    levels_kw = [a * 0.69 for a in station_levels_a(cabinet, ports[0], 230.0)]
    assert [int(np.ceil(kw / 20.0)) for kw in levels_kw] == [1, 2, 3]
    plan = planned(state(here, car("P1", 200.0), car("P2", 200.0)))
    modules = np.ceil(plan.schedule.power_kw / 20.0 - 1e-9)
    assert modules.sum(axis=0).max() == 3.0


def test_a_line_of_its_own_limits_a_sum_of_phasors():
    neutral = LineLimit("neutral", (("E1", 1.0 + 0j), ("E2", complex(-0.5, -np.sqrt(0.75)))), 16.0)
    evses = (Evse("E1", (Phase.L1,)), Evse("E2", (Phase.L2,)))
    here = replace(site(2, evses=evses), lines=(neutral,))
    plan = planned(state(here, car("E1", 60.0), car("E2", 60.0)))
    first, second = plan.schedule.pilot_a
    # Two phases return as little as either of them alone where they are alike.
    carried_a = np.sqrt(first**2 + second**2 - first * second)
    assert carried_a.max() <= 16.0 + 1e-6
    assert first[0] + second[0] > 28.0


@pytest.mark.parametrize(("conduct", "counted_a"), [(Conduct.OFFLINE, 8.0), (Conduct.NOT_FOLLOWING, 32.0)])
def test_a_station_that_cannot_be_told_keeps_its_share_free(conduct, counted_a):
    here = site(2, limit_a=(40.0, 40.0, 40.0))
    stations = tuple(replace(one, offline_a=8.0) for one in here.stations)
    deaf = StationCondition(stations[0].station_id, conduct)
    of = replace(
        state(replace(here, stations=stations), car("E1", 60.0), car("E2", 60.0)), conditions=(deaf,)
    )
    plan = planned(of)
    assert plan.schedule.pilot_a[0].max() == 0.0
    assert plan.schedule.pilot_a[1, 0] == 40.0 - counted_a if counted_a < 32.0 else 8.0


@given(of=rich_states())
@settings(max_examples=16)
def test_a_weight_is_what_an_evse_puts_on_a_row(of):
    rows = Rows.of(of.site)
    weight = rows.weight[-1]
    for evse, above in enumerate(rows.of_evse):
        for place, row in enumerate(above[above >= 0]):
            name = rows.names[row]
            if name.quantity == "kW" and not name.where.startswith("station "):
                assert weight[evse, place].real == pytest.approx(kw_per_a(of.site.evses[evse], of.site))


def test_one_station_behind_a_full_node_does_not_feed_it_back():
    plan = planned(state(site(1, limit_kw=FULL_KW / 2), car("E1", 60.0)))
    assert plan.schedule.power_kw.max() <= FULL_KW / 2
