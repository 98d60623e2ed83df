"""`daybook import`: files in."""

from __future__ import annotations

import click

COMMANDS: tuple[click.Command, ...] = ()
