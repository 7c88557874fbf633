"""What is known of stations, on the wire."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, JsonValue

from api.stations.heard import n_missing
from api.stations.log.redaction import shortened
from api.stations.state.queries import Known
from api.storage.tables import MeterValueRow, TransactionRow
from api.wire.schemas import WireModel


@dataclass(frozen=True, slots=True)
class Live:
    """What only the process knows that a station is connected to, or computes.

    Parameters
    ----------
    limits_a : mapping of int to float or None
        By EVSE, 0 for the station [A].
    installed : tuple of dict
        Profiles as documents.
    ping_s : float or None
    """

    limits_a: dict[int, float | None] = field(default_factory=dict)
    installed: tuple[dict[str, Any], ...] = ()
    ping_s: float | None = None


class ConnectorOut(WireModel):
    """A connector, and the state that it has told last."""

    evse: int
    connector: int
    status: Annotated[str, Field(examples=["Charging"])]
    error_code: str | None
    at: datetime


class TransactionOut(WireModel):
    """A transaction."""

    number: Annotated[
        int, Field(description="counts all transactions; the page before it is asked for by it")
    ]
    transaction_id: str
    evse: Annotated[int, Field(description="0 where none was named yet")]
    connector: int | None
    id_token: Annotated[str | None, Field(description="the end of the driver's token")]
    started_at: datetime
    ended_at: datetime | None
    charging_state: str | None
    delivered_kwh: float
    meter_start_kwh: float | None
    stop_reason: str | None
    was_offline: Annotated[bool, Field(description="told late, after the station was offline")]
    doubts: Annotated[str | None, Field(description="why a register of it is not counted, the first time")]
    missing_messages: Annotated[int, Field(description="by their sequence numbers; OCPP 2.x")]

    @classmethod
    def of(cls, row: TransactionRow) -> "TransactionOut":
        """Return a transaction on the wire."""
        return cls(
            number=row.number,
            transaction_id=row.transaction_id,
            evse=row.evse_number,
            connector=row.connector_number,
            id_token=None if row.id_token is None else shortened(row.id_token),
            started_at=row.started_at,
            ended_at=row.ended_at,
            charging_state=row.charging_state,
            delivered_kwh=row.delivered_kwh,
            meter_start_kwh=row.meter_start_kwh,
            stop_reason=row.stop_reason,
            was_offline=row.was_offline,
            doubts=row.doubts,
            missing_messages=n_missing(row.seen_seq or ()),
        )


class StationOut(WireModel):
    """A station among others."""

    station_id: str
    site_id: Annotated[str | None, Field(description="null: it belongs to no site, and gets no plan")]
    online: bool
    since: Annotated[datetime | None, Field(description="when it came, or went")]
    last_seen_at: datetime | None
    version: Annotated[str, Field(examples=["ocpp2.0.1"])]
    vendor: str | None
    model: str | None
    firmware_version: str | None
    conduct: Annotated[
        str | None,
        Field(
            description="follows, or not_following: it draws more than it was told, and counts at full power; "
            "null: no plan has judged it"
        ),
    ]
    open_transactions: int
    connectors: tuple[ConnectorOut, ...]

    @classmethod
    def of(cls, known: Known, site_id: str | None) -> "StationOut":
        """Return a station on the wire."""
        return cls(**_summary(known, site_id))


class EvseOut(WireModel):
    """An EVSE: what it is limited to, and what it draws."""

    evse: Annotated[int, Field(description="0: the whole station")]
    limit_a: Annotated[
        float | None,
        Field(description="by the profiles believed installed [A per phase]; null: nothing limits it"),
    ]
    metered_kw: Annotated[float | None, Field(description="newest reading [kW]")] = None
    metered_a: Annotated[float | None, Field(description="its greatest phase [A]")] = None
    soc_percent: float | None = None
    metered_at: datetime | None = None
    doubts: Annotated[str | None, Field(description="why values of it cannot be trusted")] = None


class ExternalLimitOut(WireModel):
    """A limit that somebody else has set."""

    evse: int
    source: str
    grid_critical: bool | None
    schedules: list[JsonValue] | None
    at: datetime


class StationDetailOut(StationOut):
    """All that is known of a station."""

    serial_number: str | None
    booted_at: datetime | None
    process: Annotated[str | None, Field(description="the process that it is connected to, or was last")]
    latency_s: Annotated[float | None, Field(description="until it answers our calls, smoothed [s]")]
    ping_s: Annotated[float | None, Field(description="until it answered the newest ping [s]")]
    security_profile: int | None
    capabilities: Annotated[
        dict[str, JsonValue] | None, Field(description="as read from it; cautious where it tells nothing")
    ]
    conduct_since: datetime | None
    evses: tuple[EvseOut, ...]
    transactions: Annotated[tuple[TransactionOut, ...], Field(description="those that run")]
    installed_profiles: Annotated[
        tuple[dict[str, JsonValue], ...], Field(description="charging profiles that it is believed to hold")
    ]
    external_limits: tuple[ExternalLimitOut, ...]
    last_refusal: Annotated[str | None, Field(description="why it refused the last profile that it refused")]
    messages_received: int
    messages_sent: int
    oddities: Annotated[
        dict[str, int],
        Field(description="what it did that is odd, and how often", examples=[{"malformed frame": 2}]),
    ]


class StationsOut(WireModel):
    """A page of stations."""

    stations: tuple[StationOut, ...]
    next: Annotated[
        str | None, Field(description="ask for the next page by after=...; null: this is the last")
    ]


class ConnectorHistoryOut(WireModel):
    """States that connectors have had, the newest first."""

    changes: tuple[ConnectorOut, ...]
    next: Annotated[int | None, Field(description="ask for older ones by before=...; null: these are all")]


class TransactionsOut(WireModel):
    """Transactions, the newest first."""

    transactions: tuple[TransactionOut, ...]
    next: int | None


class MeterValueOut(WireModel):
    """One reading."""

    evse: int
    transaction_id: str | None
    at: datetime
    energy_kwh: Annotated[float | None, Field(description="register of imported energy [kWh]")]
    power_kw: float | None
    current_a: Annotated[float | None, Field(description="of the greatest phase [A]")]
    soc_percent: float | None
    faults: Annotated[str | None, Field(description="why values are missing: they cannot be trusted")]


class MeterValuesOut(WireModel):
    """Readings, the newest first."""

    meter_values: tuple[MeterValueOut, ...]
    next: int | None


class MessageOut(WireModel):
    """A message, without tokens, keys, certificates and contract data."""

    at: datetime
    direction: Annotated[str, Field(description="in: from the station; out: to it")]
    kind: Annotated[str, Field(examples=["call"])]
    action: str | None
    message_id: str
    frame: Annotated[str, Field(description="as it went over the wire; *** where something is hidden")]


class MessagesOut(WireModel):
    """Messages, the newest first."""

    messages: tuple[MessageOut, ...]
    next: int | None


class SecurityEventOut(WireModel):
    """Something that touches security."""

    kind: Annotated[str, Field(examples=["TamperDetectionActivated"])]
    source: Annotated[str, Field(description="station or gateway")]
    info: str | None
    at: datetime
    noted_at: datetime


class SecurityEventsOut(WireModel):
    """What touched security, the newest first."""

    events: tuple[SecurityEventOut, ...]
    next: int | None


class ReportOut(WireModel):
    """A report that a station was asked for; ``parts`` are null in a list."""

    action: Annotated[str, Field(examples=["NotifyReport"])]
    request_id: int
    complete: bool
    at: datetime
    parts: tuple[dict[str, JsonValue], ...] | None = None


class ReportsOut(WireModel):
    """Reports of a station, the newest first."""

    reports: tuple[ReportOut, ...]


def _summary(known: Known, site_id: str | None) -> dict[str, Any]:
    """Return what a list says of a station."""
    row, facts = known.station, known.facts
    return {
        "station_id": row.station_id,
        "site_id": site_id,
        "online": known.is_online,
        "since": row.connected_at if known.is_online else row.lost_at,
        "last_seen_at": None if facts is None else facts.last_seen_at,
        "version": row.version,
        "vendor": row.vendor,
        "model": row.model,
        "firmware_version": row.firmware_version,
        "conduct": None if facts is None else facts.conduct,
        "open_transactions": len(known.running),
        "connectors": tuple(
            ConnectorOut(
                evse=one.evse_number,
                connector=one.connector_number,
                status=one.status,
                error_code=one.error_code,
                at=one.at,
            )
            for one in known.connectors
        ),
    }


def detail_of(known: Known, site_id: str | None, live: Live) -> StationDetailOut:
    """Return all that is known of a station on the wire."""
    row, facts = known.station, known.facts
    metered = {reading.evse_number: reading for reading in known.metered}
    return StationDetailOut(
        **_summary(known, site_id),
        serial_number=row.serial_number,
        booted_at=row.booted_at,
        process=row.held_by,
        latency_s=None if facts is None else facts.latency_s,
        ping_s=live.ping_s,
        security_profile=None if facts is None else facts.security_profile,
        capabilities=None if facts is None else facts.capabilities,
        conduct_since=None if facts is None else facts.conduct_since,
        evses=tuple(
            _evse(number, live.limits_a.get(number), metered.get(number))
            for number in sorted({*live.limits_a, *metered})
        ),
        transactions=tuple(map(TransactionOut.of, known.running)),
        installed_profiles=tuple(live.installed),
        external_limits=tuple(
            ExternalLimitOut(
                evse=one.evse_number,
                source=one.source,
                grid_critical=one.is_grid_critical,
                schedules=one.schedules,
                at=one.at,
            )
            for one in known.external
        ),
        last_refusal=None if facts is None else facts.last_refusal,
        messages_received=0 if facts is None else facts.n_received,
        messages_sent=0 if facts is None else facts.n_sent,
        oddities={} if facts is None else facts.oddities,
    )


def _evse(number: int, limit_a: float | None, reading: MeterValueRow | None) -> EvseOut:
    if reading is None:
        return EvseOut(evse=number, limit_a=limit_a)
    return EvseOut(
        evse=number,
        limit_a=limit_a,
        metered_kw=reading.power_kw,
        metered_a=reading.current_a,
        soc_percent=reading.soc,
        metered_at=reading.at,
        doubts=reading.faults,
    )
