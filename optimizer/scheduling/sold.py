"""What a schedule sells beside charging, product by product."""

import numpy as np

from models.arrays import frozen
from models.flexibility import Direction, Sold
from optimizer.problem import Problem
from optimizer.scheduling.delivery import Delivery
from optimizer.scheduling.objective import Weights
from optimizer.scheduling.sheds import reserved_kw, sold_reserves


def sold_of(problem: Problem, weights: Weights, delivery: Delivery) -> tuple[Sold, ...]:
    """Return what a delivery keeps in reserve of every product that is bought, and delivers of every call."""
    bands = zip(sold_reserves(problem), reserved_kw(problem, weights, delivery), strict=True)
    reserves = (Sold(product.product_id, frozen(kw)) for product, kw in bands)
    net_kw = delivery.site_kw(problem)
    calls = (
        Sold(call.product_id, frozen(np.clip(call.baseline_kw - net_kw, 0.0, call.called_kw)))
        for call in problem.flexibility.calls
    )
    return (*reserves, *calls)


def unsold_notes(problem: Problem) -> tuple[str, ...]:
    """Return a note for every product that no plan sells."""
    reserves = problem.flexibility.reserves
    upwards = (one.product_id for one in reserves if one.direction is Direction.UP and one.most_kw.any())
    return tuple(f"{name}: bands upwards are not planned, nothing of it is sold" for name in upwards)
