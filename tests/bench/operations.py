"""The operation log at size: `python -m tests.bench.operations --rows 10000000`, or `--only` some of its measures.

The rows are written as `lib.logs.append` writes them, sealed and filed by the jobs themselves; each figure stands
beside that of a named peer on the same file in the same run. With `--keep FOLDER` the log stays there, and is measured
again as it is by the next run that names the folder.
"""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sqlalchemy import select

from lib.access.permissions import AccountType, Permission
from lib.access.viewer import EVERY_APPLICATION, EVERY_TENANT, Viewer
from lib.jobs.seal import seal
from lib.logs import sidecar
from lib.logs.checkpoints import FOLDER
from lib.logs.rows import COLUMNS, OperationRecord, values_of
from lib.queries.operation_filter import EVERY, OperationFilter
from lib.queries.operations import OperationQueries
from lib.settings import Settings, load_settings
from lib.store import Store, operations, schema
from lib.store.tables import Operation, Tenant
from lib.store.time_ids import LOW_BITS
from tests.bench.operation_writes import add, postgresql, sqlite_writers, verified

DAYS, TENANTS, BATCH = 180, 50, 20_000
UNTIL = datetime(2026, 11, 1, tzinfo=UTC)
SINCE = UNTIL - timedelta(days=DAYS)
WHOLE = OperationFilter(SINCE, UNTIL)
SEALED = "sealed"
"""The file that says of a kept folder that its log is whole."""

_CHINESE = ("看板", "报表", "用户", "权限", "导出", "登录", "数据", "指标", "配置", "删除", "修改", "新建")
_WORDS = (*_CHINESE, "sales", "revenue", "chart", "access", "export", "member")
_OPERATORS = [*(f"user{n}" for n in range(3000)), *(f"员工{n}" for n in range(2000))]

Row = tuple[str, str, str, str]


@dataclass(frozen=True)
class Place:
    """A home with a log in it, and what making it took."""

    settings: Settings
    store: Store
    tenant_ids: list[int]

    def ask(self) -> OperationQueries:
        """What a system administrator asks who looks at the largest tenant."""
        viewer = Viewer(
            account_id=1,
            account_name="root",
            account_type=AccountType.SYSTEM,
            tenant_id=self.tenant_ids[0],
            tenant_key="t0",
            tenant_name="T0",
            permissions=frozenset({Permission.OPERATION_LOG_READ}),
            applications=EVERY_APPLICATION,
        )
        return OperationQueries(viewer, self.store, self.settings.lake)

    def raw(self) -> sqlite3.Connection:
        """The database by its driver alone."""
        connection = sqlite3.connect(self.store.file)
        connection.execute("PRAGMA mmap_size = 2147483648")
        return connection


def kept(folder: Path) -> Place:
    """The log that an earlier run left in a folder."""
    settings = load_settings({"DAYBOOK_HOME": str(folder / "home")})
    store = Store(settings.database_url)
    with store.read(EVERY_TENANT) as session:
        return Place(settings, store, list(session.scalars(select(Tenant.id).order_by(Tenant.id))))


