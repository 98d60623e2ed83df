"""Signing in: streamlit-authenticator's form and its check of the password, over Daybook's accounts and sessions.

Nothing else of that library is used. Its cookie can be read by scripts and lives on after sign-out; so the form here
ends in a row of Daybook's and a cookie of Daybook's.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import streamlit as st
from streamlit_authenticator import Authenticate
from streamlit_authenticator.controllers import AuthenticationController

from lib.access.passwords import STRONG
from lib.errors import NotSignedIn
from lib.queries.entrance import Attempt, Entrance
from lib.ui import visitor
from lib.words import Language, say

_LONGEST_NAME = 400


class Authenticator(Authenticate):  # type: ignore[misc]
    """The library's form, with Daybook's accounts behind it and without its cookie component."""

    def __init__(self, entrance: Entrance) -> None:
        # The library's own __init__ would mount its cookie component, so it is not called.
        self.accounts = _Accounts(entrance)
        self.attrs: dict[str, Any] = {"login_sleep_time": 0}
        self.path = None
        self.cookie_controller = _Cookie(self.accounts)
        self.authentication_controller = _Controller(
            {"usernames": {}}, None, False, None, None, secrets.token_hex(16)
        )
        self.authentication_controller.authentication_model.credentials["usernames"] = self.accounts


class _Controller(AuthenticationController):  # type: ignore[misc]
    is_nameless = False
    """Whether the form was sent without a name, which is no attempt."""

    def login(
        self, username: str | None = None, password: str | None = None, *args: Any, **kwargs: Any
    ) -> bool | None:
        self.is_nameless = username is not None and not username.strip()
        # bcrypt raises for such passwords, and the library would not count the attempt: let it fail as any other does.
        if password and (len(password.strip().encode()) > STRONG.most_bytes or "\0" in password):
            password = secrets.token_hex(16)
        accounts = self.authentication_model.credentials["usernames"]
        if username and not self.is_nameless and accounts[username[:_LONGEST_NAME]].attempt.wait is not None:
            return False  # whatever the password is: comparing it would only cost time
        signed_in: bool | None = super().login((username or "")[:_LONGEST_NAME], password, *args, **kwargs)
        return signed_in


class _Accounts(Mapping[str, "_Row"]):
    """Looks like the library's dictionary of accounts. Asking it for a name begins an attempt, once in a run."""

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance
        self.row: _Row | None = None

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(
            name
        )  # unknown names too: they take as long, and get the same answer

    def __getitem__(self, name: str) -> _Row:
        if self.row is None:
            attempt = self._entrance.attempt(
                name,
                visitor.address(),
                visitor.user_agent(),
                names_key=visitor.house().settings.secret_key,
            )
            self.row = _Row(self._entrance, attempt)
        return self.row

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class _Row(dict[str, Any]):
    """An account as the library sees it; writing the number of failures notes a failure."""

    def __init__(self, entrance: Entrance, attempt: Attempt) -> None:
        super().__init__(password=attempt.password_hash, name=attempt.account_name, failed_login_attempts=0)
        self._entrance = entrance
        self.attempt = attempt

    def __setitem__(self, key: str, value: object) -> None:
        if key == "failed_login_attempts" and value:
            self._entrance.fail(self.attempt)
        super().__setitem__(key, value)


@dataclass(frozen=True)
class _Cookie:
    """Stands where the library has its cookie: opens Daybook's session instead."""

    accounts: _Accounts

    def get_cookie(self) -> None:
        """The badge has been looked at before the form is drawn."""

    def set_cookie(self) -> None:
        """The password was right. One that was changed meanwhile is told as a wrong one."""
        if self.accounts.row is None:
            return
        with suppress(NotSignedIn):
            visitor.remember(visitor.house().entrance.succeed(self.accounts.row.attempt))

    def delete_cookie(self) -> None:
        """The shell does it, with the row."""


def draw_form(language: Language) -> None:
    """Draw the form; a right password starts the run again, signed in."""
    st.session_state["authentication_status"] = None  # the library's memory of an earlier session in this tab
    authenticator = Authenticator(visitor.house().entrance)
    authenticator.login(fields=_fields(language), clear_on_submit=True, key="sign_in")
    row = authenticator.accounts.row
    if row is None:
        if authenticator.authentication_controller.is_nameless:
            st.warning(say("sign_in.nameless", language), icon=":material/edit:")
        return
    if visitor.ticket() is not None:
        st.rerun()
    st.error(_sentence(row.attempt, language), icon=":material/error:")


def _fields(language: Language) -> dict[str, str]:
    words = {"Form name": "title", "Username": "name", "Password": "password", "Login": "submit"}
    return {field: say(f"sign_in.{word}", language) for field, word in words.items()}


def _sentence(attempt: Attempt, language: Language) -> str:
    if attempt.wait is None:
        return say("sign_in.wrong", language)
    seconds = max(1, math.ceil((attempt.wait.until - datetime.now(UTC)).total_seconds()))
    if attempt.wait.is_lock:
        return say("sign_in.locked", language, minutes=math.ceil(seconds / 60))
    return say("sign_in.wait", language, seconds=seconds)
