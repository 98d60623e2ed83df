"""Every table and chart is taken away in every format, by a button that opens the choices."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from lib.access.permissions import AccountType, Permission
from lib.access.viewer import EVERY_TENANT
from lib.store import Store
from lib.store.tables import Tenant
from lib.ui.administration import TABS, Tab
from lib.words import catalogue
from tests.accounts import add_viewer
from tests.pages.conftest import App

WEEK = "2024-05-12..2024-05-18"
FIRST = {"global_overview": "trend", "data_dashboard": "trend", "mini_programs": "mini_programs"}


def opened(at: AppTest, kind: str) -> AppTest:
    """The page with a download's choices open."""
    at.session_state[f"download.{kind}.open"] = True
    return at.run()


@pytest.mark.spec("U7", "O8")
@pytest.mark.parametrize("page", FIRST)
def test_beside_each_table_stands_a_download_with_its_formats_and_name(app: App, company: Store, page: str) -> None:
    at = app("amy", page, period=WEEK)
    assert list(at.get("download_button")) == []
    opened(at, FIRST[page])
    assert not at.exception
    (button,) = at.get("download_button")
    assert button.proto.label.startswith("Download ")
    (formats,) = (each for each in at.button_group if each.key == f"download.{FIRST[page]}.format")
    assert formats.options == ["Excel (XLSX)", "CSV (UTF-8)", "CSV (GBK)"]


@pytest.mark.spec("A4")
@pytest.mark.parametrize("page", FIRST)
def test_who_may_only_read_sees_the_figures_and_no_download(app: App, company: Store, page: str) -> None:
    add_viewer(company, "reader", _acme(company), permissions=[Permission.USAGE_READ])
    at = opened(app("reader", page, period=WEEK), FIRST[page])
    assert at.dataframe
    assert not at.exception
    assert list(at.get("download_button")) == []


@pytest.mark.spec("U7", "A8")
def test_what_is_administered_is_taken_away_too(app: App, company: Store) -> None:
    add_viewer(company, "boss", _acme(company), AccountType.PLATFORM)
    at = opened(app("boss", "administration"), "administered_accounts")
    assert not at.exception
    (button,) = at.get("download_button")
    assert button.proto.label == "Download 2 rows"


@pytest.mark.parametrize("tab", TABS, ids=lambda tab: tab.key)
def test_the_file_of_each_kind_of_thing_has_a_name(tab: Tab) -> None:
    assert f"file.administered_{tab.key}" in catalogue()


def _acme(store: Store) -> int:
    with store.read(EVERY_TENANT) as session:
        return session.scalars(select(Tenant.id).where(Tenant.key == "acme")).one()
