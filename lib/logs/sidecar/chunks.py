"""The files of the sidecar: immutable, mapped into memory, one for rows of one UTC month."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa

from lib.errors import Unavailable
from lib.logs.sidecar.columns import WORDS, coded

FOLDER = "operations"
"""Where in the lake the files are."""


@dataclass(frozen=True)
class Chunk:
    """Encoded rows by (tenant, id), and the words of their codes: those of a file, or such as are in no file yet."""

    rows: pl.DataFrame
    dictionary: pl.DataFrame
    words: Mapping[str, pl.Series]
    slices: Mapping[int, tuple[int, int]]
    first_id: int
    last_id: int

    @classmethod
    def of(cls, rows: pl.DataFrame) -> Chunk:
        """The chunk of rows of READ (see `columns`)."""
        return cls.from_parts(*coded(rows))

    @classmethod
    def from_parts(cls, rows: pl.DataFrame, dictionary: pl.DataFrame) -> Chunk:
        """Find where each tenant's rows begin and how many there are."""
        runs = rows.select(pl.col("tenant_id").rle()).unnest("tenant_id")
        starts = runs["len"].cum_sum() - runs["len"]
        slices = zip(runs["value"].to_list(), starts.to_list(), runs["len"].to_list(), strict=True)
        words = {name: pl.Series("word", dtype=pl.String) for name in WORDS}
        words |= {str(name): of["word"] for (name,), of in dictionary.group_by("column", maintain_order=True)}
        by_tenant = {tenant: (start, count) for tenant, start, count in slices}
        ends = [rows["id"][place] for start, count in by_tenant.values() for place in (start, start + count - 1)]
        return cls(rows, dictionary, words, by_tenant, min(ends, default=0), max(ends, default=0))

    def between(self, tenant_id: int, first_id: int, until_id: int) -> pl.DataFrame:
        """The tenant's rows with ids in [first_id, until_id), without a copy."""
        start, count = self.slices.get(tenant_id, (0, 0))
        ids = self.rows["id"].slice(start, count)
        low, high = (int(ids.search_sorted(bound, "left")) for bound in (first_id, until_id))
        return self.rows.slice(start + low, max(high - low, 0))

    def codes(self, column: str, meant: pl.Expr) -> list[int]:
        """The codes of a column's words for which an expression over `word` holds."""
        words = self.words[column].rename("word").to_frame()
        return words.with_row_index("code").filter(meant)["code"].to_list() if words.height else []

    def decoded(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Some of its rows, with words for codes."""
        coded = [name for name in WORDS if name in rows.columns]
        return rows.with_columns(self.words[name].gather(rows[name]).alias(name) for name in coded)


def write(folder: Path, chunk: Chunk) -> str:
    """Write a chunk as a new file, on disk when this returns; gives its name. OSError passes."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{uuid.uuid4().hex}.arrow"
    for path, frame in ((folder / name, chunk.rows), (_words_of(folder / name), chunk.dictionary)):
        try:
            with path.open("xb") as file:
                # One batch: what is mapped is then one piece, which can be cut without a copy.
                frame.write_ipc(file, record_batch_size=max(frame.height, 1))
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    return name


def _words_of(path: Path) -> Path:
    return path.with_suffix(".words.arrow")


_opened: dict[Path, Chunk] = {}
_opened_lock = threading.Lock()
_KEPT_OPEN = 1024


def open_chunk(path: Path) -> Chunk:
    """Map a file, once in this process. Raises Unavailable where it is gone or damaged (it is then made anew)."""
    with _opened_lock:
        found = _opened.get(path)
    if found is not None:
        return found
    try:
        chunk = Chunk.from_parts(_mapped(path), _mapped(_words_of(path)))
    except (OSError, pa.ArrowException) as error:
        what = f"A file of the operation log's index cannot be read ({path.name}; it is made anew within a minute)"
        raise Unavailable(what=what) from error
    with _opened_lock:
        while len(_opened) >= _KEPT_OPEN:
            del _opened[next(iter(_opened))]
        _opened[path] = chunk
    return chunk


def _mapped(path: Path) -> pl.DataFrame:
    # Polars itself copies what it reads; through Arrow the pages stay the file's.
    with pa.memory_map(str(path)) as source:
        table = pa.ipc.open_file(source).read_all()
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 (a table is never a series)
    return frame


def forget(path: Path) -> None:
    """Remove a file that is current no more; who has it mapped keeps what they see."""
    with _opened_lock:
        _opened.pop(path, None)
    for gone in (path, _words_of(path)):
        with suppress(FileNotFoundError):
            gone.unlink()


def stray(folder: Path, current: set[str], older_than: float) -> Iterator[Path]:
    """Files that are not current and were not touched since `older_than` (seconds since 1970): left by a crash, or
    replaced so long ago that nobody is about to open them."""
    for path in folder.glob("*.arrow"):
        name = path.name.replace(".words.arrow", ".arrow")
        if name not in current and path.stat().st_mtime < older_than:
            yield folder / name
