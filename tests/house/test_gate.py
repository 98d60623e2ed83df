"""The gate: a page begins with it, a query names its permission, and a fresh server shows a stranger nothing."""

from __future__ import annotations

import ast
import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from subprocess import PIPE

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.testing.v1 import AppTest
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from lib.access.permissions import Permission
from lib.access.viewer import Viewer
from lib.queries.gate import ViewerQueries, needs, own
from lib.settings import PROJECT_DIR, Settings
from lib.store import Store
from lib.ui.pages import PAGES, page_of
from tests.accounts import add_tenant, add_viewer
from tests.house.source import Source, sources
from tests.site import Site, free_port

GATE = "console = open_page(__file__)"


def gateless(page: Source) -> bool:
    """Whether anything but imports, constants and definitions stands before the gate, or there is none."""
    for statement in page.tree.body:
        if ast.unparse(statement) == GATE:
            return False
        if not _may_stand_before(statement):
            return True
    return True


def _may_stand_before(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    if isinstance(statement, ast.Assign):
        named = all(isinstance(target, ast.Name) and target.id.isupper() for target in statement.targets)
        return named and "st." not in ast.unparse(statement.value)
    return isinstance(statement, ast.Import | ast.ImportFrom | ast.FunctionDef)


@pytest.mark.spec("A4")
def test_every_page_begins_with_its_gate() -> None:
    assert [page.place for page in sources("pages") if gateless(page)] == []


@pytest.mark.parametrize(
    "text",
    [
        "import streamlit as st\nst.title(title)",
        f"import streamlit as st\nst.title(title)\n{GATE}",
        f"if True:\n    {GATE}",
        f"ROWS = st.dataframe(rows)\n{GATE}",
        "console = open_page('pages/status.py')",
        f"# {GATE}",
        f"def later():\n    {GATE}",
    ],
)
def test_a_page_without_its_gate_is_caught(text: str) -> None:
    assert gateless(Source("pages/planted.py", text))


def test_every_page_has_a_record_and_every_record_a_page() -> None:
    files = {path.stem for path in (PROJECT_DIR / "pages").glob("*.py")}
    assert files == {page.key for page in PAGES}
    assert len({page.url_path for page in PAGES}) == len(PAGES)
    assert all(page.permissions for page in PAGES)


def test_a_page_without_a_record_does_not_open() -> None:
    with pytest.raises(LookupError, match=r"planted\.py has no record in lib/ui/pages\.py"):
        page_of("/srv/pages/planted.py")


@pytest.mark.spec("A4")
def test_a_query_that_names_no_permission_cannot_be_defined() -> None:
    with pytest.raises(TypeError, match=r"Planted\.rows names no permission"):

        class Planted(ViewerQueries):
            def rows(self) -> list[int]:
                return []


def _class_with(member: object) -> type:
    return type("Planted", (ViewerQueries,), {"rows": member})


@pytest.mark.parametrize(
    "member", [property(lambda self: 1), classmethod(lambda cls: 1), staticmethod(lambda: 1), lambda self: 1]
)
def test_no_kind_of_public_member_slips_past(member: object) -> None:
    with pytest.raises(TypeError, match="names no permission"):
        _class_with(member)


def test_a_query_asks_who_the_viewer_is_by_then(sqlite_store: Store) -> None:
    class Rooms(ViewerQueries):
        @needs(Permission.USAGE_READ)
        def figures(self) -> int:
            return self.viewer.tenant_id

        @own
        def name(self) -> str:
            return self.viewer.account_name

    def viewer(name: str) -> Viewer:
        return Viewer(1, name, "ordinary", 7, "t", "T", frozenset({Permission.USAGE_READ}))  # type: ignore[arg-type]

    now = iter((viewer("first"), viewer("second")))
    rooms = Rooms(viewer("opened"), sqlite_store).renewed_by(lambda: next(now))
    assert rooms.name() == "first"
    assert rooms.figures() == 7
    assert rooms.viewer.account_name == "second"


@pytest.mark.spec("A4")
@pytest.mark.parametrize("page", [page.path for page in PAGES])
def test_a_page_run_without_home_shows_a_stranger_one_sentence(
    home: Settings, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    monkeypatch.setenv("DAYBOOK_HOME", str(home.home))
    at = AppTest.from_file(str(PROJECT_DIR / page), default_timeout=30).run()
    (sentence,) = at.main.children.values()
    assert sentence.value == "You are not signed in, or your session has ended: sign in again."  # type: ignore[union-attr]
    assert not at.sidebar.children


@contextmanager
def fresh_server(folder: Path) -> Iterator[Site]:
    """A server that nobody has asked for a page yet."""
    site = Site(folder)
    add_viewer(site.store, "amy", add_tenant(site.store, "acme", "Only Acme May Read This"))
    site.start()
    try:
        yield site
    finally:
        assert site.stop() in {0, -15}, site.log


def first_page(site: Site, page_name: str, cookie: str = "") -> list[str]:
    """Ask for a page as a browser's first message does; returns what the server would draw, element by element."""
    address = f"{site.url.replace('http', 'ws')}/_stcore/stream"
    headers = {"Cookie": cookie} if cookie else {}
    with connect(
        address, origin=Origin(site.url), subprotocols=[Subprotocol("streamlit")], additional_headers=headers
    ) as socket:
        asked = BackMsg()
        asked.rerun_script.page_name = page_name
        socket.send(asked.SerializeToString())
        drawn: list[str] = []
        while True:
            message, received = ForwardMsg(), socket.recv(30)
            assert isinstance(received, bytes)
            message.ParseFromString(received)
            if message.WhichOneof("type") == "script_finished":
                return drawn
            if message.WhichOneof("type") == "delta" and message.delta.WhichOneof("type") == "new_element":
                drawn.append(str(message.delta.new_element.WhichOneof("type")))
            assert b"Only Acme May Read This" not in message.SerializeToString()


SIGN_IN_PAGE = {
    "html",
    "imgs",
    "markdown",
    "heading",
    "text_input",
    "button",
    "button_group",
    "bidi_component",
}


@pytest.fixture(scope="module")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], AbstractContextManager[Site]]]:
    """Servers of one home, each a process of its own that nobody has asked for a page yet."""
    site = Site(tmp_path_factory.mktemp("fresh"))
    add_viewer(site.store, "amy", add_tenant(site.store, "acme", "Only Acme May Read This"))
    program = [sys.executable, "-m", "tests.house.fresh_servers"]
    environment = {**os.environ, "DAYBOOK_HOME": str(site.home)}
    with (site.home / "serve.log").open("ab") as log:
        forking = subprocess.Popen(
            program, cwd=PROJECT_DIR, env=environment, stdin=PIPE, stdout=PIPE, stderr=log, text=True
        )

    @contextmanager
    def fork() -> Iterator[Site]:
        site.port = free_port()
        assert forking.stdin is not None
        assert forking.stdout is not None
        forking.stdin.write(f"{site.port}\n")
        forking.stdin.flush()
        child = int(forking.stdout.readline())
        try:
            site.wait()
            yield site
        finally:
            os.kill(child, signal.SIGKILL)

    yield fork
    forking.communicate(timeout=20)
    site.store.dispose()


