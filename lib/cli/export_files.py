"""Writing rows to a file or to standard output, with progress on a terminal, and their record."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

import click

from lib.cli.house import House
from lib.errors import BadInput
from lib.export.formats import FORMAT_BY_KEY
from lib.export.writing import Manifest, Writing
from lib.logs.record import COMMAND, Act, record
from lib.queries.exportable import Exportable
from lib.queries.exports import Export, ExportRequest
from lib.words import Language

STANDARD_OUTPUT = Path("-")


@dataclass(frozen=True)
class Target:
    """What the options of a command say of its file: its format, where it goes, the language of its headings."""

    format: str
    output: Path
    language: Language


def write_file(house: House, tenant_key: str, exportable: Exportable, target: Target) -> None:
    """Write the rows, record it, and say on standard error how many there are and what they are known by."""
    tenant_id = house.tenant(tenant_key).id
    to_output = target.output == STANDARD_OUTPUT
    written = (_to_output if to_output else _to_file)(house, tenant_id, exportable, target)
    _tell(target.output, written)


def _to_file(house: House, tenant_id: int, exportable: Exportable, target: Target) -> Manifest:
    """The file and its record together: beside it first, and renamed in the record's transaction."""
    output = target.output
    beside = output.with_name(f".{output.name}.{os.getpid()}")
    export = Export(token_hex(8), exportable.kind, output.name, exportable.asked)
    try:
        with _progress(exportable, target) as writing, closing(iter(writing)) as parts, beside.open("xb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        manifest = writing.manifest(output.name)
        with house.store.write(tenant_id) as session:
            record(session, tenant_id, COMMAND, export.done(manifest.recorded()))
            session.flush()
            beside.replace(output)
    except OSError as error:
        raise BadInput(what=f"{output} cannot be written ({error.strerror})") from error
    finally:
        beside.unlink(missing_ok=True)
    return manifest


def _to_output(house: House, tenant_id: int, exportable: Exportable, target: Target) -> Manifest:
    """What has left cannot be called back: a record before the first byte, and one of what left."""
    export = Export(token_hex(8), exportable.kind, str(STANDARD_OUTPUT), exportable.asked)
    request = ExportRequest(
        exportable.room,
        exportable.asked,
        tuple(exportable.headings),
        target.format,
        export.file_name,
        target.language.value,
        exportable.zone,
    )
    _record(house, tenant_id, export.begun(request))
    broken_off = "the output was closed"
    with _progress(exportable, target) as writing:
        try:
            with closing(iter(writing)) as parts:
                for part in parts:
                    sys.stdout.buffer.write(part)
                sys.stdout.buffer.flush()
            broken_off = ""
        finally:
            manifest = writing.manifest(export.file_name)
            _record(house, tenant_id, export.done(manifest.recorded(), broken_off))
    return manifest


@contextmanager
def _progress(exportable: Exportable, target: Target) -> Generator[Writing]:
    is_seen = sys.stderr.isatty()
    total = exportable.count() if is_seen else 0
    with click.progressbar(length=total, label="Exporting", file=sys.stderr, hidden=not is_seen) as bar:
        headings, written_as = exportable.said(target.language), FORMAT_BY_KEY[target.format]
        yield Writing(
            exportable.rows(), headings, written_as, exportable.zone, lambda rows: bar.update(rows - bar.pos)
        )


def _record(house: House, tenant_id: int, act: Act) -> None:
    with house.store.write(tenant_id) as session:
        record(session, tenant_id, COMMAND, act)


def _tell(output: Path, written: Manifest) -> None:
    click.echo(f"{output}: {written.rows} rows, SHA-256 {written.sha256}", err=True)
    if written.replaced:
        click.echo(f"{written.replaced} characters that {written.format} lacks were replaced", err=True)
    if written.cut:
        click.echo(f"{written.cut} texts longer than a cell of a spreadsheet were cut: csv keeps them whole", err=True)
