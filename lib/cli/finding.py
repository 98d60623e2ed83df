"""`daybook findings`: what the schedule does after each half hour, by hand, cron or a timer."""

from __future__ import annotations

import click

from lib.cli.house import open_house
from lib.jobs.findings import look


@click.command()
def findings() -> None:
    """Look through the operations that came since the last look, by the rules that watch the log."""
    looked = look(open_house().store)
    click.echo(f"looked through {looked.buckets} half hours, {looked.rows} rows: {looked.findings} new findings")


COMMANDS: tuple[click.Command, ...] = (findings,)
