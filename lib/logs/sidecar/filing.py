"""Filing sealed operations into the sidecar, merging its small files, and taking removed operations out of it."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from lib.access.viewer import EVERY_TENANT
from lib.logs.sidecar.chunks import FOLDER, Chunk, forget, open_chunk, stray, write
from lib.logs.sidecar.columns import SOURCE, read
from lib.store import Store, operation_files
from lib.store.locks import job_lock
from lib.store.operation_files import Batch, FileRow
from lib.store.time_ids import LOW_BITS

JOB = "file_operations"

AT_ONCE = 200_000
"""Rows that one pass files at most, which bounds its memory."""

_WORTH_A_FILE = 1_000  # rows: until so many wait, or the first of them a minute, they are read from the table
_WAITS = timedelta(minutes=1)
_GRACE_SECONDS = 600.0  # who just learned of a file that was replaced has this long to open it
_MERGED_WITH = 3  # a file is merged with smaller ones that hold at least a third of its rows


def follow(store: Store, lake: Path, *, at_once: bool = False) -> int:
    """File what was sealed, where it is worth a file by now (or `at_once`); gives how many operations were filed.

    The table is what counts: files that are missing or damaged are made anew from it. Raises Busy while another
    process files, Unavailable, OSError.
    """
    folder = lake / FOLDER
    with job_lock(store, JOB):
        _begin_again_without_files(store, folder)
        filed = 0
        while batches := _batches(store, at_once=at_once or filed > 0):
            filed += _file(store, folder, batches)
        _sweep(store, folder)
        return filed


def remove(store: Store, lake: Path, tenant_id: int, before_id: int) -> None:
    """Take a tenant's operations with lesser ids out of the files, but for those that the table still has: the
    retention rule has removed them. Raises Busy while another process files, Unavailable, OSError."""
    folder = lake / FOLDER
    with job_lock(store, JOB):
        with store.read(EVERY_TENANT) as session:
            files = [row for row in operation_files.files(session) if row.first_id < before_id]
            left = operation_files.ids_before(session, tenant_id, before_id)
        for row in files:
            chunk = open_chunk(folder / row.file)
            if chunk.between(tenant_id, 0, before_id).height:
                gone = (pl.col("tenant_id") == tenant_id) & (pl.col("id") < before_id) & ~pl.col("id").is_in(left)
                kept = chunk.decoded(chunk.rows.filter(~gone))
                _publish(store, folder, [(row.month, kept)] if kept.height else [], [row.file], {})


def _begin_again_without_files(store: Store, folder: Path) -> None:
    with store.read(EVERY_TENANT) as session:
        names = [row.file for row in operation_files.files(session)]
    if not all((folder / name).exists() for name in names):
        with store.write(EVERY_TENANT) as session:
            operation_files.forget_all(session)


def _batches(store: Store, *, at_once: bool) -> list[Batch]:
    with store.read(EVERY_TENANT) as session:
        found = list(operation_files.batches(session, AT_ONCE))
    waiting = sum(len(batch.ids) for batch in found)
    is_due = any(batch.sealed_at < datetime.now(UTC) - _WAITS for batch in found)
    return found if at_once or is_due or waiting >= _WORTH_A_FILE else []


def _file(store: Store, folder: Path, batches: Collection[Batch]) -> int:
    ids: dict[int, list[int]] = {}
    for batch in batches:
        ids.setdefault(batch.tenant_id, []).extend(batch.ids)
    with store.read(EVERY_TENANT) as session:
        parts = [
            pl.DataFrame(rows, schema=SOURCE, orient="row")
            for rows in operation_files.rows_by_id(session, ids, tuple(SOURCE))
        ]
        files = operation_files.files(session)
    rows = read(pl.concat(parts))
    made, replaced = [], []
    for (month,), of_month in rows.group_by(_month()):
        names, merged = _merged(folder, of_month, [row for row in files if row.month == month])
        made.append((int(str(month)), merged))
        replaced += names
    _publish(store, folder, made, replaced, {batch.tenant_id: batch.until_position for batch in batches})
    return rows.height


def _month() -> pl.Expr:
    at = pl.from_epoch(pl.col("id") // (1 << LOW_BITS), time_unit="ms")
    return (at.dt.year().cast(pl.Int32) * 100 + at.dt.month()).alias("month")


def _merged(folder: Path, rows: pl.DataFrame, files: Iterable[FileRow]) -> tuple[list[str], pl.DataFrame]:
    """New rows together with those of the files that are not much larger, and the names of these."""
    names, parts, count = [], [rows], rows.height
    for row in sorted(files, key=lambda row: row.row_count):
        if row.row_count > _MERGED_WITH * count:
            break
        chunk = open_chunk(folder / row.file)
        parts.append(chunk.decoded(chunk.rows).select(rows.columns))
        names.append(row.file)
        count += row.row_count
    return names, pl.concat(parts)


def _publish(
    store: Store,
    folder: Path,
    made: Iterable[tuple[int, pl.DataFrame]],
    replaced: Collection[str],
    filed: dict[int, int],
) -> None:
    """Write the rows of each month as a file, then name the files in one transaction."""
    rows = []
    for month, of_month in made:
        ids = of_month["id"].sort()
        rows.append(FileRow(month, ids.len(), ids[0], ids[-1], write(folder, Chunk.of(of_month))))
    for name in replaced:
        with suppress(FileNotFoundError):
            os.utime(folder / name)
    with store.write(EVERY_TENANT) as session:
        operation_files.publish(session, rows, replaced, filed)


def _sweep(store: Store, folder: Path) -> None:
    with store.read(EVERY_TENANT) as session:
        current = {row.file for row in operation_files.files(session)}
    for path in list(stray(folder, current, time.time() - _GRACE_SECONDS)):
        forget(path)
