"""Old against new: what the details of an operation show."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.logs.changes import FieldChange, Turn, around, changes, difference_of

pytestmark = pytest.mark.spec("O7")

SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["id", "a", "b.c", ""]), inner),
    max_leaves=12,
)


def told(old: Any, new: Any) -> list[tuple[str, Any, Any, str]]:
    return [(field.path, field.old, field.new, field.turn.value) for field in changes(old, new)]


def test_what_changed_comes_first_and_is_marked() -> None:
    assert told({"name": "Sales", "status": "enabled"}, {"name": "Sales", "status": "disabled"}) == [
        ("status", "enabled", "disabled", "changed"),
        ("name", "Sales", "Sales", "same"),
    ]


def test_a_new_object_is_added_and_a_deleted_one_removed_field_by_field() -> None:
    assert told(None, {"name": "a", "owner": None}) == [("name", None, "a", "added"), ("owner", None, None, "added")]
    assert told({"name": "a"}, None) == [("name", "a", None, "removed")]
    assert told(None, None) == told("", {}) == []


def test_nested_values_are_paths() -> None:
    assert told({"chart": {"filters": {"os": "iOS"}}}, {"chart": {"filters": {"os": "Android"}}}) == [
        ("chart.filters.os", "iOS", "Android", "changed")
    ]
    assert told({"a.b": 1, "": 2}, {"a.b": 1, "": 3}) == [('[""]', 2, 3, "changed"), ('["a.b"]', 1, 1, "same")]


def test_members_of_lists_are_found_again_by_what_identifies_them() -> None:
    old = [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}]
    new = [{"id": 0, "name": "zero"}, {"id": 1, "name": "one"}, {"id": 2, "name": "second"}]
    assert [row for row in told(old, new) if row[3] != "same"] == [
        ("[id=2].name", "two", "second", "changed"),
        ("[id=0].id", None, 0, "added"),
        ("[id=0].name", None, "zero", "added"),
    ]


def test_members_without_a_name_of_their_own_are_compared_by_position() -> None:
    old, new = {"steps": [{"wait": 1}, {"wait": 2}]}, {"steps": [{"wait": 1}, {"wait": 3}, {"wait": 4}]}
    assert told(old, new) == [
        ("steps[1].wait", 2, 3, "changed"),
        ("steps[2].wait", None, 4, "added"),
        ("steps[0].wait", 1, 1, "same"),
    ]


def test_a_list_of_plain_values_is_one_field() -> None:
    assert told({"roles": ["a", "b"]}, {"roles": ["b", "c"]}) == [("roles", ["a", "b"], ["b", "c"], "changed")]


def test_a_text_that_holds_json_is_looked_into() -> None:
    assert told({"policy": '{"allow": true}'}, {"policy": '{"allow": false}'}) == [
        ("policy.allow", True, False, "changed")
    ]
    assert told('{"a": 1}', '{"a":1}') == [("", '{"a": 1}', '{"a":1}', "changed")]
    assert told('{"a": 1', '{"a": 2') == [("", '{"a": 1', '{"a": 2', "changed")]


@pytest.mark.parametrize(("old", "new"), [(1, True), (1, 1.0), (0, False), ("1", 1), (None, "null")])
def test_values_of_different_kinds_are_different(old: Any, new: Any) -> None:
    assert told({"x": old}, {"x": new}) == [("x", old, new, "changed")]


def test_what_is_nested_without_end_is_compared_as_a_whole() -> None:
    deep: Any = "end"
    for _ in range(200):
        deep = {"d": deep}
    (field,) = changes(deep, {"d": 1})
    assert (field.path, field.new, field.turn) == ("d", 1, Turn.CHANGED)
    (field,) = changes(deep, deep)
    assert field.turn is Turn.SAME


@given(VALUES, VALUES)
def test_nothing_changed_says_that_both_are_the_same_and_the_other_way_round_says_the_opposite(
    old: Any, new: Any
) -> None:
    turned = {Turn.ADDED: Turn.REMOVED, Turn.REMOVED: Turn.ADDED}
    forth, back = changes(old, new), changes(new, old)
    assert sorted(forth, key=repr) == sorted(
        (FieldChange(field.path, field.new, field.old, turned.get(field.turn, field.turn)) for field in back), key=repr
    )
    empty = ("", {}, [], None)
    if not (old in empty and new in empty) and json.dumps(old, sort_keys=True) != json.dumps(new, sort_keys=True):
        assert any(field.is_changed for field in forth)
    assert not any(field.is_changed for field in changes(old, old))


def test_texts_of_several_lines_are_told_by_line() -> None:
    assert difference_of("a\nb\nc", "a\nB\nc") == "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c"
    assert difference_of("one line", "another") == ""
    assert difference_of("a\n" * 3000, "b\n" * 3000) == ""


def test_long_texts_are_cut_to_where_they_differ() -> None:
    old, new = "x" * 500 + "old" + "y" * 500, "x" * 500 + "new one" + "y" * 500
    assert around(old, new, 3) == ("…xxxoldyyy…", "…xxxnew oneyyy…")
    assert around("same", "same", 2) == ("…me", "…me")
    assert around("", "all of it") == ("", "all of it")


@given(st.text(max_size=30), st.text(max_size=30))
def test_cutting_with_room_enough_leaves_short_texts_whole(old: str, new: str) -> None:
    assert around(old, new, 60) == (old, new)
