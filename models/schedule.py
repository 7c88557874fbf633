"""A schedule: the pilot that every EVSE is told in every slot."""

from dataclasses import dataclass

import numpy as np

from models.arrays import FloatArray, frozen
from models.timegrid import TimeGrid


@dataclass(frozen=True, slots=True)
class AssetSchedule:
    """What one asset is told, and what is expected to come of it.

    Parameters
    ----------
    asset_id : str
    power_kw : (n_slots,) float64
        What it draws [kW]; below 0 where it gives. Of a solar plant what is counted on.
    stored_kwh : (n_slots,) float64 or None
        What a battery holds after every slot [kWh].
    most_kw : (n_slots,) float64 or None
        What a solar plant may give at most [kW].
    """

    asset_id: str
    power_kw: FloatArray
    stored_kwh: FloatArray | None = None
    most_kw: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class BackSchedule:
    """What the car at one EVSE is told to give back (V2H, V2G).

    Parameters
    ----------
    evse_id : str
    current_a : (n_slots,) float64
        Current per phase towards the site [A]; where it is above 0 the EVSE's pilot is 0.
    power_kw : (n_slots,) float64
        Power at that current [kW].
    energy_kwh : (n_slots,) float64
        What the site gets in the slot [kWh].
    """

    evse_id: str
    current_a: FloatArray
    power_kw: FloatArray
    energy_kwh: FloatArray


@dataclass(frozen=True, slots=True)
class Schedule:
    """What stations are told, and what is expected to come of it.

    Parameters
    ----------
    grid : TimeGrid
    evse_ids : tuple of str
        Row order of the arrays.
    pilot_a : (n_evses, n_slots) float64
        Greatest current per phase [A]; 0 pauses.
    power_kw : (n_evses, n_slots) float64
        Power at that pilot [kW]: what a limit must be able to carry.
    energy_kwh : (n_evses, n_slots) float64
        Energy expected in the slot [kWh]; less than power x time where the car is there for a part of
        the slot or is full within it.
    assets : tuple of AssetSchedule
        Batteries, solar plants and generators that can be told.
    back : tuple of BackSchedule
        EVSEs whose cars give back at some time; powers and energies above do not count it.
    """

    grid: TimeGrid
    evse_ids: tuple[str, ...]
    pilot_a: FloatArray
    power_kw: FloatArray
    energy_kwh: FloatArray
    assets: tuple[AssetSchedule, ...] = ()
    back: tuple[BackSchedule, ...] = ()

    def row(self, evse_id: str) -> int:
        """Return the row of an EVSE."""
        return self.evse_ids.index(evse_id)

    def back_kw(self) -> FloatArray:
        """Return what the cars at all EVSEs give back, shape (n_evses, n_slots) [kW]."""
        out = np.zeros(self.power_kw.shape)
        for told in self.back:
            out[self.row(told.evse_id)] = told.power_kw
        return frozen(out)
