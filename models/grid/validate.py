"""Is a site's tree sound? Every fault is collected, with its path in the input."""

from collections import Counter
from collections.abc import Iterable

import numpy as np

from models.errors import IssueList
from models.grid.site import CircuitNode, CurrentType, Evse, Site
from models.units import MIN_AC_CURRENT_A
from models.zones import is_zone

MAX_PILOTS = 10_000
"""More levels than any station can tell apart; a step that small is a mistake, and would fill the memory."""


def check_site(site: Site, issues: IssueList) -> bool:
    """Note every fault of a site; returns whether its tree can be walked."""
    issues.require(is_zone(site.zone), "site.zone", f"no time zone is called {site.zone!r}")
    _require_positive(site.voltage_v, "site.voltage_v", issues)
    for kind, ids in (
        ("nodes", [node.node_id for node in site.nodes]),
        ("stations", [station.station_id for station in site.stations]),
        ("evses", list(site.evse_ids)),
    ):
        for name in _repeated(ids):
            issues.add(f"site.{kind}", f"{name!r} appears more than once")
    for place, node in enumerate(site.nodes):
        _check_ratings(node, f"site.nodes[{place}]", issues)
    is_tree = _check_tree(site.nodes, issues)
    _check_stations(site, issues)
    return is_tree


def _check_tree(nodes: tuple[CircuitNode, ...], issues: IssueList) -> bool:
    parent_of = {node.node_id: node.parent_id for node in nodes}
    n_roots = sum(parent is None for parent in parent_of.values())
    sound = issues.require(n_roots == 1, "site.nodes", f"a tree has one root, this has {n_roots}")
    for place, node in enumerate(nodes):
        if node.parent_id is not None and node.parent_id not in parent_of:
            issues.add(f"site.nodes[{place}].parent_id", f"no node is called {node.parent_id!r}")
            sound = False
        elif _is_in_circle(node.node_id, parent_of):
            issues.add(f"site.nodes[{place}].parent_id", "its parents form a circle")
            sound = False
    return sound and len(parent_of) == len(nodes)


def _is_in_circle(node_id: str, parent_of: dict[str, str | None]) -> bool:
    seen: set[str] = set()
    current: str | None = node_id
    while current is not None and current in parent_of:
        if current in seen:
            return True
        seen.add(current)
        current = parent_of[current]
    return False


def _check_ratings(node: CircuitNode, where: str, issues: IssueList) -> None:
    if node.limit_kw is not None:
        require_not_negative(node.limit_kw, f"{where}.limit_kw", issues)
    for phase, limit_a in enumerate(node.limit_a or ()):
        require_not_negative(limit_a, f"{where}.limit_a[{phase}]", issues)


def _check_stations(site: Site, issues: IssueList) -> None:
    node_ids = {node.node_id for node in site.nodes}
    for place, station in enumerate(site.stations):
        where = f"site.stations[{place}]"
        issues.require(
            station.node_id in node_ids, f"{where}.node_id", f"no node is called {station.node_id!r}"
        )
        issues.require(bool(station.evses), f"{where}.evses", "a station has at least one EVSE")
        for number, evse in enumerate(station.evses):
            _check_evse(evse, f"{where}.evses[{number}]", issues)
            _check_phases_fed(site, station.node_id, evse, f"{where}.evses[{number}].phases", issues)


def _check_evse(evse: Evse, where: str, issues: IssueList) -> None:
    issues.require(bool(evse.phases), f"{where}.phases", "an EVSE is on at least one phase")
    for phase in _repeated(phase.name for phase in evse.phases):
        issues.add(f"{where}.phases", f"{phase} appears more than once")
    numbers = [
        _require_positive(evse.min_current_a, f"{where}.min_current_a", issues),
        _require_positive(evse.max_current_a, f"{where}.max_current_a", issues),
        _require_positive(evse.step_a, f"{where}.step_a", issues),
    ]
    if not all(numbers):
        return
    if evse.current_type is CurrentType.AC and evse.min_current_a < MIN_AC_CURRENT_A:
        issues.add(f"{where}.min_current_a", f"AC needs at least {MIN_AC_CURRENT_A:g} A (IEC 61851-1)")
    if evse.max_current_a < evse.min_current_a:
        issues.add(f"{where}.max_current_a", "is below min_current_a")
    elif evse.max_current_a - evse.min_current_a > MAX_PILOTS * evse.step_a:
        issues.add(f"{where}.step_a", f"gives more than {MAX_PILOTS} pilots")
    elif not evse.levels_a:
        issues.add(f"{where}.pilots_a", "no pilot lies between min_current_a and max_current_a")
    issues.require(bool(evse.connectors), f"{where}.connectors", "an EVSE has at least one connector")


def _check_phases_fed(site: Site, node_id: str, evse: Evse, where: str, issues: IssueList) -> None:
    """A node whose limit is 0 on one phase but not on all does not have that phase, and nothing below it has."""
    for node in _path(site, node_id):
        rating = node.limit_a
        if rating is not None and any(rating):
            for phase in evse.phases:
                issues.require(rating[phase] != 0, where, f"node {node.node_id!r} does not have {phase.name}")


def _path(site: Site, node_id: str) -> list[CircuitNode]:
    """Return a node and those above it, as far as they exist and do not form a circle."""
    node_of = {node.node_id: node for node in site.nodes}
    path: list[CircuitNode] = []
    node = node_of.get(node_id)
    while node is not None and node not in path:
        path.append(node)
        node = None if node.parent_id is None else node_of.get(node.parent_id)
    return path


def _repeated(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _require_positive(value: float, where: str, issues: IssueList) -> bool:
    return issues.require(
        bool(np.isfinite(value)) and value > 0, where, f"{value:g} is not a positive number"
    )


def require_not_negative(value: float, where: str, issues: IssueList) -> bool:
    """Note a fault unless ``value`` is finite and at least 0; returns whether it is."""
    return issues.require(
        bool(np.isfinite(value)) and value >= 0, where, f"{value:g} is not a finite number of at least 0"
    )
