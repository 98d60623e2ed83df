"""Files of feedback: CSV with a header, and NDJSON."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson
import polars as pl

from lib.collect.answers import Refused
from lib.collect.csv_rows import CsvRows
from lib.collect.feedback import folded, is_field, record_of, said_in
from lib.collect.fields import Fields
from lib.collect.files import LINES, Advance, TextFile
from lib.collect.sources import is_filled
from lib.errors import BadInput
from lib.feedback.records import FeedbackRecord
from lib.store.catalogue import checked_key

FORMATS: Final[Mapping[str, str]] = {"csv": "CSV", "ndjson": "NDJSON"}

CHUNK_LINES = 5_000
"""How many lines go into one transaction."""

Line = tuple[int, str, str]


@dataclass(frozen=True)
class Told:
    """A line of a file: the keys of its mini program and (null: none) application, and its record without them."""

    mini_program: str
    application: str | None
    record: FeedbackRecord


@dataclass(frozen=True)
class FeedbackChunk:
    """Part of a file: how many lines it had, what they tell, and those refused (`line`, `reason`, `text`)."""

    read: int
    told: list[Told]
    refused: pl.DataFrame


class FeedbackFields(Fields):
    """The columns of a CSV file: those mapped, and those that are called as a field is."""

    def among(self, columns: Sequence[str], file: object) -> dict[str, str]:
        """The columns to read, by themselves. Raises BadInput, which names them, where one is missing or twofold."""
        found = [column for column in columns if column in self.named.values() or is_field(folded(column))]
        for name, column in self.named.items():
            if column not in columns:
                raise BadInput(what=f'{file} has no column "{column}" for {name}: it has {", ".join(columns)}'[:2000])
        for column, count in Counter(found).items():
            if count > 1:
                raise BadInput(what=f'{file} has several columns "{column}": give them different names')
        if not found:
            raise BadInput(what=f"{file} has no column that tells feedback: name them by --map content=COLUMN,...")
        return {f"={column}": column for column in found}


class FeedbackFile:
    """A file as a source of feedback; `mini_program` is the key of the one that all of it is of, where it is given."""

    def __init__(
        self, path: Path, form: str, mini_program: str | None, named: Mapping[str, str], advance: Advance
    ) -> None:
        self.path = path
        self.form = FORMATS[form]
        self._mini_program = mini_program
        self._named = named
        self._now = datetime.now(UTC)
        self._csv = CsvRows(path, FeedbackFields(named), advance) if form == "csv" else None
        self._file = TextFile(path, advance) if form == "ndjson" else None

    @property
    def trouble(self) -> str | None:
        """What was wrong with the file as a whole."""
        source = self._csv or self._file
        return source.trouble if source else None

    def check(self) -> None:
        """Raise BadInput where a CSV file's header tells no feedback."""
        if self._csv:
            self._csv.check()

    def __iter__(self) -> Iterator[FeedbackChunk]:
        """A chunk for some thousands of lines."""
        frames = self._csv or (block.filter(is_filled()) for block in self._file or ())
        for frame in frames:
            for some in frame.iter_slices(CHUNK_LINES):
                yield self._chunk(_objects(some) if self._csv is None else _columns(some))

    def _chunk(self, lines: Iterable[tuple[int, str, Any]]) -> FeedbackChunk:
        read = 0
        told: list[Told] = []
        refused: list[Line] = []
        for line, text, found in lines:
            read += 1
            try:
                if isinstance(found, str):
                    raise Refused(400, "unread", found)
                told.append(self._told(line, text, found))
            except (Refused, BadInput) as error:
                refused.append((line, text, error.what if isinstance(error, Refused) else str(error).rstrip(".")))
        return FeedbackChunk(read, told, pl.DataFrame(refused, LINES, orient="row"))

    def _told(self, line: int, text: str, found: dict[str, Any]) -> Told:
        taken = set(self._named.values())
        named = {name: value for name, value in found.items() if name not in taken}
        named |= {name: _at(found, field) for name, field in self._named.items()}
        program = self._mini_program or said_in(named, "mini_program")
        if program is None:
            raise Refused(400, "missing", "mini_program is missing", field="mini_program")
        application = said_in(named, "application")
        record = record_of(named, 0, self._now, is_live=False)
        if not record.client_id:  # a line that names itself by nothing is what it says where it stands
            origin = hashlib.sha256(f"line:{program}:{line}:{text}".encode("utf-8", "replace")).digest()[:16]
            record = replace(record, origin=origin)
        return Told(checked_key(program), None if application is None else checked_key(application), record)


def _at(found: Mapping[str, Any], field: str) -> Any:
    if field in found:
        return found[field]
    value: Any = found
    for step in field.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _columns(rows: pl.DataFrame) -> Iterator[tuple[int, str, Any]]:
    for row in rows.iter_rows(named=True):
        fields = {name[1:]: value for name, value in row.items() if name.startswith("=") and value is not None}
        yield row["line"], row["text"], row["reason"] or fields


def _objects(lines: pl.DataFrame) -> Iterator[tuple[int, str, Any]]:
    for line, text, reason in lines.iter_rows():
        yield line, text, reason or _object(text)


def _object(text: str) -> dict[str, Any] | str:
    """The object of a line, or why there is none."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return f"not JSON: {error.msg} at character {error.pos + 1}"
    return found if isinstance(found, dict) else "not a JSON object"
