"""Log files for tests."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from lib.logs.files import archives
from lib.logs.files.folder import listing, opened
from lib.logs.files.search import Asked, Found, newest
from lib.logs.files.sources import Source, source_of


def write(folder: Path, name: str, lines: Iterable[str] | bytes) -> Path:
    """A file of the folder: lines, or bytes as they are; compressed by gzip where its name says so."""
    folder.mkdir(exist_ok=True, parents=True)
    raw = lines if isinstance(lines, bytes) else "".join(f"{line}\n" for line in lines).encode()
    (folder / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    return folder / name


def archive(folder: Path, name: str, raw: bytes) -> Path:
    """An archive as Daybook makes it."""
    with (folder / name).open("wb") as to:
        archives.write(BytesIO(raw).read, len(raw), to)
    return folder / name


@contextmanager
def source(folder: Path, key: str) -> Iterator[Source]:
    """A file of the folder, opened."""
    (file,) = [each for each in listing(folder) if each.key == key]
    with opened(folder, file) as descriptor, source_of(file, descriptor) as found:
        yield found


def found(folder: Path, asked: Asked, **options: int) -> list[Found]:
    """Everything that is found, oldest first, page after page."""
    every: list[Found] = []
    before = None
    while True:
        page = newest(folder, listing(folder), asked, before=before, seconds=60, **options)
        every = [*page.found, *every]
        if page.older is None:
            return every
        before = page.older


def texts(rows: Iterable[Found]) -> list[str]:
    """What is shown of entries."""
    return [each.entry.text for each in rows]
