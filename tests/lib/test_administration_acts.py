"""Every act of administration is recorded once, or does not happen; and is refused to those who may not."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa

from lib.access.permissions import AccountType, Permission
from lib.access.viewer import EVERY_TENANT
from lib.errors import NotPermitted
from lib.queries.administration import (
    AccountInput,
    AdministrationQueries,
    ApplicationInput,
    IngestKeyInput,
    MiniProgramInput,
    MiniProgramStatus,
    OrganizationInput,
    ProjectInput,
    RoleInput,
    TenantInput,
)
from lib.queries.gate import ViewerQueries
from lib.store import Store
from lib.store.tables import Operation
from tests.lib.companies import (
    PASSWORD,
    administration,
    fails_to_sign_in,
    key_ids,
    make_companies,
    nothing,
    operations,
    signs_in,
)

ORDINARY = AccountType.ORDINARY


@dataclass(frozen=True)
class Walked:
    """An act by its method's name, done to Acme by its platform administrator, or by `by`."""

    method: str
    arguments: Callable[[Store], tuple[Any, ...]]
    submodule: str
    action: str
    operation_class: str
    object_name: str
    old: dict[str, Any] | None
    new: dict[str, Any] | None
    by: str = "acme-platform"
    before: Callable[[Store], object] = field(default=nothing)


def given(*arguments: Any) -> Callable[[Store], tuple[Any, ...]]:
    """Arguments that need nothing from the database."""
    return lambda store: arguments


ADDED, CHANGED, DELETED = "addition", "modification", "deletion"
READ = frozenset({Permission.USAGE_READ})
LISTED = {"application_scope": "listed", "applications": ["web"], "roles": ["keeper"]}

