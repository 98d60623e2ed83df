"""The folder of log files: what is in it that counts, and opening one of them, by key and never by a path.

Services write into the folder, so nothing in it is trusted: only regular files are listed whose whole name is that of a
type or of an archive, never links (hard links neither), and each is looked at again once it is open.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from lib.errors import NotFound, Unavailable
from lib.logs.files.types import LOG_TYPES, LogType
from lib.words import Phrase

_TYPES = "|".join(each.key for each in LOG_TYPES)
_NAME = re.compile(rf"({_TYPES})(?:\.(\d{{4}}-\d\d-\d\d)\.([1-9]\d{{0,8}}))?\.log(\.gz)?", re.ASCII)
_TYPE_OF = {each.key: each for each in LOG_TYPES}


@dataclass(frozen=True)
class LogFile:
    """A file of the folder: the one written now (`closed_on` None) or an archive of it.

    `key` is what a viewer names it by. `size_bytes` is what it takes on the disk.
    """

    log_type: LogType
    closed_on: date | None
    number: int
    is_compressed: bool
    size_bytes: int
    written_at: datetime
    inode: tuple[int, int]

    @property
    def key(self) -> str:
        """Such as application or application.2026-11-22.3, whether it is compressed by now or not."""
        if self.closed_on is None:
            return self.log_type.key
        return f"{self.log_type.key}.{self.closed_on:%Y-%m-%d}.{self.number}"

    @property
    def name(self) -> str:
        """The file's name in the folder."""
        return f"{self.key}.log{'.gz' if self.is_compressed else ''}"

    @property
    def order(self) -> tuple[date, int]:
        """Older files of a type before newer ones; the one that is written now last."""
        return self.closed_on or date.max, self.number


def listing(folder: Path, log_type: LogType | None = None) -> list[LogFile]:
    """The log files in the folder, of one type or of all: types in their order, in each the newest file first.

    Of an archive that is there both compressed and not, the plain one counts: its compression was cut short. Raises
    Unavailable.
    """
    found: dict[str, LogFile] = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                file = _listed(entry.name, folder)
                wanted = file is not None and log_type in {None, file.log_type}
                if file is not None and wanted and (file.key not in found or found[file.key].is_compressed):
                    found[file.key] = file
    except OSError as error:
        raise Unavailable(what=Phrase("server_log_error.folder", why=error.strerror)) from error
    types = {each.key: place for place, each in enumerate(LOG_TYPES)}
    newest_first = sorted(found.values(), key=lambda file: file.order, reverse=True)
    return sorted(newest_first, key=lambda file: types[file.log_type.key])


def file_of(folder: Path, key: str) -> LogFile:
    """The file of a key, if the folder has it now. Raises NotFound."""
    for file in listing(folder):
        if file.key == key:
            return file
    raise NotFound(kind=Phrase("kind.server_log"), key=key[:80])


@contextmanager
def opened(folder: Path, file: LogFile) -> Iterator[int]:
    """The descriptor of a listed file, for reading.

    Raises NotFound where it is not there any more under its name, or is not what was listed.
    """
    descriptor = None
    try:
        descriptor = os.open(folder / file.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        if not _counts(os.fstat(descriptor)):
            raise NotFound(kind=Phrase("kind.server_log"), key=file.key)
    except OSError as error:
        raise NotFound(kind=Phrase("kind.server_log"), key=file.key) from error
    except NotFound:
        if descriptor is not None:
            os.close(descriptor)
        raise
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def parsed_name(name: str) -> tuple[LogType, date | None, int, bool] | None:
    """What a file's name says: type, date, number, compressed; None for a name that is not of a log file."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    key, day, number, compressed = match.groups()
    if day is None:
        return None if compressed else (_TYPE_OF[key], None, 0, False)
    try:
        return _TYPE_OF[key], date.fromisoformat(day), int(number), compressed is not None
    except ValueError:
        return None


def _listed(name: str, folder: Path) -> LogFile | None:
    parsed = parsed_name(name)
    if parsed is None:
        return None
    try:
        found = os.lstat(folder / name)
    except OSError:  # gone since
        return None
    if not _counts(found):
        return None
    written_at = datetime.fromtimestamp(found.st_mtime, UTC)
    return LogFile(*parsed, found.st_size, written_at, (found.st_dev, found.st_ino))


def _counts(found: os.stat_result) -> bool:
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1
