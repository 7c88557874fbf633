"""Naive twins of the kernels of the discrete planner: every sequence of pauses and runs instead of recursion."""

from itertools import product

import numpy as np

from optimizer.discrete.runs import NOISE_COST, NOISE_KWH, Due, Switching, Taper, Want, Window
from optimizer.scheduling.pilots import Room
from tests.reference.dispatch import grant as granted
from tests.reference.dispatch import level
from tests.reference.dispatch import room as room_of

FORCED = 1e6


# --- one session ------------------------------------------------------------------------------------


def named(state, switching):
    """A state as a word and a length."""
    if state < switching.least_pause:
        return "pause", state + 1
    if state < switching.least_pause + switching.least_run:
        return "run", state - switching.least_pause + 1
    return "fresh", 0


def numbered(word, length, switching):
    """The number of such a state; lengths beyond the least one are the same."""
    if word == "pause":
        return min(length, switching.least_pause) - 1
    if word == "run":
        return switching.least_pause + min(length, switching.least_run) - 1
    return switching.least_pause + switching.least_run


def after(state, turns_on, switching):
    """A run or a pause becomes longer, or the other begins with its first slot; who has not begun may wait."""
    word, length = named(state, switching)
    becomes = "run" if turns_on else "fresh" if word == "fresh" else "pause"
    return numbered(becomes, length + 1 if becomes == word else 1, switching)


def toll(state, turns_on, is_blocked, switching):
    """A restart costs; too short a pause is impossible, and too short a run, unless a limit ends it."""
    word, length = named(state, switching)
    if turns_on and (is_blocked or (word == "pause" and length < switching.least_pause)):
        return np.inf
    if turns_on:
        return switching.cost if word == "pause" else 0.0
    if word == "run" and length < switching.least_run:
        return FORCED if is_blocked else np.inf
    return 0.0


def first(switching):
    """The state before the first slot."""
    if not switching.is_on:
        return numbered("fresh", 0, switching)
    return numbered("run", max(switching.least_run - switching.still, 1), switching)


def lagrangian(pilot_a, worth, window, switching):
    """What a sequence of pilots costs where a kWh is worth so much; inf where it is not allowed."""
    state, cost = first(switching), 0.0
    for k, one in enumerate(pilot_a):
        cost += toll(state, one > 0, window.high_a[k] <= 0, switching)
        cost += (window.price[k] - worth) * min(one, window.useful_a[k]) * window.kwh_per_a[k]
        state = after(state, one > 0, switching)
    return cost


def chosen(worth, window, switching):
    """The cheapest of all sequences; a run gives the least or the greatest pilot, whichever is cheaper."""
    on_a = np.where(window.price < worth, window.high_a, window.low_a)
    every = [np.where(is_on, on_a, 0.0) for is_on in product([False, True], repeat=window.slot.size)]
    return min(every, key=lambda pilot_a: lagrangian(pilot_a, worth, window, switching))


def kwh(pilot_a, window):
    """What a car draws of each pilot, and less and less of it as its battery fills."""
    found: list[float] = []
    for k, one in enumerate(pilot_a):
        hours, slope, accepted_kw = (column[k] for column in window.taper)
        drawn_kwh = min(one, window.useful_a[k]) * window.kwh_per_a[k]
        if slope > 0:
            # Mean power of the slot: what is accepted when half of the slot's energy is in.
            mean_kw = (accepted_kw - slope * sum(found)) / (1 + slope * hours / 2)
            drawn_kwh = min(drawn_kwh, max(mean_kw, 0.0) * hours)
        found.append(drawn_kwh)
    return np.array(found)


def cost(pilot_a, window, want, switching):
    """Energy until the car is full, bands of what lacks and of what is late, and restarts before it is full."""
    offered_kwh = np.concatenate([[0.0], np.cumsum(kwh(pilot_a, window))])
    taken_kwh = np.diff(np.minimum(offered_kwh, want.need_kwh))
    is_on = np.concatenate([[switching.is_on], pilot_a > 0])
    restarts = is_on[1:] & ~is_on[:-1] & np.logical_or.accumulate(is_on)[:-1]
    n_restarts = (restarts & (offered_kwh[:-1] < want.need_kwh - NOISE_KWH)).sum()
    short = bands(want.need_kwh - taken_kwh.sum(), want.width_kwh, want.short_per_kwh)
    late_kwh = np.maximum(want.due.need_kwh - want.due.share @ taken_kwh, 0.0)
    late = map(bands, late_kwh, want.due.width_kwh, want.due.late_per_kwh)
    return taken_kwh @ window.price + short + sum(late) + switching.cost * n_restarts


def bands(amount_kwh, width_kwh, per_kwh):
    """The first band first, up to its width."""
    edges = np.concatenate([[0.0], np.cumsum(width_kwh)])
    return np.diff(np.minimum(edges, amount_kwh)) @ per_kwh


