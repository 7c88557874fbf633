"""The checks that all validation shares: each notes one fault with its path in the input, and never raises."""

from collections import Counter
from collections.abc import Iterable

import numpy as np

from models.arrays import FloatArray
from models.errors import IssueList
from models.units import TOLERANCE_KW

MAX_PRICE_PER_KWH = 1e6
"""Beyond it a number is a mistake in any currency, and a solver can no longer tell prices apart [currency/kWh]."""

MAX_CARBON_KG_PER_KWH = 10.0
"""Ten times what burning lignite emits; beyond it grams were taken for kilograms [kg/kWh]."""

MIN_EFFICIENCY = 0.01
"""Below it next to nothing arrives: a percentage in the wrong place, and its inverse upsets a solver."""

MAX_PAUSE_S = 86_400.0
"""A day; nothing that is switched for the sake of its contactor is held for longer [s]."""


def repeated(names: Iterable[str]) -> list[str]:
    """Return the names that appear more than once."""
    return [name for name, count in Counter(names).items() if count > 1]


def require_positive(value: float, where: str, issues: IssueList) -> bool:
    """Note a fault unless ``value`` is finite and above 0; returns whether it is."""
    sound = bool(np.isfinite(value)) and value > 0
    return issues.require(sound, where, f"{value:g} is not a positive number")


def require_not_negative(value: float, where: str, issues: IssueList) -> bool:
    """Note a fault unless ``value`` is finite and at least 0; returns whether it is."""
    sound = bool(np.isfinite(value)) and value >= 0
    return issues.require(sound, where, f"{value:g} is not a finite number of at least 0")


def require_none_negative(record: object, names: tuple[str, ...], where: str, issues: IssueList) -> bool:
    """Note every member of a record that is given and not a finite number of at least 0."""
    given = {name: getattr(record, name) for name in names}
    sound = [
        require_not_negative(value, f"{where}.{name}", issues)
        for name, value in given.items()
        if value is not None
    ]
    return all(sound)


def require_efficiency(value: float, where: str, issues: IssueList) -> bool:
    """Note a fault unless ``value`` is a part of 1 that is worth the name."""
    return issues.require(
        MIN_EFFICIENCY <= value <= 1.0, where, f"{value:g} does not lie in [{MIN_EFFICIENCY:g}, 1]"
    )


def require_price(value: float, where: str, issues: IssueList) -> bool:
    """Note a fault unless ``value`` is a price, negative ones included."""
    return issues.require(
        abs(value) <= MAX_PRICE_PER_KWH, where, f"{value:g} is NaN, infinite or beyond {MAX_PRICE_PER_KWH:g}"
    )


def require_prices(values: FloatArray, n_slots: int, where: str, issues: IssueList) -> None:
    """Note a fault unless there is a price for every slot."""
    require_shape(values, (n_slots,), where, issues)
    sound = bool((np.abs(values) <= MAX_PRICE_PER_KWH).all())
    issues.require(sound, where, f"has a NaN, infinite or price beyond {MAX_PRICE_PER_KWH:g}")


def require_row(values: FloatArray, n_slots: int, where: str, issues: IssueList) -> bool:
    """Note a fault unless there is a finite number of at least 0 for every slot."""
    fits = require_shape(values, (n_slots,), where, issues)
    sound = bool(np.isfinite(values).all()) and bool((values >= 0).all())
    return issues.require(sound, where, "has a NaN, infinite or negative value") and fits


def require_shape(values: FloatArray, shape: tuple[int, ...], where: str, issues: IssueList) -> bool:
    """Note a fault unless an array has a row of as many values as slots for everything that it is about."""
    length = values.shape[-1] if values.ndim else 0
    n_slots = shape[-1]
    long_enough = issues.require(
        length == n_slots, where, f"has {length} values, the horizon has {n_slots} slots"
    )
    rows, wanted = values.shape[:-1], shape[:-1]
    return (
        issues.require(rows == wanted, where, f"needs rows {wanted}, has {rows}; one per level or phase")
        and long_enough
    )


def require_quantiles(
    levels: FloatArray, values: FloatArray, n_slots: int, where: tuple[str, str], issues: IssueList
) -> None:
    """Note what is wrong with quantiles by slot; ``where`` is the path of the levels and of the values."""
    at_levels, at_values = where
    fits = require_shape(values, (levels.size, n_slots), at_values, issues)
    issues.require(bool(np.isfinite(values).all()), at_values, "has a NaN or infinite value")
    rising = bool(((levels > 0) & (levels < 1)).all() and (np.diff(levels) > 0).all())
    if issues.require(rising and levels.size > 0, at_levels, "must rise within (0, 1)") and fits:
        cross = bool((np.diff(values, axis=0) < -TOLERANCE_KW).any())
        issues.require(not cross, at_values, "quantiles cross")
