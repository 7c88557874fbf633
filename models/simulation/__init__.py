"""A simulated site: cars that obey pilots as cars do, and meters that show what was drawn."""

from models.simulation.cars import Car
from models.simulation.site import Metered, SimulatedCar, SimulatedSite

__all__ = ["Car", "Metered", "SimulatedCar", "SimulatedSite"]
