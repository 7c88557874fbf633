"""What the laws of all parts are written with.

Symbols: ``e`` EVSE, ``q`` seat (which of the sessions that follow each other on an EVSE), ``t`` slot,
``r`` row of limits, ``f`` facet, ``b`` band of shortfall, ``a`` asset.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

from pyomo.core.expr import LinearExpression

Model: TypeAlias = Any
"""Pyomo is untyped: models, expressions and relations pass through this one alias."""

Relation: TypeAlias = Any
Variable: TypeAlias = Any


def total(weights: Sequence[float], variables: Sequence[Any]) -> Relation:
    """Return the sum of ``weights[i] variables[i]``; a flat sum is stated and compiled faster than a nested one."""
    return LinearExpression(constant=0.0, linear_coefs=weights, linear_vars=variables)


def summed(terms: Sequence[tuple[float, Any]]) -> Relation:
    """Return the sum of ``weight x variable`` over (weight, variable) pairs."""
    return total([weight for weight, _ in terms], [variable for _, variable in terms])
