"""Rows as PostgreSQL takes many of them at once: each column as one text, which the server takes apart.

The driver's own arrays cost a microsecond and more a value; COPY is refused on tables with row-level security.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa

from lib.store.tables import UtcDateTime

_BETWEEN = "\x1f"  # seldom in any text
_TRUTHS = {True: "t", False: "f"}


@cache
def _dialect() -> sa.Dialect:
    # Loaded where it is used: it brings every driver along, a tenth of the start of a command that needs none.
    from sqlalchemy.dialects import postgresql

    dialect: sa.Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return dialect


def source_of(table: sa.FromClause, rows: Sequence[tuple[Any, ...]]) -> tuple[str, tuple[Any, ...]]:
    """What follows INSERT INTO table (its columns) to add rows, and its parameters. Instants are text in UTC; no other
    text is null."""
    told, constants, arrays, given = [], [], [], []
    for place, (column, values) in enumerate(zip(table.columns, zip(*rows, strict=True), strict=True)):
        kind = column.type.compile(_dialect())
        # Many columns say the same on every row. Those of the key are arrays even then: they tell how many there are.
        if not column.primary_key and values.count(values[0]) == len(values):
            told.append(f"%s::{kind}")
            constants.append(f"{values[0]}+00" if isinstance(column.type, UtcDateTime) else values[0])
            continue
        array, value = _array(column.type, kind, values)
        told.append(f"c{place}")
        arrays.append((f"c{place}", array))
        given.append(value)
    names, sources = zip(*arrays, strict=True)
    source = f"SELECT {', '.join(told)} FROM unnest({', '.join(sources)}) AS of({', '.join(names)})"  # noqa: S608 (our own names)
    return source, (*constants, *given)


def _array(of: sa.types.TypeEngine[Any], kind: str, values: tuple[Any, ...]) -> tuple[str, Any]:
    """An array of values: how the statement writes it, and its parameter."""
    if isinstance(of, sa.String):
        joined = _BETWEEN.join(values)
        if joined.count(_BETWEEN) == len(values) - 1 and joined:
            return f"string_to_array(%s, '{_BETWEEN}')", joined
        return f"%s::{kind}[]", list(values)
    if isinstance(of, UtcDateTime):
        texts = (f"{value}+00" for value in values)
    elif isinstance(of, sa.LargeBinary):
        texts = (f"\\\\x{value.hex()}" for value in values)
    elif isinstance(of, sa.Boolean):
        texts = (_TRUTHS[value] for value in values)
    else:
        texts = ("NULL" if value is None else str(value) for value in values)
    return f"%s::{kind}[]", f"{{{','.join(texts)}}}"
