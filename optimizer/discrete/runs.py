"""The slots of one session: its cheapest pilots within what each slot allows, and what pilots cost.

A price of energy ``worth`` chooses: a slot that is cheaper is charged in at its greatest pilot, a dearer one is
paused in, or bridged at the least pilot where that is cheaper than to switch off and on again. The least ``worth``
at which the car gets its energy is found by bisection, and what is too much is taken off the dearest slots.

Everything here is numba; records are named tuples because kernels take them.
"""

from typing import NamedTuple

import numpy as np

from models.arrays import FloatArray, IntArray
from models.jit import kernel

N_HALVINGS = 40
"""Most halvings of the span of ``worth``."""

SPAN = 0.02
"""Span around the plan's marginal value in which ``worth`` is looked for first [currency/kWh]."""

WIDER = 4.0
"""How many times wider the next span is where that one was too narrow."""

NOISE_KWH = 1e-6
"""Energy that a car does not miss [kWh]."""

NOISE_COST = 1e-9
"""Saving that is none [currency]."""

TIE = 1e-12
"""Difference of two costs that is none [currency]: the car pauses."""

HURRIES = (0.5, 1.0, 2.0, 8.0)
"""Parts of the price of being in time that pilots are planned with.

On the site of ``bench run discrete`` with 100 cars, each with a milestone, schedules cost 0.9 % more than the bound;
79 and 22 % (two draws) where cars with deadlines were left as they were rounded.
"""

ON, OFF = True, False

FORCED = 1e6
"""Cost of a run that a limit ends before its least time [currency]: none is begun that would end so."""


class Taper(NamedTuple):
    """How the power falls that a battery accepts as it fills; all (n,).

    ``hours`` in which the car can charge, ``slope_per_h`` of power that is lost with every kWh (0: it does not fall),
    and ``accepted_kw`` with nothing given yet.
    """

    hours: FloatArray
    slope_per_h: FloatArray
    accepted_kw: FloatArray


class Window(NamedTuple):
    """The slots of one session; all (n,).

    ``slot`` of the horizon, ``price`` of a kWh, the least and greatest pilot that are possible, ``low_a`` and
    ``high_a`` (0: none), the pilot beyond which nothing more is drawn, ``useful_a``, the energy of 1 A, and how
    the battery ``taper``s.
    """

    slot: IntArray
    price: FloatArray
    low_a: FloatArray
    high_a: FloatArray
    useful_a: FloatArray
    kwh_per_a: FloatArray
    taper: Taper


class Switching(NamedTuple):
    """How one EVSE may switch.

    ``cost`` of switching off and on again [currency]; ``least_run`` and ``least_pause`` in slots, at least 1;
    whether it ``is_on`` for this session before the first slot, and for how many slots it has to stay so, ``still``.
    """

    cost: float
    least_run: int
    least_pause: int
    is_on: bool
    still: int


class Due(NamedTuple):
    """What one session is to have by each of its K deadlines, ``need_kwh`` (K,).

    ``share`` (K, n) of the energy of a slot is in time. What is late fills bands of ``width_kwh``, the cheapest first,
    at ``late_per_kwh``; both (K, B). ``early_per_kwh`` (n,) is what the plan values a kWh in each slot at for being
    in time.
    """

    share: FloatArray
    need_kwh: FloatArray
    width_kwh: FloatArray
    late_per_kwh: FloatArray
    early_per_kwh: FloatArray


class Want(NamedTuple):
    """What one session wants: until it is full [kWh], its marginal value in the plan [currency/kWh].

    What lacks fills bands of ``width_kwh``, the cheapest first, at ``short_per_kwh``; both (B,). What is ``due``
    before the end can be late beside.
    """

    need_kwh: float
    worth_per_kwh: float
    width_kwh: FloatArray
    short_per_kwh: FloatArray
    due: Due


@kernel
def after_kernel(state: int, turns_on: bool, switching: Switching) -> int:  # noqa: FBT001 - data
    """State after a slot in which a car charges or not.

    States are pauses of 1, 2, ... slots up to the least pause, runs of 1, 2, ... slots up to the least run, and
    last, not to have begun.
    """
    first_run = switching.least_pause
    fresh = first_run + switching.least_run
    if turns_on:
        return min(state + 1, fresh - 1) if first_run <= state < fresh else first_run
    if state == fresh:
        return fresh
    return min(state + 1, first_run - 1) if state < first_run else 0


@kernel
def toll_kernel(state: int, turns_on: bool, is_blocked: bool, switching: Switching) -> float:  # noqa: FBT001 - data
    """Cost of charging or not after a state, beside that of energy [currency]; inf where it may not.

    Only a restart costs something. A run ends early only where a limit leaves no room (``is_blocked``).
    """
    first_run = switching.least_pause
    fresh = first_run + switching.least_run
    if turns_on:
        if is_blocked or state < first_run - 1:
            return np.inf
        return switching.cost if state == first_run - 1 else 0.0
    if first_run <= state < fresh - 1:
        return FORCED if is_blocked else np.inf
    return 0.0


