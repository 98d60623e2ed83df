"""Group commits: durable before the answer, together where they come together, and none lost where one fails."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from sqlalchemy import func, select

from lib.access.tokens import hash_of_token
from lib.access.viewer import EVERY_TENANT
from lib.collect.calls import Row
from lib.collect.commits import Commits, Full
from lib.errors import Unavailable
from lib.store import Store, intake_tallies
from lib.store.ingest_keys import WriteKey, write_key_of
from lib.store.intake_tallies import Sent
from lib.store.locks import job_lock
from lib.store.tables import Inbox
from lib.usage import merging
from lib.usage.intake import unpacked
from lib.usage.merging import merge
from tests.lib.collecting import Collecting, new_key
from tests.lib.companies import make_companies
from tests.lib.full_disk import full_disk
from tests.lib.test_collect_segment import screen

NOON = datetime(2024, 5, 12, 12, tzinfo=UTC)
HALF_PAST = NOON + timedelta(minutes=30)


def row(event_id: str, application: str = "web") -> Row:
    """A page view."""
    place = (application, "shop", NOON, 0, "page_view", None, "/", "ann", None, None, "Other")
    return Row(*place, None, None, None, None, event_id)


def key_of(store: Store, tenant: str = "acme") -> WriteKey:
    """A key for any application."""
    key = new_key(store, None, tenant)
    with store.read(EVERY_TENANT) as session:
        found = write_key_of(session, hash_of_token(key))
    assert found is not None
    return found


def batches(store: Store) -> list[int]:
    """The rows of each batch that waits, oldest first."""
    with store.read(EVERY_TENANT) as session:
        return list(session.scalars(select(Inbox.row_count).order_by(Inbox.id)))


@pytest.fixture
def companies(store: Store) -> Store:
    """Two companies, on either database."""
    make_companies(store)
    return store


def test_what_comes_together_is_one_batch_of_each_tenant(companies: Store) -> None:
    keys = [key_of(companies), key_of(companies, "globex")]
    commits = Commits(companies)

    async def together() -> None:
        await asyncio.gather(*(commits.durable(keys[n % 2], "lib 1", [row(f"{n}")]) for n in range(20)))

    asyncio.run(together())
    commits.close()
    assert batches(companies) == [10, 10]


def test_a_commit_that_fails_acknowledges_nothing_and_the_next_is_whole(companies: Store) -> None:
    key = key_of(companies)
    commits = Commits(companies)

    def away(*_: object, **__: object) -> None:
        raise Unavailable(what="The disk is full")

    writes, commits.store.write = commits.store.write, away  # type: ignore[assignment, method-assign]
    with pytest.raises(Unavailable):
        asyncio.run(commits.durable(key, "", [row("1")]))
    commits.store.write = writes  # type: ignore[method-assign]
    asyncio.run(commits.durable(key, "", [row("1")]))
    commits.close()
    assert batches(companies) == [1]


def test_what_cannot_be_written_takes_nobody_with_it(companies: Store) -> None:
    key = key_of(companies)
    stranger = WriteKey(999_999, key.tenant_id, key.mini_program_id, key.mini_program, None)
    commits = Commits(companies)

    async def together() -> list[object]:
        calls = (commits.durable(each, "", [row(f"{n}")]) for n, each in enumerate([key, stranger, key]))
        return list(await asyncio.gather(*calls, return_exceptions=True))

    first, second, third = asyncio.run(together())
    commits.close()
    assert (first, third) == (None, None)
    assert isinstance(second, Exception)
    assert sum(batches(companies)) == 2


def test_more_than_may_wait_is_sent_away(companies: Store) -> None:
    key = key_of(companies)
    commits = Commits(companies, waiting_events=3)

    async def together() -> list[object]:
        calls = (commits.durable(key, "", [row(f"{n}"), row(f"{n}b")]) for n in range(4))
        return list(await asyncio.gather(*calls, return_exceptions=True))

    answers = asyncio.run(together())
    commits.close()
    assert [isinstance(answer, Full) for answer in answers] == [False, False, True, True]
    assert sum(batches(companies)) == 4


def test_tallies_add_up_by_half_hour_key_library_and_reason(companies: Store) -> None:
    key = key_of(companies)
    with companies.write(key.tenant_id) as session:
        for _ in range(2):
            counts = {Sent(key.id, "lib 1"): 3, Sent(key.id, "lib 1", "bad_time"): 1}
            intake_tallies.add(session, key.tenant_id, NOON, counts)
        intake_tallies.add(session, key.tenant_id, NOON, {})
    with companies.read(key.tenant_id) as session:
        found = intake_tallies.tallies(session, key.tenant_id, NOON, HALF_PAST)
        later = intake_tallies.tallies(session, key.tenant_id, HALF_PAST, HALF_PAST + timedelta(days=1))
    assert [(tally.library, tally.reason, tally.event_count) for tally in found] == [
        ("lib 1", "", 6),
        ("lib 1", "bad_time", 2),
    ]
    assert later == []


def test_a_key_has_ten_libraries_in_a_half_hour_and_the_rest_is_other(companies: Store) -> None:
    key, second = key_of(companies), key_of(companies)
    with companies.write(key.tenant_id) as session:
        for first in (0, 8):
            counts = {Sent(key.id, f"lib {n:02}", reason): 1 for n in range(first, first + 8) for reason in ("", "nul")}
            intake_tallies.add(session, key.tenant_id, NOON, counts)
        intake_tallies.add(session, key.tenant_id, NOON, {Sent(key.id, "lib 03"): 1, Sent(key.id, "other"): 1})
        intake_tallies.add(session, key.tenant_id, NOON, {Sent(second.id, "lib 77"): 1})
        intake_tallies.add(session, key.tenant_id, HALF_PAST, {Sent(key.id, "lib 77"): 1})
    with companies.read(key.tenant_id) as session:
        found = intake_tallies.tallies(session, key.tenant_id, NOON, HALF_PAST)
        later = intake_tallies.tallies(session, key.tenant_id, HALF_PAST, HALF_PAST + timedelta(days=1))
    of_key = {(tally.library, tally.reason): tally.event_count for tally in found if tally.ingest_key_id == key.id}
    ten = {(f"lib {n:02}", reason): 1 for n in range(10) for reason in ("", "nul")}
    assert of_key == {**ten, ("lib 03", ""): 2, ("other", ""): 7, ("other", "nul"): 6}
    assert [tally.library for tally in (*found, *later) if (tally.library, "") not in of_key] == ["lib 77", "lib 77"]


def test_small_batches_become_one_with_the_same_rows_in_the_same_order(companies: Store) -> None:
    key = key_of(companies)
    commits = Commits(companies)
    for n in range(5):
        asyncio.run(commits.durable(key, "", [row(f"{n}-{m}") for m in range(3)]))
    commits.close()
    assert merge(companies, key.tenant_id, "collect") == 5
    assert batches(companies) == [15]
    assert merge(companies, key.tenant_id, "collect") == 0
    found = _rows(companies)
    assert found["event_id"].to_list() == [f"{n}-{m}" for n in range(5) for m in range(3)]
    with companies.read(EVERY_TENANT) as session:
        assert session.scalars(select(Inbox.keys)).one() == found["key"].to_numpy().tobytes()


def test_batches_before_another_sources_stay_before_it(companies: Store) -> None:
    key = key_of(companies)
    commits = Commits(companies)

    def collect(*ids: str) -> None:
        for each in ids:
            asyncio.run(commits.durable(key, "", [row(each)]))

    collect("1", "2")
    with companies.write(key.tenant_id) as session:
        session.execute(Inbox.__table__.update().where(Inbox.id == _last(companies)).values(source="import"))
    collect("3", "4")
    commits.close()
    assert merge(companies, key.tenant_id, "collect") == 2
    assert _rows(companies)["event_id"].to_list() == ["1", "2", "3", "4"]


def _last(store: Store) -> int:
    with store.read(EVERY_TENANT) as session:
        return session.scalars(select(func.max(Inbox.id))).one()


def test_nothing_is_merged_during_a_refresh(companies: Store) -> None:
    key = key_of(companies)
    commits = Commits(companies)
    for n in range(2):
        asyncio.run(commits.durable(key, "", [row(f"{n}")]))
    commits.close()
    with job_lock(companies, "refresh"):
        assert merge(companies, key.tenant_id, "collect") == 0
    assert merge(companies, key.tenant_id, "collect") == 2


def test_a_writer_merges_by_itself(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "BATCHES", 3)
    collecting = Collecting.over(sqlite_store)
    for n in range(4):
        assert collecting.batch(screen(f"{n}"))[0] == 200
    collecting.collector.close()
    assert batches(sqlite_store) == [3, 1]


def _rows(store: Store) -> pl.DataFrame:
    with store.read(EVERY_TENANT) as session:
        payloads = list(session.scalars(select(Inbox.payload).order_by(Inbox.id)))
    return pl.concat(unpacked(payload) for payload in payloads)


@pytest.mark.spec("I1")
def test_on_a_full_disk_the_answer_is_503_and_what_was_acknowledged_stays(sqlite_store: Store) -> None:
    collecting = Collecting.over(sqlite_store)
    assert collecting.batch(screen("1"))[0] == 200
    with full_disk(sqlite_store):
        statuses = [collecting.batch(*(screen(f"{n}-{m}") for m in range(100)))[0] for n in range(30)]
        assert statuses[-1] == 503
    collecting.collector.close()
    assert collecting.rows().height == 1 + 100 * statuses.count(200)
