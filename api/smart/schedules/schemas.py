"""A schedule in no version's words: limits of each EVSE by slot, and what holds beneath them."""

from typing import Annotated, Literal

from pydantic import Field

from api.smart.capabilities.schemas import CapabilitiesWire
from api.smart.schemas import Phases, SituationWire, TransactionName
from api.wire.schemas import MAX_SLOTS, Amperes, Kilowatts, Moment, SignedKilowatts, WireModel


class EvseScheduleWire(WireModel):
    """What one EVSE may do, slot by slot: either currents or powers."""

    evse: Annotated[int, Field(ge=1, le=10_000)]
    transaction: TransactionName | None = Field(
        None, description="What runs there; without one, the schedule is a default that the next car obeys."
    )
    phases: Phases | None = Field(None, description="Phases that the EVSE loads; those of the station.")
    current_type: Literal["AC", "DC"] | None = None
    limit_a: tuple[Amperes, ...] | None = Field(
        None, min_length=1, max_length=MAX_SLOTS, description="Most current of each phase."
    )
    limit_kw: tuple[Kilowatts, ...] | None = Field(
        None, min_length=1, max_length=MAX_SLOTS, description="Most power in total."
    )
    setpoint_kw: tuple[SignedKilowatts, ...] | None = Field(
        None, description="Power to follow; below 0 gives back. Only 2.1 stations that are bidirectional do."
    )
    discharge_limit_kw: tuple[Annotated[SignedKilowatts, Field(le=0)], ...] | None = Field(
        None, description="Most that may be given back, at most 0."
    )


class FloorWire(WireModel):
    """What holds beneath the schedule: without a connection, after its end, for other transactions."""

    share_a: Amperes = Field(0.0, description="Each EVSE, on each phase; 0 charges nothing without a plan.")
    station_max_a: Amperes | None = Field(
        None, description="The whole station, on each phase; the most that the schedule adds up to."
    )


class EncodeCaseWire(SituationWire):
    """A schedule for a station, what the station can do, and what it holds."""

    now: Moment | None = Field(None, description="When it is sent; the start of the schedule, unless given.")
    start: Moment
    step_s: Annotated[int, Field(ge=1, le=86_400)] = 900
    evses: tuple[EvseScheduleWire, ...] = Field(min_length=1, max_length=100)
    floor: FloorWire = Field(default_factory=FloorWire)
    capabilities: CapabilitiesWire = Field(default_factory=CapabilitiesWire)
    vendor: str = Field("", description="With model and firmware: what is known of the station's quirks.")
    model: str = ""
    firmware: str = ""
    form: Literal["profile", "dynamic"] = Field(
        "profile", description="Dynamic: one value, and an UpdateDynamicSchedule for every slot (2.1)."
    )
