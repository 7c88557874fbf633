"""A load forecast that knows which cars are plugged in: the sum of cars at first, the load's history later on."""

from dataclasses import dataclass, replace

import numpy as np

from models.arrays import FloatArray, frozen
from models.errors import Issue
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import (
    NOTHING_KNOWN,
    Forecaster,
    Known,
    QuantileForecast,
    Samples,
    ScenarioPaths,
    Series,
    Snapshot,
    UpdateReport,
)
from models.forecasting.kernels import shuffle_kernel
from models.forecasting.sessions_now import LEAST_DAYS, CarSums
from models.forecasting.stays import Stays
from models.timegrid import TimeGrid
from models.units import SECONDS_PER_HOUR


@dataclass(frozen=True, slots=True)
class Fade:
    """How much of a forecast is the sum of cars, by lead time.

    Parameters
    ----------
    whole_h : float
        Up to this lead it is all of it [h].
    by_e_h : float
        From there on it falls by e in this time [h].

    Notes
    -----
    Seven Norwegian garages, September to 10 October 2019, 138 origins: least squares on cars plugged in, cars to come
    and history gave the cars plugged in 1.00, 1.00, 0.93, 0.76, 0.69, 0.54 and 0.62 in the hours from the first on.
    """

    whole_h: float = 2.0
    by_e_h: float = 6.0

    def share(self, lead_h: FloatArray) -> FloatArray:
        """Return the share of the sum of cars, in [0, 1], for leads [h]."""
        return frozen(np.exp(-np.maximum(lead_h - self.whole_h, 0.0) / self.by_e_h))


class OpenSessionsForecaster:
    """Cars plugged in and cars to come, blended by lead time with a forecaster of the metered load.

    Quantiles are blended level by level, paths rank by rank. Without :attr:`Known.plugged_in` nobody is plugged in: a
    caller that does not know asks the other forecaster.

    Parameters
    ----------
    later : Forecaster
        Forecaster of the same series from their metered load; answers alone while too few arrivals are recorded.
    step_s : int
        Length of its slots [s].
    calendar : SiteCalendar
    n_paths : int
        Paths from which quantiles of the sum of cars are taken.
    fade : Fade or None
    """

    def __init__(
        self,
        later: Forecaster,
        step_s: int,
        calendar: SiteCalendar,
        n_paths: int = 200,
        fade: Fade | None = None,
    ) -> None:
        self._later = later
        self._fade = fade or Fade()
        self._cars = CarSums(later.series, step_s, calendar, later.levels, n_paths)

    @property
    def series(self) -> tuple[Series, ...]:
        """Series, in the order of rows."""
        return self._later.series

    @property
    def levels(self) -> FloatArray:
        """Probabilities of the quantiles, shape (n_levels,)."""
        return self._later.levels

    def update(self, samples: Samples) -> UpdateReport:
        """Store new samples of the metered load."""
        return self._later.update(samples)

    def record(self, stays: Stays, observed: TimeGrid) -> UpdateReport:
        """Store all the stays that began on a grid; slots of it without one had no arrival."""
        return self._cars.record(stays, observed)

    def forecast(self, grid: TimeGrid, known: Known = NOTHING_KNOWN) -> QuantileForecast:
        """Return quantiles on a grid; see :class:`models.forecasting.forecaster.Forecaster`."""
        later = self._later.forecast(grid, replace(known, plugged_in=()))
        if self._cars.n_days(known.issued_at(grid)) < LEAST_DAYS:
            few = Issue("plugged_in", "not used: arrivals of too few whole days are recorded")
            return replace(later, warnings=(*later.warnings, few))
        share = self._share(grid, known)
        values = frozen(share * self._cars.quantiles(grid, known) + (1.0 - share) * later.values)
        basis = replace(later.basis, method=f"open sessions, then {later.basis.method}")
        return replace(later, values=values, basis=basis)

    def paths(self, grid: TimeGrid, n_paths: int, seed: int, known: Known = NOTHING_KNOWN) -> ScenarioPaths:
        """Return scenario paths; see :class:`models.forecasting.forecaster.Forecaster`.

        Each path follows one of the sum of cars as long as that is at least half of it, then one of the history.
        """
        later = self._later.paths(grid, n_paths, seed, replace(known, plugged_in=()))
        if self._cars.n_days(known.issued_at(grid)) < LEAST_DAYS:
            return later
        cars = self._cars.paths(grid, n_paths, seed, known)
        share = self._share(grid, known)
        ranked = share * np.sort(cars.values, axis=1) + (1.0 - share) * np.sort(later.values, axis=1)
        template = np.where(share >= 0.5, cars.values, later.values)  # noqa: PLR2004 - the greater part
        ties = np.random.default_rng(seed).random(n_paths)
        return replace(later, values=frozen(shuffle_kernel(ranked, template, ties)))

    def snapshot(self) -> Snapshot:
        """Return what was learnt from the metered load; recorded stays are read again from where they are kept."""
        return self._later.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a stored state of the metered load."""
        self._later.restore(snapshot)

    def _share(self, grid: TimeGrid, known: Known) -> FloatArray:
        """Share of the sum of cars by slot, shape (n_slots,)."""
        waited_h = (grid.start - known.issued_at(grid)).total_seconds() / SECONDS_PER_HOUR
        return self._fade.share(frozen(waited_h + (np.arange(grid.n_slots) + 0.5) * grid.step_h))
