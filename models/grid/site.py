"""A site: a tree of circuit nodes, and the charging stations and EVSEs that hang on it."""

from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum

import numpy as np

from models.grid.fuse import Fuse
from models.units import MIN_AC_CURRENT_A, NOMINAL_VOLTAGE_V

N_PHASES = 3


class Phase(IntEnum):
    """A phase of the site's supply; the value is its index in arrays."""

    L1 = 0
    L2 = 1
    L3 = 2


ALL_PHASES = (Phase.L1, Phase.L2, Phase.L3)


class Wiring(StrEnum):
    """How an EVSE is connected to the lines of its supply."""

    WYE = "wye"
    """Each of its phases between a line and neutral."""
    DELTA = "delta"
    """Between lines, without neutral: one pair of lines, or all three in balance."""


class CurrentType(StrEnum):
    """What the EVSE gives to the car."""

    AC = "AC"
    DC = "DC"


@dataclass(frozen=True, slots=True)
class Connector:
    """A plug or socket of an EVSE; ``standard`` is the OCPI connector type."""

    connector_id: int
    standard: str = "IEC_62196_T2"


@dataclass(frozen=True, slots=True)
class Evse:
    """One place to charge one vehicle at a time.

    Parameters
    ----------
    evse_id : str
        Unique in the site.
    phases : tuple of Phase
        Site phases behind the EVSE's own L1, L2, L3, in that order: ``(L2, L3, L1)`` is a rotated connection.
        A single-phase car on it loads the first one.
    min_current_a, max_current_a : float
        Least and greatest current per phase on the supply side [A]; 0 is always possible.
    current_type : CurrentType
        AC pilots are 0 or at least 6 A (IEC 61851-1); a DC EVSE is described by its supply-side current.
    step_a : float
        Distance of the pilots between minimum and maximum [A].
    pilots_a : tuple of float or None
        The exact pilots the EVSE can give [A] where they are not equally spaced; 0 need not be listed.
    connectors : tuple of Connector
        At least one; only one is in use at a time.
    wiring : Wiring
        A DELTA EVSE of two phases sits between these two lines: its voltage is the line-to-line one.
    power_factor : float
        Of a charging car, lagging, in (0, 1].
    min_run_s, min_pause_s : float
        Least time that a car charges once it was switched on, and pauses once it was switched off [s].
    max_discharge_a : float
        Greatest current per phase that the EVSE can feed back [A]; 0 where it cannot. It steps as the pilots do.
    """

    evse_id: str
    phases: tuple[Phase, ...] = ALL_PHASES
    min_current_a: float = MIN_AC_CURRENT_A
    max_current_a: float = 32.0
    current_type: CurrentType = CurrentType.AC
    step_a: float = 1.0
    pilots_a: tuple[float, ...] | None = None
    connectors: tuple[Connector, ...] = (Connector(1),)
    wiring: Wiring = Wiring.WYE
    power_factor: float = 1.0
    min_run_s: float = 0.0
    min_pause_s: float = 0.0
    max_discharge_a: float = 0.0

    @property
    def levels_a(self) -> tuple[float, ...]:
        """Every pilot above 0 that the EVSE can give, ascending [A]."""
        if self.pilots_a is not None:
            return tuple(sorted(a for a in self.pilots_a if self.min_current_a <= a <= self.max_current_a))
        n_steps = int((self.max_current_a - self.min_current_a) / self.step_a + 1e-9)
        levels = self.min_current_a + self.step_a * np.arange(n_steps + 1)
        return tuple(np.round(levels, 6).tolist())

    @property
    def back_levels_a(self) -> tuple[float, ...]:
        """Every current above 0 that the EVSE can feed back, ascending [A]: its pilots, up to the greatest of it."""
        return tuple(level for level in self.levels_a if level <= self.max_discharge_a)


