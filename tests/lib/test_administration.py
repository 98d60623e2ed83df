"""What administration allows, refuses and ends."""

from __future__ import annotations

import polars as pl
import pytest
from sqlalchemy import func, select

from lib.access.permissions import AccountType, Permission
from lib.access.tokens import hash_of_token
from lib.access.viewer import EVERY_TENANT
from lib.errors import AlreadyThere, BadInput, NotFound, NotSignedIn
from lib.queries.administration import (
    AccountInput,
    ApplicationInput,
    IngestKeyInput,
    MiniProgramInput,
    OrganizationInput,
    ProjectInput,
    RoleInput,
    TenantInput,
)
from lib.queries.entrance import Entrance
from lib.store import Store
from lib.store.tables import Account, IngestKey, Tenant
from tests.lib.companies import (
    PASSWORD,
    administration,
    fails_to_sign_in,
    make_companies,
    operations,
    signs_in,
    viewer,
)

ORDINARY = AccountType.ORDINARY
READ = frozenset({Permission.USAGE_READ})


@pytest.fixture
def companies(store: Store) -> Store:
    make_companies(store)
    return store


def test_no_password_hash_or_key_is_in_the_log(sqlite_store: Store) -> None:
    make_companies(sqlite_store)
    asked = administration(sqlite_store)
    asked.add_account(AccountInput("zoe", ORDINARY), "sesame sesame")
    asked.set_password("zoe", "open sesame")
    key = asked.add_ingest_key(IngestKeyInput("shop"))
    with sqlite_store.read(EVERY_TENANT) as session:
        hashes = list(session.scalars(select(Account.password_hash)))
        kept = session.scalars(select(IngestKey).order_by(IngestKey.id.desc()).limit(1)).one()
    assert kept.key_hash == hash_of_token(key)
    assert key.startswith(kept.prefix)
    assert len(kept.prefix) == 8
    log = "\n".join(
        f"{row.old_value} {row.new_value} {row.content} {row.object_name}" for row in operations(sqlite_store)
    )
    assert not [secret for secret in ("sesame", key, kept.key_hash, *hashes) if secret in log]


def test_a_taken_key_changes_nothing_and_says_so(companies: Store) -> None:
    asked = administration(companies)
    before = len(operations(companies))
    with pytest.raises(AlreadyThere, match='The application "web" is there already'):
        asked.add_application(ApplicationInput("web", "Again"))
    with pytest.raises(AlreadyThere):
        asked.add_account(AccountInput("globex-platform", ORDINARY), PASSWORD)
    with pytest.raises(NotFound):
        asked.edit_role(RoleInput("nope", "Nope", READ))
    assert len(operations(companies)) == before


@pytest.mark.spec("A3")
def test_nobody_disables_or_demotes_themselves_or_the_last_system_administrator(companies: Store) -> None:
    root, platform = administration(companies, "root"), administration(companies)
    with pytest.raises(BadInput, match="disables their own account"):
        platform.disable_account("acme-platform")
    with pytest.raises(BadInput, match="type of their own account"):
        platform.edit_account(AccountInput("acme-platform", ORDINARY))
    with pytest.raises(BadInput, match="disables their own account"):
        root.disable_account("root")
    root.add_account(AccountInput("second", AccountType.SYSTEM), PASSWORD)
    administration(companies, "second").disable_account("root")
    second = administration(companies, "second")
    with pytest.raises(BadInput, match="their own account"):
        second.edit_account(AccountInput("second", AccountType.PLATFORM))


@pytest.mark.spec("A7")
@pytest.mark.parametrize("method", ["disable_account", "set_password", "revoke_sessions", "edit_account"])
def test_it_takes_effect_on_the_next_interaction(sqlite_store: Store, method: str) -> None:
    make_companies(sqlite_store)
    session_id = signs_in(sqlite_store, "acme-ordinary")
    entrance, asked = Entrance(sqlite_store), administration(sqlite_store)
    assert entrance.viewer_of(session_id).permissions == READ
    match method:
        case "set_password":
            asked.set_password("acme-ordinary", "something else")
        case "edit_account":
            asked.edit_account(AccountInput("acme-ordinary", ORDINARY, every_application=True))
            assert entrance.viewer_of(session_id).permissions == frozenset()
            return
        case _:
            getattr(asked, method)("acme-ordinary")
    with pytest.raises(NotSignedIn):
        entrance.viewer_of(session_id)


@pytest.mark.spec("A7")
def test_an_account_that_is_unlocked_can_try_at_once(companies: Store) -> None:
    fails_to_sign_in(companies, "acme-ordinary")
    asked = administration(companies)
    locked = asked.accounts().filter(pl.col("locked_until").is_not_null())
    assert locked["name"].to_list() == ["acme-ordinary"]
    assert Entrance(companies).attempt("acme-ordinary").wait is not None
    asked.unlock_account("acme-ordinary")
    assert Entrance(companies).attempt("acme-ordinary").wait is None
    with pytest.raises(BadInput, match="Nothing keeps"):
        asked.unlock_account("acme-listed")


