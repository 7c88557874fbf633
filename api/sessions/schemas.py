"""A charging session on the wire."""

from datetime import datetime
from typing import Annotated, Any, Final, TypeAlias, cast

from pydantic import ConfigDict, Discriminator, Field, Tag, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from api.wire.schemas import (
    Amperes,
    Cost,
    Efficiency,
    Identity,
    KilowattHours,
    Kilowatts,
    Moment,
    Probability,
    Seconds,
    SignedKilowattHours,
    WireModel,
    members,
)
from models.sessions import Acceptance, ChargingSession, Departure, DischargeOffer, Milestone
from models.units import W_PER_KW


class DepartureQuantiles(WireModel):
    """When a car leaves, as quantiles."""

    levels: Annotated[
        tuple[Probability, ...],
        Field(min_length=1, max_length=99, description="probabilities that it has left, rising"),
    ]
    times: Annotated[
        tuple[Moment, ...],
        Field(min_length=1, max_length=99, description="departure at these levels, not falling"),
    ]


def _form(value: object) -> str:
    return "quantiles" if isinstance(value, dict | DepartureQuantiles) else "time"


DepartureWire: TypeAlias = Annotated[
    Annotated[Moment, Tag("time")] | Annotated[DepartureQuantiles, Tag("quantiles")], Discriminator(_form)
]
"""A time that is believed, or quantiles."""


class MilestoneWire(WireModel):
    """Energy of the whole session that must be in the car by a deadline before its departure."""

    by: Annotated[
        Moment, Field(description="after arrival, at most the latest departure, later than the one before")
    ]
    energy_kwh: Annotated[
        KilowattHours,
        Field(description="energy since arrival, at most the target, no less than before [kWh]"),
    ]

    @classmethod
    def from_domain(cls, milestone: Milestone) -> "MilestoneWire":
        """Return a milestone as it stands on the wire."""
        return cls(**members(milestone))

    def to_domain(self) -> Milestone:
        """Return the milestone."""
        return Milestone(**dict(self))


class AcceptanceWire(WireModel):
    """The power that a battery accepts as it fills: from a knee on it falls linearly."""

    knee_kwh: Annotated[
        float,
        Field(
            ge=-1e6,
            le=1e6,
            description="energy of the session from which on the accepted power falls, below full_kwh [kWh]; "
            "negative where the car came with more than that",
        ),
    ]
    full_kwh: Annotated[KilowattHours, Field(description="energy of the session at which it is full [kWh]")]
    full_power_kw: Annotated[float, Field(gt=0, le=1e7, description="accepted power up to the knee [kW]")]
    end_share: Annotated[
        float, Field(ge=0, lt=1, description="part of that power that is left when it is full")
    ] = 0.1

    @classmethod
    def from_domain(cls, curve: Acceptance) -> "AcceptanceWire":
        """Return a curve as it stands on the wire."""
        return cls(**members(curve))

    def to_domain(self) -> Acceptance:
        """Return the curve."""
        return Acceptance(**dict(self))


class DischargeWire(WireModel):
    """What a car may give back to its site or the grid (V2H, V2G)."""

    max_kw: Annotated[Kilowatts, Field(description="greatest power back [kW]")]
    stored_kwh: Annotated[KilowattHours, Field(description="energy in its battery now [kWh]")]
    reserve_kwh: Annotated[
        KilowattHours,
        Field(description="energy that it is never discharged below, at most capacity_kwh [kWh]"),
    ]
    capacity_kwh: Annotated[
        float, Field(gt=0, le=1e6, description="energy that it is never charged above while plugged in [kWh]")
    ]
    charge_efficiency: Annotated[
        Efficiency, Field(description="part of the energy drawn that is stored, in (0, 1]")
    ] = 0.95
    discharge_efficiency: Annotated[
        Efficiency, Field(description="part of the energy taken out that arrives, in (0, 1]")
    ] = 0.95
    wear_per_kwh: Annotated[
        Cost, Field(description="what a kWh given back costs its battery [currency/kWh]")
    ] = 0.05

    @classmethod
    def from_domain(cls, offer: DischargeOffer) -> "DischargeWire":
        """Return an offer as it stands on the wire."""
        return cls(**members(offer))

    def to_domain(self) -> DischargeOffer:
        """Return the offer."""
        return DischargeOffer(**dict(self))


