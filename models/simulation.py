"""What cars really do with the pilots they are given: ramps, delays, tapering batteries, full batteries.

The simulated world that controllers are measured in: it obeys pilots as cars do, and its meters show what
was drawn, EVSE by EVSE and node by node. Time advances in spans of any length; inside a span the kernel
steps by at most :data:`STEP_S`.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from models.arrays import BoolArray, FloatArray, IntArray, frozen
from models.errors import GridMismatchError
from models.grid.site import N_PHASES, CircuitNode, Evse, Site, Station
from models.jit import kernel
from models.units import NOMINAL_VOLTAGE_V, SECONDS_PER_HOUR, W_PER_KW

STEP_S: Final = 5.0
"""Longest step of the simulation [s]; a car reacts within 5 s to its pilot (IEC 61851-1)."""

FULL_KWH: Final = 1e-6
"""A car with less than this to go is full [kWh]."""


@dataclass(frozen=True, slots=True)
class Car:
    """A car at the plug: what it really needs, and how it takes it.

    Parameters
    ----------
    need_kwh : float
        Energy until the car stops by itself, measured on the supply side [kWh].
    max_current_a, max_power_kw : float
        Limits of the on-board charger: per phase [A] and in total [kW].
    n_phases : int
        Phases that the on-board charger uses.
    taper_kwh : float
        Over the last ``taper_kwh`` the accepted power falls linearly: (1 - threshold state of charge) x
        battery capacity, here 5 % of 60 kWh, an assumption. 0 for a battery that does not taper.
    taper_end_share : float
        Part of the full power that is left at the end of the taper.
    ramp_up_a_per_s, ramp_down_a_per_s : float
        How fast the current follows the pilot [A/s].
    start_delay_s : float
        Time between a pilot that comes (back) from 0 and the first current [s].
    """

    need_kwh: float
    max_current_a: float = 32.0
    max_power_kw: float = np.inf
    n_phases: int = N_PHASES
    taper_kwh: float = 3.0
    taper_end_share: float = 0.2
    ramp_up_a_per_s: float = 2.0
    ramp_down_a_per_s: float = 10.0
    start_delay_s: float = 5.0


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


class Physics(NamedTuple):
    """Cars at their EVSEs as arrays (E,); what does not change while they are plugged in.

    ``min_a`` is the least pilot that charges, ``max_a`` the limit of EVSE and car together.
    """

    kw_per_a: FloatArray
    min_a: FloatArray
    max_a: FloatArray
    taper_kwh: FloatArray
    taper_end_share: FloatArray
    up_a_per_s: FloatArray
    down_a_per_s: FloatArray
    delay_s: FloatArray


class Motion(NamedTuple):
    """What moves, as arrays (E,), changed in place: energy to go, current, time until the car starts."""

    left_kwh: FloatArray
    current_a: FloatArray
    wait_s: FloatArray


@kernel
def accepted_kernel(
    left_kwh: float, pilot_a: float, limits_a: tuple[float, float], taper_kwh: float, end_share: float
) -> float:
    """Current that a started car settles at [A]; ``limits_a`` is (least pilot, greatest current)."""
    min_a, max_a = limits_a
    if pilot_a < min_a - 1e-9 or left_kwh < FULL_KWH:
        return 0.0
    share = 1.0
    if left_kwh < taper_kwh:
        share = end_share + (1.0 - end_share) * left_kwh / taper_kwh
    return min(pilot_a, max_a * share)


@kernel
def car_kernel(evse: int, pilot_a: float, physics: Physics, motion: Motion, step_s: float) -> float:
    """Move one car by ``step_s`` seconds; returns the energy drawn [kWh]."""
    left_kwh = motion.left_kwh[evse]
    limits_a = (physics.min_a[evse], physics.max_a[evse])
    target_a = accepted_kernel(
        left_kwh, pilot_a, limits_a, physics.taper_kwh[evse], physics.taper_end_share[evse]
    )
    before_a = motion.current_a[evse]
    if target_a <= 0.0:
        motion.wait_s[evse] = physics.delay_s[evse]
    elif motion.wait_s[evse] > 0.0:
        motion.wait_s[evse] -= step_s
        target_a = 0.0
    low_a = before_a - physics.down_a_per_s[evse] * step_s
    high_a = before_a + physics.up_a_per_s[evse] * step_s
    after_a = max(min(target_a, high_a), low_a)
    drawn_kwh: float = 0.5 * (before_a + after_a) * physics.kw_per_a[evse] * step_s / 3600.0
    if drawn_kwh >= left_kwh - FULL_KWH:  # full within the step: the car opens its contactor
        drawn_kwh = min(drawn_kwh, left_kwh)
        after_a = 0.0 if left_kwh - drawn_kwh < FULL_KWH else after_a
    motion.current_a[evse] = after_a
    motion.left_kwh[evse] = left_kwh - drawn_kwh
    return drawn_kwh


@kernel
def advance_kernel(
    pilot_a: FloatArray, physics: Physics, motion: Motion, seconds: float, longest_step_s: float
) -> FloatArray:
    """Move all cars by ``seconds``; returns the energy that each EVSE drew, shape (E,) [kWh]."""
    n_steps = max(int(np.ceil(seconds / longest_step_s)), 1)
    step_s = seconds / n_steps
    energy_kwh = np.zeros_like(pilot_a)
    for evse in range(pilot_a.size):
        if motion.left_kwh[evse] <= 0.0 and motion.current_a[evse] <= 0.0:
            continue
        for _ in range(n_steps):
            energy_kwh[evse] += car_kernel(evse, pilot_a[evse], physics, motion, step_s)
    return energy_kwh


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
        for values, value in zip(self._physics, _physics(evse, car, self.site.voltage_v), strict=True):
            values[row] = value
        self._motion.left_kwh[row] = car.need_kwh
        self._motion.current_a[row] = 0.0
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


def _physics(evse: Evse, car: Car, voltage_v: float) -> Physics:
    """Return one row of the arrays, in the order of the fields."""
    kw_per_a = min(car.n_phases, len(evse.phases)) * voltage_v / W_PER_KW
    max_a = min(car.max_current_a, evse.max_current_a, car.max_power_kw / kw_per_a)
    row = (
        kw_per_a,
        evse.min_current_a,
        max_a,
        car.taper_kwh,
        car.taper_end_share,
        car.ramp_up_a_per_s,
        car.ramp_down_a_per_s,
        car.start_delay_s,
    )
    return Physics(*(np.float64(value) for value in row))  # type: ignore[arg-type] # one row, assigned by field


def _below(site: Site) -> FloatArray:
    """Return 1 where an EVSE hangs below (or at) a node, shape (N, E)."""
    row_of: dict[str, int] = {node.node_id: row for row, node in enumerate(site.nodes)}
    columns: list[IntArray] = []
    for station in site.stations:
        column = np.zeros(len(row_of), dtype=np.int64)
        column[[row_of[node_id] for node_id in site.path_to_root(station.node_id)]] = 1
        columns += [column] * len(station.evses)
    return frozen(np.array(columns, dtype=np.float64).reshape(-1, len(row_of)).T)
