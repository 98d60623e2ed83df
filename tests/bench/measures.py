"""What is measured; each runs in a process of its own: `python -m tests.bench.measures NAME FOLDER SIZE`."""

from __future__ import annotations

import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
from polars.testing import assert_frame_equal

from lib.access.permissions import AccountType, of_type
from lib.access.viewer import EVERY_APPLICATION, Viewer
from lib.jobs.refresh import refresh
from lib.queries.programs import ProgramQueries
from lib.queries.usage import UsageFilter, UsageQueries
from lib.store import catalogue
from lib.usage.buckets import Grain, Period, bucket_starts
from lib.usage.intake import Intake
from lib.usage.published import between, published
from lib.usage.recency import PAGE_SCOPES, SCOPES
from lib.usage.users import users_by_bucket
from tests.bench import duck
from tests.bench.collector import collected
from tests.bench.events import UNTIL, Place, Size, drawn, generate, open_place

Figures = dict[str, Any]
HALF_HOUR = timedelta(minutes=30)


def made(folder: Path, size: Size) -> Figures:
    """The events themselves."""
    events = generate(folder, size)
    taken = sum(file.stat().st_size for file in folder.rglob("*.parquet"))
    return {"events": events, "bytes_per_event": round(taken / events, 1)}


def daybook_rebuild(folder: Path, size: Size) -> Figures:
    """`daybook refresh --full`."""
    place = open_place(folder)
    refresh(place.settings, place.store, full=True, now=UNTIL)
    return {}


def duckdb_rebuild(folder: Path, size: Size) -> Figures:
    """The same in SQL."""
    duck.rebuild(_events(open_place(folder)), folder / "duckdb", os.cpu_count() or 1)
    return {}


def rebuilds_agree(folder: Path, size: Size) -> Figures:
    """Every row of every table that the two have made. Raises AssertionError."""
    place = open_place(folder)
    tables = published(place.lake, place.tenant_id)
    # A half hour may stand in the files of two dates, of which its rows are the sum.
    for name, found in (("counts", tables.counts), ("pages", tables.pages().collect())):
        by = [each for each in ("t", "application_id", "mini_program_id", "os", "page") if each in found.columns]
        _agree(found.group_by(by).agg(pl.exclude(by).sum()), folder / "duckdb" / f"{name}.parquet", by)
    recency_rows = 0
    for scope in (*SCOPES, *PAGE_SCOPES):
        chains = tables.page_chains(scope).collect() if scope in PAGE_SCOPES else tables.chains(scope)
        recency_rows += chains.height
        _agree(chains, folder / "duckdb" / f"recency-{scope.number}.parquet", [*scope.by, "t", "p"])
    presence = tables.presence().unique().collect()
    _agree(presence, folder / "duckdb" / "presence.parquet", presence.columns)
    return {"presence_rows": presence.height, "recency_rows": recency_rows}


def _agree(ours: pl.DataFrame, theirs: Path, by: list[str]) -> None:
    assert_frame_equal(ours.sort(by), pl.read_parquet(theirs).select(ours.columns).sort(by), check_dtypes=False)


def half_hour(folder: Path, size: Size) -> Figures:
    """What came in one half hour: taken into the inbox, then counted."""
    place = open_place(folder)
    with place.store.write(place.tenant_id) as session:
        ids = (
            catalogue.ensured_applications(session, place.tenant_id, _keys("application", size.applications), "bench"),
            catalogue.ensured_mini_programs(session, place.tenant_id, _keys("program", size.mini_programs), "bench"),
        )
    sessions = round(size.events / size.days / 48 / 4)
    events = drawn(np.random.default_rng(7), size, ids, UNTIL, 1_800_000_000, sessions)
    begun, cpu = time.perf_counter(), _cpu_seconds()
    accepted = Intake(place.store, place.settings.lake).accept(place.tenant_id, "usage", "bench", events)
    taken_in = time.perf_counter()
    done = refresh(place.settings, place.store, now=UNTIL + HALF_HOUR)
    assert done.added == accepted.accepted == events.height
    return {
        "events": events.height,
        "intake_seconds": taken_in - begun,
        "refresh_seconds": time.perf_counter() - taken_in,
        "work_cpu_seconds": _cpu_seconds() - cpu,
    }


def _keys(kind: str, number: int) -> list[str]:
    return [f"{kind}-{n}" for n in range(number)]


def daybook_users(folder: Path, size: Size) -> Figures:
    """Exact active users over all days: of the tenant, and of its largest mini program."""
    place = open_place(folder)
    period = Period(size.since, UNTIL)
    whole_period = bucket_starts(period, Grain.PERIOD)
    program = _program(place)
    begun = time.perf_counter()
    tables = published(place.lake, place.tenant_id)
    tenant, programs = tables.chains(SCOPES[0]), tables.chains(SCOPES[2])
    load_ms = (time.perf_counter() - begun) * 1000

    def whole() -> int:
        return int(users_by_bucket(between(tenant, period.first, period.end), whole_period)["active_users"][0])

    def of_program() -> int:
        own = programs.filter(pl.col("mini_program_id") == program)
        return int(users_by_bucket(between(own, period.first, period.end), whole_period)["active_users"][0])

    return {"load_ms": load_ms, "tenant": _timed(whole), "mini_program": _timed(of_program)}