def test_organizations_never_form_a_cycle_and_go_only_when_empty(companies: Store) -> None:
    asked = administration(companies)
    asked.add_organization(OrganizationInput("fjord", "Fjord", "north"))
    for below in ("hq", "north", "fjord"):
        with pytest.raises(BadInput, match="cannot be moved below"):
            asked.edit_organization(OrganizationInput("hq", "Head office", below))
    with pytest.raises(BadInput, match="still has accounts"):
        asked.delete_organization("hq")
    asked.edit_account(AccountInput("acme-ordinary", ORDINARY, organization="fjord"))
    with pytest.raises(BadInput, match="still has accounts"):
        asked.delete_organization("fjord")
    rows = asked.organizations().select("key", "parent", "path", "accounts").rows()
    assert rows == [
        ("hq", None, ["Head office of acme"], 0),
        ("north", "hq", ["Head office of acme", "North"], 0),
        ("fjord", "north", ["Head office of acme", "North", "Fjord"], 1),
    ]


def test_a_role_that_an_account_has_is_not_deleted(companies: Store) -> None:
    with pytest.raises(BadInput, match="still have the role"):
        administration(companies).delete_role("viewer")


@pytest.mark.spec("A6")
def test_reading_the_operation_log_is_granted_only_where_the_tenant_delegates_it(companies: Store) -> None:
    reading = RoleInput("auditor", "Auditor", frozenset({Permission.OPERATION_LOG_READ}))
    asked = administration(companies)
    assert Permission.OPERATION_LOG_READ not in asked.grantable_permissions()
    with pytest.raises(BadInput, match="operation_log:read"):
        asked.add_role(reading)
    administration(companies, "root").edit_tenant(TenantInput("acme", "Acme Ltd", delegates_operation_log=True))
    asked.add_role(reading)
    asked.edit_account(AccountInput("acme-ordinary", ORDINARY, roles=frozenset({"auditor"})))
    assert viewer(companies, "acme-ordinary").permissions == {Permission.OPERATION_LOG_READ}
    administration(companies, "root").edit_tenant(TenantInput("acme", "Acme Ltd", delegates_operation_log=False))
    assert viewer(companies, "acme-ordinary").permissions == frozenset()


@pytest.mark.parametrize("permission", [Permission.ACCOUNT_MANAGE, Permission.ROLE_MANAGE, Permission.TENANT_MANAGE])
@pytest.mark.spec("A3", "A6")
def test_what_follows_the_type_is_granted_by_no_role(sqlite_store: Store, permission: Permission) -> None:
    make_companies(sqlite_store)
    for name in ("root", "acme-platform"):
        with pytest.raises(BadInput, match="cannot give"):
            administration(sqlite_store, name).add_role(RoleInput("boss", "Boss", frozenset({permission})))


@pytest.mark.spec("A1", "A3")
def test_a_tenant_begins_with_three_roles(companies: Store) -> None:
    roles = administration(companies, "root", "globex").roles()
    assert roles.filter(pl.col("key") != "keeper").select("key", "name", "accounts").rows() == [
        ("analyst", "Analyst", 0),
        ("operator", "Operator", 0),
        ("viewer", "Viewer", 1),
    ]


@pytest.mark.spec("A2")
def test_a_link_keeps_its_dates_and_can_be_made_again(companies: Store) -> None:
    asked = administration(companies)
    with pytest.raises(BadInput, match='linked to "web" already'):
        asked.link("shop", "web")
    asked.unlink("shop", "web")
    with pytest.raises(BadInput, match="not linked"):
        asked.unlink("shop", "web")
    asked.link("shop", "web")
    links = asked.links().filter(pl.col("mini_program") == "shop")
    assert links.select("application", pl.col("unlinked_at").is_null()).rows() == [("web", False), ("web", True)]
    programs = asked.mini_programs().select("key", "applications").rows()
    assert programs == [("maps", ["app"]), ("shop", ["web"])]


HOSTILE = ["", "  ", "a\x00b", "a\nb", "x" * 201, "a\u2028b", "\ud800"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_is_none_is_refused_with_a_sentence(name: str) -> None:
    for make in (ProjectInput, ApplicationInput, MiniProgramInput, OrganizationInput, TenantInput):
        with pytest.raises(BadInput, match="A name needs 1 to 200 characters"):
            make("key", name)


@pytest.mark.parametrize("key", ["", "a b", "../x", "-x", "x" * 101, "é", "a\n"])
def test_a_key_that_is_none_is_refused_with_a_sentence(key: str) -> None:
    for make in (ProjectInput, ApplicationInput, MiniProgramInput, OrganizationInput, TenantInput):
        with pytest.raises(BadInput, match="key"):
            make(key, "Name")


def test_hostile_text_is_kept_as_it_is(companies: Store) -> None:
    text = "=cmd()|'x'!A1 <img src=x onerror=alert(1)> **b** '; DROP TABLE tenant; -- 中文 🧨"
    administration(companies).add_mini_program(MiniProgramInput("odd", text, description=text))
    row = administration(companies).mini_programs().row(by_predicate=pl.col("key") == "odd", named=True)
    assert (row["name"], row["description"]) == (text, text)
    with companies.read(EVERY_TENANT) as session:
        assert session.scalar(select(func.count()).select_from(Tenant)) == 2