def generate(folder: Path, rows: int) -> tuple[Place, list[Row]]:
    """Write, seal and file the rows; tell the speed of each."""
    settings = load_settings({"DAYBOOK_HOME": str(folder / "home")})
    store = Store(settings.database_url)
    schema.migrate(store)
    with store.write(EVERY_TENANT) as session:
        tenants = [Tenant(key=f"t{n}", name=f"T{n}", created_at=SINCE) for n in range(TENANTS)]
        session.add_all(tenants)
        session.flush()
        place = Place(settings, store, [tenant.id for tenant in tenants])
    chance = np.random.default_rng(4)
    share = 1 / np.arange(1, TENANTS + 1)
    whose = np.sort(chance.choice(TENANTS, rows // BATCH, p=share / share.sum()))
    writing = 0.0
    for number, tenant in enumerate(whose.tolist()):
        made = list(_rows(chance, place.tenant_ids[tenant], number))
        began = time.process_time()
        with store.write(EVERY_TENANT) as session:
            operations.add_rows(session, made, [None] * len(made))
        writing += time.process_time() - began
    sealing = time.process_time()
    took = [_timed(lambda: seal(store, settings))]
    sealing = time.process_time() - sealing
    took.append(_timed(lambda: sidecar.follow(store, settings.lake, at_once=True)))
    sidecar_bytes = sum(path.stat().st_size for path in (settings.lake / "operations").glob("*"))
    return place, [
        ("rows written, a CPU second", f"{rows / writing:,.0f}", "", ""),
        ("rows sealed, a second", f"{rows / took[0]:,.0f}", "", ""),
        ("rows sealed, a CPU second", f"{rows / sealing:,.0f}", "", ""),
        ("rows filed, a second", f"{rows / took[1]:,.0f}", "", ""),
        ("database, bytes a row", f"{os.path.getsize(store.file) / rows:,.0f}", "", ""),
        ("sidecar (filters and keyword), bytes a row", f"{sidecar_bytes / rows:,.0f}", "", ""),
    ]


def _rows(chance: np.random.Generator, tenant_id: int, batch: int) -> Iterator[tuple[Any, ...]]:
    spread = chance.integers(0, DAYS * 86_400_000, BATCH)
    drawn = {name: chance.integers(0, 1 << 30, BATCH).tolist() for name in ("operator", "words", "place", "object")}
    begin = int(SINCE.timestamp() * 1000)
    for n, after in enumerate(spread.tolist()):
        words, place, thing = drawn["words"][n], drawn["place"][n], drawn["object"][n] % 1_000_000
        first, second, third = (_WORDS[words >> shift & 15] for shift in (0, 4, 8))
        record = OperationRecord(
            occurred_at=SINCE + timedelta(milliseconds=after),
            operator=_OPERATORS[drawn["operator"][n] % len(_OPERATORS)],
            product=("datafinder", "dmhub", "daybook")[place % 3],
            module=("dashboard", "asset", "account", "report", "segment")[place // 3 % 5],
            action=("create", "delete", "update", "export", "query")[place // 15 % 5],
            operation_class=("addition", "deletion", "modification", "querying")[place // 75 % 4],
            channel=("ui", "ui", "openapi")[place // 300 % 3],
            application=f"app{place // 900 % 20}",
            organization=f"org{place // 18_000 % 40}",
            object_type="dashboard",
            object_id=str(thing),
            object_name=f"{first}{second} {thing}",
            result="failure" if place // 720_000 % 10 == 0 else "success",
            address=f"10.{place % 256}.{words % 256}.1",
            content=f"{second}了{third} {first} {batch * BATCH + n}",
            old={"name": first, "count": thing},
            new={"name": second, "count": thing + 1, "list": [1, 2, 3]},
        )
        yield values_of(record, tenant_id, begin + after << LOW_BITS | (batch * BATCH + n) % (1 << LOW_BITS), UNTIL)


def pages(place: Place) -> Iterator[Row]:
    """The first page, the next, page 1,000, and pages under filters."""
    queries, raw = place.ask(), place.raw()
    cursors: list[int | None] = [None]
    for _ in range(999):
        cursors.append(queries.page(WHOLE, before=cursors[-1]).older)
    names = ", ".join(column.name for column in Operation.__table__.columns if column.name != "body")
    told = f"SELECT {names} FROM operation WHERE tenant_id = ? AND id < ? ORDER BY id DESC LIMIT 51"
    for name, cursor in (("first page", None), ("next page", cursors[1]), ("page 1,000", cursors[-1])):
        bound = (place.tenant_ids[0], cursor or (1 << 63) - 1)
        ours = _milliseconds(lambda cursor=cursor: queries.page(WHOLE, before=cursor), 200)
        theirs = _milliseconds(lambda bound=bound: raw.execute(told, bound).fetchall(), 200)
        yield f"{name}: p50 (p95) ms; raw driver", _spread(ours), _spread(theirs), _ratio(theirs, ours)
    for name, asked in _filters().items():
        yield f"page under {name}: p50 (p95) ms", _spread(_milliseconds(lambda a=asked: queries.page(a), 20)), "", ""
    raw.close()


def counts(place: Place) -> Iterator[Row]:
    """Exact totals, the histogram and all facets, against GROUP BY in SQLite."""
    queries, raw = place.ask(), place.raw()
    for name, asked in {"no filter": WHOLE, **_filters()}.items():
        ours = _milliseconds(lambda a=asked: queries.counts(a), 10)
        theirs: list[float] = []
        if name in ("no filter", "operator, all tenants", "no filter, all tenants"):
            where = "1" if asked.tenants else f"tenant_id = {place.tenant_ids[0]}"
            where += " AND operator = 'user7'" if asked.operators else ""
            grouped = (
                f"SELECT {column}, count(*) FROM operation WHERE {where} GROUP BY 1"
                for column in ("module", "action", "operator")
            )
            theirs = [sum(_timed(lambda s=s: raw.execute(s).fetchall()) for s in grouped) * 1000]
        yield (
            f"total, histogram, facets, {name}: p50 (p95) ms; GROUP BY of three facets",
            _spread(ours),
            _spread(theirs) if theirs else "",
            _ratio(theirs, ours) if theirs else "",
        )
    raw.close()


def keywords(place: Place) -> Iterator[Row]:
    """Words of any frequency: the first page and the total."""
    queries = place.ask()
    words = ("看板", "删除", "sales", "员工17", "user2999", "了", "不在", "absent", "54321", "export 12", "看板删除")
    for name, tenants in (("one tenant", ()), ("all tenants", (EVERY,))):
        asked = [replace(WHOLE, keyword=word, tenants=tenants) for word in words]
        for what, ask in (("first page", queries.page), ("total", queries.total)):
            took = [value for each in asked for value in _milliseconds(lambda a=each, f=ask: f(a), 3)]
            yield f"keyword, {what}, {name}: p50 (p95, worst) ms", f"{_spread(took)}, {max(took):,.0f}", "", ""


def writes(place: Place) -> Iterator[Row]:
    """Batches of 1,000, against the driver's own executemany into tables with the same indexes."""
    chance = np.random.default_rng(5)
    batches = [list(_rows(chance, place.tenant_ids[0], 100_000))[:1000] for _ in range(10)]
    with tempfile.TemporaryDirectory(dir=place.settings.home) as folder, closing(place.raw()) as raw:
        tables = ("operation", "operation_pending", "ix_operation_tenant_id_id")
        made = [raw.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0] for name in tables]
        ours, theirs = [], []
        stores = Store(f"sqlite:///{folder}/ours.sqlite")
        schema.migrate(stores)
        with closing(sqlite3.connect(f"{folder}/raw.sqlite", isolation_level=None)) as peer:
            same = ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536", "wal_autocheckpoint=16000")
            for statement in (*(f"PRAGMA {pragma}" for pragma in same), *made):
                peer.execute(statement)
            for n, batch in enumerate(batches):
                fresh = [(row[0], row[1] + (n << 10), *row[2:]) for row in batch]
                ours.append(_timed(lambda rows=fresh: add(stores, rows)))  # type: ignore[misc]
                theirs.append(_timed(lambda rows=fresh: _executemany(peer, rows)))  # type: ignore[misc]
    rates = [1000 / statistics.median(each) for each in (ours, theirs)]
    yield (
        "writes of 1,000, rows a second; raw executemany",
        f"{rates[0]:,.0f}",
        f"{rates[1]:,.0f}",
        f"{rates[0] / rates[1]:.2f}",
    )
    yield from sqlite_writers(batches[0], place.settings.home)
    yield from postgresql(batches[0])


def _executemany(peer: sqlite3.Connection, rows: list[tuple[Any, ...]]) -> None:
    peer.execute("BEGIN IMMEDIATE")
    marks = ", ".join("?" * len(COLUMNS))
    peer.executemany(f"INSERT INTO operation ({', '.join(COLUMNS)}) VALUES ({marks})", rows)
    peer.executemany("INSERT INTO operation_pending VALUES (?, ?)", [row[:2] for row in rows])
    peer.execute("COMMIT")


def proof(place: Place) -> Iterator[Row]:
    """Verifying the largest tenant's log."""
    return verified(place.store, place.settings.home / FOLDER, place.tenant_ids[0])


MEASURES: dict[str, Callable[[Place], Iterator[Row]]] = {
    "pages": pages,
    "counts": counts,
    "keywords": keywords,
    "writes": writes,
    "verify": proof,
}


def _filters() -> dict[str, OperationFilter]:
    week = replace(WHOLE, since=UNTIL - timedelta(days=7))
    return {
        "operator": replace(WHOLE, operators=("user7",)),
        "module and action, a week": replace(week, modules=("asset",), actions=("delete",)),
        "object": replace(WHOLE, object_type="dashboard", object_id="4711"),
        "class, channel, result, application": replace(
            WHOLE, classes=("deletion",), channels=("openapi",), results=("failure",), applications=("app3",)
        ),
        "keyword and operator": replace(WHOLE, keyword="删除", operators=("员工17",)),
        "nothing that is there": replace(WHOLE, operators=("nobody",)),
        "no filter, all tenants": replace(WHOLE, tenants=(EVERY,)),
        "operator, all tenants": replace(WHOLE, tenants=(EVERY,), operators=("user7",)),
    }


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _milliseconds(work: Callable[[], object], times: int) -> list[float]:
    work()
    return [_timed(work) * 1000 for _ in range(times)]


def _spread(took: list[float]) -> str:
    return f"{statistics.median(took):,.1f} ({float(np.quantile(took, 0.95)):,.1f})"


def _ratio(theirs: list[float], ours: list[float]) -> str:
    return f"{statistics.median(theirs) / statistics.median(ours):.2f}"


def main() -> None:
    """Measure, and print a table in Markdown."""
    asked = argparse.ArgumentParser(prog="python -m tests.bench.operations", description=__doc__)
    asked.add_argument("--rows", type=int, default=1_000_000)
    asked.add_argument("--only", choices=MEASURES, nargs="*", default=list(MEASURES))
    asked.add_argument("--folder", help="where to work: about 1.5 GB for a million rows, removed afterwards")
    asked.add_argument("--keep", type=Path, help="a folder for the log, which stays and is measured again as it is")
    given = asked.parse_args()
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, Polars {pl.__version__}"
    print(f"{given.rows:,} operations, {machine}")
    print("\n| measured | Daybook | peer | times better |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="daybook-bench-", dir=given.folder) as folder:
        home = given.keep or Path(folder)
        is_kept = (home / SEALED).exists()
        place, rows = (kept(home), []) if is_kept else generate(home, given.rows)
        (home / SEALED).touch()
        for row in rows:
            print("|", " | ".join(row), "|", flush=True)
        for name in given.only:
            print(f"  {name} ...", file=sys.stderr)
            for row in MEASURES[name](place):
                print("|", " | ".join(row), "|", flush=True)
        place.store.dispose()


if __name__ == "__main__":
    main()
