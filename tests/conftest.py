"""What every test may ask for: a home, a database on SQLite or on both kinds, the samples."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import hypothesis
import pytest

from lib.settings import PROJECT_DIR, Settings, load_settings
from lib.store import Store, schema
from tests.postgres import NoPostgreSQL, Server

# How long an example takes is the machine's affair, not the law's.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


# The folders by how long one file of theirs keeps a worker: the short ones fill the end of a run evenly. Files of a
# folder follow one another, so that a worker starts the browser and its server once.
FOLDERS = ("browser", "clients", "faults", "house", "pages", "store", "lib")


def pytest_configure(config: pytest.Config) -> None:
    """Keep this order among several workers too: pytest-xdist would hand out the files with most tests first."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the tests by their folders."""
    items.sort(key=lambda item: FOLDERS.index(item.nodeid.split("/")[1]))


def _missing(sentence: str) -> NoReturn:
    """Fail where everything is promised to be there; skip on somebody's own machine."""
    if os.environ.get("CI"):
        pytest.fail(sentence)
    pytest.skip(sentence)


@pytest.fixture(autouse=True)
def _main_is_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that was run here leaves itself as `__main__`, and every process that a test spawns would run it again."""
    if Path(getattr(sys.modules["__main__"], "__file__", None) or "/").resolve().is_relative_to(PROJECT_DIR):
        monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of real logs that the tests count."""
    folder = Path(os.environ.get("DAYBOOK_SAMPLES") or PROJECT_DIR.parent / "shared" / "samples")
    if not folder.is_dir():
        _missing(f"There is no folder {folder}: set DAYBOOK_SAMPLES to where the samples are.")
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """The settings of a new, empty home; its database is a SQLite file that is not there yet."""
    return load_settings({"DAYBOOK_HOME": str(tmp_path / "home")})


@pytest.fixture(scope="session")
def _migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("template") / "daybook.sqlite"
    store = Store(f"sqlite:///{file}")
    schema.migrate(store)
    store.dispose()
    return file


@pytest.fixture
def sqlite_store(home: Settings, _migrated_file: Path) -> Iterator[Store]:
    """The migrated, empty SQLite database of `home`."""
    shutil.copy(_migrated_file, home.home / "daybook.sqlite")
    store = Store(home.database_url)
    yield store
    store.dispose()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A real PostgreSQL server."""
    try:
        server = Server.start()
    except NoPostgreSQL as error:
        _missing(str(error))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def _migrated_database(postgresql: Server) -> str:
    database = postgresql.create()
    store = Store(postgresql.url(database))
    schema.migrate(store)
    store.dispose()
    return database


@pytest.fixture
def postgresql_store(postgresql: Server, _migrated_database: str) -> Iterator[Store]:
    """The migrated, empty PostgreSQL database, used as its owner, who is no superuser.

    All tests have the same one, emptied after each; a test that changes tables makes its own (`postgresql.create()`).
    """
    store = Store(postgresql.url(_migrated_database))
    yield store
    store.dispose()
    postgresql.empty(_migrated_database)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Store:
    """A migrated, empty database: the test runs once on SQLite and once on PostgreSQL."""
    found: Store = request.getfixturevalue(f"{request.param}_store")
    return found
