"""Limits that come suddenly: a grid company or an operator lowers what a node may draw, for a while."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from models.arrays import FloatArray, frozen
from models.grid.limits import NodeLimit
from models.timegrid import TimeGrid


@dataclass(frozen=True, slots=True)
class Signal:
    """A limit on a node that nobody knows of before it begins; then its end is known.

    Parameters
    ----------
    node_id, source : str
    begin, end : datetime
        Half-open.
    limit_kw : float or None
    limit_a : tuple of 3 floats or None
        Of L1, L2 and L3 [A].
    """

    node_id: str
    source: str
    begin: datetime
    end: datetime
    limit_kw: float | None = None
    limit_a: tuple[float, float, float] | None = None

    @property
    def begin_s(self) -> float:
        """Begin in seconds since the Unix epoch."""
        return self.begin.timestamp()

    @property
    def end_s(self) -> float:
        """End in seconds since the Unix epoch."""
        return self.end.timestamp()

    @property
    def limits(self) -> FloatArray:
        """Power and current of each phase, shape (4,); inf where it sets none."""
        limit_kw = np.inf if self.limit_kw is None else self.limit_kw
        return frozen([limit_kw, *(self.limit_a or (np.inf, np.inf, np.inf))])

    def on(self, grid: TimeGrid) -> NodeLimit:
        """Return the limit on a grid: of every slot that it touches."""
        touched = grid.overlap_h(self.begin, self.end) > 0.0
        limit_kw = None if self.limit_kw is None else frozen(np.where(touched, self.limit_kw, np.inf))
        limit_a = None
        if self.limit_a is not None:
            limit_a = frozen(np.where(touched[None, :], np.array(self.limit_a)[:, None], np.inf))
        return NodeLimit(self.node_id, self.source, limit_kw, limit_a)


def signals_at(signals: tuple[Signal, ...], now_s: float) -> tuple[Signal, ...]:
    """Return the signals that hold at a moment."""
    return tuple(signal for signal in signals if signal.begin_s <= now_s < signal.end_s)
