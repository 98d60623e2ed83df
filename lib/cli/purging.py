"""`daybook purge`: what the schedule does daily, by hand, cron or a timer."""

from __future__ import annotations

import click

from lib.cli.house import open_house
from lib.jobs import purge as job


@click.command()
def purge() -> None:
    """Remove sessions that ended and feedback logs that came 30 days ago, attempts to sign in of 400 days ago, and raw
    rows as tenants say. Feedback itself stays.

    How long raw events and visits are kept is a setting of each tenant: `daybook tenant keep`.
    """
    house = open_house()
    purged = job.purge(house.settings, house.store)
    click.echo(
        f"removed {purged.sessions} ended sessions, {purged.sign_ins} attempts to sign in, "
        f"{purged.events} raw events, {purged.visits} visits, {purged.operations} operations "
        f"and {purged.feedback_logs} feedback logs"
    )


COMMANDS: tuple[click.Command, ...] = (purge,)
