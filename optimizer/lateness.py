"""What a schedule leaves late: milestones that it does not reach."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from models.arrays import FloatArray, frozen
from models.schedule import Schedule
from models.state import SiteState
from optimizer.deadlines import Tier
from optimizer.explain import UNMET_KWH
from optimizer.problem import Problem


def late_kwh(problem: Problem, schedule: Schedule) -> FloatArray:
    """Return what is not in the cars at their deadlines, shape (E, K) [kWh].

    What a car gives back, and must be given again, counts against it. Energy of a slot in which a deadline lies
    counts by the time before it.
    """
    shared_h = np.where(problem.slot_h > 0, problem.slot_h, np.inf)
    net_kwh = schedule.energy_kwh - problem.batteries.again_kwh(schedule.back_kw())
    in_time = (problem.deadlines.until_h / shared_h[:, None, :]) * net_kwh[:, None, :]
    return frozen(np.maximum(problem.deadlines.need_kwh - in_time.sum(axis=2), 0.0))


def milestone_notes(state: SiteState, problem: Problem, schedule: Schedule) -> tuple[str, ...]:
    """Return a sentence for every milestone that the schedule does not reach."""
    notes = []
    missing_kwh, zone = late_kwh(problem, schedule), ZoneInfo(state.site.zone)
    due = problem.deadlines
    is_missed = (missing_kwh > UNMET_KWH) & (due.tier == Tier.MILESTONE)
    for evse, number in np.argwhere(is_missed).tolist():
        session_id = problem.session_ids[evse][int(due.seat[evse, number])]
        when = datetime.fromtimestamp(due.by_s[evse, number], zone).isoformat()
        notes.append(
            f"{session_id!r} is {missing_kwh[evse, number]:.1f} kWh short of its milestone at {when}: "
            f"{due.need_kwh[evse, number]:.1f} kWh are still due by then"
        )
    return tuple(notes)
