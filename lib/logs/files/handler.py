"""The handler with which any Python service writes a type of log: several processes may write one file.

It is concurrent-log-handler's, which takes a lock for each line, with Daybook's names for what is closed and Daybook's
rules. `daybook log-config` prints a configuration that names it.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
import weakref
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from concurrent_log_handler import ConcurrentRotatingFileHandler

from lib.logs.files import rotation, rules
from lib.logs.files.types import MAX_BYTES, NUMBERS, TYPE_BY_KEY, Level, Rule

WATCH_SECONDS = 2.0
"""How often a process looks whether its rules have changed."""

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")

logging.addLevelName(NUMBERS[Level.TRACE], "TRACE")


class LineFormatter(logging.Formatter):
    """`2026-11-22T08:48:50.123Z INFO  [4711] logger: message`, further lines set in.

    A message cannot begin a line of its own, so nobody who gets a text into it can forge an entry.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The entry; the lines of a stack trace belong to it."""
        at = datetime.fromtimestamp(record.created, UTC)
        text = super().format(record).replace("\r\n", "\n").replace("\n", "\n\t")
        text = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
        level = level_of(record.levelno)
        return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z {level:5} [{record.process}] {record.name}: {text}"


def level_of(number: int) -> Level:
    """The level of a number of Python's logging."""
    return next((level for level, least in NUMBERS.items() if number >= least), Level.TRACE)


class ServerLogHandler(ConcurrentRotatingFileHandler):
    """Writes one type of log into a folder, at the level of the type's rule and not below, and closes it at its size.

    `max_bytes` is there for tests; every process that writes a file gives the same.
    """

    def __init__(self, type: str, folder: str | Path, max_bytes: int = MAX_BYTES) -> None:
        self.log_type = TYPE_BY_KEY[type]
        self.folder = Path(folder).absolute()
        self.rule = Rule()
        path = self.folder / self.log_type.file
        super().__init__(str(path), "a", maxBytes=max_bytes, encoding="utf-8", unicode_error_policy="replace")
        self.setFormatter(LineFormatter())
        self.obey(rules.read_rules(self.folder)[type])
        _watch.add(self)

    def obey(self, rule: Rule) -> None:
        """Write at the rule's level from now on."""
        self.rule = rule
        self.setLevel(NUMBERS[rule.level])

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line, as a child process too that was forked after the handler was made."""
        _watch.ensure()
        super().emit(record)

    def doRollover(self) -> None:  # noqa: N802 (the library's name)
        """Close the file under the lock that is held, and remove what is surplus by then."""
        if self.stream and not self.stream.closed:
            self.stream.close()
        self.stream = None
        rotation.close_live(self.folder, self.log_type)
        rotation.remove_surplus(self.folder, self.log_type, self.rule)
        self.num_rollovers += 1

    def let_go(self) -> None:
        """Close the file where it is not the live one any more, so that a silent process does not keep it open."""
        if not self.acquire_soon():
            return
        try:
            self._check_stream()
        finally:
            self.release()

    def acquire_soon(self) -> bool:
        """Take the handler's own lock unless it is in use just now."""
        return self.lock is None or self.lock.acquire(blocking=False)


class _Watch:
    """A thread for all handlers of a process: it looks at the rules, and lets closed files go."""

    def __init__(self) -> None:
        self._handlers: weakref.WeakSet[ServerLogHandler] = weakref.WeakSet()
        self._pid = 0
        self._lock = threading.Lock()
        self._seen: dict[Path, int] = {}

    def add(self, handler: ServerLogHandler) -> None:
        self._handlers.add(handler)
        self._seen.setdefault(handler.folder, rules.changed_at(handler.folder))
        self.ensure()

    def ensure(self) -> None:
        if self._pid != os.getpid():
            with self._lock:
                if self._pid != os.getpid():
                    self._pid = os.getpid()
                    threading.Thread(target=self._run, name="log rules", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(WATCH_SECONDS)
            with suppress(Exception):  # logging must not fall over what it logs with
                self.look()

    def look(self) -> None:
        handlers = list(self._handlers)
        for folder in {handler.folder for handler in handlers}:
            changed_at = rules.changed_at(folder)
            if changed_at != self._seen.get(folder):
                self._seen[folder] = changed_at
                by_type = rules.read_rules(folder)
                for handler in handlers:
                    if handler.folder == folder:
                        handler.obey(by_type[handler.log_type.key])
        for handler in handlers:
            handler.let_go()


_watch = _Watch()
