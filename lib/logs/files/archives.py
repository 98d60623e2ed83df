"""Archives: plain gzip for everybody else, with a table that lets Daybook read any part without reading the rest.

The log's lines are compressed in members of about 1 MB (RFC 1952 lets a file have many). A last, empty member carries
the table of the others in its extra field: for each the bytes that it takes and the bytes that it holds. `zcat`,
`gzip -t`, `zgrep` and all libraries see one ordinary file.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import BinaryIO

MEMBER_BYTES = 1 << 20
MOST_MEMBERS = 8_000
"""What the extra field has room for; the members of a file that would need more are larger."""

_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_HEAD_WITH_EXTRA = b"\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff"
_NOTHING = b"\x03\x00" + bytes(8)  # an empty deflate stream, its check and its length
_MARK = b"DBidx1"
_FIELD = struct.Struct("<2sH")
_PAIR = struct.Struct("<II")


@dataclass(frozen=True)
class Members:
    """Where each member begins, packed and unpacked; both have one more number than members: where the last ends."""

    packed: tuple[int, ...]
    unpacked: tuple[int, ...]

    @property
    def size_bytes(self) -> int:
        """What all of them hold."""
        return self.unpacked[-1]


def write(read: Callable[[int], bytes], size_bytes: int, to: BinaryIO) -> int:
    """Compress what `read` gives until it gives nothing; returns how many bytes that was. `size_bytes` is a guess."""
    # A member ends at a line's end and may be shorter than it could be, yet two together are not.
    at_once = max(MEMBER_BYTES, -(-2 * size_bytes // (MOST_MEMBERS - 1)))
    pairs: list[tuple[int, int]] = []
    for lines in _cut_at_lines(read, at_once):
        packed = _member(lines)
        to.write(packed)
        pairs.append((len(packed), len(lines)))
    if len(pairs) <= MOST_MEMBERS:
        to.write(_table(pairs))
    return sum(length for _, length in pairs)


def members_of(descriptor: int) -> Members | None:
    """The table of an archive that Daybook wrote; None for any other file, and for one that is not whole."""
    size = os.fstat(descriptor).st_size
    longest = len(_HEAD_WITH_EXTRA) + 2 + 0xFFFF + len(_NOTHING)
    end = os.pread(descriptor, min(size, longest), max(0, size - longest))
    mark = len(end) - len(_NOTHING) - len(_MARK) - 2
    if mark < 0 or not end.endswith(_NOTHING) or end[mark + 2 : mark + 2 + len(_MARK)] != _MARK:
        return None
    (table_bytes,) = struct.unpack_from("<H", end, mark)
    start = mark - table_bytes
    begins = start - _FIELD.size - 2 - len(_HEAD_WITH_EXTRA)
    if begins < 0 or table_bytes % _PAIR.size or not end.startswith(_HEAD_WITH_EXTRA, begins):
        return None
    pairs = list(_PAIR.iter_unpack(end[start:mark]))
    packed = tuple(accumulate((pair[0] for pair in pairs), initial=0))
    unpacked = tuple(accumulate((pair[1] for pair in pairs), initial=0))
    is_whole = packed[-1] == size - (len(end) - begins)
    return Members(packed, unpacked) if is_whole else None


def member(descriptor: int, members: Members, number: int) -> bytes:
    """What one member holds; less where it is damaged."""
    start, until = members.packed[number], members.packed[number + 1]
    length = members.unpacked[number + 1] - members.unpacked[number]
    unpacking = zlib.decompressobj(wbits=31)
    try:
        return unpacking.decompress(os.pread(descriptor, until - start, start), length)
    except zlib.error:
        return b""


def _cut_at_lines(read: Callable[[int], bytes], at_once: int) -> Iterator[bytes]:
    waiting = b""
    while chunk := read(at_once):
        waiting += chunk
        cut = waiting.rfind(b"\n", 0, at_once) + 1 or min(len(waiting), at_once)
        if len(waiting) >= at_once:
            yield waiting[:cut]
            waiting = waiting[cut:]
    if waiting:
        yield waiting


def _member(lines: bytes) -> bytes:
    packing = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed = packing.compress(lines) + packing.flush()
    return _HEAD + packed + struct.pack("<II", zlib.crc32(lines), len(lines) & 0xFFFFFFFF)


def _table(pairs: list[tuple[int, int]]) -> bytes:
    table = b"".join(_PAIR.pack(*pair) for pair in pairs)
    field = table + struct.pack("<H", len(table)) + _MARK
    extra = _FIELD.pack(b"DB", len(field)) + field
    return _HEAD_WITH_EXTRA + struct.pack("<H", len(extra)) + extra + _NOTHING
