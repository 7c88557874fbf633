"""Samples of some series, and the forecast that is wanted of them, on the wire."""

from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Annotated, Final, Literal

import numpy as np
from pydantic import Field

from api.forecasts.known.schemas import MOST_COLUMNS, KnownColumnWire, StepMinutes
from api.forecasts.request import PATHS_OF_A_SUM, TOTAL, ForecastRequest, SampleKind, SessionRecord, Wanted
from api.forecasts.schemas import MAX_SAMPLES
from api.sessions.schemas import DepartureQuantiles, DepartureWire
from api.wire.schemas import (
    MAX_SLOTS,
    Country,
    Identity,
    KilowattHours,
    Kilowatts,
    Moment,
    SignedKilowatts,
    Subdivision,
    WireModel,
)
from models.arrays import BoolArray, FloatArray, frozen
from models.checks import repeated
from models.errors import IssueList
from models.forecasting.cleaning.readings import Readings
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import DEFAULT_LEVELS, PluggedIn, Samples, Series
from models.forecasting.names import ForecasterName
from models.public_holidays import check_region
from models.sessions import ChargingSession, Departure
from models.zones import is_zone

MAX_SERIES: Final = 1000
MAX_CELLS: Final = 2_000_000
"""Series x slots x (levels + paths) of one answer."""

MAX_HELD: Final = 20_000_000
"""Values that a request may keep in memory, of paths that a sum is made of, and of past days."""

KEPT_DAYS: Final = 110
KEPT_DAYS_DOUBLE_SEASONAL: Final = 350
"""Days that a forecaster keeps of each series, about."""


class SeriesWire(WireModel):
    """One metered series: means of consecutive intervals, the newest last."""

    series_id: Annotated[Identity, Field(description="unique within the request")]
    start: Annotated[Moment, Field(description="start of the first interval")]
    values: Annotated[
        tuple[SignedKilowatts | None, ...],
        Field(min_length=1, max_length=MAX_SAMPLES, description="mean of each interval; null is a gap [kW]"),
    ]
    charging: Annotated[
        bool, Field(description="a charging load: never negative, and negative samples are faults")
    ] = False
    installed_kw: Annotated[
        float | None,
        Field(
            gt=0,
            le=1e7,
            description="installed power of a charging load: no sample and no forecast is above it",
        ),
    ] = None
    online: Annotated[
        tuple[bool, ...] | None,
        Field(
            max_length=MAX_SAMPLES, description="by interval; an offline charger is a gap, not an idle one"
        ),
    ] = None
    curtailed: Annotated[
        tuple[bool, ...] | None,
        Field(max_length=MAX_SAMPLES, description="by interval; held down by a limit, so not learnt from"),
    ] = None
    limit_kw: Annotated[
        tuple[Kilowatts | None, ...] | None,
        Field(
            max_length=MAX_SAMPLES,
            description="allowed power by interval; null: none. A value at its limit counts as curtailed [kW]",
        ),
    ] = None

    def check(self, where: str, issues: IssueList) -> None:
        """Note columns that do not go along the values."""
        for name in ("online", "curtailed", "limit_kw"):
            column = getattr(self, name)
            fits = column is None or len(column) == len(self.values)
            issues.require(fits, f"{where}.{name}", f"needs {len(self.values)} members, as values has")

    @property
    def domain(self) -> Series:
        """The series with its physical bounds."""
        if self.charging or self.installed_kw is not None:
            return Series.charging(self.series_id, np.inf if self.installed_kw is None else self.installed_kw)
        return Series(self.series_id)


class PluggedInWire(WireModel):
    """A car that is plugged in now, and charges at its power until it has what it needs or leaves."""

    session_id: Annotated[Identity, Field(description="unique within the request")]
    series_id: Annotated[Identity, Field(description="charging load that it is part of")]
    arrival: Annotated[Moment, Field(description="plug-in time")]
    departure: Annotated[
        DepartureWire | None,
        Field(
            description="when it leaves: a time that is believed, or quantiles; null: not before it is full"
        ),
    ] = None
    need_kwh: Annotated[KilowattHours, Field(description="energy that it will still take [kWh]")]
    power_kw: Annotated[float, Field(gt=0, le=1e7, description="power if nobody holds it back [kW]")]

    def to_domain(self, never: datetime) -> PluggedIn:
        """Return the car; ``never`` is a time after all that is forecast."""
        departure = Departure.at(never)
        if isinstance(self.departure, DepartureQuantiles):
            departure = Departure(self.departure.levels, self.departure.times)
        elif self.departure is not None:
            departure = Departure.at(self.departure)
        session = ChargingSession(self.session_id, self.series_id, self.arrival, departure, self.need_kwh)
        return PluggedIn(self.series_id, session, self.power_kw)


