"""What a transaction of one tenant can reach."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from lib.access.viewer import EVERY_TENANT
from lib.store import Store
from lib.store.tables import Tenant


def test_a_store_reads_what_it_wrote(store: Store) -> None:
    for turn in range(12):
        with store.write(EVERY_TENANT) as session:
            session.add(Tenant(key=f"t{turn}", name="T", created_at=datetime.now(UTC)))
        with store.read(EVERY_TENANT) as session:
            assert session.scalar(sa.select(sa.func.count()).select_from(Tenant)) == turn + 1
