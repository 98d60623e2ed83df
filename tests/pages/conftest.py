"""Pages as AppTest runs them: the real script, on a home of the test's own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from lib.access.permissions import Permission
from lib.cli import main
from lib.settings import PROJECT_DIR, Settings, load_settings
from lib.store import Store
from tests.accounts import add_tenant, add_viewer, open_session

App = Callable[..., AppTest]

EVENTS = (
    # The day before: ann opens the shop.
    ("2024-05-11T10:00:00Z", "ann", "web", "shop", "/home", "iOS"),
    # The day: ann sees two pages of the shop, bob one on the other application, cat one of the news.
    ("2024-05-12T10:00:00Z", "ann", "web", "shop", "/home", "iOS"),
    ("2024-05-12T10:01:40Z", "ann", "web", "shop", "/pay", "iOS"),
    ("2024-05-12T23:45:00Z", "bob", "bank", "shop", "/home", "Android"),
    ("2024-05-13T08:00:00Z", "cat", "web", "news", "=1+1", "iOS"),
)


@pytest.fixture(autouse=True)
def _through_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest forgets before every run that pages/ is not Streamlit's to run; the server is told once."""
    construct = PagesManager.__init__

    def construct_through_home(self: PagesManager, *args: Any, **kwargs: Any) -> None:
        PagesManager.uses_pages_directory = False
        construct(self, *args, **kwargs)

    monkeypatch.setattr(PagesManager, "__init__", construct_through_home)


@pytest.fixture(autouse=True)
def _packages_are_looked_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest reads the metadata of every installed package at each run, which takes longer than most pages."""
    monkeypatch.setattr(manifest_scanner, "scan_component_manifests", _manifests)


_manifests = cache(manifest_scanner.scan_component_manifests)


@pytest.fixture
def app(home: Settings, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> App:
    """`app("amy", "status", tenant="acme")`: the script as that account (None: a stranger) gets it at that page."""
    monkeypatch.setenv("DAYBOOK_HOME", str(home.home))

    def run(name: str | None = None, page: str | None = None, **query: str) -> AppTest:
        tested = AppTest.from_file(str(PROJECT_DIR / "Home.py"), default_timeout=30)
        for key, value in query.items():
            tested.query_params[key] = value
        if name is not None:
            tested.session_state["daybook_session"] = open_session(sqlite_store, name)
        tested.run()
        if page is not None:
            tested.switch_page(f"pages/{page}.py").run()
        return tested

    return run


@pytest.fixture(scope="session")
def _company(tmp_path_factory: pytest.TempPathFactory, _migrated_file: Path) -> Path:
    folder = tmp_path_factory.mktemp("company")
    home = load_settings({"DAYBOOK_HOME": str(folder / "home")})
    shutil.copy(_migrated_file, home.home / "daybook.sqlite")
    store = Store(home.database_url)
    add_viewer(
        store,
        "amy",
        add_tenant(store, "acme"),
        permissions=[Permission.USAGE_READ, Permission.STATUS_READ, Permission.EXPORT_CREATE],
    )
    count(home, folder / "events.ndjson", EVENTS)
    store.dispose()
    return home.home


@pytest.fixture
def company(home: Settings, sqlite_store: Store, _company: Path) -> Store:
    """The tenant acme with EVENTS counted, and amy, who reads usage and status and may export."""
    sqlite_store.dispose()
    for file in home.home.glob("daybook.sqlite*"):
        file.unlink()
    shutil.copytree(_company, home.home, dirs_exist_ok=True)
    return sqlite_store


def count(home: Settings, file: Path, events: Sequence[tuple[str, ...]]) -> None:
    """Import events into acme and count them."""
    names = ("time", "visitor", "application", "mini_program", "page", "os")
    file.write_text("".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in events))
    mapped = "time=time,visitor=visitor,page=page,os=os"
    fields = ["--application-field", "application", "--mini-program-field", "mini_program", "--map", mapped]
    command(home, "import", "usage", str(file), "--format", "ndjson", "--tenant", "acme", *fields)
    command(home, "refresh")


def command(home: Settings, *words: str) -> None:
    """Run `daybook` on a home."""
    result = CliRunner().invoke(main, list(words), env={"DAYBOOK_HOME": str(home.home)})
    assert result.exit_code == 0, result.output
