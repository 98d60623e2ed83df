"""Small answers that stay right until what they were counted of changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar, cast

import polars as pl

_KEPT: Final = 256
_KEPT_BYTES: Final = 64 << 20

T = TypeVar("T")

_answers: OrderedDict[Hashable, Any] = OrderedDict()
_lock = threading.Lock()


def remembered(key: Hashable, answer: Callable[[], T]) -> T:
    """What was answered to a key before, else the answer.

    A key names all that the answer depends on: the filter, the tenants, and a mark of the data that changes with them.
    Answers are shared, so they are values that nobody changes. Some hundreds are kept, of 64 MB in all.
    """
    with _lock:
        if key in _answers:
            _answers.move_to_end(key)
            return cast(T, _answers[key])
    found = answer()
    with _lock:
        _answers[key] = found
        while len(_answers) > _KEPT or sum(map(_size_bytes, _answers.values())) > _KEPT_BYTES:
            _answers.popitem(last=False)
    return found


def _size_bytes(answer: object) -> int:
    return int(answer.estimated_size()) if isinstance(answer, pl.DataFrame) else 0
