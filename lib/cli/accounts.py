"""`daybook account`: who can sign in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec

import click
from sqlalchemy.orm import Session

from lib.access.passwords import hashed, new_password
from lib.access.permissions import AccountType
from lib.access.viewer import EVERY_TENANT
from lib.cli.house import open_house
from lib.errors import BadInput, NotFound
from lib.logs import Operator
from lib.logs.record import COMMAND
from lib.queries.administration import AccountInput, account_access, account_acts, account_identity
from lib.queries.administration.account_acts import Reach
from lib.settings import load_settings
from lib.store.accounts import account_named

P = ParamSpec("P")

_password_file = click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="Read the password from this file's first line; without it, a random one is printed once.",
)


@click.group("account")
def account() -> None:
    """Accounts: who can sign in."""


@account.command("add")
@click.argument("name")
@click.option(
    "--type",
    "type_",
    required=True,
    type=click.Choice([kind.value for kind in AccountType]),
    help="How far it reaches.",
)
@click.option("--tenant", help="The tenant's key; for platform and ordinary accounts.")
@click.option("--role", "roles", multiple=True, help="A role of the tenant, by key; repeatable.")
@click.option("--application", "applications", multiple=True, help="An application that it holds; repeatable.")
@_password_file
def account_add(
    name: str,
    type_: str,
    tenant: str | None,
    roles: tuple[str, ...],
    applications: tuple[str, ...],
    password_file: Path | None,
) -> None:
    """Add an account.

    An ordinary account without --application holds every application of its tenant, those to come included.
    """
    account_type = AccountType(type_)
    if (account_type is AccountType.SYSTEM) != (tenant is None):
        raise BadInput(what="A platform or ordinary account needs --tenant, and a system one has none")
    every = account_type is AccountType.ORDINARY and not applications
    given = AccountInput(
        name, account_type, roles=frozenset(roles), every_application=every, applications=frozenset(applications)
    )
    house = open_house()
    reach = Reach(None if tenant is None else house.tenant(tenant).id, system=True)
    password = _password(password_file)
    kept = hashed(password)
    with house.store.write(EVERY_TENANT) as session:
        account_acts.add_account(session, reach, COMMAND, given, kept)
    held = " It holds every application of its tenant." if every else ""
    click.echo(f"Account {given.name} is added.{held}", err=True)
    _shown_once(password, password_file)


@account.command("set-password")
@click.argument("name")
@_password_file
def account_set_password(name: str, password_file: Path | None) -> None:
    """Change an account's password and sign it out everywhere."""
    password = _password(password_file)
    _act(account_access.set_password, name, hashed(password))
    click.echo(f"The password of {name} is changed; its sessions and API tokens have ended.", err=True)
    _shown_once(password, password_file)


@account.command("disable")
@click.argument("name")
def account_disable(name: str) -> None:
    """Let nobody in by the account, and sign it out everywhere."""
    _act(account_access.disable_account, name)
    click.echo(f"Account {name} is disabled.", err=True)


@account.command("enable")
@click.argument("name")
def account_enable(name: str) -> None:
    """Let a disabled account sign in again."""
    _act(account_access.enable_account, name)
    click.echo(f"Account {name} is enabled.", err=True)


@account.command("link-oidc")
@click.argument("name")
@click.option("--issuer", help="The provider's address; without it, that of DAYBOOK_OIDC_ISSUER.")
@click.option("--subject", required=True, help="What the provider calls the person: the claim sub.")
def account_link_oidc(name: str, issuer: str | None, subject: str) -> None:
    """Let an identity of single sign-on in by an account."""
    configured = load_settings().single_sign_on
    if issuer is None and configured is None:
        raise BadInput(what="There is no DAYBOOK_OIDC_ISSUER: name the provider by --issuer")
    _act(account_identity.link_identity, name, issuer or (configured.issuer if configured else ""), subject)
    click.echo(f"Account {name} signs in as {subject}.", err=True)


@account.command("unlink-oidc")
@click.argument("name")
def account_unlink_oidc(name: str) -> None:
    """Let nobody in by an account but with its password, and sign it out everywhere."""
    _act(account_identity.unlink_identity, name)
    click.echo(f"Account {name} has no single sign-on.", err=True)


def _act(
    act: Callable[Concatenate[Session, Reach, Operator, str, P], None], name: str, *args: P.args, **kwargs: P.kwargs
) -> None:
    """Do it to the account of the name, in whichever tenant it is."""
    with open_house().store.write(EVERY_TENANT) as session:
        row = account_named(session, name)
        if row is None:
            raise NotFound(kind="account", key=name)
        act(session, Reach(row.tenant_id, system=True), COMMAND, name, *args, **kwargs)


def _password(file: Path | None) -> str:
    if file is None:
        return new_password()
    try:
        with click.open_file(str(file), encoding="utf-8-sig") as lines:
            first: str = lines.readline()
            return first.rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise BadInput(what=f"{file} is not UTF-8 text") from error


def _shown_once(password: str, file: Path | None) -> None:
    if file is None:
        click.echo("This password is shown once:", err=True)
        click.echo(password)
