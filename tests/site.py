"""A real `daybook serve` on a free port, with a home of its own, for tests that need the server as it runs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lib.settings import PROJECT_DIR, Settings, load_settings
from lib.store import Store, schema

READY_SECONDS = 60


@dataclass
class Site:
    """A served home. `store` is its database: what a test writes there, the server sees."""

    home: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.settings: Settings = load_settings({"DAYBOOK_HOME": str(self.home), **self.environment})
        self.store = Store(self.settings.database_url)
        schema.migrate(self.store)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What the server has printed."""
        return (self.home / "serve.log").read_text("utf-8", "replace")

    def command(self) -> list[str]:
        """What is run to serve it."""
        where = ("--address", "127.0.0.1", "--port", str(self.port))
        return [sys.executable, "-m", "lib.cli", "serve", "--no-schedule", *where, *self.options]

    def start(self) -> None:
        """Serve, and wait."""
        self.port = self.port or free_port()
        with (self.home / "serve.log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                cwd=PROJECT_DIR,
                env=dict(os.environ) | {"DAYBOOK_HOME": str(self.home), **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.wait()

    def wait(self) -> None:
        """Return once /healthz answers 200."""
        until = time.monotonic() + READY_SECONDS
        while not self._is_ready():
            if (self._process is not None and self._process.poll() is not None) or time.monotonic() > until:
                raise RuntimeError(f"daybook serve did not get ready:\n{self.log}")
            time.sleep(0.1)

    def stop(self) -> int:
        """Stop it as an operator does; returns its exit code."""
        if self._process is None:
            return 0
        self._process.terminate()
        try:
            return self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
        finally:
            self._process = None

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid if self._process is not None else 0

    def kill(self) -> None:
        """Stop it as a power cut does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
