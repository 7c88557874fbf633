"""What a plan leaves to the fast clock: what everybody is due, and who may use what becomes free."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from models.arrays import BoolArray, FloatArray, frozen
from models.grid.site import Evse
from models.schedule import AssetSchedule
from models.sessions import ChargingSession
from models.state import SiteState
from models.timegrid import TimeGrid
from models.units import SECONDS_PER_HOUR, W_PER_KW
from optimizer.plan import Plan
from optimizer.rows import evse_phasors

SLACK_H: Final = 0.75
"""Laxity counts from this long below zero [h]: weights 1 / (laxity + 3 slots of 15 min) did best among real pilots."""

LEAST_LAXITY_H: Final = 0.025
"""What a laxity counts as at least, with its slack [h]."""

PRESSED: Final = 4.0
"""How much more urgent a session is that the plan leaves short."""

PLANNED_KW: Final = 0.1
"""Planned power below which a car is not to charge [kW]."""

SAME_PRICE: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a plan, or any other rule, says of the time until the next one; E EVSEs, T slots.

    Parameters
    ----------
    grid : TimeGrid
    pilot_a : (E, T) float64
        What is due to each EVSE [A].
    urgency : (E,) float64
        Who is served first: when limits fall, and when current becomes free.
    may_take : (E,) bool
        Whether more than its due is worth its price now.
    peak_kw : float
        Power of the whole site above which what is free is not used [kW]: it would be billed.
    assets : tuple of AssetSchedule
        What batteries, plants and generators do meanwhile.
    """

    grid: TimeGrid
    pilot_a: FloatArray
    urgency: FloatArray
    may_take: BoolArray
    peak_kw: float = np.inf
    assets: tuple[AssetSchedule, ...] = ()

    @classmethod
    def of_plan(cls, state: SiteState, plan: Plan) -> "Envelope":
        """Return what a plan for this state leaves.

        A car may take more now where the plan leaves it short, or where the energy is no dearer now than the
        dearest that it is to get later: the limit that made the present dear has just given way. A car that is to
        give back now takes nothing.
        """
        short = {unmet.session_id for unmet in plan.unmet}
        later_kw = plan.planned_kw[:, 1:]
        later = np.where(later_kw > PLANNED_KW, plan.marginal_per_kwh[1:], -np.inf).max(
            axis=1, initial=-np.inf
        )
        price_now = float(state.tariff.import_per_kwh[0])
        is_due_now = plan.schedule.pilot_a[:, 0] > 0.0
        worth = np.where(np.isfinite(later), later >= price_now - SAME_PRICE, is_due_now)
        present = sessions_at(state)
        pressed = np.array([one is not None and one.session_id in short for one in present], dtype=np.bool_)
        urgency = _urgency(state, present) * np.where(pressed, PRESSED, 1.0)
        wants = np.array([one is not None and one.remaining_kwh > 0.0 for one in present], dtype=np.bool_)
        peak_kw = np.inf
        if state.tariff.demand_charge_per_kw > 0.0:
            site_kw = plan.load_kw + plan.schedule.power_kw.sum(axis=0)
            site_kw = site_kw + sum(asset.power_kw for asset in plan.schedule.assets)
            peak_kw = max(state.billing_peak_kw, float(site_kw.max(initial=0.0)))
        gives_now = plan.schedule.back_kw()[:, 0] > 0.0
        schedule, may_take = plan.schedule, wants & (pressed | worth) & ~gives_now
        return cls(schedule.grid, schedule.pilot_a, urgency, may_take, peak_kw, schedule.assets)

    @classmethod
    def of_pilots(cls, state: SiteState, pilot_a: FloatArray) -> "Envelope":
        """Return what pilots of one moment leave: whoever wants energy may take what is free, least laxity first."""
        present = sessions_at(state)
        wants = np.array([one is not None and one.remaining_kwh > 0.0 for one in present], dtype=np.bool_)
        due_a = frozen(np.repeat(pilot_a[:, None], state.grid.n_slots, axis=1))
        return cls(state.grid, due_a, _urgency(state, present), wants)


def sessions_at(state: SiteState) -> tuple[ChargingSession | None, ...]:
    """Return the session that is at each EVSE now, in the order of the site's EVSEs."""
    here = {one.evse_id: one for one in state.sessions if one.arrival <= state.now}
    return tuple(here.get(evse_id) for evse_id in state.site.evse_ids)


def urgency_of(session: ChargingSession, evse: Evse, voltage_v: float, now: datetime) -> float:
    """Return how much less a session can wait than others: its priority by its laxity and a slack [1/h].

    Laxity is the time until the median departure less what the rest takes at the EVSE's full power.
    """
    full_kw = (
        evse.levels_a[-1] * float(evse_phasors(evse, session.n_phases).real.sum()) * voltage_v / W_PER_KW
    )
    stays_h = (session.departure.median - now).total_seconds() / SECONDS_PER_HOUR
    laxity_h = stays_h - session.remaining_kwh / full_kw
    return session.priority / max(laxity_h + SLACK_H, LEAST_LAXITY_H)


def _urgency(state: SiteState, present: tuple[ChargingSession | None, ...]) -> FloatArray:
    voltage_v = state.site.voltage_v
    return frozen(
        [
            0.0 if session is None else urgency_of(session, evse, voltage_v, state.now)
            for session, evse in zip(present, state.site.evses, strict=True)
        ]
    )
