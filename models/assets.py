"""What a site has beside EVSEs: batteries, solar plants, generators. Balanced over the phases."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from models.arrays import FloatArray, FloatBySlot
from models.quantiles import at_level


@dataclass(frozen=True, slots=True)
class Battery:
    """A stationary battery.

    Parameters
    ----------
    asset_id, node_id : str
    min_kwh, max_kwh : float
        Energy that it is kept between [kWh].
    stored_kwh : float
        Energy in it now [kWh].
    charge_kw, discharge_kw : float
        Greatest power from and to the site [kW].
    charge_efficiency, discharge_efficiency : float
        Part of the energy that arrives, each way, in (0, 1].
    wear_per_kwh : float
        What a kWh that is discharged costs in wear [currency/kWh].
    end_kwh : float or None
        Least energy at the end of the horizon [kWh]; None: what is stored now, or what can be reached of it.
    """

    asset_id: str
    node_id: str
    min_kwh: float
    max_kwh: float
    stored_kwh: float
    charge_kw: float
    discharge_kw: float
    charge_efficiency: float = 0.95
    discharge_efficiency: float = 0.95
    wear_per_kwh: float = 0.02
    end_kwh: float | None = None


@dataclass(frozen=True, slots=True)
class SolarPlant:
    """A solar plant.

    Parameters
    ----------
    asset_id, node_id : str
    levels : (n_levels,) float64
        Probabilities of the forecast, ascending, in (0, 1).
    available_kw : (n_levels, n_slots) float64
        Quantiles of the power that it can give [kW]; rows do not decrease.
    can_curtail : bool
        Whether it can be told to give less.
    """

    asset_id: str
    node_id: str
    levels: FloatArray
    available_kw: FloatBySlot
    can_curtail: bool = True

    def at(self, level: float) -> FloatArray:
        """Return the power that it can give at probability ``level``, shape (n_slots,) [kW]."""
        return at_level(self.levels, self.available_kw, level)


@dataclass(frozen=True, slots=True)
class Generator:
    """A generator that burns fuel.

    Parameters
    ----------
    asset_id, node_id : str
    max_kw : float
        Greatest power [kW].
    cost_per_kwh : float
        Fuel and wear [currency/kWh].
    carbon_kg_per_kwh : float
        Emissions [kg/kWh].
    """

    asset_id: str
    node_id: str
    max_kw: float
    cost_per_kwh: float
    carbon_kg_per_kwh: float = 0.0


@dataclass(frozen=True, slots=True)
class SiteAssets:
    """All assets of a site at one moment."""

    batteries: tuple[Battery, ...] = ()
    solar: tuple[SolarPlant, ...] = ()
    generators: tuple[Generator, ...] = ()

    @property
    def node_of(self) -> Mapping[str, str]:
        """The node of every asset, by its name."""
        return MappingProxyType(
            {
                **{one.asset_id: one.node_id for one in self.batteries},
                **{one.asset_id: one.node_id for one in self.solar},
                **{one.asset_id: one.node_id for one in self.generators},
            }
        )
