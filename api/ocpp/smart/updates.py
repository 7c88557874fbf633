"""UpdateDynamicSchedule: the values of a dynamic profile are replaced, and its time begins anew (2.1 K28)."""

import math
from dataclasses import replace
from datetime import datetime

from api.ocpp.smart.profiles import Kind, Profile
from api.ocpp.smart.reading import Node, period_in
from api.ocpp.wire import Payload
from models.errors import IssueList


def with_update(
    profiles: tuple[Profile, ...], request: Payload, at: datetime, where: str, issues: IssueList
) -> tuple[Profile, ...]:
    """Return the profiles after an update; one that names no dynamic profile is noted as a fault."""
    number, update = request.get("chargingProfileId"), request.get("scheduleUpdate")
    target = next((one for one in profiles if one.profile_id == number and one.kind is Kind.DYNAMIC), None)
    if target is None or not isinstance(update, dict):
        issues.add(where, "updates no installed dynamic profile")
        return profiles
    schedule = target.schedules[0]
    new = period_in(Node({"startPeriod": 0} | update, f"{where}.scheduleUpdate", issues))
    period = replace(
        schedule.periods[0],
        limit=new.limit or schedule.periods[0].limit,
        discharge_limit=new.discharge_limit or schedule.periods[0].discharge_limit,
        setpoint=new.setpoint or schedule.periods[0].setpoint,
        others=tuple((dict(schedule.periods[0].others) | dict(new.others)).items()),
    )
    changed = replace(
        target,
        schedules=(replace(schedule, periods=(period,)),),
        updated_s=math.floor(at.timestamp()),
    )
    return tuple(changed if one is target else one for one in profiles)
