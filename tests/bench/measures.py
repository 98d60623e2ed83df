"""What is measured; each runs in a process of its own: `python -m tests.bench.measures NAME FOLDER SIZE`."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from polars.testing import assert_frame_equal

from lib.jobs.refresh import refresh
from lib.store import catalogue
from lib.usage import raw
from lib.usage.events import EVENT, KIND, key_of_id
from lib.usage.intake import Intake
from lib.usage.published import published
from lib.usage.recency import PAGE_SCOPES, SCOPES
from tests.bench import click, duck
from tests.bench.agreement import table_sums
from tests.bench.events import UNTIL, Place, Size, drawn, generate, open_place
from tests.bench.pages import dashboard_alone, dashboards, overview_alone
from tests.bench.users import Figures, chdb_users, daybook_users, duckdb_users, polars_users, raw_files

HALF_HOUR = timedelta(minutes=30)


def made(folder: Path, size: Size) -> Figures:
    """The events themselves."""
    events = generate(folder, size)
    return {"events": events}


def daybook_rebuild(folder: Path, size: Size) -> Figures:
    """`daybook refresh --full`."""
    place = open_place(folder)
    refresh(place.settings, place.store, full=True, now=UNTIL)
    files = place.lake.manifest().tenants[place.tenant_id]
    raw_bytes = _bytes(place, (name for names in files.raw.values() for name in names))
    seen_bytes = _bytes(place, (name for names in files.seen.values() for name in names))
    return {
        "raw_bytes": raw_bytes,
        "seen_bytes": seen_bytes,
        "table_bytes": _bytes(place, files.paths()) - raw_bytes - seen_bytes,
    }


def _bytes(place: Place, names: Iterable[str]) -> int:
    return sum(place.lake.path(name).stat().st_size for name in names)


def duckdb_rebuild(folder: Path, size: Size) -> Figures:
    """The same in SQL."""
    duck.rebuild(raw_files(open_place(folder)), folder / "duckdb", os.cpu_count() or 1)
    return {}


def duckdb_ordered_rebuild(folder: Path, size: Size) -> Figures:
    """The same in SQL that takes the files' order for the sessions' order."""
    duck.rebuild(raw_files(open_place(folder)), folder / "duckdb_ordered", os.cpu_count() or 1, ordered=True)
    return {}


def chdb_rebuild(folder: Path, size: Size) -> Figures:
    """The same in ClickHouse's SQL."""
    click.rebuild(raw_files(open_place(folder)), folder / "chdb", os.cpu_count() or 1)
    return {}


def rebuilds_agree(folder: Path, size: Size) -> Figures:
    """Every row of every table that each of the engines has made. Raises AssertionError."""
    place = open_place(folder)
    tables = published(place.lake, place.tenant_id)
    # A half hour may stand in the files of two dates, and a chain in several slices, of which their rows are the sum.
    for name, found in (("counts", tables.counts()), ("pages", tables.pages())):
        _agree(folder, name, found, [each for each in _PLACE if each in found.collect_schema()])
    recency_rows = sum(
        _agree(folder, f"recency-{scope.number}", tables.chains(scope), [*scope.by, "t", "p"])
        for scope in (*SCOPES, *PAGE_SCOPES)
    )
    presence_rows = _agree(folder, "presence", tables.presence().drop("n"), [*_PLACE, "visitor_id"])
    return {"presence_rows": presence_rows, "recency_rows": recency_rows}


_PLACE = ("t", "application_id", "mini_program_id", "os", "page")


def _agree(folder: Path, name: str, found: pl.LazyFrame, by: list[str]) -> int:
    rows = (
        found.group_by(by).agg(pl.all().sum()).with_columns(pl.col(pl.Categorical).cast(pl.String)).sort(by).collect()
    )
    for engine in ("duckdb", "duckdb_ordered", "chdb"):
        theirs = pl.read_parquet(folder / engine / f"{name}.parquet").select(rows.columns).sort(by)
        assert_frame_equal(rows, theirs, check_dtypes=False)
    return rows.height


