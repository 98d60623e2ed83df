"""`daybook token`: what programs read the API with."""

from __future__ import annotations

from datetime import UTC, datetime

import click
from sqlalchemy.orm import Session

from lib.access.viewer import EVERY_TENANT
from lib.cli.house import open_house
from lib.errors import NotFound
from lib.logs.record import COMMAND
from lib.queries.own_tokens import LONGEST_DAYS, USUAL_DAYS, add_token, listed, revoke_token
from lib.store.accounts import account_named
from lib.store.tables import Account

_account = click.option("--account", "account_name", required=True, metavar="NAME", help="The account that it acts as.")


@click.group("token")
def token_group() -> None:
    """API tokens: what programs read the API with, each as an account and with its permissions."""


@token_group.command("add")
@_account
@click.option("--name", required=True, help="What it is for.")
@click.option(
    "--days",
    type=click.IntRange(1, LONGEST_DAYS),
    default=USUAL_DAYS,
    show_default=True,
    help="How long it works.",
)
def token_add(account_name: str, name: str, days: int) -> None:
    """Make a token and print it on standard output: it cannot be read again."""
    with open_house().store.write(EVERY_TENANT) as session:
        token = add_token(session, COMMAND, _named(session, account_name), name, days)
    click.echo("This token is shown once:", err=True)
    click.echo(token)


@token_group.command("list")
@_account
def token_list(account_name: str) -> None:
    """Print an account's tokens, one a line: number, first characters, state, the day it ends, and name."""
    with open_house().store.read(EVERY_TENANT) as session:
        rows = listed(session, _named(session, account_name))
    now = datetime.now(UTC)
    for row in rows.iter_rows(named=True):
        ends = row["expires_at"]
        state = "revoked" if row["revoked_at"] else "expired" if ends and ends <= now else "works"
        day = f"{ends:%Y-%m-%d}" if ends else "never"
        click.echo("\t".join((str(row["id"]), row["prefix"], state, day, row["name"])))


@token_group.command("revoke")
@click.argument("number", type=int)
@_account
def token_revoke(number: int, account_name: str) -> None:
    """End a token for good, from its next request on. NUMBER is what `daybook token list` says."""
    with open_house().store.write(EVERY_TENANT) as session:
        revoke_token(session, COMMAND, _named(session, account_name), number)
    click.echo(f"Token {number} is revoked.", err=True)


def _named(session: Session, name: str) -> Account:
    account = account_named(session, name)
    if account is None:
        raise NotFound(kind="account", key=name)
    return account


COMMANDS: tuple[click.Command, ...] = (token_group,)
