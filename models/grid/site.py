"""A site: a tree of circuit nodes, and the charging stations and EVSEs that hang on it."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np

from models.units import MIN_AC_CURRENT_A, NOMINAL_VOLTAGE_V

N_PHASES = 3


class Phase(IntEnum):
    """A phase of the site's supply; the value is its index in arrays."""

    L1 = 0
    L2 = 1
    L3 = 2


ALL_PHASES = (Phase.L1, Phase.L2, Phase.L3)


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
    """

    evse_id: str
    phases: tuple[Phase, ...] = ALL_PHASES
    min_current_a: float = MIN_AC_CURRENT_A
    max_current_a: float = 32.0
    current_type: CurrentType = CurrentType.AC
    step_a: float = 1.0
    pilots_a: tuple[float, ...] | None = None
    connectors: tuple[Connector, ...] = (Connector(1),)

    @property
    def levels_a(self) -> tuple[float, ...]:
        """Every pilot above 0 that the EVSE can give, ascending [A]."""
        if self.pilots_a is not None:
            return tuple(sorted(a for a in self.pilots_a if self.min_current_a <= a <= self.max_current_a))
        n_steps = int((self.max_current_a - self.min_current_a) / self.step_a + 1e-9)
        levels = self.min_current_a + self.step_a * np.arange(n_steps + 1)
        return tuple(np.round(levels, 6).tolist())


@dataclass(frozen=True, slots=True)
class Station:
    """A charging station: one or more EVSEs behind one connection to a circuit node."""

    station_id: str
    node_id: str
    evses: tuple[Evse, ...]


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
    """

    node_id: str
    parent_id: str | None = None
    limit_kw: float | None = None
    limit_a: tuple[float, float, float] | None = None


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
    """

    site_id: str
    zone: str
    nodes: tuple[CircuitNode, ...]
    stations: tuple[Station, ...] = ()
    voltage_v: float = NOMINAL_VOLTAGE_V

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