class SessionRecordWire(WireModel):
    """A session as it was recorded: ended, or with a car that is still there."""

    series_id: Annotated[Identity, Field(description="charging load that it is part of")]
    evse_id: Annotated[Identity | None, Field(description="where; the series unless given")] = None
    arrival: Annotated[Moment, Field(description="plug-in time")]
    departure: Annotated[Moment | None, Field(description="plug-out time; null while the car is there")] = (
        None
    )
    energy_kwh: Annotated[KilowattHours, Field(description="what it took, so far while it is there [kWh]")]
    power_kw: Annotated[
        float | None, Field(gt=0, le=1e7, description="power while nobody held it back; null: not known [kW]")
    ] = None
    user_id: Annotated[Identity | None, Field(description="who charged, under any name that lasts")] = None
    stated_departure: Annotated[Moment | None, Field(description="what the driver stated")] = None
    stated_kwh: Annotated[KilowattHours | None, Field(description="what the driver stated [kWh]")] = None

    def to_domain(self) -> SessionRecord:
        """Return the session."""
        both = self.stated_departure is not None and self.stated_kwh is not None
        return SessionRecord(
            self.series_id,
            self.evse_id or self.series_id,
            self.arrival,
            self.departure,
            self.energy_kwh,
            self.power_kw,
            self.user_id,
            self.stated_departure if both else None,
            self.stated_kwh if both else None,
        )


