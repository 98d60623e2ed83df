"""Synthetic usage, as large as wanted: a lake of one tenant, written as the refresh would have written its events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from lib.access.viewer import EVERY_TENANT
from lib.settings import Settings, load_settings
from lib.store import Store, catalogue, schema
from lib.store.tables import Tenant
from lib.usage import raw
from lib.usage.buckets import EPOCH
from lib.usage.events import STORED, key_of_id, keyed
from lib.usage.lake import DayFiles, Lake, Manifest, TenantFiles
from lib.usage.seen import Keys
from lib.usage.sessions import LAKE_ORDER
from lib.usage.writing import Writing

UNTIL = datetime(2026, 1, 1, tzinfo=UTC)
DAY_US = 86_400_000_000
EVENTS_PER_SESSION = 4
SYSTEMS = ("iOS", "Android", "HarmonyOS", "Windows", "macOS")


@dataclass(frozen=True)
class Size:
    """How much; visitors, applications and mini programs are drawn by Zipf's law, so few of them have most."""

    events: int = 10_000_000
    days: int = 90
    applications: int = 20
    mini_programs: int = 50
    visitors: int = 1_000_000
    pages: int = 30

    @property
    def since(self) -> datetime:
        """When the first session may begin."""
        return UNTIL - timedelta(days=self.days)


@dataclass(frozen=True)
class Place:
    """Where the tenant of a size is."""

    settings: Settings
    store: Store
    lake: Lake
    tenant_id: int


def open_place(folder: Path) -> Place:
    """The benchmark's home in a folder."""
    settings = load_settings({"DAYBOOK_HOME": str(folder)})
    store = Store(settings.database_url)
    with store.read(EVERY_TENANT) as session:
        tenant_id = catalogue.tenant_of(session, "bench").id
    return Place(settings, store, Lake(settings.lake), tenant_id)


def generate(folder: Path, size: Size) -> int:
    """Make the home with its tenant and events, which no refresh has counted yet; returns how many events."""
    settings = load_settings({"DAYBOOK_HOME": str(folder)})
    schema.migrate(store := Store(settings.database_url))
    with store.write(EVERY_TENANT) as session:
        session.add(tenant := Tenant(key="bench", name="Bench", created_at=UNTIL))
        session.flush()
        applications = [f"application-{n}" for n in range(size.applications)]
        programs = [f"program-{n}" for n in range(size.mini_programs)]
        ids = (
            catalogue.ensured_applications(session, tenant.id, applications, "bench"),
            catalogue.ensured_mini_programs(session, tenant.id, programs, "bench"),
        )
    lake = Lake(settings.lake)
    writing = Writing(lake, tenant.id, 1)
    days: dict[str, DayFiles] = {}
    keys: list[Keys] = []
    streams: list[Keys] = []
    for day, events in _days(size, ids):
        first, last = events.select(first=pl.col("at").dt.epoch().min(), last=pl.col("at").dt.epoch().max()).row(0)
        name = raw.written(writing, f"events/{day}", events)
        days[day.isoformat()] = DayFiles((name,), {}, events.height, first, last)
        keys.append(events["key"].to_numpy())
        streams.append(events["stream_id"].unique().to_numpy())
    seen: dict[str, tuple[str, ...]] = {
        kind: (writing.keys(kind, np.sort(np.concatenate(parts))),)
        for kind, parts in (("usage", keys), ("stream", streams))
    }
    lake.publish(Manifest(publication=1, tenants={tenant.id: TenantFiles(days=days, seen=seen)}))
    return sum(files.rows for files in days.values())


Ids = tuple[dict[str, int], dict[str, int]]


def _days(size: Size, ids: Ids) -> Iterator[tuple[date, pl.DataFrame]]:
    random = np.random.default_rng(20_240_101)
    sessions = size.events // size.days // EVENTS_PER_SESSION
    for day in range(size.days):
        start = size.since + timedelta(days=day)
        events = drawn(random, size, ids, start, DAY_US, sessions)
        stored = events.with_columns(session_id=pl.col("stream_id"), is_excluded=pl.lit(False)).select(list(STORED))
        yield start.date(), stored.sort(LAKE_ORDER)


