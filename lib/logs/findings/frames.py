"""The frames that findings are counted in: a half hour is a number, as in the ids of operations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import polars as pl

from lib.store.time_ids import EPOCH, LOW_BITS

BUCKET: Final = timedelta(minutes=30)
DAY_BUCKETS: Final = 48
BUCKET_IDS: Final = 1_800_000 << LOW_BITS
"""How many ids of operations a half hour has."""

LONGEST_NAME: Final = 200
"""Characters that are kept of an operator's name, or of what one is seen with: an index of PostgreSQL takes no more
than 2,700 bytes."""

MOST_TOLD: Final = 5
"""How many examples a finding tells at most."""

MOST_ACTIONS: Final = 20
"""How many different actions a finding leads to at most; of more it leads to all that was done."""

OPERATIONS: Final[dict[str, Any]] = {
    "id": pl.Int64(),
    "operator": pl.String(),
    "product": pl.String(),
    "module": pl.String(),
    "submodule": pl.String(),
    "action": pl.String(),
    "operation_class": pl.String(),
    "object_type": pl.String(),
    "object_name": pl.String(),
    "channel": pl.String(),
    "result": pl.String(),
    "address": pl.String(),
}
"""What is read of an operation; `body` is read of those alone of which a measure asks for it."""

ATTEMPTS: Final[dict[str, Any]] = {
    "occurred_at": pl.Datetime("us", "UTC"),
    "account_name": pl.String(),
    "address": pl.String(),
}
"""A failed attempt to sign in."""

TALLIES: Final[dict[str, Any]] = {
    "bucket": pl.Int32(),
    "who": pl.String(),
    "amount": pl.Int64(),
    "told": pl.List(pl.String()),
    "actions": pl.List(pl.String()),
}
"""How much somebody did in one half hour, of one measure, by which actions; `told` are examples."""

SEEN: Final[dict[str, Any]] = {"who": pl.String(), "what": pl.String(), "first_bucket": pl.Int32()}
"""Since which half hour somebody is seen with something."""

FOUND: Final[dict[str, Any]] = {
    "bucket": pl.Int32(),
    "who": pl.String(),
    "observed": pl.Int64(),
    "usual": pl.Float64(),
    "told": pl.List(pl.String()),
    "actions": pl.List(pl.String()),
}
"""What a rule found; `usual` is null where nothing is usual yet."""


def examples(texts: pl.Expr, most: int = MOST_TOLD) -> pl.Expr:
    """Some of a group's texts, in order, so that it tells the same whatever order its rows are read in."""
    return texts.filter(texts.is_not_null() & (texts != "")).unique().sort().head(most)


def with_bucket(operations: pl.DataFrame) -> pl.DataFrame:
    """Operations with the number of their half hour (`bucket`)."""
    return operations.with_columns(bucket=(pl.col("id") // BUCKET_IDS).cast(pl.Int32))


def buckets_of_ids(ids: pl.Series) -> set[int]:
    """The half hours that hold operations of these ids."""
    return set((ids // BUCKET_IDS).unique())


def bucket_at(instant: datetime) -> int:
    """The number of the half hour that an instant is in."""
    return (instant - EPOCH) // BUCKET


def instant_of(bucket: int) -> datetime:
    """When a half hour begins."""
    return (EPOCH + bucket * BUCKET).astimezone(UTC)