class ForecastWire(WireModel):
    """Samples of some series, and the forecast that is wanted of them."""

    series: Annotated[
        tuple[SeriesWire, ...], Field(min_length=1, max_length=MAX_SERIES, description="what was metered")
    ]
    kind: Annotated[
        Literal["mean_power", "energy_register"],
        Field(
            description="what values are: mean power from their start on, or readings of energy registers [kWh]"
        ),
    ] = "mean_power"
    sample_minutes: Annotated[StepMinutes, Field(description="length of an interval of all series [min]")] = (
        30
    )
    now: Annotated[
        Moment | None,
        Field(description="nothing from this moment on is read; the end of the newest interval unless given"),
    ] = None
    step_minutes: Annotated[
        StepMinutes | None,
        Field(description="length of a slot of the forecast; that of the intervals unless given [min]"),
    ] = None
    slots: Annotated[int, Field(ge=1, le=MAX_SLOTS, description="slots from now on")] = 48
    levels: Annotated[
        tuple[Annotated[float, Field(ge=0.05, le=0.95)], ...],
        Field(
            min_length=1, max_length=99, description="probabilities of staying below, rising, 0.05 to 0.95"
        ),
    ] = DEFAULT_LEVELS
    paths: Annotated[
        int, Field(ge=0, le=1000, description="equally likely futures, coherent over slots and series")
    ] = 0
    seed: Annotated[int, Field(ge=0, le=2**32 - 1, description="the same seed gives the same paths")] = 0
    total: Annotated[
        bool,
        Field(
            description="also quantiles of the sum of all series: of summed paths, not of summed quantiles"
        ),
    ] = False
    forecaster: Annotated[
        Literal["usual", "climatology", "seasonal_naive", "double_seasonal", "ridge"],
        Field(description="who forecasts: the product's own, or one of the baselines that it has to beat"),
    ] = "usual"
    zone: Annotated[str, Field(max_length=64, description="IANA time zone that days are told by")] = "UTC"
    holidays: Annotated[
        tuple[date, ...], Field(max_length=1000, description="local dates that are like Sundays")
    ] = ()
    country: Annotated[
        Country | None,
        Field(description="ISO 3166-1 code: its public holidays are like Sundays; null: not known"),
    ] = None
    subdivision: Annotated[
        Subdivision | None, Field(description="state or province of it, with holidays of its own")
    ] = None
    known: Annotated[
        tuple[KnownColumnWire, ...],
        Field(
            max_length=MOST_COLUMNS,
            description="what is known ahead and the same for all series; where its values end, the forecast is made "
            "without it and says so",
        ),
    ] = ()
    plugged_in: Annotated[
        tuple[PluggedInWire, ...],
        Field(
            max_length=10_000,
            description="cars that are plugged in now, of which departure and need are told",
        ),
    ] = ()
    sessions: Annotated[
        tuple[SessionRecordWire, ...],
        Field(
            max_length=50_000,
            description="recorded sessions of the last weeks, and those of cars that are there now (no departure): "
            "departures, needs and arrivals are learnt from them",
        ),
    ] = ()

    def to_domain(self) -> ForecastRequest:
        """Return what is asked.

        Raises
        ------
        InvalidInputError
            Names every fault with its path.
        """
        issues = IssueList()
        self._check(issues)
        issues.raise_if_any()
        step_s = (self.step_minutes or self.sample_minutes) * 60
        chosen = ForecasterName(self.forecaster)
        wanted = Wanted(step_s, self.slots, self.levels, self.paths, self.seed, self.total, chosen)
        never = self._end + timedelta(seconds=step_s * (self.slots + 2))
        return ForecastRequest(
            tuple(one.domain for one in self.series),
            self.sample_minutes * 60,
            self._readings(),
            wanted,
            self.now,
            SiteCalendar(self.zone, frozenset(self.holidays), self.country, self.subdivision),
            tuple(car.to_domain(never) for car in self.plugged_in),
            tuple(one.to_domain() for one in self.sessions),
            tuple(one.to_domain() for one in self.known),
            SampleKind(self.kind),
        )

    def _check_size(self, issues: IssueList) -> None:
        given, wanted = self.sample_minutes, self.step_minutes or self.sample_minutes
        fits = max(wanted, given) % min(wanted, given) == 0
        issues.require(fits, "step_minutes", f"{wanted} min does not fit samples of every {given} min")
        cells = len(self.series) * self.slots * (len(self.levels) + self.paths)
        issues.require(
            cells <= MAX_CELLS, "slots", f"{cells} values would be answered, at most {MAX_CELLS} can be"
        )
        drawn = len(self.series) * self.slots * (PATHS_OF_A_SUM if self.total or self.sessions else 0)
        smoothed = self.forecaster == "double_seasonal"  # keeps its errors at four leads as well
        days = KEPT_DAYS_DOUBLE_SEASONAL if smoothed else KEPT_DAYS
        kept = len(self.series) * days * (24 * 60 // wanted)
        most = max(drawn, kept)
        issues.require(most <= MAX_HELD, "series", f"{most} values would be held, at most {MAX_HELD} can be")

    def _check(self, issues: IssueList) -> None:
        for name in repeated(one.series_id for one in self.series):
            issues.add("series", f"series_id {name!r} is there more than once")
        for i, one in enumerate(self.series):
            one.check(f"series[{i}]", issues)
            issues.require(
                one.series_id != TOTAL or not self.total, f"series[{i}].series_id", "is the sum's own name"
            )
        issues.require(bool((np.diff(self.levels) > 0).all()), "levels", "must rise")
        issues.require(is_zone(self.zone), "zone", f"no time zone is called {self.zone!r}")
        check_region(self.country, self.subdivision, ("country", "subdivision"), issues)
        self._check_size(issues)
        for name in repeated(one.name for one in self.known):
            issues.add("known", f"name {name!r} is there more than once")
        known = {one.series_id for one in self.series}
        for name in repeated(car.session_id for car in self.plugged_in):
            issues.add("plugged_in", f"session_id {name!r} is there more than once")
        for i, car in enumerate(self.plugged_in):
            where = f"plugged_in[{i}]"
            issues.require(
                car.series_id in known, f"{where}.series_id", f"{car.series_id!r} is none of the series"
            )
            issues.require(car.arrival <= self._end, f"{where}.arrival", "lies after now")
            _check_departure(car.departure, f"{where}.departure", issues)
        for i, session in enumerate(self.sessions):
            where = f"sessions[{i}]"
            issues.require(
                session.series_id in known,
                f"{where}.series_id",
                f"{session.series_id!r} is none of the series",
            )
            left = session.departure is None or session.departure > session.arrival
            issues.require(left, f"{where}.departure", "is not after the arrival")

    @property
    def _end(self) -> datetime:
        """Moment of the forecast."""
        step = timedelta(minutes=self.sample_minutes)
        return self.now or max(one.start + step * len(one.values) for one in self.series)

    def _readings(self) -> Readings:
        step_s = self.sample_minutes * 60
        sizes = [len(one.values) for one in self.series]
        time_s = [
            int(one.start.timestamp()) + np.arange(n, dtype=np.int64) * step_s
            for one, n in zip(self.series, sizes, strict=True)
        ]
        values = [[np.nan if v is None else v for v in one.values] for one in self.series]
        row = np.repeat(np.arange(len(sizes), dtype=np.int64), sizes)
        samples = Samples(
            np.concatenate(time_s),
            row,
            frozen(np.concatenate(values)),
            self._flags("curtailed", otherwise=False),
        )
        return Readings(samples, self._flags("online", otherwise=True), self._limits())

    def _flags(self, name: str, *, otherwise: bool) -> BoolArray | None:
        """Return a column of flags of all series, or None where none has it."""
        columns = [getattr(one, name) for one in self.series]
        if all(column is None for column in columns):
            return None
        parts = zip(columns, self.series, strict=True)
        return np.concatenate(
            [np.full(len(one.values), otherwise) if c is None else np.array(c) for c, one in parts]
        )

    def _limits(self) -> FloatArray | None:
        if all(one.limit_kw is None for one in self.series):
            return None
        rows = [one.limit_kw or (None,) * len(one.values) for one in self.series]
        return frozen([np.inf if limit is None else limit for row in rows for limit in row])


def _check_departure(departure: datetime | DepartureQuantiles | None, where: str, issues: IssueList) -> None:
    if not isinstance(departure, DepartureQuantiles):
        return
    levels, times = departure.levels, departure.times
    issues.require(
        len(levels) == len(times), f"{where}.times", f"has {len(times)} times for {len(levels)} levels"
    )
    issues.require(all(a < b for a, b in pairwise(levels)), f"{where}.levels", "must rise")
    issues.require(all(a <= b for a, b in pairwise(times)), f"{where}.times", "must not fall")
