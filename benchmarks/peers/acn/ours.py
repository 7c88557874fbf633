"""Our controller as it is set up for ACN-Sim: what it believes, how it plans."""

from dataclasses import replace

from benchmarks.beliefs import Analogues, actual
from benchmarks.peers.acn.algorithm import Setup, SiteAlgorithm
from benchmarks.peers.acn.networks import ZONE
from benchmarks.peers.acn.options import Inputs
from benchmarks.peers.acn.sessions import PERIOD
from benchmarks.peers.acn.simulate import Case
from benchmarks.policies import Ours
from models.demand.arrivals import Visit
from models.sessions import Departure
from optimizer.closed_loop import Believe
from optimizer.options import PlanOptions


def ours(case: Case, past: tuple[Visit, ...]) -> SiteAlgorithm:
    """Return the controller as an algorithm; ``past`` are the sessions that ended before the case began."""
    sure = case.inputs is Inputs.TRUE
    options = PlanOptions() if sure else PlanOptions(departure_quantile=0.1)
    believe = truth(case) if sure else Analogues(past, ZONE)
    return SiteAlgorithm(case, Ours(case.network.site, options), Setup(believe))


def truth(case: Case) -> Believe:
    """Believe the true need and departure, in whole periods as they are simulated."""
    known = [
        replace(
            stay.visit,
            session=replace(
                stay.visit.session,
                departure=Departure.at(case.start + PERIOD * stay.departure),
                target_kwh=stay.need_kwh,
            ),
        )
        for stay in case.stays
    ]
    return actual(known)
