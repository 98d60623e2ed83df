"""Small answers that stay right until what they were counted of changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar, cast

import polars as pl

_KEPT: Final = 1024
_KEPT_BYTES: Final = 64 << 20

T = TypeVar("T")

_answers: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
_lock = threading.Lock()
_kept_bytes = 0


def remembered(key: Hashable, answer: Callable[[], T], size_bytes: Callable[[T], int] | None = None) -> T:
    """What was answered to a key before, else the answer.

    A key names all that the answer depends on: the filter, the tenants, and a mark of the data that changes with them;
    or the data itself. Answers are shared, so they are values that nobody changes. A thousand are kept, of 64 MB in
    all; those that were not asked for the longest go first. `size_bytes` says how large an answer is, other than a
    frame or a piece of text.
    """
    global _kept_bytes
    with _lock:
        if key in _answers:
            _answers.move_to_end(key)
            return cast(T, _answers[key][0])
    found = answer()
    size = _size_bytes(found) if size_bytes is None else size_bytes(found)
    with _lock:
        _kept_bytes += size - _answers.pop(key, (None, 0))[1]
        _answers[key] = found, size
        while len(_answers) > _KEPT or _kept_bytes > _KEPT_BYTES:
            _kept_bytes -= _answers.popitem(last=False)[1][1]
    return found


def _size_bytes(answer: object) -> int:
    if isinstance(answer, pl.DataFrame):
        return int(answer.estimated_size())
    return len(answer) if isinstance(answer, str | bytes) else 0
