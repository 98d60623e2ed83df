"""The real client libraries, unmodified, against a real server: nothing is lost, and nothing is counted twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
from click.testing import CliRunner
from sqlalchemy import select, text

from lib.access.viewer import EVERY_TENANT
from lib.cli import main
from lib.jobs.refresh import refresh
from lib.settings import PROJECT_DIR
from lib.store import intake_tallies
from lib.store.tables import Inbox
from lib.usage.intake import unpacked
from tests.clients.flaky import Flaky
from tests.lib.collecting import basic, new_key
from tests.lib.companies import make_companies
from tests.site import Site

HERE = Path(__file__).parent
INSTALLED = PROJECT_DIR / ".venv" / "clients"
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=3)

LIBRARIES = {
    "segment_python": "analytics-python 2.4.0",
    "rudder_python": "analytics-python 2.1.9",
    "segment_node": "@segment/analytics-node 3.1.0",
    "rudder_node": "analytics-node 3.0.13",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with the console and the collector, and two companies."""
    served = Site(tmp_path_factory.mktemp("home"))
    make_companies(served.store)
    served.start()
    yield served
    served.stop()


def command(script: str) -> tuple[list[str], dict[str, str]]:
    """How a script of this folder runs, and in what environment."""
    if script.endswith(".js"):
        needed, program = INSTALLED / "node" / "node_modules", "node"
        environment = {"NODE_PATH": str(needed)}
    else:
        needed, program = INSTALLED / "python", sys.executable
        environment = {"PYTHONPATH": str(needed)}
    if not needed.is_dir():
        sentence = f"There is no {needed}: `make test` installs the client libraries."
        pytest.fail(sentence) if os.environ.get("CI") else pytest.skip(sentence)
    return [program, str(HERE / script)], environment


