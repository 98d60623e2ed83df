"""The operation log in full: canonical bodies, what is pending, where it came from, seals, the sidecar's files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_INSTANT = sa.DateTime(timezone=True)
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SLICE = 1000


def upgrade() -> None:
    """The operations of the plain table are carried over with bodies made of their columns, to be sealed."""
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    for verb in ("update", "delete"):
        if on_sqlite:  # its guards are put back after the upgrade
            op.execute(f"DROP TRIGGER IF EXISTS operation_no_{verb}")
    op.rename_table("operation", "operation_plain")
    op.drop_index("ix_operation_tenant_id_id", table_name="operation_plain")
    if not on_sqlite:  # the name of an index is taken in the whole schema there
        op.execute("ALTER TABLE operation_plain RENAME CONSTRAINT pk_operation TO pk_operation_plain")
    _make_operation(on_sqlite)
    _make_queues()
    _make_seals_and_files()
    _carry_over()
    op.drop_table("operation_plain")


def _make_operation(on_sqlite: bool) -> None:
    text = ("operator", "role", "organization", "product", "project", "application", "module", "submodule", "action")
    more = ("operation_class", "object_type", "object_name", "object_id", "channel", "result", "address")
    op.create_table(
        "operation",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", _BIG, autoincrement=False, nullable=False),
        sa.Column("occurred_at", _INSTANT, nullable=False),
        sa.Column("received_at", _INSTANT, nullable=False),
        sa.Column("operator_id", sa.Integer(), nullable=True),
        sa.Column("organization_id", sa.Integer(), nullable=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in (*text, *more, "request_id", "source")),
        sa.Column("is_catalogued", sa.Boolean(), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(*(("id",) if on_sqlite else ("tenant_id", "id")), name=op.f("pk_operation")),
    )
    if on_sqlite:
        op.create_index(op.f("ix_operation_tenant_id_id"), "operation", ["tenant_id", "id"])


def _make_queues() -> None:
    op.create_table(
        "operation_pending",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", _BIG, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_operation_pending")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "operation_origin",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("operation_id", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "key", name=op.f("pk_operation_origin")),
        sqlite_with_rowid=False,
    )


def _make_seals_and_files() -> None:
    op.create_table(
        "operation_seal",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("until_position", _BIG, autoincrement=False, nullable=False),
        sa.Column("first_position", _BIG, nullable=False),
        sa.Column("sealed_at", _INSTANT, nullable=False),
        *(sa.Column(name, sa.LargeBinary(), nullable=False) for name in ("root", "ids", "hashes")),
        sa.Column("checkpoint", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "until_position", name=op.f("pk_operation_seal")),
    )
    op.create_table(
        "operation_chunk",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("first_id", _BIG, nullable=False),
        sa.Column("last_id", _BIG, nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("filed_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operation_chunk")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "operation_filed",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("until_position", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_operation_filed")),
    )


def _carry_over() -> None:
    connection = op.get_bind()
    metadata = sa.MetaData()
    plain, operation, pending = (
        sa.Table(name, metadata, autoload_with=connection)
        for name in ("operation_plain", "operation", "operation_pending")
    )
    for rows in _slices(connection, plain):
        carried = [_carried(dict(row._mapping)) for row in rows]
        connection.execute(sa.insert(operation), carried)
        connection.execute(sa.insert(pending), [{"tenant_id": row["tenant_id"], "id": row["id"]} for row in carried])


def _slices(connection: sa.Connection, plain: sa.Table) -> Iterator[list[sa.Row[Any]]]:
    after = -1
    while rows := list(
        connection.execute(sa.select(plain).where(plain.c.id > after).order_by(plain.c.id).limit(_SLICE))
    ):
        yield rows
        after = rows[-1].id


def _carried(row: dict[str, Any]) -> dict[str, Any]:
    old, new = (json.loads(value) if (value := row.pop(name)) else None for name in ("old_value", "new_value"))
    row |= {"received_at": row["occurred_at"], "organization_id": None, "project": "", "application": ""}
    row |= {"request_id": "", "source": "", "is_catalogued": True}
    return {**row, "body": _body(row, old, new)}


def _body(row: Mapping[str, Any], old: object, new: object) -> str:
    """The canonical text as lib.logs.record makes it: what is empty is left out, keys are in order."""
    told = {**row, "id": str(row["id"]), "old": old, "new": new}
    told |= {name: _instant(told[name]) for name in ("occurred_at", "received_at")}
    told = {name: value for name, value in told.items() if value not in (None, "")}
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _instant(at: datetime) -> str:
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")
