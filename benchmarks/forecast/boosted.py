"""LightGBM in the race: gradient-boosted trees, one model a quantile, on the features of the pooled ridge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import process_time
from typing import Final

import numpy as np

from benchmarks.boosting import lightgbm_lacks
from benchmarks.forecast.data import Kind
from benchmarks.forecast.measures import JUDGED_LEVELS
from benchmarks.forecast.protocol import KEPT_DAYS, NotHereError, Outcome, Place
from models.arrays import FloatArray, frozen
from models.forecasting.forecaster import within_bounds
from models.forecasting.history import History
from models.forecasting.lag_features import REACH_DAYS, LagFeatures

BETWEEN_H: Final = 21
"""Hours between past origins that are trained on, as the ridge has them."""

AHEAD_H: Final = 24
HOUR_S: Final = 3600
ROUNDS: Final = 150
MOST_ROWS: Final = 60_000
PARAMETERS: Final[Mapping[str, str | float]] = {
    "objective": "quantile",
    "learning_rate": 0.05,
    "num_leaves": 8,
    "min_child_samples": 50,
    "num_threads": 1,
    "deterministic": True,
    "verbose": -1,
}
"""Small trees: with 31 leaves of 20 samples at least, city totals lose 5 % (WQL 0.2655 against 0.2537)."""


@dataclass(frozen=True, slots=True)
class LightGbm:
    """Direct quantiles, trained anew at each place on what lies before its origin, for all its series together.

    Charging loads are weighted by their spread, which is what a pooled loss does; feeders are not.

    Parameters
    ----------
    name : str
    seed : int
        Of the rows that are trained on where there are more than :data:`MOST_ROWS`.
    most : int or None
    """

    name: str
    seed: int
    most: int | None = None

    def tell(self, places: Sequence[Place]) -> list[Outcome]:
        """Return what it says at each place.

        Raises
        ------
        NotHereError
            LightGBM cannot be loaded.
        """
        lacks = lightgbm_lacks()
        if lacks:
            raise NotHereError(lacks)
        return [self._outcome(place) for place in places]

    def _outcome(self, place: Place) -> Outcome:
        import lightgbm

        step_s, rng = place.panel.grid.step_s, np.random.default_rng(self.seed)
        begun = process_time()
        history = History(len(place.series), step_s, KEPT_DAYS, place.panel.calendar)
        history.update(place.history(KEPT_DAYS))
        columns, target, weight = _lessons(history, place.ahead.first_step)
        if target.size > MOST_ROWS:
            chosen = rng.choice(target.size, MOST_ROWS, replace=False)
            columns, target, weight = columns[chosen], target[chosen], weight[chosen]
        weight = np.ones(target.size) if place.panel.kind is Kind.FEEDER else weight / weight.mean()
        data = lightgbm.Dataset(columns, target, weight=weight, free_raw_data=False)
        models = [lightgbm.train({**PARAMETERS, "alpha": level}, data, ROUNDS) for level in JUDGED_LEVELS]
        learnt = process_time()
        asked = LagFeatures.at(history, place.ahead.first_step, place.ahead.steps)
        shape = asked.columns.shape
        flat = asked.columns.reshape(-1, shape[2])
        said = [np.asarray(model.predict(flat)).reshape(shape[:2]) for model in models]
        spreads = np.sort(np.stack(said, axis=1), axis=1) * asked.scale[:, np.newaxis, np.newaxis]
        quantiles = within_bounds(place.series, frozen(asked.level[:, np.newaxis, np.newaxis] + spreads))
        return place.told(quantiles, frozen(JUDGED_LEVELS), process_time() - learnt, learnt - begun)


def _lessons(history: History, before: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return features, samples in spreads and the spreads, one row for each whole hour ahead of a past origin.

    All samples that are compared with lie before the step ``before``.
    """
    per_hour = HOUR_S // history.step_s
    reach = (KEPT_DAYS - REACH_DAYS) * 24 * per_hour
    last = before - AHEAD_H * per_hour
    columns, target, weight = [], [], []
    for origin in range(last, last - reach, -BETWEEN_H * per_hour):
        steps = origin + np.arange(AHEAD_H, dtype=np.int64) * per_hour
        place = steps % history.steps.size
        came = np.where(history.steps[place] == steps, history.values[:, place], np.nan)
        features = LagFeatures.at(history, origin, steps)
        value = features.standardised(frozen(came))
        known = ~np.isnan(value)
        columns.append(features.columns[known])
        target.append(value[known])
        weight.append(np.repeat(features.scale[:, np.newaxis], AHEAD_H, axis=1)[known])
    return frozen(np.concatenate(columns)), frozen(np.concatenate(target)), frozen(np.concatenate(weight))
