"""The simulated world that controllers are measured in: cars obey pilots as cars do, meters show what was drawn.

EVSE by EVSE and node by node. Time advances in spans of any length.
"""

from dataclasses import dataclass

import numpy as np

from models.arrays import BoolArray, FloatArray, IntArray, frozen
from models.errors import GridMismatchError
from models.grid.site import N_PHASES, CircuitNode, Evse, Site, Station
from models.simulation.cars import FULL_KWH, STEP_S, Car, Motion, Physics, advance_kernel, physics_of
from models.units import NOMINAL_VOLTAGE_V, SECONDS_PER_HOUR


@dataclass(frozen=True, slots=True)
class Metered:
    """What the meters show for one span of time; E EVSEs, N nodes.

    Parameters
    ----------
    seconds : float
        Length of the span [s].
    current_a : (E, 3) float64
        Mean current on each site phase [A].
    power_kw : (E,) float64
        Mean power [kW].
    energy_kwh : (E,) float64
        Energy [kWh]: exactly ``power_kw`` times the span.
    node_kw, node_a : (N,) and (N, 3) float64
        The same sums at every circuit node, EVSEs only.
    """

    seconds: float
    current_a: FloatArray
    power_kw: FloatArray
    energy_kwh: FloatArray
    node_kw: FloatArray
    node_a: FloatArray


class SimulatedSite:
    """A site with cars that obey pilots; its meters are what :meth:`advance` returns.

    Parameters
    ----------
    site : Site
        A valid site; rows of all arrays are ``site.evses`` and ``site.nodes``.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self._evses = site.evses
        self._row = {evse_id: row for row, evse_id in enumerate(site.evse_ids)}
        self._below = _below(site)
        n_evses = len(self._evses)
        self._plugged: BoolArray = np.zeros(n_evses, dtype=np.bool_)
        self._on_phase = np.zeros((n_evses, N_PHASES))
        self._n_used = np.zeros(n_evses, dtype=np.int64)
        self._delivered_kwh = np.zeros(n_evses)
        self._physics = Physics(*(np.zeros(n_evses) for _ in Physics._fields))
        self._motion = Motion(*(np.zeros(n_evses) for _ in Motion._fields))

    def plug(self, evse_id: str, car: Car) -> None:
        """Plug a car in.

        Raises
        ------
        KeyError
            No such EVSE.
        ValueError
            The EVSE is occupied, or the need is negative or not finite.
        """
        row = self._row[evse_id]
        if self._plugged[row]:
            raise ValueError(f"{evse_id} is occupied")
        if not 0.0 <= car.need_kwh < np.inf:
            raise ValueError(f"a car cannot need {car.need_kwh} kWh")
        evse = self._evses[row]
        self._plugged[row] = True
        self._delivered_kwh[row] = 0.0
        self._on_phase[row] = 0.0
        self._on_phase[row, list(evse.phases[: car.n_phases])] = 1.0
        self._n_used[row] = min(car.n_phases, len(evse.phases))
        for values, value in zip(self._physics, physics_of(evse, car, self.site.voltage_v), strict=True):
            values[row] = value
        for moving in self._motion:
            moving[row] = 0.0
        self._motion.left_kwh[row] = car.need_kwh
        self._motion.wait_s[row] = car.start_delay_s

    def unplug(self, evse_id: str) -> float:
        """Unplug the car; returns what it was given [kWh].

        Raises
        ------
        KeyError
            No such EVSE.
        ValueError
            No car is plugged in there.
        """
        row = self._row[evse_id]
        if not self._plugged[row]:
            raise ValueError(f"no car is plugged in at {evse_id}")
        self._plugged[row] = False
        for values in self._motion:
            values[row] = 0.0
        return float(self._delivered_kwh[row])

    def advance(self, pilot_a: FloatArray, seconds: float) -> Metered:
        """Let time pass under these pilots, shape (E,) [A], and read the meters.

        Raises
        ------
        GridMismatchError
            There is not one pilot for each EVSE.
        ValueError
            Time does not go forward, or a pilot is not a number.
        """
        pilots = np.array(pilot_a, dtype=np.float64)
        if pilots.shape != self._plugged.shape:
            raise GridMismatchError(f"{pilots.size} pilots for {self._plugged.size} EVSEs")
        if not seconds > 0.0 or np.isnan(pilots).any():
            raise ValueError("time must go forward and every pilot must be a number")
        pilots[~self._plugged] = 0.0
        energy_kwh = advance_kernel(pilots, self._physics, self._motion, float(seconds), STEP_S)
        self._delivered_kwh += energy_kwh
        return self._metered(energy_kwh, float(seconds))

    @property
    def plugged(self) -> BoolArray:
        """Whether a car is plugged in, shape (E,)."""
        return self._plugged.copy()

    @property
    def delivered_kwh(self) -> FloatArray:
        """Energy given to the present or last car of each EVSE, shape (E,) [kWh]."""
        return frozen(self._delivered_kwh)

    @property
    def current_a(self) -> FloatArray:
        """Present current per used phase, shape (E,) [A]."""
        return frozen(self._motion.current_a)

    @property
    def lines_a(self) -> FloatArray:
        """Present current on the EVSE's own L1, L2 and L3, shape (E, 3) [A]."""
        is_used = np.arange(N_PHASES) < self._n_used[:, None]
        return frozen(is_used * self._motion.current_a[:, None])

    @property
    def power_kw(self) -> FloatArray:
        """Present power, shape (E,) [kW]."""
        return frozen(self._motion.current_a * self._physics.kw_per_a)

    @property
    def full(self) -> BoolArray:
        """Whether a car is plugged in and has all it needs, shape (E,)."""
        return self._plugged & (self._motion.left_kwh < FULL_KWH)

    def _metered(self, energy_kwh: FloatArray, seconds: float) -> Metered:
        power_kw = energy_kwh * (SECONDS_PER_HOUR / seconds)
        per_phase_a = np.divide(
            power_kw, self._physics.kw_per_a, out=np.zeros_like(power_kw), where=self._plugged
        )
        current_a = self._on_phase * per_phase_a[:, None]
        return Metered(
            seconds=seconds,
            current_a=frozen(current_a),
            power_kw=frozen(power_kw),
            energy_kwh=frozen(energy_kwh),
            node_kw=frozen(self._below @ power_kw),
            node_a=frozen(self._below @ current_a),
        )


