"""From bytes of a log to entries: a line that begins one, with the lines that go on with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from lib.logs.files.shapes import Head, Reader
from lib.logs.files.types import Level

LONGEST_LINE = 1 << 20
"""Bytes after which a line is cut into pieces: a file may be one line."""

LONGEST_SHOWN = 20_000
"""Characters of an entry that are shown; the download has all."""

_ESCAPES = re.compile(rb"\x1b\[[0-?]{0,40}[ -/]{0,10}[@-~]|\x1b[@-Z\\-_]")
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


class Entry(NamedTuple):
    """An entry of a log file: the bytes [start, until) of it, what its first line says, and its lines."""

    start: int
    until: int
    head: Head | None
    raw: bytes
    read_at: datetime
    is_context: bool = False

    @property
    def level(self) -> Level:
        """Its level; UNKNOWN where its first line says none."""
        return self.head.level if self.head else Level.UNKNOWN

    @property
    def at(self) -> datetime | None:
        """When it was written, as its first line says."""
        return self.head.instant(self.read_at) if self.head else None

    @property
    def text(self) -> str:
        """What is shown of it: colours of terminals taken out, what cannot be seen made visible, no more than so
        much."""
        return visible(self.raw[: 4 * LONGEST_SHOWN])[:LONGEST_SHOWN]

    @property
    def is_cut(self) -> bool:
        """Whether more than what is shown was written."""
        return len(self.raw) > LONGEST_SHOWN and len(visible(self.raw)) > LONGEST_SHOWN


def visible(raw: bytes) -> str:
    """Text for a screen: bytes that are no UTF-8 and characters that hide or reorder others are written out."""
    text = _ESCAPES.sub(b"", raw).replace(b"\r\n", b"\n").decode("utf-8", "backslashreplace").rstrip("\n")
    return _UNSEEN.sub(lambda found: _written_out(ord(found[0])), text)


def _written_out(character: int) -> str:
    return f"\\x{character:02x}" if character < 256 else f"\\u{character:04x}"


def lines_of(block: bytes) -> Iterator[tuple[int, int]]:
    """Where each line of a block begins and ends, its line break included; long ones in pieces."""
    start, size = 0, len(block)
    while start < size:
        end = block.find(b"\n", start, start + LONGEST_LINE)
        end = min(start + LONGEST_LINE, size) if end < 0 else end + 1
        yield start, end
        start = end


def entries_of(block: bytes, offset: int, reader: Reader, read_at: datetime | None = None) -> list[Entry]:
    """The entries of a block of whole lines that begins at `offset`, in order.

    A line without a head belongs to the entry before it, if that has one; where none has, only a line that begins
    with a space does. `read_at` is what a time without a year is told from.
    """
    read_at = read_at or datetime.now(UTC)
    found: list[Entry] = []
    begun: tuple[int, Head | None] | None = None
    for start, end in lines_of(block):
        head = reader.head(block, start, end)
        if begun is None:
            begun = start, head
        elif head is not None or (begun[1] is None and not block[start : start + 1].isspace()):
            found.append(_entry(block, begun, start, offset, read_at))
            begun = start, head
    if begun is not None:
        found.append(_entry(block, begun, len(block), offset, read_at))
    return found


def _entry(block: bytes, begun: tuple[int, Head | None], end: int, offset: int, read_at: datetime) -> Entry:
    start, head = begun
    return Entry(offset + start, offset + end, head, block[start:end], read_at)


def first_head(block: bytes, reader: Reader, most_bytes: int = 1 << 16) -> int | None:
    """Where the first line of a block begins that begins an entry; None where none does soon."""
    for start, end in lines_of(block[:most_bytes]):
        if reader.head(block, start, end) is not None:
            return start
    return None
