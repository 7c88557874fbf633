"""Cars that give back: within their reserve, for what it earns, and never at the expense of what their driver needs."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.arrays import frozen
from models.grid.site import Evse
from models.sessions import Acceptance, DischargeOffer, Milestone
from optimizer.options import PlanOptions
from optimizer.problem import problem_of
from optimizer.scheduling.scheduler import Scheduler
from optimizer.topology import Topology
from tests.optimizer.anew import assert_moved_is_anew, solved_walk
from tests.optimizer.builders import at, car, limit, site, state
from tests.optimizer.parts.walks import walks
from tests.rich_strategies import acceptances, discharge_offers, maybe, milestones

CLOSE = 1e-5


def giving(draw, one):
    return replace(
        one,
        discharge=maybe(draw, discharge_offers()),
        acceptance=draw(st.sampled_from([None, None, draw(acceptances())])),
        milestones=milestones(draw, one),
    )


def both_ways(here):
    """Every EVSE of a site takes up to 16 A back."""
    stations = tuple(
        replace(station, evses=tuple(replace(evse, max_discharge_a=16.0) for evse in station.evses))
        for station in here.stations
    )
    return replace(here, stations=stations)


def bidirectional_walks(max_size=4):
    return walks(giving, max_size=max_size, on_site=both_ways)


@given(walk=bidirectional_walks())
@settings(max_examples=22)
def test_the_moved_program_is_the_program_stated_anew(walk):
    assert_moved_is_anew(walk)


@given(walk=bidirectional_walks(max_size=3))
@settings(max_examples=28)
def test_no_car_is_discharged_below_its_reserve_or_charged_above_its_capacity(walk):
    for of, (problem, solved, _) in zip(walk, solved_walk(walk), strict=True):
        power_kw, back_kw = solved.planned.power_kw, solved.planned.back_kw
        assert (np.minimum(power_kw, back_kw) <= CLOSE).all()
        for one in of.sessions:
            for evse, seats in enumerate(problem.session_ids):
                if one.session_id in seats:
                    hours = problem.connected_h[evse, seats.index(one.session_id)]
                    check(one, power_kw[evse], back_kw[evse], hours, problem.slot_h[evse])


def check(one, power_kw, back_kw, hours, slot_h):
    offer, own = one.discharge, (hours > 0) & (hours >= slot_h - 1e-9)
    if offer is None or offer.stored_kwh <= offer.reserve_kwh:
        assert (back_kw[own] <= CLOSE).all()
        return
    assert (back_kw[own] <= offer.max_kw + CLOSE).all()
    if (hours[~own] > 0).any():
        return  # what it gets in a slot that it shares is not known
    gained = offer.charge_efficiency * power_kw - back_kw / offer.discharge_efficiency
    stored_kwh = offer.stored_kwh + np.cumsum(gained * hours)[own]
    assert (stored_kwh >= offer.reserve_kwh - 1e-4).all()
    assert (stored_kwh <= max(offer.capacity_kwh, offer.stored_kwh) + 1e-4).all()


@given(walk=bidirectional_walks(max_size=2))
@settings(max_examples=16)
def test_what_is_given_back_must_be_charged_again(walk):
    for problem, solved, _ in solved_walk(walk):
        net_kw = solved.planned.power_kw - problem.batteries.per_back * solved.planned.back_kw
        given_kwh = np.einsum("et,eqt->eq", net_kw, problem.connected_h)
        used = problem.connected_h.any(axis=2)
        short_kwh = solved.planned.short_kwh.sum(axis=2)
        assert (given_kwh + short_kwh)[used] == pytest.approx(problem.need_kwh[used], abs=1e-4)


OFFER = DischargeOffer(
    max_kw=11.0,
    stored_kwh=30.0,
    reserve_kwh=20.0,
    capacity_kwh=60.0,
    charge_efficiency=0.9,
    discharge_efficiency=0.9,
    wear_per_kwh=0.05,
)
HOME = site(evses=(Evse("E1", max_discharge_a=16.0),))
PEAK = [0.1] * 4 + [0.5] * 4 + [0.1] * 8


def solved(of, **options):
    chosen = PlanOptions(**options)
    return Scheduler(chosen).solve(problem_of(of, Topology.of(of.site), chosen), 30.0).planned


def home(offer=OFFER, prices=PEAK, earns=0.4, load_kw=0.0, **facts):
    from models.load import LoadForecast

    of = state(
        HOME,
        car("E1", facts.pop("target_kwh", 10.0), discharge=offer, **facts),
        prices=prices,
        loads=(LoadForecast.certain("grid", frozen(np.full(16, load_kw))),),
    )
    return replace(of, tariff=replace(of.tariff, export_per_kwh=frozen(np.full(16, earns))))


def test_a_car_sells_when_it_is_dear_and_buys_again_when_it_is_cheap():
    planned = solved(home())
    assert planned.back_kw[0, 4:8] == pytest.approx(11.0)
    assert planned.back_kw[0].sum() * 0.25 == pytest.approx(11.0)
    net_kwh = 0.25 * (planned.power_kw[0].sum() - planned.back_kw[0].sum() / 0.81)
    assert net_kwh == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("earns", "wear", "gives"), [(0.30, 0.05, True), (0.20, 0.05, True), (0.20, 0.10, False)]
)
def test_a_car_gives_only_what_pays_for_its_losses_and_its_wear(earns, wear, gives):
    """A kWh that is bought at 0.10 again costs 0.10 / 0.81 = 0.123."""
    planned = solved(home(replace(OFFER, wear_per_kwh=wear), earns=earns))
    assert (planned.back_kw.sum() > 0) == gives


def test_a_car_feeds_its_home_before_the_grid():
    planned = solved(home(earns=0.0, load_kw=3.0))
    assert planned.back_kw[0, 4:8] == pytest.approx(3.0)
    assert planned.back_kw[0, :4].sum() == pytest.approx(0.0)


def test_a_car_below_its_reserve_is_charged_and_gives_nothing():
    planned = solved(home(replace(OFFER, stored_kwh=10.0)))
    assert planned.back_kw.sum() == 0.0
    assert planned.short_kwh.sum() == pytest.approx(0.0)


def test_a_car_keeps_its_reserve():
    planned = solved(home(replace(OFFER, stored_kwh=22.0), prices=[0.5] * 4 + [0.1] * 12))
    assert planned.back_kw[0, :4].sum() * 0.25 == pytest.approx(2.0 * 0.9)


def test_negative_prices_burn_nothing():
    planned = solved(home(prices=[-0.5] * 16, earns=-0.4))
    assert np.minimum(planned.power_kw, planned.back_kw).max() <= CLOSE


def test_no_limit_leans_on_what_a_car_gives_back():
    """A car may unplug or fault: what others draw then must hold without it."""
    here = site(evses=(Evse("E1", max_discharge_a=16.0), Evse("E2")))
    hurries = car("E2", 15.0, minimum_kwh=15.0, leaves_h=1.0)
    planned = solved(state(here, car("E1", 0.0, discharge=OFFER), hurries, limits=(limit(10.0),)))
    assert planned.power_kw[1, :4].sum() * 0.25 == pytest.approx(10.0)
    assert planned.back_kw[0].sum() == pytest.approx(0.0, abs=CLOSE)


def test_what_cars_give_back_keeps_the_fuse_and_what_may_be_exported():
    of = home(earns=0.4)
    for change, most_kw in (({"limit_a": (10.0,) * 3}, 6.9), ({"export_kw": 5.0}, 5.0)):
        nodes = tuple(replace(node, **change) for node in of.site.nodes)
        planned = solved(replace(of, site=replace(of.site, nodes=nodes)))
        assert planned.back_kw.max() == pytest.approx(most_kw)


def test_a_milestone_counts_what_was_given_back_before_it():
    due = home(milestones=(Milestone(at(2.0), 10.0),), prices=[0.1] * 4 + [0.5] * 4 + [0.1] * 8)
    planned = solved(due)
    by_then = 0.25 * (planned.power_kw[0, :8].sum() - planned.back_kw[0, :8].sum() / 0.81)
    assert by_then == pytest.approx(10.0)


def test_a_battery_that_gave_back_accepts_its_full_power_again():
    curve = Acceptance(knee_kwh=0.0, full_kwh=20.0, full_power_kw=22.08)
    planned = solved(
        home(replace(OFFER, stored_kwh=58.0, capacity_kwh=80.0), acceptance=curve, delivered_kwh=9.0)
    )
    assert planned.back_kw[0].sum() > 0
    halfway = (
        9.0
        + np.cumsum(0.25 * (planned.power_kw[0] - planned.back_kw[0] / 0.81))
        - 0.125 * planned.power_kw[0]
    )
    on = planned.power_kw[0] > 1e-6
    assert (planned.power_kw[0][on] <= 22.08 - curve.slope_per_h * halfway[on] + 1e-4).all()
