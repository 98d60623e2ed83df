"""Server logs as a system administrator may see and keep them (SPEC V2, V4). They belong to no tenant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lib.access.permissions import Permission
from lib.access.viewer import EVERY_TENANT, Viewer
from lib.errors import BadInput, NotFound, Unavailable
from lib.logs import Act, Operator, record
from lib.logs.files import rotation, rules
from lib.logs.files.folder import LogFile, listing
from lib.logs.files.kept_rules import kept_rules
from lib.logs.files.search import Asked, Page, Place, newest
from lib.logs.files.types import LOG_TYPES, TYPE_BY_KEY, LogType, Rule
from lib.queries.gate import ViewerQueries, needs
from lib.store import Store
from lib.store.server_logs import set_log_rule
from lib.words import Phrase

MOST_FILES = 100
"""That are taken away or deleted at once."""


@dataclass(frozen=True)
class KeptType:
    """A type with its rule and its files, newest first."""

    log_type: LogType
    rule: Rule
    files: tuple[LogFile, ...]

    @property
    def size_bytes(self) -> int:
        """What all of them take on the disk."""
        return sum(file.size_bytes for file in self.files)


class ServerLogQueries(ViewerQueries):
    """The folder of log files. What is named is a key of its listing; no part of a key becomes a part of a path."""

    def __init__(self, viewer: Viewer, store: Store, folder: Path) -> None:
        super().__init__(viewer, store)
        self._folder = folder

    @needs(Permission.SERVER_LOG_READ)
    def types(self) -> tuple[KeptType, ...]:
        """Every type, with or without files."""
        files, by_type = listing(self._folder), kept_rules(self.store)
        return tuple(
            KeptType(each, by_type[each.key], tuple(file for file in files if file.log_type is each))
            for each in LOG_TYPES
        )

    @needs(Permission.SERVER_LOG_READ)
    def page(
        self,
        log_type: str,
        asked: Asked,
        *,
        file: str = "",
        before: Place | None = None,
        limit: int = 200,
        seconds: float = 10.0,
        progress: Callable[[int], object] = lambda _bytes: None,
    ) -> Page:
        """The newest entries of a type, or of one of its files, that are asked for (lib.logs.files.search.newest)."""
        files = listing(self._folder, _type_of(log_type))
        if file:
            files = [each for each in files if each.key == file]
        return newest(
            self._folder, files, asked, before=before, limit=limit, seconds=seconds, progress=progress
        )

    @needs(Permission.SERVER_LOG_READ)
    def note_reading(self, log_type: str, asked: Mapping[str, Any]) -> None:
        """Record that the viewer reads a type of log by a filter (SPEC O3). Raises where that cannot be recorded."""
        log_type = _type_of(log_type).key
        self._record(Act("server_log", "read", "querying", "log_type", log_type, log_type, new={"filter": dict(asked)}))

    @needs(Permission.SERVER_LOG_READ)
    def take(self, keys: Sequence[str]) -> tuple[LogFile, ...]:
        """Record that the viewer takes files away, before they do. Raises NotFound for a key of none."""
        files = self._files(keys)
        new = {"files": [file.name for file in files], "size_bytes": sum(file.size_bytes for file in files)}
        self._record(Act("server_log", "download", "querying", "log_file", _named(files), new=new))
        return files

    @needs(Permission.SERVER_LOG_MANAGE)
    def delete(self, keys: Sequence[str]) -> int:
        """Delete files, each with its record; returns how many. A live file's writers go on in a new one."""
        files = self._files(keys)
        for file in files:
            old = {"size_bytes": file.size_bytes, "written_at": file.written_at.isoformat(timespec="seconds")}
            with self.store.write(EVERY_TENANT) as session:
                act = Act("server_log", "delete", "deletion", "log_file", file.name, file.key, old)
                record(session, None, Operator.of(self.viewer), act)
                session.flush()
                try:
                    rotation.remove(self._folder, file)
                except OSError as error:
                    raise Unavailable(what=Phrase("server_log_error.delete", why=error.strerror)) from error
        return len(files)

    @needs(Permission.SERVER_LOG_MANAGE)
    def change_rule(self, log_type: str, rule: Rule) -> None:
        """Keep a type by another rule; processes that write it see it within seconds."""
        key = _type_of(log_type).key
        before = kept_rules(self.store)
        if before[key] == rule:
            return
        with self.store.write(EVERY_TENANT) as session:
            set_log_rule(session, key, level=rule.level.value, copies=rule.copies, days=rule.days)
            old, new = asdict(before[key]), asdict(rule)
            act = Act("server_log", "change_rule", "modification", "log_type", key, key, old, new)
            record(session, None, Operator.of(self.viewer), act)
        try:
            rules.write_rules(self._folder, before | {key: rule})
        except OSError as error:
            raise Unavailable(what=Phrase("server_log_error.folder", why=error.strerror)) from error

    def _files(self, keys: Sequence[str]) -> tuple[LogFile, ...]:
        if not 1 <= len(keys) <= MOST_FILES:
            raise BadInput(what=Phrase("server_log_error.how_many", most=MOST_FILES))
        found = {file.key: file for file in listing(self._folder)}
        for key in keys:
            if key not in found:
                raise NotFound(kind=Phrase("kind.server_log"), key=key[:80])
        return tuple(found[key] for key in dict.fromkeys(keys))

    def _record(self, act: Act) -> None:
        with self.store.write(EVERY_TENANT) as session:
            record(session, None, Operator.of(self.viewer), act)


def _named(files: Sequence[LogFile]) -> str:
    return files[0].name if len(files) == 1 else f"{files[0].name} + {len(files) - 1}"


def _type_of(key: str) -> LogType:
    if key not in TYPE_BY_KEY:
        raise NotFound(kind=Phrase("kind.server_log"), key=key[:80])
    return TYPE_BY_KEY[key]