def half_hour_made(folder: Path, size: Size) -> Figures:
    """What comes in one half hour, one event in a hundred again and as many late."""
    place = open_place(folder)
    with place.store.write(place.tenant_id) as session:
        ids = (
            catalogue.ensured_applications(session, place.tenant_id, _keys("application", size.applications), "bench"),
            catalogue.ensured_mini_programs(session, place.tenant_id, _keys("program", size.mini_programs), "bench"),
        )
    sessions = round(size.events / size.days / 48 / 4)
    events = drawn(np.random.default_rng(7), size, ids, UNTIL, 1_800_000_000, sessions)
    known = _known(place, UNTIL, events.height // 100)
    pl.concat([events, known, _late(known)]).write_ipc(folder / "half_hour.ipc")
    return {"added": events.height + known.height, "duplicate": known.height}


def half_hour(folder: Path, size: Size) -> Figures:
    """That taken into the inbox, then counted."""
    place = open_place(folder)
    batch = pl.read_ipc(folder / "half_hour.ipc")
    begun, cpu = time.perf_counter(), _cpu_seconds()
    Intake(place.store, place.settings.lake).append(place.tenant_id, "usage", "bench", batch)
    taken_in = time.perf_counter()
    done = refresh(place.settings, place.store, now=UNTIL + HALF_HOUR)
    assert done.added + done.duplicate == batch.height
    return {
        "events": batch.height,
        "intake_seconds": taken_in - begun,
        "refresh_seconds": time.perf_counter() - taken_in,
        "work_cpu_seconds": _cpu_seconds() - cpu,
    }


def _known(place: Place, until: datetime, number: int) -> pl.DataFrame:
    """Events of the seven days before that are in the lake, some of each."""
    days = [(until - timedelta(days=back)).date().isoformat() for back in range(1, 8)]
    files = place.lake.manifest().tenants[place.tenant_id].raw
    parts = [
        raw.scanned(place.lake, files[day]).collect().sample(max(1, number // 7), seed=3)
        for day in days
        if day in files
    ]
    return pl.concat(parts).select(list(EVENT))


def _late(known: pl.DataFrame) -> pl.DataFrame:
    """Other events of the same sessions, a second later."""
    later = known.with_columns(
        at=pl.col("at") + timedelta(seconds=1), event_id=pl.col("event_id") + "-late", kind=pl.lit("page_view", KIND)
    )
    return later.with_columns(key=key_of_id(pl.col("event_id")), page=pl.lit("pages/0/index"))


def refresh_agrees(folder: Path, size: Size) -> Figures:
    """The tables after that refresh are those of a full rebuild. Raises AssertionError."""
    place = open_place(folder)
    refreshed = table_sums(place.lake, place.tenant_id)
    begun, cpu = time.perf_counter(), _cpu_seconds()
    refresh(place.settings, place.store, full=True, now=UNTIL + HALF_HOUR)
    rebuilt = {"rebuild_seconds": time.perf_counter() - begun, "rebuild_cpu_seconds": _cpu_seconds() - cpu}
    assert table_sums(place.lake, place.tenant_id) == refreshed
    return {**rebuilt, "sums": refreshed}


def _keys(kind: str, number: int) -> list[str]:
    return [f"{kind}-{n}" for n in range(number)]


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def collector(folder: Path, size: Size) -> Figures:
    """Batches of 100 events, durable before the answer: a collector alone, and one beside the console."""
    # Not above: what it loads would be in the memory of every other measure.
    from tests.bench.collector import collected

    alone = collected(folder / "collector", options=("--collector-only",))
    return {"alone": alone, "beside": collected(folder / "collector-beside")}


MEASURES: dict[str, Callable[[Path, Size], Figures]] = {
    each.__name__: each
    for each in (
        made,
        daybook_rebuild,
        duckdb_ordered_rebuild,
        duckdb_rebuild,
        chdb_rebuild,
        rebuilds_agree,
        daybook_users,
        duckdb_users,
        chdb_users,
        polars_users,
        overview_alone,
        dashboard_alone,
        dashboards,
        half_hour_made,
        half_hour,
        refresh_agrees,
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
