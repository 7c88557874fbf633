"""What recorded sessions teach: the memory that fits them, and what it lets believe of a car that is here."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from api.forecasts.request import SessionRecord
from models.arrays import frozen
from models.errors import Issue
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import PluggedIn
from models.timegrid import TimeGrid
from models.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from models.forecasting.kin import Arrival
    from models.forecasting.session_memory import SessionMemory
    from models.forecasting.stays import Stays

MOST_LEARNT: Final = 3000
_LONGEST_STAY: Final = timedelta(days=14)
"""A car that came before and has not left was forgotten: nobody told of its end."""

_MANY: Final = 0.3
_USUAL_KW: Final = 3.6
"""Least power that a session without one is taken to have charged at: what one phase at 16 A gives."""


def memory_of(
    sessions: Sequence[SessionRecord], calendar: SiteCalendar, now: datetime, most: int = MOST_LEARNT
) -> "SessionMemory":
    """Return the memory that fits what is known of sessions; it has learnt the newest that ended by ``now``."""
    from models.forecasting.session_memory import Ended, SessionMemory  # noqa: PLC0415 - compiles kernels

    if do_state(sessions):
        memory = SessionMemory.of_drivers_who_state(calendar)
    elif _share(one.user is not None for one in sessions) > _MANY:
        memory = SessionMemory.of_known_users(calendar)
    else:
        memory = SessionMemory.of_strangers(calendar)
    ended = [one for one in sessions if has_ended(one, now)]
    for one in sorted(ended, key=_departure)[-most:]:
        memory.learn(arrival_of(one), Ended(_departure(one), one.energy_kwh, power_of(one)))
    return memory


def do_state(sessions: Sequence[SessionRecord]) -> bool:
    """Return whether enough drivers stated a departure and an energy for statements to be learnt from."""
    return _share(one.stated_departure is not None for one in sessions) > _MANY


def without_forgotten(
    sessions: Sequence[SessionRecord], now: datetime
) -> tuple[tuple[SessionRecord, ...], tuple[Issue, ...]]:
    """Return the sessions without those that have been open for too long to be true, and how many these are."""
    forgotten = [one for one in sessions if one.departure is None and now - one.arrival > _LONGEST_STAY]
    if not forgotten:
        return tuple(sessions), ()
    oldest = max(now - one.arrival for one in forgotten)
    what = f"{len(forgotten)} left out: open for more than {_LONGEST_STAY.days} days, up to {oldest.days}"
    gone = {id(one) for one in forgotten}
    return tuple(one for one in sessions if id(one) not in gone), (Issue("sessions", what),)


def has_ended(one: SessionRecord, now: datetime) -> bool:
    """Return whether a car had left by ``now``."""
    return one.departure is not None and one.departure <= now


def arrival_of(one: SessionRecord) -> "Arrival":
    """Return what was known of a car as it plugged in."""
    from models.forecasting.kin import Arrival  # noqa: PLC0415 - compiles kernels

    stated_h = None
    if one.stated_departure is not None:
        stated_h = max((one.stated_departure - one.arrival).total_seconds() / SECONDS_PER_HOUR, 0.0)
    return Arrival(one.arrival, one.series_id, one.evse, one.user, one.power_kw, stated_h, one.stated_kwh)


def believed_of(memory: "SessionMemory", one: SessionRecord, now: datetime) -> PluggedIn:
    """Return what is believed of a car that is here, or was by ``now``."""
    from models.forecasting.believed import Progress, believed  # noqa: PLC0415 - as above

    arrival, taken = arrival_of(one), taken_kwh(one, now)
    draws_kw = one.power_kw
    if one.departure is not None and taken >= one.energy_kwh:
        draws_kw = 0.0  # a record of later says that it was full by now
    return believed(one.series_id, arrival, memory.kin(arrival), Progress(now, taken, draws_kw))


def power_of(one: SessionRecord) -> float:
    """Return the power of a session; where none is recorded, its mean power, at least that of a small car [kW]."""
    if one.power_kw is not None:
        return one.power_kw
    if one.departure is None:
        return _USUAL_KW
    stay_h = (one.departure - one.arrival).total_seconds() / SECONDS_PER_HOUR
    return max(one.energy_kwh / max(stay_h, 1 / 60), _USUAL_KW)


def taken_kwh(one: SessionRecord, now: datetime) -> float:
    """Return what a session had taken by ``now``; of a record of later, what its power gives [kWh]."""
    if one.departure is None or one.departure <= now:
        return one.energy_kwh
    return min(power_of(one) * (now - one.arrival).total_seconds() / SECONDS_PER_HOUR, one.energy_kwh)


def stays_of(
    came: Sequence[SessionRecord], rows: Sequence[int], step_s: int, now: datetime
) -> "tuple[Stays, TimeGrid]":
    """Return sessions as stays of some rows, and the slots until ``now`` in which they are all that came.

    Parameters
    ----------
    came : sequence of SessionRecord
        At least one.
    rows : sequence of int
    step_s : int
    now : datetime
    """
    from models.forecasting.stays import Stays  # noqa: PLC0415 - as above

    arrival_s = np.array([int(one.arrival.timestamp()) for one in came], dtype=np.int64)
    first = int(arrival_s.min()) // step_s
    start = datetime.fromtimestamp(first * step_s, UTC)
    stays = Stays(
        np.array(rows, dtype=np.int64),
        arrival_s,
        frozen([taken_kwh(one, now) for one in came]),
        frozen([power_of(one) for one in came]),
    )
    return stays, TimeGrid(start, step_s, int(now.timestamp()) // step_s - first + 1)


def _departure(one: SessionRecord) -> datetime:
    return one.departure or datetime.max.replace(tzinfo=UTC)


def _share(flags: Iterable[bool]) -> float:
    known = [*flags]
    return sum(known) / max(len(known), 1)
