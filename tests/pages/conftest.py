"""Pages as AppTest runs them: the real script, on a home of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from lib.settings import PROJECT_DIR, Settings
from lib.store import Store
from tests.accounts import open_session

App = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def _through_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest forgets before every run that pages/ is not Streamlit's to run; the server is told once."""
    construct = PagesManager.__init__

    def construct_through_home(self: PagesManager, *args: Any, **kwargs: Any) -> None:
        PagesManager.uses_pages_directory = False
        construct(self, *args, **kwargs)

    monkeypatch.setattr(PagesManager, "__init__", construct_through_home)


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
