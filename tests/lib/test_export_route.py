"""A long file by a ticket: once, soon, in the session that asked for it, and always with a record."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import polars as pl
import pytest
from sqlalchemy import select, update
from starlette.applications import Starlette

from lib.access.permissions import Permission
from lib.access.tokens import hash_of_token
from lib.access.viewer import EVERY_TENANT
from lib.errors import NotPermitted, NotSignedIn, Unavailable
from lib.export.progress import UNDERWAY
from lib.queries import rooms
from lib.queries.entrance import Entrance
from lib.queries.exportable import Exportable
from lib.queries.exports import ExportQueries, ExportRequest
from lib.queries.rooms import Room
from lib.settings import Settings
from lib.store import Store
from lib.store.tables import Account, AccountSession, ExportTicket, Grant, Operation
from lib.ui.export_route import AT_ONCE, export_route
from tests.accounts import add_tenant, add_viewer

pytestmark = pytest.mark.spec("O8", "A4")

FRAMES = 40
ROWS = 500


@dataclass
class Desk:
    """The route over a database, and amy, who is signed in on two browsers and may export."""

    settings: Settings
    store: Store
    cookie: str
    other_cookie: str
    closed: threading.Event

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[export_route(self.store, self.settings, Entrance(self.store), stalls_seconds=0.2)])

    def request(self, **changes: Any) -> ExportRequest:
        asked = ExportRequest("planted", {"word": "商城€"}, ("n", "word"), "csv", "审计 日志.csv", "zh", "UTC")
        return replace(asked, **changes)

    def ticket(self, request: ExportRequest | None = None) -> str:
        """A ticket for the first browser."""
        viewer = Entrance(self.store).viewer_of(self.cookie)
        return ExportQueries(viewer, self.store).ticket(self.cookie, request or self.request())

    def fetch(self, ticket: str, cookie: str | None = None, method: str = "GET") -> httpx.Response:
        """What a browser with a cookie is answered, the first where none is named."""

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            cookies = {"daybook": self.cookie if cookie is None else cookie}
            async with httpx.AsyncClient(transport=transport, base_url="http://here", cookies=cookies) as client:
                return await client.request(method, f"/export/{ticket}")

        return asyncio.run(asked())

    def recorded(self) -> list[tuple[str, str, str, dict[str, Any]]]:
        """Action, result, content and new value of each export in the log, in order."""
        with self.store.read(EVERY_TENANT) as session:
            rows = session.scalars(select(Operation).where(Operation.module == "export").order_by(Operation.id))
            return [(row.action, row.result, row.content, json.loads(row.body)["new"]) for row in rows]

    def tickets_left(self) -> int:
        with self.store.read(EVERY_TENANT) as session:
            return len(session.scalars(select(ExportTicket.id)).all())


@pytest.fixture
def desk(home: Settings, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return made_desk(home, sqlite_store, monkeypatch)


@pytest.fixture
def each_desk(home: Settings, store: Store, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The same on both databases."""
    return made_desk(home, store, monkeypatch)


def made_desk(home: Settings, store: Store, monkeypatch: pytest.MonkeyPatch) -> Desk:
    add_viewer(store, "amy", add_tenant(store, "acme"), permissions=[Permission.EXPORT_CREATE])
    closed = threading.Event()

    def planted(console: Any, asked: Any) -> Exportable:
        def rows(_columns: Any) -> Iterator[pl.DataFrame]:
            try:
                with store.read(console.viewer.tenant_id):
                    for number in range(FRAMES):
                        if asked.get("fails_at") == number:
                            raise Unavailable(what="The disk is full")
                        yield pl.DataFrame({"n": range(number * ROWS, (number + 1) * ROWS)}).with_columns(
                            word=pl.lit(asked["word"]), hidden=0
                        )
            finally:
                closed.set()

        headings = {"word": "column.page", "n": "column.visits", "hidden": "column.bytes"}
        today = datetime.now(UTC).date()
        return Exportable("visits", headings, rows, lambda: FRAMES * ROWS, today, today).kept("planted", asked)

    monkeypatch.setattr(rooms, "ROOMS", (Room("planted", planted),))
    return Desk(home, store, signed_in(store, "amy"), signed_in(store, "amy"), closed)


def signed_in(store: Store, name: str) -> str:
    """Sign the account in on a browser of its own; returns the cookie's token."""
    entrance = Entrance(store)
    opened = entrance.succeed(entrance.attempt(name))
    return entrance.redeem(opened.ticket).token


