"""Every table and chart is taken away in every format."""

from __future__ import annotations

import pytest

from lib.export.formats import FORMATS
from lib.store import Store
from tests.pages.conftest import App

WEEK = "2024-05-12..2024-05-18"


@pytest.mark.spec("U7")
@pytest.mark.parametrize("page", ["global_overview", "data_dashboard", "mini_programs"])
def test_beside_each_csv_stands_an_xlsx(app: App, company: Store, page: str) -> None:
    at = app("amy", page, period=WEEK)
    labels = [button.proto.label for button in at.get("download_button")]
    assert len(labels) >= len(FORMATS)
    assert labels == ["CSV", "XLSX"] * (len(labels) // 2)