def runs(pilot_a):
    """First and last slot of every run."""
    edges = np.diff(np.concatenate([[0], pilot_a > 0, [0]]).astype(int))
    return list(zip(np.nonzero(edges == 1)[0], np.nonzero(edges == -1)[0] - 1, strict=True))


def end(k, pilot_a, switching):
    """A run that began before the first slot goes on from it, and keeps the slots that it must stay on."""
    for begin, last in runs(pilot_a):
        is_old = begin == 0 and switching.is_on
        can_shrink = last - begin + 1 > switching.least_run and not (is_old and last < switching.still)
        if can_shrink and ((k == last and not (is_old and k == 0)) or (k == begin and not is_old)):
            return True
    return False


def drop(pilot_a, surplus_kwh, window, switching):
    """Drop the dearest slot that may go, again and again."""
    while True:
        gives_kwh = kwh(pilot_a, window)
        places = [k for k in range(pilot_a.size) if end(k, pilot_a, switching)]
        places = [k for k in places if gives_kwh[k] <= surplus_kwh + NOISE_KWH]
        if not places:
            return surplus_kwh
        worst = max(places, key=lambda k: window.price[k])
        pilot_a[worst] = 0.0
        surplus_kwh -= gives_kwh[worst]


def lower(pilot_a, surplus_kwh, window, levels_a):
    """Lower the dearest slots to the least level that takes no more off than is too much."""
    for k in sorted(range(pilot_a.size), key=lambda k: -window.price[k]):
        per_a, useful_a = window.kwh_per_a[k], window.useful_a[k]
        if surplus_kwh > NOISE_KWH and pilot_a[k] > window.low_a[k] and per_a > 0:
            had_a = min(pilot_a[k], useful_a)
            enough = [one for one in levels_a if one >= had_a - surplus_kwh / per_a - 1e-9]
            level_a = min(enough, default=np.inf)
            if level_a < pilot_a[k]:
                surplus_kwh -= (had_a - min(level_a, useful_a)) * per_a
                pilot_a[k] = level_a


def trim(pilot_a, window, levels_a):
    """The least level that carries what is drawn, where the battery tapers."""
    needed_kwh = kwh(pilot_a, window)
    for k in np.nonzero((pilot_a > 0) & (window.taper.slope_per_h > 0))[0]:
        if window.kwh_per_a[k] > 0:
            enough = [one for one in levels_a if one >= needed_kwh[k] / window.kwh_per_a[k] - 1e-9]
            pilot_a[k] = min(pilot_a[k], *enough)


def planned(want, window, switching, levels_a):
    """Halve the span of the price of energy; only the choice at each price is another's (see :func:`chosen`)."""
    low, high, most = want.worth_per_kwh - 0.02, want.worth_per_kwh + 0.02, want.short_per_kwh[0]

    def tried(worth):
        pilot_a = chosen(worth, window, switching)
        return pilot_a, float(kwh(pilot_a, window).sum() - want.need_kwh)

    best_a, surplus_kwh = tried(high)
    while surplus_kwh < -NOISE_KWH and high < most:
        low, high = high, min(most, high + 4.0 * (high - low))
        best_a, surplus_kwh = tried(high)
    is_enclosed = low > want.worth_per_kwh
    for _ in range(40):
        if surplus_kwh <= (window.low_a * window.kwh_per_a).max() or high < window.price.min():
            break
        worth = (low + high) / 2 if is_enclosed else low
        pilot_a, more_kwh = tried(worth)
        if more_kwh < -NOISE_KWH:
            low, is_enclosed = worth, True
        else:
            best_a, surplus_kwh = pilot_a, more_kwh
            low, high = low if is_enclosed else low - 4.0 * (high - low), worth
    trim(best_a, window, levels_a)
    lower(best_a, drop(best_a, surplus_kwh, window, switching), window, levels_a)
    return best_a


def timely(want, window, switching, levels_a):
    """With no price of being in time, and with each part of it."""
    hurries = (0.0, 0.5, 1.0, 2.0, 8.0) if want.due.early_per_kwh.any() else (0.0,)
    prices = [window.price - hurry * want.due.early_per_kwh for hurry in hurries]
    found = [planned(want, window._replace(price=price), switching, levels_a) for price in prices]
    return min(found, key=lambda pilot_a: cost(pilot_a, window, want, switching))


# --- EVSEs ------------------------------------------------------------------------------------------


def put(evse, sign, grid, told):
    """Put all pilots of an EVSE on its rows, or take them off."""
    for t, pilot_a in enumerate(told.pilot_a[evse]):
        granted(evse, sign * pilot_a, grid.wires, Room(grid.total[t], grid.limit[t], grid.n_lines[t]))


def carry(order, pilot_a, grid, told):
    """Give each EVSE the greatest level up to its pilot that fits, slot by slot."""
    for evse in order:
        for t in np.nonzero(pilot_a[evse])[0]:
            room = Room(grid.total[t], grid.limit[t], grid.n_lines[t])
            most_a = min(pilot_a[evse, t], room_of(evse, grid.wires, room))
            told.pilot_a[evse, t] = level(grid.wires.levels_a[evse], most_a)
            granted(evse, told.pilot_a[evse, t], grid.wires, room)


