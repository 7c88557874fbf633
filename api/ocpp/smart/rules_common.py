"""What holds in every version: bounds that the station has told, validity, decimals, phases."""

from api.ocpp.smart.breaches import Asked, Breach, Breaches, changes_3_to_1, has_one_decimal
from api.ocpp.smart.profiles import Kind
from api.ocpp.smart.station import with_profile

_NUMBERS = (
    *(f"{name}{phase}" for name in ("limit", "dischargeLimit", "setpoint") for phase in ("", "_L2", "_L3")),
)


def bounds(asked: Asked) -> Breaches:
    """C11: stack level, periods and number of installed profiles."""
    can, profile = asked.capabilities, asked.profile
    if profile.stack_level < 0:
        yield Breach("C11", f"stack level {profile.stack_level} is below 0, the lowest")
    if profile.stack_level > can.max_stack_level:
        yield Breach("C11", f"stack level {profile.stack_level} is above {can.max_stack_level}, the highest")
    for schedule in asked.schedules:
        n_periods = len(schedule["chargingSchedulePeriod"])
        if n_periods > can.max_periods:
            yield Breach(
                "C11", f"{n_periods} periods are more than {can.max_periods}, which the station takes"
            )
    held = with_profile(asked.situation.profiles, profile, can.version)
    if len(held) > can.max_profiles:
        yield Breach("C11", f"{len(held)} profiles would be installed; the station holds {can.max_profiles}")


def validity(asked: Asked) -> Breaches:
    """C10: validFrom lies before validTo."""
    if not asked.profile.valid_from_s < asked.profile.valid_to_s:
        yield Breach("C10", "validTo is not after validFrom, so that it is never valid", ("E3.65", "E3.66"))


def recurrence(asked: Asked) -> Breaches:
    """C5: recurrencyKind belongs to Recurring, and only to it."""
    is_recurring = asked.profile.kind is Kind.RECURRING
    if is_recurring != ("recurrencyKind" in asked.raw):
        what = "needs a recurrencyKind" if is_recurring else "has a recurrencyKind, which only Recurring has"
        yield Breach("C5", f"a profile of kind {asked.profile.kind.value} {what}", ("E3.56",))


def decimals(asked: Asked) -> Breaches:
    """C7: limits have at most one decimal."""
    numbers = {period[name] for period in asked.periods for name in _NUMBERS if name in period}
    numbers |= {one["minChargingRate"] for one in asked.schedules if "minChargingRate" in one}
    wrong = sorted(number for number in numbers if not has_one_decimal(number))
    if wrong:
        yield Breach("C7", f"{wrong[0]:g} has more than one decimal", ("7.14", "7.8"))


def phase_changes(asked: Asked) -> Breaches:
    """C9: from three phases to one only where the station can switch."""
    if asked.is_dc or asked.capabilities.switches_phases:
        return
    if any(changes_3_to_1(one["chargingSchedulePeriod"]) for one in asked.schedules):
        yield Breach("C9", "it changes between three phases and one, which the station cannot", ("E3.34",))
