"""The state of a site on the wire: the input of a plan."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from api.forecasts.schemas import LoadWire
from api.planning.request import PlanRequest
from api.pricing.schemas import TariffWire
from api.sessions.schemas import SessionWire
from api.sites.schemas import SiteWire
from api.wire.schemas import (
    MAX_SLOTS,
    CurrentBySlot,
    Identity,
    Kilowatts,
    Moment,
    PowerBySlot,
    WireModel,
    by_slot,
    or_null,
)
from models.arrays import frozen
from models.errors import InvalidInputError, IssueList
from models.grid.limits import NodeLimit
from models.state import SiteState
from models.timegrid import TimeGrid
from models.validate import validate_state
from optimizer.options import PlanOptions

MAX_CELLS = 500_000
"""EVSEs x slots of one plan: 1,000 EVSEs over five days in quarters of an hour."""


class HorizonWire(WireModel):
    """How far the plan looks, from the slot that contains ``now`` on."""

    step_minutes: Literal[1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60] = 15
    slots: Annotated[int, Field(ge=1, le=MAX_SLOTS)] = 96

    def to_domain(self, now: datetime) -> TimeGrid:
        """Return the slots."""
        return TimeGrid.around(now, self.step_minutes * 60, self.slots)


class LimitWire(WireModel):
    """A limit on a node by slot, and who set it; the tightest of all counts."""

    node_id: Identity
    source: Annotated[str, Field(min_length=1, max_length=255, examples=["grid operator"])]
    limit_kw: PowerBySlot | None = None
    limit_a: Annotated[
        tuple[CurrentBySlot, CurrentBySlot, CurrentBySlot] | None, Field(description="L1, L2 and L3 [A]")
    ] = None

    @classmethod
    def from_domain(cls, limit: NodeLimit) -> "LimitWire":
        """Return a limit as it stands on the wire."""
        currents = None
        if limit.limit_a is not None:
            first, second, third = (or_null(row) for row in limit.limit_a)
            currents = (first, second, third)
        return cls(
            node_id=limit.node_id,
            source=limit.source,
            limit_kw=None if limit.limit_kw is None else or_null(limit.limit_kw),
            limit_a=currents,
        )

    def to_domain(self, n_slots: int, where: str, issues: IssueList) -> NodeLimit:
        """Return the limit over a horizon of ``n_slots`` slots."""
        power_kw = (
            None if self.limit_kw is None else by_slot(self.limit_kw, n_slots, f"{where}.limit_kw", issues)
        )
        current_a = None
        if self.limit_a is not None:
            rows = enumerate(self.limit_a)
            current_a = frozen([by_slot(row, n_slots, f"{where}.limit_a[{i}]", issues) for i, row in rows])
        return NodeLimit(self.node_id, self.source, power_kw, current_a)


class OptionsWire(WireModel):
    """Choices of the operator."""

    load_quantile: Annotated[float, Field(gt=0, lt=1, description="load is planned at this quantile")] = 0.9
    departure_quantile: Annotated[
        float, Field(gt=0, lt=1, description="energy is in the car by this quantile of its departure")
    ] = 0.5
    deadline_s: Annotated[
        float, Field(ge=0, le=60, description="the solver is stopped after this time [s]")
    ] = 5.0
    early_per_kwh: Annotated[float, Field(ge=0, le=1, description="worth of delivering a day earlier")] = 1e-3
    ready_before_minutes: Annotated[
        float, Field(ge=0, le=240, description="energy is in the car so long before that departure [min]")
    ] = 0.0

    def to_domain(self) -> PlanOptions:
        """Return the options."""
        return PlanOptions(
            load_quantile=self.load_quantile,
            departure_quantile=self.departure_quantile,
            deadline_s=self.deadline_s,
            early_per_kwh=self.early_per_kwh,
            ready_before_h=self.ready_before_minutes / 60.0,
        )


class StateWire(WireModel):
    """The state of a site at one moment: everything that a plan is made from."""

    site: SiteWire
    now: Moment
    tariff: TariffWire
    horizon: HorizonWire = HorizonWire()
    sessions: Annotated[tuple[SessionWire, ...], Field(max_length=20_000)] = ()
    loads: Annotated[tuple[LoadWire, ...], Field(max_length=1000)] = ()
    limits: Annotated[tuple[LimitWire, ...], Field(max_length=1000)] = ()
    billing_peak_kw: Annotated[
        Kilowatts, Field(description="greatest slot mean of the billing period so far, load included [kW]")
    ] = 0.0
    options: OptionsWire = OptionsWire()

    @classmethod
    def from_domain(cls, state: SiteState) -> "StateWire":
        """Return a state as it stands on the wire."""
        return cls(
            site=SiteWire.from_domain(state.site),
            now=state.now,
            tariff=TariffWire.from_domain(state.tariff),
            horizon=HorizonWire.model_validate(
                {"step_minutes": state.grid.step_s // 60, "slots": state.grid.n_slots}
            ),
            sessions=tuple(SessionWire.from_domain(session) for session in state.sessions),
            loads=tuple(LoadWire.from_domain(load) for load in state.loads),
            limits=tuple(LimitWire.from_domain(limit) for limit in state.limits),
            billing_peak_kw=state.billing_peak_kw,
        )

    def to_domain(self) -> PlanRequest:
        """Return what is asked for.

        Raises
        ------
        InvalidInputError
            The state cannot be planned; names every fault with its path in the document.
        """
        issues = IssueList()
        n_slots = self.horizon.slots
        n_evses = sum(len(station.evses) for station in self.site.stations)
        issues.require(
            n_evses * n_slots <= MAX_CELLS,
            "horizon.slots",
            f"{n_evses} EVSEs x {n_slots} slots exceed {MAX_CELLS}",
        )
        self._check_transactions(issues)
        loads = [
            load.to_domain(n_slots, self.now, f"loads[{i}]", issues) for i, load in enumerate(self.loads)
        ]
        state = SiteState(
            site=self.site.to_domain(),
            now=self.now,
            grid=self.horizon.to_domain(self.now),
            sessions=tuple(session.to_domain() for session in self.sessions),
            tariff=self.tariff.to_domain(n_slots, issues),
            loads=tuple(loads),
            limits=tuple(
                limit.to_domain(n_slots, f"limits[{i}]", issues) for i, limit in enumerate(self.limits)
            ),
            billing_peak_kw=self.billing_peak_kw,
        )
        self._check_state(state, issues)
        issues.raise_if_any()
        return PlanRequest(
            state=state,
            options=self.options.to_domain(),
            histories=tuple(
                load.history.to_domain(place)
                for place, load in enumerate(self.loads)
                if load.history is not None
            ),
            capabilities=self.site.capabilities(),
            transactions={s.evse_id: s.transaction_id for s in self.sessions if s.transaction_id is not None},
        )

    def _check_state(self, state: SiteState, issues: IssueList) -> None:
        """Note what is wrong with the state, at the place where the document says it."""
        try:
            validate_state(state)
        except InvalidInputError as error:
            for issue in error.issues:
                issues.add(self._wire_path(issue.where), issue.what)

    def _wire_path(self, where: str) -> str:
        """Return where the document says what the state has at ``where``: quantiles stand one step deeper."""
        for place, load in enumerate(self.loads):
            if load.quantiles is not None:
                for name in ("levels", "power_kw"):
                    where = where.replace(f"loads[{place}].{name}", f"loads[{place}].quantiles.{name}")
        return where

    def _check_transactions(self, issues: IssueList) -> None:
        """Only numbers are transactions in OCPP 1.6, and an expected car has none yet."""
        speaks_16 = {e.evse_id for s in self.site.stations if s.ocpp.version == "1.6" for e in s.evses}
        for i, session in enumerate(self.sessions):
            if session.transaction_id is None:
                continue
            where = f"sessions[{i}].transaction_id"
            numeric = session.transaction_id.isascii() and session.transaction_id.isdecimal()
            issues.require(session.evse_id not in speaks_16 or numeric, where, "is a number in OCPP 1.6")
            issues.require(session.arrival <= self.now, where, "belongs to a car that has not arrived")
