"""The lake: immutable files, and one pointer that says which of them are current.

Below the lake's folder stand `current` (the number of the publication), `manifests/<number>.json`, and a folder a
tenant with
its files, each named after what it holds and the publication that wrote it. A file is written beside and renamed, and
never written again; a publication becomes visible when `current` is replaced, which is one rename, after all that it
names is on the disk. So a reader sees the old publication or the new one whole, and a crash at any moment leaves the
old one.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

import polars as pl

from lib.errors import Unavailable
from lib.store.durable import sync
from lib.words import Phrase

RecordKind = Literal["usage", "visit"]

GRACE_SECONDS = 900
"""How long a file that is no longer current is kept for readers that still hold the old manifest."""


FORMAT = 4
"""How the tables of a publication lie; those of an older number are made again from the raw events."""


@dataclass(frozen=True)
class DayFiles:
    """The files of the sessions that began on one UTC date: the events, and the tables that the kernel made of them.

    A table's files add up: later ones say what changed. `first_us` and `last_us` are the instants of the first and the
    last event, which may lie on a later date. `events` is null once they were removed by the retention rule: what was
    made of them stays, and cannot be made again.
    """

    events: tuple[str, ...] | None
    tables: dict[str, tuple[str, ...]]
    rows: int
    first_us: int
    last_us: int

    def paths(self) -> Iterator[str]:
        """Every file that it names."""
        yield from self.events or ()
        for names in self.tables.values():
            yield from names


@dataclass(frozen=True)
class VisitFiles:
    """The visits of one UTC date."""

    visits: str
    rows: int


@dataclass(frozen=True)
class TenantFiles:
    """What is current of one tenant; paths are relative to the lake, dates are ISO 8601, `rules` the (kind, pattern)
    excluded."""

    numbers_visitors_per_application: bool = False
    rules: tuple[tuple[str, str], ...] = ()
    days: dict[str, DayFiles] = field(default_factory=dict)
    visits: dict[str, VisitFiles] = field(default_factory=dict)
    recency: dict[str, tuple[str, ...]] = field(default_factory=dict)
    seen: dict[str, tuple[str, ...]] = field(default_factory=dict)
    last: tuple[str, ...] = ()
    removed_ends: str | None = None

    @property
    def raw(self) -> dict[str, tuple[str, ...]]:
        """The files of raw events by date, of the dates that still have theirs."""
        return {day: names.events for day, names in self.days.items() if names.events is not None}

    @property
    def raw_since(self) -> str | None:
        """The first date that can be recounted: the one after the last whose raw events were removed; None: all."""
        removed = [day for day, names in self.days.items() if names.events is None]
        return (date.fromisoformat(max(removed)) + timedelta(days=1)).isoformat() if removed else None

    def paths(self) -> Iterator[str]:
        """Every file that it names."""
        for day in self.days.values():
            yield from day.paths()
        yield from (day.visits for day in self.visits.values())
        for names in (*self.recency.values(), *self.seen.values()):
            yield from names
        yield from self.last
        if self.removed_ends is not None:
            yield self.removed_ends


@dataclass(frozen=True)
class Manifest:
    """One publication. `as_of` ends the last closed bucket; `applied` are inbox batches in it that may still stand
    there."""

    publication: int = 0
    as_of: datetime | None = None
    published_at: datetime | None = None
    applied: tuple[int, ...] = ()
    tenants: dict[int, TenantFiles] = field(default_factory=dict)
    ledger: str | None = None
    format: int = FORMAT

    def paths(self) -> set[str]:
        """Every file that it names."""
        named = {path for files in self.tenants.values() for path in files.paths()}
        return named | ({self.ledger} if self.ledger else set())

    def to_json(self) -> str:
        """The manifest as it is kept."""
        return json.dumps(asdict(self), default=lambda instant: instant.isoformat())

    @classmethod
    def of_json(cls, text: str) -> Manifest:
        """The manifest that was kept."""
        kept = json.loads(text)
        return cls(
            publication=kept["publication"],
            as_of=_instant(kept["as_of"]),
            published_at=_instant(kept["published_at"]),
            applied=tuple(kept["applied"]),
            tenants={int(tenant): _tenant_files(files) for tenant, files in kept["tenants"].items()},
            ledger=kept["ledger"],
            format=kept.get("format", 1),
        )


@lru_cache(maxsize=4)
def _manifest(place: Path) -> Manifest:
    # A manifest is never written again under its number, but for a publication that died before it became current.
    return Manifest.of_json(place.read_text())


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _tenant_files(kept: dict[str, Any]) -> TenantFiles:
    recency = kept["recency"] if isinstance(kept["recency"], dict) else {}
    return TenantFiles(
        **{
            **{name: value for name, value in kept.items() if name != "page_recency"},
            "days": {day: _day_files(files) for day, files in kept["days"].items()},
            "visits": {day: VisitFiles(**files) for day, files in kept["visits"].items()},
            "rules": tuple((kind, pattern) for kind, pattern in kept["rules"]),
            "recency": {scope: tuple(names) for scope, names in recency.items()},
            "seen": {kind: tuple(runs) for kind, runs in kept["seen"].items()},
            "last": tuple(kept.get("last", ())),
        }
    )


def _day_files(kept: dict[str, Any]) -> DayFiles:
    events = kept["events"]
    if isinstance(events, str):  # format 1: one file, and tables that are made again
        return DayFiles((events,), {}, kept["rows"], kept["first_us"], kept["last_us"])
    tables = {name: tuple(names) for name, names in kept["tables"].items()}
    return replace(DayFiles(**{**kept, "tables": tables}), events=None if events is None else tuple(events))


class Lake:
    """A folder with publications in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._written: set[Path] = set()

    def path(self, name: str) -> Path:
        """Where a file that a manifest names is."""
        return self.folder / name

    def manifest(self) -> Manifest:
        """The current publication; number 0, with nothing in it, before the first."""
        # A pointer read just before a publication may name a manifest that is swept just after: then there is a newer
        # one.
        for _ in range(3):
            try:
                number = (self.folder / "current").read_text()
            except FileNotFoundError:
                return Manifest()
            try:
                return _manifest(self.folder / "manifests" / f"{number}.json")
            except FileNotFoundError:
                continue
        raise Unavailable(what=Phrase("refused.lake_torn", folder=self.folder))

    def version(self) -> str:
        """The number of the current publication, read cheaply, for caches to key on."""
        try:
            return (self.folder / "current").read_text()
        except FileNotFoundError:
            return "0"

    def write(self, name: str, writer: Callable[[Path], object], *, replaces: bool = False) -> str:
        """Write a file beside and rename it into place; returns its name. Raises Unavailable on a full disk.

        It is on the disk once this very lake has published; what `replaces` a file that counts is so before.
        """
        place = self.path(name)
        with _disk(self.folder):
            place.parent.mkdir(parents=True, exist_ok=True)
            beside = place.with_name(f".{place.name}.{os.getpid()}")
            try:
                writer(beside)
                if replaces:
                    sync(beside)
                beside.replace(place)
            finally:
                beside.unlink(missing_ok=True)
        self._written.add(place)
        return name

    def _sync(self) -> None:
        """Return once what was written, and the names of it, are on the disk: sooner all at once than file by file."""
        folders = {folder for place in self._written for folder in place.parents if folder.is_relative_to(self.folder)}
        with _disk(self.folder):
            for place in (*self._written, *sorted(folders, reverse=True)):
                sync(place)
        self._written.clear()

    def write_frame(
        self, name: str, rows: pl.DataFrame, row_group: int = 131_072, page_bytes: int | None = None
    ) -> str:
        """Write a frame as Parquet; returns the file's name. `page_bytes` is about how much of a column is unpacked
        for one row."""
        options: dict[str, Any] = {"compression": "zstd", "compression_level": 3, "row_group_size": row_group}
        options["data_page_size"] = page_bytes
        return self.write(name, lambda beside: rows.write_parquet(beside, **options))

    def publish(self, manifest: Manifest) -> None:
        """Make a manifest the current one, after everything that it names is on disk."""
        self.write(f"manifests/{manifest.publication}.json", lambda beside: beside.write_text(manifest.to_json()))
        self._sync()
        self.write("current", lambda beside: beside.write_text(str(manifest.publication)), replaces=True)
        self._sync()

    def sweep(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Remove files that are not current and have not been for a while, and the manifests that name them."""
        current, limit = self.manifest(), time.time() - grace_seconds
        kept = {"current"}
        # A manifest was current until the next one was written, however old the files are that it names.
        places = sorted(self.folder.glob("manifests/*.json"), key=lambda place: int(place.stem))
        for place, following in zip_longest(places, places[1:]):
            if place.stem == str(current.publication) or (following and not _aged(following, limit)):
                kept |= {place.relative_to(self.folder).as_posix(), *_manifest(place).paths()}
        for place in self.folder.rglob("*"):
            name = place.relative_to(self.folder).as_posix()
            if name not in kept and place.is_file() and _aged(place, limit):
                place.unlink(missing_ok=True)

    def without_tenant(self, manifest: Manifest, tenant_id: int) -> Manifest:
        """The manifest with a tenant's files taken out, as the next publication."""
        tenants = {key: files for key, files in manifest.tenants.items() if key != tenant_id}
        return replace(manifest, publication=manifest.publication + 1, tenants=tenants, ledger=None)

    def remove_tenant(self, tenant_id: int) -> None:
        """Remove a tenant's folder, once no manifest names it."""
        shutil.rmtree(self.folder / str(tenant_id), ignore_errors=True)


def _aged(place: Path, limit: float) -> bool:
    try:
        return place.stat().st_mtime < limit
    except FileNotFoundError:
        return False


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pl.exceptions.ComputeError) as error:
        raise Unavailable(what=Phrase("refused.lake", folder=folder, reason=error)) from error
