"""OCPP 2.1 from the side of a station: as 2.0.1, but a period may say more than a limit, or something else."""

import math

from benchmarks.station_profiles import HeldProfile
from benchmarks.station_v201 import Words201
from benchmarks.station_words import Payload, held_profile


class Words21(Words201):
    """OCPP 2.1."""

    subprotocol = "ocpp2.1"
    model = "Virtual 21"

    def profile_in(self, payload: Payload) -> HeldProfile:
        """Read SetChargingProfile; a station that only charges takes a setpoint for one limit more."""
        profile = payload["chargingProfile"]
        schedule = profile["chargingSchedule"][0]
        periods = [period | {"limit": _most(period)} for period in schedule["chargingSchedulePeriod"]]
        written = schedule | {"chargingSchedulePeriod": periods}
        return held_profile(payload["evseId"], profile["id"], profile, written)


def _most(period: Payload) -> float:
    """Return the most that a period lets a car draw: one that says nothing of it does not limit."""
    limit, setpoint = period.get("limit", math.inf), period.get("setpoint", math.inf)
    return float(min(limit, max(setpoint, 0.0)))
