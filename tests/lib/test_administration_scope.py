"""Whoever administers one tenant gets nothing of another, whatever they ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import select

from lib.access.permissions import AccountType, Permission
from lib.access.viewer import EVERY_TENANT
from lib.errors import BadInput, DaybookError, NotFound, NotPermitted
from lib.queries.administration import (
    AccountInput,
    AdministrationQueries,
    ApplicationInput,
    IngestKeyInput,
    MiniProgramInput,
    OrganizationInput,
    ProjectInput,
    RoleInput,
    TenantInput,
)
from lib.store import Store
from lib.store.tables import TENANT_TABLES, Account, Tenant
from tests.lib.companies import PASSWORD, administration, key_ids, make_companies

pytestmark = pytest.mark.spec("A5")

ACME, GLOBEX = 1, 2
SYSTEM, PLATFORM, ORDINARY = AccountType.SYSTEM, AccountType.PLATFORM, AccountType.ORDINARY
READ = frozenset({Permission.USAGE_READ})
LISTINGS = ("accounts", "roles", "organizations", "projects", "applications", "mini_programs", "links", "ingest_keys")


@pytest.fixture
def companies(store: Store) -> Store:
    """Both, where Globex also has one of each under a key that Acme does not know."""
    make_companies(store)
    globex = administration(store, "globex-platform")
    globex.add_project(ProjectInput("theirs", "Globex's"))
    globex.add_application(ApplicationInput("theirs", "Globex's", "theirs"))
    globex.add_mini_program(MiniProgramInput("theirs", "Globex's", applications=frozenset({"theirs"})))
    globex.add_role(RoleInput("theirs", "Globex's", READ))
    globex.add_organization(OrganizationInput("theirs", "Globex's"))
    return store


def of_globex(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """All rows that are Globex's."""
    with store.read(EVERY_TENANT) as session:
        rows: dict[str, list[tuple[Any, ...]]] = {
            table.name: [tuple(row) for row in session.execute(sa.select(table).where(table.c.tenant_id == GLOBEX))]
            for table in TENANT_TABLES
        }
        rows["tenant"] = [tuple(row) for row in session.execute(sa.select(Tenant.__table__).where(Tenant.id == GLOBEX))]
    return rows


def of_root(store: Store) -> tuple[Any, ...]:
    """The system administrator's row."""
    with store.read(EVERY_TENANT) as session:
        return tuple(session.execute(select(Account.__table__).where(Account.name == "root")).one())


Asked = Callable[[AdministrationQueries], object]

REFUSED: tuple[tuple[type[DaybookError], Asked], ...] = (
    (NotPermitted, lambda asked: asked.tenants()),
    (NotPermitted, lambda asked: asked.add_tenant(TenantInput("own", "Own"))),
    (NotPermitted, lambda asked: asked.edit_tenant(TenantInput("globex", "Mine"))),
    (NotPermitted, lambda asked: asked.add_account(AccountInput("boss", SYSTEM), PASSWORD)),
    (NotPermitted, lambda asked: asked.edit_account(AccountInput("acme-ordinary", SYSTEM))),
    (NotFound, lambda asked: asked.edit_account(AccountInput("globex-ordinary", PLATFORM))),
    (NotFound, lambda asked: asked.edit_account(AccountInput("root", ORDINARY))),
    *((NotFound, lambda asked, name=name: asked.set_password(name, PASSWORD)) for name in ("globex-ordinary", "root")),
    *((NotFound, lambda asked, name=name: asked.disable_account(name)) for name in ("globex-ordinary", "root")),
    *((NotFound, lambda asked, name=name: asked.enable_account(name)) for name in ("globex-ordinary", "root")),
    *((NotFound, lambda asked, name=name: asked.unlock_account(name)) for name in ("globex-ordinary", "root")),
    *((NotFound, lambda asked, name=name: asked.revoke_sessions(name)) for name in ("globex-ordinary", "root")),
    (NotFound, lambda asked: asked.edit_account(AccountInput("acme-ordinary", ORDINARY, organization="theirs"))),
    (NotFound, lambda asked: asked.edit_account(AccountInput("acme-ordinary", ORDINARY, roles=frozenset({"theirs"})))),
    (
        NotFound,
        lambda asked: asked.edit_account(AccountInput("acme-ordinary", ORDINARY, applications=frozenset({"theirs"}))),
    ),
    (NotFound, lambda asked: asked.edit_role(RoleInput("theirs", "Mine", READ))),
    (NotFound, lambda asked: asked.delete_role("theirs")),
    (NotFound, lambda asked: asked.add_organization(OrganizationInput("mine", "Mine", "theirs"))),
    (NotFound, lambda asked: asked.edit_organization(OrganizationInput("theirs", "Mine"))),
    (NotFound, lambda asked: asked.delete_organization("theirs")),
    (NotFound, lambda asked: asked.edit_project(ProjectInput("theirs", "Mine"))),
    (NotFound, lambda asked: asked.add_application(ApplicationInput("mine", "Mine", "theirs"))),
    (NotFound, lambda asked: asked.edit_application(ApplicationInput("theirs", "Mine"))),
    (NotFound, lambda asked: asked.edit_application(ApplicationInput("web", "Mine", "theirs"))),
    (NotFound, lambda asked: asked.add_mini_program(MiniProgramInput("m", "M", applications=frozenset({"theirs"})))),
    (NotFound, lambda asked: asked.edit_mini_program(MiniProgramInput("theirs", "Mine"))),
    (NotFound, lambda asked: asked.link("shop", "theirs")),
    (NotFound, lambda asked: asked.link("theirs", "web")),
    (NotFound, lambda asked: asked.unlink("theirs", "theirs")),
    (NotFound, lambda asked: asked.add_ingest_key(IngestKeyInput("theirs"))),
    (NotFound, lambda asked: asked.add_ingest_key(IngestKeyInput("shop", "theirs"))),
    (NotFound, lambda asked: asked.revoke_ingest_key(key_ids(asked.store, GLOBEX)[0])),
)


