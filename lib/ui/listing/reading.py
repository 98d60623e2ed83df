"""Reading a log is recorded, once for each filter that is looked at and not for each run of a page (SPEC O3)."""

from __future__ import annotations

import time
from collections.abc import Callable

import orjson
import streamlit as st

SAME_READING_SECONDS = 600
"""The same filter looked at again in this time, in the same tab, is one reading."""


def once(name: str, told: object, tell: Callable[[], object]) -> None:
    """Call `tell`, unless what is `told` was noted under this name a short time ago."""
    mark = orjson.dumps(told, option=orjson.OPT_SORT_KEYS).decode()
    read: dict[str, float] = st.session_state.setdefault(f"{name}.read", {})
    now = time.monotonic()
    if now - read.get(mark, -SAME_READING_SECONDS) < SAME_READING_SECONDS:
        return
    tell()
    for old in [each for each, at in read.items() if now - at >= SAME_READING_SECONDS]:
        del read[old]
    read[mark] = now
