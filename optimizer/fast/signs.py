"""What meter samples tell of a car and its station: the kernels of :class:`optimizer.fast.watch.Watch`.

A car that draws less than its pilot has a limit of its own: its share above that is free. It may grow again (a
battery that was cold, a driver who turns on the heating), so the limit is probed: a car that draws all it is
offered is offered more at once, in steps that double; one that stays a little below is offered one step more
from time to time, as many cars never reach their pilot.

All arrays have one row for each EVSE; kernels change them in place. Kernels that call each other stay in one
file: the cache on disk of a kernel does not see that one in another file has changed.
"""

from typing import Final, NamedTuple

import numpy as np

from models.arrays import BoolArray, FloatArray, IntArray
from models.jit import kernel

FOLLOW_S: Final = 10.0
"""Time that a car has to follow its pilot [s]: 5 s by IEC 61851-1, and as much for its station."""

IDLE_A: Final = 0.5
"""A car that draws less than this at a standing pilot takes nothing [A]."""

SPARE_A: Final = 0.5
SPARE_SHARE: Final = 0.05
"""How far below its pilot a car must draw to show a limit of its own: so many amperes and this part of it."""

HIT_A: Final = 0.25
"""A car that draws up to this much less than it is offered draws all of it [A]."""

RISE_A: Final = 0.3
"""A current that rises by more than this from one sample to the next is a ramp [A]."""

LEAST_FOLLOW: Final = 0.8
SAME_SHARE: Final = 0.02
"""A car that draws the same part of its pilot, to this, before and after it was lowered has no limit: it stays
always below its pilot. It is believed of no car that it draws less than the least part."""

PROBE_S: Final = 300.0
"""A car that stays near its limit is offered one step more after this time [s]."""

WAKE_S: Final = 45.0
"""A car that has drawn nothing for its own delay and this time does not start [s]."""

LONGEST_DELAY_S: Final = 180.0
"""What is learnt of a car's delay is not longer than this [s]: after it, it began by itself."""

OVER_A: Final = 1.0
OVER_SHARE: Final = 0.04
"""How far above its pilot a station must draw to show that it does not follow: far above what meters err."""

N_OVER: Final = 2
N_OBEYED: Final = 6
"""Samples in a row after which a station counts as not following, and as following again.

One alone may be an error of the meter; a second one, as far above what is allowed after the time that a car has to
follow, is not.
"""

LEAST_PHASE_A: Final = 3.0
PHASE_SHARE: Final = 0.3
"""From this current on a car shows which lines it uses: those with at least this part of the greatest."""

N_PHASES_SURE: Final = 2
"""Samples in a row after which a car is believed to use fewer lines than were thought."""


class Plugs(NamedTuple):
    """The lines of EVSEs as a meter sees them.

    ``levels_a`` (E, L) are their pilots, padded with inf; ``n_lines`` (E,) how many lines they have and
    ``least_lines`` how many a car uses at least; ``kw_per_line`` is the power of 1 A on one of them.
    """

    levels_a: FloatArray
    n_lines: IntArray
    least_lines: IntArray
    kw_per_line: FloatArray


class Book(NamedTuple):
    """What is known of every EVSE, all (E,).

    What it is told: ``pilot_a`` since ``since_s``, ``before_a`` is the greatest pilot that may still be followed
    and ``still_a`` what may still be drawn under it; on since ``on_s``, off since ``off_s``. What is seen:
    ``draw_a`` at ``seen_s``, ``steady_a`` the last draw at a standing pilot and ``n_steady`` how many there were.
    What is learnt of the car: its limit ``cap_a``, raised by ``jump`` levels next, probed at ``probed_s`` when it
    drew ``probe_a``; when the limit was lowered it drew ``freed_a``, the part ``freed_share`` of its pilot; it
    draws the part ``follow`` of any pilot; it
    ``drew`` since it was switched on, is ``idle`` since ``idle_s``, starts after ``delay_s``; it uses ``n_used``
    lines (0: unknown), ``n_fewer`` samples say fewer. Of the station: ``n_over`` samples above its pilot in a
    row, ``n_obeyed`` at or below, ``n_defied`` times it was found not to follow, ``defiant`` while it does not.
    """

    pilot_a: FloatArray
    since_s: FloatArray
    before_a: FloatArray
    still_a: FloatArray
    on_s: FloatArray
    off_s: FloatArray
    draw_a: FloatArray
    seen_s: FloatArray
    steady_a: FloatArray
    n_steady: IntArray
    cap_a: FloatArray
    jump: IntArray
    probed_s: FloatArray
    probe_a: FloatArray
    freed_a: FloatArray
    freed_share: FloatArray
    follow: FloatArray
    drew: BoolArray
    idle: BoolArray
    idle_s: FloatArray
    delay_s: FloatArray
    n_used: IntArray
    n_fewer: IntArray
    n_over: IntArray
    n_obeyed: IntArray
    n_defied: IntArray
    defiant: BoolArray


