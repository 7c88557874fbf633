"""Simulated cars obey pilots, and what their meters show adds up."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import GridMismatchError
from models.grid.site import CircuitNode, Evse, Phase, Site, Station
from models.sessions import Acceptance
from models.simulation import Car, SimulatedCar, SimulatedSite
from models.simulation import cars as simulation
from models.simulation.cars import STEP_S, Motion, Physics
from tests.reference import simulation as reference

EVSE = Evse("E1")
STILL = dict.fromkeys(Motion._fields, 0.0)
PILOTS = st.lists(st.sampled_from([0.0, 5.0, 6.0, 10.0, 16.0, 32.0, 63.0]), min_size=1, max_size=12)


@st.composite
def cars(draw):
    """Cars with any need, limit, taper and speed."""
    return Car(
        need_kwh=draw(st.floats(0.0, 30.0)),
        max_current_a=draw(st.floats(6.0, 40.0)),
        max_power_kw=draw(st.sampled_from([np.inf, 3.7, 11.0])),
        n_phases=draw(st.integers(1, 3)),
        taper_kwh=draw(st.sampled_from([0.0, 1.0, 5.0])),
        taper_end_share=draw(st.floats(0.0, 1.0)),
        ramp_up_a_per_s=draw(st.floats(0.1, 20.0)),
        ramp_down_a_per_s=draw(st.floats(0.1, 20.0)),
        start_delay_s=draw(st.floats(0.0, 60.0)),
        sleeps_after_s=draw(st.sampled_from([np.inf, 0.0, 200.0])),
        follow_share=draw(st.sampled_from([1.0, 0.9])),
    )


def two_panels(phases=(Phase.L1, Phase.L2, Phase.L3)):
    """A grid connection with a panel of two EVSEs, and one EVSE beside it."""
    nodes = (CircuitNode("grid"), CircuitNode("panel", "grid"))
    stations = (
        Station("S1", "panel", (Evse("E1", phases), Evse("E2", phases[::-1]))),
        Station("S2", "grid", (Evse("E3", phases[:1]),)),
    )
    return Site("site", "UTC", nodes, stations)


@given(car=cars(), pilots_a=PILOTS, seconds=st.floats(0.5, 900.0))
def test_a_car_never_draws_more_than_it_needs_nor_more_than_its_pilot(car, pilots_a, seconds):
    alone = SimulatedCar(EVSE, car)
    for pilot_a in pilots_a:
        before_a = alone.current_a
        metered = alone.advance(pilot_a, seconds)
        assert metered.current_a.max() <= max(pilot_a, before_a) + 1e-6
        assert metered.power_kw[0] >= 0.0
    assert alone.delivered_kwh <= car.need_kwh + 1e-9


@given(car=cars(), pilots_a=PILOTS, seconds=st.floats(0.5, 900.0))
def test_metered_energy_is_the_integral_of_metered_power(car, pilots_a, seconds):
    alone = SimulatedCar(EVSE, car)
    metered = [alone.advance(pilot_a, seconds) for pilot_a in pilots_a]
    integral_kwh = sum(m.power_kw[0] * m.seconds / 3600.0 for m in metered)
    assert alone.delivered_kwh == pytest.approx(integral_kwh, rel=1e-9, abs=1e-12)
    by_phase_kwh = sum(m.current_a.sum() * 0.230 * m.seconds / 3600.0 for m in metered)
    assert by_phase_kwh == pytest.approx(integral_kwh, rel=1e-9, abs=1e-12)


@given(present=st.lists(cars(), min_size=3, max_size=3), pilots_a=st.lists(PILOTS, min_size=3, max_size=3))
def test_what_a_node_meters_is_the_sum_of_the_evses_below_it(present, pilots_a):
    site = SimulatedSite(two_panels())
    for evse_id, car in zip(site.site.evse_ids, present, strict=True):
        site.plug(evse_id, car)
    for step in range(min(len(row) for row in pilots_a)):
        metered = site.advance(np.array([row[step] for row in pilots_a]), 60.0)
        assert metered.node_kw == pytest.approx([metered.power_kw.sum(), metered.power_kw[:2].sum()])
        assert metered.node_a[0] == pytest.approx(metered.current_a.sum(axis=0))
        assert metered.node_a[1] == pytest.approx(metered.current_a[:2].sum(axis=0))


@given(car=cars(), pilots_a=PILOTS)
def test_a_pilot_below_six_amperes_stops_the_car(car, pilots_a):
    alone = SimulatedCar(EVSE, car)
    for pilot_a in pilots_a:
        alone.advance(pilot_a, 60.0)
    alone.advance(5.9, 400.0)  # the slowest car drawn is down after 32 A / 0.1 A/s
    assert alone.advance(5.9, 60.0).energy_kwh[0] == 0.0


@settings(max_examples=15)
@given(car=cars())
def test_a_car_with_time_enough_is_full_at_its_need(car):
    alone = SimulatedCar(EVSE, car)
    least_kw = 6.0 * 0.230 * max(car.taper_end_share, 0.01)
    if car.taper_end_share < 0.01 < car.taper_kwh:
        return  # the last of it would take for ever
    alone.advance(32.0, 3600.0 * (car.need_kwh / min(least_kw, 3.7) + 1.0))
    assert alone.is_full
    assert alone.delivered_kwh == pytest.approx(car.need_kwh, abs=2e-6)
    assert alone.advance(32.0, 60.0).power_kw[0] == pytest.approx(0.0, abs=1e-3)


def test_the_power_of_a_nearly_full_car_falls():
    car = Car(10.0, taper_kwh=5.0)
    alone = SimulatedCar(EVSE, car)
    power_kw = []
    while not alone.is_full:
        power_kw.append(alone.advance(16.0, 60.0).power_kw[0])
    flat = power_kw[2 : len(power_kw) // 2]
    assert max(flat) == pytest.approx(min(flat))
    assert all(late <= early for early, late in pairwise(power_kw[2:]))
    assert power_kw[-2] < 0.7 * power_kw[2]


def test_a_single_phase_car_loads_the_first_phase_of_a_rotated_evse():
    evse = Evse("E1", (Phase.L2, Phase.L3, Phase.L1))
    metered = SimulatedCar(evse, Car(10.0, n_phases=1, start_delay_s=0.0)).advance(16.0, 600.0)
    assert np.flatnonzero(metered.current_a[0]).tolist() == [Phase.L2]


def test_a_car_waits_after_every_pause_and_ramps():
    alone = SimulatedCar(EVSE, Car(10.0, start_delay_s=20.0, ramp_up_a_per_s=1.0))
    assert alone.advance(16.0, 20.0).energy_kwh[0] == 0.0
    alone.advance(16.0, 10.0)
    assert alone.current_a == pytest.approx(10.0)
    alone.advance(0.0, 5.0)
    assert alone.current_a == 0.0
    assert alone.advance(16.0, 20.0).energy_kwh[0] == 0.0


def test_a_car_that_was_paused_for_long_sleeps_until_it_is_paused_once_more():
    alone = SimulatedCar(EVSE, Car(10.0, sleeps_after_s=600.0))
    alone.advance(0.0, 900.0)
    assert alone.advance(16.0, 900.0).energy_kwh[0] == 0.0
    alone.advance(0.0, 30.0)
    assert alone.advance(16.0, 60.0).energy_kwh[0] > 0.0
    alone.advance(0.0, 500.0)
    assert alone.advance(16.0, 60.0).energy_kwh[0] > 0.0


def test_a_car_takes_what_its_acceptance_curve_allows():
    curve = Acceptance(knee_kwh=4.0, full_kwh=5.0, full_power_kw=3.7, end_share=0.5)
    car = Car(99.0, n_phases=1, start_delay_s=0.0, ramp_up_a_per_s=100.0).accepting(curve)
    alone = SimulatedCar(EVSE, car)
    alone.advance(32.0, 10.0)
    assert alone.advance(32.0, 60.0).power_kw[0] == pytest.approx(3.7)
    to_the_middle_h = 4.0 / 3.7 + np.log(1.0 / 0.75) / (0.5 * 3.7)
    alone.advance(32.0, 3600.0 * to_the_middle_h - 70.0)
    assert alone.advance(32.0, 5.0).power_kw[0] == pytest.approx(3.7 * 0.75, rel=0.02)
    alone.advance(32.0, 3600.0)
    assert alone.delivered_kwh == pytest.approx(5.0)


def test_what_lines_show_now_is_on_those_that_the_car_uses():
    site = SimulatedSite(two_panels())
    site.plug("E2", Car(5.0, n_phases=2, follow_share=0.9))
    site.advance(np.full(3, 10.0), 60.0)
    assert site.lines_a.tolist() == [[0.0, 0.0, 0.0], [9.0, 9.0, 0.0], [0.0, 0.0, 0.0]]
    assert site.power_kw == pytest.approx([0.0, 2 * 9 * 0.23, 0.0])


def test_a_car_that_left_draws_nothing_and_the_next_one_starts_from_zero():
    site = SimulatedSite(two_panels())
    site.plug("E1", Car(5.0))
    site.advance(np.array([16.0, 16.0, 16.0]), 600.0)
    given_kwh = site.unplug("E1")
    assert 0.0 < given_kwh < 5.0
    assert not site.advance(np.array([16.0, 16.0, 16.0]), 600.0).power_kw.any()
    site.plug("E1", Car(1.0))
    assert site.delivered_kwh[0] == 0.0
    assert site.plugged.tolist() == [True, False, False]


def test_an_occupied_evse_takes_no_second_car_and_an_empty_one_gives_none():
    site = SimulatedSite(two_panels())
    site.plug("E1", Car(5.0))
    with pytest.raises(ValueError, match="E1 is occupied"):
        site.plug("E1", Car(5.0))
    with pytest.raises(ValueError, match="no car"):
        site.unplug("E2")
    with pytest.raises(KeyError, match="E9"):
        site.plug("E9", Car(5.0))


@pytest.mark.parametrize("need_kwh", [-1.0, np.nan, np.inf])
def test_a_need_that_is_no_amount_of_energy_is_refused(need_kwh):
    with pytest.raises(ValueError, match="cannot need"):
        SimulatedCar(EVSE, Car(need_kwh))


def test_pilots_that_fit_no_site_and_time_that_stands_still_are_refused():
    site = SimulatedSite(two_panels())
    with pytest.raises(GridMismatchError, match="2 pilots for 3"):
        site.advance(np.zeros(2), 1.0)
    with pytest.raises(ValueError, match="forward"):
        site.advance(np.zeros(3), 0.0)
    with pytest.raises(ValueError, match="number"):
        site.advance(np.full(3, np.nan), 1.0)


@given(
    left_kwh=st.floats(0.0, 20.0),
    pilot_a=st.floats(0.0, 40.0),
    max_a=st.floats(6.0, 40.0),
    taper_kwh=st.sampled_from([0.0, 2.0, 10.0]),
    end_share=st.floats(0.0, 1.0),
)
def test_the_accepted_current_is_that_of_its_naive_twin(left_kwh, pilot_a, max_a, taper_kwh, end_share):
    drawn = (left_kwh, pilot_a, (6.0, max_a), taper_kwh, end_share)
    assert simulation.accepted_kernel(*drawn) == pytest.approx(reference.accepted(*drawn), abs=1e-9)


@given(present=st.lists(cars(), min_size=1, max_size=4), pilots_a=PILOTS, seconds=st.floats(0.5, 300.0))
def test_the_kernel_moves_cars_as_its_naive_twin(present, pilots_a, seconds):
    rows = [simulation.physics_of(EVSE, car, 230.0) for car in present]
    physics = Physics(*(np.array(values, dtype=np.float64) for values in zip(*rows, strict=True)))
    needs_kwh = np.array([car.need_kwh for car in present])
    zeros = np.zeros((3, len(present)))
    motion = Motion(needs_kwh, zeros[0], physics.delay_s.copy(), zeros[1], zeros[2])
    fixed = [dict(zip(Physics._fields, row, strict=True)) for row in rows]
    moving = [STILL | {"left_kwh": car.need_kwh, "wait_s": car.start_delay_s} for car in present]
    for pilot_a in pilots_a:
        told_a = np.full(len(present), pilot_a)
        energy_kwh = simulation.advance_kernel(told_a, physics, motion, seconds, STEP_S)
        naive_kwh = reference.advance(told_a, fixed, moving, seconds, STEP_S)
        assert energy_kwh == pytest.approx(naive_kwh, abs=3e-6)


@given(car=cars(), seconds=st.floats(0.5, 5.0))
def test_one_step_of_one_car_is_that_of_its_naive_twin(car, seconds):
    row = simulation.physics_of(EVSE, car, 230.0)
    physics = Physics(*(np.array([value]) for value in row))
    motion = Motion(np.array([car.need_kwh]), *np.zeros((4, 1)))
    moving = [STILL | {"left_kwh": car.need_kwh}]
    fixed = [dict(zip(Physics._fields, row, strict=True))]
    drawn_kwh = simulation.car_kernel(0, 16.0, physics, motion, seconds)
    assert drawn_kwh == pytest.approx(reference.car(0, 16.0, fixed, moving, seconds), abs=3e-6)
    assert motion.current_a[0] == pytest.approx(moving[0]["current_a"])
