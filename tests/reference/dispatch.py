"""Naive twins of the kernels that dispatch is made of: complex numbers and masks instead of loops.

Sums are formed in the same order as in the kernels, so that a draw at the edge of a rounding agrees too.
"""

import numpy as np

from optimizer.scheduling.pilots import HOLD_H, HOLD_KW, Granted, Ledger, Room, Wants


def loads(evse, wires, room):
    """(row, phasor of 1 A) of every row above an EVSE, on the phases that its car uses."""
    n_rows, weight = int((wires.rows[evse] >= 0).sum()), wires.weight[int(room.n_lines[evse])]
    return [(int(wires.rows[evse, k]), complex(*weight[evse, k])) for k in range(n_rows)]


def step(total, weight, limit, is_power):
    """Where a straight line leaves a circle, or a half-plane: the greatest root of a quadratic."""
    start, direction = complex(*total), complex(*weight)
    if is_power:
        return (limit - start.real) / direction.real if direction.real > 0 else np.inf
    if direction == 0 or limit == np.inf:
        return np.inf
    along = (start * direction.conjugate()).real
    roots = np.roots([abs(direction) ** 2, 2 * along, abs(start) ** 2 - limit**2])
    real = [root.real for root in roots if abs(root.imag) <= 1e-6 * (1 + abs(root.real))]
    return max(real, default=0.0)


def room(evse, wires, room):
    """Least of all that is left above an EVSE, in amperes."""
    steps = [
        step(room.total[row], (weight.real, weight.imag), room.limit[row], wires.is_power[row])
        for row, weight in loads(evse, wires, room)
    ]
    return min(steps, default=np.inf)


def level(levels_a, most_a):
    """Greatest of the levels that fit."""
    return max((one for one in levels_a if one <= most_a + 1e-9), default=0.0)


def grant(evse, extra_a, wires, room):
    """Put a grant on all rows above at once."""
    for row, weight in loads(evse, wires, room):
        room.total[row] += extra_a * np.array([weight.real, weight.imag])


def goal(evse, pilot_a, wants, wires):
    """Next level where the want has come far enough towards it, all that is useful where pressed."""
    higher = [one for one in wires.levels_a[evse] if np.isfinite(one) and one >= pilot_a + 1e-9]
    want_a, part = wants.held_a[evse], wants.round_at[evse]
    is_due = bool(higher) and want_a > pilot_a + part * (higher[0] - pilot_a) + 1e-9
    reached_a = higher[0] if is_due else pilot_a
    return max(reached_a, wants.most_a[evse]) if wants.pressed[evse] else reached_a


def pilots(wants, wires, room_left):
    """Everybody's due rounded down, who cannot wait first, then what is left over, each time most urgent first."""
    open_evses = [e for e in range(len(wants.most_a)) if wants.most_a[e] > 0]
    order = sorted(open_evses, key=lambda e: -wants.urgency[e])
    told_a = dict.fromkeys(range(len(wants.most_a)), 0.0)
    rounds = (
        ([e for e in order if wants.at_last[e]], lambda e: wants.want_a[e]),
        (order, lambda e: wants.held_a[e]),
        (order, lambda e: goal(e, told_a[e], wants, wires)),
    )
    for in_turn, goal_of in rounds:
        for e in in_turn:
            most_a = min(goal_of(e), told_a[e] + room(e, wires, room_left))
            raised_a = max(level(wires.levels_a[e], most_a), told_a[e])
            grant(e, raised_a - told_a[e], wires, room_left)
            told_a[e] = raised_a
    return np.array(list(told_a.values()))


