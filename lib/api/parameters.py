"""Parameters of the read API: each one record, which reads its text and is what the description says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lib.errors import BadInput
from lib.store.catalogue import checked_key
from lib.usage.buckets import EARLIEST, Grain, zone_of

LATEST = datetime(2100, 1, 1, tzinfo=UTC)
"""A period may not reach beyond it, nor before EARLIEST: nothing is counted there."""

HALF_HOUR = "half-hour"
"""The format of an instant on a half hour, or of a date."""

LONGEST_TEXT = 200
LONGEST_NUMBER = 20

TIME_ZONE = "time-zone"
"""The format of an IANA name."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of a query. `read` takes its text, or raises BadInput; `schema` is what JSON Schema says of it."""

    name: str
    description: str
    schema: Mapping[str, Any]
    read: Callable[[str], Any] = str
    is_required: bool = False
    example: str | None = None
    default: Any = field(default=None)


def read_query(parameters: Sequence[Parameter], query: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Every parameter by name, read; those left out are their defaults.

    Raises BadInput for one that is unknown, missing, given twice, or wrong.
    """
    known = {parameter.name: parameter for parameter in parameters}
    given: dict[str, str] = {}
    for name, text in query:
        if name not in known:
            names = ", ".join(known) or "none"
            raise BadInput(what=f'There is no parameter "{_shown(name)}" here; there are: {names}')
        if name in given:
            raise BadInput(what=f"The parameter {name} is given twice: give it once")
        given[name] = text
    missing = [each.name for each in parameters if each.is_required and each.name not in given]
    if missing:
        raise BadInput(what=f"The parameter {missing[0]} is missing: give it")
    return {
        name: parameter.read(given[name]) if name in given else parameter.default for name, parameter in known.items()
    }


def one_of(name: str, values: Sequence[str], description: str, default: str | None = None) -> Parameter:
    """A parameter that is one of a few words."""
    schema = {"type": "string", "enum": list(values)} | ({} if default is None else {"default": default})

    def read(text: str) -> str:
        if text not in values:
            raise BadInput(what=f'"{_shown(text)}" is no {name}: use one of {", ".join(values)}')
        return text

    return Parameter(name, description, schema, read, example=default or values[0], default=default)


def text_of(name: str, description: str, example: str, pattern: str | None = None) -> Parameter:
    """A parameter that is any text of reasonable length, or of a pattern that whoever gets it checks."""

    def read(text: str) -> str:
        if not 1 <= len(text) <= LONGEST_TEXT or "\0" in text:
            raise BadInput(what=f"The parameter {name} takes 1 to {LONGEST_TEXT} characters")
        return text

    bounds = {"pattern": pattern} if pattern else {"minLength": 1, "maxLength": LONGEST_TEXT, "pattern": "^[^\\x00]*$"}
    return Parameter(name, description, {"type": "string", **bounds}, read, example=example)


def key_of(name: str, description: str, example: str) -> Parameter:
    """A parameter that is the key of something; 404 answers one that names nothing."""
    schema = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$"}
    return Parameter(name, description, schema, checked_key, example=example)


def number_of(name: str, description: str, most: int, default: int) -> Parameter:
    """A parameter that is a whole number from 1."""

    def read(text: str) -> int:
        # Its length first: int() refuses thousands of digits with an error of its own.
        if not (len(text) <= LONGEST_NUMBER and text.isascii() and text.isdigit() and 1 <= int(text) <= most):
            raise BadInput(what=f"The parameter {name} is a whole number from 1 to {most:,}")
        return int(text)

    schema = {"type": "integer", "minimum": 1, "maximum": most, "default": default}
    return Parameter(name, description, schema, read, example=str(default), default=default)


def older_than(one: str, many: str, example: str) -> Parameter:
    """The parameter `before` of rows whose ids grow with time: only those older than the one of an id."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= 19 and int(text)):
            raise BadInput(what=f"The parameter before is the id of {one}: a whole number")
        return min(int(text), (1 << 63) - 1)  # of 19 digits some are more than an id can be: older than those is all

    said = f"Only {many} older than the one of this id: for the next page, the id of the last row."
    return Parameter("before", said, {"type": "string", "pattern": "^[1-9][0-9]{0,18}$"}, read, example=example)


def instant_of(name: str, description: str, example: str, form: str) -> Parameter:
    """A parameter that is an instant; it is read once the zone is known, by `within_reach`."""
    schema = {"type": "string", "format": form, "maxLength": 40}
    return Parameter(name, description, schema, str, is_required=True, example=example)


def within_reach(instant: datetime, name: str) -> datetime:
    """The instant, when events can be there. Raises BadInput."""
    if not EARLIEST <= instant <= LATEST:
        raise BadInput(what=f"The parameter {name} must be from {EARLIEST:%Y-%m-%d} to {LATEST:%Y-%m-%d}")
    return instant


def _zone(text: str) -> str:
    return zone_of(text).key


def _shown(text: str) -> str:
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text[:60])


TENANT = key_of(
    "tenant", "The tenant's key. System administrators name one; for others it can only be their own.", "demo"
)
ZONE = Parameter(
    "zone",
    "IANA name of the time zone in which buckets begin and instants without an offset are meant.",
    {"type": "string", "format": TIME_ZONE, "default": "UTC"},
    _zone,
    example="Asia/Shanghai",
    default="UTC",
)
GRAINS = tuple(grain.value for grain in Grain)
