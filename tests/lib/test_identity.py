"""The entrance of single sign-on, without a browser: whom it lets in, once, and what it keeps of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from sqlalchemy import func, select, update

from lib.access.viewer import EVERY_TENANT
from lib.errors import BadInput, NotFound, NotSignedIn
from lib.logs.record import COMMAND
from lib.queries.administration import account_identity
from lib.queries.administration.account_acts import Reach
from lib.queries.entrance import Entrance
from lib.queries.identity import Identity, enter
from lib.store import Store
from lib.store.tables import Account, AccountSession, SignIn
from lib.words import Language, say_error
from tests.accounts import add_tenant, add_viewer
from tests.lib.companies import administration, make_companies

pytestmark = pytest.mark.spec("A7")
ISSUER = "https://id.example"


@pytest.fixture
def tenant_id(store: Store) -> int:
    """A tenant with the account amy, whom the provider calls 8f14."""
    tenant_id = add_tenant(store, "acme")
    add_viewer(store, "amy", tenant_id)
    _link(store, tenant_id, "amy", "8f14")
    return tenant_id


def _link(store: Store, tenant_id: int, name: str, subject: str, issuer: str = ISSUER) -> None:
    with store.write(EVERY_TENANT) as session:
        account_identity.link_identity(session, Reach(tenant_id, system=True), COMMAND, name, issuer, subject)


def _vouched(subject: str = "8f14", nonce: str = "n1", issuer: str = ISSUER, age_seconds: float = 1) -> Identity:
    return Identity(issuer, subject, datetime.now(UTC) - timedelta(seconds=age_seconds), nonce)


def _tries(store: Store) -> list[tuple[str, str, str]]:
    with store.read(EVERY_TENANT) as session:
        rows = session.execute(select(SignIn.account_name, SignIn.result, SignIn.reason).order_by(SignIn.id))
        return [(row[0], row[1], row[2]) for row in rows]


def test_an_identity_opens_the_session_of_its_account_once(store: Store, tenant_id: int) -> None:
    vouched = _vouched()
    opened = enter(store, vouched, "192.0.2.7", "a browser")
    assert opened is not None
    token = Entrance(store).redeem(opened.ticket).token
    assert Entrance(store).viewer_of(token).account_name == "amy"
    with pytest.raises(NotSignedIn):
        enter(store, vouched)
    assert enter(store, replace(vouched, nonce="n2")) is not None
    assert _tries(store) == [("amy", "success", "oidc")] * 2
    with store.read(EVERY_TENANT) as session:
        kept = session.execute(select(SignIn.tenant_id, SignIn.address, SignIn.user_agent)).first()
    assert kept is not None
    assert tuple(kept) == (tenant_id, "192.0.2.7", "a browser")


def test_two_tabs_at_once_open_one_session(store: Store, tenant_id: int) -> None:
    vouched = _vouched()

    def entered(_: int) -> bool:
        try:
            return enter(store, vouched) is not None
        except NotSignedIn:
            return False

    with ThreadPoolExecutor(6) as at_once:
        assert sorted(at_once.map(entered, range(6))) == [False] * 5 + [True]
    with store.read(EVERY_TENANT) as session:
        assert session.scalar(select(func.count()).select_from(AccountSession)) == 1


@pytest.mark.parametrize("age_seconds", [601, -601, 30 * 86_400])
def test_what_the_provider_said_long_ago_or_says_of_the_future_lets_nobody_in(
    store: Store, tenant_id: int, age_seconds: float
) -> None:
    with pytest.raises(NotSignedIn):
        enter(store, _vouched(age_seconds=age_seconds))
    assert _tries(store) == []


@pytest.mark.parametrize(
    ("subject", "issuer"), [("8f15", ISSUER), ("8F14", ISSUER), ("amy", ISSUER), ("8f14", "https://other.example")]
)
def test_another_subject_and_another_provider_are_refused_once_recorded(
    store: Store, tenant_id: int, subject: str, issuer: str
) -> None:
    vouched = _vouched(subject, issuer=issuer)
    assert [enter(store, vouched), enter(store, vouched)] == [None, None]
    assert _tries(store) == [(f"oidc:{subject.lower()}", "failure", "oidc_unknown")]
    # What a provider calls somebody else does not slow the account of that name down.
    assert Entrance(store).attempt("amy").wait is None


def test_a_disabled_account_is_refused_and_an_open_session_has_ended(store: Store, tenant_id: int) -> None:
    opened = enter(store, _vouched())
    assert opened is not None
    with store.write(EVERY_TENANT) as session:
        session.execute(update(Account).values(is_disabled=True))
    with pytest.raises(NotSignedIn):
        Entrance(store).viewer_of(opened.session_id)
    assert enter(store, _vouched(nonce="n2")) is None
    assert _tries(store)[1:] == [("amy", "failure", "oidc_disabled")]


def test_an_issuer_is_the_same_with_a_slash_at_its_end(store: Store, tenant_id: int) -> None:
    assert enter(store, _vouched(issuer=f"{ISSUER}/")) is not None


def test_unlinking_and_linking_another_identity_end_the_sessions(store: Store, tenant_id: int) -> None:
    for nonce, change in (
        ("n1", lambda: _link(store, tenant_id, "amy", "new")),
        ("n2", lambda: _unlink(store, tenant_id, "amy")),
    ):
        opened = enter(store, _vouched("8f14" if nonce == "n1" else "new", nonce))
        assert opened is not None
        change()
        with pytest.raises(NotSignedIn):
            Entrance(store).viewer_of(opened.session_id)
    assert enter(store, _vouched(nonce="n3")) is None
    with pytest.raises(BadInput, match='"amy" has no identity'):
        _unlink(store, tenant_id, "amy")


def _unlink(store: Store, tenant_id: int, name: str) -> None:
    with store.write(EVERY_TENANT) as session:
        account_identity.unlink_identity(session, Reach(tenant_id, system=True), COMMAND, name)


@pytest.mark.parametrize(
    ("issuer", "subject", "says"),
    [
        ("id.example", "1", "begins with https://"),
        ("javascript:alert(1)", "1", "begins with https://"),
        (ISSUER, "  ", "1 to 255 visible characters"),
        (ISSUER, "x" * 256, "1 to 255 visible characters"),
        (ISSUER, "a\x00b", "1 to 255 visible characters"),
    ],
)
def test_what_cannot_be_an_identity_is_refused(
    store: Store, tenant_id: int, issuer: str, subject: str, says: str
) -> None:
    with pytest.raises(BadInput, match=says):
        _link(store, tenant_id, "amy", subject, issuer)


@pytest.mark.spec("A5")
def test_an_identity_belongs_to_one_account_in_whichever_tenant(store: Store) -> None:
    make_companies(store)
    administration(store).link_identity("acme-ordinary", ISSUER, "8f14")
    for asked, name in (
        (administration(store), "acme-listed"),
        (administration(store, "globex-platform"), "globex-ordinary"),
    ):
        with pytest.raises(BadInput, match="belongs to another account") as refusal:
            asked.link_identity(name, ISSUER, "8f14")
        assert say_error(refusal.value, Language.ZH) == "该身份已关联其他账号，请先在原账号中取消关联。"
    with pytest.raises(NotFound):
        administration(store, "globex-platform").unlink_identity("acme-ordinary")
    row = administration(store).accounts().row(by_predicate=pl.col("name") == "acme-ordinary", named=True)
    assert (row["oidc_issuer"], row["oidc_subject"]) == (ISSUER, "8f14")