@kernel
def drawn_kernel(evse: int, lines_a: FloatArray, power_kw: float, pilot_a: float, plugs: Plugs) -> float:
    """Greatest current on a line [A]; nan where nothing was metered.

    From power alone it is that of the fewest lines that the pilot allows: never less than the truth.
    """
    drawn_a = -1.0
    for line in range(plugs.n_lines[evse]):
        if lines_a[line] > drawn_a:  # noqa: PLR1730 - of nan, max() makes what it likes
            drawn_a = lines_a[line]
    if drawn_a >= 0.0 or not power_kw >= 0.0:
        return drawn_a if drawn_a >= 0.0 else np.nan
    for n in range(plugs.least_lines[evse], plugs.n_lines[evse] + 1):
        drawn_a = power_kw / (n * plugs.kw_per_line[evse])
        if drawn_a <= pilot_a + OVER_A:
            break
    return drawn_a


@kernel
def lines_kernel(evse: int, lines_a: FloatArray, drawn_a: float, book: Book, plugs: Plugs) -> None:
    """Learn how many lines a car uses: more at once, fewer when samples in a row say so."""
    n_lines = plugs.n_lines[evse]
    if drawn_a < LEAST_PHASE_A or np.isnan(lines_a[:n_lines]).any():
        return
    n_used = plugs.least_lines[evse]
    for line in range(n_lines):
        if lines_a[line] >= PHASE_SHARE * drawn_a:
            n_used = max(n_used, line + 1)
    known = book.n_used[evse] if book.n_used[evse] > 0 else n_lines
    book.n_fewer[evse] = book.n_fewer[evse] + 1 if n_used < known else 0
    if n_used >= known or book.n_fewer[evse] >= N_PHASES_SURE:
        book.n_used[evse] = n_used


@kernel
def conduct_kernel(evse: int, drawn_a: float, at_s: float, book: Book) -> None:
    """Learn whether a station follows its pilots; each time it did not, it must obey for longer to be believed."""
    allowed_a = book.pilot_a[evse]
    if at_s < book.since_s[evse] + FOLLOW_S:
        allowed_a = max(allowed_a, book.before_a[evse])
    if drawn_a > allowed_a * (1.0 + OVER_SHARE) + OVER_A:
        book.n_over[evse] += 1
        book.n_obeyed[evse] = 0
    else:
        book.n_over[evse] = 0
        book.n_obeyed[evse] += 1
    if book.n_over[evse] == N_OVER and not book.defiant[evse]:
        book.defiant[evse] = True
        book.n_defied[evse] += 1
    elif book.n_obeyed[evse] >= N_OBEYED * 4 ** min(max(book.n_defied[evse] - 1, 0), 3):
        book.defiant[evse] = False


@kernel
def lift_kernel(evse: int, drawn_a: float, at_s: float, book: Book, plugs: Plugs) -> None:
    """Raise a car's limit by as many levels as are due; the next time by twice as many."""
    levels_a = plugs.levels_a[evse]
    above = np.searchsorted(levels_a, book.cap_a[evse] + 1e-9) + book.jump[evse] - 1
    book.cap_a[evse] = levels_a[above] if above < levels_a.size else np.inf
    book.jump[evse] *= 2
    book.probed_s[evse] = at_s
    book.probe_a[evse] = drawn_a


@kernel
def lower_kernel(evse: int, before_a: float, drawn_a: float, at_s: float, book: Book, plugs: Plugs) -> None:
    """Lower a car's limit to the least level that carries what it draws, unless its current still rises."""
    pilot_a, follow = book.pilot_a[evse], book.follow[evse]
    most_a = max(before_a, drawn_a)
    spare_a = SPARE_A + SPARE_SHARE * pilot_a
    if drawn_a > before_a + RISE_A or most_a >= follow * pilot_a - spare_a:
        return
    levels_a = plugs.levels_a[evse]
    enough = np.searchsorted(levels_a, (most_a + SPARE_A) / follow - 1e-9)
    if enough < levels_a.size and levels_a[enough] < min(pilot_a, book.cap_a[evse]):
        book.cap_a[evse] = levels_a[enough]
        book.freed_a[evse] = most_a
        book.freed_share[evse] = most_a / pilot_a
        book.jump[evse] = 1
        book.probed_s[evse] = at_s
        book.probe_a[evse] = np.inf


