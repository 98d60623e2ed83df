"""`daybook refresh`: the counting, run by hand, cron or a timer."""

from __future__ import annotations

import click

COMMANDS: tuple[click.Command, ...] = ()
