"""`GET /export/server-logs/{keys}`: log files to a browser whose session may read them, as they are on the disk.

One file leaves as it is; several, with commas between their keys, as a zip that is made while it leaves.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from io import RawIOBase
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from lib.errors import DaybookError, NotFound
from lib.logs.files.folder import LogFile, opened
from lib.queries.entrance import Entrance
from lib.queries.server_logs import ServerLogQueries
from lib.settings import Settings
from lib.store import Store
from lib.ui import file_answers

_CHUNK = 1 << 18
_LONGEST_KEYS = 8_000


def log_files_route(store: Store, settings: Settings, entrance: Entrance) -> Route:
    """The route. It stands before that of export tickets."""

    async def log_files(request: Request) -> Response:
        if not file_answers.is_from_here(request):
            return file_answers.foreign()
        token, address = file_answers.asker(request, settings.base_url)
        keys = str(request.path_params["keys"])[:_LONGEST_KEYS].split(",")

        def taken() -> tuple[LogFile, ...]:
            viewer = entrance.viewer_of(token, address=address)
            return ServerLogQueries(viewer, store, settings.log_dir).take(keys)

        try:
            files = await run_in_threadpool(taken)
        except DaybookError as error:
            return file_answers.refusal(error)
        return _answer(settings.log_dir, files)

    return Route("/export/server-logs/{keys}", log_files, methods=["GET"])


def _answer(folder: Path, files: Sequence[LogFile]) -> Response:
    single = len(files) == 1
    name = files[0].name if single else f"server-logs-{datetime.now(UTC):%Y-%m-%d}.zip"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Encoding": "identity",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    parts = _bytes_of(folder, files[0]) if single else _zipped(folder, files)
    mime = "application/octet-stream" if single else "application/zip"
    return StreamingResponse(parts, media_type=mime, headers=headers)


def _bytes_of(folder: Path, file: LogFile) -> Iterator[bytes]:
    """What the file has when it begins to leave; what is written to it meanwhile does not make it endless."""
    with opened(folder, file) as descriptor:
        left, offset = os.fstat(descriptor).st_size, 0
        while left > 0 and (part := os.pread(descriptor, min(_CHUNK, left), offset)):
            yield part
            offset, left = offset + len(part), left - len(part)


class _Waiting(RawIOBase):
    """Where the zip is written to, and taken from in between."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, part: bytes) -> int:  # type: ignore[override]
        self._parts.append(bytes(part))
        return len(part)

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _zipped(folder: Path, files: Sequence[LogFile]) -> Iterator[bytes]:
    waiting = _Waiting()
    with zipfile.ZipFile(waiting, "w") as archive:
        for file in files:
            about = zipfile.ZipInfo(file.name, max(file.written_at, datetime(1980, 1, 1, tzinfo=UTC)).timetuple()[:6])
            about.compress_type = zipfile.ZIP_STORED if file.is_compressed else zipfile.ZIP_DEFLATED
            try:
                with archive.open(about, "w", force_zip64=True) as to:
                    for part in _bytes_of(folder, file):
                        to.write(part)
                        yield waiting.taken()
            except NotFound:  # removed meanwhile: the others still leave
                continue
    yield waiting.taken()
