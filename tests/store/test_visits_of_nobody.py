"""The migration that lets visits of nobody wait: batches that stand there stay, and numbers never begin again."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import command

from lib.access.viewer import EVERY_TENANT
from lib.settings import Settings
from lib.store import Store, inbox, schema
from lib.store.tables import Inbox


def test_numbers_of_batches_go_on_where_they_were(home: Settings) -> None:
    store = Store(home.database_url)
    home.home.mkdir(parents=True, exist_ok=True)
    (home.home / "daybook.sqlite").touch()
    migrating = store.engine.execution_options(daybook_migrating=True)
    now = datetime.now(UTC).replace(tzinfo=None)
    with migrating.begin() as connection:
        command.upgrade(schema.alembic_config(connection), "0011")
        kept = sa.text(
            "INSERT INTO tenant (id, key, name, memo, is_demo, numbers_visitors_per_application,"
            " delegates_operation_log, has_data_permission, created_at)"
            " VALUES (1, 'acme', 'Acme', '', 0, 0, 0, 0, :now)"
        )
        connection.execute(kept, {"now": now})
        batch = sa.text(
            "INSERT INTO inbox (tenant_id, kind, source, received_at, row_count, keys, payload)"
            " VALUES (1, 'usage', 'test', :now, 1, x'00', :payload)"
        )
        for number in range(3):
            connection.execute(batch, {"now": now, "payload": bytes([number])})
        connection.execute(sa.text("DELETE FROM inbox WHERE id = 3"))  # taken in, and named in the manifest
    schema.migrate(store)
    with store.write(0) as session:
        inbox.append(session, 0, "visit", "console", b"", b"new")
    with store.read(EVERY_TENANT) as session:
        rows = session.execute(sa.select(Inbox.id, Inbox.tenant_id, Inbox.payload).order_by(Inbox.id)).all()
    assert [tuple(row) for row in rows] == [(1, 1, b"\x00"), (2, 1, b"\x01"), (4, 0, b"new")]
    store.dispose()