def wants(t, demand, wires, ledger, step_h):
    """Due, use and urgency of all EVSEs at once; the ledger's debts are brought up to date."""
    hours = demand.connected_h[:, :, t]
    is_open = (hours > 0) & (ledger.left_kwh > 1e-9)
    open_kwh = np.where(is_open, ledger.left_kwh, 0.0).sum(axis=1)
    open_h = np.where(is_open, hours, 0.0).sum(axis=1)
    full_kw = np.maximum(demand.max_a[:, t] * wires.kw_per_a[:, t], 1e-9)[:, None]
    laxity = (ledger.left_h - ledger.left_kwh / full_kw) / step_h
    planned_kwh = ledger.left_kwh - demand.short_kwh
    is_last = (planned_kwh > 0.05) & (ledger.left_h - planned_kwh / full_kw < step_h)
    weight = demand.priority / np.maximum(laxity + 3.0, 0.1) * np.where(ledger.charging, 1.25, 1.0)[:, None]
    charges = (open_kwh > 0) & (demand.max_a[:, t] > 0)
    owed_kwh = np.minimum(ledger.owed_kwh + demand.target_kw[:, t] * open_h, open_kwh)
    ledger.owed_kwh[:] = np.where(charges, owed_kwh, 0.0)
    due_a = np.maximum(owed_kwh, 0.0) / np.where(charges, open_h, 1.0) / wires.kw_per_a[:, t]
    n_soon = max(int(HOLD_H / step_h), 1)
    soon_kw = demand.target_kw[:, t : t + n_soon].max(axis=1)
    held_a = np.where(ledger.charging & (soon_kw > HOLD_KW), wires.levels_a[:, 0], 0.0)
    return Wants(
        want_a=np.where(charges, np.minimum(due_a, demand.max_a[:, t]), 0.0),
        held_a=np.where(charges, np.minimum(np.maximum(due_a, held_a), demand.max_a[:, t]), 0.0),
        most_a=np.where(charges, demand.max_a[:, t], 0.0),
        urgency=np.where(is_open, weight, 0.0).max(axis=1, initial=0.0),
        round_at=np.where(charges & (owed_kwh > open_kwh - 1e-6), 0.0, 0.5),
        pressed=(is_open & demand.pressed).any(axis=1),
        at_last=(is_open & is_last).any(axis=1),
    )


def settle(t, pilot_a, demand, wires, ledger):
    """Energy of one slot for all seats at once, and the ledger after it."""
    drawn_kw = (np.minimum(pilot_a, demand.max_a[:, t]) * wires.kw_per_a[:, t])[:, None]
    given_kwh = np.minimum(drawn_kw * demand.connected_h[:, :, t], ledger.left_kwh)
    ledger.left_kwh[:] = ledger.left_kwh - given_kwh
    ledger.left_h[:] = ledger.left_h - demand.connected_h[:, :, t]
    for seat in range(given_kwh.shape[1]):
        ledger.owed_kwh[:] = ledger.owed_kwh - given_kwh[:, seat]
    ledger.charging[:] = pilot_a > 0
    return given_kwh


def top_up(t, least_a, demand, wires, room_left, granted):
    """Raise the pilots of a slot to the level that gives back what is lost, as far as there is room."""
    n_evses, n_seats, _ = granted.energy_kwh.shape
    for e, q in np.ndindex(n_evses, n_seats):
        hours, lost_kwh = demand.connected_h[e, q, t], granted.lost_kwh[e, q]
        pilot_a, most_a = granted.pilot_a[e, t], demand.max_a[e, t]
        if hours > 0 and lost_kwh > 0.05 and pilot_a >= least_a:
            wanted_a = min(pilot_a + lost_kwh / hours / wires.kw_per_a[e, t], most_a)
            enough = [one for one in wires.levels_a[e] if one >= wanted_a - 1e-9]
            goal_a = min(enough, default=wanted_a)
            raised_a = level(wires.levels_a[e], min(goal_a, pilot_a + room(e, wires, room_left)))
            if raised_a > pilot_a:
                grant(e, raised_a - pilot_a, wires, room_left)
                useful_a = min(raised_a, most_a) - min(pilot_a, most_a)
                more_kwh = min(useful_a * wires.kw_per_a[e, t] * hours, lost_kwh)
                granted.pilot_a[e, t] = raised_a
                granted.energy_kwh[e, q, t] += more_kwh
                granted.lost_kwh[e, q] -= more_kwh


def dispatch(demand, wires, n_lines, total, limit, step_h):
    """All slots, from the parts above."""
    n_slots = demand.connected_h.shape[2]
    rooms = [Room(total[t], limit[t], n_lines[t]) for t in range(n_slots)]
    left_h = demand.connected_h.sum(axis=2)
    ledger = Ledger(demand.need_kwh.copy(), left_h, np.zeros(len(left_h)), demand.charging.copy())
    told, given = [], []
    for t in range(n_slots):
        told.append(pilots(wants(t, demand, wires, ledger, step_h), wires, rooms[t]))
        given.append(settle(t, told[-1], demand, wires, ledger))
    granted = Granted(np.stack(told, axis=-1), np.stack(given, axis=-1), ledger.left_kwh - demand.short_kwh)
    for t in range(n_slots):
        top_up(t, 1e-6, demand, wires, rooms[t], granted)
    for t in reversed(range(n_slots)):
        top_up(t, 0.0, demand, wires, rooms[t], granted)
    return granted.pilot_a, granted.energy_kwh
