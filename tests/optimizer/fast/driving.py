"""A fast clock with a small world around it: cars that draw what tests say, told and metered every ten seconds."""

from datetime import UTC, datetime, timedelta

import numpy as np

from models.arrays import frozen
from models.grid.limits import NodeLimit
from models.grid.site import CircuitNode, Evse, Site, Station
from models.metering import MeterSamples
from models.prices import EnergyTariff
from models.sessions import ChargingSession, Departure
from models.state import SiteState
from models.timegrid import TimeGrid
from optimizer.fast import Envelope, FastClock

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
START_S = NOW.timestamp()
GRID = TimeGrid(NOW, 900, 8)
TICK_S = 10.0


def in_a_row(n_evses=2, limit_a=32.0, **facts):
    """EVSEs on one line each, behind one node."""
    evses = tuple(
        Evse(f"E{n + 1}", phases=facts.get("phases", (0,)), **facts.get("evse", {})) for n in range(n_evses)
    )
    stations = tuple(
        Station(f"S{n + 1}", "grid", (one,), offline_a=facts.get("offline_a", 0.0))
        for n, one in enumerate(evses)
    )
    return Site("row", "UTC", (CircuitNode("grid", None, None, (limit_a,) * 3),), stations)


def session(evse_id="E1", target_kwh=20.0, hours=4.0, **facts):
    """A car that has just come."""
    leaves = Departure.at(NOW + timedelta(hours=hours))
    return ChargingSession(f"at {evse_id}", evse_id, NOW, leaves, target_kwh, **facts)


def plan_of(site, due_a, may_take=True, urgency=None, peak_kw=np.inf):
    """The same pilots in every slot; by default everybody may take more, the first most urgently."""
    n = len(site.evses)
    due_a = np.repeat(np.asarray(due_a, dtype=float)[:, None], GRID.n_slots, axis=1)
    urgency = np.arange(n, 0, -1.0) if urgency is None else np.asarray(urgency, dtype=float)
    takes = np.broadcast_to(np.asarray(may_take, dtype=bool), n)
    return Envelope(GRID, due_a, urgency, takes, peak_kw)


def state_of(site, cars=(), conditions=(), limit_kw=None, limit_a=None, loads=()):
    """The site with a limit at its root."""
    kw = None if limit_kw is None else frozen(np.full(GRID.n_slots, limit_kw))
    a = None if limit_a is None else frozen(np.full((3, GRID.n_slots), limit_a))
    limits = (NodeLimit(site.root.node_id, "test", kw, a),)
    tariff = EnergyTariff.flat(0.3, GRID.n_slots)
    return SiteState(
        site, NOW, GRID, tuple(cars), tariff, limits=limits, conditions=tuple(conditions), loads=loads
    )


class Drive:
    """Moves a fast clock through time; ``wants_a`` is what each car would draw, ``lines`` how many lines it uses."""

    def __init__(self, site, due_a, **facts):
        self.site = site
        self.clock = FastClock(site)
        n = len(site.evses)
        self.wants_a = np.full(n, 32.0)
        self.lines = np.full(n, 3)
        self.is_heard = np.ones(n, dtype=bool)
        self.is_deaf = np.zeros(n, dtype=bool)
        self.now_s = START_S
        self.drawn_a = np.zeros(n)
        for one in site.evses:
            self.clock.plugged(session(one.evse_id), self.now_s)
        self.follow(due_a, **facts)
        self.decision = self.clock.decide(self.now_s)

    def follow(self, due_a, **facts):
        self.clock.follow(plan_of(self.site, due_a, **facts), state_of(self.site))

    def limit(self, **limits):
        self.clock.limit(state_of(self.site, **limits))
        self.decision = self.clock.decide(self.now_s)

    @property
    def told_a(self):
        return self.decision.pilot_a.tolist()

    def samples(self):
        rows = np.nonzero(self.is_heard)[0]
        lines_a = self.drawn_a[:, None] * (np.arange(3) < self.lines[:, None])
        return MeterSamples(rows, np.full(rows.size, self.now_s), lines_a[rows], np.full(rows.size, np.nan))

    def tick(self, n=1, seconds=TICK_S):
        """Let cars follow what they are told, meter them, decide; returns what is told after each."""
        told = []
        for _ in range(n):
            pilot_a = self.decision.pilot_a
            obeying_a = np.where(pilot_a >= 6.0, np.minimum(self.wants_a, pilot_a), 0.0)
            self.drawn_a = np.where(self.is_deaf, self.wants_a, obeying_a)
            self.now_s += seconds
            self.clock.meter(self.samples())
            self.decision = self.clock.decide(self.now_s)
            told.append(self.told_a)
        return told
