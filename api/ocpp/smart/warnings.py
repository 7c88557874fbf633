"""What a valid profile does that its sender may not mean."""

from collections.abc import Iterator

from api.ocpp.capabilities import OcppVersion, RateUnit
from api.ocpp.smart.breaches import Asked, Breach
from api.ocpp.smart.station import with_profile
from models.units import MIN_AC_CURRENT_A


def warnings_of(asked: Asked) -> Iterator[Breach]:
    """Return the traps of the checklist that the profile walks into."""
    yield from _gap(asked)
    yield from _cut(asked)
    yield from _too_little(asked)


def _gap(asked: Asked) -> Iterator[Breach]:
    """C1: what it replaces is gone at once, though it counts only later."""
    version: OcppVersion = asked.capabilities.version
    held = with_profile(asked.situation.profiles, asked.profile, version)
    if len(held) <= len(asked.situation.profiles) and asked.profile.valid_from_s > asked.now_s:
        yield Breach(
            "C1",
            "it replaces a profile at once, but is valid only later: nothing holds until then",
            ("3.13.2",),
        )


def _cut(asked: Asked) -> Iterator[Breach]:
    """C6: what never runs."""
    every = asked.profile.recurrence
    for schedule in asked.profile.schedules:
        ends = [one for one in (schedule.duration_s, every.seconds if every else None) if one is not None]
        if every is not None and schedule.duration_s is not None and schedule.duration_s > every.seconds:
            yield Breach("C6", "the schedule is longer than its recurrence, and is cut", ("E3.44",))
        if ends and any(period.start_s >= min(ends) for period in schedule.periods):
            yield Breach("C6", "a period starts when the schedule is over, and never runs", ("E3.44",))


def _too_little(asked: Asked) -> Iterator[Breach]:
    """C18: what a car takes for 0."""
    amperes = [one for one in asked.profile.schedules if one.unit is RateUnit.CURRENT]
    limits = [p.limit.value for one in amperes for p in one.periods if p.limit is not None]
    if not asked.is_dc and any(0 < limit < MIN_AC_CURRENT_A for limit in limits):
        yield Breach("C18", "a limit between 0 and 6 A cannot be told to a car, which pauses")
