"""What the fast clock decides: pilots for now, and what about them must be said."""

from dataclasses import dataclass

from models.arrays import FloatArray
from models.state import StationCondition


@dataclass(frozen=True, slots=True)
class Change:
    """A pilot that must be told: from ``before_a`` to ``after_a`` [A]."""

    evse_id: str
    before_a: float
    after_a: float


@dataclass(frozen=True, slots=True)
class FastDecision:
    """Pilots from now on; every limit holds on them, and on any mix of them and what may still be drawn.

    Parameters
    ----------
    pilot_a : (E,) float64
        What every EVSE is told [A].
    changes : tuple of Change
        What is new, in the order in which it is sent: whoever goes down first.
    conditions : tuple of StationCondition
        Stations that count as load: offline, or seen not to follow.
    restarted : tuple of str
        EVSEs that were just paused because their car does not start; they are tried once more.
    asleep : tuple of str
        EVSEs whose car did not start after that either, or is full.
    forced : tuple of str
        EVSEs that a limit paused before their least run was over.
    """

    pilot_a: FloatArray
    changes: tuple[Change, ...]
    conditions: tuple[StationCondition, ...]
    restarted: tuple[str, ...]
    asleep: tuple[str, ...]
    forced: tuple[str, ...]
