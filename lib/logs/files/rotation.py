"""Closing a log file at its size, compressing what was closed, and removing what is too many or too old (SPEC V2, V3).

A file is closed by renaming it, which loses no line: a writer that opens it for each line, or Daybook's handler, goes
on in a new file; one that keeps it open goes on in the renamed one. So that is compressed only once it was quiet for a
while and no process has it open any more.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import portalocker

from lib.logs.files import archives
from lib.logs.files.folder import LogFile, listing, parsed_name
from lib.logs.files.holders import holders_of
from lib.logs.files.types import LogType, Rule

GRACE = timedelta(seconds=60)
"""How long a closed file must be quiet before it is compressed."""

UNSEEN_GRACE = timedelta(hours=1)
"""The same where other users' processes are hidden, so that nobody can tell who has it open."""

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Tidied:
    """What cleaning did, by the files' names; `held` are closed files that some process still writes."""

    closed: tuple[str, ...] = ()
    compressed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    held: tuple[str, ...] = ()


def lock_name(log_type: LogType) -> str:
    """The lock that whoever writes or closes a type's file holds; concurrent-log-handler names it so."""
    return f".__{log_type.key}.lock"


@contextmanager
def locked(folder: Path, log_type: LogType) -> Iterator[None]:
    """Keep the handlers of all processes from writing this type."""
    descriptor = os.open(folder / lock_name(log_type), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    with open(descriptor, "r+") as lock:
        portalocker.lock(lock, portalocker.LOCK_EX)
        yield


@contextmanager
def cleaning(folder: Path) -> Iterator[bool]:
    """Be the only one who compresses in the folder, of all machines that share it: False where another does."""
    with open(os.open(folder / ".__cleaning.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666), "r+") as lock:
        try:
            portalocker.lock(lock, portalocker.LOCK_EX | portalocker.LOCK_NB)
        except portalocker.LockException:
            yield False
        else:
            yield True


def close_live(folder: Path, log_type: LogType, now: datetime | None = None) -> str | None:
    """Rename the live file to the next archive of today (UTC); the caller holds the lock. Returns its name."""
    today = (now or datetime.now(UTC)).date()
    name = f"{log_type.key}.{today:%Y-%m-%d}.{_next_number(folder, log_type, today)}.log"
    try:
        os.rename(folder / log_type.file, folder / name)
    except FileNotFoundError:
        return None
    return name


def remove_surplus(folder: Path, log_type: LogType, rule: Rule, now: datetime | None = None) -> tuple[str, ...]:
    """Remove archives over the rule's copies, oldest first, and those over its days. One still written to stays."""
    now = now or datetime.now(UTC)
    closed = [file for file in listing(folder, log_type) if file.closed_on is not None]
    oldest_day = now.date() - timedelta(days=rule.days)
    removed = []
    for place, file in enumerate(closed):
        is_surplus = place >= rule.copies or (file.closed_on or now.date()) < oldest_day
        if is_surplus and (file.is_compressed or now - file.written_at > GRACE) and remove(folder, file):
            removed.append(file.name)
    return tuple(removed)


def remove(folder: Path, file: LogFile) -> bool:
    """Remove a file, and what a compression of it that was cut short left; returns whether it was there."""
    with suppress(FileNotFoundError):
        if file.closed_on is not None and not file.is_compressed:
            (folder / f"{file.name}.gz").unlink(missing_ok=True)
        (folder / file.name).unlink()
        return True
    return False


def compress(folder: Path, file: LogFile, now: datetime | None = None, grace: timedelta = GRACE) -> bool | None:
    """Compress a closed file: True when done, False when it is too early, None when some process has it open.

    Whatever cuts it short, one whole copy of the lines is there afterwards.
    """
    seen = holders_of(file.inode)
    quiet = (now or datetime.now(UTC)) - file.written_at
    if seen.pids:
        return None
    if quiet < (grace if seen.is_complete else max(grace, UNSEEN_GRACE)):
        return False
    plain, packed, beside = folder / file.name, folder / f"{file.name}.gz", folder / f".{file.name}.gz.part"
    with open(os.open(plain, os.O_RDONLY | os.O_NOFOLLOW), "rb") as lines, beside.open("wb") as to:
        before = os.fstat(lines.fileno())
        written = archives.write(lines.read, before.st_size, to)
        to.flush()
        os.fsync(to.fileno())
        after = os.fstat(lines.fileno())
        os.fchmod(to.fileno(), before.st_mode & 0o777)
    os.utime(beside, ns=(before.st_atime_ns, before.st_mtime_ns))
    if written != after.st_size or holders_of(file.inode).pids:
        beside.unlink()
        return None
    beside.replace(packed)
    plain.unlink()
    return True


def tidy(
    folder: Path,
    log_type: LogType,
    rule: Rule,
    max_bytes: int,
    *,
    now: datetime | None = None,
    grace: timedelta = GRACE,
) -> Tidied:
    """Close the live file of a type at its size, compress what is closed, and remove what is surplus."""
    closed: str | None = None
    if _size(folder / log_type.file) >= max_bytes:
        with locked(folder, log_type):
            if _size(folder / log_type.file) >= max_bytes:
                closed = close_live(folder, log_type, now)
    compressed, held = [], []
    for file in listing(folder, log_type):
        if file.closed_on is not None and not file.is_compressed:
            done = compress(folder, file, now, grace)
            if done:
                compressed.append(file.name)
            elif done is None:
                held.append(file.name)
    removed = remove_surplus(folder, log_type, rule, now)
    return Tidied((closed,) if closed else (), tuple(compressed), removed, tuple(held))


def _next_number(folder: Path, log_type: LogType, day: date) -> int:
    numbers = [0]
    for name in os.listdir(folder):
        parsed = parsed_name(name)
        if parsed is not None and parsed[0] is log_type and parsed[1] == day:
            numbers.append(parsed[2])
    return max(numbers) + 1


def _size(path: Path) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0
