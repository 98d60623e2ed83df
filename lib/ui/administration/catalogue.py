"""Forms of the catalogue: projects, applications, mini programs, links."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lib.queries.administration import ApplicationInput, MiniProgramInput, MiniProgramStatus, ProjectInput
from lib.queries.console import Console
from lib.ui.administration.dialogs import attempt, field, key_and_name, second_question
from lib.ui.administration.names import names_by_key

Row = dict[str, Any]


def project_form(console: Console, row: Row | None = None) -> None:
    """A project: new, or of the row."""
    with st.form(field("project_form"), border=False):
        key, name = key_and_name(console, row)
        submitted = st.form_submit_button(console.say("administration.save"), type="primary")
    if submitted:
        ask = console.administration
        act = ask.edit_project if row else ask.add_project
        attempt(console, lambda: act(ProjectInput(key, name)), console.say("administration.saved", name=name))


def application_form(console: Console, row: Row | None = None) -> None:
    """An application: new, or of the row."""
    projects = names_by_key(console.administration.projects())
    with st.form(field("application_form"), border=False):
        key, name = key_and_name(console, row)
        project = _choice(console, "project", projects, row["project"] if row else None)
        submitted = st.form_submit_button(console.say("administration.save"), type="primary")
    if submitted:
        ask = console.administration
        act = ask.edit_application if row else ask.add_application
        done = console.say("administration.saved", name=name)
        attempt(console, lambda: act(ApplicationInput(key, name, project)), done)


def mini_program_form(console: Console, row: Row | None = None) -> None:
    """A mini program: new, with the applications that it is linked to, or of the row, with its links."""
    applications = names_by_key(console.administration.applications())
    states = [state.value for state in MiniProgramStatus]
    with st.form(field("mini_program_form"), border=False):
        key, name = key_and_name(console, row)
        kind = st.text_input(
            console.say("administration.kind"),
            row["kind"] if row else "",
            max_chars=200,
            help=console.say("administration.kind_help"),
        )
        status = st.selectbox(
            console.say("administration.status"),
            states,
            index=states.index(row["status"]) if row else 0,
            format_func=lambda state: console.say(f"administration.status_{state}"),
        )
        description = st.text_area(
            console.say("administration.description"), row["description"] if row else "", max_chars=2000
        )
        linked = [] if row else _applications(console, applications)
        submitted = st.form_submit_button(console.say("administration.save"), type="primary")
    if submitted:
        ask = console.administration
        act = ask.edit_mini_program if row else ask.add_mini_program
        attempt(
            console,
            lambda: act(MiniProgramInput(key, name, kind, MiniProgramStatus(status), description, frozenset(linked))),
            console.say("administration.saved", name=name),
        )


def link_form(console: Console) -> None:
    """A link from now on."""
    ask = console.administration
    with st.form(field("link_form"), border=False):
        program = _choice(console, "mini_program", names_by_key(ask.mini_programs()), None)
        application = _choice(console, "application", names_by_key(ask.applications()), None)
        submitted = st.form_submit_button(console.say("administration.link_now"), type="primary")
    if submitted:
        done = console.say("administration.linked", mini_program=program, application=application)
        attempt(console, lambda: ask.link(program or "", application or ""), done)


def link_details(console: Console, row: Row) -> None:
    """A link as it is, and ending it."""
    facts = {"mini_program": row["mini_program"], "application": row["application"]}
    st.text(console.say("administration.link_since", when=f"{row['linked_at']:%Y-%m-%d %H:%M} UTC", **facts))
    if row["unlinked_at"] is not None:
        st.text(console.say("administration.link_until", when=f"{row['unlinked_at']:%Y-%m-%d %H:%M} UTC"))
        return
    second_question(
        console,
        "unlink",
        console.say("administration.unlink_question", **facts),
        lambda: console.administration.unlink(row["mini_program"], row["application"]),
        console.say("administration.unlinked", **facts),
    )


def _choice(console: Console, noun: str, names: dict[str, str], chosen: str | None) -> str | None:
    keys = list(names)
    return st.selectbox(
        console.say(f"administration.one_{noun}"),
        keys,
        index=keys.index(chosen) if chosen in names else None,
        format_func=lambda key: names[key],
        placeholder=console.say("administration.none_chosen"),
        key=field(f"{noun}_choice"),
    )


def _applications(console: Console, names: dict[str, str]) -> list[str]:
    return st.multiselect(
        console.say("administration.applications_linked"),
        list(names),
        format_func=lambda key: names[key],
        placeholder=console.say("administration.none_chosen"),
        key=field("applications_choice"),
    )
