"""Every screen text is a word in both languages, and every word is used."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from string import Formatter

import pytest

from lib.access.permissions import PERMISSIONS, STARTING_ROLES
from lib.errors import DaybookError
from lib.export.formats import FORMATS
from lib.ui.pages import PAGES
from lib.usage.metrics import METRICS, PAGE_METRICS
from lib.words import catalogue
from tests.house.source import Source, product, sources

pytestmark = pytest.mark.spec("P1")

HAN = re.compile(r"[\u4e00-\u9fff]")
SAME_IN_BOTH = {"shell.product", "export.csv", "export.xlsx"}
"""Names that are not translated."""

DASH = "[a-z0-9_-]+"
KEY = re.compile(rf"{DASH}\.{DASH}")


def rooms() -> set[str]:
    """The tables of the catalogue."""
    return {key.split(".")[0] for key in catalogue()}


def texts(file: Source) -> Iterator[tuple[int, str]]:
    """The strings of a file with their lines; what an f-string fills in is a pattern of its own."""
    inside = {
        id(part) for node in ast.walk(file.tree) if isinstance(node, ast.JoinedStr) for part in node.values
    }
    for node in ast.walk(file.tree):
        if isinstance(node, ast.JoinedStr):
            parts = (
                re.escape(part.value) if isinstance(part, ast.Constant) else DASH for part in node.values
            )
            yield node.lineno, "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.lineno, re.escape(node.value)


def patterns(files: Iterable[Source]) -> dict[str, str]:
    """What stands in the source in the place of a word's key, as a pattern, with where it stands."""
    # An error is found by its class.
    of_a_room = re.compile(
        rf"({'|'.join(sorted(rooms() - {'errors'}))})\\\.(?:{re.escape(DASH)}|[a-z0-9_-])+"
    )
    return {
        text: f"{file.place}:{line}"
        for file in files
        for line, text in texts(file)
        if of_a_room.fullmatch(text)
    }


def missing(files: Iterable[Source]) -> dict[str, str]:
    """The keys that the source asks for and the catalogue does not have."""
    keys = list(catalogue())
    return {
        text: place
        for text, place in patterns(files).items()
        if not place.startswith("lib/store/tables.py")  # whose strings name columns
        if not any(re.fullmatch(text, key) for key in keys)
    }


def placeholders(words: str) -> set[str]:
    """The facts that an entry leaves open."""
    return {name for _, name, _, _ in Formatter().parse(words) if name is not None}


def test_every_entry_has_both_languages_and_nothing_else() -> None:
    assert {key: sorted(entry) for key, entry in catalogue().items() if sorted(entry) != ["en", "zh"]} == {}
    assert [
        key for key, entry in catalogue().items() if not all(words.strip() for words in entry.values())
    ] == []


def test_every_key_is_a_room_and_a_name() -> None:
    assert [key for key in catalogue() if not key.startswith("errors.") and not KEY.fullmatch(key)] == []


def test_both_languages_leave_the_same_facts_open() -> None:
    differ = [
        key for key, entry in catalogue().items() if placeholders(entry["en"]) != placeholders(entry["zh"])
    ]
    assert differ == []


def test_the_chinese_is_chinese_and_the_english_is_not() -> None:
    assert [key for key, entry in catalogue().items() if HAN.search(entry["en"])] == []
    speaks = {
        key for key, entry in catalogue().items() if re.search("[A-Za-z]{3}", _without_facts(entry["en"]))
    }
    assert {key for key in speaks if not HAN.search(catalogue()[key]["zh"])} <= SAME_IN_BOTH


def _without_facts(words: str) -> str:
    return re.sub(r"\{.*?\}", "", words)


def test_no_key_that_is_asked_for_is_missing() -> None:
    assert missing(product()) == {}


def test_a_missing_key_is_caught() -> None:
    planted = Source(
        "pages/planted.py", 'say("metric.openz", language)\nsay(f"charts.near_{grain}", language)'
    )
    assert set(missing([planted])) == {r"metric\.openz", rf"charts\.near_{DASH}"}


def test_no_entry_is_unused() -> None:
    asked = [re.compile(text) for text in patterns(product())]
    used = {key for key in catalogue() if any(pattern.fullmatch(key) for pattern in asked)}
    assert sorted(key for key in catalogue().keys() - used if not key.startswith("errors.")) == []


RECORDS = {
    "permission": {record.words for record in PERMISSIONS},
    "role": {f"role.{role.key}" for role in STARTING_ROLES},
    "metric": {metric.words + tail for metric in (*METRICS, *PAGE_METRICS) for tail in ("", "_help")},
}


@pytest.mark.parametrize("room", RECORDS)
def test_a_room_of_records_has_the_words_of_each_and_no_others(room: str) -> None:
    assert {key for key in catalogue() if key.startswith(f"{room}.")} == RECORDS[room]


def test_every_page_its_section_and_every_format_has_words() -> None:
    wanted = {page.title for page in PAGES} | {f"section.{page.section}" for page in PAGES}
    wanted |= {each.words for each in FORMATS}
    assert wanted - catalogue().keys() == set()


def errors(error: type[DaybookError] = DaybookError) -> Iterator[type[DaybookError]]:
    """The tree of errors."""
    yield error
    for below in error.__subclasses__():
        yield from errors(below)


def test_the_catalogue_says_each_error_as_its_docstring_does() -> None:
    ours = {each for each in errors() if each.__module__ == "lib.errors"}
    said = {
        key.removeprefix("errors."): entry["en"]
        for key, entry in catalogue().items()
        if key.startswith("errors.")
    }
    assert said == {each.__name__: each.template() for each in ours}


SHOWN_ARGUMENTS = {"label", "help", "placeholder", "title", "body", "text", "caption", "alt"}
"""The arguments by which Streamlit is given what a person reads, besides the first."""


def literals(file: Source) -> list[str]:
    """The texts that a file gives Streamlit to show, written into the code."""
    found = []
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Call) and _root(node.func) == "st" and _shows_words(node.func):
            shown = [*node.args[:1], *(each.value for each in node.keywords if each.arg in SHOWN_ARGUMENTS)]
            found += [f"{file.place}:{node.lineno}" for each in shown if _is_text(each)]
    return found


def _root(function: ast.expr) -> str | None:
    while isinstance(function, ast.Attribute):
        function = function.value
    return function.id if isinstance(function, ast.Name) else None


def _shows_words(function: ast.expr) -> bool:
    # A command is the same in every language.
    return not (isinstance(function, ast.Attribute) and function.attr == "code")


def _is_text(node: ast.expr) -> bool:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    said = "".join(
        part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)
    )
    return any(
        sign.isalpha() for sign in re.sub(r":material/\w+:|\b[a-z0-9_]+\b(?=$)", "", said)
    ) and not _is_name(said)


def _is_name(said: str) -> bool:
    # A key of session state, a file, an option: one word in small letters, perhaps with dots and slashes.
    return re.fullmatch(r"[a-z0-9_./:-]*", said) is not None


def test_no_page_has_a_literal_text() -> None:
    assert [place for file in sources("pages", "Home.py", "lib/ui") for place in literals(file)] == []


def test_a_literal_text_is_caught() -> None:
    for call in (
        'title("Overview")',
        'button(label, help="Press me")',
        'sidebar.caption(f"As of {now}")',
        'text("打开")',
    ):
        assert literals(Source("pages/planted.py", f"st.{call}")) == ["pages/planted.py:1"]
    for call in (
        'switch_page("pages/status.py")',
        'badge(":material/check:")',
        'title(say("page.status", language))',
    ):
        assert literals(Source("pages/planted.py", f"st.{call}")) == []
