"""Who stays short, and of how much: floors, promises and fair shares."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.options import Fairness, PlanOptions
from optimizer.problem import problem_of
from optimizer.scheduling.bands import N_BANDS, band_widths_kwh
from optimizer.scheduling.objective import Weights
from optimizer.scheduling.scheduler import Scheduler
from optimizer.topology import Topology
from tests.optimizer.anew import assert_moved_is_anew, solved_walk
from tests.optimizer.builders import FULL_KW, car, site, state
from tests.optimizer.parts.walks import walks


def promised(draw, one):
    return replace(one, promised_kwh=draw(st.sampled_from([0.0, 3.0, 12.0, 200.0])))


def energies(of, **options):
    chosen = PlanOptions(**options)
    planned = Scheduler(chosen).solve(problem_of(of, Topology.of(of.site), chosen), 30.0).planned
    return planned.power_kw.sum(axis=1) * 0.25


@pytest.mark.parametrize("fairness", Fairness)
@given(walk=walks(promised))
@settings(max_examples=20)
def test_the_moved_program_is_the_program_stated_anew(fairness, walk):
    assert_moved_is_anew(walk, PlanOptions(fairness=fairness))


@pytest.mark.parametrize("fairness", Fairness)
@given(walk=walks(promised, max_size=2))
@settings(max_examples=20)
def test_bands_are_as_wide_as_the_need(fairness, walk):
    options = PlanOptions(fairness=fairness)
    for problem, _, _ in solved_walk(walk, options):
        weights = Weights.of(problem, options)
        widths = np.array(band_widths_kwh(problem, weights))
        assert (widths >= 0).all()
        minimum_kwh = np.minimum(problem.minimum_kwh, problem.need_kwh)
        wanted_kwh = problem.need_kwh - minimum_kwh
        assert widths[:, :, :N_BANDS].sum(axis=2) == pytest.approx(wanted_kwh, abs=1e-9)
        assert (widths[:, :, N_BANDS:-1].sum(axis=2) <= minimum_kwh + 1e-9).all()


@given(
    target=st.integers(5, 60),
    others=st.lists(
        st.tuples(st.integers(5, 80), st.sampled_from([2.0, 5.0, 100.0])), min_size=1, max_size=4
    ),
    limit_kw=st.integers(1, 60),
    share=st.sampled_from([0.1, 0.2, 0.5]),
)
@settings(max_examples=40)
def test_no_priority_starves_the_rest(target, others, limit_kw, share):
    cars = [car("E1", target), *(car(f"E{n + 2}", kwh, priority=p) for n, (kwh, p) in enumerate(others))]
    scarce = state(site(len(cars), limit_kw=float(limit_kw)), *cars)
    energy_kwh = energies(scarce, floor_share=share)
    floors = np.array([share * one.target_kwh for one in cars])
    fits = limit_kw * 4.0 >= floors.sum() and (floors <= FULL_KW * 4.0).all()
    if fits:
        assert (energy_kwh >= floors - 1e-6).all()


def test_without_a_floor_the_higher_priority_takes_all():
    scarce = state(site(2, limit_kw=5.0), car("E1", 40.0), car("E2", 40.0, priority=2.0))
    assert energies(scarce, floor_share=0.0) == pytest.approx([0.0, 20.0])
    assert energies(scarce, floor_share=0.2) == pytest.approx([8.0, 12.0])


def test_the_floor_is_a_share_of_the_whole_session():
    had = car("E1", 40.0, delivered_kwh=8.0)
    scarce = state(site(2, limit_kw=5.0), had, car("E2", 40.0, priority=2.0))
    assert energies(scarce, floor_share=0.2) == pytest.approx([0.0, 20.0])


@given(minimum=st.integers(0, 40), priority=st.sampled_from([1.0, 3.0, 50.0]))
@settings(max_examples=20)
def test_no_newcomer_takes_what_a_driver_was_promised(minimum, priority):
    newcomer = car("E2", 40.0, minimum_kwh=minimum, priority=priority)
    scarce = state(site(2, limit_kw=5.0), car("E1", 40.0, promised_kwh=15.0), newcomer)
    assert energies(scarce)[0] >= 15.0 - 1e-6


def test_promises_that_cannot_all_be_kept_are_broken_whatever_the_priorities_by_as_little_as_can_be():
    cars = car("E1", 40.0, promised_kwh=15.0), car("E2", 40.0, promised_kwh=15.0, priority=9.0)
    assert energies(state(site(2, limit_kw=5.0), *cars)).sum() == pytest.approx(20.0)


@given(limit_kw=st.integers(4, 30), needs=st.lists(st.integers(5, 80), min_size=2, max_size=4))
@settings(max_examples=30)
def test_fair_by_laxity_is_short_of_the_same_time(limit_kw, needs):
    """Nobody is short of more time than another who could give it up, but for a band."""
    cars = [car(f"E{n + 1}", float(kwh)) for n, kwh in enumerate(needs)]
    scarce = state(site(len(cars), limit_kw=float(limit_kw)), *cars)
    energy_kwh = energies(scarce, fairness=Fairness.LAXITY)
    short_h = (np.array(needs) - energy_kwh) / FULL_KW
    band_h = max(needs) / FULL_KW / N_BANDS
    can_give_up = energy_kwh > 1e-6
    could_take = energy_kwh < np.minimum(needs, FULL_KW * 4.0) - 1e-6
    if could_take.any() and can_give_up.any():
        assert short_h[could_take].max() <= short_h[can_give_up].min() + band_h + 1e-6
