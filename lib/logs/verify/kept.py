"""Checkpoints that stand outside of the database: the home's file, the copy that a setting asks for, one given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from lib.errors import BadInput, Unavailable
from lib.logs.checkpoints import Entry, entries, key_of, origin_of
from lib.logs.notes import Checkpoint, Verifier


@dataclass(frozen=True)
class KeptNote:
    """A checkpoint of a file, and where it stands there."""

    line: int
    text: str
    checkpoint: Checkpoint


@dataclass(frozen=True)
class Torn:
    """What stands in a file where a checkpoint should; `is_last`: nothing follows it."""

    line: int
    raw: bytes
    is_last: bool


@dataclass
class KeptFile:
    """A file of one tenant's checkpoints. `is_complete`: it should have each that the database has.

    `branches` are the parts in which sizes grow: a second one begins where the tree was smaller again.
    """

    path: Path
    key: Verifier | None
    is_complete: bool
    branches: list[tuple[int, int]] = field(default_factory=list)
    torn: list[Torn] = field(default_factory=list)
    last: KeptNote | None = None

    def notes(self, branch: int) -> Iterator[KeptNote]:
        """The checkpoints of a branch, in order."""
        begin, end = self.branches[branch]
        with self.path.open("rb") as file:
            file.readline()
            yield from islice(_notes(entries(file)), begin, end)


def read_kept(path: Path, *, is_complete: bool) -> KeptFile:
    """Look a file through once. One that is not there has no checkpoints. Raises Unavailable."""
    try:
        with path.open("rb") as file:
            kept = KeptFile(path, key_of(file), is_complete)
            _look_through(kept, entries(file))
    except FileNotFoundError:
        return KeptFile(path, None, is_complete)
    except OSError as error:
        raise Unavailable(what=f"{path} cannot be read ({error.strerror})") from error
    return kept


def read_given(path: Path) -> tuple[int, KeptFile]:
    """A copy of a tenant's file that was kept elsewhere, and the tenant. Raises BadInput when it is no such copy."""
    kept = read_kept(path, is_complete=False)
    if kept.key is None or kept.last is None:
        raise BadInput(what=f"{path} is no file of checkpoints: its first line is a key, and notes follow")
    tenant = kept.last.checkpoint.origin.removeprefix(origin_of(0)[:-1])
    if not (tenant.isascii() and tenant.isdecimal() and len(tenant) <= 9) or kept.key.name != origin_of(int(tenant)):
        raise BadInput(what=f"{path} is no file of checkpoints of a tenant of Daybook")
    return int(tenant), kept


def _look_through(kept: KeptFile, found: Iterator[Entry]) -> None:
    begin = number = 0
    torn: list[tuple[int, bytes]] = []
    ends_torn = False
    for entry in found:
        ends_torn = entry.checkpoint is None
        if entry.checkpoint is None or entry.text is None:
            torn.append((entry.line, entry.torn))
            continue
        if kept.last is not None and entry.checkpoint.size <= kept.last.checkpoint.size:
            kept.branches.append((begin, number))
            begin = number
        kept.last = KeptNote(entry.line, entry.text, entry.checkpoint)
        number += 1
    if number:
        kept.branches.append((begin, number))
    kept.torn = [Torn(line, raw, is_last=ends_torn and line == torn[-1][0]) for line, raw in torn]


def _notes(found: Iterator[Entry]) -> Iterator[KeptNote]:
    for entry in found:
        if entry.checkpoint is not None and entry.text is not None:
            yield KeptNote(entry.line, entry.text, entry.checkpoint)
