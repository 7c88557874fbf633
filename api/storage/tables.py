"""The tables."""

from datetime import datetime
from types import MappingProxyType
from typing import Final

from sqlalchemy import JSON, ForeignKey, Index, MetaData, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from api.storage.types import BIG_KEY, PlainText, UtcTime

_NAMES: Final = MappingProxyType(
    {
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Table(DeclarativeBase):
    """The base of every table; names of constraints are the same in every database."""

    metadata = MetaData(naming_convention=dict(_NAMES))
    type_annotation_map = {datetime: UtcTime, dict: JSON, list: JSON, str: PlainText}  # noqa: RUF012 - read by SQLAlchemy as it is


class SiteRow(Table):
    """A site that we run: its standing description, as a state without sessions and time."""

    __tablename__ = "sites"

    site_id: Mapped[str] = mapped_column(primary_key=True)
    standing: Mapped[dict] = mapped_column()  # type: ignore[type-arg]  # SQLAlchemy wants the bare type
    updated_at: Mapped[datetime]


class PlanRow(Table):
    """A plan that was made, as it would be answered over HTTP."""

    __tablename__ = "plans"

    plan_id: Mapped[int] = mapped_column(BIG_KEY, primary_key=True)
    site_id: Mapped[str] = mapped_column(index=True)
    made_at: Mapped[datetime]
    status: Mapped[str]
    answer: Mapped[dict] = mapped_column()  # type: ignore[type-arg]  # as above


class OutboxRow(Table):
    """A profile on its way to a station.

    ``key`` names the command; the same key is stored once. ``slot`` is what the profile governs (EVSE and
    purpose): of one slot only the newest counts.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("key"),
        Index("ix_outbox_due", "state", "not_before"),
        Index("ix_outbox_slot", "station_id", "slot"),
    )

    outbox_id: Mapped[int] = mapped_column(BIG_KEY, primary_key=True)
    key: Mapped[str]
    station_id: Mapped[str]
    slot: Mapped[str]
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("plans.plan_id"))
    profile: Mapped[dict] = mapped_column()  # type: ignore[type-arg]  # as above
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime]
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


class StationRow(Table):
    """A station that has connected; ``held_by`` is the process that it is connected to, or was last."""

    __tablename__ = "stations"

    station_id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str]
    vendor: Mapped[str | None]
    model: Mapped[str | None]
    serial_number: Mapped[str | None]
    firmware_version: Mapped[str | None]
    booted_at: Mapped[datetime | None]
    connected_at: Mapped[datetime | None]
    lost_at: Mapped[datetime | None]
    held_by: Mapped[str | None]


class StationDoorRow(Table):
    """What a station must show to come in; its keys are hashed, the next one counts from its first use on."""

    __tablename__ = "station_doors"

    station_id: Mapped[str] = mapped_column(primary_key=True)
    salt: Mapped[bytes | None]
    scheme: Mapped[str | None]
    digest: Mapped[bytes | None]
    next_scheme: Mapped[str | None]
    next_digest: Mapped[bytes | None]
    minimum_profile: Mapped[int] = mapped_column(default=0)
    certificate_name: Mapped[str | None]
    version: Mapped[int] = mapped_column(BIG_KEY, index=True)


class ConnectorRow(Table):
    """The newest state of a connector."""

    __tablename__ = "connectors"

    station_id: Mapped[str] = mapped_column(primary_key=True)
    evse_number: Mapped[int] = mapped_column(primary_key=True)
    connector_number: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[str]
    error_code: Mapped[str | None]
    at: Mapped[datetime]


class TransactionRow(Table):
    """A transaction; ``number`` is what a station of OCPP 1.6 is told as its identity.

    ``metered_at`` is the time of the newest register that counts, ``seen_seq`` the ranges of sequence numbers
    that were heard (2.x), ``doubts`` what is not counted or was not heard.
    """

    __tablename__ = "transactions"
    __table_args__ = (UniqueConstraint("station_id", "transaction_id"),)

    number: Mapped[int] = mapped_column(primary_key=True)
    station_id: Mapped[str] = mapped_column(index=True)
    transaction_id: Mapped[str]
    evse_number: Mapped[int]
    id_token: Mapped[str | None]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    meter_start_kwh: Mapped[float | None]
    delivered_kwh: Mapped[float] = mapped_column(default=0.0)
    stop_reason: Mapped[str | None]
    connector_number: Mapped[int | None]
    charging_state: Mapped[str | None]
    was_offline: Mapped[bool] = mapped_column(default=False)
    metered_at: Mapped[datetime | None]
    seen_seq: Mapped[list | None] = mapped_column()  # type: ignore[type-arg]  # SQLAlchemy wants the bare type
    doubts: Mapped[str | None]


class MeterValueRow(Table):
    """One reading of an EVSE's meter; ``faults`` says why values of it cannot be trusted."""

    __tablename__ = "meter_values"
    __table_args__ = (Index("ix_meter_values_place", "station_id", "evse_number", "at"),)

    reading_id: Mapped[int] = mapped_column(BIG_KEY, primary_key=True)
    station_id: Mapped[str]
    evse_number: Mapped[int]
    transaction_id: Mapped[str | None]
    at: Mapped[datetime]
    energy_kwh: Mapped[float | None]
    power_kw: Mapped[float | None]
    current_a: Mapped[float | None]
    soc: Mapped[float | None]
    faults: Mapped[str | None]


class DeclarationRow(Table):
    """What the driver behind a token has said about the next or the running session."""

    __tablename__ = "declarations"

    id_token: Mapped[str] = mapped_column(primary_key=True)
    departure: Mapped[datetime]
    target_kwh: Mapped[float]
    minimum_kwh: Mapped[float] = mapped_column(default=0.0)
    max_power_kw: Mapped[float | None]
    n_phases: Mapped[int | None]
    said_at: Mapped[datetime]
