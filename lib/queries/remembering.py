"""Small answers that stay right until what they were counted of changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar, cast

_KEPT: Final = 256

T = TypeVar("T")

_answers: OrderedDict[Hashable, Any] = OrderedDict()
_lock = threading.Lock()


def remembered(key: Hashable, answer: Callable[[], T]) -> T:
    """What was answered to a key before, else the answer.

    A key names all that the answer depends on: the filter, the tenants, and a mark of the data that changes with them.
    Answers are shared, so they are values that nobody changes, and small: some hundreds are kept.
    """
    with _lock:
        if key in _answers:
            _answers.move_to_end(key)
            return cast(T, _answers[key])
    found = answer()
    with _lock:
        _answers[key] = found
        while len(_answers) > _KEPT:
            _answers.popitem(last=False)
    return found