class Iso15118Wire(WireModel):
    """What the car itself asked for in ISO 15118 (charge parameter discovery, or OCPP NotifyEVChargingNeeds).

    Each value counts where the session's own member is absent or null; the session's own member wins.
    """

    departure_time: Annotated[
        Moment | None, Field(description="DepartureTime as an instant; stands in for departure")
    ] = None
    energy_request_wh: Annotated[
        float | None,
        Field(
            ge=0,
            le=1e9,
            description="EAmount or EVEnergyRequest when the car was plugged in [Wh]; stands in for target_kwh. "
            "One that is asked later counts from then on: send target_kwh, with what was delivered before",
        ),
    ] = None
    ev_maximum_power_w: Annotated[
        float | None,
        Field(
            gt=0, le=1e10, description="EVMaximumPower (EVMaximumPowerLimit) [W]; stands in for max_power_kw"
        ),
    ] = None
    ev_maximum_current_a: Annotated[
        float | None,
        Field(
            gt=0,
            le=1e6,
            description="EVMaxCurrent (EVMaximumCurrentLimit) [A]; stands in for max_current_a",
        ),
    ] = None


_STAND_INS: Final = (("departure", "departure_time"), ("target_kwh", "energy_request_wh"))
_ONE_OF_EACH: Final = tuple(
    (own, {"required": ["iso15118"], "properties": {"iso15118": {"type": "object", "required": [told]}}})
    for own, told in _STAND_INS
)


def _say_what_is_needed(schema: dict[str, Any]) -> None:
    """Tell in the JSON Schema that a session or what its car asked for names departure and energy."""
    schema["allOf"] = [{"anyOf": [{"required": [own]}, told]} for own, told in _ONE_OF_EACH]


