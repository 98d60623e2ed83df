"""The entrance: passwords, waiting, tickets, badges and what ends them, on both databases."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, select, update

from lib.access.lockout import (
    PER_ACCOUNT,
    PER_ADDRESS,
    QUICK_FOR_TESTS,
    LockoutRules,
    counted_address,
    wait_after,
)
from lib.access.passwords import QUICK_FOR_TESTS as QUICK_PASSWORDS
from lib.access.passwords import hash_password, is_password
from lib.access.permissions import AccountType, Permission
from lib.access.tokens import hash_of_token
from lib.access.viewer import EVERY_APPLICATION, EVERY_TENANT, ApplicationScope
from lib.errors import AlreadyThere, BadInput, NotFound, NotSignedIn
from lib.queries.entrance import RULES, Entrance
from lib.store import Store, attempts
from lib.store.accounts import account_named, add_account, set_password
from lib.store.tables import Account, AccountSession, Application, Grant, Operation, SignIn, Tenant
from lib.words import Language, say_error
from tests.accounts import PASSWORD, add_tenant, add_viewer, open_session

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
QUICK = replace(
    RULES,
    per_account=QUICK_FOR_TESTS,
    per_address=replace(QUICK_FOR_TESTS, free_failures=6, lock_failures=8),
    passwords=QUICK_PASSWORDS,
)


def _try(entrance: Entrance, name: str, password: str, address: str = "192.0.2.1") -> str:
    """One attempt as the form makes it; returns "in", "wrong", "delay" or "lock"."""
    attempt = entrance.attempt(name, address, "a browser")
    if is_password(password, attempt.password_hash):
        entrance.succeed(attempt)
        return "in"
    entrance.fail(attempt)
    if attempt.wait is None:
        return "wrong"
    return "lock" if attempt.wait.is_lock else "delay"


def _failures(count: int, *, every: float = 60.0) -> list[datetime]:
    return [NOW - timedelta(seconds=every * back) for back in reversed(range(count))]


@pytest.mark.spec("A7")
@pytest.mark.parametrize(
    ("count", "seconds"),
    [(0, None), (2, None), (3, 2.0), (4, 4.0), (5, 8.0), (9, 128.0), (10, 900.0), (12, 900.0)],
)
def test_failures_slow_down_and_then_lock(count: int, seconds: float | None) -> None:
    wait = wait_after(_failures(count), PER_ACCOUNT, NOW)
    assert (None if wait is None else (wait.until - NOW).total_seconds()) == seconds
    assert (wait is not None and wait.is_lock) == (count >= 10)


@pytest.mark.spec("A7")
def test_failures_older_than_the_window_neither_slow_nor_lock() -> None:
    assert wait_after(_failures(12), PER_ACCOUNT, NOW + timedelta(seconds=901)) is None
    assert wait_after(_failures(10, every=200), PER_ACCOUNT, NOW) is not None
    assert not wait_after(_failures(10, every=200), PER_ACCOUNT, NOW).is_lock  # type: ignore[union-attr]
    assert wait_after(_failures(5, every=901), PER_ACCOUNT, NOW) is None


def test_an_address_is_given_more_room_than_an_account() -> None:
    assert (PER_ADDRESS.free_failures, PER_ADDRESS.lock_failures) == (10, 50)
    assert wait_after(_failures(9), PER_ADDRESS, NOW) is None


@pytest.mark.spec("A7")
@pytest.mark.parametrize(
    ("count", "seconds"), [(10, 2.0), (12, 8.0), (13, 15.0), (19, 15.0), (49, 15.0), (50, 900.0)]
)
def test_an_address_is_slowed_by_a_quarter_of_a_minute_at_most_until_it_is_locked(count: int, seconds: float) -> None:
    wait = wait_after(_failures(count, every=1.0), PER_ADDRESS, NOW)
    assert wait is not None
    assert ((wait.until - NOW).total_seconds(), wait.is_lock) == (seconds, count >= 50)


@pytest.mark.parametrize("rules", [PER_ACCOUNT, PER_ADDRESS], ids=["account", "address"])
def test_a_lock_needs_no_more_failures_than_the_delays_let_through(rules: LockoutRules) -> None:
    doubled = [rules.first_delay_seconds * 2**n for n in range(rules.lock_failures - rules.free_failures)]
    assert sum(min(delay, rules.most_delay_seconds) for delay in doubled) < rules.window_seconds


@pytest.mark.spec("A7")
@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:0DB8:1:2::ffff", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", ""),
        ("a unix socket", "a unix socket"),
    ],
)
def test_an_address_of_ipv6_is_counted_with_all_that_its_client_can_take(address: str, counted: str) -> None:
    assert counted_address(address) == counted


@pytest.mark.spec("A7")
def test_a_client_that_changes_its_ipv6_address_is_slowed_all_the_same(store: Store) -> None:
    add_viewer(store, "amy", add_tenant(store, "acme"))
    entrance = Entrance(store, QUICK)
    assert [_try(entrance, f"name {n}", "wrong", f"2001:db8::{n}") for n in range(6)] == ["wrong"] * 6
    assert _try(entrance, "amy", PASSWORD, "2001:db8::abc:def") == "delay"
    assert _try(entrance, "amy", PASSWORD, "2001:db8:0:1::1") == "in"


@pytest.mark.spec("A7")
def test_an_account_is_slowed_locked_and_let_in_again(store: Store) -> None:
    add_viewer(store, "amy", add_tenant(store, "acme"))
    entrance = Entrance(store, QUICK)
    assert [_try(entrance, "amy", "wrong") for _ in range(4)] == ["wrong", "wrong", "wrong", "delay"]
    assert _try(entrance, "amy", PASSWORD) == "delay"
    time.sleep(0.25)
    assert _try(entrance, "amy", PASSWORD) == "in"
    assert [_try(entrance, "amy", "wrong") for _ in range(3)] == ["wrong"] * 3


@pytest.mark.spec("A7")
def test_a_locked_account_stays_out_with_the_right_password_and_an_unknown_name_is_locked_alike(
    store: Store,
) -> None:
    add_viewer(store, "amy", add_tenant(store, "acme"))
    rules = replace(QUICK, per_account=LockoutRules(free_failures=9, lock_failures=3))
    entrance = Entrance(store, rules)
    for name in ("amy", "nobody"):
        assert [_try(entrance, name, "wrong", "") for _ in range(4)] == ["wrong", "wrong", "wrong", "lock"]
        assert _try(entrance, name, PASSWORD, "") == "lock"


@pytest.mark.spec("A7", "O3")
def test_a_flood_on_a_locked_name_is_noted_once_a_minute_and_once_in_the_log(store: Store) -> None:
    add_viewer(store, "amy", add_tenant(store, "acme"))
    rules = replace(QUICK, per_account=LockoutRules(free_failures=9, lock_failures=2))
    entrance = Entrance(store, rules)
    for name in ("amy", "nobody"):
        assert [_try(entrance, name, "wrong", "") for _ in range(6)] == ["wrong", "wrong", *["lock"] * 4]
    with store.read(EVERY_TENANT) as session:
        rows = list(session.scalars(select(SignIn.result).order_by(SignIn.id)))
        told = list(session.scalars(select(Operation.content).order_by(Operation.id)))
    assert rows == ["failure", "failure", "locked"] * 2
    assert told == ["password", "password", "locked", "unknown", "unknown", "locked"]


@pytest.mark.spec("A7")
def test_a_locked_address_that_tries_other_names_is_noted_once(store: Store) -> None:
    rules = replace(QUICK, per_address=LockoutRules(free_failures=9, lock_failures=2))
    entrance = Entrance(store, rules)
    assert [_try(entrance, f"name {n}", "wrong") for n in range(5)] == ["wrong", "wrong", *["lock"] * 3]
    with store.read(EVERY_TENANT) as session:
        assert list(session.scalars(select(SignIn.result).order_by(SignIn.id))) == ["failure", "failure", "locked"]


def test_a_wait_is_noted_again_after_a_minute() -> None:
    assert attempts.is_due(None, NOW)
    assert not attempts.is_due(NOW - timedelta(seconds=59), NOW)
    assert attempts.is_due(NOW - timedelta(seconds=60), NOW)


@pytest.mark.spec("A7", "O3")
def test_a_password_typed_as_the_name_is_kept_nowhere_and_still_counted(store: Store) -> None:
    entrance = Entrance(store, QUICK)
    for _ in range(3):
        entrance.fail(entrance.attempt(" Tr0ub4dor&3 ", "192.0.2.1", names_key="a"))
    assert entrance.attempt("tr0ub4dor&3", "192.0.2.2", names_key="a").wait is not None
    assert entrance.attempt("trombone", "192.0.2.2", names_key="a").wait is None
    assert entrance.attempt("tr0ub4dor&3", "192.0.2.2", names_key="b").wait is None
    with store.read(EVERY_TENANT) as session:
        kept = [*session.scalars(select(SignIn)), *session.scalars(select(Operation))]
        names = {row.account_name for row in kept if isinstance(row, SignIn)}
        told = " ".join(str(vars(row)) for row in kept)
    assert len(names) == 3
    assert all(re.fullmatch("tr…[0-9a-f]{8}", name) for name in names)
    assert "ub4dor" not in told


@pytest.mark.spec("A7")
def test_the_old_password_opens_no_session_once_it_is_changed(store: Store) -> None:
    add_viewer(store, "amy", add_tenant(store, "acme"))
    entrance = Entrance(store, QUICK)
    attempt = entrance.attempt("amy")
    assert is_password(PASSWORD, attempt.password_hash)
    with store.write(EVERY_TENANT) as session:
        account = account_named(session, "amy")
        assert account is not None
        set_password(session, account, "another horse", QUICK_PASSWORDS)
    with pytest.raises(NotSignedIn):
        entrance.succeed(attempt)


@pytest.mark.spec("A7")
def test_an_address_that_fails_on_many_names_is_slowed_on_the_next(store: Store) -> None:
    add_viewer(store, "amy", add_tenant(store, "acme"))
    entrance = Entrance(store, QUICK)
    assert [_try(entrance, f"name {n}", "wrong") for n in range(6)] == ["wrong"] * 6
    assert _try(entrance, "amy", PASSWORD) == "delay"
    assert _try(entrance, "amy", PASSWORD, "192.0.2.2") == "in"


@pytest.mark.spec("A7")
def test_many_attempts_at_once_do_not_slip_past_the_count(store: Store) -> None:
    add_viewer(store, "amy", add_tenant(store, "acme"))
    entrance = Entrance(store, replace(QUICK, per_account=PER_ACCOUNT))
    with ThreadPoolExecutor(12) as at_once:
        outcomes = list(at_once.map(lambda _: _try(entrance, "amy", "wrong"), range(12)))
    assert outcomes.count("wrong") == 3
    assert outcomes.count("delay") == 9


@pytest.mark.spec("A7", "O3")
def test_success_failure_and_sign_out_are_recorded_without_the_password(store: Store) -> None:
    tenant_id = add_tenant(store, "acme")
    add_viewer(store, "amy", tenant_id)
    entrance = Entrance(store, QUICK)
    _try(entrance, "amy", "secret wrong")
    _try(entrance, "ghost", "secret wrong")
    opened = entrance.succeed(entrance.attempt("amy", "192.0.2.7"))
    entrance.leave(opened.session_id, "192.0.2.7")
    with store.read(EVERY_TENANT) as session:
        operations = session.scalars(select(Operation).order_by(Operation.id)).all()
        told = [(row.tenant_id, row.operator, row.action, row.result, row.content, row.address) for row in operations]
        kept = " ".join(str(vars(row)) for row in operations)
        tries = [
            (row.account_name, row.result, row.reason) for row in session.scalars(select(SignIn).order_by(SignIn.id))
        ]
    ghost = attempts.name_kept("ghost", "")
    assert told == [
        (tenant_id, "amy", "sign_in_failed", "failure", "password", "192.0.2.1"),
        (0, ghost, "sign_in_failed", "failure", "unknown", "192.0.2.1"),
        (tenant_id, "amy", "sign_in", "success", "", "192.0.2.7"),
        (tenant_id, "amy", "sign_out", "success", "", "192.0.2.7"),
    ]
    assert tries == [("amy", "failure", "password"), (ghost, "failure", "unknown"), ("amy", "success", "")]
    assert "secret" not in kept


@pytest.mark.spec("A7")
def test_an_unknown_name_takes_as_long_as_a_known_one(sqlite_store: Store) -> None:
    add_viewer(sqlite_store, "amy", add_tenant(sqlite_store, "acme"))
    entrance = Entrance(sqlite_store, replace(QUICK, per_account=replace(PER_ACCOUNT, free_failures=99)))
    known, unknown = (entrance.attempt(name).password_hash for name in ("amy", "nobody"))
    assert known[:7] == unknown[:7] == "$2b$04$"
    assert not is_password("", unknown)


@pytest.mark.spec("A7")
def test_a_ticket_is_exchanged_once_within_its_minute_and_only_hashes_are_kept(store: Store) -> None:
    add_viewer(store, "amy", add_tenant(store, "acme"))
    entrance = Entrance(store)
    opened = entrance.succeed(entrance.attempt("amy"))
    redeemed = entrance.redeem(opened.ticket)
    assert entrance.viewer_of(redeemed.token).account_name == "amy"
    assert redeemed.lasts == timedelta(days=30)
    with pytest.raises(NotSignedIn):
        entrance.redeem(opened.ticket)
    with pytest.raises(NotSignedIn):
        entrance.viewer_of(opened.ticket)
    late = Entrance(store, replace(RULES, ticket=timedelta(seconds=-1)))
    with pytest.raises(NotSignedIn):
        late.redeem(late.succeed(late.attempt("amy")).ticket)
    with store.read(EVERY_TENANT) as session:
        kept = session.scalars(select(AccountSession).order_by(AccountSession.id)).first()
        assert kept is not None
        assert kept.token_hash == hash_of_token(redeemed.token)
        assert redeemed.token not in str(vars(kept))


@pytest.mark.spec("A7")
def test_a_new_sign_in_in_the_same_browser_ends_the_session_that_it_replaces(store: Store) -> None:
    add_viewer(store, "amy", add_tenant(store, "acme"))
    entrance = Entrance(store)
    first = entrance.redeem(entrance.succeed(entrance.attempt("amy")).ticket).token
    second = entrance.redeem(entrance.succeed(entrance.attempt("amy")).ticket, first).token
    assert entrance.viewer_of(second).account_name == "amy"
    with pytest.raises(NotSignedIn):
        entrance.viewer_of(first)


@pytest.mark.spec("A7")
@pytest.mark.parametrize(
    "column",
    ["revoked_at", "expires_at", "last_seen_at", "created_at"],
    ids=["revoked", "old", "idle", "password"],
)
def test_a_session_ends_with(store: Store, column: str) -> None:
    add_viewer(store, "amy", add_tenant(store, "acme"))
    badge = open_session(store, "amy")
    assert Entrance(store).viewer_of(badge).account_name == "amy"
    with store.write(EVERY_TENANT) as session:
        session.execute(update(AccountSession).values({column: datetime.now(UTC) - timedelta(hours=13)}))
    with pytest.raises(NotSignedIn):
        Entrance(store).viewer_of(badge)


@pytest.mark.spec("A7")
def test_a_session_in_use_does_not_grow_idle(store: Store) -> None:
    add_viewer(store, "amy", add_tenant(store, "acme"))
    badge = open_session(store, "amy")
    before = datetime.now(UTC) - timedelta(hours=11)
    with store.write(EVERY_TENANT) as session:
        session.execute(update(AccountSession).values(last_seen_at=before))
    Entrance(store).viewer_of(badge)
    with store.read(EVERY_TENANT) as session:
        seen_at = session.scalars(select(AccountSession.last_seen_at)).one()
    assert datetime.now(UTC) - seen_at < timedelta(minutes=1)


@pytest.mark.spec("A7")
def test_disabling_and_a_new_password_end_every_session_and_a_ticket_not_yet_exchanged(store: Store) -> None:
    add_viewer(store, "amy", add_tenant(store, "acme"))
    entrance = Entrance(store)
    opened = entrance.succeed(entrance.attempt("amy"))
    with store.write(EVERY_TENANT) as session:
        account = account_named(session, "amy")
        assert account is not None
        set_password(session, account, "another horse", QUICK_PASSWORDS)
    for ended in (lambda: entrance.viewer_of(opened.session_id), lambda: entrance.redeem(opened.ticket)):
        with pytest.raises(NotSignedIn):
            ended()
    badge = entrance.succeed(entrance.attempt("amy")).session_id
    with store.write(EVERY_TENANT) as session:
        session.execute(update(Account).values(is_disabled=True))
    with pytest.raises(NotSignedIn):
        entrance.viewer_of(badge)
    assert _try(entrance, "amy", "another horse") == "wrong"


@pytest.mark.spec("A3", "A6")
def test_a_viewer_has_the_permissions_of_type_and_roles_as_they_are_now(store: Store) -> None:
    tenant_id = add_tenant(store, "acme")
    wanted = [Permission.USAGE_READ, Permission.OPERATION_LOG_READ, Permission.ACCOUNT_MANAGE]
    account_id = add_viewer(store, "amy", tenant_id, permissions=wanted)
    badge, entrance = open_session(store, "amy"), Entrance(store)
    assert entrance.viewer_of(badge).permissions == {Permission.USAGE_READ}
    with store.write(EVERY_TENANT) as session:
        session.execute(update(Tenant).values(delegates_operation_log=True))
    assert entrance.viewer_of(badge).permissions == {Permission.USAGE_READ, Permission.OPERATION_LOG_READ}
    assert entrance.viewer_of(badge).roles == ("account:manage", "operation_log:read", "usage:read")
    with store.write(EVERY_TENANT) as session:
        session.execute(delete(Grant).where(Grant.account_id == account_id))
    assert entrance.viewer_of(badge).permissions == frozenset()


@pytest.mark.spec("A5")
def test_an_ordinary_account_holds_the_applications_listed_and_none_by_default(store: Store) -> None:
    tenant_id = add_tenant(store, "acme")
    with store.write(EVERY_TENANT) as session:
        held = Application(tenant_id=tenant_id, key="web", name="Web", source="console", created_at=NOW)
        session.add(held)
        session.flush()
        for name, applications in (("none", ()), ("one", (held.id,))):
            add_account(
                session,
                name=name,
                password=PASSWORD,
                type=AccountType.ORDINARY,
                tenant_id=tenant_id,
                applications=applications,
                rules=QUICK_PASSWORDS,
            )
    entrance = Entrance(store)
    assert entrance.viewer_of(open_session(store, "none")).applications == ApplicationScope(every=False)
    assert entrance.viewer_of(open_session(store, "one")).applications.ids == {held.id}
    add_viewer(store, "boss", tenant_id, AccountType.PLATFORM)
    assert entrance.viewer_of(open_session(store, "boss")).applications == EVERY_APPLICATION


@pytest.mark.spec("A3")
def test_only_a_system_administrator_chooses_the_tenant(store: Store) -> None:
    acme, globex = add_tenant(store, "acme"), add_tenant(store, "globex")
    add_viewer(store, "root", None, AccountType.SYSTEM)
    add_viewer(store, "boss", acme, AccountType.PLATFORM)
    entrance, root, boss = Entrance(store), open_session(store, "root"), open_session(store, "boss")
    assert entrance.viewer_of(root).tenant_id == acme
    assert entrance.viewer_of(root, "globex").tenant_id == globex
    assert entrance.viewer_of(root, "no such").tenant_id == acme
    assert entrance.viewer_of(boss, "globex").tenant_id == acme


def test_a_system_administrator_without_any_tenant_is_let_in_and_sees_none(store: Store) -> None:
    add_viewer(store, "root", None, AccountType.SYSTEM)
    viewer = Entrance(store).viewer_of(open_session(store, "root"), language=Language.ZH, address="192.0.2.9")
    assert (viewer.tenant_id, viewer.tenant_key, viewer.language, viewer.address) == (
        0,
        "",
        Language.ZH,
        "192.0.2.9",
    )


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("short", "at least 8 characters"),
        ("文" * 25, "more than 72 bytes"),
        ("x" * 73, "more than 72 bytes"),
        (" leading space", "begins or ends with a space"),
        ("a\x00character", "control character"),
    ],
)
def test_what_cannot_be_a_password_is_refused_with_the_reason_and_without_the_password(
    password: str, says: str
) -> None:
    with pytest.raises(BadInput, match=says) as refusal:
        hash_password(password, QUICK_PASSWORDS)
    assert password not in str(refusal.value)


def test_what_can_be_a_password_is_one(store: Store) -> None:
    for password in ("文" * 24, "x" * 72, "correct horse"):
        kept = hash_password(password, QUICK_PASSWORDS)
        assert is_password(password, kept)
        assert not is_password(password + "x", kept)


def test_an_account_that_cannot_be_is_not_added(store: Store) -> None:
    tenant_id = add_tenant(store, "acme")
    add_viewer(store, "Amy", tenant_id)
    for name, error in ((" AMY ", AlreadyThere), ("", BadInput), ("a\nb", BadInput), ("x" * 101, BadInput)):
        with pytest.raises(error):
            add_viewer(store, name, tenant_id)
    with pytest.raises(BadInput):
        add_viewer(store, "root", tenant_id, AccountType.SYSTEM)
    with pytest.raises(BadInput):
        add_viewer(store, "bob", None)
    with store.write(EVERY_TENANT) as session, pytest.raises(NotFound):
        add_account(
            session,
            name="bob",
            password=PASSWORD,
            type=AccountType.ORDINARY,
            tenant_id=tenant_id,
            roles=["nope"],
            rules=QUICK_PASSWORDS,
        )


@pytest.mark.spec("P1")
def test_why_an_account_cannot_be_is_said_in_chinese_too(sqlite_store: Store) -> None:
    tenant_id = add_tenant(sqlite_store, "acme")
    add_viewer(sqlite_store, "amy", tenant_id)
    said = {
        "a\nb": "“a\nb”不能作为账号名：请使用 1 到 100 个可见字符。",
        "amy": "账号“amy”已存在，请换一个。",
    }
    for name, sentence in said.items():
        with pytest.raises(BadInput) as refusal:
            add_viewer(sqlite_store, name, tenant_id)
        assert say_error(refusal.value, Language.ZH) == sentence
    with pytest.raises(BadInput) as refusal:
        add_viewer(sqlite_store, "bob", None)
    assert str(refusal.value).startswith("A system administrator belongs to no tenant")
    assert say_error(refusal.value, Language.ZH).startswith("系统管理员不属于任何租户")
