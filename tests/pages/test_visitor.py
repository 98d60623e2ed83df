"""Who a script run takes its visitor for, and for how long."""

from __future__ import annotations

import threading

import pytest
from streamlit.testing.v1 import AppTest

from lib.queries.entrance import Entrance
from lib.settings import Settings
from lib.store import Store
from lib.ui import visitor
from tests.accounts import add_tenant, add_viewer, open_session


def _dialog() -> None:
    """A script that asks twice in a run with what its first run kept, as the closure of a dialog does."""
    import streamlit as st

    from lib.errors import NotSignedIn
    from lib.ui import visitor

    kept = st.session_state.setdefault("kept", visitor.entry())
    try:
        first = kept()
        st.text(f"{first.account_name} {kept() is first}")
    except NotSignedIn:
        st.text("nobody")


@pytest.fixture
def tested(home: Settings, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The script in a tab in which amy is signed in, where a moment lasts an hour."""
    monkeypatch.setenv("DAYBOOK_HOME", str(home.home))
    monkeypatch.setattr(visitor.Entry, "MOMENT_SECONDS", 3600)
    add_viewer(sqlite_store, "amy", add_tenant(sqlite_store, "acme"))
    at = AppTest.from_function(_dialog)
    at.session_state["daybook_session"] = open_session(sqlite_store, "amy")
    return at


@pytest.mark.spec("A7")
def test_one_reading_serves_a_run_and_ends_with_it(tested: AppTest, sqlite_store: Store) -> None:
    assert tested.run().text[0].value == "amy True"
    Entrance(sqlite_store).leave(tested.session_state["daybook_session"])
    assert tested.run().text[0].value == "nobody"


@pytest.mark.spec("A7")
def test_outside_a_run_each_question_reads_afresh(tested: AppTest) -> None:
    tested.run()
    kept, answers = tested.session_state["kept"], []
    asking = threading.Thread(target=lambda: answers.extend([kept(), kept()]))
    asking.start()
    asking.join()
    assert [viewer.account_name for viewer in answers] == ["amy", "amy"]
    assert answers[0] is not answers[1]