ACTS = (
    Walked(
        "add_tenant",
        given(TenantInput("new", "New", "memo")),
        "tenant",
        "add",
        ADDED,
        "New",
        None,
        {"key": "new", "memo": "memo"},
        "root",
    ),
    Walked(
        "edit_tenant",
        given(TenantInput("acme", "Acme", delegates_operation_log=True)),
        "tenant",
        "edit",
        CHANGED,
        "Acme",
        {"name": "Acme Ltd", "delegates_operation_log": False},
        {"name": "Acme", "delegates_operation_log": True},
        "root",
    ),
    Walked(
        "add_account",
        given(
            AccountInput("zoe", ORDINARY, "Zoë", "hq", frozenset({"viewer"}), applications=frozenset({"web"})), PASSWORD
        ),
        "account",
        "add",
        ADDED,
        "zoe",
        None,
        {"organization": "hq", "roles": ["viewer"], "applications": ["web"], "type": "ordinary"},
    ),
    Walked(
        "edit_account",
        given(AccountInput("acme-listed", AccountType.PLATFORM)),
        "account",
        "edit",
        CHANGED,
        "acme-listed",
        {**LISTED, "type": "ordinary"},
        {"application_scope": "every", "applications": [], "roles": [], "type": "platform"},
    ),
    Walked(
        "set_password",
        given("acme-ordinary", "another one"),
        "account",
        "set_password",
        CHANGED,
        "acme-ordinary",
        {},
        {},
    ),
    Walked(
        "disable_account",
        given("acme-ordinary"),
        "account",
        "disable",
        CHANGED,
        "acme-ordinary",
        {"is_disabled": False},
        {"is_disabled": True},
    ),
    Walked(
        "enable_account",
        given("acme-ordinary"),
        "account",
        "enable",
        CHANGED,
        "acme-ordinary",
        {"is_disabled": True},
        {"is_disabled": False},
        before=lambda store: administration(store).disable_account("acme-ordinary"),
    ),
    Walked(
        "link_identity",
        given("acme-ordinary", "https://id.example/", "8f14"),
        "account",
        "link_identity",
        CHANGED,
        "acme-ordinary",
        {"oidc_issuer": None, "oidc_subject": None},
        {"oidc_issuer": "https://id.example", "oidc_subject": "8f14"},
    ),
    Walked(
        "unlink_identity",
        given("acme-ordinary"),
        "account",
        "unlink_identity",
        CHANGED,
        "acme-ordinary",
        {"oidc_issuer": "https://id.example", "oidc_subject": "8f14"},
        {"oidc_issuer": None, "oidc_subject": None},
        before=lambda store: administration(store).link_identity("acme-ordinary", "https://id.example", "8f14"),
    ),
    Walked(
        "unlock_account",
        given("acme-ordinary"),
        "account",
        "unlock",
        CHANGED,
        "acme-ordinary",
        {},
        {"locked_until": None},
        before=lambda store: fails_to_sign_in(store, "acme-ordinary"),
    ),
    Walked(
        "revoke_sessions",
        given("acme-ordinary"),
        "account",
        "revoke_sessions",
        CHANGED,
        "acme-ordinary",
        {"sessions": 1, "tokens": 0},
        {"sessions": 0, "tokens": 0},
        before=lambda store: signs_in(store, "acme-ordinary"),
    ),
    Walked(
        "add_role",
        given(RoleInput("reader", "Reader", READ)),
        "role",
        "add",
        ADDED,
        "Reader",
        None,
        {"key": "reader", "permissions": ["usage:read"]},
    ),
    Walked(
        "edit_role",
        given(RoleInput("keeper", "Keeper", READ)),
        "role",
        "edit",
        CHANGED,
        "Keeper",
        {"permissions": ["catalogue:manage", "ingest_key:manage"]},
        {"name": "Keeper", "permissions": ["usage:read"]},
    ),
    Walked(
        "delete_role",
        given("analyst"),
        "role",
        "delete",
        DELETED,
        "Analyst",
        {"key": "analyst", "name": "Analyst", "permissions": ["export:create", "status:read", "usage:read"]},
        None,
    ),
    Walked(
        "add_organization",
        given(OrganizationInput("south", "South", "hq")),
        "organization",
        "add",
        ADDED,
        "South",
        None,
        {"key": "south", "parent": "hq"},
    ),
    Walked(
        "edit_organization",
        given(OrganizationInput("north", "Far north")),
        "organization",
        "edit",
        CHANGED,
        "Far north",
        {"name": "North", "parent": "hq"},
        {"name": "Far north", "parent": None},
    ),
    Walked(
        "delete_organization",
        given("north"),
        "organization",
        "delete",
        DELETED,
        "North",
        {"key": "north", "name": "North", "parent": "hq"},
        None,
    ),
    Walked(
        "add_project",
        given(ProjectInput("side", "Side")),
        "project",
        "add",
        ADDED,
        "Side",
        None,
        {"key": "side", "name": "Side"},
    ),
    Walked(
        "edit_project",
        given(ProjectInput("main", "Mainly")),
        "project",
        "edit",
        CHANGED,
        "Mainly",
        {"name": "Main of acme"},
        {"name": "Mainly"},
    ),
    Walked(
        "add_application",
        given(ApplicationInput("tv", "TV", "main")),
        "application",
        "add",
        ADDED,
        "TV",
        None,
        {"key": "tv", "project": "main"},
    ),
    Walked(
        "edit_application",
        given(ApplicationInput("web", "Web")),
        "application",
        "edit",
        CHANGED,
        "Web",
        {"name": "web of acme", "project": "main"},
        {"name": "Web", "project": None},
    ),
    Walked(
        "add_mini_program",
        given(MiniProgramInput("quiz", "问答", applications=frozenset({"web", "app"}))),
        "mini_program",
        "add",
        ADDED,
        "问答",
        None,
        {"key": "quiz", "name": "问答", "status": "online", "applications": ["app", "web"]},
    ),
    Walked(
        "edit_mini_program",
        given(MiniProgramInput("shop", "Shop", "retail", MiniProgramStatus.OFFLINE, "sells")),
        "mini_program",
        "edit",
        CHANGED,
        "Shop",
        {"name": "shop of acme", "kind": "", "status": "online"},
        {"name": "Shop", "kind": "retail", "status": "offline", "description": "sells"},
    ),
    Walked(
        "link",
        given("shop", "app"),
        "link",
        "add",
        ADDED,
        "shop - app",
        None,
        {"mini_program": "shop", "application": "app", "unlinked_at": None},
    ),
    Walked(
        "unlink",
        given("shop", "web"),
        "link",
        "end",
        CHANGED,
        "shop - web",
        {"application": "web", "unlinked_at": None},
        {"mini_program": "shop"},
    ),
    Walked(
        "add_ingest_key",
        given(IngestKeyInput("shop", "web")),
        "ingest_key",
        "add",
        ADDED,
        "",
        None,
        {"mini_program": "shop", "application": "web"},
    ),
    Walked(
        "revoke_ingest_key",
        lambda store: (key_ids(store, 1)[0],),
        "ingest_key",
        "revoke",
        CHANGED,
        "",
        {"revoked_at": None},
        {"mini_program": "shop"},
    ),
)
WALKED = pytest.mark.parametrize("walked", ACTS, ids=[walked.method for walked in ACTS])
LISTINGS = {
    "tenants",
    "accounts",
    "account_types",
    "roles",
    "grantable_permissions",
    "organizations",
    "projects",
    "applications",
    "mini_programs",
    "links",
    "ingest_keys",
    "key_places",
}


