"""What assets can do to the rows above them, and to the site as a whole."""

from typing import NamedTuple

import numpy as np

from models.arrays import FloatArray, frozen
from models.assets import SiteAssets, SolarPlant
from models.state import SiteState
from optimizer.options import PlanOptions
from optimizer.topology import Topology


class AssetReach(NamedTuple):
    """How far assets can push each row, both (R,): ``tapped`` by drawing, ``pushed`` by feeding back."""

    tapped: FloatArray
    pushed: FloatArray


def asset_reach(assets: SiteAssets, topology: Topology, solar_kw: FloatArray) -> AssetReach:
    """Return how far assets that can be told can push the rows above them.

    Parameters
    ----------
    assets : SiteAssets
    topology : Topology
    solar_kw : (P, T) float64
        What each solar plant that can be told is planned to be able to give [kW].
    """
    tapped, pushed = np.zeros(len(topology.rows.names)), np.zeros(len(topology.rows.names))
    for battery in assets.batteries:
        _add(tapped, topology, battery.node_id, battery.charge_kw)
        _add(pushed, topology, battery.node_id, battery.discharge_kw)
    for plant, power_kw in zip(assets.solar, solar_kw, strict=True):
        _add(pushed, topology, plant.node_id, float(power_kw.max(initial=0.0)))
    for generator in assets.generators:
        _add(pushed, topology, generator.node_id, generator.max_kw)
    return AssetReach(frozen(tapped), frozen(pushed))


def curtailable_kw(state: SiteState, options: PlanOptions) -> FloatArray:
    """Return what each solar plant can give at a careful quantile, shape (P, T) [kW]; 0 where it cannot be told."""
    shape = (len(state.assets.solar), state.grid.n_slots)
    rows = [
        careful_kw(plant, options) if plant.can_curtail else np.zeros(shape[1])
        for plant in state.assets.solar
    ]
    return frozen(np.array(rows).reshape(shape))


def careful_kw(plant: SolarPlant, options: PlanOptions) -> FloatArray:
    """Return the power of a plant that is as likely to be exceeded as load is to stay below its own, (T,) [kW]."""
    return plant.at(1.0 - options.load_quantile)


def tapped_by(topology: Topology, node: int, power_kw: float) -> FloatArray:
    """Return what a balanced power that is drawn at a node adds to each row, shape (R,)."""
    out = np.zeros(len(topology.rows.names))
    above, per_kw = topology.rows.tap(node, topology.voltage_v)
    out[above] = per_kw * power_kw
    return frozen(out)


def _add(rows: FloatArray, topology: Topology, node_id: str, power_kw: float) -> None:
    rows += tapped_by(topology, topology.node_ids.index(node_id), power_kw)
