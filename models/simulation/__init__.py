"""A simulated site: cars and stations that obey pilots as real ones do, and meters that show what was drawn."""

from models.simulation.cars import Car
from models.simulation.delays import DelayedMeters, MeterDelay
from models.simulation.site import Metered, SimulatedCar, SimulatedSite
from models.simulation.stations import FaultKind, SimulatedStations, StationFault

__all__ = [
    "Car",
    "DelayedMeters",
    "FaultKind",
    "MeterDelay",
    "Metered",
    "SimulatedCar",
    "SimulatedSite",
    "SimulatedStations",
    "StationFault",
]
