"""The regular lines of an access log, cut at their quotes: as the patterns would cut them, in a fifth of the time.

A line is regular when nothing about it is unusual: no backslash in it, two quotes (Common) or six or eight (Combined),
`- -` after the address, a time of the usual length, a request with a method and a protocol, numbers of usual lengths.
What is not regular is left to the patterns of lib.collect.access_logs; a test compares the two. Arrays have one number
a line: where something stands in the block, in bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

Places = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]

_TIME_LENGTH = len("01/Mar/2024:10:00:00 +0100")
_BETWEEN = b" - - ["
_PROTOCOL_LENGTH = len("HTTP/1.1")
_ADDRESS_LONGEST, _METHOD_LONGEST, _SIZE_LONGEST = 64, 7, 15
_SHORTEST = len('h - - [01/Mar/2024:10:00:00 +0100] "G / HTTP/1.1" 200 0')


@dataclass(frozen=True)
class Lines:
    """Where the lines of a block, which ends with a newline, begin and end; a carriage return is not part of one."""

    block: bytes
    starts: Places
    ends: Places

    @classmethod
    def of(cls, block: bytes) -> Lines:
        """The lines of a block."""
        letters = np.frombuffer(block, dtype=np.uint8)
        newlines = np.flatnonzero(letters == ord("\n"))
        starts = np.concatenate([np.zeros(1, dtype=np.int64), newlines[:-1] + 1])
        return cls(block, starts, newlines - (letters[newlines - 1] == ord("\r")))

    def texts(self) -> pl.Series:
        """The lines, whose block has to be UTF-8."""
        return cut(self.block, self.starts, self.ends).gather_every(2)


def is_text(block: bytes) -> bool:
    """Whether a block is UTF-8."""
    try:
        pl.Series([block], dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.ComputeError:
        return False
    return True


def cut(block: bytes, *borders: Places) -> pl.Series:
    """What stands between each border and the next one, line after line, in the block's own bytes, which are UTF-8."""
    places = np.append(np.stack(borders, axis=1).ravel(), len(block))
    pieces = pa.LargeStringArray.from_buffers(len(places) - 1, pa.py_buffer(places), pa.py_buffer(block))
    return pl.Series(pieces)


def regular(lines: Lines, longest: int) -> tuple[Places, pl.DataFrame]:
    """Which lines of a block that is UTF-8 are regular and no longer than so many bytes, and their fields.

    The frame has the columns of a visit but `key`, `at` and `seq`; `time` is the text of what should be the time, and
    `is_combined` whether something stands after the size. A line whose time is none is not regular after all.
    """
    return _Search(lines, longest).found()