class SimulatedCar:
    """One car at one EVSE, for a station that is simulated alone.

    Parameters
    ----------
    evse : Evse
    car : Car
    voltage_v : float
        Line-to-neutral voltage [V].
    """

    def __init__(self, evse: Evse, car: Car, voltage_v: float = NOMINAL_VOLTAGE_V) -> None:
        nodes, stations = (CircuitNode("grid"),), (Station("station", "grid", (evse,)),)
        self.car = car
        self._site = SimulatedSite(Site("station", "UTC", nodes, stations, voltage_v))
        self._site.plug(evse.evse_id, car)

    def advance(self, pilot_a: float, seconds: float) -> Metered:
        """Let time pass under this pilot [A]; the record has one EVSE and one node.

        Raises
        ------
        ValueError
            Time does not go forward, or the pilot is not a number.
        """
        return self._site.advance(np.array([pilot_a]), seconds)

    @property
    def delivered_kwh(self) -> float:
        """Energy given since the plug [kWh]."""
        return float(self._site.delivered_kwh[0])

    @property
    def current_a(self) -> float:
        """Present current per used phase [A]."""
        return float(self._site.current_a[0])

    @property
    def is_full(self) -> bool:
        """Whether the car has all it needs."""
        return bool(self._site.full[0])


def _below(site: Site) -> FloatArray:
    """Return 1 where an EVSE hangs below (or at) a node, shape (N, E)."""
    row_of: dict[str, int] = {node.node_id: row for row, node in enumerate(site.nodes)}
    columns: list[IntArray] = []
    for station in site.stations:
        column = np.zeros(len(row_of), dtype=np.int64)
        column[[row_of[node_id] for node_id in site.path_to_root(station.node_id)]] = 1
        columns += [column] * len(station.evses)
    return frozen(np.array(columns, dtype=np.float64).reshape(-1, len(row_of)).T)
