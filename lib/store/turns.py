"""Whose turn it is to write to a SQLite file, among all the processes of one machine."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from lib.errors import Unavailable

_POLL_SECONDS = 0.001
_PLACES = ("door-3", "door-2", "door", "writer")
"""The places of the queue, of which each has room for one: who comes last competes for the first of them only."""

_of_thread = threading.local()


@contextmanager
def writers_turn(database: str, patience_seconds: float) -> Iterator[None]:
    """Hold the right to write: one holder at a time, and nobody starves behind one who comes again and again.

    With SQLite's own busy handler the writer who has just finished is the likeliest to be next. Here writers stand in
    a queue: each waits in its place, alone, until the one before it has gone on, and only then leaves it. The system
    empties a place when a process dies. Raises Unavailable when the turn does not come in time.
    """
    if getattr(_of_thread, "database", None) == database:
        raise RuntimeError("A transaction that writes was begun inside another: it would wait for itself")
    until = time.monotonic() + patience_seconds
    with ExitStack() as inside:
        for place in _PLACES:
            with inside.pop_all():  # the place before it
                inside.enter_context(_locked(f"{database}-{place}", until))
        _of_thread.database = database
        inside.callback(_of_thread.__delattr__, "database")
        yield


@contextmanager
def _locked(path: str, until: float) -> Iterator[None]:
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(what=f"{path} cannot be opened ({error.strerror}; see its folder)") from error
    try:
        while not _taken(file):
            if time.monotonic() >= until:
                what = "Another process of Daybook keeps the database locked (wait until it is done)"
                raise Unavailable(what=what)
            time.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(file)


def _taken(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
