"""Whose turn it is to write to a SQLite file, among all the processes of one machine."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from lib.errors import Unavailable

_POLL_SECONDS = 0.002
_of_thread = threading.local()


@contextmanager
def writers_turn(database: str, patience_seconds: float) -> Iterator[None]:
    """Hold the right to write: one holder at a time, and nobody starves behind one who comes again and again.

    With SQLite's own busy handler the writer who has just finished is the likeliest to be next. Here a writer waits
    at the door, alone, until the one inside has left, and only then lets the next one to the door. The system opens
    both when a process dies. Raises Unavailable when the turn does not come in time.
    """
    if getattr(_of_thread, "database", None) == database:
        raise RuntimeError("A transaction that writes was begun inside another: it would wait for itself")
    until = time.monotonic() + patience_seconds
    with ExitStack() as inside:
        with _locked(f"{database}-door", until):
            inside.enter_context(_locked(f"{database}-writer", until))
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
