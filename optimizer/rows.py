"""Every limit of a site as a row: a sum of phasors whose magnitude must stay below a number.

A node limits its power, the current of each phase, apparent power or unbalance; a station what its ports
share; a line any sum of pilots. All of them are one law: ``|offset + sum_e weight_e pilot_e| <= limit``. For
power only the real part counts.

Phase currents are phasors in the frame of their own voltage: a wye load at unity power factor is real on
each phase. An EVSE between lines A and B draws the same current from both, which leads the voltage of A by
30 degrees and lags that of B by 30 degrees; its power is ``sqrt(3) V I``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from models.arrays import BoolArray, ComplexArray, FloatArray, IntArray, frozen, read_only
from models.grid.site import N_PHASES, CircuitNode, Evse, Site, Station, Wiring
from models.units import W_PER_KW

POWER = "kW"
APPARENT = "kVA"
PHASE_NAMES = ("L1", "L2", "L3")
UNBALANCES = ((0, 1), (1, 2), (2, 0))
LINE = "A"

ROUNDING = 1e-9
"""Part of a module that is float noise."""

DELTA_LEAD = np.exp(1j * np.pi / 6)
"""Phasor of 1 A between two lines, in the frame of the line that leads."""


class RowName(NamedTuple):
    """What a row limits: ``where`` is a node, station or line, ``quantity`` as in a binding limit."""

    where: str
    quantity: str


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a site; R rows, E EVSEs, at most K rows above an EVSE, N nodes.

    Parameters
    ----------
    names : tuple of RowName
    is_power : (R,) bool
        Whether only the real part counts.
    response : (R, 3) float64
        What 1 A on each phase, in its own frame, puts on the row.
    rated : (R,) float64
        The site's own limit, inf where it has none.
    floor : (R,) float64
        Least real part of a power row, -inf where there is none.
    of_node : tuple of int64 arrays
        Rows of each node and of all nodes above it.
    of_evse : (E, K) int64
        Rows above each EVSE, padded with -1.
    given : (E, K) complex128
        Phasor of 1 A of the pilot where a line says it, else 0.
    factor : (E, K) float64
        Part that is occupied beyond what flows: whole modules of a shared cabinet.
    weight : (4, E, K) complex128
        Phasor that 1 A of the pilot puts on each row above the EVSE, by the number of phases that the car uses; 0
        stands for whichever number puts most on the row.
    kw_per_a : (4, E) float64
        Power at a pilot of 1 A, by the same; 0 for all phases [kW].
    """

    names: tuple[RowName, ...]
    is_power: BoolArray
    response: FloatArray
    rated: FloatArray
    floor: FloatArray
    of_node: tuple[IntArray, ...]
    of_evse: IntArray
    given: ComplexArray
    factor: FloatArray
    weight: ComplexArray
    kw_per_a: FloatArray

    @classmethod
    def of(cls, site: Site) -> "Rows":
        """Return the rows of a valid site."""
        volts = site.voltage_v / W_PER_KW
        built = [row for node in site.nodes for row in _node_rows(node, volts)]
        n_node_rows = len(built)
        built += [_station_row(station, volts) for station in site.stations if station.limit_kw is not None]
        built += [_Row(RowName(line.line_id, LINE), line.limit_a, (0.0,) * N_PHASES) for line in site.lines]
        of_node = _rows_of_nodes(site, [row.name for row in built[:n_node_rows]])
        place = {row.name: number for number, row in enumerate(built)}
        above = _rows_of_evses(site, of_node, place)
        numbers = (N_PHASES, *range(1, N_PHASES + 1))
        phasors = np.array([[evse_phasors(evse, n_lines) for evse in site.evses] for n_lines in numbers])
        phasors = phasors.reshape(len(numbers), -1, N_PHASES)
        rows = cls(
            names=tuple(row.name for row in built),
            is_power=read_only(np.array([row.name.quantity == POWER for row in built], dtype=np.bool_)),
            response=frozen(np.array([row.response for row in built]).reshape(-1, N_PHASES)),
            rated=frozen([row.rated for row in built]),
            floor=frozen([row.floor for row in built]),
            of_node=of_node,
            of_evse=above,
            given=_given(site, above, place),
            factor=_factors(site, above, place),
            weight=read_only(np.zeros((len(numbers), *above.shape), dtype=np.complex128)),
            kw_per_a=frozen(phasors.real.sum(axis=2) * volts),
        )
        weight = np.array([rows.weights(read_only(one)) for one in phasors]).reshape(rows.weight.shape)
        weight = np.where(_is_modular(site, above, place), weight[-1], weight)
        most = np.abs(weight).argmax(axis=0)[None]
        weight[0] = np.take_along_axis(weight, most, axis=0)[0]
        return replace(rows, weight=read_only(weight))

    def place(self, where: str, quantity: str) -> int:
        """Return the number of a row.

        Raises
        ------
        ValueError
            There is no such row.
        """
        return self.names.index(RowName(where, quantity))

    def weights(self, phasors: ComplexArray) -> ComplexArray:
        """Return what 1 A of each pilot puts on the rows above its EVSE, shape (E, K).

        Parameters
        ----------
        phasors : (E, 3) complex128
            Phasor on each site phase of 1 A, on the phases that the car uses.
        """
        response = self.response[self.of_evse]
        weight = self.factor * np.einsum("ekp,ep->ek", response, phasors) + self.given
        weight = np.where(self.is_power[self.of_evse], weight.real, weight)
        return read_only(np.where(self.of_evse >= 0, weight, 0.0))

    def tap(self, node: int, voltage_v: float) -> tuple[IntArray, FloatArray]:
        """Return the rows above a node, and what a balanced kW that is drawn there puts on them."""
        rows = self.of_node[node]
        return rows, frozen(self.response[rows].sum(axis=1) * W_PER_KW / (N_PHASES * voltage_v))


