"""Notes on dates (SPEC U6): of a tenant or a project, kept by those permitted, each act in the operation log."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from lib.access.permissions import Permission
from lib.access.viewer import Viewer
from lib.errors import BadInput, NotFound, NotPermitted
from lib.logs.record import COMMAND
from lib.queries.administration import ApplicationInput, ProjectInput
from lib.queries.administration.projects import add_application, add_project
from lib.queries.annotations import AnnotationQueries, NoteInput
from lib.store import Store
from tests.lib.companies import make_companies, operations, viewer

pytestmark = pytest.mark.spec("U6")

MAY_12, MAY_13 = date(2024, 5, 12), date(2024, 5, 13)


def _notes(store: Store, name: str, *permissions: Permission) -> AnnotationQueries:
    seen = viewer(store, name, name.split("-")[0])
    return AnnotationQueries(replace(seen, permissions=seen.permissions | {*permissions}), store)


def _names(notes: AnnotationQueries, *asked: str | None) -> list[str]:
    return notes.listing(MAY_12, MAY_13, *asked)["name"].to_list()


def test_a_note_is_added_changed_and_deleted_and_recorded_with_old_and_new(store: Store) -> None:
    make_companies(store)
    notes = _notes(store, "acme-platform")
    before = len(operations(store))
    notes.add(NoteInput(MAY_13, " Release 2 ", "new pay page\r\nand more"))
    notes.add(NoteInput(MAY_12, "Campaign", project="main"))
    listed = notes.listing(MAY_12, MAY_13)
    assert listed.drop("id").rows() == [
        (MAY_12, "Campaign", "", "main", "Main of acme"),
        (MAY_13, "Release 2", "new pay page\nand more", None, None),
    ]
    release = listed["id"][1]
    notes.edit(release, NoteInput(MAY_12, "Release 2.0", "", "main"))
    notes.delete(listed["id"][0])
    assert notes.listing(MAY_12, MAY_12).drop("id").rows() == [(MAY_12, "Release 2.0", "", "main", "Main of acme")]
    acts = operations(store)[before:]
    assert [(act.submodule, act.action, act.operation_class, act.object_name) for act in acts] == [
        ("annotation", "add", "addition", "Release 2"),
        ("annotation", "add", "addition", "Campaign"),
        ("annotation", "edit", "modification", "Release 2.0"),
        ("annotation", "delete", "deletion", "Campaign"),
    ]
    assert json.loads(acts[2].old_value or "") == {
        "project": None,
        "noted_on": "2024-05-13",
        "name": "Release 2",
        "description": "new pay page\nand more",
    }
    assert json.loads(acts[2].new_value or "") == {
        "project": "main",
        "noted_on": "2024-05-12",
        "name": "Release 2.0",
        "description": "",
    }
    assert (acts[3].new_value, acts[3].object_id) == (None, str(listed["id"][0]))


def test_notes_are_of_one_tenant(store: Store) -> None:
    make_companies(store)
    acme, globex = _notes(store, "acme-platform"), _notes(store, "globex-platform")
    acme.add(NoteInput(MAY_12, "ours"))
    note_id = acme.listing(MAY_12, MAY_12)["id"][0]
    assert _names(globex) == []
    before = len(operations(store))
    with pytest.raises(NotFound):
        globex.delete(note_id)
    with pytest.raises(NotFound):
        globex.edit(note_id, NoteInput(MAY_12, "theirs"))
    assert _names(acme) == ["ours"]
    assert len(operations(store)) == before


def test_who_holds_some_applications_sees_and_keeps_the_notes_of_their_projects(sqlite_store: Store) -> None:
    make_companies(sqlite_store)
    everything = _notes(sqlite_store, "acme-platform")
    with sqlite_store.write(everything.viewer.tenant_id) as session:
        add_project(session, everything.viewer.tenant_id, COMMAND, ProjectInput("other", "Other"))
        add_application(session, everything.viewer.tenant_id, COMMAND, ApplicationInput("tv", "TV", "other"))
        add_application(session, everything.viewer.tenant_id, COMMAND, ApplicationInput("loose", "Loose", None))
    for name, project in (("all", None), ("main", "main"), ("other", "other")):
        everything.add(NoteInput(MAY_12, name, project=project))
    assert _names(everything) == ["all", "main", "other"]
    assert _names(everything, "main") == ["all", "main"]
    assert _names(everything, "") == ["all"]
    assert [everything.project_of(key) for key in ("tv", "loose", "nothing")] == ["other", None, None]
    listed = _notes(sqlite_store, "acme-listed", Permission.USAGE_READ, Permission.ANNOTATION_MANAGE)
    assert _names(listed) == ["all", "main"]
    assert listed.projects() == [("main", "Main of acme")]
    ids = dict(everything.listing(MAY_12, MAY_12).select("name", "id").iter_rows())
    listed.edit(ids["main"], NoteInput(MAY_12, "main too", project="main"))
    refused: list[tuple[type[Exception], Callable[[], None]]] = [
        (BadInput, lambda: listed.add(NoteInput(MAY_12, "x"))),
        (NotFound, lambda: listed.add(NoteInput(MAY_12, "x", project="other"))),
        (BadInput, lambda: listed.delete(ids["all"])),
        (NotFound, lambda: listed.delete(ids["other"])),
        (NotFound, lambda: listed.edit(ids["main"], NoteInput(MAY_12, "x", project="other"))),
    ]
    for error, act in refused:
        with pytest.raises(error):
            act()
    assert _names(everything) == ["all", "main too", "other"]


@pytest.mark.parametrize(
    "note",
    [
        NoteInput(MAY_12, " "),
        NoteInput(MAY_12, "a\x00b"),
        NoteInput(MAY_12, "a" * 201),
        NoteInput(MAY_12, "a", "b" * 2001),
        NoteInput(date(1999, 12, 31), "a"),
        NoteInput(date(9999, 12, 31), "a"),
    ],
)
def test_what_is_no_note_is_refused(sqlite_store: Store, note: NoteInput) -> None:
    make_companies(sqlite_store)
    with pytest.raises(BadInput):
        _notes(sqlite_store, "acme-platform").add(note)


@pytest.mark.spec("A4")
def test_reading_and_keeping_are_two_permissions(sqlite_store: Store) -> None:
    make_companies(sqlite_store)
    reader: Viewer = viewer(sqlite_store, "acme-ordinary", "acme")
    notes = AnnotationQueries(reader, sqlite_store)
    assert _names(notes) == []
    with pytest.raises(NotPermitted):
        notes.add(NoteInput(MAY_12, "x"))
    keeper = AnnotationQueries(replace(reader, permissions=frozenset({Permission.ANNOTATION_MANAGE})), sqlite_store)
    with pytest.raises(NotPermitted):
        _names(keeper)
