"""What cars ask for by ISO 15118."""

import sqlalchemy as sa
from alembic import op

from api.storage.types import BIG_KEY, UtcTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    op.create_table(
        "charging_needs",
        sa.Column("station_id", sa.String(), nullable=False),
        sa.Column("evse_number", sa.Integer(), nullable=False),
        sa.Column("transaction_id", sa.String(), nullable=True),
        sa.Column("transfer", sa.String(), nullable=False),
        sa.Column("departure", UtcTime(), nullable=True),
        sa.Column("target_kwh", sa.Double(), nullable=True),
        sa.Column("max_power_kw", sa.Double(), nullable=True),
        sa.Column("max_current_a", sa.Double(), nullable=True),
        sa.Column("n_phases", sa.Integer(), nullable=True),
        sa.Column("most_periods", BIG_KEY, nullable=True),
        sa.Column("told_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("station_id", "evse_number", name=op.f("pk_charging_needs")),
    )


def downgrade() -> None:
    """Undo the revision."""
    op.drop_table("charging_needs")
