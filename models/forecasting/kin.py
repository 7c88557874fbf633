"""What sessions most alike did: quantiles of a car's stay and energy from sessions that have ended.

What a driver stated is a trait, never the truth: who typed 44.85 kWh and 9 h 28 min at the same charger last week is
most likely the same person, and does what that person did. A user's own sessions count as they are, all others
together as a few of them, so that a new user is the population and a regular one is himself.
"""

from dataclasses import astuple, dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Final, NamedTuple

import numpy as np

from models.arrays import FloatArray, frozen
from models.forecasting.kin_kernels import spread_kernel, survivors_kernel

_TAIL = 0.1
"""Level whose exceedances widen or narrow the quantiles."""

_MEDIAN = 0.5


@dataclass(frozen=True, slots=True)
class Arrival:
    """A car as it plugged in.

    Parameters
    ----------
    time : datetime
        Plug-in time, aware.
    site, evse : str
    user : str or None
        Who charges, where that is known.
    power_kw : float or None
        Power class of the car, from its earlier sessions or its first minutes [kW].
    stated_stay_h, stated_kwh : float or None
        What the driver stated: both or none.
    """

    time: datetime
    site: str
    evse: str
    user: str | None = None
    power_kw: float | None = None
    stated_stay_h: float | None = None
    stated_kwh: float | None = None


@dataclass(frozen=True, slots=True)
class Likeness:
    """How far sessions are apart; a distance of 2 weighs e times less.

    Parameters
    ----------
    age_days : float
        Age that counts as one [d].
    hour_h : float
        Difference in the local hour of arrival that counts as one, squared [h].
    day_off, weekday, site, evse : float
        What counts where these differ: a working day and a day off, another weekday of the same kind, site, EVSE.
    silent : float
        Where only one of two drivers stated something.
    stated_h, other_stay, stated_kwh, other_energy : float
        Differences in what was stated that count as one [h, kWh], and what counts beside where it is not the same.
    power, away, last_energy, last_stay : float
        What a factor of e counts in the power, in the time since the user was here, in the energy and in the stay
        of that session.
    population : float
        As many sessions of the user's own as all others together weigh.
    moves : float
        Stay: hours that it is shorter for every hour that the car is later; energy: power of the ratio of what was
        stated with which it grows. Both in [0, 1].
    """

    age_days: float
    hour_h: float
    day_off: float
    weekday: float
    site: float
    evse: float
    silent: float
    stated_h: float
    other_stay: float
    stated_kwh: float
    other_energy: float
    power: float
    away: float
    last_energy: float
    last_stay: float
    population: float
    moves: float

    @classmethod
    def of_stays_stated(cls) -> "Likeness":
        """Return the likeness for stays where drivers state something and are not known.

        Found by random search on the sessions from 55 to 80 % of the ACN file.
        """
        return cls(
            26.2, 0.64, 5.7, 1.38, 1.25, 1.17, 16.3, 0.314, 2.65, 33.7, 2.56, 1.2, 0.3, 0.14, 0.18, 1.0, 0.36
        )

    @classmethod
    def of_energies_stated(cls) -> "Likeness":
        """Return the likeness for energies where drivers state something; found as the one of stays was."""
        return cls(
            43.5, 0.92, 5.85, 0.72, 2.25, 2.03, 18.0, 2.44, 3.26, 3.73, 6.52, 10.0, 0.1, 0.5, 0.18, 1.0, 0.82
        )

    @classmethod
    def of_stays_known(cls) -> "Likeness":
        """Return the likeness for stays of users who are known; found on 40 to 80 % of the Norwegian garages."""
        return cls(
            28.3,
            1.57,
            1.88,
            1.22,
            2.49,
            1.53,
            16.3,
            0.314,
            2.65,
            33.7,
            2.56,
            1.23,
            0.08,
            0.03,
            0.04,
            0.96,
            0.9,
        )

    @classmethod
    def of_energies_known(cls) -> "Likeness":
        """Return the likeness for energies of users who are known; found as the one of their stays was."""
        return cls(
            131.0, 2.8, 0.13, 0.5, 0.5, 0.0, 18.0, 2.44, 3.26, 3.73, 6.52, 15.2, 0.05, 0.65, 0.16, 0.75, 0.12
        )

    @classmethod
    def of_stays_unknown(cls) -> "Likeness":
        """Return the likeness for stays of users who are neither known nor say anything.

        Between what was found on the same part of Dundee and of Boulder: what matters is the EVSE.
        """
        return cls(
            100.0, 0.8, 2.5, 1.0, 3.0, 6.0, 16.3, 0.314, 2.65, 33.7, 2.56, 1.2, 0.3, 0.14, 0.18, 1.0, 0.25
        )

    @classmethod
    def of_energies_unknown(cls) -> "Likeness":
        """Return the likeness for energies of users who are neither known nor say anything; found as that of stays."""
        return cls(
            50.0, 1.0, 1.2, 0.8, 1.0, 5.0, 18.0, 2.44, 3.26, 3.73, 6.52, 10.0, 0.1, 0.5, 0.18, 1.0, 0.1
        )

    def as_array(self) -> FloatArray:
        """Return the scales in the order that the kernels read, shape (N_SCALES,)."""
        return frozen(astuple(self))