def test_a_ticket_is_exchanged_for_the_file_that_was_asked_for(desk: Desk) -> None:
    answer = desk.fetch(desk.ticket())
    assert answer.status_code == 200
    heading, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert heading == ["访问量", "页面"]
    assert rows == [[str(number), "商城€"] for number in range(FRAMES * ROWS)]
    named = answer.headers["content-disposition"]
    assert named.endswith("filename*=UTF-8''%E5%AE%A1%E8%AE%A1%20%E6%97%A5%E5%BF%97.csv")
    told = {name: answer.headers[name] for name in ("content-type", "content-encoding", "x-content-type-options")}
    assert told == {
        "content-type": "text/csv; charset=utf-8",
        "content-encoding": "identity",
        "x-content-type-options": "nosniff",
    }
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.spec("O3")
def test_its_beginning_and_its_end_are_recorded_with_the_filter_and_what_left(each_desk: Desk) -> None:
    ticket = each_desk.ticket(each_desk.request(format="csv-gbk"))
    answer = each_desk.fetch(ticket)
    begun, created = each_desk.recorded()
    asked = {"format": "csv-gbk", "columns": ["n", "word"], "filter": {"word": "商城€"}}
    assert begun == ("begin", "success", "", asked)
    assert created[:3] == ("create", "success", "")
    assert created[3] == {
        "format": "csv-gbk",
        "filter": {"word": "商城€"},
        "rows": FRAMES * ROWS,
        "size_bytes": len(answer.content),
        "sha256": hashlib.sha256(answer.content).hexdigest(),
        "replaced": FRAMES * ROWS,
        "cut": 0,
    }
    told = UNDERWAY.of(hash_of_token(ticket))
    assert told is not None
    assert told.manifest is not None
    assert (told.rows, told.total, told.manifest.replaced, told.broken_off) == (20_000, 20_000, 20_000, "")


def test_a_ticket_is_good_once(desk: Desk) -> None:
    ticket = desk.ticket()
    assert desk.fetch(ticket).status_code == 200
    again = desk.fetch(ticket)
    assert (again.status_code, again.json()["error"]) == (410, "gone")
    assert [action for action, *_ in desk.recorded()] == ["begin", "create"]


def test_of_many_who_show_one_ticket_at_once_one_is_served(each_desk: Desk) -> None:
    ticket = each_desk.ticket()
    app = each_desk.app

    async def all_at_once() -> list[int]:
        transport, cookies = httpx.ASGITransport(app), {"daybook": each_desk.cookie}
        async with httpx.AsyncClient(transport=transport, base_url="http://here", cookies=cookies) as client:
            answers = await asyncio.gather(*(client.get(f"/export/{ticket}") for _ in range(4)))
        return sorted(answer.status_code for answer in answers)

    assert asyncio.run(all_at_once()) == [200, 410, 410, 410]


def test_a_ticket_is_good_for_a_minute(each_desk: Desk) -> None:
    ticket = each_desk.ticket()
    with each_desk.store.write(EVERY_TENANT) as session:
        (row,) = session.scalars(select(ExportTicket))
        assert row.expires_at - row.created_at == timedelta(seconds=60)
        row.expires_at = datetime.now(UTC) - timedelta(seconds=1)
    assert each_desk.fetch(ticket).status_code == 410
    assert each_desk.recorded() == []
    each_desk.ticket()
    assert each_desk.tickets_left() == 1  # the next one swept it away


def test_a_ticket_of_another_session_is_refused_and_stays(each_desk: Desk) -> None:
    ticket = each_desk.ticket()
    assert each_desk.fetch(ticket, each_desk.other_cookie).status_code == 403
    assert each_desk.fetch(ticket, "nobody").status_code == 401
    assert each_desk.fetch(ticket, "").status_code == 401
    assert each_desk.recorded() == []
    assert each_desk.fetch(ticket).status_code == 200


@pytest.mark.parametrize("ticket", ["nonsense", "票", "x" * 5_000, "%00", "'--"])
def test_what_is_no_ticket_is_answered_as_one_that_is_spent(desk: Desk, ticket: str) -> None:
    assert desk.fetch(ticket).status_code == 410
    assert desk.fetch(ticket, "nobody").status_code in {401, 410}


def test_nothing_is_spent_by_asking_for_the_head(desk: Desk) -> None:
    ticket = desk.ticket()
    assert desk.fetch(ticket, method="HEAD").status_code == 405
    assert desk.fetch(ticket).status_code == 200


@pytest.mark.spec("A7")
def test_a_session_that_was_revoked_fetches_nothing(desk: Desk) -> None:
    ticket = desk.ticket()
    with desk.store.write(EVERY_TENANT) as session:
        session.execute(update(AccountSession).values(revoked_at=datetime.now(UTC)))
    assert desk.fetch(ticket).status_code == 401


@pytest.mark.spec("A7")
def test_an_account_that_was_disabled_fetches_nothing(desk: Desk) -> None:
    ticket = desk.ticket()
    with desk.store.write(EVERY_TENANT) as session:
        session.execute(update(Account).values(is_disabled=True))
    assert desk.fetch(ticket).status_code == 401