def drawn(
    random: np.random.Generator, size: Size, ids: Ids, start: datetime, span_us: int, sessions: int
) -> pl.DataFrame:
    """The events (EVENT) of so many sessions that begin within `span_us` from `start`."""
    per_session = np.minimum(random.geometric(1 / EVENTS_PER_SESSION, sessions), 20)
    session = np.repeat(np.arange(sessions), per_session)
    begins = (start - EPOCH) // timedelta(microseconds=1) + random.integers(0, span_us, sessions)
    rows = pl.DataFrame(
        {
            "session": session,
            "begin_us": begins[session],
            "gap_us": (random.exponential(25, len(session)) * 1_000_000).astype(np.int64),
            "application": _zipf(random, size.applications, sessions, 1.0)[session],
            "mini_program": _zipf(random, size.mini_programs, sessions, 1.0)[session],
            "visitor": _zipf(random, size.visitors, sessions, 0.8)[session],
            "page": _zipf(random, size.pages, len(session), 1.0),
            "chance": random.random(len(session)),
            "seq": np.arange(len(session)),
            "key": random.integers(1, 2**63, len(session), dtype=np.uint64),
        }
    )
    told = _told(rows, f"{start:%y%m%d%H%M}", ids).filter(pl.col("at") < UNTIL + timedelta(minutes=30))
    return keyed(told.with_columns(key=key_of_id(pl.col("event_id"))))


def _zipf(random: np.random.Generator, number: int, draws: int, exponent: float) -> npt.NDArray[np.int64]:
    """Ranks from 0, each with a chance in proportion to (rank + 1) ** -exponent."""
    weights = np.cumsum(np.arange(1, number + 1, dtype=np.float64) ** -exponent)
    return np.searchsorted(weights / weights[-1], random.random(draws), side="right").astype(np.int64)


def _told(rows: pl.DataFrame, prefix: str, ids: Ids) -> pl.DataFrame:
    first = pl.col("session") != pl.col("session").shift(1).fill_null(-1)
    chance = pl.col("chance")
    kind = (
        pl.when(first)
        .then(pl.when(chance < 0.4).then(pl.lit("open")).otherwise(pl.lit("page_view")))
        .when(chance < 0.90)
        .then(pl.lit("page_view"))
        .when(chance < 0.93)
        .then(pl.lit("share"))
        .when(chance < 0.98)
        .then(pl.lit("page_leave"))
        .otherwise(pl.lit("custom"))
    )
    passed = pl.col("gap_us").cum_sum().over("session") - pl.col("gap_us").first().over("session")
    named = rows.with_columns(
        application=pl.format("application-{}", "application"),
        mini_program=pl.format("program-{}", "mini_program"),
        visitor=pl.format("visitor-{}", "visitor"),
        os=(pl.col("visitor") % len(SYSTEMS)).replace_strict(dict(enumerate(SYSTEMS))),
        page=pl.format("pages/{}/index", "page"),
        kind=kind,
        at=pl.lit(EPOCH) + pl.duration(microseconds=pl.col("begin_us") + passed),
        event_id=pl.format("{}-{}", pl.lit(prefix), "key"),
    )
    leaves, views = pl.col("kind") == "page_leave", pl.col("kind") == "page_view"
    return named.with_columns(
        session=pl.format("{}-{}", pl.lit(prefix), "session"),
        page=pl.when(leaves).then(pl.col("page").shift(1)).otherwise(pl.col("page")),
        duration_ms=pl.when(leaves | (views & (chance > 0.5))).then(pl.col("gap_us") // 1000),
        application_id=pl.col("application").replace_strict(ids[0], return_dtype=pl.Int32),
        mini_program_id=pl.col("mini_program").replace_strict(ids[1], return_dtype=pl.Int32),
    )
