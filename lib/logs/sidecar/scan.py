"""Asking the sidecar: which operations match, how many, when, and with which words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl

from lib.logs.sidecar.chunks import Chunk
from lib.logs.sidecar.columns import folded, object_hash

_STREAMED_FROM = 200_000  # rows; below, the streaming engine costs more than it saves


@dataclass(frozen=True)
class Wanted:
    """Which operations are meant: those with ids in [first_id, until_id), of some tenants (null: every one), with one
    of the words in each column named. A keyword is part of an operator, a module or the text; `keyword_modules` are
    modules whose words on the screen hold it. `organizations` are ids and, for operations that came without one, names.
    """

    tenant_ids: frozenset[int] | None
    first_id: int
    until_id: int
    words: Mapping[str, frozenset[str]] = field(default_factory=dict)
    keyword: str = ""
    keyword_modules: frozenset[str] = frozenset()
    organizations: tuple[frozenset[int], frozenset[str]] | None = None
    object_id: str = ""

    @property
    def is_period_alone(self) -> bool:
        """Whether nothing but tenants and the period restricts it."""
        return not self.words and not self.keyword and self.organizations is None and not self.object_id


def matching(chunk: Chunk, wanted: Wanted, columns: Iterable[str]) -> Iterator[pl.DataFrame]:
    """The columns (codes) of the rows that match, by (tenant, id) in each frame."""
    meant = _meant(chunk, wanted)
    if meant is None:
        return
    for rows in _slices(chunk, wanted):
        if rows.height:
            yield rows.select(columns) if not isinstance(meant, pl.Expr) else _filtered(rows, meant, columns)


def newest(chunk: Chunk, wanted: Wanted, count: int) -> pl.DataFrame:
    """`tenant_id` and `id` of the last matching rows, newest first."""
    found = [rows.top_k(count, by="id") for rows in matching(chunk, wanted, ("tenant_id", "id"))]
    return _ends(found).top_k(count, by="id").sort("id", descending=True)


def oldest(chunk: Chunk, wanted: Wanted, count: int) -> pl.DataFrame:
    """`tenant_id` and `id` of the first matching rows, oldest first."""
    found = [rows.bottom_k(count, by="id") for rows in matching(chunk, wanted, ("tenant_id", "id"))]
    return _ends(found).bottom_k(count, by="id").sort("id")


def _ends(found: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat([pl.DataFrame(schema={"tenant_id": pl.UInt32(), "id": pl.Int64()}), *found])


@dataclass
class Tally:
    """What was counted: how many, how many and how many failures in each half hour (`t`), and of each word."""

    columns: tuple[str, ...]
    total: int = 0
    by_half_hour: Counter[int] = field(default_factory=Counter)
    failures: Counter[int] = field(default_factory=Counter)
    by_word: dict[str, Counter[str]] = field(default_factory=dict)
    by_tenant: Counter[int] = field(default_factory=Counter)

    def add(self, chunk: Chunk, wanted: Wanted) -> None:
        """Count the rows of a chunk that match."""
        failed = chunk.codes("result", pl.col("word") != "success")
        for rows in matching(chunk, wanted, tuple(dict.fromkeys(("tenant_id", "t", "result", *self.columns)))):
            self.total += rows.height
            self.by_tenant.update(_counted(rows["tenant_id"]))
            self.by_half_hour.update(_counted(rows["t"]))
            if failed:
                self.failures.update(_counted(rows.filter(pl.col("result").is_in(failed))["t"]))
            for name in self.columns:
                words = chunk.words[name]
                counted = _counted(rows[name])
                self.by_word.setdefault(name, Counter()).update({words[code]: n for code, n in counted.items()})


def _counted(numbers: pl.Series) -> dict[int, int]:
    """How often each number is there. They are small, or close together, so that no hashing is needed."""
    if not numbers.len():
        return {}
    values = numbers.to_numpy()
    base = int(values.min())
    counts = np.bincount(values if base == 0 else values - base)
    present = np.flatnonzero(counts)
    return dict(zip((present + base).tolist(), counts[present].tolist(), strict=True))


def _slices(chunk: Chunk, wanted: Wanted) -> Iterator[pl.DataFrame]:
    if wanted.tenant_ids is None:  # the period is in what is meant
        yield chunk.rows
        return
    for tenant_id in sorted(wanted.tenant_ids & chunk.slices.keys()):
        yield chunk.between(tenant_id, wanted.first_id, wanted.until_id)


def _filtered(rows: pl.DataFrame, meant: pl.Expr, columns: Iterable[str]) -> pl.DataFrame:
    found = rows.lazy().filter(meant).select(columns)
    return found.collect(engine="streaming") if rows.height >= _STREAMED_FROM else found.collect()


def _meant(chunk: Chunk, wanted: Wanted) -> pl.Expr | Literal[True] | None:
    """The rows of a chunk that match: an expression, True for all, null for none."""
    parts: list[pl.Expr] = []
    if wanted.tenant_ids is None and not (wanted.first_id <= chunk.first_id and chunk.last_id < wanted.until_id):
        parts.append(pl.col("id").is_between(wanted.first_id, wanted.until_id, closed="left"))
    for column, words in sorted(wanted.words.items()):
        codes = chunk.codes(column, pl.col("word").is_in(list(words)))
        if not codes:
            return None
        parts.append(_one_of(column, codes))
    if wanted.object_id:
        parts.append(_of_object(chunk, wanted))
    if wanted.organizations is not None:
        parts.append(_of_organizations(chunk, *wanted.organizations))
    if wanted.keyword:
        parts.append(_holding(chunk, wanted))
    return pl.all_horizontal(parts) if parts else True


def _one_of(column: str, codes: list[int]) -> pl.Expr:
    return pl.col(column) == codes[0] if len(codes) == 1 else pl.col(column).is_in(codes)


def _of_object(chunk: Chunk, wanted: Wanted) -> pl.Expr:
    """The rows of an object of whatever type, or of one of the types that are wanted."""
    types = pl.col("word").is_in(list(wanted.words.get("object_type", chunk.words["object_type"])))
    named = chunk.words["object_type"].rename("word").to_frame().filter(types)
    numbers = named.select(object_hash(pl.col("word"), pl.lit(wanted.object_id))).to_series()
    return pl.col("object").is_in(numbers.implode())


def _of_organizations(chunk: Chunk, ids: frozenset[int], names: frozenset[str]) -> pl.Expr:
    by_id = pl.col("organization_id").is_in(sorted(ids))
    codes = chunk.codes("organization", pl.col("word").is_in(list(names)))
    by_name = (pl.col("organization_id") == 0) & pl.col("organization").is_in(codes)
    return by_id | by_name


def _holding(chunk: Chunk, wanted: Wanted) -> pl.Expr:
    keyword = pl.select(folded(pl.lit(wanted.keyword))).item()
    named = folded(pl.col("word")).str.contains(keyword, literal=True)
    parts = [pl.col("text").str.contains(keyword, literal=True)]
    if operators := chunk.codes("operator", named):
        parts.append(_one_of("operator", operators))
    if modules := chunk.codes("module", named | pl.col("word").is_in(list(wanted.keyword_modules))):
        parts.append(_one_of("module", modules))
    return pl.any_horizontal(parts)
