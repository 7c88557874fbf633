"""Naive twins of the fast clock's kernels: one EVSE as a dict, lists instead of searches, formulas turned round."""

import math

import numpy as np

from tests.reference.dispatch import grant, level, loads, room

FOLLOW_S, WAKE_S, PROBE_S, LONGEST_DELAY_S = 10.0, 45.0, 300.0, 180.0


def drawn(evse, lines_a, power_kw, pilot_a, plugs):
    """Greatest of what lines show, else what the power makes on the fewest lines that the pilot allows."""
    shown = [a for a in lines_a[: plugs.n_lines[evse]] if a >= 0.0]
    if shown:
        return max(shown)
    if math.isnan(power_kw) or power_kw < 0.0:
        return math.nan
    choices = [
        power_kw / (n * plugs.kw_per_line[evse])
        for n in range(plugs.least_lines[evse], plugs.n_lines[evse] + 1)
    ]
    return next((a for a in choices if a <= pilot_a + 1.0), choices[-1])


def lines(one, lines_a, drawn_a, n_lines, least_lines):
    """Count the lines with a part of the greatest current, and believe the count."""
    own_a = list(lines_a[:n_lines])
    if drawn_a < 3.0 or any(math.isnan(a) for a in own_a):
        return
    used = [number for number, a in enumerate(own_a, start=1) if a >= 0.3 * drawn_a]
    n_used = max([*used, least_lines])
    known = one["n_used"] or n_lines
    one["n_fewer"] = (one["n_fewer"] + 1) * (n_used < known)
    if n_used >= known or one["n_fewer"] >= 2:
        one["n_used"] = n_used


def conduct(one, drawn_a, at_s):
    """Compare a draw with the greatest pilot that may be followed."""
    pilots_a = [one["pilot_a"]] + [one["before_a"]] * (at_s < one["since_s"] + FOLLOW_S)
    is_over = drawn_a > 1.04 * max(pilots_a) + 1.0
    one["n_over"] = one["n_over"] + 1 if is_over else 0
    one["n_obeyed"] = 0 if is_over else one["n_obeyed"] + 1
    patience = 6 * {0: 1, 1: 1, 2: 4, 3: 16}.get(one["n_defied"], 64)
    if one["n_over"] == 2 and not one["defiant"]:
        one["defiant"], one["n_defied"] = True, one["n_defied"] + 1
    elif one["n_obeyed"] >= patience:
        one["defiant"] = False


def lift(one, drawn_a, at_s, levels_a):
    """Of the levels above the limit take the one that is so many jumps away."""
    higher = [a for a in levels_a if math.isfinite(a) and a >= one["cap_a"] + 1e-9]
    jump = one["jump"]
    one["cap_a"] = higher[jump - 1] if len(higher) >= jump else math.inf
    one["jump"], one["probed_s"], one["probe_a"] = 2 * jump, at_s, drawn_a


def lower(one, before_a, drawn_a, at_s, levels_a):
    """Take the least level that would carry what is drawn, where that frees something."""
    most_a = max(before_a, drawn_a)
    is_rising = drawn_a - before_a > 0.3
    is_spare = most_a + 0.5 + 0.05 * one["pilot_a"] < one["follow"] * one["pilot_a"]
    enough = [a for a in levels_a if math.isfinite(a) and a >= (most_a + 0.5) / one["follow"] - 1e-9]
    if not is_rising and is_spare and enough and enough[0] < min(one["pilot_a"], one["cap_a"]):
        one.update(cap_a=enough[0], freed_a=most_a, freed_share=most_a / one["pilot_a"])
        one.update(jump=1, probed_s=at_s, probe_a=math.inf)


def loose(one, drawn_a):
    """The same part of two pilots: no limit."""
    freed_a, one["freed_a"] = one["freed_a"], math.inf
    share = drawn_a / one["pilot_a"]
    was_enough = one["pilot_a"] >= freed_a + 0.25
    if was_enough and drawn_a < freed_a - 0.3 and share >= 0.8 and abs(share - one["freed_share"]) <= 0.02:
        one.update(follow=share, cap_a=math.inf)


def limit(one, drawn_a, at_s, levels_a):
    """All, nearly all or clearly less than was offered: three answers."""
    before_a, is_first = one["steady_a"], one["n_steady"] == 0
    one["steady_a"], one["n_steady"] = drawn_a, one["n_steady"] + 1
    offered_a = one["follow"] * one["pilot_a"]
    if is_first:
        loose(one, drawn_a)
    if one["pilot_a"] >= one["cap_a"] - 1e-9:
        is_near = drawn_a >= offered_a - 0.5 - 0.05 * offered_a
        has_risen = drawn_a > one["probe_a"] + 0.3
        is_due = at_s >= one["probed_s"] + PROBE_S
        if drawn_a >= offered_a - 0.25 or (is_near and has_risen):
            return lift(one, drawn_a, at_s, levels_a)
        if is_near and is_due:
            one["jump"] = 1
            return lift(one, drawn_a, at_s, levels_a)
    return None if is_first else lower(one, before_a, drawn_a, at_s, levels_a)


