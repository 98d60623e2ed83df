"""Visits as rows for people and programs: with their company and their place, and an id that leads back to them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

import polars as pl

from lib.errors import BadInput
from lib.logs.places import placed
from lib.queries.visit_scan import Company, named_companies
from lib.usage.buckets import EPOCH
from lib.usage.visits import VISIT
from lib.words import Phrase

LOG_LINE = tuple(name for name in VISIT if name not in {"key", "seq"})
"""What a line of an access log says."""

TOLD = (*LOG_LINE, "duration_ms", "country", "region", "tenant", "company", "memo")
"""The columns of a visit for programs: `country` and `region` are codes (lib.logs.places), `tenant` is a key."""

ROW = ("id", *TOLD)
"""The columns of a visit on the page. Where an address is missing, the country is unknown."""

_ID = re.compile(r"([0-9]{1,9})\.(-?[0-9]{1,17})\.([0-9]{1,10})\.([0-9]{1,20})")
_LARGEST = timedelta(days=3_000_000) // timedelta(microseconds=1)


@dataclass(frozen=True)
class Mark:
    """A visit's place in the order of all visits: what its id says."""

    tenant_id: int
    at: datetime
    seq: int
    key: int

    @classmethod
    def of(cls, visit_id: str) -> Self:
        """The mark of an id. Raises BadInput."""
        parts = _ID.fullmatch(visit_id)
        if parts is None:
            raise BadInput(what=Phrase("refused.visit_id"))
        tenant_id, microseconds, seq, key = map(int, parts.groups())
        if not (abs(microseconds) < _LARGEST and seq < 1 << 32 and key < 1 << 64 and tenant_id < 1 << 31):
            raise BadInput(what=Phrase("refused.visit_id"))
        try:
            return cls(tenant_id, EPOCH + timedelta(microseconds=microseconds), seq, key)
        except OverflowError as error:
            raise BadInput(what=Phrase("refused.visit_id")) from error

    def is_after(self) -> pl.Expr:
        """Which visits are older."""
        return self._beyond(lambda column, value: column < value)

    def is_before(self) -> pl.Expr:
        """Which visits are newer."""
        return self._beyond(lambda column, value: column > value)

    def is_it(self) -> pl.Expr:
        """The visit itself."""
        return pl.all_horizontal(column == value for column, value in self._pairs())

    def _pairs(self) -> list[tuple[pl.Expr, pl.Expr]]:
        at = pl.lit(self.at, pl.Datetime("us", "UTC"))
        key, tenant_id = pl.lit(self.key, pl.UInt64), pl.lit(self.tenant_id, pl.Int32)
        seq = pl.lit(self.seq, pl.UInt32)
        return [
            (pl.col("at"), at), (pl.col("seq"), seq), (pl.col("key"), key), (pl.col("tenant_id"), tenant_id)
        ]

    def _beyond(self, beyond: Callable[[pl.Expr, pl.Expr], pl.Expr]) -> pl.Expr:
        parts = self._pairs()
        whole = pl.lit(value=False)
        for column, value in reversed(parts):
            whole = beyond(column, value) | ((column == value) & whole)
        return whole


def whole(visits: pl.DataFrame, companies: Mapping[int, Company], zone: str) -> pl.DataFrame:
    """Visits of a page (SCANNED) as ROW."""
    parts = ("tenant_id", pl.col("at").dt.epoch("us"), "seq", "key")
    ids = visits.select(id=pl.concat_str(parts, separator="."))["id"]
    return told(visits.lazy(), companies, zone).insert_column(0, ids)


def told(
    visits: pl.LazyFrame, companies: Mapping[int, Company], zone: str, columns: Sequence[str] = ()
) -> pl.DataFrame:
    """Visits (SCANNED) as TOLD, or some columns of it, in their order and in the zone."""
    names = [name for name in TOLD if name in columns] if columns else list(TOLD)
    read = {*names} & {*LOG_LINE, "duration_ms"}
    needed = [*read, *({"address"} - read), "tenant_id"]
    found = visits.select(needed).collect().with_columns(**named_companies(companies))
    if {"country", "region"} & {*names}:
        found = placed(found)
    if "at" in names:
        found = found.with_columns(pl.col("at").dt.convert_time_zone(zone))
    return found.select(names)
