"""A session that has ended, on the wire."""

from typing import Annotated

from pydantic import Field

from api.forecasts.request import SessionRecord
from api.wire.schemas import Identity, KilowattHours, Moment, WireModel
from models.errors import IssueList


class PastSessionWire(WireModel):
    """A session that has ended: what is known of cars that are here, and of those to come, is learnt from it."""

    arrival: Annotated[Moment, Field(description="plug-in time")]
    departure: Annotated[Moment, Field(description="plug-out time")]
    energy_kwh: Annotated[
        KilowattHours, Field(description="what it took, or would have taken had nobody held it back [kWh]")
    ]
    evse_id: Annotated[Identity | None, Field(description="where; null: somewhere at the site")] = None
    power_kw: Annotated[
        float | None, Field(gt=0, le=1e7, description="power while nobody held it back; null: not known [kW]")
    ] = None
    user_id: Annotated[Identity | None, Field(description="who charged, under any name that lasts")] = None
    stated_departure: Annotated[
        Moment | None, Field(description="what the driver had stated; counts with stated_kwh only")
    ] = None
    stated_kwh: Annotated[
        KilowattHours | None, Field(description="what the driver had stated [kWh]; with stated_departure")
    ] = None

    def check(self, where: str, issues: IssueList) -> None:
        """Note a car that left before it came."""
        issues.require(self.departure > self.arrival, f"{where}.departure", "is not after the arrival")

    def to_domain(self, site_id: str) -> SessionRecord:
        """Return the session as one of a site."""
        both = self.stated_departure is not None and self.stated_kwh is not None
        return SessionRecord(
            series_id=site_id,
            evse=self.evse_id or site_id,
            arrival=self.arrival,
            departure=self.departure,
            energy_kwh=self.energy_kwh,
            power_kw=self.power_kw,
            user=self.user_id,
            stated_departure=self.stated_departure if both else None,
            stated_kwh=self.stated_kwh if both else None,
        )
