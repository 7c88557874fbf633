"""Whatever happens, what the fast clock tells breaks no limit of a site with everything that one can have."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.metering import MeterSamples
from models.schedule import Schedule
from models.units import TOLERANCE_A, TOLERANCE_KW
from optimizer.fast import FastClock
from optimizer.scheduling.check import breaches
from tests.optimizer.fast.driving import GRID, START_S, plan_of, session, state_of
from tests.rich_strategies import rich_sites
from tests.strategies import sites

SEEDS = st.integers(0, 2**32 - 1)


class Chance:
    """A drawn site in which anything happens: cars, plans, limits, connections that fail, any meter values."""

    def __init__(self, site, seed):
        self.site, self.rng = site, np.random.default_rng(seed)
        self.clock = FastClock(site)
        self.now_s, self.limit_kw = START_S, np.inf
        self.is_lost = np.zeros(len(site.evses), dtype=bool)
        self.decision = self.clock.decide(self.now_s)

    def samples(self):
        n = len(self.site.evses)
        drawn_a = self.rng.choice([0.0, 0.5, 1.0, 2.0], n, p=[0.2, 0.2, 0.55, 0.05]) * self.decision.pilot_a
        lines_a = drawn_a[:, None] * (np.arange(3) < self.rng.integers(1, 4, n)[:, None])
        at_s = self.now_s - self.rng.uniform(0.0, 20.0, n)
        return MeterSamples(np.arange(n), at_s, lines_a, np.full(n, np.nan))

    def happen(self):
        self.now_s += float(self.rng.choice([1.0, 10.0, 60.0]))
        evse_id = self.rng.choice(self.site.evse_ids)
        match self.rng.integers(6):
            case 0 | 1:
                self.clock.plugged(session(evse_id), self.now_s)
            case 2:
                self.clock.unplugged(evse_id, self.now_s)
            case 3:
                due_a = [self.rng.choice([0.0, *evse.levels_a]) for evse in self.site.evses]
                self.clock.follow(plan_of(self.site, due_a), state_of(self.site))
            case 4:
                lost = {station.station_id: self.rng.random() < 0.2 for station in self.site.stations}
                self.is_lost = np.array(
                    [lost[self.site.station_of(one).station_id] for one in self.site.evse_ids]
                )
                self.clock.connected(~self.is_lost, self.now_s)
            case 5:
                self.limit_kw = float(self.rng.choice([np.inf, 0.0, 5.0, 20.0]))
        for _ in range(int(self.rng.integers(0, 3))):
            self.clock.meter(self.samples())

    def decide(self):
        self.clock.limit(state_of(self.site, limit_kw=self.limit_kw))
        self.decision = self.clock.decide(self.now_s)

    def state(self):
        """The site as a plan would see it now."""
        watch = self.clock.watch
        cars = [
            session(one, n_phases=int(watch.n_lines[row]))
            for row, one in enumerate(self.site.evse_ids)
            if watch.is_there[row]
        ]
        return state_of(self.site, cars, self.decision.conditions, limit_kw=self.limit_kw)


@settings(max_examples=35)
@given(data=st.data(), seed=SEEDS)
def test_what_is_told_breaks_no_limit_by_the_independent_check(data, seed):
    site = data.draw(rich_sites())
    chance = Chance(site, seed)
    for _ in range(25):
        chance.happen()
        chance.decide()
        pilot_a = np.where(chance.is_lost, 0.0, chance.decision.pilot_a)
        told_a = np.repeat(pilot_a[:, None], GRID.n_slots, axis=1)
        told = Schedule(GRID, site.evse_ids, told_a, told_a, told_a)
        assert breaches(chance.state(), told, 0.9) == ()


@settings(max_examples=25)
@given(data=st.data(), seed=SEEDS)
def test_whoever_rises_gets_only_what_nobody_may_still_draw(data, seed):
    site = data.draw(sites(min_stations=1))
    chance = Chance(site, seed)
    for _ in range(25):
        chance.happen()
        could_a = np.maximum(chance.decision.pilot_a, chance.clock.watch.may_draw_a(chance.now_s))
        chance.decide()
        rises = chance.decision.pilot_a > could_a + 1e-9
        may_draw_a = np.where(chance.is_lost, 0.0, chance.clock.watch.may_draw_a(chance.now_s))
        for node in site.nodes:
            below = [
                row
                for row, one in enumerate(site.evse_ids)
                if node.node_id in site.path_to_root(site.station_of(one).node_id)
            ]
            if rises[below].any():
                assert_carried(chance, node, below, may_draw_a)


def assert_carried(chance, node, below, current_a):
    """Sum up from the site's records what cars may draw below a node."""
    phases_a = np.zeros(3)
    for row in below:
        phases = chance.site.evses[row].phases[: int(chance.clock.watch.n_lines[row])]
        phases_a[list(phases)] += current_a[row]
    limit_kw = np.inf if node.limit_kw is None else node.limit_kw
    if node.parent_id is None:
        limit_kw = min(limit_kw, chance.limit_kw)
    assert phases_a.sum() * chance.site.voltage_v / 1000.0 <= limit_kw + TOLERANCE_KW
    if node.limit_a is not None:
        assert (phases_a <= np.array(node.limit_a) + TOLERANCE_A).all()


@settings(max_examples=25)
@given(data=st.data(), seed=SEEDS)
def test_a_limit_of_nothing_pauses_everybody_whatever_happened_before(data, seed):
    chance = Chance(data.draw(rich_sites()), seed)
    for _ in range(10):
        chance.happen()
        chance.decide()
    chance.limit_kw = 0.0
    chance.clock.connected(np.ones(len(chance.site.evses), dtype=bool), chance.now_s)
    chance.decide()
    assert not chance.decision.pilot_a.any()


@settings(max_examples=25)
@given(data=st.data(), seed=SEEDS)
def test_the_order_of_samples_and_samples_that_come_twice_change_nothing(data, seed):
    site = data.draw(rich_sites())
    one, other = Chance(site, seed), Chance(site, seed)
    shuffle = np.random.default_rng(seed + 1)
    for _ in range(15):
        one.happen()
        other.happen()
        parts = [*other.clock._samples, *other.clock._samples[:1]]
        joined = MeterSamples.joined(parts)
        other.clock._samples[:] = [joined.only(shuffle.permutation(joined.evse.size))]
        one.decide()
        other.decide()
        assert one.decision.pilot_a.tolist() == other.decision.pilot_a.tolist()
        assert one.decision.changes == other.decision.changes
