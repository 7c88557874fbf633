"""A charging session on the wire."""

from typing import Annotated, TypeAlias

from pydantic import Discriminator, Field, Tag

from api.wire.schemas import Amperes, Identity, KilowattHours, Kilowatts, Moment, Probability, WireModel
from models.sessions import ChargingSession, Departure


class DepartureQuantiles(WireModel):
    """When a car leaves, as quantiles."""

    levels: Annotated[
        tuple[Probability, ...],
        Field(min_length=1, max_length=99, description="probabilities that it has left"),
    ]
    times: Annotated[tuple[Moment, ...], Field(min_length=1, max_length=99)]


def _form(value: object) -> str:
    return "quantiles" if isinstance(value, dict | DepartureQuantiles) else "time"


DepartureWire: TypeAlias = Annotated[
    Annotated[Moment, Tag("time")] | Annotated[DepartureQuantiles, Tag("quantiles")], Discriminator(_form)
]
"""A time that is believed, or quantiles."""


class SessionWire(WireModel):
    """A car that is plugged in, or expected."""

    session_id: Identity
    evse_id: Identity
    arrival: Moment
    departure: DepartureWire
    target_kwh: Annotated[KilowattHours, Field(description="energy wanted over the whole session [kWh]")]
    minimum_kwh: Annotated[KilowattHours, Field(description="part of it that was promised [kWh]")] = 0.0
    delivered_kwh: Annotated[KilowattHours, Field(description="energy metered so far [kWh]")] = 0.0
    max_current_a: Annotated[Amperes | None, Field(description="the vehicle's limit per phase [A]")] = None
    max_power_kw: Annotated[Kilowatts | None, Field(description="the vehicle's limit in total [kW]")] = None
    n_phases: Annotated[int | None, Field(ge=1, le=3, description="phases that the car uses")] = None
    priority: Annotated[float, Field(gt=0, le=1000, description="weight of its shortfall; 1 is normal")] = 1.0
    transaction_id: Annotated[
        str | None,
        Field(min_length=1, max_length=36, description="OCPP transaction; makes its profile a TxProfile"),
    ] = None

    @classmethod
    def from_domain(cls, session: ChargingSession) -> "SessionWire":
        """Return a session as it stands on the wire."""
        departure = session.departure
        certain = departure.levels == (0.5,)
        return cls(
            session_id=session.session_id,
            evse_id=session.evse_id,
            arrival=session.arrival,
            departure=departure.times[0]
            if certain
            else DepartureQuantiles(levels=departure.levels, times=departure.times),
            target_kwh=session.target_kwh,
            minimum_kwh=session.minimum_kwh,
            delivered_kwh=session.delivered_kwh,
            max_current_a=session.max_current_a,
            max_power_kw=session.max_power_kw,
            n_phases=session.n_phases,
            priority=session.priority,
        )

    def to_domain(self) -> ChargingSession:
        """Return the session."""
        leaves = self.departure
        return ChargingSession(
            session_id=self.session_id,
            evse_id=self.evse_id,
            arrival=self.arrival,
            departure=Departure(leaves.levels, leaves.times)
            if isinstance(leaves, DepartureQuantiles)
            else Departure.at(leaves),
            target_kwh=self.target_kwh,
            minimum_kwh=self.minimum_kwh,
            delivered_kwh=self.delivered_kwh,
            max_current_a=self.max_current_a,
            max_power_kw=self.max_power_kw,
            n_phases=self.n_phases,
            priority=self.priority,
        )
