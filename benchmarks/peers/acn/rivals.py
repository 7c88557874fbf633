"""ACN-Sim's own algorithms: as they are shipped, and with their reclaiming of unused current mended.

As shipped, the bounds that acnportal's estimator learns from meters are kept by session and looked up by
station, so they are never found. Mended, they are handed over by station; nothing else differs.
"""

from collections.abc import Callable

from benchmarks.peers.acn.options import RivalName
from benchmarks.peers.acn.portal import Foreign, portal


class ByStation:
    """acnportal's estimator with its bounds under the key that they are looked up by."""

    def __init__(self, estimator: Foreign) -> None:
        self._estimator = estimator

    def register_interface(self, interface: Foreign) -> None:
        """Hand on the way to the simulation."""
        self._estimator.register_interface(interface)

    def get_maximum_rates(self, sessions: list[Foreign]) -> dict[str, float]:
        """Return the greatest useful current of each station with a car [A]."""
        bounds_a = self._estimator.get_maximum_rates(sessions)
        return {session.station_id: bounds_a[session.session_id] for session in sessions}


def rival(name: RivalName) -> Foreign:
    """Return a fresh algorithm."""
    algorithms = portal().algorithms
    if name is RivalName.UNCONTROLLED:
        return algorithms.UncontrolledCharging()
    rule, order = _rule(name, algorithms)
    if name.endswith("_mended"):
        estimator = ByStation(algorithms.SimpleRampdown())
        return rule(order, estimate_max_rate=True, max_rate_estimator=estimator)
    if name is RivalName.LEAST_LAXITY_ESTIMATED:
        return rule(order, estimate_max_rate=True, max_rate_estimator=algorithms.SimpleRampdown())
    return rule(order, uninterrupted_charging=name is RivalName.LEAST_LAXITY_UNINTERRUPTED)


def _rule(name: RivalName, algorithms: Foreign) -> tuple[Callable[..., Foreign], Foreign]:
    """Return how current is handed out, and the order of the cars."""
    if name.startswith("round_robin"):
        return algorithms.RoundRobin, algorithms.first_come_first_served
    if name.startswith("earliest_deadline"):
        return algorithms.SortedSchedulingAlgo, algorithms.earliest_deadline_first
    return algorithms.SortedSchedulingAlgo, algorithms.least_laxity_first
