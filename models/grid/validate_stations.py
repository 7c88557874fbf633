"""Are a site's stations and EVSEs sound? Every fault is collected, with its path in the input."""

from models.checks import (
    MAX_PAUSE_S,
    repeated,
    require_none_negative,
    require_not_negative,
    require_positive,
)
from models.errors import IssueList
from models.grid.site import CircuitNode, CurrentType, Evse, Site, Station, Wiring
from models.units import MIN_AC_CURRENT_A

MAX_PILOTS = 10_000
"""More levels than any station can tell apart; a step that small is a mistake, and would fill the memory."""

MAX_MODULES = 1000
"""More power modules than any cabinet holds."""

MODULE_NOISE = 1e-6
"""How far the power of a cabinet may be from whole modules, as a part of one."""


def check_stations(site: Site, issues: IssueList) -> None:
    """Note every fault of a site's stations and of their EVSEs."""
    node_of = {node.node_id: node for node in site.nodes}
    for place, station in enumerate(site.stations):
        where = f"site.stations[{place}]"
        issues.require(
            station.node_id in node_of, f"{where}.node_id", f"no node is called {station.node_id!r}"
        )
        issues.require(bool(station.evses), f"{where}.evses", "a station has at least one EVSE")
        _check_cabinet(station, where, issues)
        path = _path(node_of, station.node_id)
        for number, evse in enumerate(station.evses):
            at = f"{where}.evses[{number}]"
            _check_evse(evse, at, issues)
            _check_wiring(evse, at, issues)
            _check_phases_fed(path, evse, f"{at}.phases", issues)


def _check_cabinet(station: Station, where: str, issues: IssueList) -> None:
    """Power that the EVSEs share comes in whole modules where it comes in modules."""
    sound = require_none_negative(station, ("limit_kw", "offline_a"), where, issues)
    if station.module_kw is None or not require_positive(station.module_kw, f"{where}.module_kw", issues):
        return
    if not issues.require(
        station.limit_kw is not None, f"{where}.module_kw", "needs limit_kw, which the modules make up"
    ):
        return
    if sound and station.limit_kw is not None:
        n_modules = station.limit_kw / station.module_kw
        whole = abs(n_modules - round(n_modules)) <= MODULE_NOISE
        issues.require(
            whole and n_modules <= MAX_MODULES,
            f"{where}.module_kw",
            f"{station.limit_kw:g} kW are not 0 to {MAX_MODULES} whole modules of {station.module_kw:g} kW",
        )


def _check_evse(evse: Evse, where: str, issues: IssueList) -> None:
    issues.require(bool(evse.phases), f"{where}.phases", "an EVSE is on at least one phase")
    for phase in repeated(phase.name for phase in evse.phases):
        issues.add(f"{where}.phases", f"{phase} appears more than once")
    issues.require(bool(evse.connectors), f"{where}.connectors", "an EVSE has at least one connector")
    _check_switching(evse, where, issues)
    for number, pilot_a in enumerate(evse.pilots_a or ()):
        require_not_negative(pilot_a, f"{where}.pilots_a[{number}]", issues)
    numbers = [
        require_positive(evse.min_current_a, f"{where}.min_current_a", issues),
        require_positive(evse.max_current_a, f"{where}.max_current_a", issues),
        require_positive(evse.step_a, f"{where}.step_a", issues),
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


def _check_switching(evse: Evse, where: str, issues: IssueList) -> None:
    require_not_negative(evse.max_discharge_a, f"{where}.max_discharge_a", issues)
    for name in ("min_run_s", "min_pause_s"):
        value = getattr(evse, name)
        if require_not_negative(value, f"{where}.{name}", issues):
            issues.require(value <= MAX_PAUSE_S, f"{where}.{name}", f"{value:g} s are longer than a day")


def _check_wiring(evse: Evse, where: str, issues: IssueList) -> None:
    issues.require(
        0.0 < evse.power_factor <= 1.0,
        f"{where}.power_factor",
        f"{evse.power_factor:g} does not lie in (0, 1]",
    )
    if evse.wiring is Wiring.DELTA:
        issues.require(
            len(evse.phases) in (2, 3), f"{where}.phases", "a delta-wired EVSE is on two or three phases"
        )
        issues.require(
            evse.current_type is CurrentType.AC, f"{where}.wiring", "only an AC EVSE is wired in delta"
        )


def _check_phases_fed(path: list[CircuitNode], evse: Evse, where: str, issues: IssueList) -> None:
    """A node whose limit is 0 on one phase but not on all does not have that phase, and nothing below it has."""
    for node in path:
        rating = node.limit_a
        if rating is not None and any(rating):
            for phase in evse.phases:
                issues.require(rating[phase] != 0, where, f"node {node.node_id!r} does not have {phase.name}")


def _path(node_of: dict[str, CircuitNode], node_id: str) -> list[CircuitNode]:
    """Return a node and those above it, as far as they exist and do not form a circle."""
    path: list[CircuitNode] = []
    node = node_of.get(node_id)
    while node is not None and node not in path:
        path.append(node)
        node = None if node.parent_id is None else node_of.get(node.parent_id)
    return path
