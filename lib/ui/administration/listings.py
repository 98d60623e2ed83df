"""What each tab lists: the rows as the queries give them, with columns beside them for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from lib.queries.console import Console
from lib.ui.administration.names import (
    account_state,
    names_by_key,
    organization_names,
    role_name,
    role_names,
)

Listed = Callable[[dict[str, Any]], dict[str, Any]]


def tenants(console: Console) -> pl.DataFrame:
    """Tenants, with their settings in words (`settings_said`)."""

    def said(row: dict[str, Any]) -> dict[str, Any]:
        settings = ("numbers_visitors_per_application", "delegates_operation_log", "is_demo")
        return {"settings_said": [console.say(f"administration.{each}") for each in settings if row[each]]}

    return _with(console.administration.tenants(), said, {"settings_said": pl.List(pl.String())})


def accounts(console: Console) -> pl.DataFrame:
    """Accounts, with type, organization, roles, applications and state in words (`..._said`)."""
    ask = console.administration
    places, roles = organization_names(ask.organizations()), role_names(console)
    hosts = names_by_key(ask.applications())

    def said(row: dict[str, Any]) -> dict[str, Any]:
        every = row["application_scope"] == "every"
        return {
            "type_said": console.say(f"account_menu.{row['type']}"),
            "organization_said": places.get(row["organization"]),
            "roles_said": [roles.get(key, key) for key in row["roles"]],
            "applications_said": [console.say("administration.scope_every_short")]
            if every
            else [hosts.get(key, key) for key in row["applications"]],
            "state_said": account_state(console, row),
        }

    words = dict.fromkeys(("type_said", "organization_said", "state_said"), pl.String())
    several = dict.fromkeys(("roles_said", "applications_said"), pl.List(pl.String()))
    return _with(ask.accounts(), said, {**words, **several})


def roles(console: Console) -> pl.DataFrame:
    """Roles, with name and permissions in words."""

    def said(row: dict[str, Any]) -> dict[str, Any]:
        name = role_name(console, row["key"], row["name"])
        permissions = [console.say(f"permission.{each.replace(':', '_')}") for each in row["permissions"]]
        return {"name_said": name, "permissions_said": permissions}

    return _with(
        console.administration.roles(), said, {"name_said": pl.String(), "permissions_said": pl.List(pl.String())}
    )


def organizations(console: Console) -> pl.DataFrame:
    """Organizations, each with its place in the tree."""

    def said(row: dict[str, Any]) -> dict[str, Any]:
        return {"path_said": " / ".join(row["path"])}

    return _with(console.administration.organizations(), said, {"path_said": pl.String()})


def projects(console: Console) -> pl.DataFrame:
    """Projects as they are."""
    return console.administration.projects()


def applications(console: Console) -> pl.DataFrame:
    """Applications, with the names of their projects."""
    names = names_by_key(console.administration.projects())

    def said(row: dict[str, Any]) -> dict[str, Any]:
        return {
            "project_said": names.get(row["project"]),
            "source_said": console.say(f"administration.source_{row['source']}"),
        }

    words = dict.fromkeys(("project_said", "source_said"), pl.String())
    return _with(console.administration.applications(), said, words)


def mini_programs(console: Console) -> pl.DataFrame:
    """Mini programs, with status and the names of their applications."""
    names = names_by_key(console.administration.applications())

    def said(row: dict[str, Any]) -> dict[str, Any]:
        return {
            "status_said": console.say(f"administration.status_{row['status']}"),
            "applications_said": [names.get(key, key) for key in row["applications"]],
            "source_said": console.say(f"administration.source_{row['source']}"),
        }

    words = dict.fromkeys(("status_said", "source_said"), pl.String())
    return _with(console.administration.mini_programs(), said, {**words, "applications_said": pl.List(pl.String())})


def links(console: Console) -> pl.DataFrame:
    """Links, with the names of both ends."""
    ask = console.administration
    programs, hosts = names_by_key(ask.mini_programs()), names_by_key(ask.applications())

    def said(row: dict[str, Any]) -> dict[str, Any]:
        return {
            "mini_program_said": programs.get(row["mini_program"], row["mini_program"]),
            "application_said": hosts.get(row["application"], row["application"]),
        }

    return _with(ask.links(), said, dict.fromkeys(("mini_program_said", "application_said"), pl.String()))


def ingest_keys(console: Console) -> pl.DataFrame:
    """Ingest keys, with what they are for."""
    ask = console.administration
    programs, hosts = ask.key_places()

    def said(row: dict[str, Any]) -> dict[str, Any]:
        application = row["application"]
        return {
            "prefix_said": f"{row['prefix']}…",
            "mini_program_said": programs.get(row["mini_program"], row["mini_program"]),
            "application_said": hosts.get(application, application)
            if application
            else console.say("administration.any_application"),
        }

    words = dict.fromkeys(("prefix_said", "mini_program_said", "application_said"), pl.String())
    return _with(ask.ingest_keys(), said, words)


def _with(rows: pl.DataFrame, said: Listed, schema: dict[str, Any]) -> pl.DataFrame:
    return rows.hstack(pl.DataFrame([said(row) for row in rows.iter_rows(named=True)], schema))
