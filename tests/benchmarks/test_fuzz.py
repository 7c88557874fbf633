"""The fuzz benchmark: its states are valid and come again, and its judge sees what is wrong."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.fuzz import BENCHMARK, COLUMNS, steps_of
from benchmarks.fuzzed.judge import worst_excess_a, wrong_pilots
from benchmarks.fuzzed.states import Trouble, drawn_state, moved_on
from benchmarks.registry import BenchmarkContext
from models.arrays import frozen
from models.grid.site import CircuitNode, Evse, LineLimit, Phase, Wiring
from models.validate import validate_state
from optimizer.mpc import Controller
from tests.optimizer.builders import car, site, state

SEED = 7


def test_every_drawn_state_is_valid_and_so_is_the_one_that_follows():
    for number in range(200):
        _, first = drawn_state(SEED, number)
        validate_state(first)
        validate_state(moved_on(first, SEED, number))


def test_a_state_is_the_same_whatever_was_drawn_before():
    drawn_state(SEED, 4)
    (_, one), (_, again) = drawn_state(SEED, 5), drawn_state(SEED, 5)
    assert (one.site, one.sessions, one.now) == (again.site, again.sessions, again.now)
    assert (one.tariff.energy_per_kwh == again.tariff.energy_per_kwh).all()


def schedule_of(one, pilot_a):
    schedule = Controller(one.site).step(one).schedule
    return replace(
        schedule, pilot_a=frozen(np.broadcast_to(np.array(pilot_a)[:, None], schedule.pilot_a.shape))
    )


def test_the_judge_counts_phase_by_phase():
    one = state(site(2, limit_a=(40.0, 40.0, 40.0)), car("E1", 50.0), car("E2", 50.0, n_phases=1))
    assert worst_excess_a(one, schedule_of(one, [24.0, 20.0]), 0.9) == pytest.approx(4.0)
    assert worst_excess_a(one, schedule_of(one, [20.0, 20.0]), 0.9) == pytest.approx(0.0)


def test_the_judge_adds_currents_between_lines_as_phasors():
    evses = tuple(Evse(f"E{n}", (Phase(n), Phase((n + 1) % 3)), wiring=Wiring.DELTA) for n in range(3))
    here = site(3, limit_a=(50.0, 50.0, 50.0), evses=evses)
    one = state(here, *(car(f"E{n}", 50.0) for n in range(3)))
    assert worst_excess_a(one, schedule_of(one, [30.0] * 3), 0.9) == pytest.approx(30 * np.sqrt(3) - 50)


def test_the_judge_sees_unbalance_and_lines():
    here = replace(site(2), nodes=(CircuitNode("grid", unbalance_a=10.0),))
    here = replace(here, lines=(LineLimit("odd", (("E1", 1.0), ("E2", -1j)), 5.0),))
    one = state(here, car("E1", 50.0, n_phases=1), car("E2", 50.0))
    assert worst_excess_a(one, schedule_of(one, [16.0, 0.0]), 0.9) == pytest.approx(11.0)
    assert worst_excess_a(one, schedule_of(one, [0.0, 16.0]), 0.9) == pytest.approx(11.0)


def test_the_judge_sees_a_pilot_that_is_none():
    one = state(site(1), car("E1", 50.0))
    assert wrong_pilots(one, schedule_of(one, [6.5])) == one.grid.n_slots


@pytest.mark.slow
def test_all_troubles_are_met_and_every_step_is_answered_without_a_fault():
    steps = steps_of(SEED, range(2 * len(Trouble)), 5.0)
    assert {step.trouble for step in steps} == set(Trouble)
    assert [step for step in steps if step.fault or not step.status] == []


@pytest.mark.bench
def test_the_benchmark_gives_a_row_for_every_trouble(tmp_path):
    report = BENCHMARK.measure(BenchmarkContext(tmp_path, smoke=True))
    assert [row[0] for row in report.rows] == [*(trouble.value for trouble in Trouble), "all"]
    assert report.rows[-1][COLUMNS.index("faults")] == 0
