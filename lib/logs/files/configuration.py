"""The configuration of Python's logging that other services use (`logging.config.dictConfig`)."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from lib.logs.files.types import LOG_TYPES

HANDLER = "lib.logs.files.handler.ServerLogHandler"


def configuration(folder: Path, types: Collection[str]) -> dict[str, Any]:
    """A configuration whose loggers are named after the types; with one type, everything goes to that.

    The loggers let everything pass: the handler keeps what the type's rule says, also once that is changed.
    """
    known = [each.key for each in LOG_TYPES if each.key in types]
    handlers = {key: {"class": HANDLER, "type": key, "folder": str(folder)} for key in known}
    said: dict[str, Any] = {"version": 1, "disable_existing_loggers": False, "handlers": handlers}
    if len(known) == 1:
        return said | {"root": {"level": "TRACE", "handlers": known}}
    loggers = {key: {"level": "TRACE", "handlers": [key], "propagate": False} for key in known}
    return said | {"loggers": loggers}
