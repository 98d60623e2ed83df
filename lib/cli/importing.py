"""`daybook import`: files in."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import click

from lib.cli.house import House, open_house
from lib.collect.access_logs import AccessLog, Form
from lib.collect.clickstreams import FORMATS, Clickstream
from lib.collect.feedback import FIELDS as FEEDBACK_FIELDS
from lib.collect.feedback_files import FORMATS as FEEDBACK_FORMATS
from lib.collect.feedback_files import FeedbackFile
from lib.collect.feedback_imports import FeedbackImport
from lib.collect.fields import NAMES, Fields, mapped
from lib.collect.file_imports import Outcome
from lib.collect.files import Advance
from lib.collect.imports import Import
from lib.collect.operations_files import FORMATS as OPERATION_FORMATS
from lib.collect.operations_files import OperationFile
from lib.collect.operations_imports import OperationImport
from lib.collect.sources import Source, Target
from lib.errors import BadInput, Busy, Unavailable
from lib.store.catalogue import checked_key
from lib.usage.buckets import zone_of
from lib.usage.lake import RecordKind

F = TypeVar("F")

_FILES = click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
_TENANT = click.option("--tenant", required=True, metavar="T", help="The key of the tenant that the files belong to.")


@click.group("import", short_help="Read files of visits, usage, operations or feedback.")
def import_() -> None:
    """Read files, plain or compressed by gzip, bzip2 or xz.

    The last line on standard output says how many lines were read, accepted, repeated (they had been imported
    before) and refused; those are set aside in a file, each with its number and the reason.
    """


@import_.command("visits")
@_FILES
@_TENANT
@click.option("--format", "form", type=click.Choice([str(form) for form in Form]), default="auto", show_default=True)
def import_visits(files: tuple[Path, ...], tenant: str, form: str) -> None:
    """Read web server access logs as visits."""
    _run("visit", files, tenant, lambda path, advance: AccessLog(path, Form(form), None, advance))


@import_.command("usage")
@_FILES
@_TENANT
@click.option("--format", "form", required=True, type=click.Choice([*FORMATS, "combined", "common"]))
@click.option("--application", metavar="A", help="The key of the application that all events come from.")
@click.option("--application-field", metavar="F", help="The field that has each event's application.")
@click.option("--mini-program", metavar="M", help="The key of the mini program that all events come from.")
@click.option("--mini-program-field", metavar="F", help="The field that has each event's mini program.")
@click.option("--map", "mapping", metavar="NAME=F,...", multiple=True, help=f"Where fields are: {', '.join(NAMES)}.")
@click.option("--time-zone", metavar="Z", default="UTC", show_default=True, help="The zone of times that name none.")
def import_usage(
    files: tuple[Path, ...],
    tenant: str,
    form: str,
    application: str | None,
    application_field: str | None,
    mini_program: str | None,
    mini_program_field: str | None,
    mapping: tuple[str, ...],
    time_zone: str,
) -> None:
    """Read usage events: a clickstream, or a web server's access log, whose requests become page views.

    A row of a clickstream needs a time, a visitor and a page; a field of an NDJSON line may be a path such as
    user.id. Where no event is mapped, each row is a page view. In an access log a visitor is an address with a
    user agent, and a page is a path without its query.
    """
    target = _target(application, mini_program, application_field, mini_program_field)
    if form in FORMATS:
        fields, zone = Fields.of(mapping, target), zone_of(time_zone).key
        _run("usage", files, tenant, lambda path, advance: Clickstream(path, form, fields, target, zone, advance), zone)
        return
    if application_field or mini_program_field or mapping:
        raise click.UsageError("An access log has no fields: give --application and --mini-program, and no --map.")
    _run("usage", files, tenant, lambda path, advance: AccessLog(path, Form(form), target, advance))


@import_.command("operations")
@_FILES
@_TENANT
@click.option("--format", "form", required=True, type=click.Choice([*OPERATION_FORMATS]))
def import_operations(files: tuple[Path, ...], tenant: str, form: str) -> None:
    """Read operations of other systems into the operation log.

    "daybook" is an object a line, with the fields of an operation and, where it has them, its id and source;
    "cloudtrail" is AWS CloudTrail's records, one a line or as AWS delivers them. An operation that is not in the
    catalogue is kept and marked.
    """
    house = open_house()
    importing = OperationImport(house.store, house.tenant(tenant).id, house.settings.rejects_dir, _tell)
    _, outcome = _imported(files, lambda path, advance: OperationFile(path, form, advance), importing.run)
    _seal(house)
    _end(outcome)


@import_.command("feedback")
@_FILES
@_TENANT
@click.option("--format", "form", required=True, type=click.Choice([*FEEDBACK_FORMATS]))
@click.option("--mini-program", metavar="M", help="The key of the mini program that all feedback is of.")
@click.option(
    "--map", "mapping", metavar="NAME=F,...", multiple=True, help=f"Where fields are: {', '.join(FEEDBACK_FIELDS)}."
)
def import_feedback(
    files: tuple[Path, ...], tenant: str, form: str, mini_program: str | None, mapping: tuple[str, ...]
) -> None:
    """Read what users told.

    A line needs a time, a content, and a type (abnormality, product or complaint) or the kind of an abnormality; and
    a mini program, unless --mini-program says it. Fields are found by their usual names; a field of an NDJSON line may
    be a path such as user.id. Files that `daybook export feedback` wrote as CSV can be read again.
    """
    if mini_program is not None:
        checked_key(mini_program)
    named = mapped(mapping, FEEDBACK_FIELDS)
    house = open_house()
    importing = FeedbackImport(house.store, house.tenant(tenant).id, house.settings.rejects_dir, _tell)

    def checked(sources: Sequence[FeedbackFile]) -> Outcome:
        for file in sources:
            file.check()
        return importing.run(sources)

    _, outcome = _imported(files, lambda path, advance: FeedbackFile(path, form, mini_program, named, advance), checked)
    _end(outcome)


def _seal(house: House) -> None:
    """Seal what was imported, so that it is provable from now on; what cannot be sealed now is sealed later."""
    from lib.jobs.seal import seal_and_file  # here, as the other imports start sooner without it

    try:
        seal_and_file(house.store, house.settings)
    except Busy:
        pass  # a server does it
    except Unavailable as error:
        _tell(f"The operations are imported, and not sealed yet: {str(error).rstrip('.')}")


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


def _run(
    kind: RecordKind, files: Sequence[Path], tenant: str, source: Callable[[Path, Advance], Source], zone: str = ""
) -> None:
    """Import the files, show progress, print the summary, and end with 1 when something could not be imported."""
    house = open_house()
    importing = _import(house, house.tenant(tenant).id, kind)

    def checked(sources: Sequence[Source]) -> Outcome:
        for file in sources:
            file.check()
        return importing.run(sources)

    sources, outcome = _imported(files, source, checked)
    if zoneless := sum(file.zoneless for file in sources):
        told = (
            "The time of 1 event names no zone and was read"
            if zoneless == 1
            else f"The times of {zoneless:,} events name no zone and were read"
        )
        _tell(f"{told} in {zone}: --time-zone names another")
    _end(outcome)


def _imported(
    files: Sequence[Path], source: Callable[[Path, Advance], F], run: Callable[[Sequence[F]], Outcome]
) -> tuple[Sequence[F], Outcome]:
    """What every file is read as, and what became of them; shows how far it is on a terminal."""
    size = sum(_size_of(path) for path in files)
    with click.progressbar(length=size, label="Importing", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        sources = [source(path, bar.update) for path in files]
        return sources, run(sources)


def _end(outcome: Outcome) -> None:
    """Print the summary, and end with 1 when something could not be imported."""
    for trouble in outcome.troubles:
        _tell(trouble)
    click.echo(str(outcome))
    sys.exit(1 if outcome.troubles else 0)


def _import(house: House, tenant_id: int, kind: RecordKind) -> Import:
    settings = house.settings
    return Import(house.store, settings.lake, tenant_id, kind, settings.rejects_dir, _tell)


def _tell(sentence: str) -> None:
    click.echo(f"{sentence}.", err=True)


def _size_of(path: Path) -> int:
    """The bytes of a file that can be read. Raises BadInput."""
    try:
        if not path.exists():
            raise BadInput(what=f"{path} is not there: see how it is spelt")
        if not path.is_file():
            raise BadInput(what=f"{path} is {'a folder' if path.is_dir() else 'a pipe or a device'}: name files")
        with path.open("rb"):
            return path.stat().st_size
    except OSError as error:
        raise BadInput(what=f"{path} cannot be read ({error.strerror}): let this user read it") from error


COMMANDS: tuple[click.Command, ...] = (import_,)
