"""The main path: from what a site is to what its stations are told."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from api.planning.foresight import foreseen
from api.planning.planner import Planner
from api.planning.profiles import StationProfile, fallbacks_of, profiles_of, with_borders_apart
from api.planning.request import PlanRequest
from optimizer.plan import Plan


@dataclass(frozen=True, slots=True)
class Decision:
    """A plan, the state that it was made from, and the profiles that bring it to stations."""

    request: PlanRequest
    plan: Plan
    profiles: tuple[StationProfile, ...]
    fallbacks: tuple[StationProfile, ...]


class StateSource(Protocol):
    """Knows the present state of a site."""

    def read(self, site_id: str, now: datetime) -> PlanRequest:
        """Return the site as it is now."""
        ...


class PlanSink(Protocol):
    """Keeps plans, and what they have to say to stations."""

    def store(self, decision: Decision) -> None:
        """Store the plan and its profiles in one transaction."""
        ...


def decide(planner: Planner, request: PlanRequest) -> Decision:
    """Return the plan for a state, and its profiles; touches nothing.

    Raises
    ------
    InvalidInputError
        The state cannot be used; names every fault with its path in the input.
    """
    forecast = foreseen(request)
    plan = planner.plan(forecast.state, forecast.options)
    return Decision(forecast, plan, profiles_of(plan.schedule, forecast), fallbacks_of(forecast))


def replan(site_id: str, now: datetime, source: StateSource, planner: Planner, sink: PlanSink) -> Plan:
    """Plan a site again, and queue what its stations must be told.

    The plan and its profiles are stored in one transaction; the delivery sends them after it. So a crash
    cannot lose a profile of a stored plan, and what is sent twice replaces itself.

    Raises
    ------
    InvalidInputError
        The stored state cannot be used; names every fault.
    """
    request = source.read(site_id, now)  # storage -> SiteState
    forecast = foreseen(request)  # -> quantiles of loads and cars
    plan = planner.plan(forecast.state, forecast.options)  # -> Problem -> Schedule, duals -> PriceSchedule
    profiles = with_borders_apart(profiles_of(plan.schedule, forecast))  # -> ChargingProfile* -> payload
    sink.store(Decision(forecast, plan, profiles, ()))  # -> outbox, from which the delivery CALLs
    return plan