@kernel
def chosen_kernel(worth: float, window: Window, switching: Switching) -> FloatArray:
    """Pilots that cost least where a kWh is worth ``worth``, shape (n,) [A]: dynamic programming, last slot first."""
    n, n_states = window.slot.size, switching.least_pause + switching.least_run + 1
    ahead = np.zeros(n_states)
    here = np.zeros(n_states)
    turns_on = np.zeros((n, n_states), dtype=np.bool_)
    for k in range(n - 1, -1, -1):
        is_blocked = window.high_a[k] <= 0.0
        margin = (window.price[k] - worth) * window.kwh_per_a[k]
        low_a, high_a = min(window.low_a[k], window.useful_a[k]), min(window.high_a[k], window.useful_a[k])
        run = min(margin * low_a, margin * high_a)
        for state in range(n_states):
            on = toll_kernel(state, ON, is_blocked, switching)
            on += run + ahead[after_kernel(state, ON, switching)]
            off = toll_kernel(state, OFF, is_blocked, switching)
            off += ahead[after_kernel(state, OFF, switching)]
            turns_on[k, state] = on < off - TIE
            here[state] = min(on, off)
        ahead[:] = here
    state = n_states - 1
    if switching.is_on:
        state = switching.least_pause + max(switching.least_run - 1 - switching.still, 0)
    pilot_a = np.zeros(n)
    for k in range(n):
        if turns_on[k, state]:
            pilot_a[k] = window.high_a[k] if window.price[k] < worth else window.low_a[k]
        state = after_kernel(state, turns_on[k, state], switching)
    return pilot_a


@kernel
def kwh_kernel(pilot_a: FloatArray, window: Window) -> FloatArray:
    """Energy of pilots, shape (n,) [kWh]; see :func:`optimizer.scheduling.taken.taken_kwh` for the law of tapering."""
    kwh = np.minimum(pilot_a, window.useful_a) * window.kwh_per_a
    given_kwh = 0.0
    for k in range(kwh.size):
        slope, hours = window.taper.slope_per_h[k], window.taper.hours[k]
        if slope > 0.0:
            most_kw = max(window.taper.accepted_kw[k] - slope * given_kwh, 0.0) / (1.0 + slope * hours / 2.0)
            kwh[k] = min(kwh[k], most_kw * hours)
        given_kwh += kwh[k]
    return kwh


@kernel
def bands_kernel(amount_kwh: float, width_kwh: FloatArray, per_kwh: FloatArray) -> float:
    """What an amount costs that fills bands, the first one first [currency]."""
    cost = 0.0
    for band in range(width_kwh.size):
        part_kwh = min(amount_kwh, width_kwh[band])
        cost += part_kwh * per_kwh[band]
        amount_kwh -= part_kwh
    return cost


@kernel
def cost_kernel(pilot_a: FloatArray, window: Window, want: Want, switching: Switching) -> float:
    """What pilots of a session cost [currency]: energy, what lacks and what is late, restarts before it is full."""
    kwh = kwh_kernel(pilot_a, window)
    got_kwh = cost = 0.0
    in_time_kwh = np.zeros(want.due.need_kwh.size)
    was_on = has_run = switching.is_on
    for k in range(pilot_a.size):
        is_on = pilot_a[k] > 0.0
        if is_on and has_run and not was_on and got_kwh < want.need_kwh - NOISE_KWH:
            cost += switching.cost
        was_on, has_run = is_on, has_run or is_on
        given_kwh = min(kwh[k], want.need_kwh - got_kwh)
        got_kwh += given_kwh
        cost += given_kwh * window.price[k]
        for place in range(in_time_kwh.size):
            in_time_kwh[place] += given_kwh * want.due.share[place, k]
    cost += bands_kernel(want.need_kwh - got_kwh, want.width_kwh, want.short_per_kwh)
    for place in range(in_time_kwh.size):
        late_kwh = max(want.due.need_kwh[place] - in_time_kwh[place], 0.0)
        cost += bands_kernel(late_kwh, want.due.width_kwh[place], want.due.late_per_kwh[place])
    return cost


@kernel
def end_kernel(k: int, pilot_a: FloatArray, switching: Switching) -> bool:
    """Whether a slot is at an end of a run that may be shorter by it without one switch more."""
    n = pilot_a.size
    before = pilot_a[k - 1] > 0.0 if k > 0 else switching.is_on
    after = pilot_a[k + 1] > 0.0 if k + 1 < n else False
    if pilot_a[k] <= 0.0 or (before and after) or (k == 0 and switching.is_on):
        return False
    first, last = k, k
    while first > 0 and pilot_a[first - 1] > 0.0:
        first -= 1
    while last + 1 < n and pilot_a[last + 1] > 0.0:
        last += 1
    is_held = first == 0 and switching.is_on and switching.still > last
    return last - first + 1 > switching.least_run and not is_held


