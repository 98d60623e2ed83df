"""The rules of the types where every process can see them: a small file beside the logs, written from the database.

A process that writes logs looks at it every few seconds, so that a changed level reaches it while it runs. What cannot
be read in it counts as the rule that a type begins with.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from lib.logs.files.types import LOG_TYPES, Level, Rule

FILE = ".rules.json"
_LARGEST = 1 << 16


def read_rules(folder: Path) -> dict[str, Rule]:
    """The rule of each type by its key."""
    try:
        with open(os.open(folder / FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            said = json.loads(file.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        said = {}
    written = said if isinstance(said, dict) else {}
    return {each.key: _rule(written.get(each.key)) for each in LOG_TYPES}


def write_rules(folder: Path, rules: Mapping[str, Rule]) -> None:
    """Put the rules beside the logs, where they are not there yet; whoever reads meanwhile sees the old or the new."""
    wanted = {each.key: rules.get(each.key, Rule()) for each in LOG_TYPES}
    if (folder / FILE).exists() and read_rules(folder) == wanted:
        return
    beside = folder / f"{FILE}.{os.getpid()}"
    beside.write_text(json.dumps({key: asdict(rule) for key, rule in wanted.items()}, indent=2) + "\n")
    beside.replace(folder / FILE)


def changed_at(folder: Path) -> int:
    """What differs once the rules were written again."""
    try:
        found = os.stat(folder / FILE, follow_symlinks=False)
    except OSError:
        return 0
    return found.st_mtime_ns ^ found.st_ino


def _rule(said: object) -> Rule:
    if not isinstance(said, dict):
        return Rule()
    try:
        return Rule(Level(said["level"]), int(said["copies"]), int(said["days"]))
    except (KeyError, ValueError, TypeError):
        return Rule()
