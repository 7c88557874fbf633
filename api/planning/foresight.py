"""What past sessions of a site say: of cars that are here when they leave and what they take, and who is to come."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

import numpy as np

from api.forecasts.records import arrival_of, do_state, has_ended, memory_of, stays_of
from api.forecasts.request import SessionRecord
from api.planning.forecasts import forecast_loads
from api.planning.request import PlanRequest
from models.arrays import frozen
from models.forecasting.features import SiteCalendar
from models.sessions import ChargingSession, Departure
from models.state import SiteState
from models.units import SECONDS_PER_DAY, SECONDS_PER_HOUR, W_PER_KW

if TYPE_CHECKING:
    from models.forecasting.session_memory import SessionMemory
    from models.state import ExpectedArrivals

_LEAST_PAST: Final = 20
"""Fewer sessions say less of a car than its driver does."""

_MOST_LEARNT: Final = 1000
_READ_DAYS: Final = 60
_STALE_DAYS: Final = 7
_STAY_LEVELS: Final = (0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9)
_ENERGY_LEVEL: Final = 0.9
"""A target that only one car in ten exceeds; who does is believed to take more as soon as it is seen to.

It matters little: four days at the Caltech garage behind 30 and 80 kW (9 September 2019, closed loop) gave 65.6 and
96.8 % of the energy at 0.9, 66.4 and 96.5 % at the median, 67.3 and 95.2 % where what drivers state is believed.
"""

_LINGER_H: Final = 0.5
_MORE_KWH: Final = 2.0
_CERTAIN: Final = (0.5,)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


class Said(Enum):
    """What a car's departure and target in the state are."""

    LIKENESS = auto()
    """What the driver stated, which past drivers did too: one more likeness."""
    BOUND = auto()
    """What the driver stated, which nothing is known to compare with: nobody is planned to stay longer."""
    NOTHING = auto()
    """An assumption that stands where nobody said anything."""


def foreseen(request: PlanRequest) -> PlanRequest:
    """Return the request with all that can be forecast for it: loads from histories, cars from past sessions."""
    request = forecast_loads(request)
    if not request.past:
        return request
    state = request.state
    ended = tuple(one for one in request.past if has_ended(one, state.now))
    if len(ended) < _LEAST_PAST:
        return _noted(request, f"{len(ended)} past sessions have ended, at least {_LEAST_PAST} are needed")
    calendar = SiteCalendar.of_site(state.site)
    request = _with_beliefs(request, ended, calendar)
    return _with_expected(request, ended, calendar)


def _noted(request: PlanRequest, *notes: str) -> PlanRequest:
    return replace(request, notes=(*request.notes, *(f"past sessions: {one}" for one in notes)))


def _with_beliefs(
    request: PlanRequest, ended: Sequence[SessionRecord], calendar: SiteCalendar
) -> PlanRequest:
    """Return the request in which cars that are here leave, and take, what similar sessions did."""
    state, unsaid = request.state, request.unsaid
    told = [one.arrival <= state.now and _is_open(one, unsaid) for one in state.sessions]
    if not any(told):
        return request
    memory, as_feature = memory_of(ended, calendar, state.now, _MOST_LEARNT), do_state(ended)
    sessions = list(state.sessions)
    for place in np.flatnonzero(told).tolist():
        one = sessions[place]
        role = Said.NOTHING if unsaid is not None else Said.LIKENESS if as_feature else Said.BOUND
        sessions[place] = believed(memory, one, state, request.users.get(one.session_id), role)
    what = f"of {sum(told)} cars that are here, departure and need are what similar ones of {len(memory)} did"
    return _noted(replace(request, state=replace(state, sessions=tuple(sessions))), what)


def _is_open(session: ChargingSession, unsaid: frozenset[str] | None) -> bool:
    """Return whether past sessions may tell of a car what nobody is sure of."""
    if unsaid is not None:
        return session.session_id in unsaid and session.remaining_kwh > 0.0
    return session.departure.levels == _CERTAIN


