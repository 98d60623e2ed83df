"""Servers that nobody has asked for anything yet, forked from a process that has imported what they import.

Run as a program: a line on standard input holds a port, the answer is the number of the process that serves there.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import runpy
import signal
import sys
from collections.abc import Mapping, Sequence

import lib.ui
from lib.cli import main


def _import_all() -> None:
    importlib.import_module("lib.serve")
    importlib.import_module("streamlit.web.server.starlette.starlette_app")
    for module in pkgutil.walk_packages(lib.ui.__path__, "lib.ui."):
        importlib.import_module(module.name)


def _serve(port: str) -> None:
    def run_here(_program: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = ["streamlit", *arguments[3:]]
        runpy.run_module("streamlit", run_name="__main__", alter_sys=True)

    os.execve = run_here  # type: ignore[assignment]  # the one thing that a server does otherwise
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    main(["serve", "--no-schedule", "--address", "127.0.0.1", "--port", port])


if __name__ == "__main__":
    _import_all()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        if child := os.fork():
            print(child, flush=True)
        else:
            os.dup2(os.open(os.devnull, os.O_RDWR), 0)
            os.dup2(2, 1)
            _serve(line.strip())
