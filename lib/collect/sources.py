"""What every kind of file is to an import: chunks of rows and of refused lines, and why lines are refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import polars as pl

from lib.usage.buckets import EARLIEST

AHEAD = timedelta(days=1)
"""How far ahead of this machine's clock an event may be."""

PAGE_CHARACTERS = 4096


@dataclass(frozen=True)
class Target:
    """Whose events a file holds: an application and a mini program by key, or the fields of a row that say it."""

    application: str | None = None
    mini_program: str | None = None
    application_field: str | None = None
    mini_program_field: str | None = None


@dataclass(frozen=True)
class Chunk:
    """Part of a file: how many lines it had, the rows in them, and those refused (`line`, `reason`, `text`).

    Rows have a `key` and the columns of lib.usage.visits or lib.usage.events, but for what only the database knows.
    """

    read: int
    rows: pl.DataFrame
    refused: pl.DataFrame


class Source(Protocol):
    """A file that is being read. `form` names its format.

    Afterwards `trouble` is a sentence on what was wrong with the whole of it, and `zoneless` counts times without zone.
    """

    path: Path
    form: str
    zoneless: int

    @property
    def trouble(self) -> str | None: ...
    def check(self) -> None: ...
    def __iter__(self) -> Iterator[Chunk]: ...


@dataclass(frozen=True)
class Fault:
    """When a line is refused, and why."""

    holds: pl.Expr
    reason: pl.Expr | str


def first_fault(faults: Sequence[Fault]) -> pl.Expr:
    """The reason of the first fault that holds; null where none does."""
    reasons = [pl.lit(fault.reason) if isinstance(fault.reason, str) else fault.reason for fault in faults]
    return pl.coalesce(pl.when(fault.holds).then(reason) for fault, reason in zip(faults, reasons, strict=True))


def parted(rows: pl.DataFrame, faults: Sequence[Fault]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows without fault, and the others with the `reason`, which some may have brought."""
    is_wrong = pl.any_horizontal(pl.col("reason").is_not_null(), *(fault.holds for fault in faults)).fill_null(False)
    is_bad = rows.select(is_wrong).to_series()
    if not is_bad.any():  # to tell the reasons of no rows takes longer than to look at a thousand
        return rows, rows.clear().select("line", "reason", "text")
    refused = rows.filter(is_bad).with_columns(reason=pl.coalesce("reason", first_fault(faults)))
    return rows.filter(~is_bad), refused.select("line", "reason", "text")


_TOLD = pl.col("at").dt.strftime("%Y-%m-%d %H:%M:%S UTC")
_TOO_EARLY = Fault(pl.col("at") < EARLIEST, pl.format("{} is before 2000: the clock was never set", _TOLD))
_IN_FUTURE = pl.format("{} is in the future", _TOLD)


def untimely() -> list[Fault]:
    """The two ways in which the clock that wrote `at` must have been wrong."""
    return [_TOO_EARLY, Fault(pl.col("at") > datetime.now(UTC) + AHEAD, _IN_FUTURE)]


def is_filled() -> pl.Expr:
    """Whether a line has more than white space."""
    return pl.col("text").str.strip_chars() != ""
