"""The collector's routes over a real home, what they answered, and what stands in the inbox afterwards."""

from __future__ import annotations

import asyncio
import base64
import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import httpx
import polars as pl
from sqlalchemy import select
from starlette.applications import Starlette

from lib.access.viewer import EVERY_TENANT
from lib.collect.routes import Collector
from lib.logs.record import COMMAND
from lib.queries.administration import IngestKeyInput
from lib.queries.administration.ingest_keys import add_ingest_key
from lib.settings import OLDEST_EVENT_DAYS
from lib.store import Store, catalogue, intake_tallies
from lib.store.tables import Application, Inbox
from lib.usage.intake import unpacked
from tests.lib.companies import make_companies

Answer = tuple[int, dict[str, Any]]


def basic(key: str) -> dict[str, str]:
    """The header that carries a write key as the Segment API has it."""
    return {"Authorization": f"Basic {base64.b64encode(f'{key}:'.encode()).decode()}"}


def new_key(store: Store, application: str | None = "web", tenant: str = "acme", program: str = "shop") -> str:
    """A write key of a mini program, in one application or in any."""
    with store.write(EVERY_TENANT) as session:
        tenant_id = catalogue.tenant_of(session, tenant).id
        return add_ingest_key(session, tenant_id, COMMAND, IngestKeyInput(program, application))


@dataclass(frozen=True)
class Http:
    """Requests to an application in this process, each in a loop of its own."""

    app: Starlette

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        """The whole answer."""

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=("192.0.2.5", 1234))
            async with httpx.AsyncClient(transport=transport, base_url="http://daybook.test") as client:
                return await client.request(method, path, **more)

        return asyncio.run(asked())

    def post(self, path: str, **more: Any) -> httpx.Response:
        """POST."""
        return self.request("POST", path, **more)


@dataclass
class Collecting:
    """A collector with a key for the mini program "shop" in the application "web" of the tenant "acme"."""

    store: Store
    collector: Collector
    http: Http
    key: str

    @classmethod
    def of(cls, store: Store, key: str, oldest_event_days: int = OLDEST_EVENT_DAYS) -> Collecting:
        """Over a database with companies, and a key."""
        collector = Collector(store, oldest_event_days, Path(store.file or mkdtemp()).parent / "feedback")
        return cls(store, collector, Http(Starlette(routes=collector.routes())), key)

    @classmethod
    def over(cls, store: Store) -> Collecting:
        """Over an empty database."""
        make_companies(store)
        return cls.of(store, new_key(store))

    def post(self, path: str, body: object, key: str | None = None, **headers: str) -> Answer:
        """Post JSON, or bytes as they are."""
        content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        answer = self.http.post(path, content=content, headers={**basic(key or self.key), **headers})
        return answer.status_code, answer.json()

    def batch(self, *events: object, key: str | None = None, **more: object) -> Answer:
        """Post a batch."""
        return self.post("/v1/batch", {"batch": list(events), **more}, key)

    def rows(self) -> pl.DataFrame:
        """What was acknowledged, in the order in which it came."""
        with self.store.read(EVERY_TENANT) as session:
            payloads = list(session.scalars(select(Inbox.payload).order_by(Inbox.id)))
        return pl.concat(unpacked(payload) for payload in payloads) if payloads else pl.DataFrame()

    def row(self) -> dict[str, Any]:
        """The only event that was acknowledged."""
        rows = self.rows()
        assert rows.height == 1
        return rows.row(0, named=True)

    def tallies(self) -> dict[tuple[str, str], int]:
        """How many events, by library and reason; everything that was noted is written first."""
        self.collector.close()
        now = datetime.now(UTC)
        with self.store.read(EVERY_TENANT) as session:
            found = intake_tallies.tallies(session, 1, now - timedelta(hours=1), now + timedelta(hours=1))
        counts: Counter[tuple[str, str]] = Counter()
        for tally in found:
            counts[tally.library, tally.reason] += tally.event_count
        return dict(counts)

    def applications(self) -> dict[str, str]:
        """Where each application of the tenant came from."""
        with self.store.read(EVERY_TENANT) as session:
            asked = select(Application.key, Application.source).where(Application.tenant_id == 1)
            return {row.key: row.source for row in session.execute(asked)}
