"""A client that sends until it is told to stop, and remembers what was acknowledged."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.lib.collecting import basic

SINCE = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=20)
SECONDS = 1_000_000
"""How long the events go on: some days, that none is too old or still to come."""


def event(number: int) -> dict[str, Any]:
    """A page view; every event has its own id, and one of a hundred visitors."""
    return {
        "type": "screen",
        "name": f"pages/页面/{number % 7}",
        "anonymousId": f"v{number % 100}",
        "messageId": f"e{number}",
        "timestamp": (SINCE + timedelta(seconds=number % SECONDS)).isoformat(),
    }


@dataclass
class Sender:
    """One connection after the other to a collector that may die at any moment.

    A batch without an answer is sent again, as client libraries do, until it is acknowledged.
    """

    port: int
    key: str
    first: int
    batch_events: int = 20
    acknowledged: list[int] = field(default_factory=list)
    _pending: list[int] = field(default_factory=list)
    _next: int = 0

    def send_until(self, over: threading.Event) -> None:
        """Send batches until told to stop, or until the collector is gone."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            while not over.is_set():
                self._send(connection)

    def finish(self) -> None:
        """Send what was sent and never acknowledged, to a collector that lives."""
        if self._pending:
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
                self._send(connection)
        assert not self._pending

    def _send(self, connection: http.client.HTTPConnection) -> None:
        if not self._pending:
            self._pending = list(range(self.first + self._next, self.first + self._next + self.batch_events))
            self._next += self.batch_events
        body = json.dumps({"batch": [event(number) for number in self._pending]}).encode()
        connection.request("POST", "/v1/batch", body, basic(self.key))
        answer = connection.getresponse()
        answer.read()
        if answer.status == 200:
            self.acknowledged += self._pending
            self._pending = []
