"""A small company with usage in its home, its accounts' tokens, and the read API over it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from click.testing import CliRunner
from starlette.applications import Starlette

from lib.access.permissions import AccountType, Permission
from lib.api import reading
from lib.cli import main
from lib.settings import Settings, load_settings
from lib.store import Store, schema
from tests.accounts import add_tenant, add_viewer

MAP = "time=time,visitor=who,session=session,page=page"
EVENTS = (
    "time,who,session,page,program,host\n"
    "2024-05-12T08:05:00Z,ann,s1,/home,shop,web\n"
    "2024-05-12T08:07:00Z,ann,s1,/cart,shop,web\n"
    "2024-05-12T08:40:00Z,bob,s2,/home,shop,app\n"
    "2024-05-13T16:10:00Z,ann,s3,/home,maps,web\n"
    "2024-05-13T16:11:00Z,cid,s4,/购物车,maps,app\n"
)
VISITS = (
    '192.0.2.7 - - [12/May/2024:08:05:00 +0000] "GET /cart HTTP/1.1" 200 512 "-" "curl/8.5.0"\n'
    '192.0.2.7 - ann [12/May/2024:08:35:00 +0000] "POST /pay HTTP/1.1" 500 - "https://shop.example/" "curl/8.5.0"\n'
    '2001:db8::1 - - [13/May/2024:20:00:00 +0800] "GET /购物车 HTTP/2.0" 404 9 "-" "-"\n'
)


@dataclass(frozen=True)
class Api:
    """The routes of the read API, and the command beside them."""

    home: Settings
    store: Store

    @property
    def app(self) -> Starlette:
        return Starlette(routes=reading.routes(self.store, self.home))

    def daybook(self, *words: str) -> str:
        """Run the command in the home; returns its standard output."""
        done = CliRunner().invoke(main, words, env={"DAYBOOK_HOME": str(self.home.home)})
        assert done.exit_code == 0, (words, done.output, done.exception)
        return done.stdout

    def token(self, account: str) -> str:
        """A new token of the account."""
        return self.daybook("token", "add", "--account", account, "--name", "a test").strip()

    def ask(self, path: str, token: str | None = None, /, method: str = "GET", **query: str) -> tuple[int, Any]:
        """The status and the JSON of an answer."""
        answer = self.answer(path, token, method, query)
        return answer.status_code, answer.json() if answer.content else None

    def answer(
        self, path: str, token: str | None, method: str = "GET", query: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """The whole answer."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}".encode("latin-1")}

        async def asked() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://api") as client:
                return await client.request(method, f"/api/v1/{path}", params=query or None, headers=headers)

        return asyncio.run(asked())

    def shown(self, *words: str) -> list[dict[str, Any]]:
        """What `daybook show usage --format json` prints of acme."""
        return list(json.loads(self.daybook("show", "usage", "--tenant", "acme", "--format", "json", *words)))


def made_company(folder: Path) -> Path:
    """Acme with usage and the accounts root (system), boss (platform), reader (usage:read) and nobody; its three
    visits; and globex.

    Returns their home; copy it for a test that changes something.
    """
    api = opened(folder / "home")
    schema.migrate(api.store)
    acme = add_tenant(api.store, "acme")
    add_tenant(api.store, "globex")
    add_viewer(api.store, "root", None, AccountType.SYSTEM)
    add_viewer(api.store, "boss", acme, AccountType.PLATFORM)
    add_viewer(api.store, "reader", acme, permissions=[Permission.USAGE_READ])
    add_viewer(api.store, "nobody", acme)
    events = folder / "events.csv"
    events.write_text(EVENTS, "utf-8")
    fields = ("--application-field", "host", "--mini-program-field", "program", "--map", MAP)
    api.daybook("import", "usage", str(events), "--tenant", "acme", "--format", "csv", *fields)
    api.daybook("refresh")
    log = folder / "access.log"
    log.write_text(VISITS)
    api.daybook("import", "visits", str(log), "--tenant", "acme")
    api.store.dispose()
    return api.home.home


def opened(home: Path) -> Api:
    """The read API over a home."""
    settings = load_settings({"DAYBOOK_HOME": str(home)})
    return Api(settings, Store(settings.database_url))
