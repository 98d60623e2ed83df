"""The README names everything that somebody can set, call, open or add."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module

import click
import pytest

from lib.cli import main
from lib.settings import PROJECT_DIR
from lib.ui.pages import PAGES
from lib.words import Language, say
from tests.house.source import kept_files, product

README = (PROJECT_DIR / "README.md").read_text("utf-8")


def settings() -> set[str]:
    """Every variable of the environment that the product reads."""
    return {name for file in product() for name in re.findall(r'"(DAYBOOK_[A-Z_]+)"', file.text)}


def commands(group: click.Command, name: str) -> Iterator[str]:
    """Every command that does something, by all of its name."""
    if isinstance(group, click.Group):
        for word, command in members(group).items():
            yield from commands(command, f"{name} {word}")
    else:
        yield name


def members(group: click.Group) -> dict[str, click.Command]:
    """The commands of a group by their words."""
    context = click.Context(group)
    found = {word: group.get_command(context, word) for word in group.list_commands(context)}
    return {word: command for word, command in found.items() if command}


def test_it_names_every_setting() -> None:
    assert {name for name in settings() if f"`{name}`" not in README} == set()


@pytest.mark.parametrize("command", sorted(commands(main, "daybook")))
def test_it_names_every_command(command: str) -> None:
    assert re.search(rf"`{command}[` ]", README)


def test_every_command_of_every_module_is_found() -> None:
    files = (PROJECT_DIR / "lib" / "cli").glob("[a-z]*.py")
    modules = [import_module(f"lib.cli.{file.stem}") for file in files]
    named = {command.name for module in modules for command in getattr(module, "COMMANDS", ())}
    assert set(members(main)) == named


def test_every_command_says_what_it_does() -> None:
    silent = [name for name, command in members(main).items() if not (command.help or "").strip()]
    assert silent == []


def test_it_names_every_page() -> None:
    titles = {say(page.title, Language.EN) for page in PAGES}
    assert {title for title in titles if f"**{title}**" not in README} == set()


def test_it_names_everything_at_the_top() -> None:
    top = {file.relative_to(PROJECT_DIR).parts[0] for file in kept_files()}
    assert {name for name in top if f"`{name}" not in README} == set()


@pytest.mark.spec("P6")
def test_every_place_that_it_names_is_there() -> None:
    named = re.findall(r"`((?:lib|pages|tests|\.streamlit)/[\w./*-]*)`", README)
    assert named
    assert {place for place in named if not list(PROJECT_DIR.glob(place.rstrip("/")))} == set()


def test_it_names_every_make_target() -> None:
    makefile = (PROJECT_DIR / "Makefile").read_text("utf-8")
    targets = re.findall(r"^([a-z]+):", makefile, flags=re.MULTILINE)
    assert {target for target in targets if f"`make {target}" not in README} == set()
