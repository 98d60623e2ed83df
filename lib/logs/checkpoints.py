"""Files of checkpoints: a verifier key, then one signed note after the other, only ever added to.

They are what a copy of the database cannot take back: keep them where the machine's administrators cannot write.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lib.errors import Unavailable
from lib.logs.notes import BadNote, Checkpoint, Note, Verifier
from lib.settings import Settings
from lib.store.durable import sync

FOLDER = "checkpoints"
"""Their folder in the home."""

SUFFIX = ".checkpoints"

_DASH = "— ".encode()
_ORIGIN = b"daybook/tenant/"
_LAST_BYTES = 1 << 16
_LONGEST_LINE = 4096  # a note's lines are short: what is longer is none


def origin_of(tenant_id: int) -> str:
    """The name by which a tenant's checkpoints are signed."""
    return f"daybook/tenant/{tenant_id}"


def folders(settings: Settings) -> tuple[Path, ...]:
    """Where checkpoints are written: the home, and the folder that a setting names."""
    return (settings.home / FOLDER, *filter(None, [settings.checkpoint_dir]))


def file_of(folder: Path, tenant_id: int) -> Path:
    """The tenant's file in a folder of checkpoints."""
    return folder / f"{tenant_id}{SUFFIX}"


def written(note: str) -> bytes:
    """A note as it stands in a file: with an empty line after it."""
    return note.encode() + b"\n"


@dataclass(frozen=True)
class Entry:
    """A note of a file, or what stands where one should be: `text` is None, and `torn` says what was found."""

    line: int
    text: str | None
    checkpoint: Checkpoint | None
    torn: bytes = b""


def key_of(file: BinaryIO) -> Verifier | None:
    """The verifier key that a file begins with."""
    try:
        return Verifier.parse(file.readline(_LONGEST_LINE).decode())
    except (BadNote, UnicodeDecodeError):
        return None


def entries(file: BinaryIO) -> Iterator[Entry]:
    """What follows the key of a file, one after the other, without believing any of it."""
    kept: list[bytes] = []
    begun = number = 1
    for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE), b""), 2):
        if not kept and not line.strip():
            continue
        if kept and line.startswith(_ORIGIN):  # what went before was cut off
            yield Entry(begun, None, None, b"".join(kept))
            kept = []
        if not kept:
            begun = number
        kept.append(line)
        if line.startswith(_DASH) and line.endswith(b"\n"):
            yield _entry(begun, b"".join(kept))
            kept = []
    if kept:
        yield Entry(begun, None, None, b"".join(kept))


def _entry(line: int, raw: bytes) -> Entry:
    try:
        text = raw.decode()
        return Entry(line, text, Checkpoint.parse(Note.parse(text).text))
    except (BadNote, UnicodeDecodeError):
        return Entry(line, None, None, raw)


def add_to(file: Path, key: Verifier, addition: bytes) -> None:
    """Add to the end of a file and see it onto the disk; a new file begins with the key. Raises Unavailable."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not file.exists():
            _begin(file, key)
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            _write(descriptor, addition)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise Unavailable(what=f"{file} cannot be written ({error.strerror}; see its folder)") from error


def _begin(file: Path, key: Verifier) -> None:
    """Make the file with its key in one piece, so that a crash leaves no half of a key."""
    beside = file.with_suffix(".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        _write(descriptor, f"{key.vkey}\n\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.rename(beside, file)
    sync(file.parent)


@contextmanager
def writers_turn_of(folder: Path) -> Iterator[None]:
    """Be the only process of this machine that adds to a folder's files. Raises Unavailable."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(folder / ".turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(what=f"{folder} cannot be written ({error.strerror}; see its rights)") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(descriptor: int, rest: bytes) -> None:
    while rest:
        rest = rest[os.write(descriptor, rest) :]


@dataclass(frozen=True)
class Tail:
    """The end of a file: its last whole notes (newest first), and what stands after them without an end."""

    notes: tuple[str, ...]
    unfinished: bytes
    is_whole_file: bool


def tail_of(file: Path, at_most: int = _LAST_BYTES) -> Tail:
    """The last notes of a file; of one that is not there, none. Raises Unavailable."""
    try:
        with file.open("rb") as opened:
            begin = max(0, opened.seek(0, os.SEEK_END) - at_most)
            opened.seek(begin)
            opened.readline(_LONGEST_LINE)
            found = list(entries(opened))
    except FileNotFoundError:
        return Tail((), b"", is_whole_file=True)
    except OSError as error:
        raise Unavailable(what=f"{file} cannot be read ({error.strerror})") from error
    notes = tuple(entry.text for entry in reversed(found) if entry.text is not None)
    return Tail(notes, found[-1].torn if found else b"", is_whole_file=begin == 0)


def missing_at_end(tail: Tail, notes: Iterable[str]) -> bytes:
    """What to add so that a file ends with these notes, where its end may have been cut off by a crash."""
    rest = b"".join(written(note) for note in notes)
    if not tail.unfinished or not rest:
        return rest
    return rest[len(tail.unfinished) :] if rest.startswith(tail.unfinished) else b"\n" + rest
