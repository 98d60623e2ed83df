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
from numpy.lib.stride_tricks import sliding_window_view

Places = npt.NDArray[np.int64]
Letters = npt.NDArray[np.uint8]
Truths = npt.NDArray[np.bool_]

_TIME_LENGTH = len("01/Mar/2024:10:00:00 +0100")
_BETWEEN = b" - - ["
_PROTOCOL_LENGTH = len("HTTP/1.1")
_ADDRESS_LONGEST, _METHOD_LONGEST, _SIZE_LONGEST = 64, 7, 15
_FEW = 500
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
    if block.isascii():  # without a copy
        return True
    try:
        pl.Series([block], dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.ComputeError:
        return False
    return True


def cut(block: bytes, *borders: Places) -> pl.Series:
    """What stands between each border and the next one, line after line, in the block's own bytes, which are UTF-8."""
    places = np.append(np.stack(borders, axis=1).ravel(), len(block))
    pieces = pa.LargeStringArray.from_buffers(len(places) - 1, pa.py_buffer(places), pa.py_buffer(block))
    # As a frame, since Polars loads more of pyarrow for an array alone.
    return pl.DataFrame(pa.RecordBatch.from_arrays([pieces], ["piece"])).to_series()


def regular(lines: Lines, longest: int) -> tuple[Places, pl.DataFrame]:
    """Which lines of a block that is UTF-8 are regular and no longer than so many bytes, and their fields.

    The frame has the columns of a visit but `key`, `at` and `seq`; `time` is the text of what should be the time, and
    `is_combined` whether something stands after the size. A line whose time is none is not regular after all.
    """
    return _Search(lines, longest).found()


def _have(lines: Lines, letter: bytes) -> Truths:
    """Which lines have a letter that is rare, or so it is hoped."""
    found: list[int] = []
    at = lines.block.find(letter)
    while at >= 0 and len(found) < _FEW:
        found.append(at)
        at = lines.block.find(letter, at + 1)
    letters = np.frombuffer(lines.block, dtype=np.uint8)
    places = np.flatnonzero(letters == ord(letter)) if at >= 0 else np.array(found, dtype=np.int64)
    have = np.zeros(len(lines.starts), dtype=bool)
    have[np.searchsorted(lines.starts, places, side="right") - 1] = True
    return have


def _is(letters: Letters, text: bytes) -> Truths:
    """Whether each row of letters begins with a text."""
    found = np.ones(len(letters), dtype=bool)
    for place, letter in enumerate(text):
        found &= letters[:, place] == letter
    return found


class _Search:
    """The lines that are regular as far as one has looked: which they are, their borders, and their quotes."""

    def __init__(self, lines: Lines, longest: int) -> None:
        self._block = lines.block
        self._letters = np.frombuffer(lines.block, dtype=np.uint8)
        quotes = np.flatnonzero(self._letters == ord('"'))
        first = np.searchsorted(quotes, lines.starts)
        # No quote stands between the end of a line and the next one.
        count, length = np.diff(first, append=len(quotes)), lines.ends - lines.starts
        is_plain = ~_have(lines, b"\\")
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
        request, method = self._method()
        answer, status, size = self._answer()
        is_right = self._has_address() & request & answer & self._ends_right()
        is_right &= self._quotes[0] + method + 2 < self._quotes[1] - _PROTOCOL_LENGTH - 1
        self._keep(is_right)
        return self._which, self._fields(method[is_right], status[is_right], size[is_right])

    def _keep(self, is_kept: Truths) -> None:
        if not is_kept.all():
            self._which, self._count = self._which[is_kept], self._count[is_kept]
            self._starts, self._ends = self._starts[is_kept], self._ends[is_kept]
            self._quotes = [each[is_kept] for each in self._quotes]

    def _seen(self, at: Places, length: int) -> Letters:
        """So many letters from each place of the block: a row a line. Many small looks at the block cost far more."""
        if not len(at):  # the block may be shorter
            return np.zeros((0, length), dtype=np.uint8)
        return sliding_window_view(self._letters, length)[at]

    def _time(self) -> Places:
        """Where the time begins."""
        return self._quotes[0] - len("] ") - _TIME_LENGTH

    def _address_end(self) -> Places:
        return self._time() - len(_BETWEEN)

    def _has_room(self) -> Truths:
        """Whether all that follows can be looked for: an address, a request of three parts, and more of the block."""
        is_right = self._address_end() > self._starts
        is_right &= self._quotes[1] - self._quotes[0] >= len('"G / HTTP/1.1')
        is_right &= self._quotes[1] + len('" 200 0') <= self._ends
        is_right &= self._quotes[1] + len('" 200 ') + _SIZE_LONGEST <= len(self._letters)
        return is_right & (self._starts + _ADDRESS_LONGEST <= len(self._letters))

    def _has_address(self) -> Truths:
        """Whether one word stands before the time, and between them nobody's name."""
        lengths = self._address_end() - self._starts
        is_right = lengths <= _ADDRESS_LONGEST
        letters = self._seen(self._starts, min(int(lengths.max(initial=1)), _ADDRESS_LONGEST))
        for place in range(letters.shape[1]):
            is_right &= (letters[:, place] > ord(" ")) | (place >= lengths)
        between = self._seen(self._address_end(), len(_BETWEEN) + _TIME_LENGTH + len("] "))
        return is_right & _is(between, _BETWEEN) & _is(between[:, -2:], b"] ")

    def _method(self) -> tuple[Truths, Places]:
        """Whether the request begins with a method and a space, and how long the method is."""
        letters = self._seen(self._quotes[0] + 1, _METHOD_LONGEST + 1)
        length = np.zeros(len(letters), dtype=np.int64)
        is_word = np.ones(len(letters), dtype=bool)
        for place in range(_METHOD_LONGEST + 1):
            letter = letters[:, place]
            length[is_word & (letter == ord(" "))] = place
            is_word &= ((letter | 32) - ord("a") < 26) | ((letter == ord("-")) & (place > 0))
        return length > 0, length

    def _answer(self) -> tuple[Truths, Places, Places]:
        """Whether a protocol, a status and a size follow, and the latter two; no size is -1."""
        starts = self._quotes[1] + len('" 200 ')
        lengths = np.where(self._count == 2, self._ends, self._quotes[2] - 1) - starts
        first = len(" HTTP/1.1")
        letters = self._seen(self._quotes[1] - first, first + len('" 200 ') + _SIZE_LONGEST)
        digits = letters - ord("0")  # without a sign: what is none is more than 9
        is_right = _is(letters, b" HTTP/") & (letters[:, 7] == ord(".")) & (digits[:, 6] <= 9) & (digits[:, 8] <= 9)
        is_right &= (letters[:, first + 1] == ord(" ")) & (letters[:, first + 5] == ord(" "))
        status = np.zeros(len(letters), dtype=np.int64)
        for place in range(first + 2, first + 5):
            is_right &= digits[:, place] <= 9
            status = status * 10 + digits[:, place]
        is_none = (lengths == 1) & (letters[:, first + 6] == ord("-"))
        is_size = (lengths > 0) & (lengths <= _SIZE_LONGEST)
        size = np.zeros(len(letters), dtype=np.int64)
        for place in range(min(int(lengths.max(initial=0)), _SIZE_LONGEST)):
            is_inside, digit = place < lengths, digits[:, first + 6 + place]
            is_size &= (digit <= 9) | ~is_inside
            size = np.where(is_inside, size * 10 + digit, size)
        return is_right & (is_size | is_none), status, np.where(is_none, -1, size)

    def _ends_right(self) -> Truths:
        """Whether there are two or three quoted fields after the size and one space before each, or nothing."""
        _, _, referrer, referrer_close, agent, agent_close, more, more_close = self._quotes
        is_right = self._is_space(referrer - 1)
        is_right &= (agent == referrer_close + 2) & self._is_space(referrer_close + 1)
        has_more = (more == agent_close + 2) & self._is_space(agent_close + 1) & (more_close + 1 == self._ends)
        is_right &= np.where(self._count == 8, has_more, agent_close + 1 == self._ends)
        is_right |= self._count == 2
        return is_right

    def _is_space(self, at: Places) -> Truths:
        is_space: Truths = self._letters[np.minimum(at, len(self._letters) - 1)] == ord(" ")
        return is_space

    def _fields(self, method: Places, status: Places, size: Places) -> pl.DataFrame:
        opened, close, referrer, referrer_close, agent, agent_close, *_ = self._quotes
        is_combined, target, protocol = self._count > 2, opened + method + 2, close - _PROTOCOL_LENGTH
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
        numbers = {"status": pl.Series(status), "size_bytes": pl.Series(size), "is_combined": pl.Series(is_combined)}
        return pl.DataFrame({**fields, **numbers}).with_columns(
            account=pl.lit(None, pl.String), size_bytes=pl.when(pl.col("size_bytes") >= 0).then("size_bytes")
        )
