"""Feedback of users, with what keywords are looked for in, its images and logs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_INSTANT = sa.DateTime(timezone=True)
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Feedback of users, with what keywords are looked for in, its images and logs."""
    _make_feedback()
    _make_texts()
    _make_images()
    _make_logs()


def _keys() -> tuple[sa.Column[int], sa.Column[int]]:
    return (
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", _BIG, autoincrement=False, nullable=False),
    )


def _make_feedback() -> None:
    texts = ("type", "kind", "os", "app_version", "mini_program_version", "device", "user_id", "contact")
    op.create_table(
        "feedback",
        *_keys(),
        sa.Column("mini_program_id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in texts),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("occurred_at", _INSTANT, nullable=False),
        sa.Column("received_at", _INSTANT, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("origin", sa.LargeBinary(), nullable=False),
        sa.Column("image_count", sa.Integer(), nullable=False),
        sa.Column("log_id", _BIG, nullable=True),
        sa.Column("log_origin", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_feedback")),
        sa.UniqueConstraint("tenant_id", "origin", name=op.f("uq_feedback_tenant_id_origin")),
    )
    listed = ["tenant_id", "mini_program_id", "type", "id", "application_id", "kind", "os", "mini_program_version"]
    op.create_index("ix_feedback_listed", "feedback", listed)
    op.create_index(op.f("ix_feedback_tenant_id_log_id"), "feedback", ["tenant_id", "log_id"])
    op.create_index(op.f("ix_feedback_tenant_id_log_origin"), "feedback", ["tenant_id", "log_origin"])


def _make_texts() -> None:
    op.create_table(
        "feedback_text",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("mini_program_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("id", _BIG, autoincrement=False, nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("kind", "os", "mini_program_version")),
        sa.Column("search", sa.Text(), nullable=False),
        sa.Column("contact", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "mini_program_id", "type", "id", name=op.f("pk_feedback_text")),
        sqlite_with_rowid=False,
    )


def _make_images() -> None:
    op.create_table(
        "feedback_image",
        *_keys(),
        sa.Column("feedback_id", _BIG, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("mime", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_feedback_image")),
    )
    of_feedback = ["tenant_id", "feedback_id", "position"]
    op.create_index(op.f("ix_feedback_image_tenant_id_feedback_id_position"), "feedback_image", of_feedback)
    op.create_index(op.f("ix_feedback_image_sha256"), "feedback_image", ["sha256"])


def _make_logs() -> None:
    op.create_table(
        "feedback_log",
        *_keys(),
        sa.Column("mini_program_id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("size_bytes", _BIG, nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("uploaded_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("origin", sa.LargeBinary(), nullable=False),
        sa.Column("feedback_origin", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_feedback_log")),
        sa.UniqueConstraint("tenant_id", "origin", name=op.f("uq_feedback_log_tenant_id_origin")),
    )
    listed, belonging = ["tenant_id", "mini_program_id", "id"], ["tenant_id", "feedback_origin"]
    for columns in (listed, belonging, ["sha256"], ["expires_at"]):
        op.create_index(op.f(f"ix_feedback_log_{'_'.join(columns)}"), "feedback_log", columns)
