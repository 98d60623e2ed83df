"""The log files of Daybook's own processes: the server, the commands, the scheduled jobs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lib.logs.files.handler import ServerLogHandler
from lib.logs.files.types import LOG_TYPES, NUMBERS, Level, LogType, Rule

_LIBRARIES = {"sqlalchemy": (logging.INFO, logging.WARNING), "alembic": (logging.INFO, logging.INFO)}
"""What a library says at INFO is what others say at DEBUG: its level where the rule is DEBUG or TRACE, and else."""

_CHATTY = ("alembic.runtime.plugins",)
"""Loggers whose news are none."""


class _OwnHandler(ServerLogHandler):
    """A handler whose loggers make no records that it would not write."""

    loggers: tuple[str, ...] = ()

    def obey(self, rule: Rule) -> None:
        """Set the loggers' levels with its own."""
        super().obey(rule)
        for name in self.loggers:
            logging.getLogger(name).setLevel(_level(name, rule))

    def detach(self) -> None:
        """Write nothing more."""
        for name in self.loggers:
            logging.getLogger(name).removeHandler(self)
        self.loggers = ()
        self.close()


@contextmanager
def log_files(folder: Path) -> Iterator[None]:
    """Write Daybook's own logs into a folder as long as the block lasts. What goes to a console goes on doing so."""
    names = [name for each in LOG_TYPES for name in each.loggers]
    levels = {name: logging.getLogger(name).level for name in (*names, *_CHATTY)}
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    root = logging.getLogger()
    consoles = {console: console.level for console in root.handlers}
    for console, level in consoles.items():
        console.setLevel(max(level, root.level))
    handlers = [_attached(each, folder) for each in LOG_TYPES if each.loggers]
    try:
        yield
    finally:
        for handler in handlers:
            handler.detach()
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        for console, level in consoles.items():
            console.setLevel(level)


def _attached(log_type: LogType, folder: Path) -> _OwnHandler:
    handler = _OwnHandler(log_type.key, folder)
    handler.loggers = log_type.loggers
    handler.obey(handler.rule)
    handler.addFilter(_is_of_this_type(log_type))
    for name in log_type.loggers:
        logging.getLogger(name).addHandler(handler)
    return handler


def _is_of_this_type(log_type: LogType) -> Callable[[logging.LogRecord], bool]:
    """What has a log of its own does not stand in the master log too."""
    others = [name for each in LOG_TYPES if each is not log_type for name in each.loggers if name]

    def is_ours(record: logging.LogRecord) -> bool:
        return "" not in log_type.loggers or not any(f"{record.name}.".startswith(f"{name}.") for name in others)

    return is_ours


def _level(name: str, rule: Rule) -> int:
    library = _LIBRARIES.get(name)
    if library is None:
        return NUMBERS[rule.level]
    detailed, usual = library
    return detailed if rule.level in {Level.DEBUG, Level.TRACE} else max(usual, NUMBERS[rule.level])
