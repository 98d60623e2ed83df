"""Identities of single sign-on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Identities of single sign-on."""
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.add_column(sa.Column("oidc_issuer", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("oidc_subject", sa.String(), nullable=True))
        batch_op.create_index(
            batch_op.f("ix_account_oidc_issuer_oidc_subject"), ["oidc_issuer", "oidc_subject"], unique=True
        )

    with op.batch_alter_table("sign_in", schema=None) as batch_op:
        batch_op.add_column(sa.Column("identity_hash", sa.String(), nullable=True))
        batch_op.create_index(batch_op.f("ix_sign_in_identity_hash"), ["identity_hash"], unique=True)
