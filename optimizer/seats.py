"""Seats: the sessions of a horizon, each at its EVSE and in its turn there."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from models.arrays import FloatArray, IntArray, frozen
from models.sessions import ChargingSession
from models.state import SiteState
from models.timegrid import TimeGrid
from models.units import SECONDS_PER_HOUR
from optimizer.options import PlanOptions
from optimizer.row_limits import disobedient
from optimizer.topology import Topology


@dataclass(frozen=True, slots=True)
class Seats:
    """Sessions that matter in the horizon, each with its EVSE's row and its place in the queue there.

    ``begins`` and ``leaves`` are between when each can charge, ``connected_h`` (n_sessions, T) is the same by slot.
    """

    sessions: tuple[ChargingSession, ...]
    row: IntArray
    seat: IntArray
    shape: tuple[int, int]
    begins: tuple[datetime, ...]
    leaves: tuple[datetime, ...]
    connected_h: FloatArray

    @classmethod
    def of(cls, state: SiteState, topology: Topology, options: PlanOptions) -> "Seats":
        """Seat the sessions of a valid state that can charge within its horizon, at stations that obey."""
        row_of = {evse_id: row for row, evse_id in enumerate(topology.evse_ids)}
        deaf = {topology.evse_ids[row] for row in np.nonzero(~np.isnan(disobedient(state, topology)))[0]}
        spans = [span for span in _spans(state, options) if span[0].evse_id not in deaf]
        used = [span for span in spans if span[2] > span[1] and span[1] < state.grid.end]
        taken = np.zeros(topology.n_evses, dtype=np.int64)
        rows, seats = [], []
        for session, _, _ in used:
            row = row_of[session.evse_id]
            rows.append(row)
            seats.append(int(taken[row]))
            taken[row] += 1
        n_seats = max(int(taken.max(initial=0)), 1)
        begins, leaves = [span[1] for span in used], [span[2] for span in used]
        return cls(
            sessions=tuple(span[0] for span in used),
            row=np.array(rows, dtype=np.int64),
            seat=np.array(seats, dtype=np.int64),
            shape=(topology.n_evses, n_seats),
            begins=tuple(begins),
            leaves=tuple(leaves),
            connected_h=overlap_h(state.grid, begins, leaves),
        )

    def spread(self, values: FloatArray, empty: float = 0.0) -> FloatArray:
        """Return a value per session as an array by EVSE and seat."""
        out = np.full(self.shape + values.shape[1:], empty)
        out[self.row, self.seat] = values
        return frozen(out)

    def arrival_h(self) -> FloatArray:
        """Return when the first session of every EVSE arrives, shape (E,) [h since the Unix epoch]."""
        out = np.zeros(self.shape[0])
        for session, row, seat in zip(self.sessions, self.row, self.seat, strict=True):
            if seat == 0:
                out[row] = session.arrival.timestamp() / SECONDS_PER_HOUR
        return frozen(out)

    def ids(self) -> tuple[tuple[str | None, ...], ...]:
        """Return the session of every EVSE and seat."""
        table: list[list[str | None]] = [[None] * self.shape[1] for _ in range(self.shape[0])]
        for session, row, seat in zip(self.sessions, self.row, self.seat, strict=True):
            table[row][seat] = session.session_id
        return tuple(tuple(line) for line in table)


def _spans(state: SiteState, options: PlanOptions) -> list[tuple[ChargingSession, datetime, datetime]]:
    """Return every session with the time that it can charge in, in the order of arrival.

    Who leaves late by the planned quantile still leaves before the next car arrives: one power cannot
    count for two.
    """
    spans = []
    next_arrival: dict[str, datetime] = {}
    for session in sorted(state.sessions, key=lambda session: session.arrival, reverse=True):
        begins = max(session.arrival, state.now)
        leaves = ready_by(session, begins, state, options.departure_quantile, options)
        leaves = min(leaves, next_arrival.get(session.evse_id, leaves))
        next_arrival[session.evse_id] = session.arrival
        spans.append((session, begins, leaves))
    return spans[::-1]


def ready_by(
    session: ChargingSession, begins: datetime, state: SiteState, level: float, options: PlanOptions
) -> datetime:
    """Return when the car must be ready at a quantile of its departure.

    A car that should have left may leave at any moment: it is planned to stay for the length of one slot, and
    the next plan, if it is still there, does the same.
    """
    times = session.departure.times
    if max(times) <= state.now:
        return state.now + timedelta(seconds=state.grid.step_s)
    leaves = times[0] if len(times) == 1 else session.departure.quantile_after(level, state.now)
    return _ready(begins, leaves, options)


def _ready(begins: datetime, leaves: datetime, options: PlanOptions) -> datetime:
    """Return when the energy must be in the car: before the departure, or halfway to it where that is later."""
    if options.ready_before_h <= 0.0:
        return leaves
    return max(leaves - timedelta(hours=options.ready_before_h), begins + (leaves - begins) / 2)


def overlap_h(grid: TimeGrid, begins: list[datetime], ends: list[datetime]) -> FloatArray:
    """Return :meth:`TimeGrid.overlap_h` of many spans at once, shape (n_spans, T) [h]."""
    origin = grid.start.timestamp()
    begin = np.array([moment.timestamp() for moment in begins]) - origin
    end = np.array([moment.timestamp() for moment in ends]) - origin
    edges = np.arange(grid.n_slots + 1, dtype=np.float64) * grid.step_s
    inside = np.minimum(edges[1:], end[:, None]) - np.maximum(edges[:-1], begin[:, None])
    return frozen(np.maximum(inside, 0.0) / SECONDS_PER_HOUR)
