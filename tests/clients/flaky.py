"""A network that loses answers: the server gets each request, the client does not always hear of it."""

from __future__ import annotations

import contextlib
import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


class Flaky:
    """A proxy before a port of this machine. Of the requests, the first and every third answer is lost."""

    def __init__(self, port: int) -> None:
        self.requests = 0
        self.lost = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                kept = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
                with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as onward:
                    onward.request("POST", self.path, body, kept)
                    answer = onward.getresponse()
                    said = answer.read()
                outer.requests += 1
                if outer.requests % 3 == 1:
                    outer.lost += 1
                    self.close_connection = True
                    self.connection.close()
                    return
                self.send_response(answer.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

            def finish(self) -> None:
                """End, also where the connection was closed on purpose."""
                with contextlib.suppress(OSError, ValueError):
                    super().finish()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Flaky:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
