"""Which field of a clickstream says what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from lib.collect.sources import Target
from lib.errors import BadInput

NAMES = (
    *("time", "visitor", "session", "page", "event", "duration_ms", "id"),
    *("os", "version", "device", "address", "user_agent"),
)
"""What a row can say of an event. A field of the same name says it where nothing else was said."""

REQUIRED = ("time", "visitor")

ROWS = {"line": pl.UInt32(), "text": pl.String(), "reason": pl.String()}
"""What stands before the fields in a row that was read: its line, how it was written, and why it is none (or null)."""


@dataclass(frozen=True)
class Fields:
    """The fields that were named, by what they say: NAMES, application, mini_program."""

    named: Mapping[str, str]

    @classmethod
    def of(cls, mapping: Sequence[str], target: Target) -> Fields:
        """The fields of some "time=F,visitor=F", and those that say whose an event is. Raises BadInput."""
        named = mapped(mapping, NAMES)
        owners = {"application": target.application_field, "mini_program": target.mini_program_field}
        return cls({**named, **{name: field for name, field in owners.items() if field is not None}})

    def supposed(self) -> dict[str, str]:
        """The fields to look for where rows differ: those named, and those of the same name as what they say.

        A field that was mapped to one name is not taken for another.
        """
        taken = {field for name, field in self.named.items() if name in NAMES}
        return {**{name: name for name in NAMES if name not in taken}, **self.named}

    def among(self, columns: Sequence[str], file: object) -> dict[str, str]:
        """The fields of a table with these columns. Raises BadInput, which names them, where one is missing."""
        found = {name: field for name, field in self.supposed().items() if field in columns or name in self.named}
        there = f"it has {', '.join(columns)}"[:2000]
        for name, field in found.items():
            if field not in columns:
                raise BadInput(what=f'{file} has no column "{field}" for {name}: {there}')
            if Counter(columns)[field] > 1:
                raise BadInput(what=f'{file} has several columns "{field}": give them different names')
        for name in REQUIRED:
            if name not in found:
                raise BadInput(what=f"{file} has no column for {name}: name it by --map {name}=COLUMN; {there}")
        return found


def mapped(mapping: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """The fields of some "time=F,visitor=F", by the names that they say, each of which is one of some. Raises
    BadInput."""
    named: dict[str, str] = {}
    for entry in ",".join(mapping).split(",") if mapping else ():
        name, equals, field = (part.strip() for part in entry.partition("="))
        if name not in names or not equals or not field:
            raise BadInput(what=f'"{entry}" maps nothing: write NAME=FIELD, where NAME is {", ".join(names)}')
        if name in named:
            raise BadInput(what=f'"{name}" is mapped twice: name one field for it')
        named[name] = field
    return named


def framed(rows: list[tuple[object, ...]], names: Sequence[str]) -> pl.DataFrame:
    """Rows of ROWS and of the named fields, all text, as a frame."""
    return pl.DataFrame(rows, {**ROWS, **{name: pl.String() for name in names}}, orient="row")