class Spread(NamedTuple):
    """By which factor each tail's probability is multiplied before it is read: below 1 is wider."""

    lower: float = 1.0
    upper: float = 1.0

    def of(self, levels: FloatArray) -> FloatArray:
        """Return the levels that are read for nominal ones."""
        return spread_kernel(levels, self.lower, self.upper)

    def after(self, place: float, pace: float) -> "Spread":
        """Return the spread after a session whose outcome lay at a level of its own forecast.

        Adaptive conformal inference: each tail moves until it holds what it says.

        References
        ----------
        .. [1] I. Gibbs and E. Candes, "Adaptive conformal inference under distribution shift," NeurIPS, 2021,
               arXiv:2106.00170.
        """
        read = self.of(frozen([_TAIL, 1.0 - _TAIL]))
        lower = self.lower * np.exp(pace * (_TAIL - (place < read[0])))
        upper = self.upper * np.exp(pace * (_TAIL - (place > read[1])))
        return Spread(float(np.clip(lower, 0.1, 2.0)), float(np.clip(upper, 0.1, 2.0)))


AS_SAID: Final = Spread()
"""Tails are read as they are."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What the kin of a car did, one thing of it.

    Parameters
    ----------
    value : (n_kin,) float64
        Ascending.
    weight : (n_kin,) float64
        Positive.
    spread : Spread
    """

    value: FloatArray
    weight: FloatArray
    spread: Spread = AS_SAID

    def quantiles(self, levels: FloatArray, beyond: float, least_more: float) -> FloatArray:
        """Return quantiles given that the outcome is above ``beyond``, shape (n_levels,).

        Where nobody's was, it is ``least_more`` above it.
        """
        return survivors_kernel(self.value, self.weight, self.spread.of(levels), beyond, least_more)

    def place(self, outcome: float) -> float:
        """Return the part of the weight below an outcome, in [0, 1]; the middle where there is none."""
        total = float(self.weight.sum())
        below = float(self.weight[: np.searchsorted(self.value, outcome)].sum())
        until = float(self.weight[: np.searchsorted(self.value, outcome, side="right")].sum())
        return 0.5 * (below + until) / total if total > 0.0 else _MEDIAN


@dataclass(frozen=True, slots=True)
class Kin:
    """What the sessions most alike to a car's did: stays [h], energies [kWh] and power [kW]."""

    stay_h: Outcomes
    energy_kwh: Outcomes
    power_kw: float


def code_of(name: str) -> float:
    """Return a number for a name, the same on every machine and exact in a float; 48 bits of its hash."""
    return float(int.from_bytes(blake2b(name.encode(), digest_size=6).digest()))
