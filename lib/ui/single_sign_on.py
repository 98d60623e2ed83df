"""Single sign-on: the button that leads to the provider, and the way in for whom it sends back.

Streamlit speaks OpenID Connect and keeps what the provider said in a cookie that lasts a month and cannot be revoked.
Daybook takes from it the identity, once and fresh, and opens a session of its own as after a password.
"""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
import streamlit as st

from lib.errors import NotSignedIn
from lib.queries.identity import Identity, enter
from lib.settings import Settings, SingleSignOn
from lib.ui import visitor
from lib.ui.escaping import plain
from lib.words import Language, say

_AWAY = "daybook_provider_away"
_PATIENCE_SECONDS = 5.0
CALLBACK = "/oauth2callback"
_LEAVING = "auth/logout"
"""Where `st.logout` leads: Streamlit's cookies end there, and where it can be, the provider's session."""


def secrets(settings: Settings) -> dict[str, dict[str, str]]:
    """What Streamlit is to know of the provider."""
    provider = settings.single_sign_on
    if provider is None:
        return {}
    return {
        "auth": {
            "redirect_uri": settings.base_url + CALLBACK,
            "cookie_secret": settings.cookie_key,
            "client_id": provider.client_id,
            "client_secret": provider.client_secret,
            "server_metadata_url": provider.metadata_url,
        }
    }


def way_out() -> str:
    """Where the browser goes after sign-out: through Streamlit's own for whom a provider vouched for, else home."""
    return _LEAVING if _is_vouched_for() else ""


def arrive() -> bool:
    """Let in whom the provider has just vouched for, and start the run again; returns whether they were refused."""
    identity = _identity()
    if identity is None:
        return False
    try:
        opened = enter(visitor.house().store, identity, visitor.address(), visitor.user_agent())
    except NotSignedIn:
        return False
    if opened is not None:
        visitor.remember(opened)
        st.rerun()
    return True


def draw(language: Language, *, is_refused: bool) -> None:
    """The button, where single sign-on is set up, and what is to be said to somebody whom it did not let in."""
    settings = visitor.house().settings
    provider = settings.single_sign_on
    if provider is None:
        return
    name = plain(provider.name)
    if st.session_state.pop(_AWAY, False):
        st.error(say("sign_in.sso_away", language, name=name), icon=":material/cloud_off:")
    if is_refused:
        st.error(say("sign_in.sso_refused", language, name=name), icon=":material/person_off:")
        st.button(say("sign_in.sso_other", language, name=name), key="sso_other", on_click=st.logout, width="stretch")
    if not _is_at(settings.base_url):
        # The provider sends people back there, and the cookie that knows them stays here.
        st.caption(say("sign_in.sso_elsewhere", language, name=name, address=settings.base_url))
        return
    st.button(
        say("sign_in.sso", language, name=name),
        key="sso",
        icon=":material/login:",
        on_click=_leave_for,
        args=(provider,),
        width="stretch",
    )


def _leave_for(provider: SingleSignOn) -> None:
    """Go to the provider. One that is away is noticed here: Streamlit would end on a page without a way back."""
    try:
        httpx.get(provider.metadata_url, timeout=_PATIENCE_SECONDS, follow_redirects=True).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL):
        st.session_state[_AWAY] = True
        return
    st.login()


def _identity() -> Identity | None:
    if not _is_vouched_for():
        return None
    issuer, subject, issued_at, nonce = (st.user.get(claim) for claim in ("iss", "sub", "iat", "nonce"))
    if not isinstance(issuer, str) or not isinstance(subject, str) or not isinstance(issued_at, int | float):
        return None
    return Identity(issuer, subject, datetime.fromtimestamp(issued_at, UTC), str(nonce or ""))


def _is_vouched_for() -> bool:
    # Streamlit's user has no such attribute where no provider is set up.
    return visitor.house().settings.single_sign_on is not None and bool(st.user.get("is_logged_in"))


def _is_at(base_url: str) -> bool:
    shown = st.context.url
    if not isinstance(shown, str):  # Streamlit's AppTest answers with mocks
        return True
    here, there = urlsplit(shown), urlsplit(base_url)
    return (here.scheme, here.netloc) == (there.scheme, there.netloc)
