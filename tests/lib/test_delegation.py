"""Reading the operation log as a delegate: where the tenant allows it, and of the applications held alone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from lib.access.permissions import Permission
from lib.access.viewer import EVERY_TENANT
from lib.errors import NotPermitted
from lib.export.formats import CSV
from lib.queries.console import Console
from lib.queries.operation_filter import OperationFilter
from lib.queries.operations import OperationQueries
from lib.queries.rooms import room
from lib.settings import Settings
from lib.store import Store
from lib.store.tables import Account, AccountApplication, Application, Tenant
from tests.accounts import add_tenant, add_viewer
from tests.lib.api import Api, opened
from tests.lib.companies import viewer
from tests.lib.exported import export
from tests.lib.watched import at, keep, operation

pytestmark = pytest.mark.spec("A5", "A6")

PERIOD = OperationFilter(at(0), at(0) + timedelta(days=1))


@pytest.fixture
def delegate(home: Settings, sqlite_store: Store) -> Api:
    """Acme, whose del reads the log and holds the application web; operations of web, of app, and of neither."""
    acme = add_tenant(sqlite_store, "acme", delegates_operation_log=True)
    permissions = [Permission.OPERATION_LOG_READ, Permission.EXPORT_CREATE]
    account_id = add_viewer(sqlite_store, "del", acme, permissions=permissions)
    with sqlite_store.write(EVERY_TENANT) as session:
        web = Application(tenant_id=acme, key="web", name="Web", source="console", created_at=at(0))
        session.add(web)
        session.flush()
        session.add(AccountApplication(tenant_id=acme, account_id=account_id, application_id=web.id))
        session.execute(update(Account).values(application_scope="listed"))
    keep(sqlite_store, acme, [operation("amy", at(9), application=key, object_name=key) for key in ("web", "app", "")])
    return opened(home.home)


def page(api: Api) -> list[str]:
    queries = OperationQueries(viewer(api.store, "del", "acme"), api.store, api.home.lake)
    return queries.page(PERIOD).rows["object_name"].to_list()


def test_a_delegate_sees_and_takes_away_the_operations_of_the_applications_held(delegate: Api) -> None:
    assert page(delegate) == ["web"]
    period = {"since": PERIOD.since.isoformat(), "until": PERIOD.until.isoformat()}
    status, rows = delegate.ask("operations", delegate.token("del"), **period)
    assert (status, [row["object_name"] for row in rows]) == (200, ["web"])
    console = Console(viewer(delegate.store, "del", "acme"), delegate.store, delegate.home)
    (taken,) = room("operations").exportable(console, PERIOD.as_json()).rows()
    assert taken["object_name"].to_list() == ["web"]
    assert b"app" not in export(taken.select("object_name"), CSV)[0]


def test_no_filter_of_a_delegate_widens_it(delegate: Api) -> None:
    queries = OperationQueries(viewer(delegate.store, "del", "acme"), delegate.store, delegate.home.lake)
    for narrowed in ({"applications": ("app",)}, {"applications": ("",)}, {"keyword": "app"}):
        assert queries.total(OperationFilter(PERIOD.since, PERIOD.until, **narrowed)) == 0
    assert queries.total(OperationFilter(PERIOD.since, PERIOD.until, applications=("app", "web"))) == 1


def test_a_delegate_without_any_application_sees_nothing(delegate: Api) -> None:
    with delegate.store.write(EVERY_TENANT) as session:
        session.execute(delete(AccountApplication))
    assert page(delegate) == []


def test_when_the_tenant_delegates_no_more_the_log_closes_at_once(delegate: Api, tmp_path: Path) -> None:
    token = delegate.token("del")
    open_still = OperationQueries(viewer(delegate.store, "del", "acme"), delegate.store, delegate.home.lake)
    open_still.renewed_by(lambda: viewer(delegate.store, "del", "acme"))
    assert open_still.total(PERIOD) == 1
    with delegate.store.write(EVERY_TENANT) as session:
        session.execute(update(Tenant).values(delegates_operation_log=False))
    with pytest.raises(NotPermitted):
        page(delegate)
    with pytest.raises(NotPermitted):
        open_still.total(PERIOD)
    period = {"since": PERIOD.since.isoformat(), "until": PERIOD.until.isoformat()}
    assert delegate.ask("operations", token, **period)[0] == 403
