"""Time as the engine sees it: half-open slots of equal length, aware UTC, numbered since the epoch."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from models.arrays import FloatArray, IntArray, frozen
from models.units import SECONDS_PER_HOUR

_HOUR_S = 3600


def aware_utc(moment: datetime) -> datetime:
    """Return ``moment`` in UTC.

    Raises
    ------
    ValueError
        The moment has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    return moment.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class TimeGrid:
    """A horizon of ``n_slots`` slots of ``step_s`` seconds, the first starting at ``start``.

    Every slot has an absolute number, the step (seconds since the epoch over ``step_s``), that does not
    change when the horizon moves; a ring of ``n_slots`` places keeps step ``s`` in place ``s mod n_slots``.

    Parameters
    ----------
    start : datetime
        Start of the first slot; aware, and a multiple of ``step_s`` since the epoch.
    step_s : int
        Length of a slot [s]; divides an hour, so that local midnights are slot borders in every zone
        whose offset is a multiple of the step.
    n_slots : int
        Number of slots, at least 1.

    Raises
    ------
    ValueError
        One of these does not hold.
    """

    start: datetime
    step_s: int
    n_slots: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", aware_utc(self.start))
        if self.step_s <= 0 or _HOUR_S % self.step_s:
            raise ValueError(f"a step of {self.step_s} s does not divide an hour")
        if self.n_slots < 1:
            raise ValueError(f"a horizon of {self.n_slots} slots is empty")
        if self.start.timestamp() % self.step_s:
            raise ValueError(f"{self.start.isoformat()} is not a multiple of {self.step_s} s")

    @classmethod
    def around(cls, now: datetime, step_s: int, n_slots: int) -> "TimeGrid":
        """Return the horizon whose first slot contains ``now``."""
        second = int(aware_utc(now).timestamp() // step_s) * step_s
        return cls(datetime.fromtimestamp(second, UTC), step_s, n_slots)

    @classmethod
    def local_day(cls, day: date, zone: str, step_s: int) -> "TimeGrid":
        """Return the slots of one local day: 23, 24 or 25 hours where the clock changes.

        Raises
        ------
        ValueError
            The day does not begin and end with a slot, or the zone skipped it.
        """
        midnight = datetime.combine(day, time(), ZoneInfo(zone))
        next_midnight = datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone))
        seconds = int(next_midnight.timestamp() - midnight.timestamp())
        if seconds % step_s:
            raise ValueError(f"{day} in {zone} lasts {seconds} s, no multiple of {step_s} s")
        return cls(midnight, step_s, seconds // step_s)

    @property
    def step_h(self) -> float:
        """Length of a slot [h]."""
        return self.step_s / SECONDS_PER_HOUR

    @property
    def end(self) -> datetime:
        """End of the last slot, which is not part of the horizon."""
        return self.start + timedelta(seconds=self.step_s * self.n_slots)

    @property
    def first_step(self) -> int:
        """Absolute number of the first slot."""
        return int(self.start.timestamp()) // self.step_s

    @property
    def steps(self) -> IntArray:
        """Absolute numbers of all slots, shape (n_slots,)."""
        return np.arange(self.first_step, self.first_step + self.n_slots, dtype=np.int64)

    @property
    def ring(self) -> IntArray:
        """Place of every slot in a ring of ``n_slots`` places, shape (n_slots,)."""
        return self.steps % self.n_slots

    def slot_start(self, slot: int) -> datetime:
        """Return the start of a slot; ``slot == n_slots`` gives the end of the horizon."""
        return self.start + timedelta(seconds=self.step_s * slot)

    def starts(self) -> tuple[datetime, ...]:
        """Return the start of every slot."""
        return tuple(self.slot_start(slot) for slot in range(self.n_slots))

    def local_starts(self, zone: str) -> tuple[datetime, ...]:
        """Return the start of every slot in a site's own time zone."""
        local = ZoneInfo(zone)
        return tuple(start.astimezone(local) for start in self.starts())

    def slot_at(self, moment: datetime) -> int:
        """Return the number of the slot that contains ``moment``; below 0 or from ``n_slots`` on it lies outside."""
        return int((aware_utc(moment) - self.start).total_seconds() // self.step_s)

    def overlap_h(self, begin: datetime, end: datetime) -> FloatArray:
        """Return how long [h] each slot lies inside ``[begin, end)``, shape (n_slots,)."""
        first = (aware_utc(begin) - self.start).total_seconds()
        last = (aware_utc(end) - self.start).total_seconds()
        edges = np.arange(self.n_slots + 1, dtype=np.float64) * self.step_s
        inside = np.minimum(edges[1:], last) - np.maximum(edges[:-1], first)
        return frozen(np.maximum(inside, 0.0) / SECONDS_PER_HOUR)

    def moved_to(self, now: datetime) -> "TimeGrid":
        """Return the horizon of the same length whose first slot contains ``now``."""
        return TimeGrid.around(now, self.step_s, self.n_slots)
