"""What the tests of imports ask for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lib.access.viewer import EVERY_TENANT
from lib.settings import Settings
from lib.store import Store
from lib.store.tables import Tenant
from tests.lib.importer import Importer


@pytest.fixture
def importer(home: Settings, sqlite_store: Store) -> Importer:
    """The import command over a real home with the tenant "acme"."""
    with sqlite_store.write(EVERY_TENANT) as session:
        session.add(Tenant(key="acme", name="Acme", created_at=datetime.now(UTC)))
    return Importer(home, sqlite_store)
