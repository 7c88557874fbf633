"""Can a state be planned? Every fault is collected and raised once, with its path in the input."""

import numpy as np

from models.arrays import FloatArray
from models.checks import (
    require_not_negative,
    require_positive,
    require_quantiles,
    require_row,
    require_shape,
)
from models.errors import IssueList
from models.grid.limits import NodeLimit
from models.grid.site import N_PHASES, Site
from models.grid.validate import check_site
from models.load import LoadForecast
from models.state import ExpectedArrivals, SiteState
from models.validate_assets import check_assets
from models.validate_flexibility import check_flexibility
from models.validate_sessions import check_sessions
from models.validate_tariff import check_tariff

TOLERANCE_SHARE = 1e-6
"""How far three parts may be from a sum of 1."""


def validate_state(state: SiteState, checked: Site | None = None) -> None:
    """Check a state whole; its site only where it is another record than the one ``checked`` before.

    Not refused, since each has a defined answer: a battery or a car's battery that holds more or less than it
    is kept between (the plan brings it back), a car that stays past its departure (it may leave at any moment),
    negative prices, a promise above the target (the target counts), milestones that have passed.

    Raises
    ------
    InvalidInputError
        Names every fault: unknown EVSEs, nodes and stations, sessions that overlap on one EVSE, departures
        before arrival, numbers that are negative, NaN or infinite, series of a wrong length, bounds that
        contradict each other, a tree that is none.
    """
    issues = IssueList()
    n_slots = state.grid.n_slots
    node_ids = frozenset(node.node_id for node in state.site.nodes)
    if state.site is not checked:
        check_site(state.site, issues)
    if issues.require(state.now.tzinfo is not None, "now", "has no time zone"):
        issues.require(state.grid.slot_at(state.now) == 0, "now", "does not lie in the first slot")
        check_sessions(state, issues)
    check_tariff(state.tariff, state.grid, issues)
    for place, load in enumerate(state.loads):
        where = f"loads[{place}]"
        _require_node(load.node_id, node_ids, where, issues)
        _check_load(load, n_slots, where, issues)
    for place, limit in enumerate(state.limits):
        where = f"limits[{place}]"
        _require_node(limit.node_id, node_ids, where, issues)
        _check_limit(limit, n_slots, where, issues)
    require_not_negative(state.billing_peak_kw, "billing_peak_kw", issues)
    check_assets(state.assets, node_ids, n_slots, issues)
    check_flexibility(state.flexibility, n_slots, issues)
    _check_conditions(state, issues)
    if state.expected is not None:
        _check_expected(state.expected, n_slots, "expected", issues)
    issues.raise_if_any()


def _check_load(load: LoadForecast, n_slots: int, where: str, issues: IssueList) -> None:
    paths = (f"{where}.levels", f"{where}.power_kw")
    require_quantiles(load.levels, load.power_kw, n_slots, paths, issues)
    share = load.phase_share
    whole = (
        share.shape == (N_PHASES,)
        and bool((share >= 0).all())
        and abs(float(share.sum()) - 1.0) < TOLERANCE_SHARE
    )
    issues.require(whole, f"{where}.phase_share", "needs three parts of at least 0 that sum to 1")


def _check_limit(limit: NodeLimit, n_slots: int, where: str, issues: IssueList) -> None:
    for name, shape in (("limit_kw", (n_slots,)), ("limit_a", (N_PHASES, n_slots))):
        values: FloatArray | None = getattr(limit, name)
        if values is not None:
            require_shape(values, shape, f"{where}.{name}", issues)
            sound = not bool(np.isnan(values).any()) and bool((values >= 0).all())
            issues.require(sound, f"{where}.{name}", "has a NaN or negative value")


def _check_conditions(state: SiteState, issues: IssueList) -> None:
    """A station is in one condition, not in two."""
    known = {station.station_id for station in state.site.stations}
    seen: set[str] = set()
    for place, condition in enumerate(state.conditions):
        where, name = f"conditions[{place}].station_id", condition.station_id
        issues.require(name in known, where, f"no station is called {name!r}")
        issues.require(name not in seen, where, f"{name!r} appears more than once")
        seen.add(name)


def _check_expected(expected: ExpectedArrivals, n_slots: int, where: str, issues: IssueList) -> None:
    require_row(expected.energy_kwh, n_slots, f"{where}.energy_kwh", issues)
    require_row(expected.most_kw, n_slots, f"{where}.most_kw", issues)
    require_positive(expected.stay_h, f"{where}.stay_h", issues)


def _require_node(node_id: str, node_ids: frozenset[str], where: str, issues: IssueList) -> None:
    issues.require(node_id in node_ids, f"{where}.node_id", f"no node is called {node_id!r}")
