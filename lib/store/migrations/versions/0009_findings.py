"""Findings in the operation log, their thresholds, and what is counted for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_INSTANT = sa.DateTime(timezone=True)
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Findings in the operation log, their thresholds, and what is counted for them."""
    op.create_table(
        "finding",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("bucket_at", _INSTANT, nullable=False),
        sa.Column("until_at", _INSTANT, nullable=False),
        sa.Column("observed", _BIG, nullable=False),
        sa.Column("usual", sa.Double(), nullable=True),
        sa.Column("threshold", _BIG, nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("records", sa.JSON(), nullable=False),
        sa.Column("found_at", _INSTANT, nullable=False),
        sa.Column("acknowledged_at", _INSTANT, nullable=True),
        sa.Column("acknowledged_by", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding")),
        sa.UniqueConstraint(
            "tenant_id", "rule", "who", "bucket_at", name=op.f("uq_finding_tenant_id_rule_who_bucket_at")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_finding_tenant_id_acknowledged_at"), "finding", ["tenant_id", "acknowledged_at"])
    op.create_table(
        "finding_threshold",
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("given", sa.JSON(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_finding_threshold_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding_threshold")),
        sa.UniqueConstraint("tenant_id", "rule", name=op.f("uq_finding_threshold_tenant_id_rule")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_finding_threshold_tenant_id"), "finding_threshold", ["tenant_id"])
    _make_counts()


def _make_counts() -> None:
    op.create_table(
        "finding_tally",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("measure", sa.String(), nullable=False),
        sa.Column("bucket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("amount", _BIG, nullable=False),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.Column("actions", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "measure", "bucket", "who", name=op.f("pk_finding_tally")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "finding_seen",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("measure", sa.String(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("first_bucket", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "measure", "who", "what", name=op.f("pk_finding_seen")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "finding_progress",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("until_position", _BIG, nullable=False),
        sa.Column("until_bucket", sa.Integer(), nullable=False),
        sa.Column("first_bucket", sa.Integer(), nullable=False),
        sa.Column("looked_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_finding_progress")),
    )
