"""What commands that show or take away rows have in common: who asks, and for which period."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

from lib.access.permissions import AccountType, of_type
from lib.access.viewer import EVERY_APPLICATION, Viewer
from lib.cli.house import House
from lib.feedback.types import FEEDBACK_KINDS, FEEDBACK_TYPES
from lib.logs.catalogue import CLASSES
from lib.logs.wording import CHANNELS, RESULTS
from lib.queries.sign_ins import RESULTS as SIGN_IN_RESULTS
from lib.queries.spans import SpanFilter
from lib.queries.usage import Dimension, UsageFilter
from lib.queries.visit_filter import RESULTS as VISIT_RESULTS
from lib.usage.buckets import Grain, Period
from lib.usage.instants import half_hour_of, instant_of

Command = Callable[..., None]
Option = Callable[[Command], Command]
F = TypeVar("F", bound=SpanFilter)

DIMENSIONS: dict[str, Dimension] = {
    "application": "application",
    "mini-program": "mini_program",
    "page": "page",
    "os": "os",
}
"""The values of --by."""

GRAINS = tuple(grain.value for grain in Grain)


def with_options(options: Sequence[Option]) -> Option:
    """Give a command all of the options, in their order."""

    def given(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return given


PERIOD_OPTIONS = (
    click.option("--tenant", "tenant_key", required=True, metavar="T", help="Key of the tenant."),
    click.option(
        "--since", required=True, metavar="I", help="First instant: ISO 8601; without an offset, in the zone."
    ),
    click.option("--until", required=True, metavar="I", help="The instant after the last one."),
    click.option("--zone", default="UTC", show_default=True, metavar="Z", help="IANA name of the time zone shown."),
)

USAGE_OPTIONS = (
    click.option("--mini-program", metavar="M", help="Key of a mini program."),
    click.option("--application", metavar="A", help="Key of an application."),
    click.option("--grain", type=click.Choice(GRAINS), default="period", show_default=True),
    click.option("--by", type=click.Choice(list(DIMENSIONS)), help="One row for each."),
)

ROWS_OPTIONS = (
    click.option("--grain", type=click.Choice(GRAINS), help="Count by; without it, the rows."),
    click.option("--limit", type=click.IntRange(min=1), help="At most so many rows, the newest."),
)

_FROM_OPTIONS = (
    click.option("--account", metavar="NAME", help="Only of this account."),
    click.option("--address", metavar="IP", help="Only this client address."),
    click.option("--country", metavar="CC", help="Only from this country, such as CN, or private or unknown."),
    click.option("--region", metavar="CC-R", help="Only from this region, such as CN-GD."),
)

VISIT_OPTIONS = (
    *ROWS_OPTIONS,
    *_FROM_OPTIONS,
    click.option("--status", metavar="S", help="Only this status, such as 404 or 5xx."),
    click.option("--result", type=click.Choice(VISIT_RESULTS), help="Only with a status below 400, or from 400 on."),
    click.option("--method", metavar="M", help="Only this method."),
    click.option("--path", metavar="P", help="Only this path, whatever its query."),
    click.option(
        "--keyword", metavar="TEXT", help="Only with this in address, target, user agent, account or company."
    ),
)

SIGN_IN_OPTIONS = (
    *ROWS_OPTIONS,
    *_FROM_OPTIONS,
    click.option("--result", type=click.Choice(SIGN_IN_RESULTS), help="Only with this result."),
    click.option("--keyword", metavar="TEXT", help="Only with this in account, address or company."),
)


_WORDS = {
    "operators": ("--operator", "NAME", "Only of this operator."),
    "products": ("--product", "P", "Only of this product, such as daybook."),
    "projects": ("--project", "P", "Only of this project."),
    "applications": ("--application", "A", "Only of this application."),
    "modules": ("--module", "M", "Only of this module."),
    "submodules": ("--submodule", "M", "Only of this submodule."),
    "actions": ("--action", "A", "Only this action."),
}
_FEW = {"classes": ("--class", CLASSES), "channels": ("--channel", CHANNELS), "results": ("--result", RESULTS)}

OPERATION_OPTIONS = (
    click.option("--keyword", default="", metavar="TEXT", help="Only with this in operator, object or content."),
    *(
        click.option(flag, field, multiple=True, metavar=metavar, help=f"{said} Repeat it for several.")
        for field, (flag, metavar, said) in _WORDS.items()
    ),
    *(
        click.option(flag, field, multiple=True, type=click.Choice(values), help="Only these. Repeat it for several.")
        for field, (flag, values) in _FEW.items()
    ),
    click.option("--object-type", default="", metavar="T", help="Only what was done to objects of this type."),
    click.option("--object-id", default="", metavar="ID", help="Only what was done to the object of this id."),
)

FEEDBACK_OPTIONS = (
    click.option("--mini-program", metavar="M", help="Only of this mini program, by key."),
    click.option("--application", metavar="A", help="Only of this application, by key."),
    click.option("--type", type=click.Choice([each.key for each in FEEDBACK_TYPES]), help="Only of this type."),
    click.option("--kind", type=click.Choice([each.key for each in FEEDBACK_KINDS]), help="Only this abnormality."),
    click.option("--version", metavar="V", help="Only of this version of the mini program."),
    click.option("--os", metavar="OS", help="Only of this operating system."),
    click.option("--keyword", metavar="TEXT", help="Only with this in content, contact, user, device or versions."),
)


def operator_of(house: House, tenant_key: str) -> Viewer:
    """Whoever can run the command on the server reads the database anyway: they see what a system administrator
    sees."""
    tenant = house.tenant(tenant_key)
    return Viewer(
        account_id=0,
        account_name="command line",
        account_type=AccountType.SYSTEM,
        tenant_id=tenant.id,
        tenant_key=tenant.key,
        tenant_name=tenant.name,
        permissions=of_type(AccountType.SYSTEM),
        applications=EVERY_APPLICATION,
    )


def usage_filter(
    since: str, until: str, zone: str, mini_program: str | None, application: str | None
) -> UsageFilter:
    """The usage that the options ask for. A date that begins inside a half hour is said to be moved (SPEC T2)."""
    ends = []
    for text in (since, until):
        instant, moved = half_hour_of(text, zone)
        ends.append(instant)
        if moved:
            minutes = moved.seconds // 60
            click.echo(
                f"{text} in {zone} begins inside a half hour: counting from {minutes} minutes before it", err=True
            )
    return UsageFilter(Period(ends[0], ends[1], zone), mini_program, application)


def span_filter(kind: type[F], since: str, until: str, zone: str, words: Mapping[str, Any]) -> F:
    """The rows of a log that the options ask for."""
    return kind(instant_of(since, zone), instant_of(until, zone), zone, **words)
