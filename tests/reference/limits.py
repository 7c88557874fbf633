"""What a schedule puts on every row, counted slot by slot and car by car from the site's records.

Instantaneous values instead of phasors: currents and voltages are sampled over a period of the grid, and a
magnitude is the amplitude of what was sampled.
"""

import numpy as np

ANGLE = 2 * np.pi * np.arange(48) / 48


def wave(size, lag, behind=0.0):
    """One period of a current of a size that lags the voltage of L1 by so much, and a power factor's angle."""
    return size * np.cos(ANGLE - lag - behind)


def amplitude(samples):
    """Amplitude of a sampled sine."""
    return float(np.hypot(samples @ np.cos(ANGLE), samples @ np.sin(ANGLE)) * 2 / ANGLE.size)


LAG = (0.0, 2 * np.pi / 3, 4 * np.pi / 3)


def parents(site, node_id):
    """A node and all above it."""
    parent_of = {node.node_id: node.parent_id for node in site.nodes}
    while node_id is not None:
        yield node_id
        node_id = parent_of[node_id]


def phases_used(state, evse, slot):
    """Site phases that a pilot loads in a slot: those of the cars that may be there, whoever takes more."""
    begin, end = max(state.grid.slot_start(slot), state.now), state.grid.slot_start(slot + 1)
    here = []
    for session in state.sessions:
        if session.evse_id == evse.evse_id:
            leaves = max(session.departure.times)
            leaves = end if leaves <= state.now else leaves  # too late already: who knows
            after = [s.arrival for s in state.sessions if s.evse_id == evse.evse_id]
            leaves = min([leaves, *(arrival for arrival in after if arrival > session.arrival)])
            if session.arrival < end and leaves > begin:
                here.append(session.n_phases or len(evse.phases))
    return evse.phases[: max(here, default=len(evse.phases))]


def lines_of(evse, size_a, phases):
    """Waves on L1, L2 and L3 of an EVSE at a pilot."""
    out = [wave(0.0, 0.0) for _ in range(3)]
    behind = float(np.arccos(evse.power_factor))
    if evse.wiring == "delta" and len(evse.phases) == 2:
        if phases:
            one, other = (int(phase) for phase in evse.phases)
            across = wave(1.0, LAG[one], behind) - wave(1.0, LAG[other], behind)
            out[one] = out[one] + across * size_a / np.sqrt(3)
            out[other] = out[other] - across * size_a / np.sqrt(3)
        return out
    for phase in phases:
        out[phase] = out[phase] + wave(size_a, LAG[phase], behind)
    return out


def cars(state, schedule, node_id, slot):
    """Waves of all cars below a node in a slot."""
    total = [wave(0.0, 0.0) for _ in range(3)]
    for station in state.site.stations:
        if node_id in parents(state.site, station.node_id):
            for evse in station.evses:
                pilot_a = float(schedule.pilot_a[schedule.row(evse.evse_id), slot])
                added = lines_of(evse, pilot_a, phases_used(state, evse, slot))
                total = [one + other for one, other in zip(total, added, strict=True)]
    return total


def drawing(total, power_kw, voltage_v):
    """Waves with power added that is the same on all phases."""
    each_a = power_kw / 3.0 * 1000.0 / voltage_v
    return [one + wave(each_a, LAG[phase]) for phase, one in enumerate(total)]


def told(state, schedule, node_id, slot):
    """Waves of what assets are told, below a node in a slot."""
    total = [wave(0.0, 0.0) for _ in range(3)]
    node_of = {
        asset.asset_id: asset.node_id
        for asset in (*state.assets.batteries, *state.assets.solar, *state.assets.generators)
    }
    for asset in schedule.assets:
        if node_id in parents(state.site, node_of[asset.asset_id]):
            total = drawing(total, float(asset.power_kw[slot]), state.site.voltage_v)
    return total


