"""Plans for many sites in one process: programs are kept alive, solves run on threads of their own."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import Protocol, TypeAlias, TypeVar

from models.grid.site import Site
from models.state import SiteState
from optimizer.options import PlanOptions
from optimizer.plan import Plan

Answer = TypeVar("Answer")


class Steps(Protocol):
    """What makes plans for one site; :class:`optimizer.mpc.Controller` is one."""

    def step(self, state: SiteState) -> Plan:
        """Return the plan for ``state``."""
        ...


ControllerFactory: TypeAlias = Callable[[Site, PlanOptions], Steps]


@dataclass(frozen=True, slots=True)
class _Structure:
    """What makes two states share a program: all else moves by numbers."""

    site: Site
    options: PlanOptions
    step_s: int
    n_slots: int


@dataclass(slots=True)
class _Live:
    """One program, and the lock that lets one step at a time use it."""

    controller: Steps
    lock: Lock = field(default_factory=Lock)


def _controller(site: Site, options: PlanOptions) -> Steps:
    from optimizer.mpc import Controller  # noqa: PLC0415 - Pyomo and HiGHS take a second to import

    return Controller(site, options)


class Planner:
    """Makes plans; a state whose structure was planned before reuses the live program.

    Reuse is for speed. All that carries over from one plan to the next is which EVSEs were charging, so that
    ties do not switch them off and on.

    Parameters
    ----------
    max_live : int
        Programs that are kept; the one that was used least recently makes room.
    n_threads : int
        Plans that are made at the same time.
    controller : callable
        Makes a controller for a site and options.
    """

    def __init__(
        self, max_live: int = 32, n_threads: int = 2, controller: ControllerFactory = _controller
    ) -> None:
        self._max_live = max_live
        self._make = controller
        self._live: OrderedDict[_Structure, _Live] = OrderedDict()
        self._lock = Lock()
        self._threads = ThreadPoolExecutor(n_threads, thread_name_prefix="plan")

    def plan(self, state: SiteState, options: PlanOptions) -> Plan:
        """Return the plan for ``state``; blocks the thread that calls.

        Raises
        ------
        InvalidInputError
            The state cannot be used; names every fault.
        """
        live = self._of(_Structure(state.site, options, state.grid.step_s, state.grid.n_slots))
        with live.lock:
            return live.controller.step(state)

    async def run(self, work: Callable[[], Answer]) -> Answer:
        """Run ``work`` on a thread of the planner, so that the event loop stays free."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    @property
    def n_live(self) -> int:
        """Programs that are alive."""
        return len(self._live)

    def close(self) -> None:
        """Stop the threads; plans that have not begun are dropped."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._live.clear()

    def _of(self, structure: _Structure) -> _Live:
        """Return the live program of a structure, newest last."""
        with self._lock:
            live = self._live.pop(structure, None)
            if live is None:
                live = _Live(self._make(structure.site, structure.options))
            self._live[structure] = live
            if len(self._live) > self._max_live:
                self._live.popitem(last=False)
            return live
