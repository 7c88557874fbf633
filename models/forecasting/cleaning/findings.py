"""The faults that samples have, and the record of those that were found."""

from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Final

import numpy as np

from models.arrays import FloatArray, IntArray, frozen, read_only


class Fault(IntEnum):
    """One kind of fault; the value is a code in arrays."""

    NONE = 0
    GAP = 1
    DUPLICATE = 2
    CONFLICT = 3
    LATE = 4
    TOO_LATE = 5
    AHEAD = 6
    CLOCK = 7
    SWAPPED_DATE = 8
    OUT_OF_BOUNDS = 9
    SPIKE = 10
    FLATLINE = 11
    OFFLINE = 12
    CURTAILED = 13
    REGISTER_RESET = 14
    REGISTER_ROLLOVER = 15
    CLOCK_SHIFT = 16

    @property
    def label(self) -> str:
        """Name as it is shown."""
        return self.name.lower().replace("_", " ")

    @property
    def answer(self) -> str:
        """What is done about it, in words."""
        return _ANSWERS[self]


_ANSWERS: Final = MappingProxyType(
    {
        Fault.NONE: "",
        Fault.GAP: "no value: left as a gap",
        Fault.DUPLICATE: "came twice with the same value: counted once",
        Fault.CONFLICT: "came twice with two values: the later one holds",
        Fault.LATE: "came after newer ones: put where it belongs",
        Fault.TOO_LATE: "came long after newer ones: set aside",
        Fault.AHEAD: "lies in the future: set aside",
        Fault.CLOCK: "stamped just beside its slot: put into it",
        Fault.SWAPPED_DATE: "day and month swapped: swapped back",
        Fault.OUT_OF_BOUNDS: "infinite or physically impossible: set aside",
        Fault.SPIKE: "a jump up or down for one sample only: set aside",
        Fault.FLATLINE: "stuck at one value: set aside",
        Fault.OFFLINE: "the charger was offline, which is not idle: a gap",
        Fault.CURTAILED: "held down by a limit: marked, not learnt from",
        Fault.REGISTER_RESET: "the energy register fell: set aside",
        Fault.REGISTER_ROLLOVER: "the energy register rolled over: counted on",
        Fault.CLOCK_SHIFT: "the daily shape has moved: the clock may be wrong; told only",
    }
)


@dataclass(frozen=True, slots=True)
class Span:
    """Faults of one kind in slots that follow each other.

    Parameters
    ----------
    fault : Fault
    row : int
        Number of the series.
    first_s, end_s : int
        Start of the first slot and end of the last one since the epoch [s].
    n_slots : int
    """

    fault: Fault
    row: int
    first_s: int
    end_s: int
    n_slots: int


@dataclass(frozen=True, slots=True)
class Findings:
    """Faults in the order in which they were found, each array of shape (n_findings,).

    Parameters
    ----------
    step_s : int
        Length of a slot [s].
    fault : int64
        :class:`Fault`.
    row : int64
        Number of the series.
    step : int64
        Absolute number of the first slot.
    n_slots : int64
        Slots from there on.
    given : float64
        Value as it came, of the first slot; NaN where there was none.
    """

    step_s: int
    fault: IntArray
    row: IntArray
    step: IntArray
    n_slots: IntArray
    given: FloatArray

    @classmethod
    def none(cls, step_s: int) -> "Findings":
        """Return the findings of clean samples."""
        nothing = read_only(np.zeros(0, dtype=np.int64))
        return cls(step_s, nothing, nothing, nothing, nothing, frozen([]))

    def and_then(self, later: "Findings") -> "Findings":
        """Return these findings and later ones."""
        joined = (
            read_only(np.concatenate((getattr(self, name), getattr(later, name))))
            for name in ("fault", "row", "step", "n_slots", "given")
        )
        return Findings(self.step_s, *joined)

    def counts(self, n_series: int) -> IntArray:
        """Return how many slots have each fault, shape (n_series, n_faults)."""
        counts = np.zeros((n_series, len(Fault)), dtype=np.int64)
        np.add.at(counts, (self.row, self.fault), self.n_slots)
        return counts

    def spans(self) -> tuple[Span, ...]:
        """Return where the faults are: by series, kind and time, neighbours joined."""
        order = np.lexsort((self.step, self.fault, self.row))
        spans: list[Span] = []
        for i in order:
            fault, row = Fault(int(self.fault[i])), int(self.row[i])
            first_s = int(self.step[i]) * self.step_s
            end_s = first_s + int(self.n_slots[i]) * self.step_s
            last = spans[-1] if spans else None
            if last and (last.fault, last.row) == (fault, row) and first_s <= last.end_s:
                n_slots = last.n_slots + int(self.n_slots[i])
                spans[-1] = Span(fault, row, last.first_s, max(end_s, last.end_s), n_slots)
            else:
                spans.append(Span(fault, row, first_s, end_s, int(self.n_slots[i])))
        return tuple(spans)
