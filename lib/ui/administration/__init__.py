"""The tabs of administration: each kind of thing one record, with what lists it, adds it and opens it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl
import streamlit as st

from lib.access.permissions import Permission
from lib.access.viewer import Viewer
from lib.queries.console import Console
from lib.ui.administration import accounts, catalogue, company, exclusions, keeping, listings
from lib.ui.administration.dialogs import notice, open_dialog
from lib.ui.tables import Column, Kind, download, table

__all__ = ["TABS", "Tab", "draw", "tabs_of"]


@dataclass(frozen=True)
class Tab:
    """A kind of thing: its words are `administration.<key>`, `..._add` and `..._empty`. A click on
    the first column opens the row; `title` is the column that names its dialog. Where `add` is None nothing can be
    added."""

    key: str
    permission: Permission
    rows: Callable[[Console], pl.DataFrame]
    columns: tuple[Column, ...]
    add: Callable[[Console], None] | None
    open: Callable[[Console, dict[str, Any]], None]
    title: str = "name"
    in_tenant: bool = True


def _column(key: str, kind: Kind = Kind.TEXT) -> Column:
    return Column(key, f"administration.column_{key.removesuffix('_said')}", kind)


TABS = (
    Tab(
        "accounts",
        Permission.ACCOUNT_MANAGE,
        listings.accounts,
        (
            _column("name", Kind.OPENS),
            _column("display_name"),
            _column("type_said"),
            _column("state_said"),
            _column("roles_said", Kind.TEXTS),
            _column("applications_said", Kind.TEXTS),
            _column("organization_said"),
            _column("last_seen_at", Kind.INSTANT),
        ),
        accounts.account_form,
        accounts.account_form,
        in_tenant=False,
    ),
    Tab(
        "roles",
        Permission.ROLE_MANAGE,
        listings.roles,
        (
            _column("name_said", Kind.OPENS),
            _column("key"),
            _column("permissions_said", Kind.TEXTS),
            _column("accounts", Kind.COUNT),
        ),
        company.role_form,
        company.role_form,
        "name_said",
    ),
    Tab(
        "organizations",
        Permission.ACCOUNT_MANAGE,
        listings.organizations,
        (_column("path_said", Kind.OPENS), _column("key"), _column("accounts", Kind.COUNT)),
        company.organization_form,
        company.organization_form,
    ),
    Tab(
        "projects",
        Permission.CATALOGUE_MANAGE,
        listings.projects,
        (_column("name", Kind.OPENS), _column("key"), _column("applications", Kind.COUNT)),
        catalogue.project_form,
        catalogue.project_form,
    ),
    Tab(
        "applications",
        Permission.CATALOGUE_MANAGE,
        listings.applications,
        (
            _column("name", Kind.OPENS),
            _column("key"),
            _column("project_said"),
            _column("source_said"),
            _column("created_at", Kind.INSTANT),
        ),
        catalogue.application_form,
        catalogue.application_form,
    ),
    Tab(
        "mini_programs",
        Permission.CATALOGUE_MANAGE,
        listings.mini_programs,
        (
            _column("name", Kind.OPENS),
            _column("key"),
            _column("kind"),
            _column("status_said"),
            _column("applications_said", Kind.TEXTS),
            _column("source_said"),
        ),
        catalogue.mini_program_form,
        catalogue.mini_program_form,
    ),
    Tab(
        "links",
        Permission.CATALOGUE_MANAGE,
        listings.links,
        (
            _column("mini_program_said", Kind.OPENS),
            _column("application_said"),
            _column("linked_at", Kind.INSTANT),
            _column("unlinked_at", Kind.INSTANT),
        ),
        catalogue.link_form,
        catalogue.link_details,
        "mini_program_said",
    ),
    Tab(
        "ingest_keys",
        Permission.INGEST_KEY_MANAGE,
        listings.ingest_keys,
        (
            _column("prefix_said", Kind.OPENS),
            _column("mini_program_said"),
            _column("application_said"),
            _column("created_at", Kind.INSTANT),
            _column("revoked_at", Kind.INSTANT),
        ),
        company.ingest_key_form,
        company.ingest_key_details,
        "prefix_said",
    ),
    Tab(
        "exclusions",
        Permission.EXCLUSION_MANAGE,
        exclusions.rules,
        (
            _column("pattern", Kind.OPENS),
            _column("kind_said"),
            _column("memo"),
            _column("created_at", Kind.INSTANT),
            _column("removed_at", Kind.INSTANT),
        ),
        exclusions.rule_form,
        exclusions.rule_details,
        "pattern",
    ),
    Tab(
        "keeping",
        Permission.RETENTION_MANAGE,
        keeping.rules,
        (
            _column("kind_said", Kind.OPENS),
            _column("days_said"),
            _column("oldest"),
            _column("rows", Kind.COUNT),
        ),
        None,
        keeping.rule_form,
        "kind_said",
    ),
    Tab(
        "tenants",
        Permission.TENANT_MANAGE,
        listings.tenants,
        (
            _column("name", Kind.OPENS),
            _column("key"),
            _column("memo"),
            _column("settings_said", Kind.TEXTS),
            _column("created_at", Kind.INSTANT),
        ),
        company.tenant_form,
        company.tenant_form,
        in_tenant=False,
    ),
)


def tabs_of(viewer: Viewer) -> list[Tab]:
    """The tabs that a viewer may see. Where there is no tenant yet, those that need none."""
    return [tab for tab in TABS if viewer.allows(tab.permission) and (viewer.tenant_id or not tab.in_tenant)]


def draw(console: Console, tab: Tab) -> None:
    """What there is, adding to it, and a click on a row to change it."""
    notice(console)
    rows = tab.rows(console)
    name = f"administered_{tab.key}"
    with st.container(horizontal=True, vertical_alignment="center"):
        if tab.add is not None:
            label = console.say(f"administration.{tab.key}_add")
            if st.button(label, icon=":material/add:", key=f"administer.{tab.key}.add"):
                open_dialog(console, label, tab.add)
        if not rows.is_empty():
            download(console, name, lambda: tab.rows(console), tab.columns)
    if rows.is_empty():
        st.info(console.say(f"administration.{tab.key}_empty"), icon=":material/info:")
        return

    def opened(row: dict[str, Any]) -> None:
        open_dialog(console, row[tab.title], tab.open, row)

    clicks = {tab.columns[0].key: opened}
    table(console, name, rows, tab.columns, zone=console.viewer.zone, clicks=clicks)