class _Row(NamedTuple):
    """One row while the list is made."""

    name: RowName
    rated: float
    response: tuple[float, ...]
    floor: float = -np.inf


def _node_rows(node: CircuitNode, kw_per_a: float) -> Iterator[_Row]:
    """Power and phase currents of every node, as limits may come and go; the others where they are set."""
    floor = -np.inf if node.export_kw is None else -node.export_kw
    rated_kw = np.inf if node.limit_kw is None else node.limit_kw
    yield _Row(RowName(node.node_id, POWER), rated_kw, (kw_per_a,) * N_PHASES, floor)
    for phase, name in enumerate(PHASE_NAMES):
        rated_a = np.inf if node.limit_a is None else node.limit_a[phase]
        yield _Row(RowName(node.node_id, name), rated_a, _unit(phase))
    if node.limit_kva is not None:
        yield _Row(RowName(node.node_id, APPARENT), node.limit_kva, (kw_per_a,) * N_PHASES)
    if node.unbalance_a is not None:
        for one, other in UNBALANCES:
            name = f"{PHASE_NAMES[one]}-{PHASE_NAMES[other]}"
            difference = tuple(a - b for a, b in zip(_unit(one), _unit(other), strict=True))
            yield _Row(RowName(node.node_id, name), node.unbalance_a, difference)


def _unit(phase: int) -> tuple[float, ...]:
    return tuple(float(other == phase) for other in range(N_PHASES))


def _station_row(station: Station, kw_per_a: float) -> _Row:
    rated_kw = np.inf if station.limit_kw is None else station.limit_kw
    if station.module_kw is not None and station.limit_kw is not None:
        rated_kw = np.floor(station.limit_kw / station.module_kw + ROUNDING) * station.module_kw
    return _Row(station_row(station.station_id), rated_kw, (kw_per_a,) * N_PHASES)


def station_row(station_id: str) -> RowName:
    """Return the name of the row that the EVSEs of a station share."""
    return RowName(f"station {station_id}", POWER)


def _rows_of_nodes(site: Site, names: list[RowName]) -> tuple[IntArray, ...]:
    own: dict[str, list[int]] = {}
    for number, name in enumerate(names):
        own.setdefault(name.where, []).append(number)
    return tuple(
        read_only(
            np.array([row for above in site.path_to_root(node.node_id) for row in own[above]], dtype=np.int64)
        )
        for node in site.nodes
    )


def _rows_of_evses(site: Site, of_node: tuple[IntArray, ...], place: dict[RowName, int]) -> IntArray:
    node_row = {node.node_id: row for row, node in enumerate(site.nodes)}
    on_line: dict[str, list[int]] = {}
    for line in site.lines:
        for evse_id, _ in line.weights:
            on_line.setdefault(evse_id, []).append(place[RowName(line.line_id, LINE)])
    above = []
    for station in site.stations:
        shared = [place[station_row(station.station_id)]] if station.limit_kw is not None else []
        path = of_node[node_row[station.node_id]].tolist()
        above += [[*path, *shared, *on_line.get(evse.evse_id, [])] for evse in station.evses]
    out = np.full((len(above), max((len(rows) for rows in above), default=1)), -1, dtype=np.int64)
    for evse, rows in enumerate(above):
        out[evse, : len(rows)] = rows
    return read_only(out)


