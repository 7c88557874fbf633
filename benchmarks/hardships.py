"""What makes days hard: cars with quirks, stations that do not obey, limits that fall without notice, late meters.

Everything is drawn from a seed and a session's or station's name, so that every policy meets the same.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Final
from zlib import crc32
from zoneinfo import ZoneInfo

import numpy as np

from models.demand.arrivals import Visit
from models.grid.fuse import GG_FUSE
from models.grid.site import Site
from models.sessions import Acceptance
from models.simulation import Car, FaultKind, MeterDelay, StationFault
from optimizer.closed_loop import Signal, default_car

DELAY: Final = MeterDelay(least_s=0.5, mean_s=4.0, lost_share=0.01, noise_a=0.05)
"""Meter values are 4 s late on average, a few of them 15 s; one in a hundred gets lost."""

OFFLINE_A: Final = 6.0
"""Safe share of every station [A]."""

SLEEPERS: Final = 0.05
"""Part of the cars that fall asleep when they are paused for half an hour."""

FAULTS_A_DAY: Final = (
    (FaultKind.DEAF, timedelta(hours=1), 3),
    (FaultKind.GREEDY, timedelta(hours=2), 4),
    (FaultKind.OFFLINE, timedelta(hours=1), 6),
)
"""Failures of a day between 7 and 19 o'clock: how, for how long, how many."""

SIGNALS_A_DAY: Final = ((time(9, 7), timedelta(minutes=30), 0.5), (time(11, 41), timedelta(minutes=10), 0.0))
"""Limits that come without notice: when, for how long, what part of the site's limit is left."""


def hard_site(site: Site) -> Site:
    """Return the site with a fuse at every node, and a safe share at every station."""
    return replace(
        site,
        nodes=tuple(replace(node, fuse=GG_FUSE) for node in site.nodes),
        stations=tuple(replace(station, offline_a=OFFLINE_A) for station in site.stations),
    )


def quirky_car(seed: int) -> Callable[[Visit], Car]:
    """Return cars with a visit's true need: slow ramps, late starts, tapers of any length, some that sleep."""

    def car_of(visit: Visit) -> Car:
        rng = _random(seed, visit.session.session_id)
        plain = default_car(visit)
        need_kwh = plain.need_kwh
        car = replace(
            plain,
            ramp_up_a_per_s=float(rng.uniform(0.5, 4.0)),
            ramp_down_a_per_s=float(rng.uniform(4.0, 12.0)),
            start_delay_s=float(rng.choice([3.0, 10.0, 40.0], p=[0.5, 0.4, 0.1])),
            sleeps_after_s=1800.0 if rng.random() < SLEEPERS else np.inf,
            follow_share=float(rng.choice([1.0, 0.97, 0.93], p=[0.6, 0.3, 0.1])),
        )
        full_kw = float(rng.choice([3.3, 6.7], p=[0.3, 0.7]))
        taper_kwh = min(float(rng.choice([0.5, 3.0, 6.0])), need_kwh)
        stays_h = (visit.session.departure.median - visit.session.arrival).total_seconds() / 3600.0
        if need_kwh > 0.8 * full_kw * stays_h:  # what it took cannot have been slow
            full_kw = np.inf
        return car.accepting(Acceptance(need_kwh - taper_kwh, need_kwh, full_kw, end_share=0.15))

    return car_of


def faults(site: Site, first: datetime, n_days: int, seed: int) -> tuple[StationFault, ...]:
    """Return the failures of some local days; no station fails twice on a day."""
    found = []
    for day in range(n_days):
        rng = _random(seed, f"faults {day}")
        names = iter(rng.permutation([station.station_id for station in site.stations]))
        for kind, length, count in FAULTS_A_DAY:
            for _ in range(count):
                begin = first + timedelta(days=day, hours=float(rng.uniform(7.0, 19.0)))
                begin_s = float(round(begin.timestamp()))
                found.append(StationFault(str(next(names)), kind, begin_s, begin_s + length.total_seconds()))
    return tuple(found)


def signals(site: Site, first: datetime, n_days: int) -> tuple[Signal, ...]:
    """Return the limits of some local days that nobody was told of before."""
    root, zone = site.root, ZoneInfo(site.zone)
    limit_kw = np.inf if root.limit_kw is None else root.limit_kw
    begins = [
        (datetime.combine((first + timedelta(days=day)).date(), at, zone), length, share)
        for day in range(n_days)
        for at, length, share in SIGNALS_A_DAY
    ]
    return tuple(
        Signal(root.node_id, "grid company", begin, begin + length, share * limit_kw)
        for begin, length, share in begins
    )


def _random(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng([seed, crc32(name.encode())])