class _Search:
    """The lines that are regular as far as one has looked: which they are, their borders, and their quotes."""

    def __init__(self, lines: Lines, longest: int) -> None:
        self._block = lines.block
        self._letters = np.frombuffer(lines.block, dtype=np.uint8)
        quotes = np.flatnonzero(self._letters == ord('"'))
        slashes = np.flatnonzero(self._letters == ord("\\"))
        first, after = np.searchsorted(quotes, lines.starts), np.searchsorted(quotes, lines.ends)
        count, length = after - first, lines.ends - lines.starts
        is_plain = np.searchsorted(slashes, lines.starts) == np.searchsorted(slashes, lines.ends)
        is_plain &= ((count == 2) | (count == 6) | (count == 8)) & (length >= _SHORTEST) & (length <= longest)
        self._which: Places = np.flatnonzero(is_plain)
        self._starts, self._ends = lines.starts[self._which], lines.ends[self._which]
        self._count = count[self._which]
        # A quote that a line does not have is taken to be its end.
        nth = [first[self._which] + n for n in range(8)]
        padded = np.append(quotes, 0)
        self._quotes = [
            np.where(n < self._count, padded[np.minimum(at, len(quotes))], self._ends) for n, at in enumerate(nth)
        ]

    def found(self) -> tuple[Places, pl.DataFrame]:
        """The lines that pass every look, and their fields."""
        self._keep(self._has_room())
        method, size = self._method(), self._size()
        is_right = (method > 0) & (self._quotes[0] + method + 2 < self._quotes[1] - _PROTOCOL_LENGTH - 1)
        is_right &= self._has_address() & self._has_protocol() & self._has_status() & self._ends_right() & (size > -2)
        self._keep(is_right)
        return self._which, self._fields(method[is_right], size[is_right])

    def _keep(self, is_kept: Truths) -> None:
        if not is_kept.all():
            self._which, self._count = self._which[is_kept], self._count[is_kept]
            self._starts, self._ends = self._starts[is_kept], self._ends[is_kept]
            self._quotes = [each[is_kept] for each in self._quotes]

    def _stands(self, text: bytes, at: Places) -> Truths:
        """Whether a text stands at places of the block, or just after it."""
        found = at + len(text) <= len(self._letters)
        at = np.where(found, at, 0)
        for offset, letter in enumerate(text):
            found &= self._letters[at + offset] == letter
        return found

    def _digits(self, at: Places) -> tuple[Places, Truths]:
        """The values of the digits at places of the block, and whether they are digits."""
        values = self._letters[at].astype(np.int64) - ord("0")
        return values, (values >= 0) & (values <= 9)

    def _time(self) -> Places:
        """Where the time begins."""
        return self._quotes[0] - len("] ") - _TIME_LENGTH

    def _address_end(self) -> Places:
        return self._time() - len(_BETWEEN)

    def _has_room(self) -> Truths:
        """Whether all that follows can be looked for: something before the account, a request of three parts."""
        is_right = self._address_end() > self._starts
        is_right &= self._quotes[1] - self._quotes[0] >= len('"G / HTTP/1.1')
        return is_right & (self._quotes[1] + len('" 200 0') <= self._ends)

    def _has_address(self) -> Truths:
        """Whether one word stands before the time, and between them nobody's name."""
        time, lengths = self._time(), self._address_end() - self._starts
        is_right = self._stands(b"] ", time + _TIME_LENGTH) & self._stands(_BETWEEN, self._address_end())
        for offset in range(min(int(lengths.max(initial=0)), _ADDRESS_LONGEST)):
            is_right &= (offset >= lengths) | (self._letters[self._starts + offset] > ord(" "))
        return is_right & (lengths <= _ADDRESS_LONGEST)

    def _has_protocol(self) -> Truths:
        """Whether the request ends with a protocol such as HTTP/1.1."""
        close = self._quotes[1]
        is_right = self._stands(b" HTTP/", close - _PROTOCOL_LENGTH - 1) & self._stands(b".", close - 2)
        return is_right & self._digits(close - 3)[1] & self._digits(close - 1)[1]

    def _has_status(self) -> Truths:
        """Whether a number of three digits stands after the request."""
        close = self._quotes[1]
        is_right = self._stands(b" ", close + 1) & self._stands(b" ", close + 5)
        for offset in (2, 3, 4):
            is_right &= self._digits(close + offset)[1]
        return is_right

    def _ends_right(self) -> Truths:
        """Whether there are two or three quoted fields after the size and one space before each, or nothing."""
        _, _, referrer, referrer_close, agent, agent_close, more, more_close = self._quotes
        is_right = self._stands(b" ", referrer - 1)
        is_right &= (agent == referrer_close + 2) & self._stands(b" ", referrer_close + 1)
        has_more = (more == agent_close + 2) & self._stands(b" ", agent_close + 1) & (more_close + 1 == self._ends)
        is_right &= np.where(self._count == 8, has_more, agent_close + 1 == self._ends)
        is_right |= self._count == 2
        return is_right

    def _method(self) -> Places:
        """How long the word before the first space of the request is; 0 where it is no method."""
        length = np.zeros(len(self._which), dtype=np.int64)
        is_word = np.ones(len(self._which), dtype=bool)
        for offset in range(_METHOD_LONGEST + 1):
            letters = self._letters[self._quotes[0] + 1 + offset]
            length[is_word & (letters == ord(" "))] = offset
            is_letter = ((letters | 32) >= ord("a")) & ((letters | 32) <= ord("z"))
            is_word &= is_letter | (letters == ord("-")) if offset else is_letter
        return length

    def _size(self) -> Places:
        """The size in bytes; -1 for none, -2 where it is no number."""
        starts = self._quotes[1] + len('" 200 ')
        lengths = np.where(self._count == 2, self._ends, self._quotes[2] - 1) - starts
        is_none = (lengths == 1) & self._stands(b"-", starts)
        is_number = (lengths > 0) & (lengths <= _SIZE_LONGEST)
        size = np.zeros(len(starts), dtype=np.int64)
        for offset in range(min(int(lengths.max(initial=0)), _SIZE_LONGEST)):
            is_inside = offset < lengths
            digits, are_digits = self._digits(np.where(is_inside, starts + offset, 0))
            size = np.where(is_inside, size * 10 + digits, size)
            is_number &= ~is_inside | are_digits
        return np.where(is_none, -1, np.where(is_number, size, -2))

    def _fields(self, method: Places, size: Places) -> pl.DataFrame:
        opened, close, referrer, referrer_close, agent, agent_close, *_ = self._quotes
        is_combined, target, protocol = self._count > 2, opened + method + 2, close - _PROTOCOL_LENGTH
        status = sum((self._digits(close + 2 + place)[0] * 10 ** (2 - place) for place in range(3)), np.int64(0))
        borders = {
            "address": (self._starts, self._address_end()),
            "time": (self._time(), self._time() + _TIME_LENGTH),
            "method": (opened + 1, target - 1),
            "target": (target, protocol - 1),
            "protocol": (protocol, close),
            "referrer": (referrer + is_combined, referrer_close),
            "user_agent": (agent + is_combined, agent_close),
        }
        pieces = cut(self._block, *(border for pair in borders.values() for border in pair))
        fields = {name: pieces.gather_every(2 * len(borders), 2 * n) for n, name in enumerate(borders)}
        return pl.DataFrame(fields).with_columns(
            account=pl.lit(None, pl.String),
            status=pl.Series(status),
            size_bytes=pl.Series(size).replace(-1, None),
            is_combined=pl.Series(is_combined),
        )
