"""`daybook init` and `daybook demo`: the database, and the demo in it."""

from __future__ import annotations

import click

COMMANDS: tuple[click.Command, ...] = ()
