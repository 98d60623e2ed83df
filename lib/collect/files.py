"""Files, plain or compressed, as blocks of numbered lines, in bounded memory and however damaged they are."""

from __future__ import annotations

import bz2
import codecs
import lzma
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
import polars as pl

from lib.errors import Unavailable

BLOCK_BYTES = 4 << 20
"""How much text is parsed at a time."""

LINE_BYTES = 1 << 20
"""A longer line is refused, unless a file may have longer ones: no log or clickstream has such lines."""

KEPT_BYTES = 64 << 10
"""How much of a refused line is kept."""

LINES = {"line": pl.UInt32(), "text": pl.String(), "reason": pl.String()}
"""A line of a file: its number from 1, its text without its end, and why it cannot be read (null: it can)."""

Advance = Callable[[int], None]
"""Told how many bytes of the file, as it is on disk, were read."""

_MENDING = "what stands before was imported; import the whole file when you have it, and nothing will count twice"
_READ_BYTES = 256 << 10
_PIECE_BYTES = 1 << 20


class Machine(Protocol):
    """What bz2 and lzma call a decompressor."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gunzip:
    """zlib's decompressor of gzip members, with the manners of bz2's."""

    def __init__(self) -> None:
        self._machine = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._machine.eof

    @property
    def needs_input(self) -> bool:
        return not self._machine.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._machine.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._machine.decompress(self._machine.unconsumed_tail + data, max(max_length, 0))


_MACHINES: tuple[tuple[bytes, Callable[[], Machine]], ...] = (
    (b"\x1f\x8b", _Gunzip),
    (b"BZh", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\x00", lzma.LZMADecompressor),
)


class Pieces:
    """The bytes of a file, decompressed when their first bytes say that they are compressed.

    `damage` says afterwards why the rest could not be read, in words that a line's number completes.
    """

    def __init__(self, path: Path, advance: Advance = lambda _count: None) -> None:
        self.path = path
        self.damage: str | None = None
        self._advance = advance

    def __iter__(self) -> Iterator[bytes]:
        """Pieces of at most 1 MiB. Raises Unavailable when the file cannot be opened or read."""
        try:
            with self.path.open("rb") as file:
                start = self._read(file)
                make = next((make for magic, make in _MACHINES if start.startswith(magic)), None)
                if make:
                    yield from self._decompressed(file, start, make)
                while start and not make:
                    yield start
                    start = self._read(file)
        except OSError as error:
            raise Unavailable(what=f"{self.path} cannot be read ({error.strerror})") from error

    def _read(self, file: BinaryIO) -> bytes:
        data = file.read(_READ_BYTES)
        self._advance(len(data))
        return data

    def _decompressed(self, file: BinaryIO, data: bytes, make: Callable[[], Machine]) -> Iterator[bytes]:
        machine = make()
        while True:
            if machine.eof:  # Zeros after the last member are the padding of tapes.
                data = machine.unused_data.lstrip(b"\0")
                machine = make()
                if not data and not (data := self._read(file).lstrip(b"\0")):
                    return
            elif not data and machine.needs_input and not (data := self._read(file)):
                self.damage = "is cut after line"
                return
            try:
                piece = machine.decompress(data, _PIECE_BYTES)
            except (zlib.error, lzma.LZMAError, OSError, EOFError):
                self.damage = "is damaged near line"
                return
            data = b""
            if piece:
                yield piece


@dataclass(frozen=True)
class Block:
    """Whole lines as they stand in a file, the last one with its newline too; `first` is the first one's number."""

    first: int
    data: bytes


