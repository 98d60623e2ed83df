"""How long a tenant keeps its visits; events that came after their sessions were removed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """How long a tenant keeps its visits; events that came after their sessions were removed."""
    with op.batch_alter_table("tenant", schema=None) as batch_op:
        batch_op.add_column(sa.Column("keeps_visits_days", sa.Integer(), nullable=True))
    with op.batch_alter_table("bucket_ledger", schema=None) as batch_op:
        batch_op.add_column(sa.Column("rows_expired", sa.Integer(), nullable=False, server_default="0"))