def duckdb_users(folder: Path, size: Size) -> Figures:
    """The same by count(distinct), from Parquet and from a table in memory with only the columns needed."""
    place = open_place(folder)
    program = _program(place)
    during = (
        f"""kind IN ('page_view', 'open') AND "at" >= '{size.since.isoformat()}' AND "at" < '{UNTIL.isoformat()}'"""
    )
    with duckdb.connect(config={"threads": os.cpu_count() or 1}) as database:
        database.execute("SET TimeZone = 'UTC'")
        parquet = f"read_parquet('{_events(place)}')"
        database.execute(
            f'CREATE TABLE kept AS SELECT "at", kind::VARCHAR AS kind, mini_program_id, visitor_id FROM {parquet}'
        )

        def asked(source: str, more: str) -> Callable[[], int]:
            query = f"SELECT count(DISTINCT visitor_id) FROM {source} WHERE {during} {more}"
            return lambda: int((database.execute(query).fetchone() or (0,))[0])

        one = f"AND mini_program_id = {program}"
        return {
            "tenant": _timed(asked(parquet, "")),
            "mini_program": _timed(asked(parquet, one)),
            "tenant_in_memory": _timed(asked("kept", "")),
            "mini_program_in_memory": _timed(asked("kept", one)),
        }


def dashboards(folder: Path, size: Size) -> Figures:
    """The queries of the two dashboards' pages, over 30 and over 90 days with the period before."""
    place = open_place(folder)
    usage = UsageQueries(_viewer(place), place.store, place.settings.lake)
    programs = ProgramQueries(_viewer(place), place.store)
    figures: Figures = {}
    for days in (30, 90):
        asked = UsageFilter(Period(UNTIL - timedelta(days=days), UNTIL))
        before = replace(asked, period=asked.period.previous())
        chosen = replace(asked, mini_program="program-0")
        of_one = replace(chosen, application="application-0")
        of_system = replace(chosen, os="iOS")
        figures |= {
            f"overview_{days}": _timed(lambda a=asked, b=before: overview(usage, programs, a, b)),
            f"dashboard_{days}": _timed(lambda a=chosen, b=before: dashboard(usage, programs, a, b)),
            f"one_application_{days}": _timed(lambda a=of_one, b=before: dashboard(usage, programs, a, b)),
            f"pages_{days}": _timed(lambda a=chosen: page_access(usage, a)),
            f"os_{days}": _timed(lambda a=of_system, b=before: dashboard(usage, programs, a, b)),
        }
    return figures


def overview(usage: UsageQueries, programs: ProgramQueries, asked: UsageFilter, before: UsageFilter) -> int:
    """Cards, trend with the period before, and both rankings with theirs."""
    usage.as_of()
    for each in (asked, before):
        usage.totals(each)
        usage.trend(each, Grain.DAY)
        usage.ranking(each, "mini_program")
        usage.ranking(each, "application")
    return int(usage.totals(asked)["active_users"] or 0)


def dashboard(usage: UsageQueries, programs: ProgramQueries, asked: UsageFilter, before: UsageFilter) -> int:
    """The choices, the cards, the trend with the period before, and each application."""
    usage.as_of()
    programs.choices()
    programs.applications(asked.mini_program)
    usage.operating_systems(asked.mini_program)
    for each in (asked, replace(asked, period=before.period)):
        usage.totals(each)
        usage.trend(each, Grain.DAY)
    usage.ranking(asked, "application")
    return int(usage.totals(asked)["active_users"] or 0)


def page_access(usage: UsageQueries, asked: UsageFilter) -> int:
    """The table of pages and the trend of the first."""
    pages = usage.pages(asked)
    usage.page_trend(asked, pages["page"][0], Grain.DAY)
    return pages.height


def _timed(ask: Callable[[], int], times: int = 3) -> Figures:
    """The first answer's time, the median of the next ones', and the answer."""
    spent = []
    for _ in range(times + 1):
        begun = time.perf_counter()
        answer = ask()
        spent.append((time.perf_counter() - begun) * 1000)
    return {"first_ms": spent[0], "ms": statistics.median(spent[1:]), "answer": answer}


def _viewer(place: Place) -> Viewer:
    return Viewer(
        account_id=1,
        account_name="bench",
        account_type=AccountType.PLATFORM,
        tenant_id=place.tenant_id,
        tenant_key="bench",
        tenant_name="Bench",
        permissions=of_type(AccountType.PLATFORM),
        applications=EVERY_APPLICATION,
    )


def _program(place: Place) -> int:
    with place.store.write(place.tenant_id) as session:
        return catalogue.ensured_mini_programs(session, place.tenant_id, ["program-0"], "bench")["program-0"]


def _events(place: Place) -> str:
    return str(place.lake.folder / str(place.tenant_id) / "events" / "*-1.0.parquet")


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def collector(folder: Path, size: Size) -> Figures:
    """Batches of 100 events, durable before the answer: a collector alone, and one beside the console."""
    alone = collected(folder / "collector", options=("--collector-only",))
    return {"alone": alone, "beside": collected(folder / "collector-beside")}


MEASURES: dict[str, Callable[[Path, Size], Figures]] = {
    each.__name__: each
    for each in (
        made,
        daybook_rebuild,
        duckdb_rebuild,
        rebuilds_agree,
        daybook_users,
        duckdb_users,
        dashboards,
        half_hour,
        collector,
    )
}


def main(name: str, folder: str, size: str) -> None:
    """Run one measure and print its figures, with what the process used."""
    begun, cpu = time.perf_counter(), _cpu_seconds()
    figures = MEASURES[name](Path(folder), Size(**json.loads(size)))
    used = {
        "seconds": time.perf_counter() - begun,
        "cpu_seconds": _cpu_seconds() - cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps({**figures, **used}))


def encoded(size: Size) -> str:
    """A size as the argument of a measuring process."""
    return json.dumps(asdict(size))


if __name__ == "__main__":
    main(*sys.argv[1:])
