"""Every table and chart is taken away in every format."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from lib.access.permissions import Permission
from lib.access.viewer import EVERY_TENANT
from lib.export.formats import FORMATS
from lib.store import Store
from lib.store.tables import Tenant
from tests.accounts import add_viewer
from tests.pages.conftest import App

WEEK = "2024-05-12..2024-05-18"


@pytest.mark.spec("U7")
@pytest.mark.parametrize("page", ["global_overview", "data_dashboard", "mini_programs"])
def test_beside_each_csv_stands_an_xlsx(app: App, company: Store, page: str) -> None:
    at = app("amy", page, period=WEEK)
    labels = [button.proto.label for button in at.get("download_button")]
    assert len(labels) >= len(FORMATS)
    assert labels == ["CSV", "XLSX"] * (len(labels) // 2)


@pytest.mark.spec("A4")
@pytest.mark.parametrize("page", ["global_overview", "data_dashboard", "mini_programs"])
def test_who_may_only_read_sees_the_figures_and_no_download(app: App, company: Store, page: str) -> None:
    with company.read(EVERY_TENANT) as session:
        tenant_id = session.scalars(select(Tenant.id).where(Tenant.key == "acme")).one()
    add_viewer(company, "reader", tenant_id, permissions=[Permission.USAGE_READ])
    at = app("reader", page, period=WEEK)
    assert at.dataframe
    assert not at.exception
    assert list(at.get("download_button")) == []
