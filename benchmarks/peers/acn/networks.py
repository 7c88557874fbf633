"""ACN-Sim's networks, and each of them as a site of ours, limit by limit."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.acn.options import NetworkName, Pilots
from benchmarks.peers.acn.portal import Foreign, portal, quiet
from models.arrays import FloatArray, frozen
from models.grid.site import CircuitNode, Connector, CurrentType, Evse, LineLimit, Phase, Site, Station
from models.units import MIN_AC_CURRENT_A, W_PER_KW

ComplexArray: TypeAlias = NDArray[np.complex128]

ZONE: Final = "America/Los_Angeles"
VOLTAGE_V: Final = 208.0
"""Between two lines; every EVSE of both networks sits between two."""

IDEAL_STEP_A: Final = 0.1
"""Pilots that stand for any current; the greatest loss by them is 0.1 / 6 of the least AC pilot."""


def rated_kw(name: NetworkName) -> tuple[float, ...]:
    """Return the ratings of a network's transformers as acnportal has them [kW]."""
    return (150.0,) if name is NetworkName.CALTECH else (45.0, 150.0)


@dataclass(frozen=True)
class Network:
    """A network behind a cap.

    Parameters
    ----------
    name : NetworkName
    cap_share : float
        Part of every transformer's rating that may be used, above 0; cables and panels stay as they are.
    pilots : Pilots
    """

    name: NetworkName
    cap_share: float
    pilots: Pilots

    @property
    def cap_kw(self) -> float:
        """Power that the transformers may carry together [kW]."""
        return self.cap_share * sum(rated_kw(self.name))

    def build(self) -> Foreign:
        """Return a fresh network of ACN-Sim.

        Asked for an empty series, newer versions of pandas give one of Python objects, and with it such a matrix,
        on which acnportal's own algorithms fail: it is made floats.
        """
        sites, basic = portal().sites, self.pilots is Pilots.IDEAL
        capped_kw = [self.cap_share * rating_kw for rating_kw in rated_kw(self.name)]
        with quiet():
            if self.name is NetworkName.CALTECH:
                made = sites.caltech_acn(basic, VOLTAGE_V, capped_kw[0])
            else:
                made = sites.jpl_acn(basic, VOLTAGE_V, capped_kw[0], capped_kw[1])
        made.constraint_matrix = made.constraint_matrix.astype(np.float64)
        return made

    @cached_property
    def wires(self) -> "Wires":
        """What the network's limits and EVSEs are, as arrays."""
        return Wires.of(self.build())

    @cached_property
    def site(self) -> Site:
        """The network as a site of ours: every limit is a limit on a sum of phasors, as it is there."""
        return self.wires.site(self.name)


@dataclass(frozen=True, slots=True)
class Wires:
    """A network of ACN-Sim as arrays; E EVSEs, C limits.

    Parameters
    ----------
    station_ids, limit_ids : tuple of str
    phasors : (C, E) complex128
        What 1 A at an EVSE puts on a limited conductor.
    limit_a : (C,) float64
        Greatest magnitude on it [A].
    levels_a : tuple of tuple of float
        Pilots above 0 of each EVSE [A].
    """

    station_ids: tuple[str, ...]
    limit_ids: tuple[str, ...]
    phasors: ComplexArray
    limit_a: FloatArray
    levels_a: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, network: Foreign) -> "Wires":
        """Return the arrays of a network: its matrix, turned by the angle of each EVSE."""
        turned = np.exp(1j * np.deg2rad(network._phase_angles))  # noqa: SLF001 - it has no public name
        phasors = network.constraint_matrix * turned
        phasors.setflags(write=False)
        steps_a = tuple(np.round(np.arange(IDEAL_STEP_A, 32.0 + 1e-9, IDEAL_STEP_A), 6).tolist())
        levels_a = tuple(
            steps_a if continuous else tuple(float(a) for a in rates if a > 0)
            for rates, continuous in zip(network.allowable_rates, network.is_continuous, strict=True)
        )
        return cls(
            tuple(network.station_ids),
            tuple(network.constraint_index),
            phasors,
            frozen(network.magnitudes),
            levels_a,
        )

    @property
    def kw_per_a(self) -> float:
        """Power of 1 A at any EVSE [kW]."""
        return VOLTAGE_V / W_PER_KW

    def magnitude_a(self, current_a: FloatArray) -> FloatArray:
        """Return what each limited conductor carries, exactly: (C, T) [A] for currents (E, T) [A]."""
        return frozen(np.abs(self.phasors @ current_a))

    def excess_a(self, current_a: FloatArray) -> FloatArray:
        """Return by how much each limit is exceeded, never negative: (C, T) [A] for currents (E, T) [A]."""
        return frozen(np.maximum(self.magnitude_a(current_a) - self.limit_a[:, None], 0.0))

    def site(self, name: str) -> Site:
        """Return the site: one phase of 208 V stands for whichever two lines an EVSE sits between."""
        lines = tuple(
            LineLimit(
                limit_id,
                tuple(
                    (station_id, complex(phasor))
                    for station_id, phasor in zip(self.station_ids, row, strict=True)
                    if abs(phasor) > 0
                ),
                float(limit_a),
            )
            for limit_id, row, limit_a in zip(self.limit_ids, self.phasors, self.limit_a, strict=True)
        )
        stations = tuple(
            Station(station_id, "grid", (_evse(station_id, levels_a),))
            for station_id, levels_a in zip(self.station_ids, self.levels_a, strict=True)
        )
        return Site(name, ZONE, (CircuitNode("grid"),), stations, VOLTAGE_V, lines)


def _evse(station_id: str, levels_a: tuple[float, ...]) -> Evse:
    """Return an EVSE; one of any current is called DC, because an AC pilot below 6 A does not exist."""
    return Evse(
        station_id,
        (Phase.L1,),
        min_current_a=levels_a[0],
        max_current_a=levels_a[-1],
        current_type=CurrentType.DC if levels_a[0] < MIN_AC_CURRENT_A else CurrentType.AC,
        pilots_a=levels_a,
        connectors=(Connector(1, "IEC_62196_T1"),),
    )
