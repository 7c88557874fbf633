"""A site on the wire: its tree of circuit nodes, its lines, and all that hangs below them."""

from datetime import date
from typing import Annotated

from pydantic import Field

from api.ocpp.capabilities import StationCapabilities
from api.sites.equipment.schemas import StationWire
from api.wire.schemas import Amperes, Country, Identity, Kilowatts, Subdivision, WireModel
from models.grid.fuse import Fuse
from models.grid.site import CircuitNode, LineLimit, Site
from models.units import NOMINAL_VOLTAGE_V


class FusePointWire(WireModel):
    """A current and how long it flows for sure before the fuse trips."""

    multiple: Annotated[float, Field(gt=1, le=1000, description="current as a multiple of the rating")]
    hold_s: Annotated[float, Field(gt=0, le=1e6, description="time that it is held at least [s]")]


class FuseWire(WireModel):
    """The time-current curve of a fuse or breaker, as points that it surely holds."""

    points: Annotated[
        tuple[FusePointWire, ...],
        Field(min_length=1, max_length=100, description="by rising current; times do not rise"),
    ]

    @classmethod
    def from_domain(cls, fuse: Fuse) -> "FuseWire":
        """Return a fuse as it stands on the wire."""
        pairs = zip(fuse.multiples, fuse.hold_s, strict=True)
        return cls(points=tuple(FusePointWire(multiple=multiple, hold_s=held) for multiple, held in pairs))

    def to_domain(self) -> Fuse:
        """Return the fuse."""
        return Fuse(
            multiples=tuple(point.multiple for point in self.points),
            hold_s=tuple(point.hold_s for point in self.points),
        )


class NodeWire(WireModel):
    """A panel, feeder, fuse or transformer; all that hangs below it shares its limits."""

    node_id: Annotated[Identity, Field(description="unique within the site")]
    parent_id: Annotated[Identity | None, Field(description="null at the root, the grid connection")] = None
    limit_kw: Annotated[Kilowatts | None, Field(description="greatest power [kW]")] = None
    limit_a: Annotated[
        tuple[Amperes, Amperes, Amperes] | None,
        Field(description="greatest current of L1, L2 and L3 [A]; 0 where it does not have the phase"),
    ] = None
    limit_kva: Annotated[float | None, Field(ge=0, le=1e7, description="greatest apparent power [kVA]")] = (
        None
    )
    export_kw: Annotated[
        Kilowatts | None,
        Field(description="greatest power back towards the grid [kW]; null: as the other limits allow"),
    ] = None
    unbalance_a: Annotated[
        Amperes | None, Field(description="greatest difference between the currents of two phases [A]")
    ] = None
    fuse: Annotated[
        FuseWire | None,
        Field(description="what protects it: says for how long limit_a may be exceeded without a trip"),
    ] = None

    @classmethod
    def from_domain(cls, node: CircuitNode) -> "NodeWire":
        """Return a node as it stands on the wire."""
        return cls(
            node_id=node.node_id,
            parent_id=node.parent_id,
            limit_kw=node.limit_kw,
            limit_a=node.limit_a,
            limit_kva=node.limit_kva,
            export_kw=node.export_kw,
            unbalance_a=node.unbalance_a,
            fuse=None if node.fuse is None else FuseWire.from_domain(node.fuse),
        )

    def to_domain(self) -> CircuitNode:
        """Return the node."""
        return CircuitNode(
            node_id=self.node_id,
            parent_id=self.parent_id,
            limit_kw=self.limit_kw,
            limit_a=self.limit_a,
            limit_kva=self.limit_kva,
            export_kw=self.export_kw,
            unbalance_a=self.unbalance_a,
            fuse=None if self.fuse is None else self.fuse.to_domain(),
        )


