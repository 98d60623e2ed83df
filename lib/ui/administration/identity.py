"""Whom single sign-on lets in by an account."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lib.queries.console import Console
from lib.ui import visitor
from lib.ui.administration.dialogs import attempt, field, second_question
from lib.ui.escaping import plain

Row = dict[str, Any]


def identity_form(console: Console, row: Row) -> None:
    """What the provider calls the person; nothing where no provider is set up."""
    provider = visitor.house().settings.single_sign_on
    if provider is None:
        return
    name, ask = row["name"], console.administration
    with st.expander(console.say("administration.identity"), icon=":material/badge:"):
        st.caption(plain(row["oidc_issuer"] or provider.issuer))
        with st.form(field("identity_form"), border=False):
            subject = st.text_input(
                console.say("administration.identity_subject"),
                row["oidc_subject"] or "",
                max_chars=255,
                help=console.say("administration.identity_help"),
                key=field("identity_subject"),
            )
            submitted = st.form_submit_button(console.say("administration.link_identity"))
        if submitted:
            done = console.say("administration.link_identity_done", name=name)
            attempt(console, lambda: ask.link_identity(name, provider.issuer, subject), done)


def identity_end(console: Console, row: Row) -> None:
    """Taking the identity from an account that has one, also where the provider is no longer set up."""
    if row["oidc_subject"] is None:
        return
    name, ask = row["name"], console.administration
    question = console.say("administration.unlink_identity_question", name=name)
    done = console.say("administration.unlink_identity_done", name=name)
    second_question(console, "unlink_identity", question, lambda: ask.unlink_identity(name), done)
