"""`daybook show`: figures and rows on standard output."""

from __future__ import annotations

import click

COMMANDS: tuple[click.Command, ...] = ()