class TextFile:
    """The lines of a file, in blocks. `trouble` is a sentence, afterwards, on what was wrong with the whole file."""

    def __init__(self, path: Path, advance: Advance = lambda _count: None, line_bytes: int = LINE_BYTES) -> None:
        self.path = path
        self.trouble: str | None = None
        self._line_bytes = line_bytes
        self._pieces = Pieces(path, advance)
        self._next_line = 1

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Frames of LINES, empty lines included, none of which is longer than allowed."""
        for block in self.blocks():
            yield numbered(block, self._line_bytes)

    def blocks(self) -> Iterator[Block]:
        """The same lines as they stand there, empty and too long ones included; of one that fills a whole block only
        the beginning, which is longer than allowed."""
        for data in self._whole_lines():
            yield Block(self._next_line, data)
            self._next_line += int(np.count_nonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n")))
        if self._pieces.damage:
            self.trouble = f"{self.path} {self._pieces.damage} {self._next_line - 1}: {_MENDING}"

    def _whole_lines(self) -> Iterator[bytes]:
        held: list[bytes] = []
        size, is_first, is_skipping = 0, True, False
        for piece in self._pieces:
            if is_first and _is_utf16(piece):
                convert = "convert it first (iconv -f UTF-16 -t UTF-8)"
                self.trouble = f"{self.path} looks like UTF-16, not UTF-8: {convert}; nothing of it was imported"
                return
            if is_first:
                piece = piece.removeprefix(codecs.BOM_UTF8)
            is_first = False
            if is_skipping:
                _, newline, piece = piece.partition(b"\n")
                is_skipping = not newline
                if is_skipping:
                    continue
                piece = newline + piece
            size += len(piece)
            end = piece.rfind(b"\n") + 1 if size >= BLOCK_BYTES else 0
            if end:  # as nearly always: the block is copied once
                yield b"".join([*held, piece[:end]])
                held, size = [piece[end:]], len(piece) - end
                continue
            held.append(piece)
            if size < BLOCK_BYTES:
                continue
            whole = b"".join(held)
            end = whole.rfind(b"\n") + 1
            if end:
                yield whole[:end]
                held, size = [whole[end:]], len(whole) - end
            else:  # One line fills the block: its beginning is enough to refuse it.
                held, size, is_skipping = [whole[: self._line_bytes + 1]], self._line_bytes + 1, True
        last = b"".join(held)
        # Half a line of a cut file is another line in the whole file.
        last = last.rpartition(b"\n")[0] if self._pieces.damage else last.removesuffix(b"\n")
        if last:
            yield last + b"\n"


def _is_utf16(start: bytes) -> bool:
    head = start[:4096]
    return head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or head.count(0) > len(head) // 4


def numbered(block: Block, line_bytes: int = LINE_BYTES) -> pl.DataFrame:
    """The lines of a block, a frame of LINES."""
    try:
        # Its own split at newlines, several times faster than that of texts; it takes away a carriage return too.
        lines = with_reasons(pl.read_lines(block.data, name="text"), line_bytes)
    except pl.exceptions.ComputeError:  # somewhere it is not UTF-8
        split = block.data.split(b"\n")[:-1]
        texts = [line.decode(errors="replace").removesuffix("\r") for line in split]
        faults = [_fault(line, line_bytes) for line in split]
        lines = pl.DataFrame({"text": texts, "reason": faults}, dict.fromkeys(("text", "reason"), pl.String))
    whole = lines.with_row_index("line", block.first)
    return whole.select(pl.col(name).cast(dtype) for name, dtype in LINES.items())


def with_reasons(lines: pl.DataFrame, line_bytes: int = LINE_BYTES) -> pl.DataFrame:
    """Lines (`text`) with the `reason` why one cannot be read, which is its length."""
    is_long = pl.col("text").str.len_bytes() > line_bytes
    return lines.with_columns(reason=pl.when(is_long).then(pl.lit(_too_long(line_bytes))))


def _too_long(line_bytes: int) -> str:
    return f"longer than {line_bytes >> 20} MiB"


def _fault(line: bytes, line_bytes: int) -> str | None:
    if len(line) > line_bytes:
        return _too_long(line_bytes)
    try:
        line.decode()
    except UnicodeDecodeError:
        return "not UTF-8"
    return None