def uncontrolled(state, node_id, slot, level):
    """Waves of the uncontrolled load and of stations that do not obey, below a node in a slot."""
    total = [wave(0.0, 0.0) for _ in range(3)]
    for load in state.loads:
        if node_id in parents(state.site, load.node_id):
            for phase in range(3):
                power_kw = float(load.phase_share[phase]) * float(load.at(level)[slot])
                total[phase] = total[phase] + wave(power_kw * 1000.0 / state.site.voltage_v, LAG[phase])
    for plant in state.assets.solar:
        if not plant.can_curtail and node_id in parents(state.site, plant.node_id):
            total = drawing(total, -float(plant.at(1.0 - level)[slot]), state.site.voltage_v)
    here = [one for one in state.site.stations if node_id in parents(state.site, one.node_id)]
    for evse in (evse for station in here for evse in station.evses):
        added = lines_of(evse, anyway_a(state, evse.evse_id), evse.phases)
        total = [one + other for one, other in zip(total, added, strict=True)]
    return total


def anyway_a(state, evse_id):
    """The pilot that an EVSE counts at because its station does not obey."""
    conduct = {condition.station_id: condition.conduct for condition in state.conditions}
    for station in state.site.stations:
        for evse in station.evses:
            if evse.evse_id == evse_id and station.station_id in conduct:
                most_a = max(evse.levels_a)
                return min(most_a, station.offline_a) if conduct[station.station_id] == "offline" else most_a
    return 0.0


def limits(state, node, slot):
    """Tightest limits of a node in a slot, by quantity."""
    inf = float("inf")
    kw = [inf if node.limit_kw is None else node.limit_kw]
    a = [[inf] if node.limit_a is None else [node.limit_a[phase]] for phase in range(3)]
    for limit in state.limits:
        if limit.node_id == node.node_id:
            kw += [] if limit.limit_kw is None else [float(limit.limit_kw[slot])]
            for phase in range(3):
                a[phase] += [] if limit.limit_a is None else [float(limit.limit_a[phase, slot])]
    found = {"kW": min(kw)} | {f"L{p + 1}": min(a[p]) for p in range(3)}
    found["kVA"] = inf if node.limit_kva is None else node.limit_kva
    for one, other in ((1, 2), (2, 3), (3, 1)):
        found[f"L{one}-L{other}"] = inf if node.unbalance_a is None else node.unbalance_a
    return found


def quantities(lines, volts):
    """What lines carry, by quantity."""
    real = imaginary = 0.0
    own = []
    for phase, samples in enumerate(lines):
        in_phase = float(samples @ wave(1.0, LAG[phase])) * 2 / ANGLE.size
        behind = float(samples @ wave(1.0, LAG[phase], np.pi / 2)) * 2 / ANGLE.size
        own.append(complex(in_phase, behind))
        real, imaginary = real + in_phase * volts, imaginary + behind * volts
    found = {"kW": real, "kVA": float(np.hypot(real, imaginary))}
    found |= {f"L{phase + 1}": amplitude(samples) for phase, samples in enumerate(lines)}
    for one, other in ((0, 1), (1, 2), (2, 0)):
        found[f"L{one + 1}-L{other + 1}"] = abs(own[one] - own[other])
    return found


def excesses(state, schedule, level, tolerance=1e-5):
    """Every (node, quantity, slot) that cars overload; where the rest alone is too much, any car does."""
    found = []
    for slot in range(state.grid.n_slots):
        for node in state.site.nodes:
            rest = uncontrolled(state, node.node_id, slot, level)
            parts = (cars(state, schedule, node.node_id, slot), told(state, schedule, node.node_id, slot))
            added = [one + other for one, other in zip(*parts, strict=True)]
            volts = state.site.voltage_v / 1000.0
            before = quantities(rest, volts)
            after = quantities([one + other for one, other in zip(rest, added, strict=True)], volts)
            found += [
                (node.node_id, quantity, slot)
                for quantity, limit in limits(state, node, slot).items()
                if after[quantity] > max(limit, before[quantity]) + tolerance
            ]
        for line in state.site.lines:
            rest = sum(w * anyway_a(state, e) for e, w in line.weights)
            added = sum(w * schedule.pilot_a[schedule.row(e), slot] for e, w in line.weights)
            if abs(rest + added) > max(line.limit_a, abs(rest)) + tolerance:
                found.append((line.line_id, "A", slot))
    return found
