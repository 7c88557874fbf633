"""A policy in the loop with simulated cars: it sees what an operator sees, they do what cars do."""

from optimizer.closed_loop.loop import run, run_two_clocks
from optimizer.closed_loop.result import Exceedance, LoopResult, SessionOutcome
from optimizer.closed_loop.signals import Signal
from optimizer.closed_loop.world import (
    Believe,
    Expect,
    LoopOptions,
    Planner,
    Policy,
    Seen,
    World,
    default_car,
)

__all__ = [
    "Believe",
    "Exceedance",
    "Expect",
    "LoopOptions",
    "LoopResult",
    "Planner",
    "Policy",
    "Seen",
    "SessionOutcome",
    "Signal",
    "World",
    "default_car",
    "run",
    "run_two_clocks",
]
