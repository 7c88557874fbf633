"""A worked example of a load history: six weeks of a workplace, drawn from a seed, with faults as meters have them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

import numpy as np

from api.examples import examples, state_of
from models.arrays import FloatArray, IntArray, frozen
from models.demand.arrivals import ArrivalModel, Visit
from models.grid.site import Site
from models.units import W_PER_KW

STEP_S: Final = 1800
_FIRST_DAY: Final = date(2026, 1, 21)
_N_DAYS: Final = 42
_SEED: Final = 7
_PER_DAY: Final = 86_400 // STEP_S


@dataclass(frozen=True, slots=True)
class ExampleHistory:
    """Mean power of consecutive slots of half an hour.

    Parameters
    ----------
    time_s : (n_slots,) int64
        Start of each slot since the epoch [s].
    names : tuple of str
    values : (n_series, n_slots) float64
        Mean power [kW]; NaN where the meter was silent.
    """

    time_s: IntArray
    names: tuple[str, ...]
    values: FloatArray


def example_history() -> ExampleHistory:
    """Return the charging loads of two stations of the workplace example, and the load of its building."""
    site = state_of(examples()["workplace"]).to_domain().state.site
    first_s = int(datetime(_FIRST_DAY.year, _FIRST_DAY.month, _FIRST_DAY.day, tzinfo=UTC).timestamp())
    time_s = first_s + np.arange(_N_DAYS * _PER_DAY, dtype=np.int64) * STEP_S
    visits = ArrivalModel.workplace().sample_days(site, _FIRST_DAY, _N_DAYS, _SEED)
    stations = [station.station_id for station in site.stations]
    loads = [_charging(site, station, visits, time_s) for station in stations]
    values = np.stack([*loads, _building(time_s)])
    _spoil(values)
    return ExampleHistory(time_s, (*stations, "building"), frozen(np.round(values, 3)))


def _charging(site: Site, station_id: str, visits: tuple[Visit, ...], time_s: IntArray) -> FloatArray:
    """Return the load of cars that charge at full power from their arrival, shape (n_slots,) [kW]."""
    power_kw = {
        evse.evse_id: evse.levels_a[-1] * len(evse.phases) * site.voltage_v / W_PER_KW
        for station in site.stations
        if station.station_id == station_id
        for evse in station.evses
    }
    load_kw = np.zeros(time_s.size)
    for visit in visits:
        session = visit.session
        if session.evse_id not in power_kw:
            continue
        kw = min(power_kw[session.evse_id], session.max_power_kw or np.inf)
        begin_s = session.arrival.timestamp()
        end_s = begin_s + session.target_kwh / kw * 3600
        inside_s = np.minimum(time_s + STEP_S, end_s) - np.maximum(time_s, begin_s)
        load_kw += kw * np.maximum(inside_s, 0.0) / STEP_S
    return frozen(load_kw)


def _building(time_s: IntArray) -> FloatArray:
    """Return the load of an office: a base, working hours on workdays, and noise that fades slowly [kW]."""
    rng = np.random.default_rng(_SEED)
    hour, day = time_s % 86_400 / 3600, time_s // 86_400
    works = np.isin((day + 3) % 7, (5, 6), invert=True)
    open_ = 1 / (1 + np.exp(-(hour - 7.5) * 1.8)) - 1 / (1 + np.exp(-(hour - 18) * 1.5))
    noise = np.zeros(time_s.size)
    for t in range(1, time_s.size):
        noise[t] = 0.85 * noise[t - 1] + rng.normal(0, 0.45)
    return frozen(np.maximum(9 + 17 * open_ * np.where(works, 1.0, 0.12) + noise, 1.0))


def _spoil(values: FloatArray) -> None:
    """Put faults into the series, in place: a silent meter, two spikes, a stuck one, an offline station."""
    building, first = values[-1], values[0]
    building[8 * _PER_DAY + 10 : 8 * _PER_DAY + 22] = np.nan
    building[15 * _PER_DAY + 25] *= 9
    building[29 * _PER_DAY + 6] = -80.0
    building[22 * _PER_DAY + 14 : 22 * _PER_DAY + 40] = building[22 * _PER_DAY + 14]
    first[18 * _PER_DAY : 18 * _PER_DAY + 30] = np.nan
