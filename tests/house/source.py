"""The project's own source, read for the house rules."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from lib.settings import PROJECT_DIR


@dataclass(frozen=True)
class Source:
    """A Python file: where it stands from the project's folder, and what it says."""

    place: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """What it says, parsed."""
        return ast.parse(self.text, self.place)

    def imports(self) -> Iterator[str]:
        """The full name of each module and each name that it imports, wherever in the file."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield node.module or ""
                yield from (f"{node.module}.{alias.name}" for alias in node.names)

    def imports_package(self, package: str) -> bool:
        """Whether it imports the package or anything in it."""
        return any(name == package or name.startswith(f"{package}.") for name in self.imports())

    def calls(self, name: str) -> bool:
        """Whether it calls a function of this name."""
        called = (node.func for node in ast.walk(self.tree) if isinstance(node, ast.Call))
        return any(getattr(function, "attr", getattr(function, "id", None)) == name for function in called)


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    """The Python files of some folders of the project, or single ones; nothing for what is not there."""
    places = [PROJECT_DIR / folder for folder in folders]
    files = [place for place in places if place.is_file()]
    files += [file for place in places if place.is_dir() for file in sorted(place.rglob("*.py"))]
    return tuple(Source(file.relative_to(PROJECT_DIR).as_posix(), file.read_text("utf-8")) for file in files)


def product() -> tuple[Source, ...]:
    """Everything that runs in production."""
    return sources("lib", "pages", "Home.py")


@cache
def kept_files() -> tuple[Path, ...]:
    """What belongs to the project: not what .gitignore names."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=PROJECT_DIR,
        check=True,
        capture_output=True,
        text=True,
    )
    return tuple(sorted(PROJECT_DIR / name for name in set(listed.stdout.split("\0")) if name))