@dataclass(frozen=True, slots=True)
class Station:
    """A charging station: one or more EVSEs behind one connection to a circuit node.

    Parameters
    ----------
    station_id, node_id : str
    evses : tuple of Evse
    limit_kw : float or None
        Power that its EVSEs share [kW]: the cabinet of a charger with several ports.
    module_kw : float or None
        Power modules that are switched to one port at a time [kW]: each port occupies whole modules of
        ``limit_kw``.
    offline_a : float
        Current per phase that each EVSE with a car may draw while the station is offline [A]: its safe share.
    """

    station_id: str
    node_id: str
    evses: tuple[Evse, ...]
    limit_kw: float | None = None
    module_kw: float | None = None
    offline_a: float = 0.0


@dataclass(frozen=True, slots=True)
class CircuitNode:
    """A panel, feeder, fuse or transformer of the site; all that hangs below it shares its limits.

    Parameters
    ----------
    node_id, parent_id : str
        ``parent_id`` is None at the root, which is the site's grid connection.
    limit_kw : float or None
        Greatest power [kW].
    limit_a : tuple of 3 floats or None
        Greatest current of L1, L2 and L3 [A].
    limit_kva : float or None
        Greatest apparent power [kVA].
    export_kw : float or None
        Greatest power back towards the grid [kW]; None: as much as the other limits carry.
    unbalance_a : float or None
        Greatest difference between the currents of two phases [A].
    fuse : Fuse or None
        What protects the node: says for how long ``limit_a`` may be exceeded without a trip.
    """

    node_id: str
    parent_id: str | None = None
    limit_kw: float | None = None
    limit_a: tuple[float, float, float] | None = None
    limit_kva: float | None = None
    export_kw: float | None = None
    unbalance_a: float | None = None
    fuse: Fuse | None = None


@dataclass(frozen=True, slots=True)
class LineLimit:
    """A limit on any sum of phasors: ``|sum_e weight_e pilot_e| <= limit_a``.

    For conductors that are no phase of a node: the primary side of a delta-wye transformer, a neutral.

    Parameters
    ----------
    line_id : str
    weights : tuple of (str, complex)
        EVSE, and the phasor that 1 A of its pilot puts on the line.
    limit_a : float
        Greatest magnitude [A].
    """

    line_id: str
    weights: tuple[tuple[str, complex], ...]
    limit_a: float


@dataclass(frozen=True, slots=True)
class Site:
    """A charging site (OCPI Location).

    Parameters
    ----------
    site_id : str
    zone : str
        IANA time zone; used at the edge only, times inside are UTC.
    nodes : tuple of CircuitNode
        A tree; exactly one root.
    stations : tuple of Station
    voltage_v : float
        Nominal line-to-neutral voltage [V].
    lines : tuple of LineLimit
        Conductors that no node describes.
    country, subdivision : str or None
        Region whose public holidays are like Sundays there.
    holidays : tuple of date
        Local dates that are so too.
    """

    site_id: str
    zone: str
    nodes: tuple[CircuitNode, ...]
    stations: tuple[Station, ...] = ()
    voltage_v: float = NOMINAL_VOLTAGE_V
    lines: tuple[LineLimit, ...] = ()
    country: str | None = None
    subdivision: str | None = None
    holidays: tuple[date, ...] = ()

    @property
    def evses(self) -> tuple[Evse, ...]:
        """All EVSEs in the order of their stations; the row order of every (n_evses, ...) array."""
        return tuple(evse for station in self.stations for evse in station.evses)

    @property
    def evse_ids(self) -> tuple[str, ...]:
        """Identities of :attr:`evses`."""
        return tuple(evse.evse_id for evse in self.evses)

    @property
    def root(self) -> CircuitNode:
        """The grid connection point."""
        return next(node for node in self.nodes if node.parent_id is None)

    def station_of(self, evse_id: str) -> Station:
        """Return the station that an EVSE belongs to.

        Raises
        ------
        KeyError
            No such EVSE.
        """
        for station in self.stations:
            if any(evse.evse_id == evse_id for evse in station.evses):
                return station
        raise KeyError(evse_id)

    def path_to_root(self, node_id: str) -> tuple[str, ...]:
        """Return the identities of a node and of all nodes above it, the root last."""
        parent_of = {node.node_id: node.parent_id for node in self.nodes}
        path: list[str] = []
        current: str | None = node_id
        while current is not None:
            path.append(current)
            current = parent_of[current]
        return tuple(path)
