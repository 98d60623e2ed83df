"""`daybook init` and `daybook demo`: the database, and the demo in it."""

from __future__ import annotations

import click

from lib.access.viewer import EVERY_TENANT
from lib.cli.house import House, begin_log_files, open_house
from lib.jobs import demo
from lib.logs.record import COMMAND
from lib.queries.administration.account_acts import first_administrator
from lib.settings import load_settings
from lib.store import Store, schema
from lib.store.accounts import account_name_of


@click.command("init")
@click.option("--demo", "with_demo", is_flag=True, help="Also make a demo tenant with ninety days of usage.")
@click.option("--admin", default="admin", show_default=True, help="The first system administrator's name.")
def init(with_demo: bool, admin: str) -> None:
    """Create the database, or bring it to this version; harmless when repeated.

    Where there is no account yet, it makes a system administrator and prints the random password on standard output,
    once.
    """
    settings = load_settings()
    begin_log_files(settings)
    house = House(settings, Store(settings.database_url))
    schema.migrate(house.store)
    with house.store.write(EVERY_TENANT) as session:
        password = first_administrator(session, COMMAND, admin)
    if password is not None:
        click.echo(f"The first administrator is {account_name_of(admin)}. The password is shown once:", err=True)
        click.echo(password)
    if with_demo:
        loaded = demo.load(house.settings, house.store)
        click.echo(f"The demo tenant is loaded: {loaded.accepted} new events.", err=True)
    click.echo("The database is ready. Next: `daybook serve`, and sign in.", err=True)


@click.group("demo")
def demo_group() -> None:
    """The demo tenant."""


@demo_group.command("remove")
def demo_remove() -> None:
    """Remove the demo tenant with all its rows and events; what the operation log has of it stays."""
    house = open_house()
    demo.remove(house.settings, house.store)
    click.echo("The demo tenant is removed.", err=True)


COMMANDS: tuple[click.Command, ...] = (init, demo_group)
