"""The tables of what is known about stations beyond their transactions: facts, history, logs and commands.

What one process learns stands here, so that every other one can show it. What would grow without end is cut
by whoever writes it.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from api.storage.tables import Table
from api.storage.types import BIG_KEY


class StationFactsRow(Table):
    """What a station does, as its process saw it last; written a few seconds late, and often."""

    __tablename__ = "station_facts"

    station_id: Mapped[str] = mapped_column(primary_key=True)
    last_seen_at: Mapped[datetime | None]
    latency_s: Mapped[float | None]
    security_profile: Mapped[int | None]
    capabilities: Mapped[dict | None] = mapped_column()  # type: ignore[type-arg]  # SQLAlchemy wants the bare type
    last_refusal: Mapped[str | None]
    n_received: Mapped[int] = mapped_column(BIG_KEY, default=0)
    n_sent: Mapped[int] = mapped_column(BIG_KEY, default=0)
    oddities: Mapped[dict] = mapped_column(default=dict)  # type: ignore[type-arg]  # as above
    conduct: Mapped[str | None]
    conduct_since: Mapped[datetime | None]


class ConnectorChangeRow(Table):
    """A state that a connector has had."""

    __tablename__ = "connector_history"
    __table_args__ = (Index("ix_connector_history_place", "station_id", "at"),)

    change_id: Mapped[int] = mapped_column(BIG_KEY, primary_key=True)
    station_id: Mapped[str]
    evse_number: Mapped[int]
    connector_number: Mapped[int]
    status: Mapped[str]
    error_code: Mapped[str | None]
    at: Mapped[datetime]


class InstalledProfileRow(Table):
    """A charging profile that a station is believed to hold."""

    __tablename__ = "installed_profiles"

    station_id: Mapped[str] = mapped_column(primary_key=True)
    profile_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    profile: Mapped[dict] = mapped_column()  # type: ignore[type-arg]  # as above
    noted_at: Mapped[datetime]


class ExternalLimitRow(Table):
    """A limit that somebody else has set at a station, such as an energy manager: it holds until it is cleared."""

    __tablename__ = "external_limits"

    station_id: Mapped[str] = mapped_column(primary_key=True)
    evse_number: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    is_grid_critical: Mapped[bool | None]
    schedules: Mapped[list | None] = mapped_column()  # type: ignore[type-arg]  # as above
    at: Mapped[datetime]


class ChargingNeedsRow(Table):
    """What the car at an EVSE has asked for by ISO 15118; ``target_kwh`` counts from its transaction's beginning."""

    __tablename__ = "charging_needs"

    station_id: Mapped[str] = mapped_column(primary_key=True)
    evse_number: Mapped[int] = mapped_column(primary_key=True)
    transaction_id: Mapped[str | None]
    transfer: Mapped[str]
    departure: Mapped[datetime | None]
    target_kwh: Mapped[float | None]
    max_power_kw: Mapped[float | None]
    max_current_a: Mapped[float | None]
    n_phases: Mapped[int | None]
    most_periods: Mapped[int | None] = mapped_column(BIG_KEY)
    told_at: Mapped[datetime]


class SecurityEventRow(Table):
    """Something that touches security, told by a station or noticed by the gateway."""

    __tablename__ = "security_events"
    __table_args__ = (Index("ix_security_events_place", "station_id", "event_id"),)

    event_id: Mapped[int] = mapped_column(BIG_KEY, primary_key=True)
    station_id: Mapped[str]
    source: Mapped[str]
    kind: Mapped[str]
    info: Mapped[str | None]
    at: Mapped[datetime]
    noted_at: Mapped[datetime]


class LoggedMessageRow(Table):
    """A message between a station and us, without what must not be read."""

    __tablename__ = "message_log"
    __table_args__ = (Index("ix_message_log_place", "station_id", "log_id"),)

    log_id: Mapped[int] = mapped_column(BIG_KEY, primary_key=True)
    station_id: Mapped[str]
    at: Mapped[datetime]
    direction: Mapped[str]
    kind: Mapped[str]
    action: Mapped[str | None]
    message_id: Mapped[str]
    frame: Mapped[str]


class CommandRow(Table):
    """A command to a station that waits until it can be sent; ``key`` is its caller's, and sent once."""

    __tablename__ = "commands"
    __table_args__ = (
        UniqueConstraint("command_id"),
        UniqueConstraint("station_id", "key"),
        Index("ix_commands_due", "state", "station_id"),
    )

    number: Mapped[int] = mapped_column(BIG_KEY, primary_key=True)
    command_id: Mapped[str]
    station_id: Mapped[str]
    action: Mapped[str]
    payload: Mapped[dict] = mapped_column()  # type: ignore[type-arg]  # as above
    key: Mapped[str]
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    not_before: Mapped[datetime]
    expires_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    answer: Mapped[dict | None] = mapped_column()  # type: ignore[type-arg]  # as above
    error: Mapped[str | None]


class ReportPartRow(Table):
    """One part of what a station reports after it was asked, such as NotifyReport."""

    __tablename__ = "report_parts"
    __table_args__ = (UniqueConstraint("station_id", "action", "request_id", "part"),)

    part_id: Mapped[int] = mapped_column(BIG_KEY, primary_key=True)
    station_id: Mapped[str]
    action: Mapped[str]
    request_id: Mapped[int] = mapped_column(BIG_KEY)
    part: Mapped[int]
    is_last: Mapped[bool]
    payload: Mapped[dict] = mapped_column()  # type: ignore[type-arg]  # as above
    at: Mapped[datetime]


class EventRow(Table):
    """Something that has happened, for those who follow the stream of events."""

    __tablename__ = "events"

    event_id: Mapped[int] = mapped_column(BIG_KEY, primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str]
    station_id: Mapped[str | None]
    site_id: Mapped[str | None]
    data: Mapped[dict] = mapped_column()  # type: ignore[type-arg]  # as above


METADATA: Final = Table.metadata
"""All tables of the database, once this module is imported."""
