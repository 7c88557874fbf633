"""What a station is limited to now, by the profiles that it is believed to hold."""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

from api.ocpp.capabilities import RateUnit, StationCapabilities
from api.ocpp.charging_profile import ChargingProfile
from api.ocpp.smart.prediction import Held, predict
from api.ocpp.smart.station import RunningTransaction


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
        Its version, nominal voltage and phases.
    installed : iterable of ChargingProfile
    running : mapping of int to str
        The transaction of each EVSE that has one.
    evses : iterable of int
    now : datetime
    """
    numbers = tuple(sorted({*evses, *running} - {0}))
    if not numbers:
        return {}
    since_s = math.floor(now.timestamp())
    transactions = {
        evse: RunningTransaction(evse, name, since_s) for evse, name in running.items() if evse > 0
    }
    held = Held(capabilities, tuple(installed), numbers, MappingProxyType(transactions))
    limits: dict[int, float | None] = {}
    for number in (0, *numbers):
        [first, *_] = predict(held, number, now, 1, RateUnit.CURRENT)
        limits[number] = first.limit.value if math.isfinite(first.limit.value) else None
    return limits