class SessionWire(WireModel):
    """A car that is plugged in, or expected (``arrival`` after ``now``).

    Cars that follow each other on one EVSE stand in line: each arrives when the one before has left. A car that
    is still plugged in past its latest departure may leave at any moment: it is planned to stay for the length
    of a slot.
    """

    model_config = ConfigDict(json_schema_extra=_say_what_is_needed)

    session_id: Annotated[Identity, Field(description="unique within the state")]
    evse_id: Annotated[Identity, Field(description="EVSE that the car is at, or is expected at")]
    iso15118: Annotated[
        Iso15118Wire | None,
        Field(description="what the car asked for; the session's own members win over it"),
    ] = None  # stands before the members that look at it when they are absent
    arrival: Annotated[Moment, Field(description="plug-in time; after now for a car that is expected")]
    departure: Annotated[
        DepartureWire | None,
        Field(
            validate_default=True,
            description="when the car leaves: a time that is believed, or quantiles; needed unless "
            "iso15118.departure_time stands in for it",
        ),
    ] = None
    target_kwh: Annotated[
        KilowattHours | None,
        Field(
            validate_default=True,
            description="energy wanted over the whole session [kWh]; needed unless iso15118.energy_request_wh "
            "stands in for it",
        ),
    ] = None
    minimum_kwh: Annotated[
        KilowattHours, Field(description="part of the target that weighs far more than the rest [kWh]")
    ] = 0.0
    delivered_kwh: Annotated[
        SignedKilowattHours,
        Field(
            description="energy metered so far, less 1 / (charge_efficiency x discharge_efficiency) for every kWh "
            "that the car gave back [kWh]; only then may it be below 0"
        ),
    ] = 0.0
    max_current_a: Annotated[Amperes | None, Field(description="the vehicle's limit per phase [A]")] = None
    max_power_kw: Annotated[Kilowatts | None, Field(description="the vehicle's limit in total [kW]")] = None
    n_phases: Annotated[
        int | None, Field(ge=1, le=3, description="phases that the car really uses; null: all of the EVSE")
    ] = None
    priority: Annotated[float, Field(gt=0, le=1000, description="weight of its shortfall; 1 is normal")] = 1.0
    transaction_id: Annotated[
        str | None,
        Field(min_length=1, max_length=36, description="OCPP transaction; makes its profile a TxProfile"),
    ] = None
    user_id: Annotated[
        Identity | None,
        Field(description="who charges, under the name that past_sessions have for them; null: not known"),
    ] = None
    promised_kwh: Annotated[
        KilowattHours,
        Field(
            description="energy of the whole session that the driver was shown as guaranteed by an earlier plan "
            "[kWh]; kept unless a limit leaves no other choice; counts up to the target"
        ),
    ] = 0.0
    milestones: Annotated[
        tuple[MilestoneWire, ...],
        Field(
            max_length=50, description="energy that must be in the car by earlier deadlines, in their order"
        ),
    ] = ()
    acceptance: Annotated[
        AcceptanceWire | None,
        Field(description="how its power falls towards a full battery; null: it does not"),
    ] = None
    discharge: Annotated[
        DischargeWire | None, Field(description="what the car may give back; null: nothing")
    ] = None
    start_delay_s: Annotated[
        Seconds, Field(description="time from a pilot that comes back from 0 to the first current [s]")
    ] = 0.0

    @field_validator("departure", "target_kwh", mode="after")
    @classmethod
    def _is_said(cls, value: object, info: ValidationInfo) -> object:
        """Refuse a session of which neither it nor its car says when it leaves and what it needs."""
        if value is None and "iso15118" in info.data:
            told = dict(_STAND_INS)[str(info.field_name)]
            if getattr(info.data["iso15118"], told, None) is None:
                raise PydanticCustomError(
                    "missing", "Field required, here or as iso15118.{told}", {"told": told}
                )
        return value

    @classmethod
    def from_domain(cls, session: ChargingSession) -> "SessionWire":
        """Return a session as it stands on the wire."""
        leaves, curve, offer = session.departure, session.acceptance, session.discharge
        certain = leaves.levels == (0.5,)
        return cls(
            session_id=session.session_id,
            evse_id=session.evse_id,
            arrival=session.arrival,
            departure=leaves.times[0]
            if certain
            else DepartureQuantiles(levels=leaves.levels, times=leaves.times),
            target_kwh=session.target_kwh,
            minimum_kwh=session.minimum_kwh,
            delivered_kwh=session.delivered_kwh,
            max_current_a=session.max_current_a,
            max_power_kw=session.max_power_kw,
            n_phases=session.n_phases,
            priority=session.priority,
            promised_kwh=session.promised_kwh,
            milestones=tuple(MilestoneWire.from_domain(milestone) for milestone in session.milestones),
            acceptance=None if curve is None else AcceptanceWire.from_domain(curve),
            discharge=None if offer is None else DischargeWire.from_domain(offer),
            start_delay_s=session.start_delay_s,
        )

    def to_domain(self) -> ChargingSession:
        """Return the session; what the car asked for stands in for what is absent."""
        asked = self.iso15118 or Iso15118Wire()
        return ChargingSession(
            session_id=self.session_id,
            evse_id=self.evse_id,
            arrival=self.arrival,
            departure=self._leaves(asked),
            target_kwh=cast("float", _own_or_asked(self.target_kwh, asked.energy_request_wh)),
            minimum_kwh=self.minimum_kwh,
            delivered_kwh=self.delivered_kwh,
            max_current_a=self.max_current_a
            if self.max_current_a is not None
            else asked.ev_maximum_current_a,
            max_power_kw=_own_or_asked(self.max_power_kw, asked.ev_maximum_power_w),
            n_phases=self.n_phases,
            priority=self.priority,
            promised_kwh=self.promised_kwh,
            milestones=tuple(milestone.to_domain() for milestone in self.milestones),
            acceptance=None if self.acceptance is None else self.acceptance.to_domain(),
            discharge=None if self.discharge is None else self.discharge.to_domain(),
            start_delay_s=self.start_delay_s,
        )

    def _leaves(self, asked: Iso15118Wire) -> Departure:
        if isinstance(self.departure, DepartureQuantiles):
            return Departure(self.departure.levels, self.departure.times)
        return Departure.at(cast("datetime", self.departure or asked.departure_time))


def _own_or_asked(own: float | None, asked: float | None) -> float | None:
    """Return a session's own value [kW or kWh], or what its car asked for [W or Wh]."""
    return asked / W_PER_KW if own is None and asked is not None else own
