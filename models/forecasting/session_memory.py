"""The memory of sessions that have ended, from which a car that plugs in gets its kin."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from models.arrays import FloatArray, IntArray, frozen
from models.errors import InvalidInputError, Issue
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import Snapshot
from models.forecasting.kin import Arrival, Kin, Likeness, Outcomes, Spread, code_of
from models.forecasting.kin_kernels import N_TRAITS, kin_kernel, survivors_kernel
from models.units import SECONDS_PER_DAY, SECONDS_PER_HOUR

METHOD = "kin of sessions"
_VERSION = 1
_SATURDAY, _SUNDAY = 5, 6
_PACE = 0.03
"""Of the widths of the tails; at 0.03 they follow within about 300 sessions."""

_LEAST = 0.05
"""Least stay [h] and energy [kWh] that counts: logarithms of less tell of meters, not of drivers."""

_LEAST_AWAY_H = 0.25
_STAY, _ENERGY, _POWER = range(3)
_HOUR, _STATED_KWH, _POWER_TRAIT = 1, 9, 7
_NOBODY = -1.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a session ended: when, with how much energy, and at what power it charged while nobody held it back."""

    departure: datetime
    energy_kwh: float
    power_kw: float


class _Last(NamedTuple):
    """A user's session before."""

    departure_s: float
    energy_kwh: float
    stay_h: float
    power_kw: float


