"""A plan on the wire: schedule, prices, profiles, and what could not be done and why."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from api.planning.explain.schemas import ReasonOut
from api.planning.optimum.schemas import OptimumOut
from api.planning.profiles import StationProfile, untold_notes
from api.planning.request import PlanRequest
from api.pricing.schemas import PricesOut
from api.wire.schemas import WireModel, members, or_null
from models.flexibility import Sold
from models.grid.site import Site
from models.schedule import AssetSchedule, BackSchedule
from optimizer.giving import giving_sentence
from optimizer.plan import BindingLimit, Plan, UnmetEnergy, UnmetReason
from optimizer.promises import Promise
from optimizer.solver.outcome import RebuildReason, SolveReport, SolverOutcome, SolveStatus


class EvseScheduleOut(WireModel):
    """What one EVSE is told by slot, and what is expected to come of it."""

    evse_id: str
    station_id: str
    pilot_a: tuple[float, ...]
    power_kw: tuple[float, ...]
    energy_kwh: tuple[float, ...]


class AssetScheduleOut(WireModel):
    """What one asset is told by slot, and what is expected to come of it."""

    asset_id: str
    power_kw: Annotated[
        tuple[float, ...],
        Field(description="what it draws; below 0 where it gives; of a solar plant what is counted on [kW]"),
    ]
    stored_kwh: Annotated[
        tuple[float, ...] | None, Field(description="what a battery holds after every slot [kWh]")
    ]
    most_kw: Annotated[
        tuple[float, ...] | None, Field(description="what a solar plant may give at most [kW]")
    ]

    @classmethod
    def from_domain(cls, told: AssetSchedule) -> "AssetScheduleOut":
        """Return an asset's schedule as it stands on the wire."""
        return cls(
            asset_id=told.asset_id,
            power_kw=tuple(told.power_kw.tolist()),
            stored_kwh=None if told.stored_kwh is None else tuple(told.stored_kwh.tolist()),
            most_kw=None if told.most_kw is None else tuple(told.most_kw.tolist()),
        )


class GivingOut(WireModel):
    """Why a session gives back: what a kWh is worth where it is given, and what it costs."""

    session_id: str
    energy_kwh: Annotated[float, Field(description="what the site gets of it [kWh]")]
    slots: tuple[int, ...]
    earns_per_kwh: Annotated[float, Field(description="worth of a kWh then: not imported, or exported")]
    again_per_kwh: Annotated[float, Field(description="cost of charging a kWh again, losses included")]
    wear_per_kwh: float
    spare_kwh: Annotated[
        float, Field(description="what it holds above its reserve when it holds least [kWh]")
    ]
    sentence: str


class BackScheduleOut(WireModel):
    """What the car at one EVSE is told to give back by slot, and why; its pilot is 0 then."""

    evse_id: str
    station_id: str
    current_a: Annotated[
        tuple[float, ...], Field(description="current per phase towards the site, in steps of the EVSE [A]")
    ]
    power_kw: tuple[float, ...]
    energy_kwh: Annotated[tuple[float, ...], Field(description="what the site gets in the slot [kWh]")]
    why: tuple[GivingOut, ...]

    @classmethod
    def from_domain(cls, told: BackSchedule, plan: Plan, site: Site) -> "BackScheduleOut":
        """Return what a car gives back as it stands on the wire."""
        grid, currency = plan.schedule.grid, plan.prices.currency
        return cls(
            evse_id=told.evse_id,
            station_id=site.station_of(told.evse_id).station_id,
            current_a=tuple(told.current_a.tolist()),
            power_kw=tuple(told.power_kw.tolist()),
            energy_kwh=tuple(told.energy_kwh.tolist()),
            why=tuple(
                GivingOut(
                    **{name: value for name, value in members(one).items() if name != "evse_id"},
                    sentence=giving_sentence(one, grid, site.zone, currency),
                )
                for one in plan.giving
                if one.evse_id == told.evse_id
            ),
        )


class ProfileOut(WireModel):
    """A message for a station: ``payload`` is the OCPP request as it goes over the wire."""

    station_id: str
    evse_id: Annotated[str | None, Field(description="null where it addresses the whole station")]
    ocpp_version: str
    action: str
    payload: dict[str, Any]

    @classmethod
    def from_domain(cls, told: StationProfile) -> "ProfileOut":
        """Return a profile as it stands on the wire."""
        return cls(
            station_id=told.station_id,
            evse_id=told.evse_id,
            ocpp_version=told.version.value.removeprefix("ocpp"),
            action=told.command.action,
            payload=told.command.payload,
        )


