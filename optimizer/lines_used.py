"""How many phases the car uses that is at an EVSE, slot by slot."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

import numpy as np

from models.arrays import BoolArray, FloatArray, IntArray, frozen, read_only
from models.grid.site import N_PHASES
from models.sessions import ChargingSession
from models.state import SiteState
from optimizer.topology import Topology


class UsedLines(NamedTuple):
    """What cars use, (E, T): ``n_lines``, and where it ``is_contested``.

    A slot is contested where one car may still be there and the next one may have come, they use different numbers
    of phases, and a limit on the difference of phases lies above: what is safe with one is not with the other.
    """

    n_lines: IntArray
    is_contested: BoolArray


def used_lines(state: SiteState, topology: Topology) -> UsedLines:
    """Return the phases that cars may use in every slot: the most of them, and all where nobody is known."""
    shape = (topology.n_evses, state.grid.n_slots)
    most, least = np.zeros(shape, dtype=np.int64), np.full(shape, N_PHASES, dtype=np.int64)
    row_of = {evse_id: row for row, evse_id in enumerate(topology.evse_ids)}
    n_phases = topology.on_phase.sum(axis=1)
    first_s, step_s = state.grid.start.timestamp(), state.grid.step_s
    for session, begin, end in _stays(state):
        row = row_of[session.evse_id]
        there = slice(*_slots(begin.timestamp() - first_s, end.timestamp() - first_s, step_s))
        uses = min(session.n_phases or N_PHASES, int(n_phases[row]))
        most[row, there] = np.maximum(most[row, there], uses)
        least[row, there] = np.minimum(least[row, there], uses)
    contested = (least < most) & _is_apart(topology)[:, None]
    return UsedLines(read_only(np.where(most > 0, most, n_phases[:, None])), read_only(contested))


def kw_per_a_of(n_lines: IntArray, topology: Topology) -> FloatArray:
    """Return the power at a pilot of 1 A, shape (E, T) [kW]."""
    return frozen(topology.rows.kw_per_a[n_lines, np.arange(topology.n_evses)[:, None]])


def _stays(state: SiteState) -> Iterator[tuple[ChargingSession, datetime, datetime]]:
    """Yield every session with the time that its car may be there: at most until the next one comes."""
    next_arrival: dict[str, datetime] = {}
    for session in sorted(state.sessions, key=lambda session: session.arrival, reverse=True):
        end = max(session.departure.times)
        end = state.grid.end if end <= state.now else end  # it should have left, and is still there
        yield session, max(session.arrival, state.now), min(end, next_arrival.get(session.evse_id, end))
        next_arrival[session.evse_id] = session.arrival


def _slots(begin_s: float, end_s: float, step_s: int) -> tuple[int, int]:
    """Return the first slot that a span touches, and the one after the last; none of an empty span."""
    if end_s <= begin_s:
        return 0, 0
    return max(int(begin_s // step_s), 0), max(int(-(-end_s // step_s)), 0)


def _is_apart(topology: Topology) -> BoolArray:
    """Return the EVSEs below a limit that more phases in use may relieve, shape (E,)."""
    weight = np.abs(topology.rows.weight)
    return read_only(np.asarray((weight[2:] < weight[1:-1]).any(axis=(0, 2))))
