"""Clickstreams: the rows of a CSV, NDJSON or Parquet file as usage events."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import polars as pl

from lib.collect import systems
from lib.collect.csv_rows import CsvRows
from lib.collect.fields import NAMES, Fields
from lib.collect.files import Advance
from lib.collect.ndjson_rows import NdjsonRows
from lib.collect.parquet_rows import ParquetRows
from lib.collect.sources import PAGE_CHARACTERS, Chunk, Fault, Target, parted, untimely
from lib.collect.times import instants_of
from lib.errors import BadInput
from lib.store.catalogue import checked_key
from lib.usage import events
from lib.usage.events import Kind

KINDS = {
    **dict.fromkeys(("page_view", "pageview", "page", "screen", "view"), Kind.PAGE_VIEW.value),
    **dict.fromkeys(("open", "launch", "mp_open"), Kind.OPEN.value),
    **dict.fromkeys(("share", "mp_share"), Kind.SHARE.value),
    **dict.fromkeys(("page_leave", "leave"), Kind.PAGE_LEAVE.value),
    **dict.fromkeys(("close", "mp_close"), Kind.CLOSE.value),
}
"""What clients call the kinds; any other name is a custom event's."""

CHARACTERS = {**dict.fromkeys(NAMES, PAGE_CHARACTERS), **dict.fromkeys(("visitor", "session", "id"), 1024)}
"""How long a text may be."""

DURATION_MS = 31 * 86_400_000
"""How long a stay may be: a longer one was measured by a clock that jumped."""


class Rows(Protocol):
    """What reads one of the formats: frames of fields.ROWS and the fields that there are, as text."""

    @property
    def trouble(self) -> str | None: ...
    def check(self) -> None: ...
    def __iter__(self) -> Iterator[pl.DataFrame]: ...


FORMATS: dict[str, type[CsvRows | NdjsonRows | ParquetRows]] = {
    "csv": CsvRows,
    "ndjson": NdjsonRows,
    "parquet": ParquetRows,
}


class Clickstream:
    """A clickstream as a source of usage events. `zoneless` counts the times that were read in the zone."""

    def __init__(self, path: Path, form: str, fields: Fields, target: Target, zone: str, advance: Advance) -> None:
        self.path = path
        self.form = {"csv": "CSV", "ndjson": "NDJSON", "parquet": "Parquet"}[form]
        self.zoneless = 0
        self._rows: Rows = FORMATS[form](path, fields, advance)
        self._target = target
        self._zone = zone

    @property
    def trouble(self) -> str | None:
        """What was wrong with the file as a whole."""
        return self._rows.trouble

    def check(self) -> None:
        """Raise BadInput where the file lacks a field that every row needs."""
        self._rows.check()

    def __iter__(self) -> Iterator[Chunk]:
        """A chunk for each frame of rows."""
        for rows in self._rows:
            found, refused = events_of(rows, self._target, self._zone)
            self.zoneless += int(found["is_zoneless"].sum())
            yield Chunk(rows.height, found, refused)


def events_of(rows: pl.DataFrame, target: Target, zone: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The events in rows (fields.ROWS and fields as text), with keys and `is_zoneless`, and the rows that are none."""
    names = [*NAMES, "application", "mini_program"]
    whole = rows.with_columns(pl.lit(None, pl.String).alias(name) for name in names if name not in rows.columns)
    whole = whole.with_columns(instants_of(whole["time"], zone))
    whole = whole.with_columns(
        duration=pl.col("duration_ms").cast(pl.Float64, strict=False),
        application=pl.lit(target.application) if target.application else pl.col("application"),
        mini_program=pl.lit(target.mini_program) if target.mini_program else pl.col("mini_program"),
        kind=pl.col("event").str.strip_chars().str.to_lowercase().replace_strict(KINDS, default=Kind.CUSTOM.value),
    )
    page_view = pl.lit(Kind.PAGE_VIEW.value)
    whole = whole.with_columns(kind=pl.when(pl.col("event").is_null()).then(page_view).otherwise("kind"))
    good, refused = parted(whole, [*_faults(zone), *_strangers(whole)])
    return _finished(good), refused


def _faults(zone: str) -> list[Fault]:
    duration = pl.col("duration")
    has_duration = pl.col("duration_ms").is_not_null()
    in_zone = pl.format('"{}" is not a time in {}', pl.col("time").str.slice(0, 100), pl.lit(zone))
    return [
        *(
            Fault(pl.col(name).str.contains("\0", literal=True), f"the {name} has a NUL character")
            for name in (*NAMES, "application", "mini_program")
        ),
        Fault(pl.col("time").is_null(), "no time"),
        Fault(pl.col("is_zoneless") & pl.col("at").is_null(), in_zone),
        Fault(pl.col("at").is_null(), pl.format('"{}" is not a time', pl.col("time").str.slice(0, 100))),
        *untimely(),
        Fault(pl.col("visitor").is_null(), "no visitor"),
        Fault((pl.col("kind") == Kind.PAGE_VIEW.value) & pl.col("page").is_null(), "no page"),
        Fault(has_duration & ~duration.is_finite().fill_null(False), "the duration is not a number"),
        Fault(duration < 0, "the duration is negative"),
        Fault(duration > DURATION_MS, "the duration is longer than 31 days"),
        *(
            Fault(pl.col(name).str.len_chars() > limit, f"the {name} is longer than {limit} characters")
            for name, limit in CHARACTERS.items()
        ),
    ]


_KEYS = "a key has up to 100 of A-Z, a-z, 0-9, '.', ':', '-' and '_', and begins with a letter or digit"


def _strangers(rows: pl.DataFrame) -> list[Fault]:
    """The rows whose application or mini program has no key, or none that can be one."""
    faults = []
    for name, words in (("application", "application"), ("mini_program", "mini program")):
        wrong = [key for key in rows[name].drop_nulls().unique() if not _is_key(key)]
        told = pl.format(f'"{{}}" cannot be the key of {words}: {_KEYS}', pl.col(name).str.slice(0, 100))
        faults += [Fault(pl.col(name).is_null(), f"no {words}"), Fault(pl.col(name).is_in(wrong), told)]
    return faults


def _is_key(text: str) -> bool:
    try:
        checked_key(text)
    except BadInput:
        return False
    return True


def _finished(good: pl.DataFrame) -> pl.DataFrame:
    line_key = events.key_of_line(*(pl.col(name) for name in ("text", "line", "application", "mini_program")))
    named = good["os"].drop_nulls().unique()
    families = pl.Series([systems.normalised(name) for name in named], dtype=pl.String)
    from_agent = pl.Series(systems.os_of(good["user_agent"]))
    return good.with_columns(
        key=pl.when(pl.col("id").is_null()).then(line_key).otherwise(events.key_of_id(pl.col("id"))),
        event_id=pl.col("id"),
        seq=pl.col("line"),
        name=pl.when(pl.col("kind") == Kind.CUSTOM.value).then(pl.col("event")),
        duration_ms=pl.col("duration").round().cast(pl.Int64),
        os=pl.coalesce(
            pl.col("os").replace_strict(named, families, default=None, return_dtype=pl.String),
            pl.when(pl.col("user_agent").is_not_null()).then(from_agent),
        ),
    )
