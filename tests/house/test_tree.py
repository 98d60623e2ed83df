"""What is kept with the project, and what is not."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from lib.settings import PROJECT_DIR
from tests.house.source import kept_files

OURSELVES = Path(__file__)
FOREIGN = re.compile(
    r"--(extra-)?index-url|pypi\.org|pythonhosted|/simple/|file:///(opt|home|root)|/root/|/work/"
)
TEXT = {".py", ".toml", ".md", ".txt", ".yaml", ".yml", ".cfg", ".ini", ".sh", ".mako", ""}


def test_nothing_names_a_package_index_or_a_folder_of_somebodys_machine() -> None:
    places = {
        f"{file.relative_to(PROJECT_DIR)}: {found.group()}"
        for file in kept_files()
        if file != OURSELVES and file.suffix in TEXT and file.is_file()
        if (found := FOREIGN.search(file.read_text("utf-8")))
    }
    assert places == set()


def test_nothing_large_is_kept() -> None:
    large = {str(file) for file in kept_files() if file.is_file() and file.stat().st_size > 500_000}
    assert large == set()


def pinned() -> dict[str, str]:
    """The packages of constraints.txt, by name."""
    lines = (PROJECT_DIR / "constraints.txt").read_text("utf-8").split()
    assert all(re.fullmatch(r"[a-z0-9-]+==[a-z0-9.]+", line) for line in lines)
    return dict(line.split("==") for line in lines)


def test_every_package_that_is_asked_for_is_pinned_once_and_in_order() -> None:
    project = tomllib.loads((PROJECT_DIR / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    names = {re.split(r"[\[<>=]", each)[0].lower() for each in asked}
    assert names - pinned().keys() == set()
    assert list(pinned()) == sorted(pinned())
