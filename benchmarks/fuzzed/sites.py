"""Sites that nobody would build: trees, wirings, steps and limits drawn at random, all of them valid."""

from dataclasses import replace
from typing import Final

import numpy as np

from models.grid.fuse import GG_FUSE
from models.grid.site import (
    ALL_PHASES,
    N_PHASES,
    CircuitNode,
    CurrentType,
    Evse,
    LineLimit,
    Phase,
    Site,
    Station,
    Wiring,
)

PHASES: Final = (ALL_PHASES, (Phase.L2, Phase.L3, Phase.L1), (Phase.L1,), (Phase.L3,), (Phase.L1, Phase.L3))
ZONES: Final = ("UTC", "Europe/Amsterdam", "America/Los_Angeles")
FEEDS_NOTHING: Final = 0.05
"""How often a limit is 0 or below the least pilot."""


def odds(rng: np.random.Generator, chance: float) -> bool:
    """Return True so often."""
    return bool(rng.random() < chance)


def one_of(rng: np.random.Generator, values: tuple[float, ...]) -> float:
    """Return one of some numbers."""
    return float(values[rng.integers(len(values))])


def drawn_site(rng: np.random.Generator, n_stations: int, *, is_plain: bool) -> Site:
    """Return a valid site.

    Parameters
    ----------
    rng : numpy.random.Generator
    n_stations : int
    is_plain : bool
        Only kW and phase limits, wye wiring and unity power factor.
    """
    n_nodes = int(rng.integers(1, 6))
    nodes = tuple(_node(rng, place, is_plain=is_plain) for place in range(n_nodes))
    stations = tuple(
        _station(rng, number, f"n{rng.integers(n_nodes)}", is_plain=is_plain) for number in range(n_stations)
    )
    site = Site("fuzzed", ZONES[rng.integers(len(ZONES))], nodes, stations)
    return site if is_plain or not stations else replace(site, lines=_lines(rng, site))


def _limit(rng: np.random.Generator, low: float, high: float) -> float:
    return one_of(rng, (0.0, 1.0)) if odds(rng, FEEDS_NOTHING) else round(float(rng.uniform(low, high)), 1)


def _node(rng: np.random.Generator, place: int, *, is_plain: bool) -> CircuitNode:
    limit_a = None
    if odds(rng, 0.5):
        first = max(_limit(rng, 6, 125), 0.5)  # 0 on some phases says that a node does not have them
        limit_a = (first, first, first) if odds(rng, 0.5) else (first, first / 2, first * 0.8)
    node = CircuitNode(
        node_id=f"n{place}",
        parent_id=f"n{rng.integers(place)}" if place else None,
        limit_kw=_limit(rng, 4, 80) if odds(rng, 0.6) else None,
        limit_a=(0.0, 0.0, 0.0) if odds(rng, 0.03) else limit_a,
    )
    if is_plain:
        return node
    return replace(
        node,
        limit_kva=_limit(rng, 5, 80) if odds(rng, 0.3) else None,
        export_kw=_limit(rng, 0, 40) if odds(rng, 0.2) else None,
        unbalance_a=_limit(rng, 5, 60) if odds(rng, 0.3) else None,
        fuse=GG_FUSE if node.limit_a is not None and odds(rng, 0.3) else None,
    )


def _station(rng: np.random.Generator, number: int, node_id: str, *, is_plain: bool) -> Station:
    n_evses = 2 if odds(rng, 0.3) else 1
    evses = tuple(_evse(rng, f"s{number}e{place}", is_plain=is_plain) for place in range(n_evses))
    station = Station(f"s{number}", node_id, evses, offline_a=one_of(rng, (0.0, 6.0, 10.0)))
    if is_plain or odds(rng, 0.6):
        return station
    if odds(rng, 0.5):
        return replace(station, limit_kw=_limit(rng, 5, 60))
    module_kw = one_of(rng, (10.0, 12.5, 20.0))
    return replace(station, limit_kw=module_kw * int(rng.integers(1, 6)), module_kw=module_kw)


def _evse(rng: np.random.Generator, evse_id: str, *, is_plain: bool) -> Evse:
    kind = rng.integers(5)
    if kind == 0:
        return Evse(evse_id, ALL_PHASES, 2.0, 80.0, CurrentType.DC, step_a=0.5)
    if kind == 1:
        evse = Evse(evse_id, ALL_PHASES, 8.0, 32.0, pilots_a=(8.0, 16.0, 24.0, 32.0))
    elif kind == 2:  # noqa: PLR2004 - a kind like the others
        evse = Evse(evse_id, _phases(rng), 6.5, one_of(rng, (16.0, 32.0)), step_a=one_of(rng, (0.1, 2.7)))
    else:
        evse = Evse(evse_id, _phases(rng), max_current_a=one_of(rng, (6.0, 16.0, 32.0)))
    if is_plain:
        return evse
    is_delta = len(evse.phases) > 1 and odds(rng, 0.4)
    return replace(
        evse,
        wiring=Wiring.DELTA if is_delta else Wiring.WYE,
        power_factor=one_of(rng, (1.0, 1.0, 0.95, 0.8)),
        min_run_s=one_of(rng, (0.0, 300.0, 1800.0)),
        min_pause_s=one_of(rng, (0.0, 120.0, 1800.0)),
    )


def _phases(rng: np.random.Generator) -> tuple[Phase, ...]:
    return PHASES[rng.integers(len(PHASES))]


def _lines(rng: np.random.Generator, site: Site) -> tuple[LineLimit, ...]:
    """Return conductors that carry sums of phasors: the primary side of a transformer, and anything else."""
    ids = site.evse_ids
    found = []
    if odds(rng, 0.3):
        turns = np.exp(-2j * np.pi / N_PHASES * rng.integers(0, N_PHASES, len(ids)))
        weights = tuple((name, complex(turn)) for name, turn in zip(ids, turns, strict=True))
        found.append(LineLimit("primary", weights, _limit(rng, 10, 120)))
    if odds(rng, 0.3):
        some = rng.choice(ids, size=min(3, len(ids)), replace=False)
        weights = tuple((str(name), complex(*np.round(rng.uniform(-2, 2, 2), 1))) for name in some)
        found.append(LineLimit("odd", weights, _limit(rng, 0, 80)))
    return tuple(found)
