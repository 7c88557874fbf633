"""What a schedule puts on every node and phase, counted slot by slot and car by car from the site's records."""


def parents(site, node_id):
    """A node and all above it."""
    parent_of = {node.node_id: node.parent_id for node in site.nodes}
    while node_id is not None:
        yield node_id
        node_id = parent_of[node_id]


def phases_used(state, evse, slot):
    """Site phases that a pilot loads in a slot: those of the cars that may be there, whoever takes more."""
    begin, end = state.grid.slot_start(slot), state.grid.slot_start(slot + 1)
    here = [
        session.n_phases or len(evse.phases)
        for session in state.sessions
        if session.evse_id == evse.evse_id
        and session.arrival < end
        and max(session.departure.times) > max(begin, state.now)
    ]
    return evse.phases[: max(here, default=0)]


def cars_a(state, schedule, node_id, slot):
    """Current of all cars below a node in a slot, by phase [A]."""
    total = [0.0, 0.0, 0.0]
    for station in state.site.stations:
        if node_id in parents(state.site, station.node_id):
            for evse in station.evses:
                for phase in phases_used(state, evse, slot):
                    total[phase] += float(schedule.pilot_a[schedule.row(evse.evse_id), slot])
    return total


def load_a(state, node_id, slot, level):
    """Current of the uncontrolled load below a node in a slot, by phase [A]."""
    total = [0.0, 0.0, 0.0]
    for load in state.loads:
        if node_id in parents(state.site, load.node_id):
            for phase in range(3):
                power_kw = float(load.phase_share[phase]) * float(load.at(level)[slot])
                total[phase] += power_kw * 1000.0 / state.site.voltage_v
    return total


def limits(state, node, slot):
    """Tightest limits of a node in a slot: kW, and A by phase."""
    inf = float("inf")
    kw = [inf if node.limit_kw is None else node.limit_kw]
    a = [[inf] if node.limit_a is None else [node.limit_a[phase]] for phase in range(3)]
    for limit in state.limits:
        if limit.node_id == node.node_id:
            kw += [] if limit.limit_kw is None else [float(limit.limit_kw[slot])]
            for phase in range(3):
                a[phase] += [] if limit.limit_a is None else [float(limit.limit_a[phase, slot])]
    return min(kw), [min(values) for values in a]


def excesses(state, schedule, level, tolerance=1e-5):
    """Every (node, quantity, slot) that cars overload; where the load alone is too much, any car does."""
    found = []
    for slot in range(state.grid.n_slots):
        for node in state.site.nodes:
            cars = cars_a(state, schedule, node.node_id, slot)
            load = load_a(state, node.node_id, slot, level)
            limit_kw, limit_a = limits(state, node, slot)
            kw_per_a = state.site.voltage_v / 1000.0
            room = {"kW": (sum(cars) * kw_per_a, limit_kw - sum(load) * kw_per_a)}
            room |= {f"L{p + 1}": (cars[p], limit_a[p] - load[p]) for p in range(3)}
            found += [
                (node.node_id, quantity, slot)
                for quantity, (used, free) in room.items()
                if used > max(free, 0.0) + tolerance
            ]
    return found