def switching(evse, is_here, contactors):
    """The row of an EVSE; a car to come finds an open contactor."""
    cost, least_run, least_pause, charging, still = (column[evse] for column in contactors)
    return Switching(cost, least_run, least_pause, bool(charging and is_here), int(still * is_here))


def window(evse, seat, begins, cars, grid):
    """Room, price and energy of every slot of a session."""
    slots = [t for t in np.nonzero(cars.connected_h[evse, seat])[0] if t >= begins]
    levels_a = [one for one in grid.wires.levels_a[evse] if np.isfinite(one)]
    found_a = []
    for t in slots:
        useful_a = cars.max_a[evse, t]
        enough_a = min([one for one in levels_a if one >= useful_a - 1e-9], default=useful_a)
        room_a = room_of(evse, grid.wires, Room(grid.total[t], grid.limit[t], grid.n_lines[t]))
        found_a.append(level(levels_a, min(enough_a, room_a)) if useful_a > 0 else 0.0)
    high_a = np.array(found_a)
    return Window(
        np.array(slots, dtype=np.int64),
        cars.price_per_kwh[evse, slots],
        np.where(high_a > 0, levels_a[0], 0.0),
        high_a,
        cars.max_a[evse, slots],
        grid.wires.kw_per_a[evse, slots] * cars.connected_h[evse, seat, slots],
        Taper(
            cars.connected_h[evse, seat, slots], cars.slope_per_h[evse, slots], cars.accepted_kw[evse, slots]
        ),
    )


def due(evse, seat, slots, cars):
    """The deadlines of one session, and what the plan pays for being in time in each slot."""
    mine = [k for k in range(cars.dues.seat.shape[1]) if cars.dues.seat[evse, k] == seat]
    mine = [k for k in mine if cars.dues.need_kwh[evse, k] > 0]
    here_h = cars.connected_h[evse, seat, slots]
    share = np.minimum(cars.dues.until_h[evse][np.ix_(mine, slots)] / here_h, 1.0)
    need_kwh, width_kwh, late_per_kwh, worth = (
        column[evse, mine] for column in cars.dues[1:2] + cars.dues[3:]
    )
    return Due(share, need_kwh, width_kwh, late_per_kwh, worth @ share)


def price(evse, cars, contactors, grid, told):
    """What the pilots of one session after the other cost."""
    told.cost[evse] = 0.0
    for slots, want, may in sought(evse, cars, contactors, grid):
        told.cost[evse] += cost(told.pilot_a[evse, slots.slot], slots, want, may)


def sought(evse, cars, contactors, grid):
    """Window, want and contactor of one session after the other, as they are when it is its turn."""
    begins = 0
    for seat in np.nonzero(cars.need_kwh[evse] > NOISE_KWH)[0]:
        slots = window(evse, seat, begins, cars, grid)
        if slots.slot.size:
            may = switching(evse, begins == 0 and slots.slot[0] == 0, contactors)
            values = (column[evse, seat] for column in cars[2:6])
            yield slots, Want._make((*values, due(evse, seat, slots.slot, cars))), may
            begins = slots.slot[-1] + 1


def reply(evse, cars, contactors, grid, told):
    """Choose for one session after the other with all others' pilots on the rows."""
    put(evse, -1.0, grid, told)
    told.cost[evse] = 0.0
    for slots, want, may in sought(evse, cars, contactors, grid):
        if not may.is_on:
            slots.high_a[: may.still] = 0.0
        old_a = told.pilot_a[evse, slots.slot]
        options = [old_a, timely(want, slots, may, grid.wires.levels_a[evse])]
        costs = [cost(one, slots, want, may) for one in options]
        best = int(costs[1] < costs[0] - NOISE_COST)
        told.pilot_a[evse, slots.slot] = options[best]
        told.cost[evse] += costs[best]
    put(evse, 1.0, grid, told)


def replies(order, cars, contactors, grid, told):
    """One after the other."""
    for evse in order:
        reply(evse, cars, contactors, grid, told)


def prices(evses, cars, contactors, grid, told):
    """One after the other."""
    for evse in evses:
        price(evse, cars, contactors, grid, told)


def rechoice(group, cars, contactors, grid, told):
    """Try it on copies."""
    total, tried = grid.total.copy(), type(told)(told.pilot_a.copy(), told.cost.copy())
    on_copy = grid._replace(total=total)
    for evse in group:
        put(evse, -1.0, on_copy, tried)
        tried.pilot_a[evse] = 0.0
    replies(group, cars, contactors, on_copy, tried)
    if tried.cost[group].sum() >= told.cost[group].sum() - NOISE_COST:
        return False
    told.pilot_a[:], told.cost[:], grid.total[:] = tried.pilot_a, tried.cost, total
    return True
