"""Visits that belong to no tenant wait in the inbox; attempts to sign in that services send in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Visits that belong to no tenant wait in the inbox; attempts to sign in that services send in."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    # SQLite makes the table anew: the numbers of its batches are watermarks, and must not begin again.
    last = _last_batch() if is_sqlite else 0
    with op.batch_alter_table("inbox", schema=None, table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_inbox_tenant_id"), type_="foreignkey")
    if is_sqlite:
        op.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = 'inbox'"))
        kept = sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES ('inbox', :last)")
        op.execute(kept.bindparams(last=last))
    op.add_column("sign_in", sa.Column("source", sa.String(), server_default="", nullable=False))
    op.create_index(op.f("ix_sign_in_occurred_at"), "sign_in", ["occurred_at"])


def _last_batch() -> int:
    found = op.get_bind().execute(sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'inbox'")).scalar()
    return int(found or 0)
