"""What is learnt from meter samples of every car at the plug and of its station; the only place that learns it.

The fast clock decides with it; a planner is told of it (:class:`Sign`), whoever reads the meters.
"""

from dataclasses import dataclass

import numpy as np

from models.arrays import BoolArray, FloatArray, IntArray, frozen
from models.grid.site import CurrentType, Evse, Site, Station, Wiring
from models.metering import MeterSamples
from models.state import Conduct, StationCondition
from optimizer.fast.signs import FOLLOW_S, Book, Plugs, learn_kernel
from optimizer.rows import kw_per_a, station_levels_a

FRESH_S = 90.0
"""After so long without a sample nothing is concluded from the last one [s]."""


@dataclass(frozen=True, slots=True)
class Sign:
    """What meters showed of one car.

    Parameters
    ----------
    usable_a : float or None
        Least pilot that carries all that the car draws [A]; None while it draws all it is offered.
    is_full : bool
        It takes nothing: full, or it does not start.
    n_phases : int or None
        Lines that it uses; None where too little was seen.
    """

    usable_a: float | None
    is_full: bool
    n_phases: int | None


class Watch:
    """Watches the EVSEs of a site; rows of all arrays are ``site.evses``.

    Parameters
    ----------
    site : Site
    """

    def __init__(self, site: Site) -> None:
        self.plugs = _plugs(site)
        n_evses = len(site.evses)
        self._is_there = np.zeros(n_evses, dtype=np.bool_)
        self.book = _blank(n_evses)

    def plugged(self, evse: int, now_s: float, delay_s: float = 0.0) -> None:
        """Note a new car, of which nothing is known but its start delay [s]; samples of the last one are late."""
        self._forget(evse, now_s)
        self._is_there[evse] = True
        self.book.delay_s[evse] = delay_s

    def unplugged(self, evse: int, now_s: float) -> None:
        """Note that a car has left; nobody is told anything there."""
        self._forget(evse, now_s)
        self._is_there[evse] = False

    def told(self, pilot_a: FloatArray, now_s: float) -> None:
        """Note what every EVSE is told from now on, shape (E,) [A]."""
        book = self.book
        changed = pilot_a != book.pilot_a
        if not changed.any():
            return
        old_a, is_pending = book.pilot_a.copy(), now_s < book.since_s + FOLLOW_S
        before_a = np.where(is_pending, np.maximum(book.before_a, old_a), old_a)
        still_a = self.may_draw_a(now_s)
        book.before_a[changed], book.still_a[changed] = before_a[changed], still_a[changed]
        came_on, went_off = changed & (old_a <= 0.0), changed & (pilot_a <= 0.0)
        book.on_s[came_on], book.drew[came_on] = now_s, False
        book.off_s[went_off] = now_s
        book.pilot_a[changed], book.since_s[changed], book.n_steady[changed] = pilot_a[changed], now_s, 0

    def read(self, samples: MeterSamples) -> None:
        """Learn from samples, in whatever order they are; one that was seen before says nothing new."""
        ordered = samples.in_order()
        learn_kernel(ordered.evse, ordered.at_s, ordered.current_a, ordered.power_kw, self.book, self.plugs)

    def may_draw_a(self, now_s: float) -> FloatArray:
        """Return what each EVSE may draw in the next seconds even if it is told nothing from now on [A].

        That is its pilot, or the one before where it had no time to follow; a car that draws less, sample after
        sample, does not draw more because it is told less.
        """
        book = self.book
        is_steady = (book.n_steady > 1) & (now_s - book.seen_s <= FRESH_S)
        drawn_a = np.minimum(np.maximum(book.draw_a, book.steady_a), book.pilot_a)
        settled_a = np.where(is_steady, drawn_a, book.pilot_a)
        is_pending = now_s < book.since_s + FOLLOW_S
        return np.where(is_pending, np.maximum(book.pilot_a, book.still_a), settled_a)

    def excess_a(self, now_s: float) -> FloatArray:
        """Return what each EVSE was just seen to draw above all that it may, shape (E,) [A]."""
        is_over = (self.book.n_over > 0) & (now_s - self.book.seen_s <= FRESH_S)
        allowed_a = np.maximum(self.book.pilot_a, self.may_draw_a(now_s))
        return np.where(is_over, np.maximum(self.book.draw_a - allowed_a, 0.0), 0.0)

    def sign(self, evse: int) -> Sign:
        """Return what is known of the car at an EVSE."""
        cap_a, n_used = float(self.book.cap_a[evse]), int(self.book.n_used[evse])
        return Sign(
            usable_a=cap_a if np.isfinite(cap_a) else None,
            is_full=bool(self.book.idle[evse]),
            n_phases=n_used or None,
        )

    @property
    def is_there(self) -> BoolArray:
        """Whether a car is plugged in, shape (E,)."""
        return self._is_there

    @property
    def n_lines(self) -> IntArray:
        """Lines that a pilot may load: those that the car was seen to use, else all, shape (E,)."""
        return np.where(self.book.n_used > 0, self.book.n_used, self.plugs.n_lines)

    def _forget(self, evse: int, now_s: float) -> None:
        """Forget the car; how the station behaves is not of the car."""
        conduct = {"n_over", "n_obeyed", "n_defied", "defiant"}
        for name, values, empty in zip(Book._fields, self.book, _blank(1), strict=True):
            if name not in conduct:
                values[evse] = empty[0]
        self.book.seen_s[evse] = now_s