@pytest.fixture
def companies(store: Store) -> Store:
    make_companies(store)
    return store


def do(store: Store, walked: Walked) -> object:
    """Do the act."""
    return getattr(administration(store, walked.by), walked.method)(*walked.arguments(store))


def test_every_method_is_a_listing_or_an_act_that_is_walked_here() -> None:
    members = {name for name, _ in inspect.getmembers(AdministrationQueries, callable) if not name.startswith("_")}
    public = members - set(dir(ViewerQueries))
    assert public == LISTINGS | {walked.method for walked in ACTS}


@WALKED
@pytest.mark.spec("O3", "A8")
def test_each_act_writes_exactly_one_operation_with_old_and_new(companies: Store, walked: Walked) -> None:
    walked.before(companies)
    before = operations(companies)
    do(companies, walked)
    after = operations(companies)
    assert len(after) == len(before) + 1
    row = after[-1]
    assert (row.module, row.submodule, row.action) == ("administration", walked.submodule, walked.action)
    assert row.operation_class == walked.operation_class
    assert row.object_name == walked.object_name or walked.submodule == "ingest_key"
    assert (row.operator, row.channel, row.address) == (walked.by, "ui", "192.0.2.7")
    assert row.tenant_id == (0 if walked.method == "add_tenant" else 1)
    for kept, expected in ((row.old_value, walked.old), (row.new_value, walked.new)):
        assert (kept is None) == (expected is None)
        if kept is not None and expected is not None:
            assert {key: value for key, value in json.loads(kept).items() if key in expected} == expected


@WALKED
@pytest.mark.spec("O3")
def test_an_act_that_cannot_be_recorded_does_not_happen(
    sqlite_store: Store, walked: Walked, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_companies(sqlite_store)
    walked.before(sqlite_store)
    before = everything(sqlite_store)
    with sqlite_store.engine.begin() as connection:
        connection.execute(
            sa.text("CREATE TRIGGER full BEFORE INSERT ON operation BEGIN SELECT RAISE(ABORT, 'full'); END")
        )
    with pytest.raises(Exception, match="full"):
        do(sqlite_store, walked)
    assert everything(sqlite_store) == before


def everything(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables."""
    with store.read(EVERY_TENANT) as session:
        tables = Operation.metadata.sorted_tables
        return {table.name: [tuple(row) for row in session.execute(sa.select(table))] for table in tables}


@pytest.mark.spec("O3")
def test_what_is_left_as_it_was_is_not_recorded(sqlite_store: Store) -> None:
    make_companies(sqlite_store)
    before = len(operations(sqlite_store))
    administration(sqlite_store).edit_project(ProjectInput("main", "Main of acme"))
    administration(sqlite_store).edit_role(
        RoleInput("keeper", "Keeper of acme", frozenset({Permission.CATALOGUE_MANAGE, Permission.INGEST_KEY_MANAGE}))
    )
    assert len(operations(sqlite_store)) == before


@WALKED
@pytest.mark.spec("A4")
def test_an_ordinary_account_is_refused_every_act(sqlite_store: Store, walked: Walked) -> None:
    make_companies(sqlite_store)
    asked = administration(sqlite_store, "acme-ordinary")
    with pytest.raises(NotPermitted):
        getattr(asked, walked.method)(*walked.arguments(sqlite_store))


@pytest.mark.parametrize("listing", sorted(LISTINGS))
@pytest.mark.spec("A4")
def test_an_ordinary_account_is_refused_every_listing(sqlite_store: Store, listing: str) -> None:
    make_companies(sqlite_store)
    with pytest.raises(NotPermitted):
        getattr(administration(sqlite_store, "acme-ordinary"), listing)()
