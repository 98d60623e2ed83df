"""Users by look-up (lib.usage.kept) are those that adding up the chains gives, for any buckets, zone and files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from lib.usage.buckets import Grain, Period, bucket_of, bucket_starts
from lib.usage.kept import Kept, counted_by_bucket
from lib.usage.recency import BLOCK, NEVER, SCOPES
from lib.usage.users import users_by_bucket

SINCE = datetime(2024, 5, 12, 1, 30, tzinfo=UTC)
OF_PROGRAMS = next(scope for scope in SCOPES if scope.by == ("mini_program_id",))


def _chains() -> pl.DataFrame:
    random, first, rows = np.random.default_rng(5), bucket_of(SINCE) - 50, 4_000
    t = random.integers(first, first + 300, rows)
    p = np.where(random.random(rows) < 0.2, NEVER, t - random.integers(1, 200, rows))
    columns = {"mini_program_id": random.integers(1, 5, rows), "t": t, "p": p, "n": random.integers(-1, 4, rows)}
    whole = (
        pl.DataFrame(columns, schema=OF_PROGRAMS.schema).group_by("mini_program_id", "t", "p").agg(pl.col("n").sum())
    )
    return whole.sort(*OF_PROGRAMS.order)


def _sorted(counted: pl.DataFrame) -> list[tuple[object, ...]]:
    rows = counted.filter((pl.col("active_users") != 0) | (pl.col("new_users") != 0))
    return sorted(rows.select("bucket", pl.exclude("bucket")).rows())


@pytest.mark.spec("T3")
@pytest.mark.parametrize("grain", list(Grain))
@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "Asia/Kolkata"])
def test_users_are_those_of_the_chains_added_up(grain: Grain, zone: str) -> None:
    chains = _chains()
    cut = chains.height // 2
    parts = [Kept.of(part) for part in (chains[:cut], chains[cut:])]
    assert parts[1].follows(parts[0])
    buckets = bucket_starts(Period(SINCE, SINCE + timedelta(hours=101), zone), grain)
    for files in (parts, [Kept.joined(parts)], [Kept.of(chains)]):
        for by, chosen in (
            ((), pl.lit(True)),
            (("mini_program_id",), pl.lit(True)),
            ((), pl.col("mini_program_id") == 3),
        ):
            expected = users_by_bucket(chains.filter(chosen), buckets, by)
            assert _sorted(counted_by_bucket(files, buckets, by, chosen)) == _sorted(expected)


def test_a_joined_file_tells_the_same_first_presences() -> None:
    chains = _chains()
    block = pl.col("t") // BLOCK
    parts = [
        Kept.of(chains.filter(block <= chains["t"][2_000] // BLOCK)),
        Kept.of(chains.filter(block > chains["t"][2_000] // BLOCK)),
    ]
    by = ["mini_program_id", "t"]
    expected = chains.filter(pl.col("p") == NEVER, pl.col("n") != 0).select(*by, "n").sort(by)
    assert Kept.joined(parts).firsts.select(*by, "n").sort(by).rows() == expected.rows()
