"""What a station is limited to now, by the profiles that it is believed to hold."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from api.ocpp.capabilities import OcppVersion, RateUnit, StationCapabilities
from api.ocpp.charging_profile import ChargingProfile
from api.ocpp.dialects import DIALECTS
from api.ocpp.smart.composite import Question, composite_of
from api.ocpp.smart.profiles import Profile
from api.ocpp.smart.reading import profile_in
from api.ocpp.smart.station import Ceiling, EvseFacts, RunningTransaction, Situation, StationFacts
from models.errors import InvalidInputError, IssueList

_FREE_A: Final = 1e6
"""More than any station draws: where nothing limits an EVSE."""

_FREE: Final = Ceiling(_FREE_A)


def present_limits(
    capabilities: StationCapabilities,
    installed: Iterable[ChargingProfile],
    running: Mapping[int, str],
    evses: Iterable[int],
    now: datetime,
) -> dict[int, float | None]:
    """Return the limit of each EVSE now [A per phase], and at 0 that of the station; None where nothing limits.

    Parameters
    ----------
    capabilities : StationCapabilities
        Its version and nominal voltage.
    installed : iterable of ChargingProfile
    running : mapping of int to str
        The transaction of each EVSE that has one.
    evses : iterable of int
    now : datetime
    """
    numbers = sorted({*evses, *running} - {0})
    now_s = int(now.timestamp())
    facts = StationFacts(
        capabilities.version,
        MappingProxyType({number: EvseFacts(most=_FREE, unlimited=_FREE) for number in numbers}),
        capabilities.voltage_v,
        most=Ceiling(_FREE_A * len(numbers)),
    )
    transactions = {evse: RunningTransaction(evse, name, now_s) for evse, name in running.items() if evse > 0}
    read = (_read(profile, capabilities.version) for profile in installed)
    profiles = tuple(profile for profile in read if profile is not None)
    situation = Situation(facts, profiles, MappingProxyType(transactions))
    limits: dict[int, float | None] = {}
    for number in (0, *numbers) if numbers else ():
        [first, *_] = composite_of(situation, Question(number, now_s, 1, RateUnit.CURRENT))
        limits[number] = first.limit.value if first.limit.value < _FREE_A else None
    return limits


def _read(profile: ChargingProfile, version: OcppVersion) -> Profile | None:
    """Return a profile as its station reads it; None where its version cannot say it."""
    try:
        payload = DIALECTS[version].encode_profile(profile).payload
    except InvalidInputError:
        return None
    raw = payload.get("csChargingProfiles") or payload["chargingProfile"]
    return profile_in(raw, profile.evse_number, "", IssueList())
