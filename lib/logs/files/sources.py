"""Reading any part of a log file, plain or compressed, in bounded memory."""

from __future__ import annotations

import os
import zlib
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from mmap import mmap
from typing import Any, Self

from lib.logs.files import archives, mapping
from lib.logs.files.folder import LogFile
from lib.logs.files.mapping import Lease, mapped

MOST_UNPACKED = 4 << 30
"""Bytes of a compressed file from elsewhere that are looked at: a small one can hold any number."""

WINDOW = 4 << 20

_STEP = 4 << 20
_MOST_MARKS = 512
_CHUNK = 1 << 18


@dataclass(frozen=True)
class View:
    """Bytes of a file that begin at `offset` of it, and are of it up to `until`."""

    buffer: bytes | bytearray | mmap
    offset: int
    until: int = -1

    @property
    def end(self) -> int:
        """Where in the buffer the file's bytes end."""
        return len(self.buffer) if self.until < 0 else self.until - self.offset


class Source(ABC):
    """The bytes of a log file as they were written. `is_damaged`: it holds less than it should, as far as was read."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.is_damaged = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @property
    @abstractmethod
    def size_bytes(self) -> int:
        """How many there are."""

    @property
    def window_bytes(self) -> int:
        """How many are best looked at together."""
        return WINDOW

    def close(self) -> None:  # noqa: B027 (most have nothing to give back)
        """Be done with it; its descriptor stays open."""

    @abstractmethod
    def read(self, start: int, until: int) -> bytes:
        """Those in [start, until); fewer where the file has become shorter."""

    def view(self, start: int, until: int) -> View:
        """Those in [start, until), to be looked at until the next view or read."""
        return View(self.read(start, until), start)


class Plain(Source):
    """An uncompressed file; what is written after it was opened is not in it."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor)
        self._lease = Lease(descriptor)
        self._copied = bytearray()

    @property
    def window_bytes(self) -> int:
        """More at once where nothing is copied."""
        return mapping.WINDOW if self._lease.holds() else WINDOW

    @cached_property
    def size_bytes(self) -> int:
        """Its length when it is first asked for."""
        return os.fstat(self._descriptor).st_size

    def read(self, start: int, until: int) -> bytes:
        """Straight from the file."""
        return os.pread(self._descriptor, max(0, min(until, self.size_bytes) - start), start)

    def view(self, start: int, until: int) -> View:
        """Where they are, or a copy where somebody may be writing."""
        until = min(until, self.size_bytes)
        if until - start > WINDOW // 2 and self._lease.holds():
            return View(*mapped(self._descriptor, start, until))
        if len(self._copied) < until - start:
            self._copied = bytearray(until - start)
        length = os.preadv(self._descriptor, [memoryview(self._copied)[: until - start]], start)
        return View(self._copied, start, start + length)

    def close(self) -> None:
        """Let others write."""
        self._lease.give_back()


class Blocks(Source):
    """A compressed file, read in blocks of which the last few are kept."""

    _KEPT = 3

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor)
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    @property
    def size_bytes(self) -> int:
        """What it holds unpacked."""
        return self._bounds[-1]

    @property
    @abstractmethod
    def _bounds(self) -> tuple[int, ...]:
        """Where each block begins unpacked, and where the last one ends."""

    @abstractmethod
    def _unpacked(self, number: int) -> bytes:
        """A block."""

    def read(self, start: int, until: int) -> bytes:
        """From the blocks that hold it."""
        parts = []
        until = min(until, self.size_bytes)
        while start < until:
            number = bisect_right(self._bounds, start) - 1
            first, last = self._bounds[number], min(self._bounds[number + 1], until)
            part = self._block(number)[start - first : last - first]
            if not part:
                break
            parts.append(part)
            start += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            if len(self._blocks) >= self._KEPT:
                self._blocks.popitem(last=False)
            self._blocks[number] = self._unpacked(number)
        self._blocks.move_to_end(number)
        return self._blocks[number]