def conditions_of(site: Site, defiant: BoolArray, lost: BoolArray) -> tuple[StationCondition, ...]:
    """Return the stations that cannot be told what to do, from what is known of each EVSE, both (E,)."""
    owners = [station.station_id for station in site.stations for _ in station.evses]
    found: dict[str, StationCondition] = {}
    for row in np.nonzero(defiant | lost)[0]:
        conduct = Conduct.OFFLINE if lost[row] else Conduct.NOT_FOLLOWING
        found.setdefault(owners[row], StationCondition(owners[row], conduct))
    return tuple(found.values())


def _blank(n_evses: int) -> Book:
    """Return a book in which nothing is known."""

    def full(value: float) -> FloatArray:
        return np.full(n_evses, value)

    def count(value: int = 0) -> IntArray:
        return np.full(n_evses, value, dtype=np.int64)

    def no() -> BoolArray:
        return np.zeros(n_evses, dtype=np.bool_)

    return Book(
        pilot_a=full(0.0),
        since_s=full(-np.inf),
        before_a=full(0.0),
        still_a=full(0.0),
        on_s=full(-np.inf),
        off_s=full(-np.inf),
        draw_a=full(0.0),
        seen_s=full(-np.inf),
        steady_a=full(0.0),
        n_steady=count(),
        cap_a=full(np.inf),
        jump=count(1),
        probed_s=full(-np.inf),
        probe_a=full(np.inf),
        freed_a=full(np.inf),
        freed_share=full(0.0),
        follow=full(1.0),
        drew=no(),
        idle=no(),
        idle_s=full(-np.inf),
        delay_s=full(0.0),
        n_used=count(),
        n_fewer=count(),
        n_over=count(),
        n_obeyed=count(),
        n_defied=count(),
        defiant=no(),
    )


def _plugs(site: Site) -> Plugs:
    owners = [station for station in site.stations for _ in station.evses]
    levels = [
        station_levels_a(station, evse, site.voltage_v)
        for station, evse in zip(owners, site.evses, strict=True)
    ]
    levels_a = np.full((len(levels), max((len(row) for row in levels), default=1)), np.inf)
    for row, values in enumerate(levels):
        levels_a[row, : len(values)] = values
    n_lines = np.array([len(evse.phases) for evse in site.evses], dtype=np.int64)
    whole = np.array([_is_whole(*one) for one in zip(owners, site.evses, strict=True)], dtype=np.bool_)
    per_line = frozen([kw_per_a(evse, site) for evse in site.evses]) / np.maximum(n_lines, 1)
    return Plugs(frozen(levels_a), n_lines, np.where(whole, n_lines, 1), frozen(per_line))


def _is_whole(station: Station, evse: Evse) -> bool:
    """Whether a car counts with all lines of its EVSE.

    A rectifier uses them all, and so does what sits between two lines; the ports of a cabinet share its power
    as if they did.
    """
    is_shared = station.limit_kw is not None
    return is_shared or evse.current_type is CurrentType.DC or evse.wiring is Wiring.DELTA
