"""Every kernel that learns from meters does what its naive twin does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.grid.site import ALL_PHASES, CircuitNode, CurrentType, Evse, Phase, Site, Station, Wiring
from models.metering import MeterSamples
from optimizer.fast import Watch
from optimizer.fast import signs as fast
from optimizer.fast.signs import Book
from tests.reference import fast as reference

EVSES = (
    Evse("E1"),
    Evse("E2", (Phase.L2,)),
    Evse("E3", ALL_PHASES, 8.0, pilots_a=(8.0, 16.0, 24.0, 32.0)),
    Evse("E4", (Phase.L1, Phase.L2), wiring=Wiring.DELTA),
    Evse("E5", ALL_PHASES, 2.0, 80.0, CurrentType.DC, step_a=0.5),
)
SITE = Site("site", "UTC", (CircuitNode("grid"),), (Station("S", "grid", EVSES),))
SEEDS = st.integers(0, 2**32 - 1)


def rows_of(book):
    """The book as a list of dicts, one for each EVSE."""
    columns = {name: values.tolist() for name, values in zip(Book._fields, book, strict=True)}
    return [{name: values[row] for name, values in columns.items()} for row in range(len(EVSES))]


def assert_same(book, rows):
    for name, values in zip(Book._fields, book, strict=True):
        assert values.tolist() == pytest.approx([row[name] for row in rows], nan_ok=True), name


class Life:
    """Cars with limits of their own that are told pilots; some draw anything, some follow loosely."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.watch = Watch(SITE)
        for row in range(len(EVSES)):
            self.watch.plugged(row, 0.0)
        self.share = self.rng.choice([1.0, 0.9, 0.97], len(EVSES))
        self.n_used = self.rng.integers(1, 4, len(EVSES))
        self.now_s = 0.0

    def tell(self):
        chosen = [self.rng.choice([0.0, *evse.levels_a]) for evse in EVSES]
        keep = self.rng.random(len(EVSES)) < 0.5
        self.watch.told(np.where(keep, self.watch.book.pilot_a, chosen), self.now_s)

    def offer_all_that_is_known_to_be_of_use(self):
        cap_a = np.minimum(self.watch.book.cap_a, [evse.levels_a[-1] for evse in EVSES])
        self.watch.told(cap_a, self.now_s)

    def samples(self, n):
        evse = self.rng.integers(0, len(EVSES), n)
        at_s = self.now_s + self.rng.uniform(-30.0, 15.0, n)
        limit_a = self.rng.choice([0.0, 7.3, 13.1, 90.0], n, p=[0.1, 0.2, 0.2, 0.5])
        drawn_a = np.minimum(self.watch.book.pilot_a[evse] * self.share[evse], limit_a)
        drawn_a += self.rng.choice([0.0, 0.1, 9.0], n, p=[0.45, 0.45, 0.1]) * self.rng.random(n)
        lines_a = drawn_a[:, None] * (np.arange(3) < self.n_used[evse][:, None])
        lines_a[self.rng.random((n, 3)) < 0.05] = np.nan
        lines_a[self.rng.random(n) < 0.2] = np.nan
        power_kw = np.where(self.rng.random(n) < 0.1, np.nan, drawn_a * 0.23 * self.n_used[evse])
        return MeterSamples(evse, at_s, lines_a, power_kw).in_order()


@settings(max_examples=60)
@given(seed=SEEDS, follows=st.booleans())
def test_what_is_learnt_from_a_life_is_what_the_naive_twin_learns(seed, follows):
    life = Life(seed)
    for _ in range(40):
        life.now_s += life.rng.choice([5.0, 15.0, 200.0])
        if follows:
            life.offer_all_that_is_known_to_be_of_use()
        elif life.rng.random() < 0.4:
            life.tell()
        samples, rows = life.samples(8), rows_of(life.watch.book)
        arrays = (samples.evse, samples.at_s, samples.current_a, samples.power_kw)
        fast.learn_kernel(*arrays, life.watch.book, life.watch.plugs)
        reference.learn(zip(*(a.tolist() for a in arrays), strict=True), rows, life.watch.plugs)
        assert_same(life.watch.book, rows)


@given(seed=SEEDS)
def test_a_draw_is_read_as_its_naive_twin_reads_it(seed):
    life = Life(seed)
    samples = life.samples(5)
    for evse, lines_a, power_kw in zip(samples.evse, samples.current_a, samples.power_kw, strict=True):
        case = (int(evse), lines_a, float(power_kw), 16.0, life.watch.plugs)
        assert fast.drawn_kernel(*case) == pytest.approx(reference.drawn(*case), nan_ok=True)


def lines_alone(it):
    case = (it.lines_a, it.drawn_a)
    fast.lines_kernel(it.evse, *case, it.book, it.plugs)
    reference.lines(it.one, *case, it.plugs.n_lines[it.evse], it.plugs.least_lines[it.evse])


def conduct_alone(it):
    fast.conduct_kernel(it.evse, it.drawn_a, it.at_s, it.book)
    reference.conduct(it.one, it.drawn_a, it.at_s)


def lift_alone(it):
    fast.lift_kernel(it.evse, it.drawn_a, it.at_s, it.book, it.plugs)
    reference.lift(it.one, it.drawn_a, it.at_s, it.levels_a)


def lower_alone(it):
    fast.lower_kernel(it.evse, it.before_a, it.drawn_a, it.at_s, it.book, it.plugs)
    reference.lower(it.one, it.before_a, it.drawn_a, it.at_s, it.levels_a)


def loose_alone(it):
    fast.loose_kernel(it.evse, it.drawn_a, it.book)
    reference.loose(it.one, it.drawn_a)


def limit_alone(it):
    fast.limit_kernel(it.evse, it.drawn_a, it.at_s, it.book, it.plugs)
    reference.limit(it.one, it.drawn_a, it.at_s, it.levels_a)


def idle_alone(it):
    fast.idle_kernel(it.evse, it.drawn_a, it.at_s, it.book)
    reference.idle(it.one, it.drawn_a, it.at_s)


RULES = (lines_alone, conduct_alone, lift_alone, lower_alone, loose_alone, limit_alone, idle_alone)


class Moment:
    """One EVSE with a pilot, and a sample of it."""

    def __init__(self, life):
        self.book, self.plugs = life.watch.book, life.watch.plugs
        self.evse = int(life.rng.integers(len(EVSES)))
        life.watch.told(np.array([life.rng.choice(evse.levels_a) for evse in EVSES]), life.now_s)
        for values in (self.book.cap_a, self.book.freed_a):
            values[:] = life.rng.choice([np.inf, 8.0, 16.0], len(EVSES))
        self.rows = rows_of(self.book)
        self.one, self.levels_a = self.rows[self.evse], self.plugs.levels_a[self.evse]
        self.drawn_a, self.before_a = life.rng.uniform(0.0, 33.0, 2).tolist()
        self.lines_a = life.rng.uniform(0.0, self.drawn_a, 3)
        self.at_s = life.now_s + float(life.rng.choice([5.0, 15.0, 700.0]))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@settings(max_examples=25)
@given(seed=SEEDS)
def test_each_rule_alone_learns_what_its_naive_twin_learns(rule, seed):
    life = Life(seed)
    for _ in range(4):
        life.now_s += 30.0
        moment = Moment(life)
        rule(moment)
        assert_same(moment.book, moment.rows)