def run(script: str, *words: str) -> str:
    """Run a client to its end; what it printed."""
    line, environment = command(script)
    known = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    ran = subprocess.run(
        [*line, *words], env={**known, **environment}, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def events(visitors: tuple[str, ...]) -> list[dict[str, Any]]:
    """What each visitor does, from NOON on: opens, looks at a page for 4 s and at another, shares, buys."""
    found = []
    for place, visitor in enumerate(visitors):
        steps: list[dict[str, Any]] = [
            {"track": "mp_open"},
            {"screen": "pages/首页/index", "properties": {"duration_ms": 4000}},
            {"screen": "pages/商品/详情?编号=7"},
            {"track": "mp_share"},
            {"track": "加入购物车"},
        ]
        for step, said in enumerate(steps):
            at = NOON + timedelta(minutes=40 * place, seconds=4 * step)
            usual = {"visitor": visitor, "session": f"s-{visitor}", "at": at.isoformat(), "properties": {}}
            found.append({**usual, "id": f"{visitor}-{step}", **said})
    return found


def shown(site: Site, application: str, *words: str) -> list[dict[str, Any]]:
    """`daybook show usage` of an application, after a refresh."""
    refresh(site.settings, site.store)
    since, until = (f"{NOON + timedelta(days=days):%Y-%m-%d}" for days in (0, 1))
    period = ("--since", since, "--until", until, "--format", "json")
    line = ["show", "usage", "--tenant", "acme", "--application", application, *period, *words]
    result = CliRunner().invoke(main, line, env={"DAYBOOK_HOME": str(site.home)}, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.spec("I1", "T5")
def test_what_a_library_sends_is_counted_once_though_answers_are_lost(site: Site, library: str) -> None:
    application = library.replace("_", "-")
    key = new_key(site.store, None)
    script = f"{library}.{'js' if 'node' in library else 'py'}"
    sent = [{**event, "id": f"{library}-{event['id']}"} for event in events(("小明", "小红"))]
    with Flaky(site.port) as network:
        run(script, network.url, key, application, json.dumps(sent))
        assert network.lost >= 1
    run(script, site.url, key, application, json.dumps(sent[:4]))
    names = ("bucket", "opens", "page_views", "active_users", "new_users", "shares", "stay_seconds", "entries", "exits")
    by_half_hour = [[row[name] for name in names] for row in shown(site, application, "--grain", "half-hour")]
    assert by_half_hour == [
        [NOON.isoformat(), 1, 2, 1, 1, 1, 8.0, 1, 1],
        [(NOON + timedelta(minutes=30)).isoformat(), 1, 2, 1, 1, 1, 8.0, 1, 1],
    ]
    pages = {row["page"]: row["page_views"] for row in shown(site, application, "--grain", "period", "--by", "page")}
    assert pages == {"pages/首页/index": 2, "pages/商品/详情?编号=7": 2}
    assert LIBRARIES[library] in {tally.library for tally in _tallies(site)}


def _tallies(site: Site) -> list[intake_tallies.Tally]:
    now = datetime.now(UTC)
    with site.store.read(1) as session:
        return intake_tallies.tallies(session, 1, now - timedelta(hours=1), now + timedelta(hours=1))


STEPS = [["launch"], ["page", "pages/首页/index"], ["share"], ["page", "pages/商品/详情"], ["hide"], ["show"]]


@pytest.mark.parametrize("packed", ["plain", "packed"])
@pytest.mark.spec("I1")
def test_what_the_sensors_library_sends_is_counted_once(site: Site, packed: str) -> None:
    begin = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    free = new_key(site.store, None, program="maps" if packed == "packed" else "shop")
    said = run("sensors.js", f"{site.url}/sa?project=default&key={free}", packed, json.dumps(STEPS))
    assert said.split()[-1] == "sent"
    refresh(site.settings, site.store, now=datetime.now(UTC) + timedelta(hours=1))
    program = "maps" if packed == "packed" else "shop"
    line = ["show", "usage", "--tenant", "acme", "--application", "MiniProgram", "--mini-program", program]
    since, until = (f"{at:%Y-%m-%dT%H:%M}" for at in (begin, begin + timedelta(hours=3)))
    period = ["--since", since, "--until", until, "--grain", "period", "--format", "json"]
    result = CliRunner().invoke(main, [*line, *period], env={"DAYBOOK_HOME": str(site.home)}, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)
    names = ("opens", "page_views", "active_users", "shares")
    assert [row[name] for name in names] == [1, 2, 1, 1]


def addresses(site: Site, key: str, visitor: str) -> set[str]:
    """Send an event as if a proxy had passed it on; whose address the visitor's events have in the inbox."""
    body = {"batch": [{"type": "screen", "name": "/", "anonymousId": visitor}]}
    answer = httpx.post(
        f"{site.url}/v1/batch", json=body, headers={**basic(key), "X-Forwarded-For": "203.0.113.9"}, timeout=30
    )
    assert answer.json() == {"success": True}
    with site.store.read(EVERY_TENANT) as session:
        rows = pl.concat(unpacked(payload) for payload in session.scalars(select(Inbox.payload)))
    return set(rows.filter(visitor=visitor)["address"])


def test_nobodys_word_is_taken_for_where_an_event_comes_from(site: Site) -> None:
    assert addresses(site, new_key(site.store), "stranger") == {"127.0.0.1"}


def test_a_trusted_proxys_word_is_taken(tmp_path: Path) -> None:
    environment = {"DAYBOOK_TRUSTED_PROXIES": "10.0.0.0/8, 127.0.0.1"}
    served = Site(tmp_path / "home", environment, options=("--collector-only", "--workers", "2"))
    make_companies(served.store)
    served.start()
    try:
        assert addresses(served, new_key(served.store), "guest") == {"203.0.113.9"}
    finally:
        code = served.stop()
    assert code in {0, -15}
    assert "Traceback" not in served.log


@pytest.mark.spec("I1")
def test_the_sensors_library_keeps_what_it_was_asked_to_send_again(site: Site) -> None:
    key = new_key(site.store)
    _rename(site, "inbox", "away")
    try:
        said = run("sensors.js", f"{site.url}/sa?key={key}", "plain", json.dumps([["launch"]]), "2")
    finally:
        _rename(site, "away", "inbox")
    assert set(said.split()) == {"503", "kept"}


def _rename(site: Site, table: str, name: str) -> None:
    with site.store.write(EVERY_TENANT) as session:
        session.execute(text(f"ALTER TABLE {table} RENAME TO {name}"))
