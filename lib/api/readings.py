"""Which readings of the operation log a process has recorded lately: the further pages of one are no reading more."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

import orjson

from lib.queries.console import Console

SAME_READING_SECONDS: Final = 3600.0
"""How long pages of one filter are one reading."""

_REMEMBERED = 10_000


class Readings:
    """What was recorded, by account and filter. What is forgotten is recorded once more, never once less."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._noted: OrderedDict[bytes, float] = OrderedDict()

    def note(self, console: Console, asked: Mapping[str, Any], *, is_further_page: bool) -> None:
        """Record that the viewer reads the log, but for a further page of what they began to read.

        A cursor proves nothing: whoever begins with one is recorded too.
        """
        viewer = console.viewer
        told = [viewer.account_id, viewer.tenant_id, dict(asked)]
        mark = orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
        now = time.monotonic()
        with self._lock:
            is_known = now - self._noted.get(mark, -SAME_READING_SECONDS) < SAME_READING_SECONDS
        if is_further_page and is_known:
            return
        console.log_reading.note(asked, channel="openapi")
        with self._lock:
            self._noted[mark] = now
            self._noted.move_to_end(mark)
            while len(self._noted) > _REMEMBERED:
                self._noted.popitem(last=False)
