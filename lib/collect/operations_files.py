"""Files of operations: Daybook's own NDJSON, and CloudTrail's records one a line or many in a document."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from lib.collect import calls, operations_cloudtrail
from lib.collect.answers import Refused
from lib.collect.cloudevents import CHARACTERS
from lib.collect.files import LINES, Advance, Pieces, TextFile
from lib.collect.numbers import exact
from lib.collect.operations import OPERATION_BYTES, Origin, record_of
from lib.logs.rows import OperationRecord

CHUNK_LINES = 10_000
"""How many operations go into one transaction."""

DOCUMENT_BYTES = 256 << 20
"""How large a document with many records may be: it is read as a whole."""

_DOCUMENT = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"Records"\s*:\s*\[')

Line = tuple[int, str, str | None]
"""A line as lib.collect.files has it: its number, its text, and why it cannot be read."""


@dataclass(frozen=True)
class OperationChunk:
    """Part of a file: how many operations it had, those to keep, how many a policy drops, and the refused lines."""

    read: int
    records: list[OperationRecord]
    dropped: int
    refused: pl.DataFrame


Reader = Callable[[dict[str, Any], int, datetime], OperationRecord | None]
"""An object, its line, and when it is read, as a record; null where a policy drops it. Raises Refused."""


def _own(told: dict[str, Any], line: int, now: datetime) -> OperationRecord | None:
    source = calls.text(told.pop("source", None), "source", CHARACTERS["source"])
    event_id = calls.text(told.pop("id", None), "id", CHARACTERS["id"])
    return record_of(told, Origin(source or "import", event_id or _id_of(told, line), now), None)


def _of_cloudtrail(told: dict[str, Any], line: int, now: datetime) -> OperationRecord | None:
    if not operations_cloudtrail.is_record(told):
        raise Refused(400, "no_record", "not a CloudTrail record: eventSource or eventName is missing")
    event_id = calls.text(told.get("eventID"), "eventID", CHARACTERS["id"])
    origin = Origin(operations_cloudtrail.source_of(told), event_id or _id_of(told, line), now)
    return record_of(operations_cloudtrail.operation_of(told), origin, None)


def _id_of(told: dict[str, Any], line: int) -> str:
    """The id of what has none: what it says, and where it stands. Raises Refused."""
    try:
        content = orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise Refused(400, "too_deep", "it has too many levels, one inside the other") from error
    return f"content:{line}:{hashlib.sha256(content).hexdigest()[:32]}"


def _written(told: Any) -> str:
    """What was read, as it may have been written; of what cannot be written again, its beginning."""
    try:
        return orjson.dumps(told).decode()
    except TypeError:
        return str(list(told))[:1000]


FORMATS: Mapping[str, Reader] = {"daybook": _own, "cloudtrail": _of_cloudtrail}
"""How files of operations are written."""


@dataclass
class OperationFile:
    """A file of operations. Afterwards `trouble` is a sentence on what was wrong with the whole of it."""

    path: Path
    form: str
    advance: Advance = lambda _count: None
    trouble: str | None = None
    _now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __iter__(self) -> Iterator[OperationChunk]:
        """The file in order. Raises Unavailable when it cannot be opened or read."""
        document = self._document() if self.form == "cloudtrail" else None
        if document is None:
            file = TextFile(self.path, self.advance, OPERATION_BYTES)
            for block in file:
                for lines in block.filter(pl.col("text").str.strip_chars() != "").iter_slices(CHUNK_LINES):
                    yield self._chunk(self._told(lines.iter_rows()))
            self.trouble = file.trouble
            return
        for start in range(0, len(document), CHUNK_LINES):
            records = document[start : start + CHUNK_LINES]
            yield self._chunk((start + place, None, each) for place, each in enumerate(records, 1))

    def _told(self, lines: Iterable[Line]) -> Iterator[tuple[int, str | None, Any]]:
        """The objects of lines; a Refused in place of one that is none."""
        for line, text, reason in lines:
            if reason is not None:
                yield line, text, Refused(400, "unreadable", reason)
                continue
            try:
                told = exact(text)
            except orjson.JSONDecodeError as error:
                what = f"not JSON: {error.msg} at character {error.pos + 1}"
                yield line, text, Refused(400, "invalid_json", what)
                continue
            if self.form == "cloudtrail" and isinstance(told, dict) and isinstance(told.get("Records"), list):
                yield from ((line, None, each) for each in told["Records"])
            else:
                yield line, text, told

    def _chunk(self, told: Iterable[tuple[int, str | None, Any]]) -> OperationChunk:
        read = dropped = 0
        records: list[OperationRecord] = []
        refused: list[Line] = []
        reader = FORMATS[self.form]
        for line, text, each in told:
            read += 1
            try:
                if isinstance(each, Refused):
                    raise each
                if not isinstance(each, dict):
                    raise Refused(400, "not_an_object", "not a JSON object")
                record = reader(each, line, self._now)
            except Refused as error:
                refused.append((line, _written(each) if text is None else text, error.what))
                continue
            if record is None:
                dropped += 1
            else:
                records.append(record)
        return OperationChunk(read, records, dropped, pl.DataFrame(refused, LINES, orient="row"))

    def _document(self) -> list[Any] | None:
        """The records of a file that is one document; null for one with a record or a document on each line."""
        if not _DOCUMENT.match(next(iter(Pieces(self.path)), b"")):
            return None
        pieces, held, size = Pieces(self.path, self.advance), [], 0
        for piece in pieces:
            held.append(piece)
            size += len(piece)
            if size > DOCUMENT_BYTES:
                split = "write one record a line (jq -c '.Records[]')"
                self.trouble = f"{self.path} is a document of more than {DOCUMENT_BYTES >> 20} MiB: {split}"
                return []
        try:
            told = exact(b"".join(held).removeprefix(b"\xef\xbb\xbf"))
        except orjson.JSONDecodeError:
            if pieces.damage is None:
                return None
            self.trouble = (
                f"{self.path} is damaged or cut: import it when you have the whole; nothing of it was imported"
            )
            return []
        records = told["Records"]
        return records if isinstance(records, list) else []
