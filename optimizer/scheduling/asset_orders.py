"""What assets are told: the plan's power, made to fit what real pilots leave of it.

Pilots are rounded, so cars draw a little less than planned, and what was to be given to them would flow back.
Where a limit on feeding back leaves no room for that, sources give less: generators first, as that saves fuel,
then batteries, which keep the energy, then the sun.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from models.arrays import ComplexArray, FloatArray, frozen, read_only
from models.assets import Battery, Generator, SolarPlant
from models.schedule import AssetSchedule, Schedule
from models.units import TOLERANCE_KW
from optimizer.options import PlanOptions
from optimizer.problem import Problem
from optimizer.scheduling.delivery import AssetPower
from optimizer.scheduling.dispatch import Dispatched


@dataclass(frozen=True, slots=True)
class Yard:
    """The A assets of a problem that can be told, in the order in which they are asked to give less.

    Parameters
    ----------
    names : tuple of str
    weight : (A, R) float64
        What a kW that each draws adds to every row.
    batteries, plants : tuple of (int, record)
        Which of them are batteries and solar plants.
    """

    names: tuple[str, ...]
    weight: FloatArray
    batteries: tuple[tuple[int, Battery], ...]
    plants: tuple[tuple[int, SolarPlant], ...]

    @classmethod
    def of(cls, problem: Problem) -> "Yard":
        """Return the assets of a problem."""
        top, assets = problem.topology, problem.assets
        plants = tuple(plant for plant in assets.solar if plant.can_curtail)
        order: tuple[Generator | Battery | SolarPlant, ...]
        order = (*assets.generators, *assets.batteries, *plants)
        weight = np.zeros((len(order), len(top.rows.names)))
        for place, asset in enumerate(order):
            rows, per_kw = top.rows.tap(top.node_ids.index(asset.node_id), top.voltage_v)
            weight[place, rows] = per_kw
        first = len(assets.generators)
        after = first + len(assets.batteries)
        return cls(
            names=tuple(asset.asset_id for asset in order),
            weight=frozen(weight),
            batteries=tuple(enumerate(assets.batteries, first)),
            plants=tuple(enumerate(plants, after)),
        )

    def power_kw(self, asset_kw: AssetPower, n_slots: int) -> FloatArray:
        """Return what each draws, shape (A, T) [kW]; 0 where nothing is said of it."""
        idle = np.zeros(n_slots)
        return frozen(np.array([asset_kw.get(name, idle) for name in self.names]).reshape(-1, n_slots))


@dataclass(frozen=True, slots=True)
class _Told:
    """What was ``planned``, what assets are told of it, (A, T) [kW], and what rows carry back beside, (R, T)."""

    planned: AssetPower
    power_kw: FloatArray
    spare: FloatArray


def can_shift(problem: Problem) -> bool:
    """Return whether any asset could do otherwise: a battery, a generator, or a plant that can be held back."""
    assets = problem.assets
    return bool(assets.batteries or assets.generators or any(plant.can_curtail for plant in assets.solar))


def with_assets(problem: Problem, asset_kw: AssetPower, energy_per_kwh: FloatArray) -> Problem:
    """Return the problem that is left for pilots, in which assets do as planned.

    What they draw is load, what they give is load less, and energy has the price that it has at the margin.
    """
    yard = Yard.of(problem)
    power_kw = yard.power_kw(asset_kw, problem.grid.n_slots)
    limits, told = problem.limits, yard.weight.T @ power_kw
    return replace(
        problem,
        limits=replace(limits, offset=read_only(limits.offset + told), least=read_only(limits.least + told)),
        load_kw=frozen(problem.load_kw + power_kw.sum(axis=0)),
        import_per_kwh=energy_per_kwh,
    )


def told_assets(problem: Problem, sent: Dispatched, asset_kw: AssetPower, options: PlanOptions) -> Dispatched:
    """Return a schedule with what every asset is told; those that ``asset_kw`` does not name do nothing."""
    yard = Yard.of(problem)
    if not yard.names:
        return sent
    room = _Room.of(problem, sent.schedule)
    power_kw, stored_kwh = _fitted(problem, yard, yard.power_kw(asset_kw, problem.grid.n_slots), room)
    told = _Told(asset_kw, power_kw, frozen(room.back + yard.weight.T @ power_kw))
    cars_kw = _mean_kw(problem, sent.schedule) - sent.schedule.back_kw()
    net_kw = problem.load_kw + cars_kw.sum(axis=0) + power_kw.sum(axis=0)
    most_kw = _most_sun(problem, yard, told, net_kw, options)
    assets = tuple(
        AssetSchedule(name, frozen(power_kw[a]), stored_kwh.get(a), most_kw.get(a))
        for a, name in enumerate(yard.names)
    )
    return replace(sent, schedule=replace(sent.schedule, assets=assets))


def asset_power(schedule: Schedule) -> AssetPower:
    """Return what the assets of a schedule draw, by their names."""
    return {asset.asset_id: asset.power_kw for asset in schedule.assets}


@dataclass(frozen=True, slots=True)
class _Room:
    """What assets may add to every row beside cars, and what they may take from it; both (R, T), at least 0."""

    drawn: FloatArray
    back: FloatArray

    @classmethod
    def of(cls, problem: Problem, schedule: Schedule) -> "_Room":
        """Return what pilots leave: cars may draw what they are told, and are expected to draw their energy.

        What they give back counts where it is fed back only: it may fail to come.
        """
        limits, is_power = problem.limits, problem.topology.rows.is_power[:, None]
        most = limits.offset + _on_rows(problem, schedule.power_kw)
        least = limits.offset + _on_rows(problem, _mean_kw(problem, schedule) - schedule.back_kw())
        above = np.where(is_power, limits.limit, _along(limits.limit, most))
        # A load above a limit lifts it for what is drawn, not for what is fed back.
        below = np.where(is_power, -limits.floor, _along(limits.set_limit, least))
        return cls(
            drawn=frozen(np.maximum(above - most.real, 0.0)),
            back=frozen(np.maximum(below + least.real - limits.sunny, 0.0)),
        )


def _along(limit: FloatArray, carried: ComplexArray) -> FloatArray:
    """Return how far the real part of a phasor may go, either way, so that its magnitude keeps a limit."""
    return frozen(np.sqrt(np.maximum(limit**2 - carried.imag**2, 0.0)))


def _on_rows(problem: Problem, power_kw: FloatArray) -> ComplexArray:
    """Return what the power of cars (E, T) [kW] puts on every row, shape (R, T)."""
    rows = problem.topology.rows
    evse, place = np.nonzero(rows.of_evse >= 0)
    drawn = problem.weight(evse, place) * (power_kw / problem.kw_per_a)[evse]
    shape = (len(rows.names), evse.size)
    onto = sparse.csr_array(
        sparse.coo_array((np.ones(evse.size), (rows.of_evse[evse, place], np.arange(evse.size))), shape=shape)
    )
    return read_only(np.asarray(onto @ drawn))


def _mean_kw(problem: Problem, schedule: Schedule) -> FloatArray:
    """Return what cars are expected to draw on the mean of what is left of each slot, shape (E, T) [kW]."""
    return frozen(schedule.energy_kwh / np.where(problem.open_h > 0, problem.open_h, np.inf))


def _fitted(
    problem: Problem, yard: Yard, planned_kw: FloatArray, room: _Room
) -> tuple[FloatArray, dict[int, FloatArray]]:
    """Return what assets can do of their plan, (A, T) [kW], and what batteries hold after every slot [kWh]."""
    power_kw = np.array(planned_kw)
    stored_kwh = {a: np.zeros(problem.grid.n_slots) for a, _ in yard.batteries}
    for t, hours in enumerate(problem.open_h.tolist()):
        now = power_kw[:, t]
        for a, battery in yard.batteries:
            before = stored_kwh[a][t - 1] if t else battery.stored_kwh
            now[a] = _within(battery, before, now[a], hours)
        _less(now, yard.weight, room.drawn[:, t] - yard.weight.T @ now, sign=1.0)
        _less(now, yard.weight, room.back[:, t] + yard.weight.T @ now, sign=-1.0)
        for a, battery in yard.batteries:
            before = stored_kwh[a][t - 1] if t else battery.stored_kwh
            stored_kwh[a][t] = before + hours * _gain(battery, now[a])
    return frozen(power_kw), {a: frozen(kwh) for a, kwh in stored_kwh.items()}


def _within(battery: Battery, before_kwh: float, power_kw: float, hours: float) -> float:
    """Return the power of a battery that its store allows for a slot [kW]."""
    most_kwh = max(battery.max_kwh, battery.stored_kwh) - before_kwh
    least_kwh = before_kwh - min(battery.min_kwh, battery.stored_kwh)
    if power_kw > 0.0:
        return min(power_kw, max(most_kwh, 0.0) / max(hours * battery.charge_efficiency, 1e-12))
    return max(power_kw, -max(least_kwh, 0.0) * battery.discharge_efficiency / max(hours, 1e-12))


def _gain(battery: Battery, power_kw: float) -> float:
    """Return what is stored per hour [kW]."""
    into = power_kw > 0.0
    return power_kw * battery.charge_efficiency if into else power_kw / battery.discharge_efficiency


def _less(now_kw: FloatArray, weight: FloatArray, spare: FloatArray, *, sign: float) -> None:
    """Make assets draw (sign 1) or give (-1) less, in place, until no row carries more of it than it may."""
    for row in np.nonzero(spare < -TOLERANCE_KW / 2)[0].tolist():
        for a in np.nonzero((sign * now_kw > 0.0) & (weight[:, row] > 0.0))[0].tolist():
            less_kw = min(sign * now_kw[a], max(-spare[row], 0.0) / weight[a, row])
            now_kw[a] -= sign * less_kw
            spare += weight[a] * less_kw


def _most_sun(
    problem: Problem, yard: Yard, told: _Told, net_kw: FloatArray, options: PlanOptions
) -> dict[int, FloatArray]:
    """Return the power that each plant may give at most, shape (T,) [kW]: a careful plan counts on little sun.

    Where the plan takes all that it counts on, more is welcome as far as rows carry it back, unless it would
    have to be given away at a loss.
    """
    found: dict[int, FloatArray] = {}
    spare = np.array(told.spare)
    for a, plant in yard.plants:
        given_kw = -told.power_kw[a]
        counted_kw = plant.at(1.0 - options.load_quantile) if yard.names[a] in told.planned else given_kw
        above = yard.weight[a] > 0.0
        room_kw = (spare[above] / yard.weight[a, above, None]).min(axis=0, initial=np.inf)
        more_kw = np.clip(plant.at(options.load_quantile) - given_kw, 0.0, np.maximum(room_kw, 0.0))
        more_kw = np.where(problem.export_per_kwh < 0.0, np.clip(net_kw, 0.0, more_kw), more_kw)
        is_wanted = (given_kw >= counted_kw - TOLERANCE_KW) & (problem.import_per_kwh >= 0.0)
        more_kw = np.where(is_wanted, more_kw, 0.0)
        spare -= np.multiply.outer(yard.weight[a], more_kw)
        net_kw = net_kw - more_kw
        found[a] = frozen(given_kw + more_kw)
    return found
