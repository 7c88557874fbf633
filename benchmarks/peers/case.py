"""The synthetic site on which schedulers are compared, as arrays that any of them can be given.

Needs numpy alone: the environments of rival packages read it too.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from models.arrays import BoolArray, FloatArray, IntArray, frozen

EVSE_KW: Final = 7.36
"""A single-phase EVSE of 32 A at 230 V [kW]."""
LEAST_KW: Final = 1.38
"""The same at 6 A, the least current at which a car charges (IEC 61851-1) [kW]."""
NOISE_KW: Final = 1e-6
"""What a solver's tolerance may leave of a power that is 0 [kW]."""
PANEL_SIZE: Final = 10
SITE_SHARE: Final = 0.35
PANEL_SHARE: Final = 0.6
FIRST_HOUR: Final = 6.0
DEAR_HOURS: Final = (10.0, 20.0)
DEAR_PER_KWH: Final = 0.30
CHEAP_PER_KWH: Final = 0.20
NOISE_PER_KWH: Final = 0.02
NEED_SHARES: Final = (0.3, 0.9)
"""What a car needs of the energy that its fair share of every limit would give it."""


@dataclass(frozen=True, slots=True)
class Case:
    """One horizon: E EVSEs with a car each, T slots, P panels. Minimise the cost of the energy, serve every need.

    Parameters
    ----------
    step_s : int
        Length of a slot [s].
    first, end : (E,) int64
        The car at an EVSE can charge in slots ``first <= t < end``.
    need_kwh : (E,) float64
        Energy that it must have by then.
    fair_kwh : (E,) float64
        Energy of its fair share of the limits: all needs at or below it can be served together.
    price_per_kwh : (T,) float64
    panel : (E,) int64
        Panel of each EVSE.
    panel_kw : (P,) float64
        Limit of each panel.
    site_kw : float
        Limit of all panels together.
    """

    step_s: int
    first: IntArray
    end: IntArray
    need_kwh: FloatArray
    fair_kwh: FloatArray
    price_per_kwh: FloatArray
    panel: IntArray
    panel_kw: FloatArray
    site_kw: float

    @property
    def n_evses(self) -> int:
        """Number of EVSEs."""
        return int(self.first.size)

    @property
    def n_slots(self) -> int:
        """Number of slots."""
        return int(self.price_per_kwh.size)

    @property
    def step_h(self) -> float:
        """Length of a slot [h]."""
        return self.step_s / 3600.0

    @property
    def is_open(self) -> BoolArray:
        """Whether a car is plugged in, shape (E, T)."""
        slots = np.arange(self.n_slots)
        return (slots >= self.first[:, None]) & (slots < self.end[:, None])

    def with_changed_needs(self, share: float, seed: int) -> "Case":
        """Return the same case with new needs of a share of the cars, at least one."""
        rng = np.random.default_rng(seed)
        n_changed = max(round(share * self.n_evses), 1)
        rows = rng.choice(self.n_evses, n_changed, replace=False)
        need_kwh = self.need_kwh.copy()
        need_kwh[rows] = self.fair_kwh[rows] * rng.uniform(*NEED_SHARES, n_changed)
        return replace(self, need_kwh=frozen(need_kwh))

    def write(self, path: Path) -> None:
        """Write the case into a file that every environment can read."""
        np.savez(path, **asdict(self))

    @classmethod
    def read(cls, path: Path) -> "Case":
        """Return the case of a file."""
        with np.load(path) as arrays:
            return cls(
                step_s=int(arrays["step_s"]),
                first=arrays["first"],
                end=arrays["end"],
                need_kwh=frozen(arrays["need_kwh"]),
                fair_kwh=frozen(arrays["fair_kwh"]),
                price_per_kwh=frozen(arrays["price_per_kwh"]),
                panel=arrays["panel"],
                panel_kw=frozen(arrays["panel_kw"]),
                site_kw=float(arrays["site_kw"]),
            )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer is worth, by the case's own numbers.

    Parameters
    ----------
    cost : float
        Cost of the energy [currency].
    short_kwh : float
        Sum of what cars lack of their needs.
    over_kw : float
        Greatest excess over a limit of an EVSE, a panel or the site.
    n_between : int
        Cells with a power between nothing and the least that a car takes.
    """

    cost: float
    short_kwh: float
    over_kw: float
    n_between: int


def drawn_case(n_evses: int, n_slots: int, step_s: int, seed: int) -> Case:
    """Draw a day: stays of a quarter to three quarters of the horizon, needs that can all be served.

    Parameters
    ----------
    n_evses, n_slots, step_s, seed : int

    Returns
    -------
    Case
        Two price levels with noise from slot to slot, the first hour being 6 in the morning.
    """
    rng = np.random.default_rng(seed)
    stay = rng.integers(n_slots // 4, 3 * n_slots // 4 + 1, n_evses)
    first = rng.integers(0, n_slots - stay + 1)
    hour = (FIRST_HOUR + np.arange(n_slots) * step_s / 3600.0) % 24.0
    dear = (hour >= DEAR_HOURS[0]) & (hour < DEAR_HOURS[1])
    price = np.where(dear, DEAR_PER_KWH, CHEAP_PER_KWH) + NOISE_PER_KWH * rng.random(n_slots)
    panel = np.arange(n_evses) // PANEL_SIZE
    case = Case(
        step_s=step_s,
        first=first,
        end=first + stay,
        need_kwh=frozen(np.zeros(n_evses)),
        fair_kwh=frozen(np.zeros(n_evses)),
        price_per_kwh=frozen(price),
        panel=panel,
        panel_kw=frozen(PANEL_SHARE * EVSE_KW * np.bincount(panel)),
        site_kw=SITE_SHARE * EVSE_KW * n_evses,
    )
    fair_kwh = _fair_kwh(case)
    need_kwh = fair_kwh * rng.uniform(*NEED_SHARES, n_evses)
    return replace(case, fair_kwh=frozen(fair_kwh), need_kwh=frozen(need_kwh))


def judged(case: Case, power_kw: FloatArray, energy_kwh: FloatArray) -> Verdict:
    """Return what an answer is worth.

    Parameters
    ----------
    case : Case
    power_kw, energy_kwh : (E, T) float64
        Power that the limits must carry, and the energy that a car takes.
    """
    panels_kw = np.zeros((case.panel_kw.size, case.n_slots))
    np.add.at(panels_kw, case.panel, power_kw)
    over_kw = max(
        float((power_kw - EVSE_KW * case.is_open).max()),
        float((panels_kw - case.panel_kw[:, None]).max()),
        float(power_kw.sum(axis=0).max()) - case.site_kw,
        0.0,
    )
    short_kwh = np.maximum(case.need_kwh - energy_kwh.sum(axis=1), 0.0)
    between = (power_kw > NOISE_KW) & (power_kw < LEAST_KW - NOISE_KW)
    return Verdict(
        cost=float((energy_kwh * case.price_per_kwh).sum()),
        short_kwh=float(short_kwh.sum()),
        over_kw=over_kw,
        n_between=int(between.sum()),
    )


def _fair_kwh(case: Case) -> FloatArray:
    """Return what every car gets when each limit is shared evenly by all that are plugged in, shape (E,) [kWh].

    The shares themselves are a schedule that keeps every limit: whoever needs less than them can be served.
    """
    here = case.is_open
    on_panel = np.zeros((case.panel_kw.size, case.n_slots))
    np.add.at(on_panel, case.panel, here)
    with np.errstate(divide="ignore"):
        panel_kw = (case.panel_kw[:, None] / on_panel)[case.panel]
        site_kw = case.site_kw / here.sum(axis=0)
    power_kw = np.minimum(np.minimum(panel_kw, site_kw), EVSE_KW) * here
    fair_kwh: FloatArray = power_kw.sum(axis=1) * case.step_h
    return fair_kwh
