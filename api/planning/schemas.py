"""The state of a site on the wire: the input of a plan."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from api.assets.schemas import AssetsWire
from api.flexibility.schemas import FlexibilityWire
from api.forecasts.known.schemas import MOST_COLUMNS, KnownColumnWire
from api.forecasts.schemas import LoadWire
from api.planning.request import PlanRequest
from api.pricing.schemas import TariffWire
from api.sessions.past.schemas import PastSessionWire
from api.sessions.schemas import SessionWire
from api.sites.schemas import SiteWire
from api.wire.schemas import (
    MAX_SLOTS,
    BySlot,
    CurrentBySlot,
    Identity,
    KilowattHours,
    Kilowatts,
    Moment,
    PowerBySlot,
    Probability,
    WireModel,
    by_slot,
    members,
    or_null,
)
from models.arrays import frozen
from models.checks import repeated
from models.errors import InvalidInputError, IssueList
from models.grid.limits import NodeLimit
from models.state import Conduct, ExpectedArrivals, SiteState, StationCondition
from models.timegrid import TimeGrid
from models.validate import validate_state
from optimizer.options import Fairness, PlanOptions

MAX_CELLS = 500_000
"""EVSEs x slots of one plan: 1,000 EVSEs over five days in quarters of an hour."""


class HorizonWire(WireModel):
    """How far the plan looks, from the slot that contains ``now`` on."""

    step_minutes: Annotated[
        Literal[1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60], Field(description="length of a slot [min]")
    ] = 15
    slots: Annotated[int, Field(ge=1, le=MAX_SLOTS, description="number of slots")] = 96

    def to_domain(self, now: datetime) -> TimeGrid:
        """Return the slots."""
        return TimeGrid.around(now, self.step_minutes * 60, self.slots)


class LimitWire(WireModel):
    """A limit on a node by slot, and who set it; the tightest of all counts."""

    node_id: Annotated[Identity, Field(description="circuit node that is limited")]
    source: Annotated[
        str,
        Field(
            min_length=1,
            max_length=255,
            examples=["grid operator"],
            description="who set it; named where it binds",
        ),
    ]
    limit_kw: Annotated[
        PowerBySlot | None,
        Field(description="greatest power, one value or one per slot; null: no limit [kW]"),
    ] = None
    limit_a: Annotated[
        tuple[CurrentBySlot, CurrentBySlot, CurrentBySlot] | None,
        Field(description="greatest current of L1, L2 and L3, each as limit_kw [A]"),
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
        float,
        Field(ge=0, le=60, description="the plan is answered by then [s]: what is not solved is dispatched"),
    ] = 2.0
    early_per_kwh: Annotated[float, Field(ge=0, le=1, description="worth of delivering a day earlier")] = 1e-3
    calm_per_switch: Annotated[
        float,
        Field(
            ge=0, le=100, description="worth of a switch of a car off or on less, beside the tariff's cost"
        ),
    ] = 5e-3
    search_s: Annotated[
        float,
        Field(
            ge=0, le=60, description="how long real pilots are made better, within the deadline [s]; 0: not"
        ),
    ] = 0.5
    ready_before_minutes: Annotated[
        float, Field(ge=0, le=240, description="energy is in the car so long before that departure [min]")
    ] = 0.0
    promise_quantile: Annotated[
        float,
        Field(
            gt=0,
            lt=1,
            description="what drivers are promised is in the car by this quantile of its departure",
        ),
    ] = 0.1
    hedge_quantiles: Annotated[
        tuple[Probability, ...],
        Field(max_length=9, description="earlier quantiles by which minimum and target are wanted too"),
    ] = ()
    hedge_weight: Annotated[
        float, Field(ge=0, le=1, description="worth of target energy by each of them, as a part of its price")
    ] = 0.2
    floor_share: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="where priorities differ, the part of a target that none of them takes away",
        ),
    ] = 0.2
    fairness: Annotated[
        Fairness,
        Field(
            description="a shortfall is spread as the same share of the need, or the same time at full power"
        ),
    ] = Fairness.PROPORTIONAL

    def to_domain(self) -> PlanOptions:
        """Return the options."""
        return PlanOptions(
            load_quantile=self.load_quantile,
            departure_quantile=self.departure_quantile,
            deadline_s=self.deadline_s,
            early_per_kwh=self.early_per_kwh,
            calm_per_switch=self.calm_per_switch,
            search_s=self.search_s,
            ready_before_h=self.ready_before_minutes / 60.0,
            promise_quantile=self.promise_quantile,
            hedge_quantiles=self.hedge_quantiles,
            hedge_weight=self.hedge_weight,
            floor_share=self.floor_share,
            fairness=self.fairness,
        )


class ConditionWire(WireModel):
    """A station that cannot be told what to do: its EVSEs count as load, and are not planned."""

    station_id: Annotated[Identity, Field(description="the station; one that is not listed obeys")]
    conduct: Annotated[
        Conduct,
        Field(
            description="offline: each EVSE with a car may draw the station's offline_a; not_following: its meter "
            "shows more than it was told, its EVSEs count at full power"
        ),
    ]

    @classmethod
    def from_domain(cls, condition: StationCondition) -> "ConditionWire":
        """Return a condition as it stands on the wire."""
        return cls(**members(condition))

    def to_domain(self) -> StationCondition:
        """Return the condition."""
        return StationCondition(**dict(self))


class ExpectedWire(WireModel):
    """Charging of cars that are still to come and that no session names, as a reserve at the site's root."""

    energy_kwh: Annotated[
        BySlot[KilowattHours],
        Field(description="energy that cars arriving in each slot are expected to need [kWh]"),
    ]
    stay_h: Annotated[
        float, Field(gt=0, le=1000, description="how long they stay: their energy can be given as long [h]")
    ]
    most_kw: Annotated[
        BySlot[Kilowatts], Field(description="greatest power that they can take together in each slot [kW]")
    ]

    @classmethod
    def from_domain(cls, expected: ExpectedArrivals) -> "ExpectedWire":
        """Return a reserve as it stands on the wire."""
        return cls(
            energy_kwh=tuple(expected.energy_kwh.tolist()),
            stay_h=expected.stay_h,
            most_kw=tuple(expected.most_kw.tolist()),
        )

    def to_domain(self, n_slots: int, issues: IssueList) -> ExpectedArrivals:
        """Return the reserve over a horizon of ``n_slots`` slots."""
        return ExpectedArrivals(
            energy_kwh=by_slot(self.energy_kwh, n_slots, "expected.energy_kwh", issues),
            stay_h=self.stay_h,
            most_kw=by_slot(self.most_kw, n_slots, "expected.most_kw", issues),
        )


