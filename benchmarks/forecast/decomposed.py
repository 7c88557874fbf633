"""MSTL of statsforecast in the race: seasonal and trend decomposition, in a process and an environment of its own."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.forecast.measures import JUDGED_LEVELS
from benchmarks.forecast.protocol import DAY_S, LOCAL_DAYS, WEEK_S, NotHereError, Outcome, Place
from benchmarks.peers.environments import NoAnswerError, answer, write_sources
from benchmarks.peers.with_statsforecast import ANSWER_FILE, CASES_FILE
from models.arrays import frozen
from models.errors import ChargingError
from models.forecasting.forecaster import within_bounds

ENVIRONMENT: Final = "statsforecast"
TIMEOUT_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Mstl:
    """MSTL(day, week) with the intervals that it gives itself, from the same 56 days as other local methods.

    Parameters
    ----------
    name : str
    python : Path or ChargingError
        Interpreter of its environment, or why there is none.
    most : int or None
        A second of processor time goes by for each series.
    """

    name: str
    python: Path | ChargingError
    most: int | None = None

    def tell(self, places: Sequence[Place]) -> list[Outcome]:
        """Return what it says at each place.

        Raises
        ------
        NotHereError
            statsforecast is not installed, or its process ended without an answer.
        """
        if isinstance(self.python, ChargingError):
            raise NotHereError(str(self.python))
        with tempfile.TemporaryDirectory(prefix="gridpilot-") as name:
            folder = Path(name)
            write_sources(folder / "sources")
            np.savez(folder / CASES_FILE, **_cases(places))
            command = [str(self.python), "-m", "benchmarks.peers.with_statsforecast", name]
            try:
                answer(command, folder / "sources", TIMEOUT_S)
            except NoAnswerError as error:
                raise NotHereError(str(error)) from None
            with np.load(folder / ANSWER_FILE) as said:
                told = [(said[f"quantiles_{i}"], float(said["cpu_s"][i])) for i in range(len(places))]
        return [
            place.told(within_bounds(place.series, frozen(quantiles)), frozen(JUDGED_LEVELS), cpu_s, 0.0)
            for place, (quantiles, cpu_s) in zip(places, told, strict=True)
        ]


def _cases(places: Sequence[Place]) -> dict[str, Any]:
    """Return what the other process is given, by the names that it reads."""
    steps = [place.panel.grid.step_s for place in places]
    seasons = np.array([[DAY_S // step_s, WEEK_S // step_s] for step_s in steps], dtype=np.int64)
    past = {f"past_{i}": np.asarray(place.past(LOCAL_DAYS)) for i, place in enumerate(places)}
    return {"seasons": seasons, **past}