@kernel
def loose_kernel(evse: int, drawn_a: float, book: Book) -> None:
    """Learn from the first sample at a lowered pilot that a car has no limit, but never draws all of a pilot."""
    pilot_a, freed_a = book.pilot_a[evse], book.freed_a[evse]
    share = drawn_a / pilot_a
    book.freed_a[evse] = np.inf
    is_less = freed_a + HIT_A <= pilot_a and drawn_a < freed_a - RISE_A
    if is_less and share >= LEAST_FOLLOW and abs(share - book.freed_share[evse]) <= SAME_SHARE:
        book.follow[evse] = share
        book.cap_a[evse] = np.inf


@kernel
def limit_kernel(evse: int, drawn_a: float, at_s: float, book: Book, plugs: Plugs) -> None:
    """Learn a car's limit from a sample at a standing pilot."""
    offered_a = book.follow[evse] * book.pilot_a[evse]
    before_a = book.steady_a[evse]
    is_first = book.n_steady[evse] == 0
    book.steady_a[evse] = drawn_a
    book.n_steady[evse] += 1
    if is_first:
        loose_kernel(evse, drawn_a, book)
    is_bound = book.pilot_a[evse] >= book.cap_a[evse] - 1e-9
    if is_bound and drawn_a >= offered_a - HIT_A:
        lift_kernel(evse, drawn_a, at_s, book, plugs)
    elif is_bound and drawn_a >= offered_a - SPARE_A - SPARE_SHARE * offered_a:
        if drawn_a > book.probe_a[evse] + RISE_A:
            lift_kernel(evse, drawn_a, at_s, book, plugs)
        elif at_s >= book.probed_s[evse] + PROBE_S:
            book.jump[evse] = 1
            lift_kernel(evse, drawn_a, at_s, book, plugs)
        elif not is_first:
            lower_kernel(evse, before_a, drawn_a, at_s, book, plugs)
    elif not is_first:
        lower_kernel(evse, before_a, drawn_a, at_s, book, plugs)


@kernel
def idle_kernel(evse: int, drawn_a: float, at_s: float, book: Book) -> None:
    """Learn from a sample at a standing pilot whether a car takes nothing: it is full, or does not start."""
    waited_s = at_s - book.on_s[evse] - FOLLOW_S - book.delay_s[evse]
    is_due = book.drew[evse] or waited_s >= WAKE_S
    was_low = book.n_steady[evse] > 0 and book.steady_a[evse] < IDLE_A
    if drawn_a < IDLE_A and was_low and is_due and not book.idle[evse]:
        book.idle[evse] = True
        book.idle_s[evse] = at_s
        book.cap_a[evse] = np.inf
        book.jump[evse] = 1


@kernel
def learn_kernel(
    evses: IntArray, at_s: FloatArray, lines_a: FloatArray, power_kw: FloatArray, book: Book, plugs: Plugs
) -> None:
    """Learn from n samples, each EVSE's in the order of time; what is not newer than what was seen says nothing."""
    for i in range(evses.size):
        evse, now_s = evses[i], at_s[i]
        pilot_a = max(book.pilot_a[evse], book.before_a[evse])
        drawn_a = drawn_kernel(evse, lines_a[i], power_kw[i], pilot_a, plugs)
        if now_s <= book.seen_s[evse] or np.isnan(drawn_a):
            continue
        book.seen_s[evse] = now_s
        book.draw_a[evse] = drawn_a
        lines_kernel(evse, lines_a[i], drawn_a, book, plugs)
        conduct_kernel(evse, drawn_a, now_s, book)
        if drawn_a >= IDLE_A:
            book.idle[evse] = False
            if not book.drew[evse] and book.pilot_a[evse] > 0.0 and now_s >= book.on_s[evse]:
                began_s = min(now_s - book.on_s[evse], LONGEST_DELAY_S)
                book.delay_s[evse] = max(book.delay_s[evse], began_s)
                book.drew[evse] = True
        if book.pilot_a[evse] <= 0.0 or now_s < book.since_s[evse] + FOLLOW_S:
            book.n_steady[evse] = 0
            continue
        idle_kernel(evse, drawn_a, now_s, book)
        if drawn_a >= IDLE_A:
            limit_kernel(evse, drawn_a, now_s, book, plugs)
        else:
            book.steady_a[evse] = drawn_a
            book.n_steady[evse] += 1
