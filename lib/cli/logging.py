"""`daybook log-config` and `daybook clean-logs`."""

from __future__ import annotations

import json

import click

from lib.cli.house import open_house
from lib.jobs import cleaning
from lib.logs.files.configuration import configuration
from lib.logs.files.types import LOG_TYPES
from lib.settings import load_settings

_TYPE = click.Choice([each.key for each in LOG_TYPES])


@click.command("log-config")
@click.argument("types", metavar="TYPE...", nargs=-1, required=True, type=_TYPE)
def log_config(types: tuple[str, ...]) -> None:
    """Print a configuration of Python's logging, as JSON, with which a service writes these types of log.

    With one type everything that the service logs goes there; with several, what it logs under their names. The
    service needs Daybook installed beside it and the right to write the folder:

    logging.config.dictConfig(json.load(open("logging.json")))
    """
    click.echo(json.dumps(configuration(load_settings().log_dir, types), indent=2))


@click.command("clean-logs")
def clean_logs() -> None:
    """Close server logs over 100 MB, compress closed ones, and remove what is over its type's copies or days.

    `daybook serve` does it every half minute; where it does not run, let cron or a timer do it.
    """
    house = open_house()
    cleaned = cleaning.clean(house.settings, house.store)
    click.echo(
        f"closed {len(cleaned.closed)}, compressed {len(cleaned.compressed)}, removed {len(cleaned.removed)} files"
    )
    for name in cleaned.held:
        click.echo(f"{name} is still written to: the service that has it open must open its log again", err=True)


COMMANDS: tuple[click.Command, ...] = (log_config, clean_logs)
