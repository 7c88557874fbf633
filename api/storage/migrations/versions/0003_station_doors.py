"""What stations must show to come in."""

import sqlalchemy as sa
from alembic import op

from api.storage.types import BIG_KEY

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    op.create_table(
        "station_doors",
        sa.Column("station_id", sa.String(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("scheme", sa.String(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("next_scheme", sa.String(), nullable=True),
        sa.Column("next_digest", sa.LargeBinary(), nullable=True),
        sa.Column("minimum_profile", sa.Integer(), nullable=False),
        sa.Column("certificate_name", sa.String(), nullable=True),
        sa.Column("version", BIG_KEY, nullable=False),
        sa.PrimaryKeyConstraint("station_id", name=op.f("pk_station_doors")),
    )
    with op.batch_alter_table("station_doors", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_station_doors_version"), ["version"], unique=False)


def downgrade() -> None:
    """Undo the revision."""
    with op.batch_alter_table("station_doors", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_station_doors_version"))

    op.drop_table("station_doors")
