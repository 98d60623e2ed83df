"""`daybook refresh`: the counting, run by hand, cron or a timer."""

from __future__ import annotations

import click

from lib.cli.house import open_house
from lib.jobs.refresh import refresh as run_refresh


@click.command()
@click.option("--full", is_flag=True, help="Count everything again from the events that are kept.")
def refresh(full: bool) -> None:
    """Count what came in since the last refresh, and publish the figures."""
    house = open_house()
    done = run_refresh(house.settings, house.store, full=full)
    as_of = done.as_of.isoformat(timespec="minutes") if done.as_of else "-"
    click.echo(
        f"counted {done.added} events ({done.late} late, {done.duplicate} repeated) and {done.visits} visits: "
        f"publication {done.publication}, as of {as_of}"
    )


COMMANDS: tuple[click.Command, ...] = (refresh,)
