"""The sidecar as it is at one moment: its files, and the few operations that are in none yet."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from sqlalchemy.orm import Session

from lib.logs.sidecar.chunks import FOLDER, Chunk, open_chunk
from lib.logs.sidecar.columns import SOURCE, read
from lib.logs.sidecar.scan import Tally, Wanted, matching, newest, oldest
from lib.store import operation_files


@dataclass(frozen=True)
class Snapshot:
    """Chunks by month (newest first), and the chunk of what is not filed. All of it belongs to one transaction."""

    by_month: tuple[tuple[Chunk, ...], ...]
    rest: Chunk

    @classmethod
    def of(cls, session: Session, lake: Path, wanted: Wanted) -> Snapshot:
        """Read what may hold operations that are wanted. Raises Unavailable where a file is gone."""
        months: dict[int, list[Chunk]] = {}
        for row in operation_files.files(session):
            if row.first_id < wanted.until_id and row.last_id >= wanted.first_id:
                months.setdefault(row.month, []).append(open_chunk(lake / FOLDER / row.file))
        tenants = None if wanted.tenant_ids is None else sorted(wanted.tenant_ids)
        ids = operation_files.unfiled(session, tenants)
        return cls(tuple(tuple(months[month]) for month in sorted(months, reverse=True)), loaded(session, ids))

    def tally(self, wanted: Wanted, columns: Collection[str]) -> Tally:
        """Count what matches."""
        tally = Tally(tuple(columns))
        for chunk in (*(chunk for month in self.by_month for chunk in month), self.rest):
            tally.add(chunk, wanted)
        return tally

    def newest(self, wanted: Wanted, count: int) -> list[tuple[int, int]]:
        """(tenant id, id) of the last operations that match, newest first."""
        found = newest(self.rest, wanted, count)
        for month in self.by_month:
            of_month = pl.concat([newest(chunk, wanted, count) for chunk in month])
            found = pl.concat([found, of_month]).sort("id", descending=True)
            # What came late may be of any month, but months of files follow one another.
            if of_month.height >= count:
                break
        return [(int(tenant), int(number)) for tenant, number in found.head(count).rows()]

    def oldest(self, wanted: Wanted, count: int) -> list[tuple[int, int]]:
        """(tenant id, id) of the first operations that match, oldest first."""
        found = oldest(self.rest, wanted, count)
        for month in reversed(self.by_month):
            of_month = pl.concat([oldest(chunk, wanted, count) for chunk in month])
            found = pl.concat([found, of_month]).sort("id")
            if of_month.height >= count:
                break
        return [(int(tenant), int(number)) for tenant, number in found.head(count).rows()]

    def every(self, wanted: Wanted) -> Iterator[pl.DataFrame]:
        """`tenant_id` and `id` of all that match, newest first, a month at a time: of a large log even these are
        much."""
        rest = _found((self.rest,), wanted, ("tenant_id", "id"))
        for month in self.by_month:
            found = _found(month, wanted, ("tenant_id", "id"))
            if found.height:
                # Months are ranges of ids: what is in no file belongs to this one, to a later one, or comes after.
                is_now = rest["id"] >= found["id"].min()
                yield pl.concat([found, rest.filter(is_now)]).sort("id", descending=True)
                rest = rest.filter(~is_now)
        yield rest.sort("id", descending=True)

    def rows(self, wanted: Wanted, columns: Collection[str]) -> pl.DataFrame:
        """`tenant_id`, `id` and columns (words, not codes) of all that match, in no order."""
        names = ("tenant_id", "id", *columns)
        return _found((*(chunk for month in self.by_month for chunk in month), self.rest), wanted, names)


def _found(chunks: Sequence[Chunk], wanted: Wanted, names: Sequence[str]) -> pl.DataFrame:
    found = [chunk.decoded(rows) for chunk in chunks for rows in matching(chunk, wanted, names)]
    return pl.concat(found or [chunks[0].decoded(chunks[0].rows.select(names).clear())])


def loaded(session: Session, ids: dict[int, list[int]]) -> Chunk:
    """The chunk of operations by their ids, read from the table."""
    parts = [
        pl.DataFrame(rows, schema=SOURCE, orient="row")
        for rows in operation_files.rows_by_id(session, ids, tuple(SOURCE))
        if rows
    ]
    return Chunk.of(read(pl.concat(parts) if parts else pl.DataFrame(schema=SOURCE)))
