"""Forms of what a company is made of besides its accounts: tenants, roles, organizations, ingest keys."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lib.access.permissions import NEEDS_DELEGATION, PERMISSIONS, Permission
from lib.queries.administration import IngestKeyInput, OrganizationInput, RoleInput, TenantInput
from lib.queries.console import Console
from lib.ui.administration.dialogs import attempt, attempt_for_secret, field, key_and_name, second_question
from lib.ui.administration.names import organization_names

Row = dict[str, Any]
_WORDS = {record.permission: record.words for record in PERMISSIONS}


def tenant_form(console: Console, row: Row | None = None) -> None:
    """A tenant: new, or of the row."""
    with st.form(field("tenant_form"), border=False):
        key, name = key_and_name(console, row)
        memo = st.text_area(console.say("administration.memo"), row["memo"] if row else "", max_chars=2000)
        settings = {
            setting: st.toggle(
                console.say(f"administration.{setting}"),
                bool(row and row[setting]),
                help=console.say(f"administration.{setting}_help"),
            )
            for setting in ("numbers_visitors_per_application", "delegates_operation_log")
        }
        submitted = st.form_submit_button(console.say("administration.save"), type="primary")
    if submitted:
        ask = console.administration
        act = ask.edit_tenant if row else ask.add_tenant
        done = console.say("administration.saved", name=name)
        attempt(console, lambda: act(TenantInput(key, name, memo, **settings)), done)


def role_form(console: Console, row: Row | None = None) -> None:
    """A role: new, or of the row, which can be deleted while nobody has it."""
    ask = console.administration
    offered = ask.grantable_permissions()
    withheld = [console.say(_WORDS[each]) for each in sorted(NEEDS_DELEGATION - {*offered})]
    if withheld:
        st.caption(
            console.say("administration.role_not_delegated", permissions=console.say("table.and").join(withheld))
        )
    with st.form(field("role_form"), border=False):
        key, name = key_and_name(console, row)
        permissions = st.multiselect(
            console.say("administration.permissions"),
            offered,
            default=[each for each in offered if row and each.value in row["permissions"]],
            format_func=lambda each: console.say(_WORDS[Permission(each)]),
            placeholder=console.say("administration.none_chosen"),
        )
        submitted = st.form_submit_button(console.say("administration.save"), type="primary")
    if submitted:
        act = ask.edit_role if row else ask.add_role
        done = console.say("administration.saved", name=name)
        attempt(console, lambda: act(RoleInput(key, name, frozenset(permissions))), done)
    if row is not None:
        _deletion(console, row["name"], lambda: ask.delete_role(row["key"]))


def organization_form(console: Console, row: Row | None = None) -> None:
    """An organization: new, or of the row, which can be moved, and deleted while it is empty."""
    ask = console.administration
    places = organization_names(ask.organizations())
    above = [key for key in places if row is None or key != row["key"]]
    with st.form(field("organization_form"), border=False):
        key, name = key_and_name(console, row)
        parent = st.selectbox(
            console.say("administration.parent"),
            above,
            index=above.index(row["parent"]) if row and row["parent"] in above else None,
            format_func=lambda each: places[each],
            placeholder=console.say("administration.no_parent"),
        )
        submitted = st.form_submit_button(console.say("administration.save"), type="primary")
    if submitted:
        act = ask.edit_organization if row else ask.add_organization
        done = console.say("administration.saved", name=name)
        attempt(console, lambda: act(OrganizationInput(key, name, parent)), done)
    if row is not None:
        _deletion(console, row["name"], lambda: ask.delete_organization(row["key"]))


def ingest_key_form(console: Console) -> None:
    """A new key, shown once."""
    ask = console.administration
    programs, applications = ask.key_places()
    with st.form(field("ingest_key_form"), border=False):
        program = st.selectbox(
            console.say("administration.one_mini_program"), list(programs), format_func=lambda key: programs[key]
        )
        application = st.selectbox(
            console.say("administration.one_application"),
            list(applications),
            index=None,
            format_func=lambda key: applications[key],
            placeholder=console.say("administration.any_application"),
        )
        submitted = st.form_submit_button(console.say("administration.make_key"), type="primary")
    if submitted:
        given = IngestKeyInput(program or "", application)
        attempt_for_secret(console, lambda: ask.add_ingest_key(given), console.say("administration.key_made"))


def ingest_key_details(console: Console, row: Row) -> None:
    """A key as it is, and ending it."""
    facts = {"prefix": row["prefix"], "when": f"{row['created_at']:%Y-%m-%d %H:%M} UTC"}
    st.text(console.say("administration.key_since", **facts))
    if row["revoked_at"] is not None:
        st.text(console.say("administration.key_until", when=f"{row['revoked_at']:%Y-%m-%d %H:%M} UTC"))
        return
    second_question(
        console,
        "revoke_key",
        console.say("administration.revoke_key_question", prefix=row["prefix"]),
        lambda: console.administration.revoke_ingest_key(row["id"]),
        console.say("administration.revoke_key_done", prefix=row["prefix"]),
    )


def _deletion(console: Console, name: str, act: Any) -> None:
    question = console.say("administration.delete_question", name=name)
    second_question(console, "delete", question, act, console.say("administration.deleted", name=name))
