"""The frame of every page: sign-in for strangers, the menu for viewers, the account menu at the top right."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from lib.access.permissions import AccountType
from lib.access.viewer import Viewer
from lib.errors import NotPermitted, NotSignedIn
from lib.queries.console import Console
from lib.ui import account_menu, cookie_keeper, look, single_sign_on, visitor, visits_recording
from lib.ui.escaping import plain
from lib.ui.page import refuse, require
from lib.ui.pages import PAGES, PageRecord
from lib.ui.signing_in import draw_form
from lib.words import Language, say

_BRAND = Path(__file__).parent / "brand"


def main() -> None:
    """One run of the script: the sign-in page, or the page that the address names."""
    entry = visitor.entry()
    try:
        viewer = entry()
    except NotSignedIn:
        _draw_for_stranger(entry.language)
        return
    visitor.seen()
    _keep_cookie()
    _set_up()
    st.logo(str(_BRAND / "logo.svg"), icon_image=str(_BRAND / "mark.svg"), size="large")
    house = visitor.house()
    console = Console(viewer, house.store, house.settings, entry)
    page = _menu(console)
    _choose_tenant(viewer, console)
    account_menu.draw(console)
    visits_recording.note_page(viewer, page.url_path, is_open=_is_open(page.url_path, viewer))
    page.run()


def _set_up() -> None:
    st.set_page_config(page_icon=str(_BRAND / "mark.svg"), layout="wide")
    look.dress()


def _draw_for_stranger(language: Language) -> None:
    """The form, and every address known but empty, so that after signing in the address typed is the page shown."""
    _set_up()
    title = f"{say('sign_in.title', language)} · {say('shell.product', language)}"
    empty = [_as_page(page, _nothing, page.url_path, language) for page in PAGES]
    # Before anybody may be let in, which starts the run again: else that one would not know the address.
    page = st.navigation([st.Page(_nothing, title=title, url_path="home", default=True), *empty], position="hidden")
    has_left = account_menu.has_left()
    has_ended = visitor.forget()
    if has_left:
        cookie_keeper.give_back(single_sign_on.way_out())
    is_refused = not has_left and single_sign_on.arrive()
    with st.container(key="sign_in_panel"):
        st.image(str(_BRAND / "logo.svg"), width=190)
        st.caption(say("sign_in.tagline", language))
        if has_ended and not has_left:
            st.info(say("sign_in.ended", language), icon=":material/schedule:")
        draw_form(language)
        single_sign_on.draw(language, is_refused=is_refused)
        account_menu.draw_language(language)
    page.run()


def _menu(console: Console) -> st.Page:
    """The page of the address. The first page that is open stands at the bare address and at its own."""
    viewer = console.viewer
    sections: dict[str, list[st.Page]] = {}
    open_pages = [page for page in PAGES if page.is_open_to(viewer)]
    for page in open_pages:
        section = sections.setdefault(say(f"section.{page.section}", viewer.language), [])
        first = page is open_pages[0]
        url_path, waiting = "home" if first else page.url_path, _waiting(console, page)
        section.append(_as_page(page, page.path, url_path, viewer.language, default=first, waiting=waiting))
        if first:
            section.append(_as_page(page, page.path, page.url_path, viewer.language, hidden=True))
    hidden = sections.setdefault("", [])
    for page in PAGES:
        if page not in open_pages:
            hidden.append(_as_page(page, partial(_refuse, page, viewer), page.url_path, viewer.language, hidden=True))
    if not open_pages:
        title = say("page.none", viewer.language)
        hidden.append(st.Page(partial(_nothing_open, viewer), title=title, url_path="home", default=True))
    return st.navigation(sections)


def _is_open(url_path: str, viewer: Viewer) -> bool:
    """Whether the page at a path is no refusal. The bare path is that of the first page that is open."""
    return not url_path or any(page.url_path == url_path and page.is_open_to(viewer) for page in PAGES)


def _waiting(console: Console, page: PageRecord) -> int:
    """How much waits on a page for somebody: what stands behind its name in the menu."""
    return console.findings.open_count() if page.key == "findings" else 0


def _as_page(
    page: PageRecord,
    body: str | Callable[[], None],
    url_path: str,
    language: Language,
    *,
    default: bool = False,
    hidden: bool = False,
    waiting: int = 0,
) -> st.Page:
    title = say(page.title, language)
    return st.Page(
        body,
        title=say("finding.menu", language, title=title, count=f"{waiting:,}") if waiting else title,
        icon=page.icon,
        url_path=url_path,
        default=default,
        visibility="hidden" if hidden else "visible",
    )


def _choose_tenant(viewer: Viewer, console: Console) -> None:
    """A system administrator's choice of the tenant shown, in the sidebar and in the address."""
    if viewer.account_type is not AccountType.SYSTEM:
        return
    names = dict(console.own.tenants())
    if not names:
        st.sidebar.info(say("shell.no_tenant", viewer.language))
        return
    st.session_state["tenant_choice"] = viewer.tenant_key
    st.sidebar.selectbox(
        say("shell.tenant", viewer.language),
        list(names),
        format_func=lambda key: names[key],
        key="tenant_choice",
        on_change=lambda: visitor.choose_tenant(st.session_state["tenant_choice"]),
    )
    if visitor.tenant() == viewer.tenant_key:
        visitor.choose_tenant(viewer.tenant_key)


def _keep_cookie() -> None:
    ticket = visitor.ticket()
    if ticket is not None and cookie_keeper.exchange(ticket):
        visitor.redeemed()


def _refuse(page: PageRecord, viewer: Viewer) -> None:
    try:
        require(page, viewer)
    except NotPermitted as error:
        refuse(error, viewer.language)


def _nothing_open(viewer: Viewer) -> None:
    st.info(plain(say("shell.no_page", viewer.language)), icon=":material/key_off:")


def _nothing() -> None:
    """Stands at an address whose page a stranger does not see."""
