"""Records who asks this server for what (SPEC L1): each request, and each page that is opened in a tab.

A tab asks for a page by GET once, and is then led from page to page over its WebSocket. So a visit of a page is the GET
that opened the tab, and after it each change to another page in the tab, as well as the first page of whoever signed in
there. Reruns of a page are none. What watches the server, the frame's own files, and what clients send to the collector
are left out: the collector counts these by key.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import streamlit as st
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from lib.access.permissions import AccountType
from lib.access.tokens import hash_of_token
from lib.access.viewer import Viewer
from lib.logs.files.access_lines import Told
from lib.store.badges import Badge, Person
from lib.ui import cookies, visitor
from lib.ui.server import is_https
from lib.usage import own_visits
from lib.usage.own_visits import OwnVisit, VisitRecorder
from lib.usage.targets import masked

_NOISE = re.compile(
    r"/(?:healthz|metrics|favicon\.[a-z]+|sa)$|/v1/|/static/|/component/|/app/static/|(?:/[^/]+)*/_stcore/"
    r"|(?:/[^/]+)*/[^/]+\.(?:js|css|map|woff2?|png|svg|ico|json|txt)$"
)
"""What is no visit. Files to be taken away come by tickets, without such endings."""

_LONGEST_METHOD, _LONGEST_AGENT = 20, 500
_PAGE = "daybook_page_visited"


class VisitRecording:
    """Notes each request that has been answered, whatever came of it. It neither waits nor fails."""

    def __init__(self, app: ASGIApp, recorder: VisitRecorder, base_url: str = "") -> None:
        self._app = app
        self._recorder = recorder
        self._base_url = base_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and note the visit at the end."""
        if scope["type"] != "http" or _NOISE.match(scope["path"]):
            await self._app(scope, receive, send)
            return
        begun_at, told = datetime.now(UTC), Told()
        try:
            await told.pass_on(self._app, scope, receive, send)
        finally:
            self._recorder.note(self._visit(scope, told, begun_at))

    def _visit(self, scope: Scope, told: Told, at: datetime) -> OwnVisit:
        headers = Headers(scope=scope)
        query = scope.get("query_string", b"").decode("latin-1")
        path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0]
        client = scope.get("client") or ("",)
        referrer = headers.get("referer", "")
        return OwnVisit(
            at=at,
            who=self._badge(scope, headers),
            address=client[0],
            method=scope["method"][:_LONGEST_METHOD],
            target=masked(f"{path}?{query}" if query else path),
            protocol=f"HTTP/{scope.get('http_version', '1.1')}",
            status=told.status,
            size_bytes=told.size_bytes,
            referrer=masked(referrer) if referrer else None,
            user_agent=headers.get("user-agent", "")[:_LONGEST_AGENT] or None,
            duration_ms=min(told.took_ms, (1 << 31) - 1),
        )

    def _badge(self, scope: Scope, headers: Headers) -> Badge:
        """What was shown, as a hash: nothing that lets anybody in is kept, not even for a moment."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token.strip():
            return Badge("api_token", hash_of_token(token.strip()))
        shown = cookies.token_in(HTTPConnection(scope).cookies, is_https=is_https(scope, self._base_url))
        return Badge("session", hash_of_token(shown) if shown else "")


def note_page(viewer: Viewer, url_path: str, *, is_open: bool) -> None:
    """Note that the tab of this run shows a page to somebody, or refuses it, where it showed another before."""
    before = st.session_state.get(_PAGE)
    st.session_state[_PAGE] = url_path
    recorder = own_visits.current()
    # The first page of a tab that came with its cookie is the visit that its GET was.
    is_known_already = before is None and not visitor.has_signed_in_here() and is_open
    if recorder is None or before == url_path or is_known_already:
        return
    tenant_id = 0 if viewer.account_type is AccountType.SYSTEM else viewer.tenant_id
    recorder.note(
        OwnVisit(
            at=datetime.now(UTC),
            who=Person(viewer.account_name, tenant_id),
            address=visitor.address(),
            method="GET",
            target=f"/{url_path}",
            status=200 if is_open else 403,
            user_agent=visitor.user_agent()[:_LONGEST_AGENT] or None,
        )
    )
