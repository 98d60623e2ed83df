"""Keys, removals and legal holds of the operation log; what sealing and verifying need of a seal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_INSTANT = sa.DateTime(timezone=True)
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Nothing was sealed before this version: the table of seals is made anew."""
    op.drop_table("operation_seal")
    op.create_table(
        "operation_seal",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("until_position", _BIG, autoincrement=False, nullable=False),
        *(sa.Column(name, _BIG, nullable=False) for name in ("first_position", "first_id", "last_id")),
        sa.Column("sealed_at", _INSTANT, nullable=False),
        *(sa.Column(name, sa.LargeBinary(), nullable=False) for name in ("root", "frontier")),
        sa.Column("checkpoint", sa.Text(), nullable=False),
        *(sa.Column(name, sa.LargeBinary(), nullable=False) for name in ("ids", "hashes")),
        sa.PrimaryKeyConstraint("tenant_id", "until_position", name=op.f("pk_operation_seal")),
    )
    op.create_index(op.f("ix_operation_seal_tenant_id_first_id"), "operation_seal", ["tenant_id", "first_id"])
    op.create_table(
        "operation_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("first_used_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operation_key")),
        sa.UniqueConstraint("public_key", name=op.f("uq_operation_key_public_key")),
        sqlite_autoincrement=True,
    )
    _make_removals_and_holds()
    with op.batch_alter_table("tenant", schema=None) as batch_op:
        batch_op.add_column(sa.Column("keeps_operations_days", sa.Integer(), server_default="400", nullable=True))


def _make_removals_and_holds() -> None:
    op.create_table(
        "operation_removal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        *(sa.Column(name, _BIG, nullable=False) for name in ("operation_id", "below_id", "tree_size")),
        sa.Column("begun_at", _INSTANT, nullable=False),
        sa.Column("finished_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operation_removal")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_operation_removal_tenant_id"), "operation_removal", ["tenant_id"])
    op.create_table(
        "operation_hold",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        *(sa.Column(name, _INSTANT, nullable=True) for name in ("since", "until")),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("reason", "made_by")),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.Column("lifted_by", sa.String(), nullable=True),
        sa.Column("lifted_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operation_hold")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_operation_hold_tenant_id"), "operation_hold", ["tenant_id"])
