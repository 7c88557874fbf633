"""Plans are made when something happens: triggers of a site are coalesced, so that one plan runs at a time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

_log = logging.getLogger(__name__)

SETTLE_S: Final = 0.05
"""Triggers within this time make one plan: a boot, a plug and a meter value often come together [s]."""

Replan: TypeAlias = Callable[[str], Awaitable[None]]


class Replanner:
    """Calls ``replan(site_id)`` soon after a trigger, and at the latest every ``every_s`` seconds.

    Parameters
    ----------
    replan : callable
        Plans one site; an error of it is logged, and the site is planned again at the next trigger.
    every_s : float
        Longest time between two plans [s].
    """

    def __init__(self, replan: Replan, every_s: float) -> None:
        self._replan = replan
        self._every_s = every_s
        self._due: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def trigger(self, site_id: str) -> None:
        """Plan a site soon; its first trigger begins to look after it."""
        if site_id not in self._tasks:
            self._due[site_id] = asyncio.Event()
            self._tasks[site_id] = asyncio.create_task(self._look_after(site_id), name=f"replan {site_id}")
        self._due[site_id].set()

    async def stop(self) -> None:
        """Stop; a plan that is being made is waited for."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._tasks.clear()

    async def _look_after(self, site_id: str) -> None:
        due = self._due[site_id]
        while True:
            try:
                async with asyncio.timeout(self._every_s):
                    await due.wait()
                await asyncio.sleep(SETTLE_S)
            except TimeoutError:
                pass  # nothing happened for so long: plan again all the same
            due.clear()
            try:
                await self._replan(site_id)
            except Exception:  # noqa: BLE001 - one site's fault must not end its loop
                _log.exception("site %s was not planned; its stations keep what they have", site_id)
