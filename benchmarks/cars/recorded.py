"""Recorded sessions in the form in which they are learnt from, and in which a program by hand takes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from models.arrays import FloatArray, IntArray
from models.forecasting.features import SiteCalendar
from models.forecasting.kin import Arrival
from models.forecasting.session_memory import Ended, SessionMemory
from models.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Hashable

ZONES: Final[Mapping[str, str]] = {
    "acn": "America/Los_Angeles",
    "norway": "Europe/Oslo",
    "dundee": "Europe/London",
    "perth_kinross": "Europe/London",
    "boulder": "America/Denver",
}
"""Files of sessions, and the time zones of their sites."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """Sessions of one file, in the order in which cars plugged in.

    Parameters
    ----------
    name : str
    arrivals : tuple of Arrival
    ended : tuple of Ended
    """

    name: str
    arrivals: tuple[Arrival, ...]
    ended: tuple[Ended, ...]

    def __len__(self) -> int:
        return len(self.arrivals)

    @property
    def calendar(self) -> SiteCalendar:
        """Calendar of its sites; no holidays."""
        return SiteCalendar(ZONES[self.name])

    @property
    def states(self) -> bool:
        """Whether drivers stated something."""
        return any(arrival.stated_kwh is not None for arrival in self.arrivals)

    @property
    def stay_h(self) -> FloatArray:
        """How long cars stayed [h]."""
        pairs = zip(self.arrivals, self.ended, strict=True)
        return np.array([(end.departure - car.time).total_seconds() / SECONDS_PER_HOUR for car, end in pairs])

    @property
    def energy_kwh(self) -> FloatArray:
        """What they took [kWh]."""
        return np.array([end.energy_kwh for end in self.ended])

    @property
    def hour(self) -> IntArray:
        """Local hour in which they plugged in."""
        zone = ZoneInfo(ZONES[self.name])
        return np.array([car.time.astimezone(zone).hour for car in self.arrivals], dtype=np.int64)

    @property
    def by_departure(self) -> IntArray:
        """Sessions in the order in which they ended."""
        return np.argsort([end.departure.timestamp() for end in self.ended], kind="stable")

    def memory(self) -> SessionMemory:
        """Return an empty memory as such sites would have it."""
        if self.states:
            return SessionMemory.of_drivers_who_state(self.calendar)
        if any(arrival.user is not None for arrival in self.arrivals):
            return SessionMemory.of_known_users(self.calendar)
        return SessionMemory.of_strangers(self.calendar)

    def only(self, n_newest: int) -> "Recorded":
        """Return the newest sessions."""
        return Recorded(self.name, self.arrivals[-n_newest:], self.ended[-n_newest:])


def recorded(folder: Path, name: str) -> Recorded:
    """Read one file of sessions; those without energy or time are left out."""
    import pandas as pd

    frame = pd.read_parquet(folder / f"forecasting/sessions_{name}.parquet")
    frame = frame[(frame["energy_kwh"] > 0) & (frame["departure"] > frame["arrival"])]
    frame = frame.sort_values("arrival", kind="stable", ignore_index=True)
    rows = [_row(row) for row in frame.to_dict("records")]
    return Recorded(name, tuple(row[0] for row in rows), tuple(row[1] for row in rows))


def _row(row: "Mapping[Hashable, Any]") -> tuple[Arrival, Ended]:
    """Return one session as it began and as it ended."""
    time, departure = row["arrival"].to_pydatetime(), row["departure"].to_pydatetime()
    stated_kwh = float(row.get("stated_energy_kwh", np.nan))
    stated = not np.isnan(stated_kwh)
    arrival = Arrival(
        time,
        str(row["site"]),
        f"{row['station']}/{row['connector']}",
        str(row["user"]) if "user" in row else None,
        None,
        (row["stated_departure"] - row["arrival"]).total_seconds() / SECONDS_PER_HOUR if stated else None,
        stated_kwh if stated else None,
    )
    return arrival, Ended(departure, float(row["energy_kwh"]), float(row["avg_charge_kw"]))
