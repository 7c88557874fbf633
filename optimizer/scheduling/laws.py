"""The laws of a site: one physical law, one rule of the program.

Symbols: ``e`` EVSE, ``q`` seat (which of the sessions that follow each other on an EVSE), ``t`` slot,
``n`` circuit node, ``p`` phase, ``b`` band of shortfall. Only cells in which a car can charge exist.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import pyomo.environ as pyo
from pyomo.core.expr import LinearExpression

Model: TypeAlias = Any
"""Pyomo is untyped: models, expressions and relations pass through this one alias."""

Relation: TypeAlias = Any


def total(weights: Sequence[float], variables: Sequence[Any]) -> Relation:
    """Return the sum of ``weights[i] variables[i]``; a flat sum is stated and compiled faster than a nested one."""
    return LinearExpression(constant=0.0, linear_coefs=weights, linear_vars=variables)


def evse_bounds(m: Model, e: int, t: int) -> tuple[float, float]:
    """An EVSE draws between nothing and what it and its car can take: ``0 <= power_kw <= max_kw``."""
    return (0.0, m.max_kw[e, t])


def shortfall_bounds(m: Model, e: int, q: int, b: int) -> tuple[float, float | None]:
    """A band of shortfall holds at most its width: ``0 <= short_kwh <= width_kwh``."""
    width_kwh = m.width_kwh[e, q, b]
    return (0.0, None if width_kwh == float("inf") else width_kwh)


def peak_bounds(m: Model) -> tuple[float, None]:
    """The billing peak never falls: ``peak_kw >= billing_peak_kw``."""
    return (m.billing_peak_kw, None)


def session_energy(m: Model, e: int, q: int) -> Relation:
    """What is delivered and what stays short make up the need.

    ``sum_t connected_h[e, q, t] power_kw[e, t] + sum_b short_kwh[e, q, b] == need_kwh[e, q]``
    """
    slots = m.slots_of[e, q]
    hours = m.connected_h[e, q, slots].tolist()
    power_kw = [m.power_kw[e, t] for t in slots]
    short_kwh = [m.short_kwh[e, q, b] for b in m.bands]
    return total([*hours, *(1.0 for _ in short_kwh)], power_kw + short_kwh) == float(m.need_kwh[e, q])


def node_limit(m: Model, n: int, t: int) -> Relation:
    """All EVSEs below a node share what its limit leaves: ``sum_e power_kw[e, t] <= headroom_kw[n, t]``."""
    evses = m.evses_at[n, t]
    if not evses:
        return pyo.Constraint.Skip
    return total([1.0] * len(evses), [m.power_kw[e, t] for e in evses]) <= float(m.headroom_kw[n, t])


def phase_limit(m: Model, n: int, p: int, t: int) -> Relation:
    """No phase of a node carries more than its limit leaves.

    ``sum_e a_per_kw[e, p] power_kw[e, t] <= headroom_a[n, p, t]``
    """
    evses = [e for e in m.evses_at[n, t] if m.a_per_kw[e][p] > 0.0]
    if not evses:
        return pyo.Constraint.Skip
    a_per_kw = [m.a_per_kw[e][p] for e in evses]
    return total(a_per_kw, [m.power_kw[e, t] for e in evses]) <= float(m.headroom_a[n, p, t])


def demand_peak(m: Model, t: int) -> Relation:
    """The billing peak covers every slot: ``sum_e power_kw[e, t] - peak_kw <= -load_kw[t]``."""
    power_kw = [m.power_kw[e, t] for e in m.evses_in[t]]
    return total([*(1.0 for _ in power_kw), -1.0], [*power_kw, m.peak_kw]) <= -float(m.load_kw[t])
