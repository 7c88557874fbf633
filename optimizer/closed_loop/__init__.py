"""A policy in the loop with simulated cars: it sees what an operator sees, they do what cars do."""

from optimizer.closed_loop.loop import run
from optimizer.closed_loop.result import Exceedance, LoopResult, SessionOutcome
from optimizer.closed_loop.world import Believe, LoopOptions, Policy, Seen, World, default_car

__all__ = [
    "Believe",
    "Exceedance",
    "LoopOptions",
    "LoopResult",
    "Policy",
    "Seen",
    "SessionOutcome",
    "World",
    "default_car",
    "run",
]
