"""Raw events and visits go when their tenant says so; what was counted of events is the same afterwards."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from lib.access.viewer import EVERY_APPLICATION, EVERY_TENANT, ApplicationScope
from lib.cli import main
from lib.errors import BadInput, NotPermitted
from lib.jobs.purge import purge
from lib.jobs.refresh import refresh
from lib.queries.exclusions import ExclusionQueries
from lib.queries.keeping import KEPT, RetentionQueries
from lib.queries.reconciling import Reconciling
from lib.settings import Settings, load_settings
from lib.store import Store
from lib.store.tables import BucketLedger, Operation
from lib.usage.buckets import bucket_of, of_dates
from lib.usage.exclusions import Rule
from lib.usage.intake import Intake
from lib.usage.lake import Lake
from lib.usage.published import Published
from lib.usage.removed import belongs_to_removed, removable, without_raw
from lib.usage.verify import CHECKS, begin, differences
from lib.usage.writing import Writing
from tests.lib.events import NOON, Shelf, event, events
from tests.lib.test_refresh import add_tenant, viewer_of

pytestmark = pytest.mark.spec("A8")

CLICKS = "time=timestamp,visitor=user_id,session=session_id,page=event"
AS_SHOP = ("--format", "csv", "--map", CLICKS, "--application-field", "platform", "--mini-program", "shop")
AS_WEB = ("--format", "combined", "--application", "web", "--mini-program", "site")
EVER = ("--tenant", "acme", "--since", "2015-05-01", "--until", "2024-08-01")
NOW = datetime(2024, 7, 10, 3, tzinfo=UTC)
"""100 days before it is 1 April 2024, which 9,157 rows of the clickstream are older than."""


class Command:
    """The `daybook` command on a home."""

    def __init__(self, home: Path) -> None:
        self.environment = {"DAYBOOK_HOME": str(home)}
        self.settings: Settings = load_settings(self.environment)

    def __call__(self, *words: str, code: int = 0) -> str:
        done = CliRunner().invoke(main, words, env=self.environment)
        assert done.exit_code == code, (words, done.output, done.exception)
        self.told = done.stderr
        return done.stdout

    def purge(self) -> tuple[int, int]:
        store = Store(self.settings.database_url)
        done = purge(self.settings, store, NOW)
        store.dispose()
        return done.events, done.visits


def figures(daybook: Command) -> dict[str, Any]:
    """All that is shown of the two samples."""
    asked = [("--grain", grain) for grain in ("half-hour", "day", "period")]
    asked += [("--grain", "week", "--by", by) for by in ("application", "mini-program", "page", "os")]
    asked += [("--grain", "day", "--zone", "Asia/Shanghai")]
    return {" ".join(words): json.loads(daybook("show", "usage", *EVER, *words, "--format", "json")) for words in asked}


@pytest.fixture(scope="module")
def counted(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """A clickstream of half a year, and an access log of four days in 2015."""
    daybook = Command(tmp_path_factory.mktemp("home"))
    daybook("init")
    daybook("tenant", "add", "acme", "--name", "Acme")
    clicks, log = samples / "retentioneering_ecom_31k.csv.gz", samples / "elastic_apache_logs_10k.log.gz"
    daybook("import", "usage", str(clicks), "--tenant", "acme", *AS_SHOP)
    daybook("import", "usage", str(log), "--tenant", "acme", *AS_WEB)
    daybook("import", "visits", str(log), "--tenant", "acme")
    daybook("refresh")
    return daybook


@pytest.fixture(scope="module")
def kept(counted: Command, samples: Path) -> tuple[Command, dict[str, Any]]:
    """The same when all but the last 100 days is gone, with the figures of before."""
    before = figures(counted)
    assert counted.purge() == (0, 0)
    counted("tenant", "keep", "acme", "--events", "100", "--visits", "3000")
    old = _old_clicks(samples)
    assert counted.purge() == (old + 9_999, 9_999)
    return counted, before


def _old_clicks(samples: Path) -> int:
    """How many rows of the clickstream are of sessions that began before 1 April 2024."""
    rows = pl.read_csv(samples / "retentioneering_ecom_31k.csv.gz")
    began = pl.col("timestamp").min().over("session_id", "platform", "user_id")
    return rows.filter(began < "2024-04-01").height


@pytest.mark.spec("T3", "T5", "T6")
def test_every_figure_is_the_same_after_the_raw_events_are_gone(kept: tuple[Command, dict[str, Any]]) -> None:
    daybook, before = kept
    assert figures(daybook) == before
    assert sum(row["page_views"] for row in before["--grain period"]) == 31_106 + 9_999
    daybook("refresh", "--full")
    assert figures(daybook) == before


def test_the_rows_leave_the_disk_and_visits_leave_nothing(kept: tuple[Command, dict[str, Any]]) -> None:
    daybook, _ = kept
    files = Lake(daybook.settings.lake).manifest().tenants[1]
    assert (min(files.raw), files.raw_since) == ("2024-04-01", "2024-04-01")
    assert len(files.days) > len(files.raw)
    Lake(daybook.settings.lake).sweep(grace_seconds=-1)
    on_disk = {place.name[:10] for place in (daybook.settings.lake / "1" / "events").glob("*.parquet")}
    assert on_disk == set(files.raw)
    assert daybook("show", "visits", *EVER, "--format", "csv").count("\n") == 1


def test_importing_what_is_gone_again_adds_nothing(kept: tuple[Command, dict[str, Any]], samples: Path) -> None:
    daybook, before = kept
    clicks, log = samples / "retentioneering_ecom_31k.csv.gz", samples / "elastic_apache_logs_10k.log.gz"
    said = daybook("import", "usage", str(clicks), "--tenant", "acme", *AS_SHOP)
    assert said == "read 31106, accepted 0, repeated 31106, refused 0\n"
    assert daybook("import", "visits", str(log), "--tenant", "acme").startswith("read 10000, accepted 0, repeated 9999")
    daybook("refresh")
    assert figures(daybook) == before


def test_lines_of_dates_that_are_gone_are_set_aside(kept: tuple[Command, dict[str, Any]], tmp_path: Path) -> None:
    daybook, before = kept
    file = tmp_path / "late.csv"
    file.write_text("time,visitor,session,page\n2024-03-31 23:59:59,new,s1,/a\n2024-03-01 10:00:00,new,,/a\n")
    as_web = ("--format", "csv", "--application", "web", "--mini-program", "site")
    said = daybook("import", "usage", str(file), "--tenant", "acme", *as_web)
    assert said.startswith("read 2, accepted 0, repeated 0, refused 2 (set aside in ")
    rejects = Path(said.partition(" (set aside in ")[2].removesuffix(")\n"))
    reason = "it belongs to a session that began before 2024-04-01, whose raw events were removed"
    assert [json.loads(line)["reason"] for line in rejects.read_text().splitlines()] == [reason, reason]
    daybook("refresh")
    assert figures(daybook) == before


@pytest.mark.spec("T6")
def test_a_recount_says_what_it_cannot_reach_and_agrees_on_the_rest(kept: tuple[Command, dict[str, Any]]) -> None:
    daybook, _ = kept
    said = daybook("verify", "usage")
    assert said.endswith(", 0 differ\n")
    assert said != "acme: compared 0 figures, 0 differ\n"
    assert daybook.told.startswith("acme: Sessions that began before 2024-04-01 (UTC) can no longer be recounted: ")
    daybook("verify", "usage", "--since", "2024-03-01", "--until", "2024-04-01", code=2)
    assert daybook.told.splitlines()[-1].startswith("Nothing of this period can be recounted, ")
    # A wrong figure of a date that is kept is still found.
    lake = Lake(daybook.settings.lake)
    place = lake.path(lake.manifest().tenants[1].days["2024-05-12"].tables["counts"][0])
    honest = place.read_bytes()
    rows = pl.read_parquet(place)
    rows.with_columns(opens=pl.col("opens") + pl.when(pl.int_range(pl.len()) == 0).then(1).otherwise(0)).write_parquet(
        place
    )
    assert ", 1 differ\n" in daybook("verify", "usage", code=1)
    place.write_bytes(honest)


@pytest.fixture
def tenant(sqlite_store: Store, home: Settings) -> int:
    """A tenant that keeps raw events for 31 days and visits for ever."""
    tenant_id = add_tenant(sqlite_store)
    RetentionQueries(viewer_of(tenant_id), sqlite_store, home.lake).change(KEPT[0], 31)
    return tenant_id


def counted_and_purged(home: Settings, store: Store, tenant: int, now: datetime, *rows: dict[str, Any]) -> None:
    Intake(store, home.lake).accept(tenant, "usage", "test", events(*rows))
    refresh(home, store, now=now)
    purge(home, store, now)


@pytest.mark.spec("O3")
def test_the_purge_and_the_rule_are_recorded(sqlite_store: Store, home: Settings, tenant: int) -> None:
    now = NOON + timedelta(days=32)
    rows = (event(0), event(60, "bob"), event(86_400), event(5 * 86_400))
    counted_and_purged(home, sqlite_store, tenant, now, *rows)
    with sqlite_store.read(EVERY_TENANT) as session:
        told = [
            (row.operator, row.module, row.action, row.object_type, row.old_value, row.new_value)
            for row in session.scalars(select(Operation).where(Operation.tenant_id == tenant).order_by(Operation.id))
        ]
    gone = '{"count": 2, "first": "2024-05-12", "last": "2024-05-12"}'
    assert told[-2:] == [
        ("ann", "retention", "edit", "usage_event", '{"keeps_events_days": null}', '{"keeps_events_days": 31}'),
        ("schedule", "retention", "purge", "usage_event", gone, None),
    ]
    assert purge(home, sqlite_store, now).events == 0
    assert purge(home, sqlite_store, now + timedelta(days=1)).events == 1


def test_what_comes_too_late_is_told_in_the_ledger(sqlite_store: Store, home: Settings, tenant: int) -> None:
    now = NOON + timedelta(days=33)
    counted_and_purged(home, sqlite_store, tenant, now, event(0), event(86_400), event(5 * 86_400))
    late = [event(at, event_id=f"late{at}") for at in (-100_000, 600, 86_400 + 600, 4 * 86_400)]
    Intake(sqlite_store, home.lake).append(tenant, "usage", "test", events(*late))
    done = refresh(home, sqlite_store, now=now)
    assert (done.added, done.late, done.expired) == (1, 1, 3)
    again = refresh(home, sqlite_store, now=now)
    assert (again.added, again.expired) == (0, 0)
    asked = Reconciling(viewer_of(tenant), sqlite_store, home.lake)
    ledgered = asked.ledgered(of_dates(datetime.now(UTC).date() - timedelta(days=1), datetime.now(UTC).date(), "UTC"))
    assert (ledgered.added, ledgered.late, ledgered.expired) == (4, 1, 3)
    with sqlite_store.read(EVERY_TENANT) as session:
        assert session.scalar(select(func.sum(BucketLedger.rows_expired))) == 3
    assert asked.raw_since() == "2024-05-14"


@pytest.mark.spec("U8")
def test_a_rule_leaves_the_figures_of_dates_that_are_gone(sqlite_store: Store, home: Settings, tenant: int) -> None:
    now = NOON + timedelta(days=32)
    robot = {"address": "10.1.2.3"}
    rows = (event(0, **robot), event(5 * 86_400, **robot), event(5 * 86_400, "bob", address="192.0.2.1"))
    counted_and_purged(home, sqlite_store, tenant, now, *rows)
    ask = ExclusionQueries(viewer_of(tenant), sqlite_store, home.lake)
    assert ask.preview(Rule("address", "10.0.0.0/8")).since == "2024-05-13"
    ask.add(Rule("address", "10.0.0.0/8"))
    refresh(home, sqlite_store, now=now)
    assert _views(home) == [1, 1]
    ask.remove(1)
    refresh(home, sqlite_store, now=now)
    assert _views(home) == [1, 2]


def _days(home: Settings) -> dict[str, Any]:
    (files,) = Lake(home.lake).manifest().tenants.values()
    return dict(sorted(files.days.items()))


def test_a_time_that_is_too_short_and_whoever_may_not_are_refused(sqlite_store: Store, home: Settings) -> None:
    tenant_id = add_tenant(sqlite_store)
    viewer = viewer_of(tenant_id)
    ask = RetentionQueries(viewer, sqlite_store, home.lake)
    for kept, days in ((KEPT[0], 30), (KEPT[0], 36_501), (KEPT[1], 0)):
        with pytest.raises(BadInput, match="The time must be"):
            ask.change(kept, days)
    with pytest.raises(BadInput, match="only some applications"):
        some = replace(viewer, applications=ApplicationScope(every=False, ids=frozenset({1})))
        RetentionQueries(some, sqlite_store, home.lake).change(KEPT[0], 31)
    with pytest.raises(NotPermitted):
        RetentionQueries(replace(viewer, permissions=frozenset()), sqlite_store, home.lake).listing()
    assert viewer.applications == EVERY_APPLICATION
    assert ask.listing()["days"].to_list() == [None, None]


@pytest.mark.spec("T5")
@pytest.mark.parametrize("seed", range(3))
def test_late_events_change_only_what_can_be_recounted(tmp_path: Path, seed: int) -> None:
    """Three rounds of random events with a removal between them: who is too late is who a plain reading of all earlier
    events says, the figures of what is gone do not change, and a recount of the rest agrees."""
    chance, shelf, known = random.Random(seed), Shelf(tmp_path), list[dict[str, Any]]()
    for turn in range(3):
        made = [_made(chance, turn, at) for at in range(150)]
        batch = events(*made)
        expected = {row["event_id"] for row in made if _is_too_late(row, known, shelf.files.raw_since)}
        is_late = belongs_to_removed(shelf.lake, shelf.files, batch)
        assert set(batch.filter(is_late)["event_id"]) == expected
        gone = {day: names for day, names in shelf.files.days.items() if names.events is None}
        ledger = shelf.add(batch)
        assert (int(ledger["expired"].sum()), int(ledger["added"].sum())) == (len(expected), 150 - len(expected))
        assert {day: shelf.files.days[day] for day in gone} == gone
        known += [row for row in made if row["event_id"] not in expected]
        _agrees(shelf)
        whole = _recency(shelf)
        shelf.rebuild()
        assert _recency(shelf).equals(whole)
        shelf.publication += 1
        removal = removable(shelf.files, (NOON + timedelta(days=turn + 1)).date())
        shelf.files = without_raw(Writing(shelf.lake, 1, shelf.publication), shelf.files, removal)
        _agrees(shelf)


def _made(chance: random.Random, turn: int, at: int) -> dict[str, Any]:
    # Crowded around midnight, where sessions cross the border between what is gone and what is kept.
    near_midnight = 43_200 + 86_400 * chance.randrange(3) + chance.randrange(-4000, 4000)
    seconds = chance.choice([chance.randrange(4 * 86_400), near_midnight])
    session = chance.choice([None, None, f"s{chance.randrange(30)}"])
    return event(seconds, f"v{chance.randrange(6)}", session=session, event_id=f"{turn}.{at}")


def _stream(row: dict[str, Any]) -> tuple[object, ...]:
    return row["visitor"], row["session"]


def _is_too_late(row: dict[str, Any], known: list[dict[str, Any]], raw_since: str | None) -> bool:
    if raw_since is None:
        return False
    since = datetime.fromisoformat(raw_since).replace(tzinfo=UTC)
    if row["at"] < since:
        return True
    instants = sorted(other["at"] for other in known if _stream(other) == _stream(row))
    if row["session"] is not None:
        return bool(instants) and instants[0] < since
    idle, ends = timedelta(minutes=30), list[datetime]()
    for at, before in zip(instants, [None, *instants], strict=False):
        if before is not None and at - before < idle:
            if ends and ends[-1] == before:
                ends[-1] = at
        elif at < since:
            ends.append(at)
    return any(row["at"] < end + idle for end in ends)


def _agrees(shelf: Shelf) -> None:
    tables = Published(shelf.lake, shelf.publication, None, shelf.files)
    around = [bucket_of(NOON + timedelta(days=days)) for days in (-3, 9)]
    recounting = begin(tables, *around)
    try:
        found = {check.key: differences(recounting, check)[1] for check in CHECKS}
    finally:
        recounting.db.close()
    assert {key: rows.to_dicts() for key, rows in found.items() if rows.height} == {}


def _views(home: Settings) -> list[int]:
    lake = Lake(home.lake)
    files = [[lake.path(name) for name in day.tables["counts"]] for day in _days(home).values()]
    return [pl.read_parquet(each)["page_views"].sum() for each in files]


def _recency(shelf: Shelf) -> pl.DataFrame:
    tables = {name: table for name, table in shelf.tables().items() if name.startswith("recency")}
    return pl.concat((table.with_columns(scope=pl.lit(name)) for name, table in tables.items()), how="diagonal")
