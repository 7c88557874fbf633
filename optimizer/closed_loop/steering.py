"""Who tells stations what in a loop: a policy alone at every control step, or a plan and the fast clock between."""

import time
from typing import Protocol

import numpy as np

from models.arrays import BoolArray, FloatArray
from models.grid.site import Site
from models.metering import MeterSamples
from models.sessions import ChargingSession
from models.state import SiteState, StationCondition
from optimizer.closed_loop.world import Planner, Policy
from optimizer.fast import FastClock, Watch, conditions_of


class Steering(Protocol):
    """Turns decisions into what stations are told; all times in seconds since the Unix epoch."""

    sent_a: FloatArray
    decision_s: list[float]
    fast_s: list[float]
    watch: Watch

    def plugged(self, session: ChargingSession, now_s: float) -> None:
        """Note a new car."""
        ...

    def unplugged(self, evse_id: str, now_s: float) -> None:
        """Note that a car has left."""
        ...

    def connected(self, is_there: BoolArray, now_s: float) -> None:
        """Note which EVSEs' stations are connected."""
        ...

    def limited(self, state: SiteState, now_s: float) -> None:
        """Take limits that have just changed."""
        ...

    def decide(self, state: SiteState, now_s: float) -> None:
        """Decide anew from a state."""
        ...

    def read(self, samples: MeterSamples) -> None:
        """Learn from what meters showed."""
        ...

    def tick(self, now_s: float) -> None:
        """Do what is due without a new decision of the policy."""
        ...

    def next_s(self, now_s: float) -> float:
        """Return when it wants to be called again."""
        ...

    @property
    def conditions(self) -> tuple[StationCondition, ...]:
        """Stations that are known to be offline, or not to follow."""
        ...


class OneClock:
    """A policy decides; its lower pilots are sent first, its higher ones later.

    Parameters
    ----------
    policy : Policy
    site : Site
    settle_s : float
        How much later [s].
    """

    def __init__(self, policy: Policy, site: Site, settle_s: float) -> None:
        self.watch = Watch(site)
        self.decision_s: list[float] = []
        self.fast_s: list[float] = []
        self._policy, self._settle_s = policy, settle_s
        self._told_a = np.zeros(len(site.evses))
        self.sent_a: FloatArray = np.zeros(len(site.evses))
        self._settled_s = 0.0
        self._site = site
        self._rows = {evse_id: row for row, evse_id in enumerate(site.evse_ids)}
        self._is_lost = np.zeros(len(self._rows), dtype=np.bool_)

    def plugged(self, session: ChargingSession, now_s: float) -> None:
        """Watch a new car."""
        self.watch.plugged(self._rows[session.evse_id], now_s, session.start_delay_s)

    def unplugged(self, evse_id: str, now_s: float) -> None:
        """Forget a car; its EVSE is told nothing more."""
        row = self._rows[evse_id]
        self.watch.unplugged(row, now_s)
        self._told_a[row] = self.sent_a[row] = 0.0

    def connected(self, is_there: BoolArray, now_s: float) -> None:
        """Note which stations are there, for the next decision."""
        del now_s
        self._is_lost = ~is_there

    def limited(self, state: SiteState, now_s: float) -> None:
        """Wait for the decision that follows."""

    @property
    def conditions(self) -> tuple[StationCondition, ...]:
        """Stations that are known to be offline, or not to follow."""
        return conditions_of(self._site, self.watch.book.defiant, self._is_lost)

    def decide(self, state: SiteState, now_s: float) -> None:
        """Ask the policy, and lower at once what it lowers."""
        started = time.perf_counter()
        pilot_a = np.array(self._policy.pilots(state), dtype=np.float64)
        self.decision_s.append(time.perf_counter() - started)
        self._told_a = np.where(self.watch.is_there, pilot_a, 0.0)
        self._settled_s = now_s + self._settle_s
        self._send(self._due_a(now_s), now_s)

    def read(self, samples: MeterSamples) -> None:
        """Learn from what meters showed."""
        self.watch.read(samples)

    def tick(self, now_s: float) -> None:
        """Raise what has waited for long enough."""
        self._send(self._due_a(now_s), now_s)

    def next_s(self, now_s: float) -> float:
        """Return when raised pilots may be sent."""
        return self._settled_s if self._settled_s > now_s else np.inf

    def _due_a(self, now_s: float) -> FloatArray:
        return self._told_a if now_s >= self._settled_s else np.minimum(self.sent_a, self._told_a)

    def _send(self, pilot_a: FloatArray, now_s: float) -> None:
        self.watch.told(pilot_a, now_s)
        self.sent_a = pilot_a.copy()


class TwoClocks:
    """A planner gives envelopes, the fast clock pilots.

    Parameters
    ----------
    planner : Planner
    site : Site
    every_s : float
        Longest time between two decisions of the fast clock [s].
    """

    def __init__(self, planner: Planner, site: Site, every_s: float) -> None:
        self.clock = FastClock(site)
        self.watch = self.clock.watch
        self.decision_s: list[float] = []
        self.fast_s: list[float] = []
        self._planner, self._every_s = planner, every_s
        self._learn_s = 0.0
        self.sent_a: FloatArray = np.zeros(len(site.evses))

    def plugged(self, session: ChargingSession, now_s: float) -> None:
        """Let a new car use what is free until it is planned."""
        self.clock.plugged(session, now_s)

    def unplugged(self, evse_id: str, now_s: float) -> None:
        """Forget a car."""
        self.clock.unplugged(evse_id, now_s)

    def connected(self, is_there: BoolArray, now_s: float) -> None:
        """Count stations that are lost."""
        self.clock.connected(is_there, now_s)

    def limited(self, state: SiteState, now_s: float) -> None:
        """Follow limits at once, before anybody plans with them."""
        self.clock.limit(state)
        self.tick(now_s)

    @property
    def conditions(self) -> tuple[StationCondition, ...]:
        """Stations that are offline, or do not follow."""
        return self.clock.conditions

    def decide(self, state: SiteState, now_s: float) -> None:
        """Plan, and follow the plan."""
        started = time.perf_counter()
        envelope = self._planner.envelope(state)
        self.decision_s.append(time.perf_counter() - started)
        self.clock.follow(envelope, state)
        self.tick(now_s)

    def read(self, samples: MeterSamples) -> None:
        """Learn from what meters showed."""
        started = time.thread_time()
        self.clock.meter(samples)
        self.clock.learn()
        self._learn_s = time.thread_time() - started

    def tick(self, now_s: float) -> None:
        """Let the fast clock decide; the time to learn counts."""
        started = time.thread_time() - self._learn_s
        self._learn_s = 0.0
        decision = self.clock.decide(now_s)
        self.fast_s.append(time.thread_time() - started)
        self.sent_a = decision.pilot_a

    def next_s(self, now_s: float) -> float:
        """Return when the fast clock ticks next."""
        return (now_s // self._every_s + 1.0) * self._every_s
