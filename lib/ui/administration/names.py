"""Names for keys, and words for what rows keep as keys."""

from __future__ import annotations

from typing import Any

import polars as pl

from lib.access.permissions import STARTING_ROLES
from lib.queries.console import Console
from lib.words import Language, say

_STARTING = {role.key: f"role.{role.key}" for role in STARTING_ROLES}


def names_by_key(rows: pl.DataFrame) -> dict[str, str]:
    """The names of a listing's rows by key."""
    return dict(rows.select("key", "name").iter_rows())


def role_name(console: Console, key: str, name: str) -> str:
    """A role's name; one that a tenant begins with, and that nobody renamed, in the viewer's language."""
    words = _STARTING.get(key)
    return console.say(words) if words and name == say(words, Language.EN) else name


def role_names(console: Console) -> dict[str, str]:
    """What the tenant's roles are called, by key."""
    return {key: role_name(console, key, name) for key, name in names_by_key(console.administration.roles()).items()}


def organization_names(rows: pl.DataFrame) -> dict[str, str]:
    """Organizations by key, each with those above it."""
    return {key: " / ".join(path) for key, path in rows.select("key", "path").iter_rows()}


def account_state(console: Console, row: dict[str, Any]) -> str:
    """Whether an account can sign in."""
    if row["is_disabled"]:
        return console.say("administration.state_disabled")
    if row["locked_until"] is not None:
        return console.say("administration.state_locked", when=f"{row['locked_until']:%H:%M} UTC")
    return console.say("administration.state_active")
