"""Plans for many sites in one process: programs are kept alive, solves run on threads of their own."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from models.grid.site import Site
from models.state import SiteState
from optimizer.options import PlanOptions
from optimizer.plan import Plan
from optimizer.solver.outcome import SolverOutcome

if TYPE_CHECKING:
    from optimizer.scheduling.scheduler import Parked

Answer = TypeVar("Answer")

PARKED_FOR_EACH: Final = 16
"""Programs that are put away at most, for each that is alive: 15 kB against 15 MB at 100 EVSEs x 96 slots."""


class Steps(Protocol):
    """What makes plans for one site; :class:`optimizer.mpc.Controller` is one."""

    def step(self, state: SiteState) -> Plan:
        """Return the plan for ``state``."""
        ...

    def prepare(self, state: SiteState) -> bool:
        """State the program that ``state`` needs, so that the next step finds it; may run beside a step."""
        ...

    def parked(self) -> "Parked | None":
        """Return what a later controller of the same site needs to begin warm."""
        ...


class ControllerFactory(Protocol):
    """Makes a controller for a site and options, which begins where one was put away; the class itself is one."""

    def __call__(self, site: Site, options: PlanOptions, *, parked: "Parked | None") -> Steps:
        """Return a new controller."""
        ...


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
    is_preparing: bool = False


def _controller(site: Site, options: PlanOptions, *, parked: "Parked | None") -> Steps:
    from optimizer.mpc import Controller  # noqa: PLC0415 - Pyomo and HiGHS take a second to import

    return Controller(site, options, parked=parked)


class Planner:
    """Makes plans; a state whose structure was planned before reuses the live program.

    Reuse is for speed. All that carries over from one plan to the next is which EVSEs were charging, since when, and
    what they were told, so that nobody is switched off and on for nothing.

    Parameters
    ----------
    max_live : int
        Programs that are kept; the one that was used least recently makes room. Of it only the solver's basis
        is kept, from which it starts when the site comes back.
    n_threads : int
        Plans that are made at the same time.
    controller : ControllerFactory
    """

    def __init__(
        self, max_live: int = 32, n_threads: int = 2, controller: ControllerFactory = _controller
    ) -> None:
        self._max_live = max_live
        self._make = controller
        self._live: OrderedDict[_Structure, _Live] = OrderedDict()
        self._parked: OrderedDict[_Structure, Parked] = OrderedDict()
        self._lock = Lock()
        self._threads = ThreadPoolExecutor(n_threads, thread_name_prefix="plan")
        self._statements = ThreadPoolExecutor(1, thread_name_prefix="state")
        self._others = ThreadPoolExecutor(1, thread_name_prefix="other")
        self._stating: set[Future[bool]] = set()

    def plan(self, state: SiteState, options: PlanOptions) -> Plan:
        """Return the plan for ``state``; blocks the thread that calls.

        Where there was no time to state the site's program, that is done in the background for the next plan.

        Raises
        ------
        InvalidInputError
            The state cannot be used; names every fault.
        """
        live = self._of(_Structure(state.site, options, state.grid.step_s, state.grid.n_slots))
        with live.lock:
            plan = live.controller.step(state)
        if plan.report.outcome is SolverOutcome.NOT_STATED:
            self._prepare(live, state)
        self._make_room()
        return plan

    async def run(self, work: Callable[[], Answer]) -> Answer:
        """Run ``work`` on a thread of the planner, so that the event loop stays free."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def run_aside(self, work: Callable[[], Answer]) -> Answer:
        """Run ``work`` that no station waits for on a thread of its own: plans do not queue behind it."""
        return await asyncio.get_running_loop().run_in_executor(self._others, work)

    def settle(self) -> bool:
        """Wait for programs that are stated in the background; returns whether there were any."""
        with self._lock:
            stating = tuple(self._stating)
        wait(stating)
        return bool(stating)

    @property
    def n_live(self) -> int:
        """Programs that are alive."""
        return len(self._live)

    @property
    def n_parked(self) -> int:
        """Programs that were put away and can come back warm."""
        return len(self._parked)

    def close(self) -> None:
        """Stop the threads; plans that have not begun are dropped."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._statements.shutdown(wait=True, cancel_futures=True)
        self._others.shutdown(wait=True, cancel_futures=True)
        self._live.clear()
        self._parked.clear()

    def _of(self, structure: _Structure) -> _Live:
        """Return the live program of a structure, newest last."""
        with self._lock:
            live = self._live.pop(structure, None)
            if live is None:
                parked = self._parked.pop(structure, None)
                live = _Live(self._make(structure.site, structure.options, parked=parked))
            self._live[structure] = live
            return live

    def _prepare(self, live: _Live, state: SiteState) -> None:
        """State a program in the background, once at a time."""
        with self._lock:
            if live.is_preparing:
                return
            live.is_preparing = True
            future = self._statements.submit(live.controller.prepare, state)
            self._stating.add(future)
        future.add_done_callback(lambda done: self._prepared(live, done))

    def _prepared(self, live: _Live, done: "Future[bool]") -> None:
        with self._lock:
            live.is_preparing = False
            self._stating.discard(done)

    def _make_room(self) -> None:
        """Put away what was used least recently; what is in use stays."""
        while (idle := self._idle()) is not None:
            structure, live = idle
            parked = live.controller.parked()
            live.lock.release()
            if parked is not None:
                with self._lock:
                    self._parked[structure] = parked
                    if len(self._parked) > PARKED_FOR_EACH * self._max_live:
                        self._parked.popitem(last=False)

    def _idle(self) -> tuple[_Structure, _Live] | None:
        """Take the least recently used program out, locked; None where there is room, or all are in use."""
        with self._lock:
            if len(self._live) <= self._max_live:
                return None
            for structure, live in self._live.items():
                if live.lock.acquire(blocking=False):
                    del self._live[structure]
                    return structure, live
        return None
