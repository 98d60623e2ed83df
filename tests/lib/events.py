"""Made-up usage events for tests, and a lake to put them in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from lib.usage import raw
from lib.usage.events import INSTANT, key_of_id, keyed
from lib.usage.lake import Lake, TenantFiles
from lib.usage.last import contents
from lib.usage.rebuild import rebuilt
from lib.usage.recency import PAGE_SCOPES, SCOPES, merged
from lib.usage.recount import add_events, exclude
from lib.usage.tables import TABLES
from lib.usage.writing import Writing

NOON = datetime(2024, 5, 12, 12, tzinfo=UTC)


def event(seconds: float = 0, visitor: str = "ann", **more: Any) -> dict[str, Any]:
    """A page view of /home so many seconds after NOON, unless said otherwise."""
    usual = {"at": NOON + timedelta(seconds=seconds), "visitor": visitor, "kind": "page_view", "page": "/home"}
    place = {"application_id": 1, "application": "web", "mini_program_id": 1, "mini_program": "shop"}
    return {**place, **usual, **more}


def events(*rows: dict[str, Any]) -> pl.DataFrame:
    """The rows as EVENT; each has its place in the call as its id, unless it brings an `event_id`."""
    usual = {
        "seq": 0,
        "session": None,
        "duration_ms": None,
        "os": None,
        "address": None,
        "user_agent": None,
        "version": None,
    }
    named = [{**usual, "event_id": f"e{at}", **row} for at, row in enumerate(rows)]
    texts = dict.fromkeys(("session", "os", "address", "user_agent", "version", "page"), pl.String)
    frame = pl.DataFrame(named, schema_overrides={"at": INSTANT, "duration_ms": pl.Int64, **texts})
    return keyed(frame.with_columns(key=key_of_id(pl.col("event_id"))))


@dataclass
class Shelf:
    """A lake with one tenant, number 1, to which batches are added as a refresh does."""

    folder: Path
    files: TenantFiles = field(default_factory=TenantFiles)
    publication: int = 0

    @property
    def lake(self) -> Lake:
        return Lake(self.folder)

    def add(self, batch: pl.DataFrame, closed_before: int = 0) -> pl.DataFrame:
        """Take in a batch; returns its ledger rows."""
        self.publication += 1
        writing = Writing(self.lake, 1, self.publication)
        self.files, ledger = add_events(writing, self.files, batch, closed_before)
        return ledger

    def exclude(self, *rules: tuple[str, str]) -> pl.DataFrame:
        """Let these rules hold and no others; returns the ledger's rows."""
        self.publication += 1
        self.files, ledger = exclude(Writing(self.lake, 1, self.publication), self.files, rules)
        return ledger

    def rebuild(self, per_application: bool = False) -> None:
        """Count everything again."""
        self.publication += 1
        self.files = rebuilt(Writing(self.lake, 1, self.publication), self.files, per_application)

    def tables(self) -> dict[str, pl.DataFrame]:
        """Every table by date and name."""
        found = {}
        for day, files in sorted(self.files.days.items()):
            found[f"{day} events"] = raw.in_order(self.lake, files.events or ())
            for table in TABLES:
                parts = [pl.read_parquet(self.lake.path(name)) for name in files.tables.get(table.name, ())]
                found[f"{day} {table.name}"] = _named(table.summed(parts))
        for scope in (*SCOPES, *PAGE_SCOPES):
            parts = [pl.read_parquet(self.lake.path(name)) for name in self.files.recency.get(scope.key, ())]
            found[f"recency {scope.key}"] = _named(merged(parts, scope))
        last = _named(contents(self.lake, self.files.last))
        found["last"] = last.sort("visitor_id", "mini_program_id", "application_id", "os", "page")
        return found

    def summed(self, table: str = "counts") -> dict[str, int]:
        """The whole of each count."""
        parts = [rows for name, rows in self.tables().items() if name.endswith(table)]
        return pl.concat(parts).select(pl.col(pl.Int64).sum()).row(0, named=True)


def _named(table: pl.DataFrame) -> pl.DataFrame:
    """The rows with names for the numbers of names."""
    return table.with_columns(pl.col(pl.Categorical).cast(pl.String))
