"""Small states that tests write by hand: one site, known numbers, one sentence each."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from models.arrays import frozen
from models.grid.limits import NodeLimit
from models.grid.site import CircuitNode, Evse, Site, Station
from models.prices import EnergyTariff
from models.sessions import ChargingSession, Departure
from models.state import SiteState
from models.timegrid import TimeGrid

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
FULL_KW = 32.0 * 3 * 0.23


def at(hours):
    """Return a moment that many hours from now."""
    return NOW + timedelta(hours=hours)


def car(evse_id, target_kwh, leaves_h=4.0, arrives_h=-1.0, **facts):
    """Return a car that is plugged in."""
    leaves = facts.pop("departure", Departure.at(at(leaves_h)))
    return ChargingSession(
        facts.pop("session_id", f"at {evse_id}"), evse_id, at(arrives_h), leaves, target_kwh, **facts
    )


def site(n_evses=2, limit_kw=None, limit_a=None, evses=None):
    """Return EVSEs of 32 A on three phases, each a station, behind one node."""
    evses = evses or tuple(Evse(f"E{number + 1}") for number in range(n_evses))
    stations = tuple(Station(f"S {one.evse_id}", "grid", (one,)) for one in evses)
    return Site("site", "UTC", (CircuitNode("grid", None, limit_kw, limit_a),), stations)


def state(site, *sessions, prices=None, n_slots=16, step_s=900, **facts):
    """Return a state at :data:`NOW` with a price by slot (flat 0.30 where none is given)."""
    prices = np.full(n_slots, 0.3) if prices is None else np.asarray(prices, dtype=float)
    tariff = EnergyTariff(frozen(prices), frozen(np.zeros(prices.size)), facts.pop("demand_charge", 0.0))
    start = facts.pop("start", NOW)
    grid = TimeGrid(start, step_s, prices.size)
    return SiteState(site, facts.pop("now", start), grid, sessions, tariff, **facts)


def limit(limit_kw, n_slots=16, node_id="grid", source="signal"):
    """Return one limit for the whole horizon, or one by slot."""
    return NodeLimit(node_id, source, frozen(np.broadcast_to(np.asarray(limit_kw, dtype=float), n_slots)))


def alive_in(scheduler) -> Any:
    """Return the program of a scheduler, with its solver, for tests that break it."""
    return scheduler._alive


def bound_of(proved) -> float:
    """Return the bound of a report, or of what a scheduler solved."""
    assert proved.bound is not None
    return float(proved.bound)
