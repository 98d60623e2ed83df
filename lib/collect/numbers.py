"""JSON of which no whole number loses a digit."""

from __future__ import annotations

import json
from typing import Any, Final

import orjson

_MOST: Final = (1 << 64) - 1
_LEAST: Final = -(1 << 63)
_ALIKE = bytes.maketrans(b"123456789", b"0" * 9)
_LONG = b"0" * 19


def exact(body: bytes | str) -> Any:
    """What a JSON text says; a whole number that 64 bits cannot hold becomes the text of its digits.

    Others would make it a double, which is another number. Raises orjson.JSONDecodeError.
    """
    told = orjson.loads(body)
    if _LONG not in (body if isinstance(body, bytes) else body.encode()).translate(_ALIKE):
        return told
    try:
        return json.loads(body, parse_int=_whole)
    except RecursionError:  # it is deeper than can be written again, which is refused where that matters
        return told


def _whole(digits: str) -> int | str:
    number = int(digits)  # of at most 309 digits: orjson read it before, and no double is larger
    return number if _LEAST <= number <= _MOST else digits
