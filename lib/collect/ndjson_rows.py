"""The rows of an NDJSON file: one object a line, its fields reached by dotted paths."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from lib.collect.fields import Fields, framed
from lib.collect.files import Advance, TextFile
from lib.collect.sources import is_filled

EXACT = 2.0**53
"""From here on a double, which larger integers are read as, does not tell neighbours apart."""


class _Unfit(Exception):
    """Why a line is no row."""


class NdjsonRows:
    """The rows of an NDJSON file."""

    def __init__(self, path: Path, fields: Fields, advance: Advance) -> None:
        self._file = TextFile(path, advance)
        self._fields = fields.supposed()

    @property
    def trouble(self) -> str | None:
        return self._file.trouble

    def check(self) -> None:
        """Nothing: each line has its own fields."""

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Frames of ROWS and of the fields."""
        paths = [(field, field.split(".") if "." in field else []) for field in self._fields.values()]
        for block in self._file:
            lines = block.filter(is_filled()).iter_rows()
            yield framed([_row(line, text, reason, paths) for line, text, reason in lines], list(self._fields))


def _row(line: int, text: str, reason: str | None, paths: list[tuple[str, list[str]]]) -> tuple[object, ...]:
    values: list[str | None] = [None] * len(paths)
    if reason is None:
        try:
            record = orjson.loads(text)
            if not isinstance(record, dict):
                raise _Unfit("not a JSON object")
            values = [_value(record, field, path) for field, path in paths]
        except orjson.JSONDecodeError as error:
            reason = f"not JSON: {error.msg} at character {error.pos + 1}"
        except _Unfit as unfit:
            reason = str(unfit)
    return line, text, reason, *values


def _value(record: dict[str, Any], field: str, path: list[str]) -> str | None:
    value = record.get(field)
    if value is None and path:
        value = record
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
    if isinstance(value, str):
        return value or None
    return None if value is None else _text(field, value)


def _text(field: str, value: object) -> str:
    if isinstance(value, dict | list):
        raise _Unfit(f'"{field}" is not a text or a number')
    if isinstance(value, float) and abs(value) >= EXACT:
        raise _Unfit(f'"{field}" is too large a number to be exact: write it as a text')
    return str(value).lower() if isinstance(value, bool) else str(value)
