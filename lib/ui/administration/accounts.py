"""Forms of accounts: what they are and hold, and letting them in or no longer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from lib.access.passwords import new_password
from lib.access.permissions import AccountType
from lib.queries.administration import AccountInput
from lib.queries.console import Console
from lib.ui.administration.dialogs import attempt, attempt_for_secret, field, second_question
from lib.ui.administration.identity import identity_end, identity_form
from lib.ui.administration.names import names_by_key, organization_names, role_names

Row = dict[str, Any]
_EVERY, _LISTED = "every", "listed"


@dataclass(frozen=True)
class _Reaches:
    type: AccountType
    every_application: bool


def account_form(console: Console, row: Row | None = None) -> None:
    """An account: new, or of the row with what can be done to it."""
    name = (
        row["name"]
        if row
        else st.text_input(console.say("administration.account_name"), max_chars=100, key=field("name"))
    )
    reaches = _reaches(console, row)
    with st.form(field("account_form"), border=False):
        display_name = st.text_input(
            console.say("administration.display_name"), row["display_name"] if row else "", max_chars=200
        )
        held = _held(console, reaches, row)
        password = "" if row else _password(console, "new")
        submitted = st.form_submit_button(console.say("administration.save"), type="primary")
    if submitted:
        _save(console, row, lambda: AccountInput(name, reaches.type, display_name, **held), name, password)
    if row is not None:
        _access(console, row)


def _reaches(console: Console, row: Row | None) -> _Reaches:
    types = [each.value for each in console.administration.account_types()]
    chosen = st.selectbox(
        console.say("administration.type"),
        types,
        index=types.index(row["type"]) if row and row["type"] in types else 0,
        format_func=lambda each: console.say(f"account_menu.{each}"),
        key=field("account_type"),
    )
    every = True
    if chosen == AccountType.ORDINARY:
        scopes = [_EVERY, _LISTED]
        scope = st.radio(
            console.say("administration.scope"),
            scopes,
            index=scopes.index(row["application_scope"]) if row else 0,
            format_func=lambda each: console.say(f"administration.scope_{each}"),
            key=field("account_scope"),
        )
        every = scope == _EVERY
    return _Reaches(AccountType(chosen), every)


def _held(console: Console, reaches: _Reaches, row: Row | None) -> dict[str, Any]:
    """The fields of what an account of the type can hold."""
    held: dict[str, Any] = {"every_application": reaches.every_application}
    if reaches.type is AccountType.SYSTEM:
        return held
    ask = console.administration
    if not reaches.every_application:
        applications = names_by_key(ask.applications())
        held["applications"] = _several(console, "applications_held", applications, row["applications"] if row else [])
    if reaches.type is AccountType.ORDINARY:
        held["roles"] = _several(console, "roles_held", role_names(console), row["roles"] if row else [])
    places = organization_names(ask.organizations())
    held["organization"] = st.selectbox(
        console.say("administration.one_organization"),
        list(places),
        index=list(places).index(row["organization"]) if row and row["organization"] in places else None,
        format_func=lambda key: places[key],
        placeholder=console.say("administration.none_chosen"),
    )
    return held


def _several(console: Console, words: str, names: dict[str, str], chosen: list[str]) -> frozenset[str]:
    return frozenset(
        st.multiselect(
            console.say(f"administration.{words}"),
            list(names),
            default=[key for key in chosen if key in names],
            format_func=lambda key: names[key],
            placeholder=console.say("administration.none_chosen"),
        )
    )


def _save(console: Console, row: Row | None, given: Callable[[], AccountInput], name: str, password: str) -> None:
    ask, done = console.administration, console.say("administration.saved", name=name)
    if row is not None:
        attempt(console, lambda: ask.edit_account(given()), done)
    elif password:
        attempt(console, lambda: ask.add_account(given(), password), done)
    else:
        attempt_for_secret(console, lambda: _added(console, given()), done)


def _added(console: Console, given: AccountInput) -> str:
    password = new_password()
    console.administration.add_account(given, password)
    return password


def _password(console: Console, key: str) -> str:
    return st.text_input(
        console.say("administration.password"),
        type="password",
        autocomplete="new-password",
        placeholder=console.say("administration.password_help"),
        key=field(f"password_{key}"),
    )


def _access(console: Console, row: Row) -> None:
    """A new password, and the ends of being let in."""
    name = row["name"]
    with st.expander(console.say("administration.set_password"), icon=":material/key:"):
        with st.form(field("password_form"), border=False):
            password = _password(console, "other")
            submitted = st.form_submit_button(console.say("administration.set_password"))
        if submitted:
            _set_password(console, name, password)
    identity_form(console, row)
    with st.container(horizontal=True):
        _ends(console, row)


def _set_password(console: Console, name: str, password: str) -> None:
    ask, done = console.administration, console.say("administration.password_set", name=name)
    if password:
        attempt(console, lambda: ask.set_password(name, password), done)
        return

    def random() -> str:
        made = new_password()
        ask.set_password(name, made)
        return made

    attempt_for_secret(console, random, done)


def _ends(console: Console, row: Row) -> None:
    ask, name = console.administration, row["name"]

    def done(action: str) -> str:
        return console.say(f"administration.{action}_done", name=name)

    def question(action: str) -> str:
        return console.say(f"administration.{action}_question", name=name)

    sign_out = question("revoke_sessions")
    second_question(console, "revoke_sessions", sign_out, lambda: ask.revoke_sessions(name), done("revoke_sessions"))
    if row["is_disabled"]:
        if st.button(console.say("administration.enable"), key=field("enable")):
            attempt(console, lambda: ask.enable_account(name), done("enable"))
    else:
        second_question(console, "disable", question("disable"), lambda: ask.disable_account(name), done("disable"))
    identity_end(console, row)
    if row["locked_until"] is not None and st.button(console.say("administration.unlock"), key=field("unlock")):
        attempt(console, lambda: ask.unlock_account(name), done("unlock"))
