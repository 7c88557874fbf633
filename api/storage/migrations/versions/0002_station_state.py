"""What is known of stations beyond transactions: facts, history, logs, events and queued commands."""

import sqlalchemy as sa
from alembic import op

from api.storage.types import BIG_KEY, UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    op.create_table(
        "commands",
        sa.Column("number", BIG_KEY, nullable=False),
        sa.Column("command_id", sa.String(), nullable=False),
        sa.Column("station_id", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("not_before", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("settled_at", UtcTime(), nullable=True),
        sa.Column("answer", sa.JSON(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_commands")),
        sa.UniqueConstraint("command_id", name=op.f("uq_commands_command_id")),
        sa.UniqueConstraint("station_id", "key", name=op.f("uq_commands_station_id")),
    )
    with op.batch_alter_table("commands", schema=None) as batch_op:
        batch_op.create_index("ix_commands_due", ["state", "station_id"], unique=False)

    op.create_table(
        "connector_history",
        sa.Column("change_id", BIG_KEY, nullable=False),
        sa.Column("station_id", sa.String(), nullable=False),
        sa.Column("evse_number", sa.Integer(), nullable=False),
        sa.Column("connector_number", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("change_id", name=op.f("pk_connector_history")),
    )
    with op.batch_alter_table("connector_history", schema=None) as batch_op:
        batch_op.create_index("ix_connector_history_place", ["station_id", "at"], unique=False)

    op.create_table(
        "events",
        sa.Column("event_id", BIG_KEY, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("station_id", sa.String(), nullable=True),
        sa.Column("site_id", sa.String(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_events")),
    )
    op.create_table(
        "external_limits",
        sa.Column("station_id", sa.String(), nullable=False),
        sa.Column("evse_number", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("is_grid_critical", sa.Boolean(), nullable=True),
        sa.Column("schedules", sa.JSON(), nullable=True),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("station_id", "evse_number", "source", name=op.f("pk_external_limits")),
    )
    op.create_table(
        "installed_profiles",
        sa.Column("station_id", sa.String(), nullable=False),
        sa.Column("profile_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("profile", sa.JSON(), nullable=False),
        sa.Column("noted_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("station_id", "profile_id", name=op.f("pk_installed_profiles")),
    )
    op.create_table(
        "message_log",
        sa.Column("log_id", BIG_KEY, nullable=False),
        sa.Column("station_id", sa.String(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=True),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("frame", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("log_id", name=op.f("pk_message_log")),
    )
    with op.batch_alter_table("message_log", schema=None) as batch_op:
        batch_op.create_index("ix_message_log_place", ["station_id", "log_id"], unique=False)

    op.create_table(
        "report_parts",
        sa.Column("part_id", BIG_KEY, nullable=False),
        sa.Column("station_id", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("request_id", BIG_KEY, nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("is_last", sa.Boolean(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("part_id", name=op.f("pk_report_parts")),
        sa.UniqueConstraint(
            "station_id", "action", "request_id", "part", name=op.f("uq_report_parts_station_id")
        ),
    )
    op.create_table(
        "security_events",
        sa.Column("event_id", BIG_KEY, nullable=False),
        sa.Column("station_id", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("info", sa.String(), nullable=True),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("noted_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_security_events")),
    )
    with op.batch_alter_table("security_events", schema=None) as batch_op:
        batch_op.create_index("ix_security_events_place", ["station_id", "event_id"], unique=False)

    op.create_table(
        "station_facts",
        sa.Column("station_id", sa.String(), nullable=False),
        sa.Column("last_seen_at", UtcTime(), nullable=True),
        sa.Column("latency_s", sa.Double(), nullable=True),
        sa.Column("security_profile", sa.Integer(), nullable=True),
        sa.Column("capabilities", sa.JSON(), nullable=True),
        sa.Column("last_refusal", sa.String(), nullable=True),
        sa.Column("n_received", BIG_KEY, nullable=False),
        sa.Column("n_sent", BIG_KEY, nullable=False),
        sa.Column("oddities", sa.JSON(), nullable=False),
        sa.Column("conduct", sa.String(), nullable=True),
        sa.Column("conduct_since", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("station_id", name=op.f("pk_station_facts")),
    )
    with op.batch_alter_table("meter_values", schema=None) as batch_op:
        batch_op.add_column(sa.Column("faults", sa.String(), nullable=True))

    with op.batch_alter_table("stations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("held_by", sa.String(), nullable=True))

    with op.batch_alter_table("transactions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("connector_number", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("charging_state", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("was_offline", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Undo the revision."""
    with op.batch_alter_table("transactions", schema=None) as batch_op:
        batch_op.drop_column("was_offline")
        batch_op.drop_column("charging_state")
        batch_op.drop_column("connector_number")

    with op.batch_alter_table("stations", schema=None) as batch_op:
        batch_op.drop_column("held_by")

    with op.batch_alter_table("meter_values", schema=None) as batch_op:
        batch_op.drop_column("faults")

    op.drop_table("station_facts")
    with op.batch_alter_table("security_events", schema=None) as batch_op:
        batch_op.drop_index("ix_security_events_place")

    op.drop_table("security_events")
    op.drop_table("report_parts")
    with op.batch_alter_table("message_log", schema=None) as batch_op:
        batch_op.drop_index("ix_message_log_place")

    op.drop_table("message_log")
    op.drop_table("installed_profiles")
    op.drop_table("external_limits")
    op.drop_table("events")
    with op.batch_alter_table("connector_history", schema=None) as batch_op:
        batch_op.drop_index("ix_connector_history_place")

    op.drop_table("connector_history")
    with op.batch_alter_table("commands", schema=None) as batch_op:
        batch_op.drop_index("ix_commands_due")

    op.drop_table("commands")
