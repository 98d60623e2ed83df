"""What lies over a trend: notes on dates (SPEC U6), and points that changed after they were published (SPEC T5)."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from lib.access.permissions import Permission
from lib.access.viewer import EVERY_TENANT
from lib.queries.annotations import AnnotationQueries, NoteInput
from lib.settings import Settings
from lib.store import Store
from lib.store.tables import Tenant
from tests.accounts import add_viewer
from tests.lib.companies import operations, viewer
from tests.pages.conftest import App, count

WEEK = "2024-05-12..2024-05-18"
HOSTILE = '<a href="javascript:alert(1)">x</a> & $x^2$ %{y}'


def _notes(store: Store, *notes: NoteInput) -> None:
    amy = viewer(store, "amy", "acme")
    kept = AnnotationQueries(replace(amy, permissions=amy.permissions | {Permission.ANNOTATION_MANAGE}), store)
    for note in notes:
        kept.add(note)


def _traces(at: AppTest) -> dict[str, Any]:
    """The lines of the first chart by their names; of two of one name, the last."""
    return {trace["name"]: trace for trace in json.loads(at.get("plotly_chart")[0].proto.spec)["data"]}


@pytest.mark.spec("U6")
@pytest.mark.parametrize(
    ("grain", "zone", "at"),
    [
        ("day", "UTC", "2024-05-14T00:00"),
        ("day", "Asia/Shanghai", "2024-05-14T00:00"),
        ("hour", "America/New_York", "2024-05-14T00:00"),
        ("week", "UTC", "2024-05-13T00:00"),
        ("day", "Asia/Kathmandu", "2024-05-14T00:00"),
    ],
)
def test_a_note_stands_on_the_trend_where_its_day_begins(
    app: App, company: Store, grain: str, zone: str, at: str
) -> None:
    _notes(
        company,
        NoteInput(date(2024, 5, 14), HOSTILE, "one\ntwo"),
        NoteInput(date(2024, 5, 14), "second"),
        NoteInput(date(2024, 5, 26), "after the period"),
        NoteInput(date(2024, 5, 11), "before it"),
    )
    page = app("amy", "global_overview", period="2024-05-12..2024-05-25", grain=grain, zone=zone)
    assert not page.exception
    noted = _traces(page)["Notes"]
    assert noted["x"] == [at]
    escaped = "&lt;a href=\"javascript:alert(1)\"&gt;x&lt;/a&gt; &amp; $x^2$<br>%{y}"
    assert noted["customdata"] == [f"<b>{escaped}</b> (2024-05-14)<br>one two<br><b>second</b> (2024-05-14)"]
    assert noted["hovertemplate"] == "%{customdata}<extra></extra>"


@pytest.mark.spec("U6")
def test_notes_are_listed_below_the_trend_and_without_the_permission_that_is_all(app: App, company: Store) -> None:
    assert "annotations.add" not in [button.key for button in app("amy", "global_overview", period=WEEK).button]
    assert [each.label for each in app("amy", "global_overview", period=WEEK).expander] == []
    _notes(company, NoteInput(date(2024, 5, 14), HOSTILE, "what it was"))
    for page in ("global_overview", "data_dashboard"):
        at = app("amy", page, period=WEEK)
        assert [each.label for each in at.expander] == ["Notes (1)"]
        listed = next(each for each in at.dataframe if "day" in each.value.columns)
        assert listed.value.to_numpy().tolist() == [[HOSTILE, "2024-05-14", "what it was", "All projects"]]
        assert "annotations.add" not in [button.key for button in at.button]


@pytest.mark.spec("U6", "O3")
def test_who_may_adds_a_note_changes_and_deletes_it(app: App, company: Store) -> None:
    with company.read(EVERY_TENANT) as session:
        tenant = session.scalars(select(Tenant)).one().id
    add_viewer(company, "kim", tenant, permissions=[Permission.USAGE_READ, Permission.ANNOTATION_MANAGE])
    at = app("kim", "global_overview", period=WEEK)
    at.button(key="annotations.add").click().run()
    assert at.date_input(key="administer.note_day.1").value == date(2024, 5, 18)
    _again(at, note_name="Release 2", note_day=date(2024, 5, 14))
    at.button(key="administer.note_save.1").click()
    at.button(key="annotations.add").click().run()
    assert at.success[0].value == "Release 2 is saved."
    assert _traces(at)["Notes"]["customdata"] == ["<b>Release 2</b> (2024-05-14)"]
    _again(at)
    at.session_state["table.annotations.name"] = {"row": 0, "label": ""}
    at.run()
    assert at.text_input(key="administer.note_name.1").value == "Release 2"
    _again(at)
    at.session_state["table.annotations.name"] = {"row": 0, "label": ""}
    at.button(key="administer.delete_sure.1").click().run()
    assert at.success[0].value == "Release 2 is deleted."
    assert "Notes" not in _traces(at)
    acts = [(act.operator, act.action) for act in operations(company) if act.submodule == "annotation"]
    assert acts == [("kim", "add"), ("kim", "delete")]


def _again(at: AppTest, **fields: object) -> None:
    """A test's run is always of the whole page, and so opens a dialog anew: as the same opening, its fields stay."""
    at.session_state["administer.opening"] = 0
    for name, value in fields.items():
        at.session_state[f"administer.{name}.1"] = value


@pytest.mark.spec("T5")
def test_a_point_that_was_counted_again_says_when_and_why(
    app: App, company: Store, home: Settings, tmp_path: Path
) -> None:
    at = app("amy", "global_overview", period=WEEK)
    assert "Changed since" not in _traces(at)
    late = [
        ("2024-05-12T10:02:00Z", "dan", "web", "shop", "/home", "iOS"),
        ("2024-05-12T10:03:00Z", "eve", "web", "shop", "/home", "iOS"),
        # In a half hour that had nothing before: this is its first publication.
        ("2024-05-15T10:00:00Z", "dan", "web", "shop", "/home", "iOS"),
    ]
    count(home, tmp_path / "late.ndjson", late)
    at = app("amy", "global_overview", period=WEEK)
    changed = _traces(at)["Changed since"]
    assert (changed["x"], changed["y"]) == (["2024-05-12T00:00"], [4])
    (said,) = changed["customdata"]
    assert re.fullmatch(r"Recounted on \d{4}-\d\d-\d\d \d\d:\d\d: \+2 late, 0 excluded", said)
    by_half_hour = _traces(app("amy", "data_dashboard", period="2024-05-12..2024-05-12", mini_program="shop"))
    assert by_half_hour["Changed since"]["x"] == ["2024-05-12T10:00"]