class BindingLimitOut(WireModel):
    """A limit that costs something, and what one more kWh through it would be worth by slot."""

    node_id: str
    quantity: Annotated[str, Field(description="kW, L1, L2 or L3")]
    source: str
    slots: tuple[int, ...]
    shadow_price_per_kwh: tuple[float, ...]

    @classmethod
    def from_domain(cls, limit: BindingLimit) -> "BindingLimitOut":
        """Return a limit as it stands on the wire."""
        return cls(
            node_id=limit.node_id,
            quantity=limit.quantity,
            source=limit.source,
            slots=limit.slots,
            shadow_price_per_kwh=limit.shadow_price_per_kwh,
        )


class UnmetEnergyOut(WireModel):
    """Energy that a session is not going to get by its departure, and why."""

    session_id: str
    evse_id: str
    minimum_kwh: float
    target_kwh: float
    reason: UnmetReason
    detail: str

    @classmethod
    def from_domain(cls, unmet: UnmetEnergy) -> "UnmetEnergyOut":
        """Return a shortfall as it stands on the wire."""
        return cls(
            session_id=unmet.session_id,
            evse_id=unmet.evse_id,
            minimum_kwh=unmet.minimum_kwh,
            target_kwh=unmet.target_kwh,
            reason=unmet.reason,
            detail=unmet.detail,
        )


class PromiseOut(WireModel):
    """Energy that the driver of a plugged-in car may be shown as guaranteed.

    Send ``energy_kwh`` as the session's ``promised_kwh`` in the next state, and it is kept unless a limit leaves no
    other choice.
    """

    session_id: str
    evse_id: str
    energy_kwh: Annotated[float, Field(description="energy of the whole session [kWh]")]
    by: Annotated[datetime, Field(description="its departure at a careful quantile")]
    before_kwh: Annotated[float, Field(description="what was promised before [kWh]")]
    is_kept: Annotated[bool, Field(description="whether that is still guaranteed")]
    broken: Annotated[str, Field(description="why it is not; empty where it is")]

    @classmethod
    def from_domain(cls, promise: Promise) -> "PromiseOut":
        """Return a promise as it stands on the wire."""
        return cls(**members(promise), is_kept=promise.is_kept)


class SoldOut(WireModel):
    """What the plan sells of one product."""

    product_id: str
    power_kw: Annotated[
        tuple[float, ...],
        Field(description="band that is kept free, or reduction that is delivered of a call, by slot [kW]"),
    ]

    @classmethod
    def from_domain(cls, sold: Sold) -> "SoldOut":
        """Return what is sold of a product as it stands on the wire."""
        return cls(product_id=sold.product_id, power_kw=tuple(sold.power_kw.tolist()))


class ObjectiveTermOut(WireModel):
    """One named part of the objective."""

    name: str
    value: float


class RangeOut(WireModel):
    """Least and greatest size of a kind of number of the program."""

    of: str
    least: float
    greatest: float


class CountOut(WireModel):
    """How often something happened to the site's program since the site became known."""

    name: str
    n: int


class SolveOut(WireModel):
    """How the plan came about."""

    status: Annotated[
        SolveStatus,
        Field(
            description="proved: no schedule is better by more than 0.01 % of what is at stake; feasible: follows "
            "the program, gap says how far from its bound; dispatched: the program was late or failed; "
            "curtailed: a limit left no choice"
        ),
    ]
    outcome: Annotated[SolverOutcome, Field(description="what the solver made of the program")]
    solver_says: str
    objective: Annotated[
        float, Field(description="of the schedule that is sent [currency], the sum of its terms")
    ]
    terms: tuple[ObjectiveTermOut, ...]
    bound: Annotated[
        float | None,
        Field(
            description="no schedule within the program costs less [currency]; "
            "null where none is proved for what is sent"
        ),
    ]
    gap: Annotated[
        float | None,
        Field(description="how much better a schedule could be at most, as a part of what is at stake"),
    ]
    n_iterations: int
    update_s: float
    run_s: float
    dispatch_s: float
    rebuild: Annotated[RebuildReason | None, Field(description="why the program was stated again, if it was")]
    n_rebuilds: Annotated[int, Field(description="how often it was stated since the site became known")]
    ranges: Annotated[tuple[RangeOut, ...], Field(description="sizes of the program's numbers")]
    counts: tuple[CountOut, ...]

    @classmethod
    def from_domain(cls, report: SolveReport) -> "SolveOut":
        """Return a report as it stands on the wire."""
        return cls(
            status=report.status,
            outcome=report.outcome,
            solver_says=report.solver_says,
            objective=report.objective,
            terms=tuple(ObjectiveTermOut(name=term.name, value=term.value) for term in report.terms),
            bound=_finite(report.bound),
            gap=_finite(report.gap),
            n_iterations=report.n_iterations,
            update_s=report.update_s,
            run_s=report.run_s,
            dispatch_s=report.dispatch_s,
            rebuild=report.rebuild,
            n_rebuilds=report.n_rebuilds,
            ranges=tuple(
                RangeOut(of=one.of, least=one.least, greatest=one.greatest) for one in report.ranges
            ),
            counts=tuple(CountOut(name=one.name, n=one.n) for one in report.counts),
        )