class SessionMemory:
    """Sessions that have ended, in a ring; learns from one in O(1) beside a look at its own forecast.

    Parameters
    ----------
    calendar : SiteCalendar
        Zone of the hours, and holidays, which count as Sundays.
    stays, energies : Likeness
        Of sessions as to how long they stay, and what they take.
    capacity : int
        Sessions that are kept, the newest.

    Notes
    -----
    3,000 sessions gave 92.8 min and 3.60 kWh on the tuning part of ACN (1,500: 94.7 and 3.80; 6,000: 93.4 and 3.60),
    344 min and 5.11 kWh on that of the garages (1,500: 350 and 5.24; 6,000: 340 and 5.15).
    """

    def __init__(
        self, calendar: SiteCalendar, stays: Likeness, energies: Likeness, capacity: int = 3000
    ) -> None:
        self._calendar = calendar
        self._zone = ZoneInfo(calendar.zone)
        self._likeness = (stays, energies)
        self._scales = (stays.as_array(), energies.as_array())
        self._past = np.zeros((N_TRAITS, capacity))
        self._outcomes = np.zeros((capacity, 3))
        self._n_learnt = 0
        self._last: dict[float, _Last] = {}
        self._spreads = (Spread(), Spread())
        self._places = np.zeros(capacity, dtype=np.int64)
        self._weights = np.zeros(capacity)

    @classmethod
    def of_drivers_who_state(cls, calendar: SiteCalendar, capacity: int = 3000) -> "SessionMemory":
        """Return a memory for sites where drivers state their stay and energy."""
        return cls(calendar, Likeness.of_stays_stated(), Likeness.of_energies_stated(), capacity)

    @classmethod
    def of_known_users(cls, calendar: SiteCalendar, capacity: int = 3000) -> "SessionMemory":
        """Return a memory for sites that know who charges."""
        return cls(calendar, Likeness.of_stays_known(), Likeness.of_energies_known(), capacity)

    @classmethod
    def of_strangers(cls, calendar: SiteCalendar, capacity: int = 3000) -> "SessionMemory":
        """Return a memory for sites that know nothing of a car but where and when it plugged in."""
        return cls(calendar, Likeness.of_stays_unknown(), Likeness.of_energies_unknown(), capacity)

    def __len__(self) -> int:
        """How many sessions are kept."""
        return min(self._n_learnt, self._places.size)

    def knows(self, user: str) -> bool:
        """Whether a session of a user has ended."""
        return code_of(user) in self._last

    def learn(self, arrival: Arrival, ended: Ended) -> None:
        """Take over a session that has ended; the newest come last."""
        stay_h = max((ended.departure - arrival.time).total_seconds() / SECONDS_PER_HOUR, _LEAST)
        outcome = (stay_h, ended.energy_kwh, ended.power_kw)
        traits = self.traits(arrival)
        if len(self):
            self._spreads = tuple(  # type: ignore[assignment]
                kin.spread.after(kin.place(outcome[what]), _PACE)
                for what, kin in enumerate((self._kin(traits, _STAY), self._kin(traits, _ENERGY)))
            )
        if np.isnan(traits[_POWER_TRAIT]):
            traits[_POWER_TRAIT] = np.log(ended.power_kw)
        place = self._n_learnt % self._places.size
        self._past[:, place], self._outcomes[place] = traits, outcome
        self._n_learnt += 1
        if arrival.user is not None:
            last = _Last(ended.departure.timestamp(), ended.energy_kwh, stay_h, ended.power_kw)
            self._last[code_of(arrival.user)] = last

    def kin(self, arrival: Arrival) -> Kin:
        """Return what sessions most alike did; likeness does not change while a car stays, so keep it.

        Raises
        ------
        InvalidInputError
            No session has ended yet.
        """
        if not len(self):
            raise InvalidInputError((Issue("sessions", "none has ended yet: nothing to compare with"),))
        traits = self.traits(arrival)
        stay_h, energy_kwh = self._kin(traits, _STAY), self._kin(traits, _ENERGY)
        power_kw = float(np.exp(traits[_POWER_TRAIT]))
        if np.isnan(power_kw):
            power_kw = self._usual_power_kw(energy_kwh.value.size)
        return Kin(stay_h, energy_kwh, power_kw)

    def traits(self, arrival: Arrival) -> FloatArray:
        """Return what is known of a car as it plugs in, shape (N_TRAITS,); see ``kin_kernels.N_TRAITS``."""
        local = arrival.time.astimezone(self._zone)
        weekday = _SUNDAY if self._calendar.is_holiday(local.date()) else local.weekday()
        user = _NOBODY if arrival.user is None else code_of(arrival.user)
        last = self._last.get(user)
        power_kw = arrival.power_kw or (last.power_kw if last is not None else np.nan)
        stated = arrival.stated_stay_h is not None and arrival.stated_kwh is not None
        now_s = arrival.time.timestamp()
        return np.array(
            (
                now_s / SECONDS_PER_DAY,
                local.hour + local.minute / 60.0,
                weekday,
                weekday >= _SATURDAY,
                code_of(arrival.site),
                code_of(arrival.evse),
                user,
                np.log(power_kw),
                arrival.stated_stay_h if stated else np.nan,
                arrival.stated_kwh if stated else np.nan,
                *_log_of(last, now_s),
            )
        )

    def snapshot(self) -> Snapshot:
        """Return all that was learnt."""
        last = np.array([(code, *last) for code, last in self._last.items()]).reshape(-1, 5)
        arrays = {
            "past": frozen(self._past),
            "outcomes": frozen(self._outcomes),
            "n_learnt": frozen([self._n_learnt]),
            "last": frozen(last),
            "spreads": frozen(self._spreads),
        }
        return Snapshot(METHOD, _VERSION, arrays)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a stored state.

        Raises
        ------
        InvalidInputError
            It is of another method, version or capacity.
        """
        fits = (snapshot.method, snapshot.version) == (METHOD, _VERSION)
        if not fits or snapshot.arrays["past"].shape != self._past.shape:
            raise InvalidInputError((Issue("snapshot", "of another method, version or capacity"),))
        self._past, self._outcomes = snapshot.arrays["past"].copy(), snapshot.arrays["outcomes"].copy()
        self._n_learnt = int(snapshot.arrays["n_learnt"][0])
        self._last = {float(row[0]): _Last(*row[1:].tolist()) for row in snapshot.arrays["last"]}
        stays, energies = snapshot.arrays["spreads"].tolist()
        self._spreads = (Spread(*stays), Spread(*energies))

    def _find(self, traits: FloatArray, what: int) -> tuple[IntArray, FloatArray]:
        """Return the places and weights of kin; both are overwritten by the next call."""
        n = len(self)
        n_kin = kin_kernel(self._past[:, :n], traits, self._scales[what], self._places[:n], self._weights[:n])
        return self._places[:n_kin], self._weights[:n_kin]

    def _kin(self, traits: FloatArray, what: int) -> Outcomes:
        """Return what kin did, moved to the hour or the words of this car."""
        places, weights = self._find(traits, what)
        values = self._outcomes[places, what]
        moves = self._likeness[what].moves
        if what == _STAY:
            values = np.maximum(
                values - moves * _hours_later(traits[_HOUR], self._past[_HOUR, places]), _LEAST
            )
        elif not np.isnan(traits[_STATED_KWH]):
            past_kwh = np.maximum(self._past[_STATED_KWH, places], _LEAST)  # NaN stays
            ratio = np.maximum(traits[_STATED_KWH], _LEAST) / past_kwh
            values = values * np.where(np.isnan(ratio), 1.0, ratio) ** moves
        order = np.argsort(values, kind="stable")
        return Outcomes(frozen(values[order]), frozen(weights[order]), self._spreads[what])

    def _usual_power_kw(self, n_kin: int) -> float:
        """Return the median power of the kin that were found last [kW]."""
        power_kw, weights = self._outcomes[self._places[:n_kin], _POWER], self._weights[:n_kin]
        order = np.argsort(power_kw, kind="stable")
        return float(survivors_kernel(power_kw[order], weights[order], np.array([0.5]), 0.0, _LEAST)[0])


def _log_of(last: _Last | None, now_s: float) -> tuple[float, float, float]:
    """Return logarithms of the hours since a user left, of the energy and of the stay of that session."""
    if last is None:
        return (np.nan, np.nan, np.nan)
    away_h = max((now_s - last.departure_s) / SECONDS_PER_HOUR, _LEAST_AWAY_H)
    return (
        float(np.log(away_h)),
        float(np.log(max(last.energy_kwh, _LEAST))),
        float(np.log(max(last.stay_h, _LEAST))),
    )


def _hours_later(hour: float, past: FloatArray) -> FloatArray:
    """Return how much later in the day a car came than others did [h]; 0 over midnight."""
    later = hour - past
    return frozen(np.where(np.abs(later) > 12.0, 0.0, later))  # noqa: PLR2004 - half a day
