"""Ways to plan that are compared: they differ in what they are told, and in how they plan against it."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from benchmarks.beliefs import Kinship
from benchmarks.peers.acn.algorithm import Setup, SiteAlgorithm, behind
from benchmarks.peers.acn.networks import ZONE
from benchmarks.peers.acn.options import Inputs, RivalName
from benchmarks.peers.acn.ours import N_SLOTS, STEP_S, truth
from benchmarks.peers.acn.portal import Foreign
from benchmarks.peers.acn.rivals import rival
from benchmarks.peers.acn.simulate import Case
from benchmarks.policies import Ours
from benchmarks.tariffs import Tariff
from benchmarks.uncertain.foresight import cars_to_come, courses, expecting, knowing
from benchmarks.uncertain.two_stage import ScenarioScheduler
from models.demand.arrivals import Visit
from models.grid.site import Site
from optimizer.closed_loop import Believe
from optimizer.options import PlanOptions

N_SCENARIOS: Final = 6
ROOT_SHARE: Final = 1.02
"""What the root is said to carry, as a part of the cap: the limits of the network themselves are on sums of phasors."""


class Way(StrEnum):
    """A way to plan, as a row is called."""

    LEAST_LAXITY = "least laxity, present cars known"
    CLAIRVOYANT = "ours, everybody known"
    ALONE = "ours, present cars known"
    EXPECTING = "ours, present cars known, others expected"
    SCENARIOS = "ours, present cars known, others as scenarios"
    FORECAST_ALONE = "ours, present cars forecast"
    FORECAST = "ours, present cars forecast, others expected"

    @property
    def sees_prices(self) -> bool:
        """Whether it plans otherwise under another tariff."""
        return self is not Way.LEAST_LAXITY

    @property
    def inputs(self) -> Inputs:
        """What is told of cars that are here."""
        return Inputs.DECLARED if self in (Way.FORECAST_ALONE, Way.FORECAST) else Inputs.TRUE


class Hedged(Ours):
    """The engine with the two-stage program in the place of its own, and dispatch and check as they are."""

    def __init__(self, site: Site, options: PlanOptions, scheduler: ScenarioScheduler) -> None:
        super().__init__(site, options)
        self._controller._scheduler = scheduler  # noqa: SLF001 - the engine itself has no such door


@dataclass(frozen=True, slots=True)
class Planner:
    """Makes the algorithms of a case.

    Parameters
    ----------
    case : Case
    visits : tuple of Visit
        All that were recorded; what is over before the case begins is learnt from.
    tariff : callable
    """

    case: Case
    visits: tuple[Visit, ...]
    tariff: Tariff

    def algorithm(self, way: Way) -> Foreign:
        """Return a fresh algorithm."""
        if way is Way.LEAST_LAXITY:
            return rival(RivalName.LEAST_LAXITY)
        cars = cars_to_come(self.visits, self.case.start)
        forecast = way in (Way.FORECAST_ALONE, Way.FORECAST)
        options = PlanOptions(departure_quantile=0.1) if forecast else PlanOptions()
        setup = self._setup(self._kin() if forecast else truth(self.case))
        match way:
            case Way.CLAIRVOYANT:
                setup = replace(setup, foresee=knowing(self.case))
            case Way.EXPECTING | Way.SCENARIOS | Way.FORECAST:
                setup = replace(setup, foresee=expecting(cars))
        site = behind(self.case.network.site, setup.root_kw)
        if way is Way.SCENARIOS:
            scheduler = ScenarioScheduler(options, courses(cars, N_SCENARIOS))
            return SiteAlgorithm(self.case, Hedged(site, options, scheduler), setup)
        return SiteAlgorithm(self.case, Ours(site, options), setup)

    def _setup(self, believe: Believe) -> Setup:
        root_kw = ROOT_SHARE * self.case.network.cap_kw
        return Setup(believe, step_s=STEP_S, n_slots=N_SLOTS, tariff=self.tariff, root_kw=root_kw)

    def _kin(self) -> Kinship:
        return Kinship((one for one in self.visits if one.session.departure.median < self.case.start), ZONE)
