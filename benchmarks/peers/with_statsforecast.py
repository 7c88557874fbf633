"""statsforecast's MSTL on series of a folder; run by its own environment, as ``python -m ... FOLDER``.

``cases.npz`` holds ``seasons``, shape (n_cases, 2), the slots of a day and of a week, and for each case ``past_0`` and
so on, shape (n_series, n_slots), NaN where there is a gap. ``answer.npz`` gets ``quantiles_0`` and so on, 10, 50 and
90 % of the day after, shape (n_series, 3, n_slots_of_a_day), and ``cpu_s``, shape (n_cases,).
"""

import sys
from pathlib import Path
from time import process_time
from typing import Any, Final

import numpy as np

from models.arrays import FloatArray, frozen

CASES_FILE: Final = "cases.npz"
ANSWER_FILE: Final = "answer.npz"


def quantiles_of(past: FloatArray, seasons: list[int]) -> FloatArray:
    """Return 10, 50 and 90 % of the next day of one series, shape (3, n_slots_of_a_day).

    Gaps are bridged by straight lines, since the method takes none; one that cannot be decomposed, since it never
    changes, is told as its last value.
    """
    from statsforecast.models import MSTL

    known = np.flatnonzero(~np.isnan(past))
    whole = np.interp(np.arange(known[0], past.size), known, past[known])
    if np.ptp(whole) == 0.0:
        return frozen(np.full((3, seasons[0]), whole[-1]))
    said = MSTL(season_length=seasons).forecast(y=whole, h=seasons[0], level=[80])
    return frozen([said["lo-80"], said["mean"], said["hi-80"]])


def main() -> None:
    """Answer every case of the folder that the command line names."""
    folder = Path(sys.argv[1])
    spent: list[float] = []
    answers: dict[str, Any] = {}
    with np.load(folder / CASES_FILE) as cases:
        seasons = cases["seasons"].tolist()
        quantiles_of(frozen(np.random.default_rng(1).random(4 * seasons[0][1])), seasons[0])  # compiles
        for i, own in enumerate(seasons):
            begun = process_time()
            answers[f"quantiles_{i}"] = np.stack([quantiles_of(past, own) for past in cases[f"past_{i}"]])
            spent.append(process_time() - begun)
    np.savez(folder / ANSWER_FILE, cpu_s=np.array(spent), **answers)


if __name__ == "__main__":
    main()
