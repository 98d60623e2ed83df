"""Rows leave by whoever may take them, and with a record."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from sqlalchemy import select

from lib.access.permissions import STARTING_ROLES, AccountType, Permission
from lib.access.viewer import EVERY_TENANT, Viewer
from lib.errors import NotPermitted, NotSignedIn
from lib.queries.exports import Export, ExportQueries
from lib.store import Store
from lib.store.tables import Operation
from tests.accounts import add_tenant

PAGES = Export("0badcafe", "pages", "pages-2024-05-12.csv", {"search": "/home"})
MANIFEST = {"rows": 2, "format": "csv", "sha256": "ab"}


@pytest.fixture
def amy(store: Store) -> Viewer:
    permissions = frozenset({Permission.USAGE_READ, Permission.EXPORT_CREATE})
    tenant_id = add_tenant(store, "acme")
    return Viewer(7, "amy", AccountType.ORDINARY, tenant_id, "acme", "Acme", permissions)


def _recorded(store: Store) -> list[Operation]:
    with store.read(EVERY_TENANT) as session:
        return list(session.scalars(select(Operation)))


@pytest.mark.spec("O3", "O8")
def test_an_export_is_recorded_with_who_what_and_how_much(store: Store, amy: Viewer) -> None:
    ExportQueries(amy, store).note(PAGES, MANIFEST)
    (row,) = _recorded(store)
    assert (row.tenant_id, row.operator_id, row.operator, row.channel) == (amy.tenant_id, 7, "amy", "ui")
    assert (row.module, row.action, row.operation_class, row.result) == ("export", "create", "querying", "success")
    assert (row.object_type, row.object_name, row.object_id) == ("pages", "pages-2024-05-12.csv", "0badcafe")
    assert json.loads(row.body)["new"] == {"filter": {"search": "/home"}, **MANIFEST}


@pytest.mark.spec("A4")
def test_who_may_only_read_takes_nothing_away_and_leaves_no_record(store: Store, amy: Viewer) -> None:
    reader = replace(amy, permissions=frozenset({Permission.USAGE_READ}))
    with pytest.raises(NotPermitted, match="export:create"):
        ExportQueries(reader, store).note(PAGES, MANIFEST)
    with pytest.raises(NotPermitted, match="export:create"):
        ExportQueries(amy, store).renewed_by(lambda: reader).note(PAGES, MANIFEST)

    def ended() -> Viewer:
        raise NotSignedIn

    with pytest.raises(NotSignedIn):
        ExportQueries(amy, store).renewed_by(ended).note(PAGES, MANIFEST)
    assert _recorded(store) == []


def test_of_the_starting_roles_the_analyst_and_the_operator_export() -> None:
    exporting = [role.key for role in STARTING_ROLES if Permission.EXPORT_CREATE in role.permissions]
    assert exporting == ["analyst", "operator"]
