"""Tenants, what they own, and keys, from the command line; accounts are in lib/cli/accounts.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

import click
from sqlalchemy.orm import Session

from lib.access.permissions import PERMISSIONS, Permission
from lib.access.viewer import EVERY_TENANT
from lib.cli.accounts import account
from lib.cli.house import open_house
from lib.logs import Operator
from lib.logs.record import COMMAND
from lib.queries.administration import (
    ApplicationInput,
    IngestKeyInput,
    MiniProgramInput,
    MiniProgramStatus,
    ProjectInput,
    RoleInput,
    TenantInput,
)
from lib.queries.administration.ingest_keys import add_ingest_key
from lib.queries.administration.links import link, unlink
from lib.queries.administration.mini_programs import add_mini_program
from lib.queries.administration.projects import add_application, add_project
from lib.queries.administration.roles import add_role, roles_of
from lib.queries.administration.tenants import add_tenant
from lib.queries.keeping import KEPT, OPERATIONS_KEPT, change_retention

P = ParamSpec("P")
R = TypeVar("R")

_tenant = click.option("--tenant", required=True, help="The tenant's key.")
_name = click.option("--name", required=True, help="What people read.")


def _act(tenant: str, act: Callable[Concatenate[Session, int, Operator, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
    house = open_house()
    tenant_id = house.tenant(tenant).id
    with house.store.write(tenant_id) as session:
        return act(session, tenant_id, COMMAND, *args, **kwargs)


@click.group("tenant")
def tenant_group() -> None:
    """Tenants: companies."""


@tenant_group.command("add")
@click.argument("key")
@_name
@click.option("--memo", default="", help="A note.")
@click.option("--visitors-per-application", is_flag=True, help="Its applications number their users separately.")
@click.option("--delegate-operation-log", is_flag=True, help="Its roles may give operation_log:read.")
def tenant_add(key: str, name: str, memo: str, visitors_per_application: bool, delegate_operation_log: bool) -> None:
    """Add a tenant with the roles viewer, analyst and operator. KEY is stable, the name is for people."""
    given = TenantInput(
        key,
        name,
        memo,
        numbers_visitors_per_application=visitors_per_application,
        delegates_operation_log=delegate_operation_log,
    )
    with open_house().store.write(EVERY_TENANT) as session:
        add_tenant(session, COMMAND, given)
    click.echo(f"Tenant {key} is added.", err=True)


@tenant_group.command("keep")
@click.argument("key")
@click.option("--events", metavar="DAYS", help="How many days raw usage events are kept, or forever.")
@click.option("--visits", metavar="DAYS", help="How many days visits of access logs are kept, or forever.")
@click.option("--operations", metavar="DAYS", help="How many days the operation log is kept, 183 or more, or forever.")
def tenant_keep(key: str, events: str | None, visits: str | None, operations: str | None) -> None:
    """Say how long raw rows are kept: `daybook purge`, daily, removes older ones for good.

    What was counted of usage events stays when they are removed; of visits nothing stays.
    """
    if events is None and visits is None and operations is None:
        raise click.UsageError("Give --events, --visits or --operations, with a number of days or the word forever.")
    house = open_house()
    tenant_id = house.tenant(key).id
    with house.store.write(EVERY_TENANT) as session:
        for kept, text in zip((*KEPT, OPERATIONS_KEPT), (events, visits, operations), strict=True):
            if text is not None:
                change_retention(session, tenant_id, COMMAND, kept, _days(text))


def _days(text: str) -> int | None:
    if text == "forever":
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise click.UsageError(f'"{text[:60]}" is no number of days: write one, or the word forever.')
    return int(text)


@click.group("project")
def project_group() -> None:
    """Projects: groups of applications."""


@project_group.command("add")
@click.argument("key")
@_name
@_tenant
def project_add(key: str, name: str, tenant: str) -> None:
    """Add a project to a tenant."""
    _act(tenant, add_project, ProjectInput(key, name))
    click.echo(f"Project {key} is added.", err=True)


@click.group("application")
def application_group() -> None:
    """Applications: the hosts of mini programs."""


@application_group.command("add")
@click.argument("key")
@_name
@_tenant
@click.option("--project", help="The key of the project that it is in.")
def application_add(key: str, name: str, tenant: str, project: str | None) -> None:
    """Add an application to a tenant."""
    _act(tenant, add_application, ApplicationInput(key, name, project), source="command")
    click.echo(f"Application {key} is added.", err=True)


@click.group("mini-program")
def mini_program_group() -> None:
    """Mini programs, and their links to applications."""


@mini_program_group.command("add")
@click.argument("key")
@_name
@_tenant
@click.option("--application", "applications", multiple=True, help="Link it to this application; repeatable.")
@click.option("--kind", default="", help="What kind of mini program it is, in free words.")
@click.option(
    "--status",
    type=click.Choice([status.value for status in MiniProgramStatus]),
    default=MiniProgramStatus.ONLINE.value,
    show_default=True,
)
@click.option("--description", default="", help="What it does.")
def mini_program_add(
    key: str, name: str, tenant: str, applications: tuple[str, ...], kind: str, status: str, description: str
) -> None:
    """Add a mini program to a tenant, and link it to applications."""
    given = MiniProgramInput(key, name, kind, MiniProgramStatus(status), description, frozenset(applications))
    _act(tenant, add_mini_program, given, source="command")
    click.echo(f"Mini program {key} is added.", err=True)


@mini_program_group.command("link")
@click.argument("key")
@click.option("--application", required=True, help="The application's key.")
@_tenant
def mini_program_link(key: str, application: str, tenant: str) -> None:
    """Link a mini program to an application from now on."""
    _act(tenant, link, key, application)
    click.echo(f"{key} is linked to {application}.", err=True)


@mini_program_group.command("unlink")
@click.argument("key")
@click.option("--application", required=True, help="The application's key.")
@_tenant
def mini_program_unlink(key: str, application: str, tenant: str) -> None:
    """End the link of a mini program to an application now; its history stays."""
    _act(tenant, unlink, key, application)
    click.echo(f"{key} is no longer linked to {application}.", err=True)


@click.group("role")
def role_group() -> None:
    """Roles: named sets of permissions."""


@role_group.command("add")
@click.argument("key")
@_name
@_tenant
@click.option(
    "--permission",
    "permissions",
    multiple=True,
    required=True,
    type=click.Choice([record.permission.value for record in PERMISSIONS if record.grantable]),
    help="What it gives; repeatable.",
)
def role_add(key: str, name: str, tenant: str, permissions: tuple[str, ...]) -> None:
    """Add a role to a tenant."""
    _act(tenant, add_role, RoleInput(key, name, frozenset(Permission(given) for given in permissions)))
    click.echo(f"Role {key} is added.", err=True)


@role_group.command("list")
@_tenant
def role_list(tenant: str) -> None:
    """Print a tenant's roles, one a line: key, name and permissions, separated by tabs."""
    house = open_house()
    tenant_id = house.tenant(tenant).id
    with house.store.read(tenant_id) as session:
        for row, permissions in roles_of(session, tenant_id):
            click.echo("\t".join((row.key, row.name, " ".join(permissions))))


@click.group("key")
def key_group() -> None:
    """Ingest keys: what integrators write events with."""


@key_group.command("add")
@_tenant
@click.option("--mini-program", required=True, help="The mini program whose events it brings.")
@click.option("--application", help="The application that they come from; without it, any.")
def key_add(tenant: str, mini_program: str, application: str | None) -> None:
    """Make an ingest key and print it on standard output: it cannot be read again."""
    click.echo(_act(tenant, add_ingest_key, IngestKeyInput(mini_program, application)))


COMMANDS: tuple[click.Command, ...] = (
    account,
    tenant_group,
    project_group,
    application_group,
    mini_program_group,
    role_group,
    key_group,
)
