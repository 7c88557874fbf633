"""By how much a site could draw less: the cars that can wait, and what batteries hold."""

import numpy as np

from models.arrays import BoolArray, FloatArray, frozen, read_only
from models.flexibility import Direction, ReserveProduct
from optimizer.problem import Problem
from optimizer.scheduling.delivery import Delivery
from optimizer.scheduling.objective import Weights
from optimizer.scheduling.parts.battery import Batteries, BatteryNumbers, ordered, stored_kwh


def sold_reserves(problem: Problem) -> tuple[ReserveProduct, ...]:
    """Return the products that a plan can sell: bands downwards that are bought and paid."""
    reserves = problem.flexibility.reserves
    return tuple(
        one
        for one in reserves
        if one.direction is Direction.DOWN and one.pays_per_kw_h > 0 and one.most_kw.any()
    )


def can_wait(problem: Problem) -> BoolArray:
    """Return where an EVSE could pause for the whole slot without making any car late, shape (E, T).

    A car counts where it could still take all that it needs after the slot, even if it had got nothing until
    then. Where no car is known the answer is yes, as nothing is drawn there.
    """
    full_kwh = problem.max_kw[:, None, :] * problem.connected_h
    after_kwh = full_kwh.sum(axis=2, keepdims=True) - np.cumsum(full_kwh, axis=2)
    known = np.array([[name is not None for name in ids] for ids in problem.session_ids], dtype=np.bool_)
    known = known.reshape(problem.need_kwh.shape)
    late = (after_kwh < problem.need_kwh[:, :, None]) & (problem.connected_h > 0) & known[:, :, None]
    return read_only(~late.any(axis=1))


def shed_kw(problem: Problem, weights: Weights, delivery: Delivery) -> FloatArray:
    """Return by how much a site could draw less in each slot of a delivery, for all of it, shape (T,) [kW]."""
    cars_kw = (delivery.power_kw * can_wait(problem)).sum(axis=0)
    held = ordered(Batteries.members(problem))
    if not held:
        return frozen(cars_kw)
    idle = frozen(np.zeros(problem.grid.n_slots))
    drawn_kw = frozen([delivery.asset_kw.get(member.asset_id, idle) for member in held])
    numbers = BatteryNumbers.of(problem, held, weights)
    out = np.array([member.discharge_efficiency for member in held])[:, None]
    spare_kwh = np.maximum(stored_kwh(problem, held, drawn_kw) - numbers.least_kwh, 0.0)
    by_power = np.maximum(drawn_kw + numbers.discharge_kw, 0.0)
    return frozen(cars_kw + np.minimum(by_power, spare_kwh * out / problem.grid.step_h).sum(axis=0))


def most_back_kw(problem: Problem) -> FloatArray:
    """Return what the site may feed back, shape (T,) [kW]."""
    return frozen(np.maximum(-problem.limits.floor[problem.topology.root_row], 0.0))


def reserved_kw(problem: Problem, weights: Weights, delivery: Delivery) -> FloatArray:
    """Return the band of each of :func:`sold_reserves` that a delivery backs, shape (K, T) [kW].

    The best paid first; no more than the site may feed back when all of them are called.
    """
    products = sold_reserves(problem)
    sure_kw = delivery.site_kw(problem) - (0.0 if delivery.coming_kw is None else delivery.coming_kw)
    room_kw = np.maximum(sure_kw + most_back_kw(problem), 0.0)
    left_kw = np.minimum(shed_kw(problem, weights, delivery), room_kw)
    out = np.zeros((len(products), problem.grid.n_slots))
    for k in np.argsort([-product.pays_per_kw_h for product in products], kind="stable").tolist():
        out[k] = np.minimum(products[k].most_kw, left_kw)
        left_kw = left_kw - out[k]
    return frozen(out)
