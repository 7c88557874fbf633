"""What a composite schedule assumes where nobody knows: said beside it, since the answer has no room for it."""

from collections.abc import Iterator

from api.ocpp.smart.profiles import Profile
from api.ocpp.smart.station import IdleRule, Situation


def assumptions_in(situation: Situation) -> tuple[str, ...]:
    """Return a sentence for every assumption that a composite schedule of this station may rest on."""
    return tuple(dict.fromkeys(_assumptions(situation)))


def _assumptions(situation: Situation) -> Iterator[str]:
    knows_soc = any(one.soc_percent is not None for one in situation.transactions.values())
    for profile in situation.profiles:
        yield from _of_profile(profile, knows_soc=knows_soc)
    idle = [evse for evse in situation.station.evses if evse not in situation.transactions]
    if idle and situation.profiles and situation.station.idle_rule is IdleRule.AS_IF_CHARGING:
        named = ", ".join(map(str, idle[:5])) + (", ..." if len(idle) > len(idle[:5]) else "")
        yield f"EVSEs without a transaction ({named}) count as if one began now"


def _of_profile(profile: Profile, *, knows_soc: bool) -> Iterator[str]:
    """Return the assumptions about one profile."""
    number = profile.profile_id
    if any(schedule.most_delay_s for schedule in profile.schedules):
        yield (
            f"profile {number} starts its periods late by chance (randomizedDelay): the schedule is the most that"
            " may happen"
        )
    if any(schedule.soc_limit for schedule in profile.schedules) and not knows_soc:
        yield f"profile {number} has a limit at a state of charge (limitAtSoC), which is not known: it is left out"
    if len(profile.schedules) > 1:
        yield f"profile {number} has several schedules: the first counts where the car's choice is not known"
