"""Page access shows the most viewed pages and says when there are more (SPEC U2)."""

from __future__ import annotations

from pathlib import Path

import pytest

from lib.settings import Settings
from lib.store import Store
from tests.pages.conftest import App, count


@pytest.mark.spec("U2")
def test_the_two_hundred_most_viewed_pages_are_shown_and_the_rest_is_found(
    app: App, company: Store, home: Settings, tmp_path: Path
) -> None:
    views = [
        (f"2024-05-14T{10 + view:02}:00:00Z", f"v{page}", "web", "news", f"/article/{page:03}", "iOS")
        for page in range(203)
        for view in range(2 if page < 100 else 1)
    ]
    count(home, tmp_path / "views.ndjson", views)
    at = app("amy", "data_dashboard", period="2024-05-14..2024-05-14", mini_program="news", tab="pages")
    assert not at.exception
    paths = [row[0].removeprefix(":material/chevron_right: ") for row in at.dataframe[0].value.itertuples(index=False)]
    assert paths == [f"/article/{page:03}" for page in range(200)]
    said = "The 200 most viewed of 203 pages. Search for the others, or download them all."
    assert said in [caption.value for caption in at.caption]
    at.text_input(key="address.search").set_value("article/202").run()
    assert len(at.dataframe[0].value) == 1
    assert said not in [caption.value for caption in at.caption]
