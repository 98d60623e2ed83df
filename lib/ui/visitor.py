"""Who is at the browser: the badge that it shows, its language and address, and the house that it came to."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from functools import cache, partial
from urllib.parse import urlsplit

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from lib.access.viewer import Viewer
from lib.queries.entrance import Entrance, OpenedSession
from lib.settings import Settings, load_settings
from lib.store import Store
from lib.store.sessions import Badge
from lib.ui import cookies
from lib.words import Language

_SESSION, _TICKET, _LANGUAGE = "daybook_session", "daybook_ticket", "daybook_language"
_TENANT, _SEEN = "daybook_tenant", "daybook_seen"


@dataclass(frozen=True)
class House:
    """The settings, the database and the entrance that this process serves."""

    settings: Settings
    store: Store
    entrance: Entrance


def house() -> House:
    """The installation that the environment names; read once for each environment."""
    return _house(tuple(sorted(item for item in os.environ.items() if item[0].startswith("DAYBOOK_"))))


@cache
def _house(environment: tuple[tuple[str, str], ...]) -> House:
    settings = load_settings(dict(environment))
    store = Store(settings.database_url)
    return House(settings, store, Entrance(store))


class Entry:
    """A badge and what goes with it: calling it tells the viewer from the database, also after the run, in any thread.

    One reading serves for the moment in which a page asks many questions, and for no later run: what a dialog or a
    fragment kept of an earlier one reads afresh, and so does every question asked outside a run.
    """

    MOMENT_SECONDS = 0.25

    def __init__(self, badge: Badge | None, tenant: str | None, language: Language, address: str) -> None:
        self.language = language
        self._read = partial(house().entrance.viewer_of, badge, tenant, language=language, address=address)
        self._viewer: Viewer | None = None
        self._read_at = 0.0
        self._read_in: object = None

    def __call__(self) -> Viewer:
        """The viewer, as they are now. Raises NotSignedIn."""
        viewer, run, now = self._viewer, _run(), time.monotonic()
        is_of_this_run = run is not None and run is self._read_in
        if viewer is None or not is_of_this_run or now - self._read_at > self.MOMENT_SECONDS:
            self._viewer = None
            viewer = self._viewer = self._read()
            self._read_at, self._read_in = now, run
        return viewer


def _run() -> object:
    """What stands for the run that this is in: Streamlit makes one for each, of fragments too. None outside of runs."""
    context = get_script_run_ctx(suppress_warning=True)
    return None if context is None else context.parallel_coordinator


_here = threading.local()


def entry() -> Entry:
    """What the browser of this run shows at the entrance; the menu and the page of one run ask the same."""
    run, shown = _run(), (badge(), tenant(), language(), address())
    known: tuple[object, object, Entry] | None = getattr(_here, "entry", None)
    if known is None or run is None or known[:2] != (run, shown):
        known = _here.entry = run, shown, Entry(*shown)
    return known[2]


def badge() -> Badge | None:
    """The session opened in this tab, else the cookie that the tab came with."""
    opened = st.session_state.get(_SESSION)
    if isinstance(opened, int):
        return opened
    return cookies.token_in(st.context.cookies, is_https=_is_https())


def tenant() -> str | None:
    """The key of the tenant that a system administrator wants to see: the address's, else the one last chosen."""
    return _text(st.query_params.get("tenant")) or _text(st.session_state.get(_TENANT))


def choose_tenant(key: str) -> None:
    """See this tenant from now on, and say so in the address."""
    st.session_state[_TENANT] = st.query_params["tenant"] = key


def remember(opened: OpenedSession) -> None:
    """Let this tab show the session from now on, and its browser exchange the ticket for a cookie."""
    st.session_state[_SESSION] = opened.session_id
    st.session_state[_TICKET] = opened.ticket


def has_signed_in_here() -> bool:
    """Whether the session was opened in this tab, and not shown by the cookie that it came with."""
    return _SESSION in st.session_state


def forget() -> bool:
    """Drop what the tab kept of a session that has ended, before anything is drawn; returns whether there was one."""
    had_session = _SESSION in st.session_state or _SEEN in st.session_state
    if had_session:
        st.session_state.clear()
    return had_session


def seen() -> None:
    """Note that somebody is signed in here, so that what this tab keeps is dropped when they no longer are."""
    st.session_state[_SEEN] = True


def ticket() -> str | None:
    """The ticket that the browser has still to exchange."""
    return _text(st.session_state.get(_TICKET))


def redeemed() -> None:
    """The browser has its cookie."""
    st.session_state.pop(_TICKET, None)


def language() -> Language:
    """The language chosen before sign-in, else the browser's."""
    chosen = st.session_state.get(_LANGUAGE)
    return Language(chosen) if chosen in set(Language) else Language.of_locale(_text(st.context.locale))


def choose_language(chosen: Language) -> None:
    """Speak this language to a browser that has not signed in."""
    st.session_state[_LANGUAGE] = chosen.value


def address() -> str:
    """The client's address as the server sees it, which believes X-Forwarded-For of DAYBOOK_TRUSTED_PROXIES alone."""
    return _text(st.context.ip_address) or "127.0.0.1"


def user_agent() -> str:
    """What the browser calls itself."""
    return _text(st.context.headers.get("user-agent")) or ""


def _is_https() -> bool:
    forwarded = _text(st.context.headers.get("x-forwarded-proto")) or ""
    scheme = urlsplit(_text(st.context.url) or "").scheme
    return cookies.is_https(scheme, forwarded, house().settings.base_url)


def _text(value: object) -> str | None:
    # Streamlit's AppTest answers with mocks, which are true.
    return value if isinstance(value, str) else None