@kernel
def drop_kernel(pilot_a: FloatArray, surplus_kwh: float, window: Window, switching: Switching) -> float:
    """Drop whole slots at the ends of runs, the dearest first, in place; returns what is left of a surplus [kWh]."""
    while True:
        kwh = kwh_kernel(pilot_a, window)
        worst = -1
        for k in range(pilot_a.size):
            if kwh[k] > surplus_kwh + NOISE_KWH or (worst >= 0 and window.price[k] <= window.price[worst]):
                continue
            if end_kernel(k, pilot_a, switching):
                worst = k
        if worst < 0:
            return surplus_kwh
        pilot_a[worst] = 0.0
        surplus_kwh -= kwh[worst]


@kernel
def lower_kernel(pilot_a: FloatArray, surplus_kwh: float, window: Window, levels_a: FloatArray) -> None:
    """Lower pilots in the dearest slots by a surplus, never to 0; in place."""
    for k in np.argsort(-window.price, kind="mergesort"):
        if surplus_kwh <= NOISE_KWH:
            break
        if pilot_a[k] <= window.low_a[k] or window.kwh_per_a[k] <= 0.0:
            continue
        had_a = min(pilot_a[k], window.useful_a[k])
        above = np.searchsorted(levels_a, had_a - surplus_kwh / window.kwh_per_a[k] - 1e-9)
        level_a = levels_a[min(above, levels_a.size - 1)]
        if level_a < pilot_a[k]:
            surplus_kwh -= (had_a - min(level_a, window.useful_a[k])) * window.kwh_per_a[k]
            pilot_a[k] = level_a


@kernel
def trim_kernel(pilot_a: FloatArray, window: Window, levels_a: FloatArray) -> None:
    """Lower pilots to the least level that carries what a tapering battery draws; in place."""
    kwh = kwh_kernel(pilot_a, window)
    for k in range(pilot_a.size):
        if pilot_a[k] > 0.0 and window.taper.slope_per_h[k] > 0.0 and window.kwh_per_a[k] > 0.0:
            above = np.searchsorted(levels_a, kwh[k] / window.kwh_per_a[k] - 1e-9)
            pilot_a[k] = min(pilot_a[k], levels_a[min(above, levels_a.size - 1)])


@kernel
def planned_kernel(want: Want, window: Window, switching: Switching, levels_a: FloatArray) -> FloatArray:
    """Cheapest pilots that fill a car, or give it all that is possible, shape (n,) [A].

    Looked for between a ``worth`` that gives too little and one that gives enough, around the plan's marginal value.
    Of a tapering battery's surplus some may stay: what a slot less frees for later ones is not counted.
    """
    low, high, most = want.worth_per_kwh - SPAN, want.worth_per_kwh + SPAN, want.short_per_kwh[0]
    best_a = chosen_kernel(high, window, switching)
    surplus_kwh = kwh_kernel(best_a, window).sum() - want.need_kwh
    while surplus_kwh < -NOISE_KWH and high < most:
        low, high = high, min(most, high + WIDER * (high - low))
        best_a = chosen_kernel(high, window, switching)
        surplus_kwh = kwh_kernel(best_a, window).sum() - want.need_kwh
    step_kwh, cheapest = (window.low_a * window.kwh_per_a).max(), window.price.min()
    is_enclosed = low > want.worth_per_kwh
    for _ in range(N_HALVINGS):
        if surplus_kwh <= step_kwh or high < cheapest:
            break
        worth = 0.5 * (low + high) if is_enclosed else low
        pilot_a = chosen_kernel(worth, window, switching)
        more_kwh = kwh_kernel(pilot_a, window).sum() - want.need_kwh
        if more_kwh < -NOISE_KWH:
            low, is_enclosed = worth, True
        else:
            best_a, surplus_kwh = pilot_a, more_kwh
            low -= 0.0 if is_enclosed else WIDER * (high - low)
            high = worth
    trim_kernel(best_a, window, levels_a)
    lower_kernel(best_a, drop_kernel(best_a, surplus_kwh, window, switching), window, levels_a)
    return best_a


@kernel
def timely_kernel(want: Want, window: Window, switching: Switching, levels_a: FloatArray) -> FloatArray:
    """Cheapest of the pilots that fill a car with more and with less hurry, shape (n,) [A].

    The optimum's price of being in time is right at the margin, and only there: real pilots need some of it, or more.
    """
    best_a = planned_kernel(want, window, switching, levels_a)
    if not want.due.early_per_kwh.any():
        return best_a
    least = cost_kernel(best_a, window, want, switching)
    for hurry in HURRIES:
        price = window.price - hurry * want.due.early_per_kwh
        hasty = Window(
            window.slot,
            price,
            window.low_a,
            window.high_a,
            window.useful_a,
            window.kwh_per_a,
            window.taper,
        )
        pilot_a = planned_kernel(want, hasty, switching, levels_a)
        cost = cost_kernel(pilot_a, window, want, switching)
        if cost < least - NOISE_COST:
            best_a, least = pilot_a, cost
    return best_a
