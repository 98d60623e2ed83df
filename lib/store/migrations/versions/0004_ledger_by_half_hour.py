"""The bucket ledger by half hour: what a trend asks for."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """The bucket ledger by half hour: what a trend asks for."""
    with op.batch_alter_table("bucket_ledger", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_bucket_ledger_tenant_id_bucket_at_publication"),
            ["tenant_id", "bucket_at", "publication"],
            unique=False,
        )
