"""`daybook import`: files in."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from lib.cli.house import House, open_house
from lib.collect.access_logs import AccessLog, Form
from lib.collect.files import Advance
from lib.collect.imports import Import
from lib.collect.sources import Source, Target
from lib.errors import BadInput
from lib.store.catalogue import checked_key
from lib.usage.lake import RecordKind

_FILES = click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
_TENANT = click.option("--tenant", required=True, metavar="T", help="The key of the tenant that the files belong to.")


@click.group("import", short_help="Read files of visits or usage.")
def import_() -> None:
    """Read files, plain or compressed by gzip, bzip2 or xz.

    The last line on standard output says how many lines were read, accepted, repeated (they had been imported
    before) and refused; those are set aside in a file, each with its number and the reason.
    """


@import_.command("visits")
@_FILES
@_TENANT
@click.option("--format", "form", type=click.Choice([*Form]), default=Form.AUTO.value, show_default=True)
def import_visits(files: tuple[Path, ...], tenant: str, form: str) -> None:
    """Read web server access logs as visits."""
    _run("visit", files, tenant, lambda path, advance: AccessLog(path, Form(form), None, advance))


@import_.command("usage")
@_FILES
@_TENANT
@click.option("--format", "form", required=True, type=click.Choice(["csv", "ndjson", "parquet", "combined", "common"]))
@click.option("--application", metavar="A", help="The key of the application that all events come from.")
@click.option("--application-field", metavar="F", help="The field that has each event's application.")
@click.option("--mini-program", metavar="M", help="The key of the mini program that all events come from.")
@click.option("--mini-program-field", metavar="F", help="The field that has each event's mini program.")
def import_usage(
    files: tuple[Path, ...],
    tenant: str,
    form: str,
    application: str | None,
    application_field: str | None,
    mini_program: str | None,
    mini_program_field: str | None,
) -> None:
    """Read usage events: a clickstream, or a web server's access log, whose requests become page views.

    In an access log a visitor is an address with a user agent, and a page is a path without its query.
    """
    target = _target(application, mini_program, application_field, mini_program_field)
    if form in {Form.COMBINED, Form.COMMON} and (application_field or mini_program_field):
        raise click.UsageError("An access log has no fields: give --application and --mini-program.")
    _run("usage", files, tenant, lambda path, advance: AccessLog(path, Form(form), target, advance))


def _target(application: str | None, mini_program: str | None, *fields: str | None) -> Target:
    target = Target(application, mini_program, *fields)
    if (target.application is None) == (target.application_field is None):
        raise click.UsageError("Give either --application or --application-field.")
    if (target.mini_program is None) == (target.mini_program_field is None):
        raise click.UsageError("Give either --mini-program or --mini-program-field.")
    for key in (application, mini_program):
        if key is not None:
            checked_key(key)
    return target


def _run(kind: RecordKind, files: Sequence[Path], tenant: str, source: Callable[[Path, Advance], Source]) -> None:
    """Import the files, show progress, print the summary, and end with 1 when something could not be imported."""
    house = open_house()
    tenant_id = house.tenant(tenant).id
    size = sum(_size_of(path) for path in files)
    is_seen = sys.stderr.isatty()
    with click.progressbar(length=size, label="Importing", file=sys.stderr, hidden=not is_seen) as bar:
        act = _import(house, tenant_id, kind)
        outcome = act.run(source(path, bar.update) for path in files)
    for trouble in outcome.troubles:
        click.echo(trouble, err=True)
    click.echo(str(outcome))
    sys.exit(1 if outcome.troubles else 0)


def _import(house: House, tenant_id: int, kind: RecordKind) -> Import:
    settings = house.settings
    return Import(
        house.store, settings.lake, tenant_id, kind, settings.rejects_dir, lambda notice: click.echo(notice, err=True)
    )


def _size_of(path: Path) -> int:
    """The bytes of a file that can be read. Raises BadInput."""
    try:
        if not path.is_file():
            raise BadInput(what=f"{path} is {'a folder' if path.is_dir() else 'not there'}: name files that are")
        with path.open("rb"):
            return path.stat().st_size
    except OSError as error:
        raise BadInput(what=f"{path} cannot be read ({error.strerror}): let this user read it") from error


COMMANDS: tuple[click.Command, ...] = (import_,)