class PlanOut(WireModel):
    """A plan: schedule, prices, profiles, and what could not be done and why."""

    site_id: str
    zone: str
    made_at: datetime
    start: datetime
    step_minutes: float
    slots: int
    schedule: tuple[EvseScheduleOut, ...]
    assets: Annotated[
        tuple[AssetScheduleOut, ...],
        Field(description="set-points of batteries, solar plants that can be told, and generators"),
    ]
    given_back: Annotated[
        tuple[BackScheduleOut, ...],
        Field(
            description="what cars are told to give back (V2H, V2G); the schedule's energies do not count it"
        ),
    ] = ()
    load_kw: Annotated[tuple[float, ...], Field(description="uncontrolled load that was planned with [kW]")]
    limit_kw: Annotated[
        tuple[float | None, ...], Field(description="greatest power of the site [kW]; null: none")
    ]
    marginal_per_kwh: tuple[float, ...]
    prices: PricesOut
    profiles: tuple[ProfileOut, ...]
    binding: tuple[BindingLimitOut, ...]
    unmet: tuple[UnmetEnergyOut, ...]
    promises: Annotated[tuple[PromiseOut, ...], Field(description="what drivers may be told")]
    sold: Annotated[tuple[SoldOut, ...], Field(description="reserves and called reductions")] = ()
    reasons: Annotated[tuple[ReasonOut, ...], Field(description="why every session charges when it does")]
    solve: SolveOut
    notes: tuple[str, ...]
    optimum: Annotated[
        OptimumOut | None, Field(description="the program and its optimum before rounding, where asked for")
    ] = None

    @classmethod
    def from_domain(cls, plan: Plan, request: PlanRequest, profiles: Sequence[StationProfile]) -> "PlanOut":
        """Return a plan as it stands on the wire."""
        grid = plan.schedule.grid
        return cls(
            site_id=plan.site_id,
            zone=request.state.site.zone,
            made_at=plan.made_at,
            start=grid.start,
            step_minutes=grid.step_s / 60,
            slots=grid.n_slots,
            schedule=_evse_schedules(plan, request),
            assets=tuple(AssetScheduleOut.from_domain(asset) for asset in plan.schedule.assets),
            given_back=tuple(
                BackScheduleOut.from_domain(told, plan, request.state.site) for told in plan.schedule.back
            ),
            load_kw=tuple(plan.load_kw.tolist()),
            limit_kw=or_null(plan.limit_kw),
            marginal_per_kwh=tuple(plan.marginal_per_kwh.tolist()),
            prices=PricesOut.from_domain(plan.prices),
            profiles=tuple(ProfileOut.from_domain(profile) for profile in profiles),
            binding=tuple(BindingLimitOut.from_domain(limit) for limit in plan.binding),
            unmet=tuple(UnmetEnergyOut.from_domain(unmet) for unmet in plan.unmet),
            promises=tuple(PromiseOut.from_domain(promise) for promise in plan.promises),
            sold=tuple(SoldOut.from_domain(sold) for sold in plan.sold),
            reasons=tuple(
                ReasonOut.from_domain(reason, plan, request.state.site.zone) for reason in plan.reasons
            ),
            solve=SolveOut.from_domain(plan.report),
            notes=(*request.notes, *plan.notes, *untold_notes(plan.schedule, request)),
        )


def _evse_schedules(plan: Plan, request: PlanRequest) -> tuple[EvseScheduleOut, ...]:
    schedule = plan.schedule
    station_of = {evse.evse_id: s.station_id for s in request.state.site.stations for evse in s.evses}
    return tuple(
        EvseScheduleOut(
            evse_id=evse_id,
            station_id=station_of[evse_id],
            pilot_a=tuple(schedule.pilot_a[row].tolist()),
            power_kw=tuple(schedule.power_kw[row].tolist()),
            energy_kwh=tuple(schedule.energy_kwh[row].tolist()),
        )
        for row, evse_id in enumerate(schedule.evse_ids)
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) else None
