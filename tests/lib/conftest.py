"""What the tests of imports ask for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lib.access.viewer import EVERY_TENANT
from lib.settings import Settings
from lib.store import Store
from lib.store.tables import Tenant
from tests.lib.collecting import Collecting, new_key
from tests.lib.companies import make_companies
from tests.lib.importer import Importer


@pytest.fixture
def importer(home: Settings, sqlite_store: Store) -> Importer:
    """The import command over a real home with the tenant "acme"."""
    with sqlite_store.write(EVERY_TENANT) as session:
        session.add(Tenant(key="acme", name="Acme", created_at=datetime.now(UTC)))
    return Importer(home, sqlite_store)


@pytest.fixture(scope="session")
def _collecting_template(_migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A database with two companies, and a key of one."""
    file = tmp_path_factory.mktemp("companies") / "daybook.sqlite"
    shutil.copy(_migrated_file, file)
    store = Store(f"sqlite:///{file}")
    make_companies(store)
    key = new_key(store)
    store.dispose()
    return file, key


@pytest.fixture
def collecting(home: Settings, _collecting_template: tuple[Path, str]) -> Iterator[Collecting]:
    """A collector over a home with two companies."""
    file, key = _collecting_template
    shutil.copy(file, home.home / "daybook.sqlite")
    found = Collecting.of(Store(home.database_url), key)
    yield found
    found.collector.close()
    found.store.dispose()
