"""`daybook seal`: what the schedule does every few seconds, by hand, cron or a timer."""

from __future__ import annotations

import click

from lib.cli.house import open_house
from lib.jobs import seal as job


@click.command()
def seal() -> None:
    """Seal the operations that wait, and write the checkpoints to their files."""
    house = open_house()
    done = job.seal_and_file(house.store, house.settings)
    click.echo(f"sealed {done.records} operations in {done.seals} seals")


COMMANDS: tuple[click.Command, ...] = (seal,)