class StateWire(WireModel):
    """The state of a site at one moment: everything that a plan is made from."""

    site: Annotated[SiteWire, Field(description="the site, with all that hangs on it")]
    now: Annotated[Moment, Field(description="the moment; the first slot contains it")]
    tariff: Annotated[TariffWire, Field(description="what the site pays and earns")]
    horizon: Annotated[HorizonWire, Field(description="how far to look")] = HorizonWire()
    sessions: Annotated[
        tuple[SessionWire, ...], Field(max_length=20_000, description="cars plugged in and cars expected")
    ] = ()
    loads: Annotated[
        tuple[LoadWire, ...], Field(max_length=1000, description="loads that nobody controls")
    ] = ()
    limits: Annotated[
        tuple[LimitWire, ...], Field(max_length=1000, description="limits beside the ratings")
    ] = ()
    billing_peak_kw: Annotated[
        Kilowatts, Field(description="greatest slot mean of the billing period so far, load included [kW]")
    ] = 0.0
    assets: Annotated[AssetsWire, Field(description="batteries, solar plants and generators")] = AssetsWire()
    flexibility: Annotated[FlexibilityWire, Field(description="what is sold beside charging")] = (
        FlexibilityWire()
    )
    conditions: Annotated[
        tuple[ConditionWire, ...],
        Field(max_length=5000, description="stations that are offline or do not follow"),
    ] = ()
    expected: Annotated[
        ExpectedWire | None, Field(description="cars still to come, for which room is kept; null: nobody")
    ] = None
    known: Annotated[
        tuple[KnownColumnWire, ...],
        Field(
            max_length=MOST_COLUMNS,
            description="weather and the like, of the past and known ahead: loads with a history are forecast with it",
        ),
    ] = ()
    past_sessions: Annotated[
        tuple[PastSessionWire, ...],
        Field(
            max_length=20_000,
            description="all sessions of the last weeks that have ended: departures and needs of cars that are here, "
            "and who is to come unless `expected` says it, are learnt from them",
        ),
    ] = ()
    options: Annotated[OptionsWire, Field(description="choices of the operator")] = OptionsWire()

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
            assets=AssetsWire.from_domain(state.assets),
            flexibility=FlexibilityWire.from_domain(state.flexibility),
            conditions=tuple(ConditionWire.from_domain(condition) for condition in state.conditions),
            expected=None if state.expected is None else ExpectedWire.from_domain(state.expected),
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
        for name in repeated(one.name for one in self.known):
            issues.add("known", f"name {name!r} is there more than once")
        for i, past in enumerate(self.past_sessions):
            past.check(f"past_sessions[{i}]", issues)
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
            assets=self.assets.to_domain(n_slots, issues),
            flexibility=self.flexibility.to_domain(n_slots, issues),
            conditions=tuple(condition.to_domain() for condition in self.conditions),
            expected=None if self.expected is None else self.expected.to_domain(n_slots, issues),
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
            columns=tuple(one.to_domain() for one in self.known),
            past=tuple(one.to_domain(self.site.site_id) for one in self.past_sessions),
            users={s.session_id: s.user_id for s in self.sessions if s.user_id is not None},
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
        places = [
            (f"loads[{i}]", "power_kw") for i, load in enumerate(self.loads) if load.quantiles is not None
        ]
        places += [
            (f"assets.solar[{i}]", "available_kw")
            for i, plant in enumerate(self.assets.solar)
            if plant.quantiles is not None
        ]
        for place, values in places:
            if where == f"{place}.levels":
                return f"{place}.quantiles.levels"
            if where == f"{place}.{values}":
                return f"{place}.quantiles.power_kw"
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