class LineWeightWire(WireModel):
    """The phasor that 1 A of an EVSE's pilot puts on a line."""

    evse_id: Annotated[Identity, Field(description="EVSE whose current flows on the line")]
    real: Annotated[float, Field(ge=-1000, le=1000, description="part in phase with L1's voltage [A/A]")]
    imaginary: Annotated[
        float, Field(ge=-1000, le=1000, description="part that leads it by 90 degrees [A/A]")
    ]


class LineWire(WireModel):
    """A limit on any sum of phasors: a neutral, or the primary side of a delta-wye transformer."""

    line_id: Annotated[Identity, Field(description="unique among the site's lines")]
    weights: Annotated[
        tuple[LineWeightWire, ...],
        Field(min_length=1, max_length=5000, description="one for each EVSE on it"),
    ]
    limit_a: Annotated[Amperes, Field(description="greatest magnitude of the sum [A]")]

    @classmethod
    def from_domain(cls, line: LineLimit) -> "LineWire":
        """Return a line as it stands on the wire."""
        return cls(
            line_id=line.line_id,
            weights=tuple(
                LineWeightWire(evse_id=evse_id, real=weight.real, imaginary=weight.imag)
                for evse_id, weight in line.weights
            ),
            limit_a=line.limit_a,
        )

    def to_domain(self) -> LineLimit:
        """Return the line."""
        weights = tuple((one.evse_id, complex(one.real, one.imaginary)) for one in self.weights)
        return LineLimit(self.line_id, weights, self.limit_a)


class SiteWire(WireModel):
    """A charging site (OCPI Location)."""

    site_id: Annotated[Identity, Field(description="plans of one site follow each other under this name")]
    zone: Annotated[str, Field(max_length=64, description="IANA time zone", examples=["Europe/Amsterdam"])]
    nodes: Annotated[
        tuple[NodeWire, ...],
        Field(min_length=1, max_length=5000, description="a tree: one root, the grid connection"),
    ]
    stations: Annotated[tuple[StationWire, ...], Field(max_length=5000, description="charging stations")] = ()
    voltage_v: Annotated[float, Field(ge=50, le=1000, description="line-to-neutral voltage [V]")] = (
        NOMINAL_VOLTAGE_V
    )
    lines: Annotated[
        tuple[LineWire, ...], Field(max_length=1000, description="conductors that no node describes")
    ] = ()
    country: Annotated[
        Country | None,
        Field(description="ISO 3166-1 code: its public holidays are like Sundays; null: not known"),
    ] = None
    subdivision: Annotated[
        Subdivision | None, Field(description="state or province of it, with holidays of its own")
    ] = None
    holidays: Annotated[
        tuple[date, ...],
        Field(max_length=1000, description="local dates that are like Sundays, beside those"),
    ] = ()

    @classmethod
    def from_domain(cls, site: Site) -> "SiteWire":
        """Return a site as it stands on the wire, with default capabilities of its stations."""
        return cls(
            site_id=site.site_id,
            zone=site.zone,
            nodes=tuple(NodeWire.from_domain(node) for node in site.nodes),
            stations=tuple(StationWire.from_domain(station) for station in site.stations),
            voltage_v=site.voltage_v,
            lines=tuple(LineWire.from_domain(line) for line in site.lines),
            country=site.country,
            subdivision=site.subdivision,
            holidays=site.holidays,
        )

    def to_domain(self) -> Site:
        """Return the site."""
        return Site(
            site_id=self.site_id,
            zone=self.zone,
            nodes=tuple(node.to_domain() for node in self.nodes),
            stations=tuple(station.to_domain() for station in self.stations),
            voltage_v=self.voltage_v,
            lines=tuple(line.to_domain() for line in self.lines),
            country=self.country,
            subdivision=self.subdivision,
            holidays=self.holidays,
        )

    def capabilities(self) -> dict[str, StationCapabilities]:
        """Return what each station takes over OCPP, by its identity."""
        return {station.station_id: station.ocpp.to_domain(self.voltage_v) for station in self.stations}
