"""Is a site's tree sound? Every fault is collected, with its path in the input."""

from itertools import pairwise

import numpy as np

from models.checks import repeated, require_none_negative, require_not_negative, require_positive
from models.errors import IssueList
from models.grid.fuse import Fuse
from models.grid.site import CircuitNode, LineLimit, Site
from models.grid.validate_stations import check_stations
from models.public_holidays import check_region
from models.zones import is_zone


def check_site(site: Site, issues: IssueList) -> bool:
    """Note every fault of a site; returns whether its tree can be walked."""
    issues.require(is_zone(site.zone), "site.zone", f"no time zone is called {site.zone!r}")
    check_region(site.country, site.subdivision, ("site.country", "site.subdivision"), issues)
    require_positive(site.voltage_v, "site.voltage_v", issues)
    for kind, ids in (
        ("nodes", [node.node_id for node in site.nodes]),
        ("stations", [station.station_id for station in site.stations]),
        ("evses", list(site.evse_ids)),
        ("lines", [line.line_id for line in site.lines]),
    ):
        for name in repeated(ids):
            issues.add(f"site.{kind}", f"{name!r} appears more than once")
    for place, node in enumerate(site.nodes):
        _check_ratings(node, f"site.nodes[{place}]", issues)
    is_tree = _check_tree(site.nodes, issues)
    check_stations(site, issues)
    evse_ids = frozenset(site.evse_ids)
    for place, line in enumerate(site.lines):
        _check_line(line, evse_ids, f"site.lines[{place}]", issues)
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
    require_none_negative(node, ("limit_kw", "limit_kva", "export_kw", "unbalance_a"), where, issues)
    for phase, limit_a in enumerate(node.limit_a or ()):
        require_not_negative(limit_a, f"{where}.limit_a[{phase}]", issues)
    if node.fuse is not None:
        issues.require(node.limit_a is not None, f"{where}.fuse", "has no limit_a that it would protect")
        _check_fuse(node.fuse, f"{where}.fuse", issues)


def _check_fuse(fuse: Fuse, where: str, issues: IssueList) -> None:
    if not issues.require(
        0 < len(fuse.multiples) == len(fuse.hold_s), where, "needs as many times as currents, at least one"
    ):
        return
    rising = all(low < high for low, high in pairwise((1.0, *fuse.multiples))) and np.isfinite(
        fuse.multiples[-1]
    )
    issues.require(bool(rising), where, "currents must rise from above the rating: multiples above 1")
    falling = all(early >= late for early, late in pairwise((np.inf, *fuse.hold_s, 0.0)))
    sound = falling and bool(np.isfinite(fuse.hold_s[0])) and fuse.hold_s[-1] > 0
    issues.require(sound, where, "times must be above 0 and must not rise with the current")


def _check_line(line: LineLimit, evse_ids: frozenset[str], where: str, issues: IssueList) -> None:
    require_not_negative(line.limit_a, f"{where}.limit_a", issues)
    issues.require(bool(line.weights), f"{where}.weights", "names no EVSE")
    for name in repeated(evse_id for evse_id, _ in line.weights):
        issues.add(f"{where}.weights", f"{name!r} appears more than once")
    for place, (evse_id, weight) in enumerate(line.weights):
        here = f"{where}.weights[{place}]"
        issues.require(evse_id in evse_ids, here, f"no EVSE is called {evse_id!r}")
        issues.require(bool(np.isfinite(weight)), here, "is not a finite phasor")
