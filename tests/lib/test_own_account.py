"""One's own account, and the console that ends with its session."""

from __future__ import annotations

from functools import partial

import pytest
from sqlalchemy import select

from lib.access import passwords
from lib.access.passwords import QUICK_FOR_TESTS, HashedPassword, PasswordRules
from lib.access.permissions import Permission
from lib.access.viewer import EVERY_TENANT
from lib.errors import BadInput, NotPermitted, NotSignedIn
from lib.queries import own_account
from lib.queries.console import Console
from lib.queries.entrance import Entrance
from lib.settings import Settings
from lib.store import Store
from lib.store.accounts import account_named, end_sessions, set_password
from lib.store.tables import Operation
from lib.words import Language, say_error
from tests.accounts import PASSWORD, add_tenant, add_viewer, open_session


@pytest.fixture
def console(sqlite_store: Store, home: Settings) -> Console:
    """What amy's page has, with the entry that reads her anew."""
    add_viewer(sqlite_store, "amy", add_tenant(sqlite_store, "acme"), permissions=[Permission.STATUS_READ])
    entry = partial(Entrance(sqlite_store).viewer_of, open_session(sqlite_store, "amy"))
    return Console(entry(), sqlite_store, home, entry)


def _operations(store: Store) -> list[tuple[str, str, str | None, str | None]]:
    with store.read(EVERY_TENANT) as session:
        rows = session.scalars(select(Operation).order_by(Operation.id))
        return [(row.operator, row.action, row.old_value, row.new_value) for row in rows if row.action != "sign_in"]


@pytest.mark.spec("P1", "O3")
def test_language_and_zone_are_kept_and_recorded(console: Console) -> None:
    console.own.choose_language(Language.ZH)
    console.own.choose_zone("Asia/Shanghai")
    assert console.entry is not None
    assert (console.entry().language, console.entry().zone) == (Language.ZH, "Asia/Shanghai")
    assert _operations(console.store) == [
        ("amy", "change_language", '{"language": null}', '{"language": "zh"}'),
        ("amy", "change_zone", '{"zone": "UTC"}', '{"zone": "Asia/Shanghai"}'),
    ]


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "", "x" * 500])
def test_a_zone_that_is_none_changes_nothing(console: Console, zone: str) -> None:
    with pytest.raises(BadInput) as refusal:
        console.own.choose_zone(zone)
    assert say_error(refusal.value, Language.ZH).startswith("没有名为“")
    assert _operations(console.store) == []


@pytest.mark.spec("A7")
def test_a_new_password_ends_every_session_but_the_one_that_it_opens(console: Console) -> None:
    opened = console.own.change_password(PASSWORD, "another horse")
    with pytest.raises(NotSignedIn):
        console.own.tenants()
    assert Entrance(console.store).viewer_of(opened.session_id).account_name == "amy"
    assert _operations(console.store) == [("amy", "change_password", None, None)]


@pytest.mark.spec("A7", "O3")
def test_wrong_current_passwords_are_counted_and_slowed_down_as_sign_in_is(console: Console) -> None:
    for _ in range(3):
        with pytest.raises(BadInput, match="The current password is not right"):
            console.own.change_password("wrong horse", "another horse")
    for current in ("wrong horse", PASSWORD):
        with pytest.raises(BadInput, match=r"Too many failed attempts: try again in [12] s\."):
            console.own.change_password(current, "another horse")
    assert Entrance(console.store).attempt("amy").wait is not None
    with console.store.read(EVERY_TENANT) as session:
        tried = session.execute(select(Operation.action, Operation.result, Operation.content).order_by(Operation.id))
        assert [tuple(row) for row in tried][1:] == [("change_password", "failure", "password")] * 3


@pytest.mark.spec("A7")
def test_a_right_current_password_forgives_the_failures_before_it(console: Console) -> None:
    for _ in range(2):
        with pytest.raises(BadInput):
            console.own.change_password("wrong horse", "another horse")
    console.own.change_password(PASSWORD, "another horse")
    entrance = Entrance(console.store)
    for _ in range(2):
        entrance.fail(entrance.attempt("amy"))
    assert entrance.attempt("amy").wait is None


def test_nobody_waits_for_the_hashing_of_a_password(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    def hashed(password: str, rules: PasswordRules) -> HashedPassword:
        # Another writer changes it meanwhile, which could not be while this one has its turn.
        with console.store.write(EVERY_TENANT) as session:
            account = account_named(session, "amy")
            assert account is not None
            set_password(session, account, "quick horse", QUICK_FOR_TESTS)
        return passwords.hashed(password, QUICK_FOR_TESTS)

    monkeypatch.setattr(own_account, "hashed", hashed)
    with pytest.raises(BadInput, match="The current password is not right"):
        console.own.change_password(PASSWORD, "another horse")
    with console.store.read(EVERY_TENANT) as session:
        account = account_named(session, "amy")
        assert account is not None
        assert passwords.is_password("quick horse", account.password_hash)


@pytest.mark.parametrize(
    ("current", "wanted", "says"),
    [
        ("wrong horse", "another horse", "The current password is not right."),
        (PASSWORD, "short", "This cannot be a password: it needs at least 8 characters."),
    ],
)
def test_a_password_is_changed_only_to_one_and_by_who_knows_the_old(
    console: Console, current: str, wanted: str, says: str
) -> None:
    with pytest.raises(BadInput) as refusal:
        console.own.change_password(current, wanted)
    assert str(refusal.value) == says
    assert console.own.tenants() == (("acme", "Acme"),)


@pytest.mark.spec("A4", "A7")
def test_a_room_that_an_old_run_took_is_closed_when_the_session_ends(console: Console) -> None:
    status, usage = console.status, console.usage
    assert status.freshness().as_of is None
    with pytest.raises(NotPermitted):
        usage.as_of()
    with console.store.write(EVERY_TENANT) as session:
        account = account_named(session, "amy")
        assert account is not None
        end_sessions(session, account.id)
    with pytest.raises(NotSignedIn):
        status.freshness()