class Archive(Blocks):
    """An archive that Daybook made: each member is a block, found by the table at its end."""

    def __init__(self, descriptor: int, members: archives.Members) -> None:
        super().__init__(descriptor)
        self._members = members

    @property
    def _bounds(self) -> tuple[int, ...]:
        return self._members.unpacked

    def _unpacked(self, number: int) -> bytes:
        block = archives.member(self._descriptor, self._members, number)
        length = self._bounds[number + 1] - self._bounds[number]
        if len(block) == length:
            return block
        self.is_damaged = True
        return block[:length].ljust(length, b"\n")  # what comes after it keeps its place


@dataclass(frozen=True)
class Mark:
    """A place in a compressed file at which reading can begin: where, and the state of unpacking there."""

    packed: int
    unpacked: int
    state: Any


@dataclass(frozen=True)
class Marks:
    """The marks of a file, what it holds in all, and whether it ends before it should."""

    places: tuple[Mark, ...]
    size_bytes: int
    is_damaged: bool


class Foreign(Blocks):
    """A gzip file from elsewhere: read once from its beginning, then from the nearest of the marks set on the way."""

    def __init__(self, descriptor: int, marks: Marks) -> None:
        super().__init__(descriptor)
        self._marks = marks
        self.is_damaged = marks.is_damaged

    @property
    def _bounds(self) -> tuple[int, ...]:
        return (*(mark.unpacked for mark in self._marks.places), self._marks.size_bytes)

    def _unpacked(self, number: int) -> bytes:
        mark = self._marks.places[number]
        stream = _Stream(self._descriptor, mark.packed, mark.state.copy())
        wanted = self._bounds[number + 1] - mark.unpacked
        parts: list[bytes] = []
        while wanted > 0 and (part := stream.next(wanted)):
            parts.append(part)
            wanted -= len(part)
        return b"".join(parts)


class _Stream:
    """Unpacking member after member from a place on."""

    def __init__(self, descriptor: int, packed: int, state: Any) -> None:
        self._descriptor, self.packed, self.state = descriptor, packed, state
        self.is_damaged = False
        self._has_ended = False

    def next(self, most: int = _CHUNK) -> bytes:
        """The next bytes; none at the end, and none after damage."""
        while True:
            given = os.pread(self._descriptor, _CHUNK, self.packed)
            try:
                part: bytes = self.state.decompress(given, min(most, _CHUNK))
            except zlib.error:
                self.is_damaged = True
                return b""
            left = self.state.unused_data if self.state.eof else self.state.unconsumed_tail
            self.packed += len(given) - len(left)
            if self.state.eof:
                self.packed += _padding(left)
                self.state = zlib.decompressobj(wbits=31)
                if not left.strip(b"\0") and not os.pread(self._descriptor, 1, self.packed):
                    self._has_ended = True
                    return part
            elif not given and not part:
                self.is_damaged = not self._has_ended
                return b""
            if part:
                return part


def _padding(left: bytes) -> int:
    """Zeros that some programs put after a member."""
    return len(left) - len(left.lstrip(b"\0"))


def marked(descriptor: int) -> Marks:
    """Read a gzip file once and set marks. Their number is bounded: each keeps 32 KB of what came before."""
    stream = _Stream(descriptor, 0, zlib.decompressobj(wbits=31))
    places, size, step = [Mark(0, 0, stream.state.copy())], 0, _STEP
    while size < MOST_UNPACKED and (part := stream.next()):
        size += len(part)
        if size - places[-1].unpacked >= step:
            places.append(Mark(stream.packed, size, stream.state.copy()))
            if len(places) >= _MOST_MARKS:
                places, step = places[::2], step * 2
    return Marks(tuple(places), size, stream.is_damaged or size >= MOST_UNPACKED)


_known: OrderedDict[tuple[tuple[int, int], int, float], Marks] = OrderedDict()
_MOST_KNOWN = 4


def source_of(file: LogFile, descriptor: int) -> Source:
    """How to read an opened log file."""
    if not file.is_compressed:
        return Plain(descriptor)
    members = archives.members_of(descriptor)
    if members is not None:
        return Archive(descriptor, members)
    found = os.fstat(descriptor)
    known_by = ((found.st_dev, found.st_ino), found.st_size, found.st_mtime)
    marks = _known.get(known_by) or marked(descriptor)
    _known[known_by] = marks
    while len(_known) > _MOST_KNOWN:
        _known.popitem(last=False)
    return Foreign(descriptor, marks)
