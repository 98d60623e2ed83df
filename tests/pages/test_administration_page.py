"""Which tabs of administration a viewer sees."""

from __future__ import annotations

import pytest

from lib.access.permissions import AccountType, Permission
from lib.store import Store
from tests.accounts import add_tenant, add_viewer
from tests.pages.conftest import App

CATALOGUE = ["Projects", "Applications", "Mini programs", "Links"]
TENANTS_OWN = ["Accounts", "Roles", "Organizations", *CATALOGUE, "Ingest keys", "Exclusion rules", "Retention"]


@pytest.mark.spec("A4", "A8")
@pytest.mark.parametrize(
    ("type_", "permissions", "tabs"),
    [
        (AccountType.ORDINARY, [Permission.CATALOGUE_MANAGE], CATALOGUE),
        (AccountType.ORDINARY, [Permission.INGEST_KEY_MANAGE], ["Ingest keys"]),
        (AccountType.PLATFORM, [], TENANTS_OWN),
        (AccountType.SYSTEM, [], [*TENANTS_OWN, "Tenants"]),
    ],
    ids=["keeper of the catalogue", "keeper of keys", "platform", "system"],
)
def test_a_tab_is_there_for_those_who_manage_what_is_in_it(
    app: App, sqlite_store: Store, type_: AccountType, permissions: list[Permission], tabs: list[str]
) -> None:
    tenant_id = add_tenant(sqlite_store, "acme")
    add_viewer(sqlite_store, "amy", None if type_ is AccountType.SYSTEM else tenant_id, type_, permissions)
    at = app("amy", "administration")
    assert [tab.label for tab in at.tabs] == tabs
    assert not at.exception


@pytest.mark.spec("P3")
def test_where_there_is_no_tenant_yet_the_first_is_added_here(app: App, sqlite_store: Store) -> None:
    add_viewer(sqlite_store, "root", None, AccountType.SYSTEM)
    at = app("root", "administration")
    assert [tab.label for tab in at.tabs] == ["Accounts", "Tenants"]
    assert not at.exception