@pytest.mark.spec("A7")
def test_who_lost_the_permission_meanwhile_fetches_nothing(desk: Desk) -> None:
    ticket = desk.ticket()
    with desk.store.write(EVERY_TENANT) as session:
        for grant in session.scalars(select(Grant)):
            session.delete(grant)
    assert desk.fetch(ticket).status_code == 403
    assert desk.recorded() == []
    assert desk.tickets_left() == 1


def test_only_who_may_export_gets_a_ticket_and_only_in_a_session_of_theirs(desk: Desk) -> None:
    viewer = Entrance(desk.store).viewer_of(desk.cookie)
    with pytest.raises(NotSignedIn):
        ExportQueries(viewer, desk.store).ticket("nobody", desk.request())
    with pytest.raises(NotSignedIn):
        ExportQueries(replace(viewer, account_id=99), desk.store).ticket(desk.cookie, desk.request())
    with pytest.raises(NotPermitted):
        ExportQueries(replace(viewer, permissions=frozenset()), desk.store).ticket(desk.cookie, desk.request())


def test_a_room_that_is_not_there_is_said(desk: Desk) -> None:
    assert desk.fetch(desk.ticket(desk.request(room="cellar"))).status_code == 404
    assert [row[:2] for row in desk.recorded()] == [("begin", "success"), ("create", "failure")]


@pytest.mark.spec("O3")
@pytest.mark.parametrize("written_as", ["xlsx", "csv", "csv-gbk"])
def test_what_fails_at_once_is_answered_and_recorded(desk: Desk, written_as: str) -> None:
    answer = desk.fetch(desk.ticket(desk.request(asked={"word": "x", "fails_at": 0}, format=written_as)))
    assert (answer.status_code, answer.json()["error"]) == (503, "unavailable")
    assert "The disk is full" in answer.json()["message"]
    assert [row[:2] for row in desk.recorded()] == [("begin", "success"), ("create", "failure")]
    assert desk.closed.is_set()


@pytest.mark.spec("O3")
def test_what_fails_on_the_way_is_recorded_with_how_far_it_came(desk: Desk) -> None:
    ticket = desk.ticket(desk.request(asked={"word": "x", "fails_at": 5}))
    with pytest.raises(Unavailable):
        desk.fetch(ticket)
    begun, created = desk.recorded()
    assert (begun[0], created[0], created[1]) == ("begin", "create", "failure")
    assert created[2].startswith("The disk is full")
    assert created[3]["rows"] == 5 * ROWS


class Reader:
    """A browser that reads some messages and then goes away, or reads no further."""

    def __init__(self, messages: int, *, stalls: bool = False) -> None:
        self._messages = messages
        self._stalls = stalls
        self.taken = 0

    async def fetch(self, app: Starlette, ticket: str, cookie: str) -> None:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": f"/export/{ticket}",
            "raw_path": f"/export/{ticket}".encode(),
            "query_string": b"",
            "headers": [(b"host", b"here"), (b"cookie", f"daybook={cookie}".encode())],
            "server": ("here", 80),
            "client": ("192.0.2.1", 1),
        }
        await app(scope, self._receive, self._send)

    async def _receive(self) -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def _send(self, _message: Any) -> None:
        self.taken += 1
        if self.taken > self._messages:
            if self._stalls:
                await asyncio.Event().wait()
            raise OSError("gone")


@pytest.mark.spec("O3", "P3")
@pytest.mark.parametrize(("messages", "stalls"), [(3, False), (3, True), (0, False)], ids=["leaves", "stalls", "none"])
def test_a_reader_that_goes_away_ends_the_work_and_how_far_it_came_is_recorded(
    each_desk: Desk, messages: int, stalls: bool
) -> None:
    app, reader = each_desk.app, Reader(messages, stalls=stalls)
    asyncio.run(reader.fetch(app, each_desk.ticket(), each_desk.cookie))
    assert each_desk.closed.is_set()
    begun, created = each_desk.recorded()
    assert (begun[0], created[0], created[1], created[2]) == ("begin", "create", "failure", "the reader went away")
    assert created[3]["rows"] < FRAMES * ROWS
    # The one place that it held is free again.
    assert each_desk.fetch(each_desk.ticket()).status_code == 200


def test_no_more_than_some_are_under_way_and_the_others_keep_their_tickets(desk: Desk) -> None:
    app = desk.app
    patient = [Reader(2, stalls=True) for _ in range(AT_ONCE)]

    async def crowded() -> int:
        tasks = [asyncio.create_task(reader.fetch(app, desk.ticket(), desk.cookie)) for reader in patient]
        await asyncio.sleep(0.2)
        transport, cookies = httpx.ASGITransport(app), {"daybook": desk.cookie}
        async with httpx.AsyncClient(transport=transport, base_url="http://here", cookies=cookies) as client:
            answer = await client.get(f"/export/{desk.ticket()}")
        await asyncio.gather(*tasks)
        return answer.status_code

    assert asyncio.run(crowded()) == 503
    assert desk.tickets_left() == 1
