"""Departure and energy of a car that has just plugged in: ours beside what anybody would do."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import process_time
from typing import Final, NamedTuple

import numpy as np

from benchmarks.boosting import lightgbm_lacks
from benchmarks.cars.recorded import Recorded
from models.arrays import BoolArray, FloatArray, IntArray
from models.forecasting.kin_kernels import N_TRAITS
from models.forecasting.warm_up import warm_up

LEVELS: Final = np.array([0.1, 0.5, 0.9])
LEARNT_SHARE: Final = 0.8
"""Part of a file, in the order of plugging in, that is only learnt from; the rest is judged."""

LEAST_MORE: Final = 0.5
MINUTES: Final = 60.0
LIGHTGBM: Final[Mapping[str, str | float]] = {
    "objective": "quantile",
    "learning_rate": 0.05,
    "num_leaves": 31,
    "min_child_samples": 20,
    "num_threads": 1,
    "verbose": -1,
}
LIGHTGBM_ROUNDS: Final = 400
NAMES: Final = (4, 5, 6)
"""Traits that are names: site, EVSE, user."""


class Foreseen(NamedTuple):
    """Quantiles at :data:`LEVELS` of stays [h] and energies [kWh], both (n_cars, n_levels).

    CPU time is that of a car as it plugs in, and of reading its quantiles again later [us].
    """

    stay_h: FloatArray
    energy_kwh: FloatArray
    us_per_car: float = np.nan
    us_again: float = np.nan


class Judged(NamedTuple):
    """One row: whose sessions, which method, how many; errors of medians, cover of 80 % intervals, CPU time."""

    file: str
    method: str
    n_cars: int
    departure_min: float
    energy_kwh: float
    departure_cover: float
    energy_cover: float
    us_per_car: float
    us_again: float


@dataclass(frozen=True, slots=True)
class Lessons:
    """What was known of each car as it plugged in, and what ours foresaw of those that are judged.

    Parameters
    ----------
    first : int
        The first session that is judged.
    traits : (n_sessions, N_TRAITS) float64
    known : (n_sessions,) bool
        A session of the same user had ended.
    ours : Foreseen
    """

    first: int
    traits: FloatArray
    known: BoolArray
    ours: Foreseen


def lessons(sessions: Recorded) -> Lessons:
    """Go through a file in time: learn what has ended, then look at the next car."""
    warm_up()
    memory, order = sessions.memory(), sessions.by_departure
    ends = [sessions.ended[place].departure for place in order]
    first, n = int(LEARNT_SHARE * len(sessions)), len(sessions)
    traits, known = np.empty((n, N_TRAITS)), np.zeros(n, dtype=np.bool_)
    stays, energies = np.empty((n - first, LEVELS.size)), np.empty((n - first, LEVELS.size))
    n_learnt, found_s, busy_s = 0, 0.0, 0.0
    for number, arrival in enumerate(sessions.arrivals):
        while n_learnt < n and ends[n_learnt] <= arrival.time:
            place = order[n_learnt]
            memory.learn(sessions.arrivals[place], sessions.ended[place])
            n_learnt += 1
        traits[number] = memory.traits(arrival)
        known[number] = arrival.user is not None and memory.knows(arrival.user)
        if number >= first:
            started = process_time()
            kin = memory.kin(arrival)
            found_s += process_time() - started
            stays[number - first] = kin.stay_h.quantiles(LEVELS, 0.0, LEAST_MORE)
            energies[number - first] = kin.energy_kwh.quantiles(LEVELS, 0.0, LEAST_MORE)
            busy_s += process_time() - started
    of_car = 1e6 / (n - first)
    return Lessons(
        first, traits, known, Foreseen(stays, energies, of_car * busy_s, of_car * (busy_s - found_s))
    )


def judged_rows(sessions: Recorded) -> list[Judged]:
    """Return the rows of one file."""
    learnt = lessons(sessions)
    later = np.arange(learnt.first, len(sessions))
    methods = {"arrival-hour quantiles": _by_hour(sessions, learnt.first)}
    if sessions.states:
        methods = {"the driver's words": _words(learnt)} | methods
    if not lightgbm_lacks():
        methods["LightGBM"] = _lightgbm(sessions, learnt)
    methods["ours"] = learnt.ours
    rows = []
    for whose, cars in _groups(sessions, learnt, later).items():
        for method, foreseen in methods.items():
            if not np.isnan(foreseen.stay_h[cars - learnt.first, 1]).any():
                rows.append(_row(sessions, (whose, method), cars, _only(foreseen, cars - learnt.first)))
    return rows


def _groups(sessions: Recorded, learnt: Lessons, later: IntArray) -> dict[str, IntArray]:
    """Return the judged cars, and those of them of which more is known."""
    groups = {sessions.name: later}
    if sessions.states:
        groups[f"{sessions.name}, stated"] = later[~np.isnan(learnt.traits[later, 9])]
    if learnt.known.any():
        groups[f"{sessions.name}, known users"] = later[learnt.known[later]]
    return groups


def _only(foreseen: Foreseen, places: IntArray) -> Foreseen:
    return foreseen._replace(stay_h=foreseen.stay_h[places], energy_kwh=foreseen.energy_kwh[places])


def _row(sessions: Recorded, names: tuple[str, str], cars: IntArray, foreseen: Foreseen) -> Judged:
    """Compare with what happened."""
    stay_h, energy_kwh = sessions.stay_h[cars], sessions.energy_kwh[cars]
    return Judged(
        *names,
        cars.size,
        MINUTES * float(np.abs(foreseen.stay_h[:, 1] - stay_h).mean()),
        float(np.abs(foreseen.energy_kwh[:, 1] - energy_kwh).mean()),
        _cover(foreseen.stay_h, stay_h),
        _cover(foreseen.energy_kwh, energy_kwh),
        foreseen.us_per_car,
        foreseen.us_again,
    )


def _cover(quantiles: FloatArray, actual: FloatArray) -> float:
    """Return the part within the 80 % interval; NaN for a forecast without one."""
    if (quantiles[:, 0] == quantiles[:, -1]).all():
        return np.nan
    return float(((quantiles[:, 0] <= actual) & (actual <= quantiles[:, -1])).mean())


def _words(learnt: Lessons) -> Foreseen:
    """Believe what was stated."""
    stated = learnt.traits[learnt.first :, 8:10]
    stay_h, energy_kwh = (np.repeat(column[:, None], LEVELS.size, axis=1) for column in stated.T)
    return Foreseen(stay_h, energy_kwh)


def _by_hour(sessions: Recorded, first: int) -> Foreseen:
    """Take quantiles of the sessions that began in the same local hour; of all of them where too few did."""
    hour, least = sessions.hour, 20

    def of(actual: FloatArray) -> FloatArray:
        table = np.tile(np.quantile(actual[:first], LEVELS), (24, 1))
        for each in np.unique(hour[:first]):
            same = actual[:first][hour[:first] == each]
            if same.size >= least:
                table[each] = np.quantile(same, LEVELS)
        return np.asarray(table[hour[first:]])

    return Foreseen(of(sessions.stay_h), of(sessions.energy_kwh))


def _lightgbm(sessions: Recorded, learnt: Lessons) -> Foreseen:
    """Train once on the same traits, hours of the week and names in place of the date; a model for each quantile."""
    import lightgbm

    traits = learnt.traits.copy()
    traits[:, 0] = traits[:, 1] + 24.0 * traits[:, 2]
    for name in NAMES:
        traits[:, name] = np.unique(traits[:, name], return_inverse=True)[1]
    first = learnt.first

    def of(actual: FloatArray) -> FloatArray:
        data = lightgbm.Dataset(
            traits[:first], actual[:first], categorical_feature=list(NAMES), free_raw_data=False
        )
        models = [lightgbm.train({**LIGHTGBM, "alpha": alpha}, data, LIGHTGBM_ROUNDS) for alpha in LEVELS]
        said = [np.asarray(model.predict(traits[first:])) for model in models]
        return np.sort(np.stack(said, axis=1), axis=1)

    return Foreseen(of(sessions.stay_h), of(sessions.energy_kwh))
