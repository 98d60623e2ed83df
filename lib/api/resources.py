"""What the read API answers: each resource one record, served as it says and described as it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from lib.access.permissions import Permission
from lib.api.parameters import Parameter
from lib.errors import BadInput
from lib.queries.console import Console

MOST_ROWS = 100_000
"""How many rows an answer may have."""

NOTICE = "Daybook-Notice"
"""The header that says what is off about the rows of an answer, where anything is."""

Asked = Mapping[str, Any]


@dataclass(frozen=True)
class Resource:
    """Rows to be read at a path. `answer` asks the console of the token's viewer; `row` is the schema of a row."""

    path: str
    summary: str
    description: str
    permission: Permission
    parameters: Sequence[Parameter]
    answer: Callable[[Console, Asked], pl.DataFrame]
    row: Mapping[str, Any]
    example: Sequence[Mapping[str, Any]]
    notice: Callable[[Asked], str | None] = lambda _asked: None
    """What whoever reads the rows should know beside them (ASCII), in the header NOTICE."""


def bounded(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows, when they are few enough to answer. Raises BadInput."""
    if len(rows) > MOST_ROWS:
        raise too_many(len(rows))
    return rows


def too_many(rows: int) -> BadInput:
    """What to say of an answer that would be too large."""
    return BadInput(
        what=f"The answer would have {rows:,} rows and may have {MOST_ROWS:,}: ask for a shorter period, a longer "
        "grain, or one mini program"
    )


def row_schema(properties: Mapping[str, Any], optional: Sequence[str] = ()) -> dict[str, Any]:
    """The schema of a row with these columns and no others."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": dict(properties), "required": required, "additionalProperties": False}
