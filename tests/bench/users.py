"""Exact active users over all days, asked of four engines: of everything, of one mini program, of the top 50 each."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from lib.store import catalogue
from lib.usage.buckets import Grain, Period, bucket_starts
from lib.usage.kept import counted_by_bucket
from lib.usage.published import published
from lib.usage.recency import SCOPES
from tests.bench import click
from tests.bench.events import UNTIL, Place, Size, open_place

Figures = dict[str, Any]
Ask = Callable[[], object]
QUESTIONS = ("everything", "one", "each")


def raw_files(place: Place) -> str:
    """A glob of the raw events as they were made."""
    return str(place.lake.folder / str(place.tenant_id) / "events" / "*-1.0.parquet")


def largest_program(place: Place) -> int:
    """The id of the mini program with the most events."""
    with place.store.write(place.tenant_id) as session:
        return catalogue.ensured_mini_programs(session, place.tenant_id, ["program-0"], "bench")["program-0"]


def timed(ask: Ask, times: int = 5) -> Figures:
    """The first answer's time, the median and the 95th percentile of the next ones', and the answer."""
    spent = []
    for _ in range(times + 1):
        begun = time.perf_counter()
        answer = ask()
        spent.append((time.perf_counter() - begun) * 1000)
    warm = sorted(spent[1:])
    p95 = warm[min(len(warm) - 1, int(len(warm) * 0.95))]
    return {"first_ms": spent[0], "ms": statistics.median(warm), "p95_ms": p95, "answer": answer}


def daybook_users(folder: Path, size: Size) -> Figures:
    """From the chains that the console keeps in memory."""
    place = open_place(folder)
    period = bucket_starts(Period(size.since, UNTIL), Grain.PERIOD)
    program = largest_program(place)
    tables = published(place.lake, place.tenant_id)
    begun = time.perf_counter()
    tenant, programs = tables.kept(SCOPES[0]), tables.kept(SCOPES[2])
    load_ms = (time.perf_counter() - begun) * 1000

    def each() -> list[tuple[int, int]]:
        rows = counted_by_bucket(programs, period, ["mini_program_id"], pl.lit(True))
        return list(rows.select("mini_program_id", "active_users").sort("mini_program_id").iter_rows())

    def everything() -> int:
        return int(counted_by_bucket(tenant, period, [], pl.lit(True))["active_users"][0])

    def one() -> int:
        of_program = pl.col("mini_program_id") == program
        return int(counted_by_bucket(programs, period, [], of_program)["active_users"][0])

    return {"load_ms": load_ms, "everything": timed(everything), "one": timed(one), "each": timed(each)}


def duckdb_users(folder: Path, size: Size) -> Figures:
    """By count(distinct), from a table in memory with only the columns needed."""
    place = open_place(folder)
    program = largest_program(place)
    with duckdb.connect(config={"threads": os.cpu_count() or 1}) as database:
        database.execute(
            f"""CREATE TABLE kept AS SELECT mini_program_id, visitor_id FROM read_parquet('{raw_files(place)}')
            WHERE kind IN ('page_view', 'open')"""
        )

        def number(more: str) -> int:
            found = database.execute(f"SELECT count(DISTINCT visitor_id) FROM kept {more}").fetchone()
            return int((found or (0,))[0])

        by_program = "SELECT mini_program_id, count(DISTINCT visitor_id) FROM kept GROUP BY 1 ORDER BY 1"
        return {
            "everything": timed(lambda: number("")),
            "one": timed(lambda: number(f"WHERE mini_program_id = {program}")),
            "each": timed(lambda: database.execute(by_program).fetchall()),
        }


def chdb_users(folder: Path, size: Size) -> Figures:
    """By uniqExact, from a table in memory with only the columns needed."""
    place = open_place(folder)
    program = largest_program(place)
    (folder / "chdb-users").mkdir(exist_ok=True)
    database = click.session(folder / "chdb-users", os.cpu_count() or 1)
    database.query("CREATE DATABASE bench ENGINE = Atomic")
    database.query(
        f"""CREATE TABLE bench.kept ENGINE = Memory AS SELECT mini_program_id, visitor_id
        FROM file('{raw_files(place)}', Parquet) WHERE kind IN ('page_view', 'open')"""
    )

    def rows(query: str) -> list[tuple[int, ...]]:
        return [tuple(int(cell) for cell in line.split(",")) for line in str(database.query(query, "CSV")).split()]

    def number(more: str) -> int:
        return rows(f"SELECT uniqExact(visitor_id) FROM bench.kept {more}")[0][0]

    by_program = "SELECT mini_program_id, uniqExact(visitor_id) FROM bench.kept GROUP BY 1 ORDER BY 1"
    return {
        "everything": timed(lambda: number("")),
        "one": timed(lambda: number(f"WHERE mini_program_id = {program}")),
        "each": timed(lambda: rows(by_program)),
    }


def polars_users(folder: Path, size: Size) -> Figures:
    """By n_unique, from a frame in memory with only the columns needed."""
    place = open_place(folder)
    program = largest_program(place)
    whole = pl.scan_parquet(raw_files(place)).filter(pl.col("kind").cast(pl.String).is_in(["page_view", "open"]))
    kept = whole.select("mini_program_id", "visitor_id").collect()
    of_program = pl.col("mini_program_id") == program

    def each() -> list[tuple[int, int]]:
        rows = kept.group_by("mini_program_id").agg(pl.col("visitor_id").n_unique()).sort("mini_program_id")
        return list(rows.iter_rows())

    return {
        "everything": timed(lambda: kept["visitor_id"].n_unique()),
        "one": timed(lambda: kept.filter(of_program)["visitor_id"].n_unique()),
        "each": timed(each),
    }