def idle(one, drawn_a, at_s):
    """Two low samples in a row, of a car that has drawn or that has had its time."""
    has_had_time = at_s - one["on_s"] - FOLLOW_S - one["delay_s"] >= WAKE_S
    lows = [drawn_a < 0.5, one["n_steady"] > 0, one["steady_a"] < 0.5, one["drew"] or has_had_time]
    if all(lows) and not one["idle"]:
        one.update(idle=True, idle_s=at_s, cap_a=math.inf, jump=1)


def learn(samples, book, plugs):
    """Learn from (EVSE, time, currents, power) one after the other; ``book`` is a list of dicts."""
    for evse, at_s, lines_a, power_kw in samples:
        one, levels_a = book[evse], list(plugs.levels_a[evse])
        drawn_a = drawn(evse, lines_a, power_kw, max(one["pilot_a"], one["before_a"]), plugs)
        if math.isnan(drawn_a) or at_s <= one["seen_s"]:
            continue
        one.update(seen_s=at_s, draw_a=drawn_a)
        lines(one, lines_a, drawn_a, plugs.n_lines[evse], plugs.least_lines[evse])
        conduct(one, drawn_a, at_s)
        draws = drawn_a >= 0.5
        one["idle"] = one["idle"] and not draws
        if draws and not one["drew"] and one["pilot_a"] > 0.0 and at_s >= one["on_s"]:
            took_s = min(at_s - one["on_s"], LONGEST_DELAY_S)
            one.update(drew=True, delay_s=max(one["delay_s"], took_s))
        if one["pilot_a"] <= 0.0 or at_s < one["since_s"] + FOLLOW_S:
            one["n_steady"] = 0
            continue
        idle(one, drawn_a, at_s)
        if draws:
            limit(one, drawn_a, at_s, levels_a)
        else:
            one.update(steady_a=drawn_a, n_steady=one["n_steady"] + 1)


# --- sharing --------------------------------------------------------------------------------------


def hold(evse, current_a, wires, room_left, held):
    """Keep free what a current may put on its rows, whichever way."""
    for row, weight in loads(evse, wires, room_left):
        held[row] += current_a * (max(weight.real, 0.0) if wires.is_power[row] else abs(weight))


def serve(order, goal_a, pilot_a, wires, room_left):
    """Raise one after the other; the level that fits is looked for from above."""
    before = list(pilot_a)
    for evse in order:
        most_a = min(goal_a[evse], pilot_a[evse] + room(evse, wires, room_left))
        raised_a = max(level(wires.levels_a[evse], most_a), pilot_a[evse])
        if goal_a[evse] > pilot_a[evse]:
            grant(evse, raised_a - pilot_a[evse], wires, room_left)
            pilot_a[evse] = raised_a
    return list(pilot_a) != before


def share(claims, wires, room_left, tight):
    """What must run, what is due; then within the tighter limits what is free, and who may try."""
    order = sorted(range(len(claims.urgency)), key=lambda evse: -claims.urgency[evse])
    pilot_a = [0.0] * len(order)
    for goal_a in (claims.must_a, *[claims.base_a] * 3):
        serve(order, goal_a, pilot_a, wires, room_left)
    rest = room_left._replace(limit=np.minimum(room_left.limit, tight))
    for goal_a in (claims.extra_a, claims.try_a):
        serve(order, goal_a, pilot_a, wires, rest)
    return pilot_a


def climb(goal_a, told_a, may_draw_a, urgency, wires, room_left):
    """First everybody down, as far as rows allow; then up, one after the other, with what others may draw kept free."""
    evses = range(len(goal_a))
    order, pilot_a = sorted(evses, key=lambda evse: -urgency[evse]), [0.0] * len(evses)
    least_a = [min(pair) for pair in zip(goal_a, told_a, strict=True)]
    for _ in range(3):
        serve(order, least_a, pilot_a, wires, room_left)
    for evse in order:
        held = np.zeros_like(room_left.limit)
        for other in evses:
            if other != evse:
                hold(other, max(may_draw_a[other] - pilot_a[other], 0.0), wires, room_left, held)
        rest = room_left._replace(limit=np.maximum(room_left.limit - held, 0.0))
        serve([evse], goal_a, pilot_a, wires, rest)
    return pilot_a
