"""Cleaning the folder of server logs: files are closed at their size, compressed, and removed by their type's rule.

It runs every half minute inside `daybook serve`, or by `daybook clean-logs`; handlers do the first and the last of
these as they write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lib.access.viewer import EVERY_TENANT
from lib.errors import Unavailable
from lib.logs.files import rotation, rules
from lib.logs.files.kept_rules import kept_rules
from lib.logs.files.types import LOG_TYPES, MAX_BYTES, Rule
from lib.logs.record import SCHEDULE, Act, record
from lib.settings import Settings
from lib.store import Store


@dataclass(frozen=True)
class Cleaned:
    """The names of files that were closed, compressed, removed, and of closed ones that are still written to."""

    closed: tuple[str, ...] = ()
    compressed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    held: tuple[str, ...] = ()


def clean(settings: Settings, store: Store, max_bytes: int = MAX_BYTES) -> Cleaned:
    """Put the rules beside the logs and tidy up each type, unless another process is at it. Removals are recorded.

    Raises Unavailable.
    """
    by_type = kept_rules(store)
    try:
        rules.write_rules(settings.log_dir, by_type)
        with rotation.cleaning(settings.log_dir) as is_alone:
            cleaned = _tidied(settings.log_dir, by_type, max_bytes) if is_alone else Cleaned()
    except OSError as error:
        raise Unavailable(what=f"The folder of server logs cannot be cleaned ({error.strerror})") from error
    if cleaned.removed:
        with store.write(EVERY_TENANT) as session:
            old = {"files": list(cleaned.removed)}
            act = Act("server_log", "clean", "deletion", "log_file", f"{len(cleaned.removed)}", old=old)
            record(session, None, SCHEDULE, act)
    return cleaned


def _tidied(folder: Path, by_type: Mapping[str, Rule], max_bytes: int) -> Cleaned:
    each = [rotation.tidy(folder, log_type, by_type[log_type.key], max_bytes) for log_type in LOG_TYPES]
    return Cleaned(
        tuple(name for tidied in each for name in tidied.closed),
        tuple(name for tidied in each for name in tidied.compressed),
        tuple(name for tidied in each for name in tidied.removed),
        tuple(name for tidied in each for name in tidied.held),
    )
