"""Who gets which page: the menu, the refusal, and what ends at the next run."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlalchemy import delete
from sqlalchemy.orm import Session
from streamlit.testing.v1 import AppTest
from streamlit_authenticator import Hasher

from lib.access.permissions import AccountType, Permission, of_type
from lib.access.viewer import EVERY_TENANT
from lib.settings import Settings
from lib.store import Store
from lib.store.accounts import account_named, end_sessions, set_password
from lib.store.tables import Account, Grant
from lib.ui.pages import PAGES
from tests.accounts import PASSWORD, add_tenant, add_viewer
from tests.pages.conftest import App

REFUSED = r"You do not have the permission {}: ask an administrator for a role that has it."


def _change(store: Store, name: str, change: Callable[[Session, Account], object]) -> None:
    with store.write(EVERY_TENANT) as session:
        account = account_named(session, name)
        assert account is not None
        change(session, account)


@pytest.mark.spec("A4")
def test_a_stranger_gets_the_sign_in_form_and_nothing_else(app: App) -> None:
    at = app()
    assert [field.label for field in at.text_input] == ["Account name", "Password"]
    assert not at.title
    assert not at.sidebar.children


@pytest.mark.spec("A7")
@pytest.mark.parametrize("name", ["amy", "nobody"])
def test_while_a_name_has_to_wait_no_password_is_compared(
    app: App, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def compared(*_password: str) -> bool:
        asked.append(name)
        return False

    asked: list[str] = []
    monkeypatch.setattr(Hasher, "check_pw", compared)
    add_viewer(sqlite_store, "amy", add_tenant(sqlite_store, "acme"))
    at = app()
    for _ in range(5):
        at.text_input[0].input(name)
        at.text_input[1].input(PASSWORD)
        at.button[0].click().run()
    assert len(asked) == 3
    assert at.error[0].value.startswith("Too many failed attempts. Wait ")


@pytest.mark.spec("A7")
def test_a_password_changed_while_it_was_compared_is_told_as_a_wrong_one(
    app: App, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compared(*_password: str) -> bool:
        _change(sqlite_store, "amy", lambda session, account: set_password(session, account, "another horse"))
        return True

    monkeypatch.setattr(Hasher, "check_pw", compared)
    add_viewer(sqlite_store, "amy", add_tenant(sqlite_store, "acme"))
    at = app()
    at.text_input[0].input("amy")
    at.text_input[1].input(PASSWORD)
    at.button[0].click().run()
    assert not at.exception
    assert at.error[0].value.startswith("That account name and password do not belong together.")


@pytest.mark.spec("A4")
@pytest.mark.parametrize("page", [page.key for page in PAGES])
def test_an_account_without_a_role_is_refused_every_page(app: App, sqlite_store: Store, page: str) -> None:
    add_viewer(sqlite_store, "nobody", add_tenant(sqlite_store, "acme"))
    at = app("nobody")
    assert [info.value for info in at.info] == [
        "Your account has no role that opens a page yet: ask an administrator for one."
    ]
    with pytest.raises(ValueError, match="pages"):
        at.switch_page(f"pages/{page}.py").run()


@pytest.mark.spec("A3", "A4")
def test_a_role_opens_its_pages_and_no_others(app: App, sqlite_store: Store) -> None:
    add_viewer(sqlite_store, "amy", add_tenant(sqlite_store, "acme"), permissions=[Permission.STATUS_READ])
    at = app("amy", "status")
    assert [title.value for title in at.title] == ["Status"]
    with pytest.raises(ValueError, match="global_overview"):
        at.switch_page("pages/global_overview.py").run()


@pytest.mark.spec("A3")
@pytest.mark.parametrize("kind", [AccountType.PLATFORM, AccountType.SYSTEM])
def test_administrators_get_every_page_of_their_kind(app: App, sqlite_store: Store, kind: AccountType) -> None:
    tenant_id = add_tenant(sqlite_store, "acme")
    add_viewer(sqlite_store, "root", None if kind is AccountType.SYSTEM else tenant_id, kind)
    for page in (page for page in PAGES if page.permissions & of_type(kind)):
        at = app("root", page.key)
        assert not at.exception
        assert not [error.value for error in at.error]


def test_a_system_administrator_chooses_the_tenant_and_the_address_says_which(
    app: App, sqlite_store: Store
) -> None:
    add_tenant(sqlite_store, "acme")
    add_tenant(sqlite_store, "globex", "Globex [x](http://x)")
    add_viewer(sqlite_store, "root", None, AccountType.SYSTEM)
    at = app("root")
    assert at.sidebar.selectbox[0].options == ["Acme", "Globex [x](http://x)"]
    at.sidebar.selectbox[0].set_value("globex").run()
    assert at.query_params["tenant"] == "globex"
    assert app("root", tenant="globex").sidebar.selectbox[0].value == "globex"


@pytest.mark.spec("A5")
def test_no_other_account_chooses_its_tenant(app: App, sqlite_store: Store) -> None:
    add_viewer(sqlite_store, "amy", add_tenant(sqlite_store, "acme"), AccountType.PLATFORM)
    add_tenant(sqlite_store, "globex")
    at = app("amy", tenant="globex")
    assert not at.sidebar.selectbox


def test_a_system_administrator_without_any_tenant_is_told_to_add_one(app: App, sqlite_store: Store) -> None:
    add_viewer(sqlite_store, "root", None, AccountType.SYSTEM)
    at = app("root", "administration")
    assert "There is no tenant yet" in at.sidebar.info[0].value
    assert not at.exception


@pytest.mark.spec("A7")
@pytest.mark.parametrize("what", ["disabled", "password", "revoked"])
def test_a_lost_session_ends_at_the_next_run(app: App, sqlite_store: Store, what: str) -> None:
    add_viewer(sqlite_store, "amy", add_tenant(sqlite_store, "acme"), permissions=[Permission.STATUS_READ])
    at = app("amy", "status")
    assert [title.value for title in at.title] == ["Status"]
    changes = {
        "disabled": lambda _session, account: setattr(account, "is_disabled", True),
        "password": lambda session, account: set_password(session, account, "another horse"),
        "revoked": lambda session, account: end_sessions(session, account.id),
    }
    _change(sqlite_store, "amy", changes[what])
    at.run()
    assert not at.title
    assert [info.value for info in at.info] == ["Your session has ended. Sign in again to go on."]
    assert [field.label for field in at.text_input] == ["Account name", "Password"]


@pytest.mark.spec("A7")
def test_a_removed_role_closes_its_page_at_the_next_run(app: App, sqlite_store: Store) -> None:
    add_viewer(sqlite_store, "amy", add_tenant(sqlite_store, "acme"), permissions=[Permission.STATUS_READ])
    at = app("amy", "status")
    _change(
        sqlite_store,
        "amy",
        lambda session, account: session.execute(delete(Grant).where(Grant.account_id == account.id)),
    )
    at.run()
    assert not at.title
    assert [error.value for error in at.error] == [REFUSED.format(r"status\:read")]


@pytest.mark.spec("A7")
def test_the_form_signs_in_with_the_name_in_any_case(app: App, sqlite_store: Store) -> None:
    add_viewer(sqlite_store, "amy", add_tenant(sqlite_store, "acme"), permissions=[Permission.STATUS_READ])
    at = app()
    at.text_input[0].set_value(" AMY ")
    at.text_input[1].set_value(PASSWORD)
    at.button[0].click().run()
    assert [title.value for title in at.title] == ["Status"]


@pytest.mark.spec("A7")
@pytest.mark.parametrize("name", ["amy", "nobody-of-this-name", "bob"])
@pytest.mark.parametrize("password", ["wrong horse", "文" * 25, "x" * 1_000])
def test_a_wrong_password_is_told_in_the_same_words_whoever_it_is_for(
    app: App, sqlite_store: Store, name: str, password: str
) -> None:
    tenant_id = add_tenant(sqlite_store, "acme")
    add_viewer(sqlite_store, "amy", tenant_id)
    add_viewer(sqlite_store, "bob", tenant_id)
    _change(sqlite_store, "bob", lambda _session, account: setattr(account, "is_disabled", True))
    at = app()
    at.text_input[0].set_value(name)
    at.text_input[1].set_value(password)
    at.button[0].click().run()
    assert [error.value for error in at.error] == [
        "That account name and password do not belong together. Check both, and try again."
    ]
    assert at.session_state["authentication_status"] is False


@pytest.mark.spec("P1")
def test_the_account_chooses_its_language_and_zone(app: App, sqlite_store: Store) -> None:
    add_viewer(sqlite_store, "amy", add_tenant(sqlite_store, "acme"), permissions=[Permission.STATUS_READ])
    at = app("amy")
    at.selectbox(key="account_language").set_value("zh").run()
    assert [title.value for title in at.title] == ["运行状态"]
    at.selectbox(key="account_zone").set_value("Asia/Shanghai").run()
    again = app("amy")
    assert again.selectbox(key="account_language").value == "zh"
    assert again.selectbox(key="account_zone").value == "Asia/Shanghai"


def _failing(kind: str) -> None:
    from lib.errors import BadInput
    from lib.ui.faults import on_script_error

    on_script_error(
        BadInput(what="Say [when](http://x)") if kind == "known" else RuntimeError("secret /srv/path")
    )


@pytest.mark.spec("P3")
def test_an_unforeseen_error_is_a_sentence_with_a_reference_that_is_in_the_log(
    home: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DAYBOOK_HOME", str(home.home))
    at = AppTest.from_function(_failing, args=("unknown",)).run()
    (shown,) = [error.value for error in at.error]
    reference = re.search(r"reference ([0-9a-f]{8})\.$", shown)
    assert reference is not None
    assert "secret" not in shown
    assert f"reference {reference[1]}" in caplog.text
    assert "secret /srv/path" in caplog.text


@pytest.mark.spec("P3")
def test_a_foreseen_error_is_its_sentence_with_nothing_in_it_that_markdown_runs(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAYBOOK_HOME", str(home.home))
    at = AppTest.from_function(_failing, args=("known",)).run()
    assert [error.value for error in at.error] == ["Say \\[when\\]\\(http:\u2060\\/\\/x\\)."]
