"""Charging stations, their EVSEs and what they take over OCPP, on the wire."""

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from api.ocpp.capabilities import OcppVersion, RateUnit, StationCapabilities
from api.wire.schemas import Amperes, Identity, Kilowatts, Seconds, WireModel
from models.grid.site import Connector, CurrentType, Evse, Phase, Station, Wiring
from models.units import MIN_AC_CURRENT_A

PhaseName: TypeAlias = Literal["L1", "L2", "L3"]
_NAMES: Final[tuple[PhaseName, ...]] = ("L1", "L2", "L3")


class ConnectorWire(WireModel):
    """A plug or socket."""

    connector_id: Annotated[int, Field(ge=1, le=1000, description="its number at the EVSE, from 1")] = 1
    standard: Annotated[str, Field(max_length=64, description="OCPI connector type")] = "IEC_62196_T2"


class EvseWire(WireModel):
    """One place to charge one vehicle at a time."""

    evse_id: Annotated[Identity, Field(description="unique within the site")]
    phases: Annotated[
        tuple[PhaseName, ...],
        Field(
            max_length=3,
            description="site phases behind the EVSE's own L1, L2, L3, in their order: the phase rotation",
        ),
    ] = ("L1", "L2", "L3")
    min_current_a: Annotated[Amperes, Field(description="least current per phase while charging [A]")] = (
        MIN_AC_CURRENT_A
    )
    max_current_a: Annotated[Amperes, Field(description="greatest current per phase [A]")] = 32.0
    current_type: Annotated[CurrentType, Field(description="what the car is given")] = CurrentType.AC
    step_a: Annotated[float, Field(ge=0.1, le=1000, description="distance of the pilots [A]")] = 1.0
    pilots_a: Annotated[
        tuple[Amperes, ...] | None,
        Field(max_length=1000, description="the exact pilots, where not equally spaced [A]"),
    ] = None
    connectors: Annotated[
        tuple[ConnectorWire, ...],
        Field(min_length=1, max_length=16, description="plugs and sockets; one is in use at a time"),
    ] = (ConnectorWire(),)
    wiring: Annotated[
        Wiring,
        Field(
            description="wye: each phase between a line and neutral; delta: between two lines, or balanced "
            "between three, without neutral (AC only)"
        ),
    ] = Wiring.WYE
    power_factor: Annotated[
        float,
        Field(gt=0, le=1, description="of a charging car, lagging; below 1 it draws more current per kW"),
    ] = 1.0
    min_run_s: Annotated[
        Seconds, Field(description="least time that a car charges once it was switched on [s]")
    ] = 0.0
    min_pause_s: Annotated[
        Seconds, Field(description="least time that a car pauses once it was switched off [s]")
    ] = 0.0
    max_discharge_a: Annotated[
        Amperes, Field(description="greatest current per phase that it can feed back [A]; 0 where it cannot")
    ] = 0.0

    @classmethod
    def from_domain(cls, evse: Evse) -> "EvseWire":
        """Return an EVSE as it stands on the wire."""
        return cls(
            evse_id=evse.evse_id,
            phases=tuple(_NAMES[phase] for phase in evse.phases),
            min_current_a=evse.min_current_a,
            max_current_a=evse.max_current_a,
            current_type=evse.current_type,
            step_a=evse.step_a,
            pilots_a=evse.pilots_a,
            connectors=tuple(
                ConnectorWire(connector_id=plug.connector_id, standard=plug.standard)
                for plug in evse.connectors
            ),
            wiring=evse.wiring,
            power_factor=evse.power_factor,
            min_run_s=evse.min_run_s,
            min_pause_s=evse.min_pause_s,
            max_discharge_a=evse.max_discharge_a,
        )

    def to_domain(self) -> Evse:
        """Return the EVSE."""
        return Evse(
            evse_id=self.evse_id,
            phases=tuple(Phase[name] for name in self.phases),
            min_current_a=self.min_current_a,
            max_current_a=self.max_current_a,
            current_type=self.current_type,
            step_a=self.step_a,
            pilots_a=self.pilots_a,
            connectors=tuple(Connector(plug.connector_id, plug.standard) for plug in self.connectors),
            wiring=self.wiring,
            power_factor=self.power_factor,
            min_run_s=self.min_run_s,
            min_pause_s=self.min_pause_s,
            max_discharge_a=self.max_discharge_a,
        )


class OcppWire(WireModel):
    """What a station takes over OCPP; the defaults are safe for one that tells nothing."""

    version: Annotated[Literal["1.6", "2.0.1"], Field(description="OCPP version that it speaks")] = "1.6"
    rate_units: Annotated[
        tuple[Literal["A", "W"], ...],
        Field(min_length=1, max_length=2, description="units of the limits that it takes"),
    ] = ("A",)
    max_stack_level: Annotated[int, Field(ge=0, le=1000, description="ChargeProfileMaxStackLevel")] = 0
    max_periods: Annotated[int, Field(ge=1, le=1024, description="periods that a profile of it may have")] = 6
    max_profiles: Annotated[int, Field(ge=1, le=10000, description="profiles that it can hold")] = 3

    def to_domain(self, voltage_v: float) -> StationCapabilities:
        """Return the capabilities of a station on a grid of ``voltage_v`` [V]."""
        return StationCapabilities(
            version=OcppVersion("ocpp" + self.version),
            rate_units=frozenset(RateUnit(unit) for unit in self.rate_units),
            max_stack_level=self.max_stack_level,
            max_periods=self.max_periods,
            max_profiles=self.max_profiles,
            voltage_v=round(voltage_v, 1),
        )


class StationWire(WireModel):
    """A charging station behind one connection to a circuit node."""

    station_id: Annotated[Identity, Field(description="its OCPP identity, unique within the site")]
    node_id: Annotated[Identity, Field(description="circuit node that feeds it")]
    evses: Annotated[tuple[EvseWire, ...], Field(max_length=1000, description="at least one")]
    ocpp: Annotated[OcppWire, Field(description="what it takes over OCPP")] = OcppWire()
    limit_kw: Annotated[
        Kilowatts | None, Field(description="power that its EVSEs share [kW]: a cabinet with several ports")
    ] = None
    module_kw: Annotated[
        float | None,
        Field(
            gt=0,
            le=1e7,
            description="power modules that are switched to one port at a time [kW]: each port occupies "
            "whole modules of limit_kw, which is a multiple of it",
        ),
    ] = None
    offline_a: Annotated[
        Amperes,
        Field(
            description="current per phase that each of its EVSEs with a car may draw while it is offline [A]: "
            "its safe share"
        ),
    ] = 0.0

    @classmethod
    def from_domain(cls, station: Station) -> "StationWire":
        """Return a station as it stands on the wire, with default capabilities."""
        return cls(
            station_id=station.station_id,
            node_id=station.node_id,
            evses=tuple(EvseWire.from_domain(evse) for evse in station.evses),
            limit_kw=station.limit_kw,
            module_kw=station.module_kw,
            offline_a=station.offline_a,
        )

    def to_domain(self) -> Station:
        """Return the station."""
        return Station(
            station_id=self.station_id,
            node_id=self.node_id,
            evses=tuple(evse.to_domain() for evse in self.evses),
            limit_kw=self.limit_kw,
            module_kw=self.module_kw,
            offline_a=self.offline_a,
        )