def test_a_platform_administrator_reaches_nothing_of_another_tenant(companies: Store) -> None:
    before, root = of_globex(companies), of_root(companies)
    for error, ask in REFUSED:
        with pytest.raises(error):
            ask(administration(companies))
    assert of_globex(companies) == before
    assert of_root(companies) == root


def test_no_listing_has_a_word_of_another_tenant_or_of_a_system_administrator(companies: Store) -> None:
    for listing in LISTINGS:
        rows = getattr(administration(companies), listing)()
        assert len(rows) > 0
        said = str(rows.rows()).lower()
        assert [word for word in ("globex", "theirs", "root") if word in said] == []
    assert "theirs" not in str(administration(companies).key_places())


def test_acts_on_a_key_that_both_tenants_have_change_only_the_own_one(companies: Store) -> None:
    before = of_globex(companies)
    asked = administration(companies)
    asked.edit_project(ProjectInput("main", "Changed"))
    asked.edit_application(ApplicationInput("web", "Changed"))
    asked.edit_mini_program(MiniProgramInput("shop", "Changed"))
    asked.unlink("shop", "web")
    asked.link("shop", "app")
    asked.edit_organization(OrganizationInput("north", "Changed"))
    asked.delete_organization("north")
    asked.edit_role(RoleInput("keeper", "Changed", READ))
    asked.delete_role("analyst")
    asked.edit_account(AccountInput("acme-listed", ORDINARY))
    assert of_globex(companies) == before


def test_a_tenant_asked_for_by_key_changes_nothing_for_those_who_have_one(companies: Store) -> None:
    asked = administration(companies, "acme-platform", "globex")
    assert asked.viewer.tenant_key == "acme"
    assert asked.account_types() == [ORDINARY, PLATFORM]


def test_a_system_administrator_reaches_the_tenant_shown_and_their_equals(companies: Store) -> None:
    asked = administration(companies, "root", "globex")
    assert asked.accounts()["name"].to_list() == ["globex-listed", "globex-ordinary", "globex-platform", "root"]
    assert asked.account_types() == [ORDINARY, PLATFORM, SYSTEM]
    with pytest.raises(NotFound):
        asked.disable_account("acme-ordinary")
    asked.edit_account(AccountInput("globex-listed", SYSTEM))
    assert administration(companies, "globex-listed", "acme").accounts()["name"].to_list() == [
        "acme-listed",
        "acme-ordinary",
        "acme-platform",
        "globex-listed",
        "root",
    ]


def test_a_keeper_with_listed_applications_reaches_what_belongs_to_them(companies: Store) -> None:
    asked = administration(companies, "acme-listed")
    assert asked.applications()["key"].to_list() == ["web"]
    assert asked.projects().rows() == [("main", "Main of acme", 1)]
    assert asked.mini_programs()["key"].to_list() == ["shop"]
    assert asked.links().select("mini_program", "application").rows() == [("shop", "web")]
    assert asked.ingest_keys().select("mini_program", "application").rows() == [("shop", "web")]
    administration(companies).add_ingest_key(IngestKeyInput("maps", "app"))
    beyond = key_ids(companies, ACME)[-1]
    refused: tuple[tuple[type[DaybookError], Asked], ...] = (
        (BadInput, lambda asked: asked.add_project(ProjectInput("p", "P"))),
        (BadInput, lambda asked: asked.edit_project(ProjectInput("main", "P"))),
        (BadInput, lambda asked: asked.add_application(ApplicationInput("a", "A"))),
        (BadInput, lambda asked: asked.edit_application(ApplicationInput("web", "A"))),
        (BadInput, lambda asked: asked.add_mini_program(MiniProgramInput("m", "M"))),
        (NotFound, lambda asked: asked.add_mini_program(MiniProgramInput("m", "M", applications=frozenset({"app"})))),
        (NotFound, lambda asked: asked.edit_mini_program(MiniProgramInput("maps", "M"))),
        (NotFound, lambda asked: asked.link("shop", "app")),
        (NotFound, lambda asked: asked.link("maps", "web")),
        (NotFound, lambda asked: asked.unlink("maps", "app")),
        (BadInput, lambda asked: asked.add_ingest_key(IngestKeyInput("shop"))),
        (NotFound, lambda asked: asked.add_ingest_key(IngestKeyInput("shop", "app"))),
        (NotFound, lambda asked: asked.add_ingest_key(IngestKeyInput("maps", "web"))),
        (NotFound, lambda asked: asked.revoke_ingest_key(beyond)),
    )
    assert asked.key_places() == ({"shop": "shop of acme"}, {"web": "web of acme"})
    for error, ask in refused:
        with pytest.raises(error):
            ask(asked)
    asked.add_mini_program(MiniProgramInput("own", "Own", applications=frozenset({"web"})))
    asked.unlink("shop", "web")
    assert asked.mini_programs().select("key", "applications").rows() == [("own", ["web"]), ("shop", [])]
