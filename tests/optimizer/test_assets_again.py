"""Assets are planned again for real pilots: every limit holds, it costs no more, and the program goes on as before."""

from hypothesis import given, settings

from api.examples import examples, state_of
from optimizer.mpc import Controller
from optimizer.options import PlanOptions
from optimizer.scheduling.check import breaches
from tests.reference.limits import excesses
from tests.rich_strategies import rich_states, rich_walks

OPTIONS = PlanOptions(deadline_s=30.0)


def without_it(controller):
    """The same controller, whose assets do what was planned for them."""
    controller._assets_again = as_planned
    return controller


def as_planned(_following, sent, _attempt, _until_s):
    return sent


@given(of=rich_states())
@settings(max_examples=80)
def test_it_costs_no_more_and_every_limit_holds(of):
    plan = Controller(of.site, OPTIONS).step(of)
    before = without_it(Controller(of.site, OPTIONS)).step(of)
    assert breaches(of, plan.schedule, OPTIONS.load_quantile) == ()
    assert excesses(of, plan.schedule, OPTIONS.load_quantile) == []
    assert plan.report.objective <= before.report.objective + 1e-6 * (1.0 + abs(before.report.objective))


def test_it_saves_where_rounded_cars_leave_batteries_something_to_mend():
    of = state_of(examples()["microgrid"]).to_domain().state
    plan = Controller(of.site, OPTIONS).step(of)
    before = without_it(Controller(of.site, OPTIONS)).step(of)
    assert plan.report.objective < before.report.objective - 0.01


@given(walk=rich_walks())
@settings(max_examples=30)
def test_what_is_solved_next_is_as_good_as_if_it_had_not_been(walk):
    for plan, other in zip(steps(Controller(walk[0].site, OPTIONS), walk), anew(walk), strict=True):
        if plan.basis is not None and other.basis is not None:
            slack = 1e-6 * (1.0 + abs(other.basis.bound))
            assert abs(plan.basis.bound - other.basis.bound) <= slack


def steps(controller, walk):
    return [controller.step(state) for state in walk]


def anew(walk):
    """What a fresh controller makes of each state."""
    return [without_it(Controller(state.site, OPTIONS)).step(state) for state in walk]
