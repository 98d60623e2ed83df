"""The bytes of images and logs: files named by their hash in a folder that no web server looks into.

Bytes are on the disk before a row says so, and go after the last row that says so. Who places and then commits holds
the folder's lock shared, who removes holds it alone: bytes that a row is about to name are never taken away.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from lib.access.viewer import EVERY_TENANT
from lib.errors import NotFound, Unavailable
from lib.store import Store, feedback_logs
from lib.store.durable import sync
from lib.words import Phrase

Needed = Callable[[Collection[str]], set[str]]

_HASH = re.compile(r"[0-9a-f]{64}")
_PART = 1 << 18
_LEFT_BEHIND_SECONDS = 3600.0
"""How old a file is that nobody can still be writing, or be about to name."""


class FeedbackFiles:
    """The folder `feedback` of a home."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def placing(self) -> Iterator[None]:
        """While bytes are placed and the rows that name them are committed. Raises Unavailable."""
        with self._locked(fcntl.LOCK_SH):
            yield

    def place(self, source: BinaryIO) -> tuple[str, int]:
        """Store what a file holds from where it stands; gives its SHA-256 and its size. It is on the disk then.

        Raises Unavailable, where the disk is full too.
        """
        try:
            return self._placed(source)
        except OSError as error:
            raise Unavailable(what=Phrase("feedback_error.folder", why=error.strerror or "")) from error

    def path(self, sha256: str) -> Path:
        """Where bytes are. Raises NotFound where they are not."""
        path = self._at(sha256)
        if not path.is_file():
            raise NotFound(kind=Phrase("kind.feedback_file"), key=sha256[:12])
        return path

    def remove_unneeded(self, hashes: Collection[str], needed: Needed) -> int:
        """Remove those of some bytes that no row names any more; returns how many files went. Raises Unavailable."""
        if not hashes:
            return 0
        try:
            with self._locked(fcntl.LOCK_EX):
                gone = set(hashes) - needed(hashes)
                return sum(self._removed(self._at(sha256)) for sha256 in gone)
        except OSError as error:
            raise Unavailable(what=Phrase("feedback_error.folder", why=error.strerror or "")) from error

    def sweep(self, needed: Needed, now: float | None = None) -> int:
        """Remove what a process that ended in between left behind; returns how many files went. Raises Unavailable."""
        old = (time.time() if now is None else now) - _LEFT_BEHIND_SECONDS
        removed = sum(self._removed(path) for path in self.folder.glob("*.new") if path.stat().st_mtime < old)
        for folder in sorted(self.folder.glob("[0-9a-f][0-9a-f]")):
            found = {path.name: path for path in folder.iterdir() if path.stat().st_mtime < old}
            named = {name for name in found if _HASH.fullmatch(name)}
            removed += self.remove_unneeded(named, needed)
            removed += sum(self._removed(found[name]) for name in found.keys() - named)
        return removed

    def _placed(self, source: BinaryIO) -> tuple[str, int]:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = self.folder / f"{secrets.token_hex(8)}.new"
        digest, size = hashlib.sha256(), 0
        try:
            with beside.open("xb") as to:
                os.fchmod(to.fileno(), 0o600)
                while part := source.read(_PART):
                    digest.update(part)
                    size += len(part)
                    to.write(part)
                to.flush()
                os.fsync(to.fileno())
            path = self._at(digest.hexdigest())
            path.parent.mkdir(mode=0o700, exist_ok=True)
            os.replace(beside, path)
            for folder in (path.parent, self.folder):
                sync(folder)
        finally:
            with suppress(FileNotFoundError):
                beside.unlink()
        return digest.hexdigest(), size

    def _at(self, sha256: str) -> Path:
        if not _HASH.fullmatch(sha256):
            raise NotFound(kind=Phrase("kind.feedback_file"), key=sha256[:12])
        return self.folder / sha256[:2] / sha256

    @staticmethod
    def _removed(path: Path) -> int:
        try:
            path.unlink()
        except FileNotFoundError:
            return 0
        return 1

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Unavailable(what=Phrase("feedback_error.folder", why=error.strerror or "")) from error
        try:
            fcntl.flock(lock, how)
            yield
        finally:
            os.close(lock)


def needed_in(store: Store) -> Needed:
    """Which of some bytes rows of any tenant name."""

    def needed(hashes: Collection[str]) -> set[str]:
        with store.read(EVERY_TENANT) as session:
            return feedback_logs.needed(session, hashes)

    return needed
