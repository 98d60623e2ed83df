"""Tickets of exports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Tickets of exports."""
    op.create_table(
        "export_ticket",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_export_ticket_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_ticket")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_export_ticket_token_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_export_ticket_tenant_id"), "export_ticket", ["tenant_id"])