@pytest.mark.spec("A4")
@pytest.mark.parametrize("page", [page.url_path for page in PAGES])
def test_a_fresh_servers_first_request_shows_a_stranger_the_form_alone(
    forked: Callable[[], AbstractContextManager[Site]], page: str
) -> None:
    with forked() as site:
        _is_the_form_alone(site, page)


def _is_the_form_alone(site: Site, page: str) -> None:
    drawn = first_page(site, page)
    assert drawn.count("text_input") == 2
    assert set(drawn) <= SIGN_IN_PAGE
    assert set(first_page(site, page, "daybook=not-a-token; __Host-daybook=neither")) <= SIGN_IN_PAGE


def test_a_server_without_a_database_says_so_and_does_not_start(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.store.dispose()
    (tmp_path / "daybook.sqlite").unlink()
    with pytest.raises(RuntimeError, match=r"There is no database .* \(run `daybook init`\)"):
        site.start()


@pytest.mark.spec("A4")
def test_a_served_site_shows_the_form_and_loses_and_finds_its_database_without_falling_over(tmp_path: Path) -> None:
    with fresh_server(tmp_path) as site:
        _is_the_form_alone(site, PAGES[0].url_path)
        site.store.dispose()
        database, away = tmp_path / "daybook.sqlite", tmp_path / "away"
        database.rename(away)
        assert _status(site, "/healthz") == 503
        away.rename(database)
        assert _status(site, "/healthz") == 200
        assert _status(site, "/_stcore/metrics") == 404


def _status(site: Site, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=20)
    connection.request("GET", path)
    status = connection.getresponse().status
    connection.close()
    return status