def _given(site: Site, above: IntArray, place: dict[RowName, int]) -> ComplexArray:
    out = np.zeros(above.shape, dtype=np.complex128)
    row_of = {evse_id: row for row, evse_id in enumerate(site.evse_ids)}
    for line in site.lines:
        for evse_id, weight in line.weights:
            evse = row_of[evse_id]
            out[evse, above[evse] == place[RowName(line.line_id, LINE)]] += weight
    return read_only(out)


def _factors(site: Site, above: IntArray, place: dict[RowName, int]) -> FloatArray:
    """Return 1, and more where ports with coarse pilots occupy modules that these do not quite fill.

    Pilots fill their modules but for less than a step. As long as the steps of all ports together are less than
    a module, power within the cabinet's whole modules means modules within it.
    """
    out = np.ones(above.shape)
    evse_row = 0
    for station in site.stations:
        for evse in station.evses:
            if station.limit_kw is not None and station.module_kw is not None:
                levels_kw = np.array(station_levels_a(station, evse, site.voltage_v)) * kw_per_a(evse, site)
                occupied_kw = np.ceil(levels_kw / station.module_kw - ROUNDING) * station.module_kw
                if len(station.evses) * float((occupied_kw - levels_kw).max()) >= station.module_kw:
                    shared = above[evse_row] == place[station_row(station.station_id)]
                    out[evse_row, shared] = float((occupied_kw / levels_kw).max())
            evse_row += 1
    return frozen(out)


def _is_modular(site: Site, above: IntArray, place: dict[RowName, int]) -> BoolArray:
    """Return where a row counts modules, shape (E, K): a port occupies them whatever phases its car uses."""
    modular = [
        place[station_row(one.station_id)]
        for one in site.stations
        if one.module_kw and one.limit_kw is not None
    ]
    return read_only(np.isin(above, modular))


def kw_per_a(evse: Evse, site: Site) -> float:
    """Power of an EVSE at 1 A on all its phases [kW]."""
    return float(evse_phasors(evse).real.sum()) * site.voltage_v / W_PER_KW


def station_levels_a(station: Station, evse: Evse, voltage_v: float) -> tuple[float, ...]:
    """Return the pilots above 0 of an EVSE [A]; with modules the greatest ones within 1, 2, ... modules."""
    if station.module_kw is None:
        return evse.levels_a
    per_a = float(evse_phasors(evse).real.sum()) * voltage_v / W_PER_KW
    modules = np.ceil(np.array(evse.levels_a) * per_a / station.module_kw - ROUNDING)
    is_last = np.append(modules[1:] != modules[:-1], True)
    most = np.inf if station.limit_kw is None else max(station.limit_kw / station.module_kw + ROUNDING, 1.0)
    kept = is_last & (modules <= most)
    if not kept.any():  # a single module is more than there is: its greatest pilot stays, and is never given
        kept = is_last & (modules == modules[0])
    return tuple(level for level, stays in zip(evse.levels_a, kept.tolist(), strict=True) if stays)


def evse_phasors(evse: Evse, n_used: int | None = None) -> ComplexArray:
    """Return the phasor on each site phase of 1 A on the phases that a car uses, shape (3,).

    Parameters
    ----------
    evse : Evse
    n_used : int or None
        Phases that the car uses, in the order of the EVSE's own; a pair of lines is always used whole.
    """
    lag = np.exp(-1j * np.arccos(evse.power_factor))
    out = np.zeros(N_PHASES, dtype=np.complex128)
    if evse.wiring is Wiring.DELTA and len(evse.phases) < N_PHASES:
        first, second = (int(phase) for phase in evse.phases)
        leads = first if (first + 1) % N_PHASES == second else second
        follows = second if leads == first else first
        out[leads], out[follows] = DELTA_LEAD * lag, np.conj(DELTA_LEAD) * lag
    else:
        used = evse.phases[: n_used or N_PHASES]
        out[[int(phase) for phase in used]] = lag
    return out