def believed(
    memory: "SessionMemory", session: ChargingSession, state: SiteState, user: str | None, said: Said
) -> ChargingSession:
    """Return a session that leaves when, and takes what, similar ones did, given that it is still here.

    Nobody is planned to take more than was said, nor less than promised; where nothing was said, nor less than is
    assumed: what others took was held back at times.
    """
    stated, now, site_id = session.departure.median, state.now, state.site.site_id
    record = SessionRecord(site_id, session.evse_id, session.arrival, None, 0.0, session.max_power_kw, user)
    if said is Said.LIKENESS:
        record = replace(record, stated_departure=stated, stated_kwh=session.target_kwh)
    kin = memory.kin(arrival_of(record))
    here_h = max((now - session.arrival).total_seconds() / SECONDS_PER_HOUR, 0.0)
    stays_h = kin.stay_h.quantiles(frozen(_STAY_LEVELS), here_h, _LINGER_H).tolist()
    next_ones = [one.arrival for one in state.sessions if one.evse_id == session.evse_id]
    bounds = [one for one in (*next_ones, *((stated,) if said is Said.BOUND else ())) if one > now]
    times = [min(session.arrival + timedelta(hours=hours), *bounds, _NEVER) for hours in stays_h]
    times[-1] = max([times[-1], *(one.by for one in session.milestones)])
    done_kwh = max(session.delivered_kwh, 0.0)
    [most_kwh] = kin.energy_kwh.quantiles(frozen([_ENERGY_LEVEL]), done_kwh, _MORE_KWH).tolist()
    owed_kwh = (session.minimum_kwh, session.promised_kwh, *(one.energy_kwh for one in session.milestones))
    least_kwh = max(most_kwh, *owed_kwh)
    choose = max if said is Said.NOTHING else min
    target_kwh = choose(session.target_kwh, least_kwh)
    return replace(session, departure=Departure(_STAY_LEVELS, tuple(times)), target_kwh=target_kwh)


def _with_expected(
    request: PlanRequest, ended: Sequence[SessionRecord], calendar: SiteCalendar
) -> PlanRequest:
    """Return the request with a reserve for cars to come, unless it names some, or how many, by itself."""
    state = request.state
    if state.expected is not None or any(one.arrival > state.now for one in state.sessions):
        return request
    newest = max(one.arrival for one in ended)
    age_days = (state.now - newest).total_seconds() / SECONDS_PER_DAY
    if age_days > _STALE_DAYS:
        return _noted(request, f"nobody is expected: the newest of them is {age_days:.0f} days old")
    expected = expected_of(ended, state, calendar)
    if expected is None:
        return _noted(request, "nobody is expected: they cover no whole day")
    what = f"{expected.energy_kwh.sum():.1f} kWh of cars to come are expected within the horizon"
    return _noted(replace(request, state=replace(state, expected=expected)), what)


def expected_of(
    ended: Sequence[SessionRecord], state: SiteState, calendar: SiteCalendar
) -> "ExpectedArrivals | None":
    """Return the reserve for cars to come that days alike let expect; None while no whole day was recorded.

    All stay as long as half of them did, and take no more together than all EVSEs can give.
    """
    from models.forecasting.to_come import CarsToCome  # noqa: PLC0415 - pandas-free, but used here only

    came = [one for one in ended if one.arrival >= state.now - timedelta(days=_READ_DAYS)]
    if not came:
        return None
    stays_h = [
        ((one.departure or state.now) - one.arrival).total_seconds() / SECONDS_PER_HOUR for one in came
    ]
    cars = CarsToCome(calendar, float(np.median(stays_h)))
    cars.record(*stays_of(came, [0] * len(came), int(SECONDS_PER_HOUR), state.now))
    found = cars.expected(state.grid, state.now)
    if found is None:
        return None
    return replace(found, most_kw=frozen(np.minimum(found.most_kw, _installed_kw(state))))


def _installed_kw(state: SiteState) -> float:
    """Return what all EVSEs can give together [kW], limits of circuit nodes aside."""
    voltage_kv = state.site.voltage_v / W_PER_KW
    return sum(
        evse.levels_a[-1] * len(evse.phases) * voltage_kv for evse in state.site.evses if evse.levels_a
    )
