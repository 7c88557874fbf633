"""Uncontrolled load on the wire."""

from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from api.planning.request import MeteredLoad
from api.wire.schemas import (
    MAX_SLOTS,
    Identity,
    Kilowatts,
    Moment,
    PowerBySlot,
    Probability,
    WireModel,
    by_slot,
)
from models.arrays import FloatArray, frozen
from models.errors import IssueList
from models.load import LoadForecast

PhaseShare = tuple[
    Annotated[float, Field(ge=0, le=1)],
    Annotated[float, Field(ge=0, le=1)],
    Annotated[float, Field(ge=0, le=1)],
]
MAX_SAMPLES = 120_000


class PowerQuantiles(WireModel):
    """Quantiles of a power by slot; row ``i`` of ``power_kw`` belongs to level ``i``."""

    levels: Annotated[
        tuple[Probability, ...],
        Field(min_length=1, max_length=99, description="probabilities of staying below, rising"),
    ]
    power_kw: Annotated[
        tuple[Annotated[tuple[Kilowatts, ...], Field(max_length=MAX_SLOTS)], ...],
        Field(min_length=1, max_length=99, description="a row per level, a value per slot [kW]"),
    ]

    @classmethod
    def from_domain(cls, levels: FloatArray, power_kw: FloatArray) -> "PowerQuantiles":
        """Return quantiles as they stand on the wire."""
        return cls(levels=tuple(levels.tolist()), power_kw=tuple(tuple(row) for row in power_kw.tolist()))

    def to_domain(self, n_slots: int, where: str, issues: IssueList) -> tuple[FloatArray, FloatArray]:
        """Return levels (n_levels,) and power (n_levels, n_slots) [kW]."""
        n_levels, n_rows = len(self.levels), len(self.power_kw)
        issues.require(n_rows == n_levels, f"{where}.power_kw", f"has {n_rows} rows for {n_levels} levels")
        rows = [
            by_slot(row, n_slots, f"{where}.power_kw[{i}]", issues) for i, row in enumerate(self.power_kw)
        ]
        rows = [*rows[:n_levels], *[rows[-1]] * (n_levels - n_rows)]
        return frozen(self.levels), frozen(rows)


class LoadHistory(WireModel):
    """Metered mean power [kW] of consecutive intervals, the newest last; null where the meter was silent."""

    start: Annotated[Moment, Field(description="start of the first interval")]
    step_minutes: Annotated[
        Literal[5, 10, 15, 20, 30, 60], Field(description="length of an interval [min]")
    ] = 15
    power_kw: Annotated[
        tuple[Kilowatts | None, ...],
        Field(min_length=1, max_length=MAX_SAMPLES, description="mean power of each interval [kW]"),
    ]
    installed_kw: Annotated[
        float | None,
        Field(
            gt=0,
            le=1e7,
            description="what it never exceeds, where known: no forecast is above it, no value far [kW]",
        ),
    ] = None

    def check(self, now: datetime, where: str, issues: IssueList) -> None:
        """Note that nothing was metered before ``now``: a load of which nothing is known is not one of zero."""
        n_over = int((now - self.start) / timedelta(minutes=self.step_minutes))
        known = any(value is not None for value in self.power_kw[: max(n_over, 0)])
        issues.require(known, f"{where}.power_kw", f"has no value of an interval that ends before {now}")

    def to_domain(self, place: int) -> MeteredLoad:
        """Return the history of the load at ``place``; NaN where the meter was silent."""
        values = frozen([np.nan if value is None else value for value in self.power_kw])
        installed_kw = np.inf if self.installed_kw is None else self.installed_kw
        return MeteredLoad(place, self.start, self.step_minutes * 60, values, installed_kw)


class LoadWire(WireModel):
    """Load below a node that nobody controls: known by slot, as quantiles, or as history to forecast from."""

    node_id: Annotated[
        Identity, Field(description="circuit node that carries it, and all above carry it too")
    ]
    power_kw: Annotated[
        PowerBySlot | None, Field(description="known power, one value or one per slot [kW]")
    ] = None
    quantiles: Annotated[
        PowerQuantiles | None, Field(description="its quantiles, as forecast by the caller")
    ] = None
    history: Annotated[
        LoadHistory | None, Field(description="what was metered; the service forecasts from it")
    ] = None
    phase_share: Annotated[
        PhaseShare | None, Field(description="part on L1, L2, L3; balanced unless given")
    ] = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if sum(form is not None for form in (self.power_kw, self.quantiles, self.history)) != 1:
            raise ValueError("exactly one of power_kw, quantiles and history is needed")
        return self

    @classmethod
    def from_domain(cls, load: LoadForecast) -> "LoadWire":
        """Return a load as it stands on the wire."""
        quantiles = PowerQuantiles.from_domain(load.levels, load.power_kw)
        certain = quantiles.levels == (0.5,)
        first, second, third = load.phase_share.tolist()
        return cls(
            node_id=load.node_id,
            power_kw=quantiles.power_kw[0] if certain else None,
            quantiles=None if certain else quantiles,
            phase_share=(first, second, third),
        )

    @property
    def shares(self) -> FloatArray:
        """Part of the load on each phase, shape (3,)."""
        return frozen(np.full(3, 1 / 3) if self.phase_share is None else self.phase_share)

    def to_domain(self, n_slots: int, now: datetime, where: str, issues: IssueList) -> LoadForecast:
        """Return the load of ``n_slots`` slots; zeros where it has to be forecast from its history."""
        if self.history is not None:
            self.history.check(now, f"{where}.history", issues)
        if self.quantiles is not None:
            levels, rows_kw = self.quantiles.to_domain(n_slots, f"{where}.quantiles", issues)
            return LoadForecast(self.node_id, levels, rows_kw, self.shares)
        given_kw = 0.0 if self.power_kw is None else self.power_kw
        known_kw = by_slot(given_kw, n_slots, f"{where}.power_kw", issues, blank=np.nan)
        issues.require(not np.isnan(known_kw).any(), f"{where}.power_kw", "has slots without a value")
        return LoadForecast(
            self.node_id, frozen([0.5]), frozen(np.nan_to_num(known_kw)[np.newaxis, :]), self.shares
        )
