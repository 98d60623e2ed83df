"""`daybook purge`: what the schedule does daily, by hand, cron or a timer."""

from __future__ import annotations

import click

from lib.cli.house import open_house
from lib.jobs import purge as job


@click.command()
def purge() -> None:
    """Remove sessions that ended 30 days ago, and attempts to sign in of 400 days ago."""
    purged = job.purge(open_house().store)
    click.echo(f"removed {purged.sessions} ended sessions and {purged.sign_ins} attempts to sign in")


COMMANDS: tuple[click.Command, ...] = (purge,)
