"""A site on the wire."""

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from api.ocpp.capabilities import OcppVersion, RateUnit, StationCapabilities
from api.wire.schemas import Amperes, Identity, Kilowatts, WireModel
from models.grid.site import CircuitNode, Connector, CurrentType, Evse, Phase, Site, Station
from models.units import MIN_AC_CURRENT_A, NOMINAL_VOLTAGE_V

PhaseName: TypeAlias = Literal["L1", "L2", "L3"]
_NAMES: Final[tuple[PhaseName, ...]] = ("L1", "L2", "L3")


class ConnectorWire(WireModel):
    """A plug or socket."""

    connector_id: Annotated[int, Field(ge=1, le=1000)] = 1
    standard: Annotated[str, Field(max_length=64, description="OCPI connector type")] = "IEC_62196_T2"


class EvseWire(WireModel):
    """One place to charge one vehicle at a time."""

    evse_id: Identity
    phases: Annotated[
        tuple[PhaseName, ...], Field(max_length=3, description="site phases behind the EVSE's own L1, L2, L3")
    ] = ("L1", "L2", "L3")
    min_current_a: Annotated[Amperes, Field(description="least current per phase while charging [A]")] = (
        MIN_AC_CURRENT_A
    )
    max_current_a: Annotated[Amperes, Field(description="greatest current per phase [A]")] = 32.0
    current_type: CurrentType = CurrentType.AC
    step_a: Annotated[float, Field(ge=0.1, le=1000, description="distance of the pilots [A]")] = 1.0
    pilots_a: Annotated[
        tuple[Amperes, ...] | None,
        Field(max_length=1000, description="the exact pilots, where not equally spaced [A]"),
    ] = None
    connectors: Annotated[tuple[ConnectorWire, ...], Field(min_length=1, max_length=16)] = (ConnectorWire(),)

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
        )


class OcppWire(WireModel):
    """What a station takes over OCPP; the defaults are safe for one that tells nothing."""

    version: Literal["1.6", "2.0.1"] = "1.6"
    rate_units: Annotated[tuple[Literal["A", "W"], ...], Field(min_length=1, max_length=2)] = ("A",)
    max_stack_level: Annotated[int, Field(ge=0, le=1000)] = 0
    max_periods: Annotated[int, Field(ge=1, le=1024)] = 6
    max_profiles: Annotated[int, Field(ge=1, le=10000)] = 3

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

    station_id: Identity
    node_id: Identity
    evses: Annotated[tuple[EvseWire, ...], Field(max_length=1000)]
    ocpp: OcppWire = OcppWire()

    def to_domain(self) -> Station:
        """Return the station."""
        return Station(self.station_id, self.node_id, tuple(evse.to_domain() for evse in self.evses))


class NodeWire(WireModel):
    """A panel, feeder, fuse or transformer; all that hangs below it shares its limits."""

    node_id: Identity
    parent_id: Annotated[Identity | None, Field(description="null at the root, the grid connection")] = None
    limit_kw: Annotated[Kilowatts | None, Field(description="greatest power [kW]")] = None
    limit_a: Annotated[
        tuple[Amperes, Amperes, Amperes] | None, Field(description="greatest current by phase [A]")
    ] = None

    def to_domain(self) -> CircuitNode:
        """Return the node."""
        return CircuitNode(self.node_id, self.parent_id, self.limit_kw, self.limit_a)


class SiteWire(WireModel):
    """A charging site (OCPI Location)."""

    site_id: Identity
    zone: Annotated[str, Field(max_length=64, description="IANA time zone", examples=["Europe/Amsterdam"])]
    nodes: Annotated[tuple[NodeWire, ...], Field(min_length=1, max_length=5000)]
    stations: Annotated[tuple[StationWire, ...], Field(max_length=5000)] = ()
    voltage_v: Annotated[float, Field(ge=50, le=1000, description="line-to-neutral voltage [V]")] = (
        NOMINAL_VOLTAGE_V
    )

    @classmethod
    def from_domain(cls, site: Site) -> "SiteWire":
        """Return a site as it stands on the wire, with default capabilities of its stations."""
        return cls(
            site_id=site.site_id,
            zone=site.zone,
            nodes=tuple(
                NodeWire(node_id=n.node_id, parent_id=n.parent_id, limit_kw=n.limit_kw, limit_a=n.limit_a)
                for n in site.nodes
            ),
            stations=tuple(
                StationWire(
                    station_id=station.station_id,
                    node_id=station.node_id,
                    evses=tuple(EvseWire.from_domain(evse) for evse in station.evses),
                )
                for station in site.stations
            ),
            voltage_v=site.voltage_v,
        )

    def to_domain(self) -> Site:
        """Return the site."""
        return Site(
            site_id=self.site_id,
            zone=self.zone,
            nodes=tuple(node.to_domain() for node in self.nodes),
            stations=tuple(station.to_domain() for station in self.stations),
            voltage_v=self.voltage_v,
        )

    def capabilities(self) -> dict[str, StationCapabilities]:
        """Return what each station takes over OCPP, by its identity."""
        return {station.station_id: station.ocpp.to_domain(self.voltage_v) for station in self.stations}
