"""Small: what grows out of its room becomes a folder."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.house.source import Source, product, sources

MODULE_LINES = 300
LISTS = ("lib/store/tables.py", "lib/store/migrations/versions/")
"""Long because they are lists, one entry after the other."""
PAGE_LINES = 80
FUNCTION_LINES = 60


def functions(file: Source) -> Iterator[tuple[str, int]]:
    """Each function with the number of its lines, its docstring not among them."""
    for node in ast.walk(file.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            first = node.body[0]
            if ast.get_docstring(node, clean=False) is not None:
                lines -= (first.end_lineno or first.lineno) - first.lineno + 1
            yield f"{file.place}:{node.lineno} {node.name}", lines


def test_no_module_is_longer_than_three_hundred_lines() -> None:
    lengths = {file.place: file.text.count("\n") for file in product() if not file.place.startswith(LISTS)}
    assert {place: lines for place, lines in lengths.items() if lines > MODULE_LINES} == {}


@pytest.mark.spec("P6")
def test_a_page_is_a_sentence() -> None:
    lengths = {page.place: page.text.count("\n") for page in sources("pages", "Home.py")}
    assert {place: lines for place, lines in lengths.items() if lines > PAGE_LINES} == {}


def test_no_function_is_longer_than_sixty_lines() -> None:
    lengths = dict(each for file in product() if not file.place.startswith(LISTS) for each in functions(file))
    assert {name: lines for name, lines in lengths.items() if lines > FUNCTION_LINES} == {}


def test_every_public_thing_says_what_it_is() -> None:
    silent = [
        f"{file.place}:{node.lineno} {node.name}"
        for file in product()
        for node in _public(file.tree)
        if ast.get_docstring(node) is None
    ]
    assert silent == []


def _public(tree: ast.Module) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in tree.body:
        if isinstance(
            node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        ) and not node.name.startswith("_"):
            yield node
