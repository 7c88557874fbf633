"""Initial tables."""

import sqlalchemy as sa
from alembic import op

from api.storage.types import BIG_KEY, UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    op.create_table(
        "connectors",
        sa.Column("station_id", sa.String(), nullable=False),
        sa.Column("evse_number", sa.Integer(), nullable=False),
        sa.Column("connector_number", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("station_id", "evse_number", "connector_number", name=op.f("pk_connectors")),
    )
    op.create_table(
        "declarations",
        sa.Column("id_token", sa.String(), nullable=False),
        sa.Column("departure", UtcTime(), nullable=False),
        sa.Column("target_kwh", sa.Double(), nullable=False),
        sa.Column("minimum_kwh", sa.Double(), nullable=False),
        sa.Column("max_power_kw", sa.Double(), nullable=True),
        sa.Column("n_phases", sa.Integer(), nullable=True),
        sa.Column("said_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id_token", name=op.f("pk_declarations")),
    )
    op.create_table(
        "meter_values",
        sa.Column("reading_id", BIG_KEY, nullable=False),
        sa.Column("station_id", sa.String(), nullable=False),
        sa.Column("evse_number", sa.Integer(), nullable=False),
        sa.Column("transaction_id", sa.String(), nullable=True),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("energy_kwh", sa.Double(), nullable=True),
        sa.Column("power_kw", sa.Double(), nullable=True),
        sa.Column("current_a", sa.Double(), nullable=True),
        sa.Column("soc", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("reading_id", name=op.f("pk_meter_values")),
    )
    with op.batch_alter_table("meter_values", schema=None) as batch_op:
        batch_op.create_index("ix_meter_values_place", ["station_id", "evse_number", "at"], unique=False)

    op.create_table(
        "plans",
        sa.Column("plan_id", BIG_KEY, nullable=False),
        sa.Column("site_id", sa.String(), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("plan_id", name=op.f("pk_plans")),
    )
    with op.batch_alter_table("plans", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_plans_site_id"), ["site_id"], unique=False)

    op.create_table(
        "sites",
        sa.Column("site_id", sa.String(), nullable=False),
        sa.Column("standing", sa.JSON(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_sites")),
    )
    op.create_table(
        "stations",
        sa.Column("station_id", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("vendor", sa.String(), nullable=True),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("serial_number", sa.String(), nullable=True),
        sa.Column("firmware_version", sa.String(), nullable=True),
        sa.Column("booted_at", UtcTime(), nullable=True),
        sa.Column("connected_at", UtcTime(), nullable=True),
        sa.Column("lost_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("station_id", name=op.f("pk_stations")),
    )
    op.create_table(
        "transactions",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("station_id", sa.String(), nullable=False),
        sa.Column("transaction_id", sa.String(), nullable=False),
        sa.Column("evse_number", sa.Integer(), nullable=False),
        sa.Column("id_token", sa.String(), nullable=True),
        sa.Column("started_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.Column("meter_start_kwh", sa.Double(), nullable=True),
        sa.Column("delivered_kwh", sa.Double(), nullable=False),
        sa.Column("stop_reason", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_transactions")),
        sa.UniqueConstraint("station_id", "transaction_id", name=op.f("uq_transactions_station_id")),
    )
    with op.batch_alter_table("transactions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_transactions_station_id"), ["station_id"], unique=False)

    op.create_table(
        "outbox",
        sa.Column("outbox_id", BIG_KEY, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("station_id", sa.String(), nullable=False),
        sa.Column("slot", sa.String(), nullable=False),
        sa.Column("plan_id", BIG_KEY, nullable=True),
        sa.Column("profile", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", UtcTime(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("settled_at", UtcTime(), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.plan_id"], name=op.f("fk_outbox_plan_id_plans")),
        sa.PrimaryKeyConstraint("outbox_id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index("ix_outbox_due", ["state", "not_before"], unique=False)
        batch_op.create_index("ix_outbox_slot", ["station_id", "slot"], unique=False)


def downgrade() -> None:
    """Undo the revision."""
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index("ix_outbox_slot")
        batch_op.drop_index("ix_outbox_due")

    op.drop_table("outbox")
    with op.batch_alter_table("transactions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_transactions_station_id"))

    op.drop_table("transactions")
    op.drop_table("stations")
    op.drop_table("sites")
    with op.batch_alter_table("plans", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_plans_site_id"))

    op.drop_table("plans")
    with op.batch_alter_table("meter_values", schema=None) as batch_op:
        batch_op.drop_index("ix_meter_values_place")

    op.drop_table("meter_values")
    op.drop_table("declarations")
    op.drop_table("connectors")
