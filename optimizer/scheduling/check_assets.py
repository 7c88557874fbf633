"""The check of assets: each does only what it can, and no more power flows back than may."""

from collections.abc import Iterator

import numpy as np

from models.arrays import ComplexArray, FloatArray
from models.assets import Battery
from models.grid.site import N_PHASES, CircuitNode
from models.schedule import AssetSchedule, Schedule
from models.state import SiteState
from models.units import TOLERANCE_A, TOLERANCE_KW, W_PER_KW
from optimizer.scheduling.check_lines import (
    VOLTAGES,
    Breach,
    Lines,
    Through,
    balanced_a,
    limits_of_node,
    nothing_by_node,
    over,
    uncontrolled_a,
)

STORED_KWH = 1e-5
"""Energy that a battery may be outside of its limits [kWh]: float noise of a day."""


def assets_a(state: SiteState, schedule: Schedule, *, is_sunny: bool = False) -> dict[str, ComplexArray]:
    """Return the line currents of what assets are told, by the node that they hang on.

    Solar plants count with what a plan counts on, or, on a sunny day, with the most that they may give.
    """
    out = nothing_by_node(state)
    nodes = state.assets.node_of
    for asset in schedule.assets:
        power_kw = -asset.most_kw if is_sunny and asset.most_kw is not None else asset.power_kw
        out[nodes[asset.asset_id]] += balanced_a(state, power_kw)
    return out


def asset_breaches(
    state: SiteState, schedule: Schedule, load_quantile: float, per_a: dict[str, ComplexArray]
) -> Iterator[Breach]:
    """Yield what assets are told that they cannot do, and every limit that would be exceeded by feeding back.

    ``per_a`` is by EVSE the current of its lines at a pilot of 1 A, with all phases that its cars may use.
    """
    told = {asset.asset_id: asset for asset in schedule.assets}
    hours = state.grid.overlap_h(state.now, state.grid.end)
    for battery in state.assets.batteries:
        if battery.asset_id in told:
            yield from _battery_breaches(battery, told[battery.asset_id], hours)
    for generator in state.assets.generators:
        if generator.asset_id in told:
            power_kw = told[generator.asset_id].power_kw
            outside_kw = np.maximum(power_kw, -generator.max_kw - power_kw)
            yield from over(generator.asset_id, "kW", outside_kw, TOLERANCE_KW)
    for plant in state.assets.solar:
        if plant.asset_id in told:
            given_kw = -told[plant.asset_id].power_kw
            outside_kw = np.maximum(-given_kw, given_kw - plant.at(1.0 - load_quantile))
            yield from over(plant.asset_id, "kW", outside_kw, TOLERANCE_KW)
    if schedule.assets:
        cars = _expected_a(state, schedule, per_a, hours)
        yield from _back_breaches(state, schedule, load_quantile, cars)


def _battery_breaches(battery: Battery, told: AssetSchedule, hours: FloatArray) -> Iterator[Breach]:
    """A battery keeps its powers and its limits; outside of these it only goes back."""
    into_kw, out_kw = np.maximum(told.power_kw, 0.0), np.maximum(-told.power_kw, 0.0)
    outside_kw = np.maximum(into_kw - battery.charge_kw, out_kw - battery.discharge_kw)
    yield from over(battery.asset_id, "kW", outside_kw, TOLERANCE_KW)
    flows = into_kw * battery.charge_efficiency - out_kw / battery.discharge_efficiency
    holds = battery.stored_kwh + np.cumsum(flows * hours)
    most, least = max(battery.max_kwh, battery.stored_kwh), min(battery.min_kwh, battery.stored_kwh)
    yield from over(battery.asset_id, "kWh", np.maximum(holds - most, least - holds), STORED_KWH)
    if told.stored_kwh is not None:
        yield from over(battery.asset_id, "kWh", np.abs(told.stored_kwh - holds), STORED_KWH)
    is_outside = (battery.stored_kwh > battery.max_kwh, battery.stored_kwh < battery.min_kwh)
    away_kw = into_kw[:1] * is_outside[0] + out_kw[:1] * is_outside[1]
    yield from over(battery.asset_id, "kW", away_kw, TOLERANCE_KW)


def _expected_a(
    state: SiteState, schedule: Schedule, per_a: dict[str, ComplexArray], hours: FloatArray
) -> dict[str, ComplexArray]:
    """Return the line currents of what cars are expected to draw, or told to give back, by EVSE."""
    kv, back_kw = state.site.voltage_v / W_PER_KW, schedule.back_kw()
    cars = {}
    for row, evse_id in enumerate(state.site.evse_ids):
        kw_per_a = (VOLTAGES[:, None] * np.conj(per_a[evse_id])).real.sum(axis=0) * kv
        drawn_kw = schedule.energy_kwh[row] / np.where(hours > 0, hours, np.inf)
        cars[evse_id] = per_a[evse_id] * ((drawn_kw - back_kw[row]) / kw_per_a)
    return cars


def _back_breaches(
    state: SiteState, schedule: Schedule, load_quantile: float, cars: dict[str, ComplexArray]
) -> Iterator[Breach]:
    """With cars at what they are expected to draw or told to give, and much sun, no node feeds back too much."""
    kv = state.site.voltage_v / W_PER_KW
    fixed = uncontrolled_a(state, load_quantile, load_quantile)
    through = Lines(cars, assets_a(state, schedule, is_sunny=True), fixed).through(state)
    for node in state.site.nodes:
        yield from _node_back_breaches(state, node, through, kv)


def _node_back_breaches(state: SiteState, node: CircuitNode, through: Through, kv: float) -> Iterator[Breach]:
    all_a, fixed_a = through[node.node_id]
    own_a, own_fixed_a = (current * np.conj(VOLTAGES)[:, None] for current in (all_a, fixed_a))
    back_kw, fixed_kw = -own_a.real.sum(axis=0) * kv, -own_fixed_a.real.sum(axis=0) * kv
    if node.export_kw is not None:
        most_kw = np.maximum(node.export_kw, fixed_kw)
        yield from over(node.node_id, "kW back", back_kw - most_kw, TOLERANCE_KW)
    _, limit_a = limits_of_node(state, node)
    for phase in range(N_PHASES):
        most_a = np.maximum(limit_a[phase], np.abs(own_fixed_a[phase]))
        excess_a = np.where(own_a[phase].real < 0, np.abs(own_a[phase]) - most_a, 0.0)
        yield from over(node.node_id, f"L{phase + 1} back", excess_a, TOLERANCE_A)
