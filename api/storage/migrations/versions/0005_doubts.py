"""What of a transaction is not counted, or was not heard."""

import sqlalchemy as sa
from alembic import op

from api.storage.types import UtcTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    with op.batch_alter_table("transactions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("metered_at", UtcTime(), nullable=True))
        batch_op.add_column(sa.Column("seen_seq", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("doubts", sa.String(), nullable=True))


def downgrade() -> None:
    """Undo the revision."""
    with op.batch_alter_table("transactions", schema=None) as batch_op:
        batch_op.drop_column("doubts")
        batch_op.drop_column("seen_seq")
        batch_op.drop_column("metered_at")
