"""Other processes for the tests of what processes do to each other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from lib.settings import PROJECT_DIR
from lib.store import Store

Other = subprocess.Popen[str]


def address(store: Store) -> str:
    """What another process opens the same database with."""
    return store.url.render_as_string(hide_password=False)


def started(script: str, *arguments: str) -> Other:
    """A Python process that runs a script with arguments."""
    command, pipe = [sys.executable, "-c", script, *arguments], subprocess.PIPE
    return subprocess.Popen(command, cwd=PROJECT_DIR, stdin=pipe, stdout=pipe, text=True)


@contextmanager
def running(script: str, *arguments: str) -> Iterator[Other]:
    """A process that has printed its first line; it is killed at the end, if it still runs."""
    with started(script, *arguments) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() != "", "the process ended before it said anything"
            yield process
        finally:
            process.kill()
