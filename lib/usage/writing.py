"""A tenant's files of one publication: how they are named, written and read again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from lib.usage.lake import Lake
from lib.usage.seen import Keys

FEW = 50_000
"""Up to how many values a file is filtered by, and not joined with."""


@dataclass(frozen=True)
class Writing:
    """Where a publication's files of a tenant go; steps of one publication write different files."""

    lake: Lake
    tenant_id: int
    publication: int
    step: int = 0

    def frame(self, name: str, rows: pl.DataFrame) -> str:
        """Write a Parquet file of the tenant; returns its name in the lake."""
        return self.lake.write_frame(f"{self.tenant_id}/{name}-{self.publication}.{self.step}.parquet", rows)

    def keys(self, kind: str, keys: Keys) -> str:
        """Write a run of seen keys."""
        name = f"{self.tenant_id}/seen/{kind}-{self.publication}.npy"

        def save(beside: object) -> None:
            with open(str(beside), "wb") as file:
                np.save(file, keys)

        return self.lake.write(name, save)

    def only(self, name: str, column: str, values: pl.Series) -> pl.DataFrame:
        """The rows of a file whose column has one of the distinct values."""
        rows = pl.scan_parquet(self.lake.path(name))
        if len(values) <= FEW:
            # A predicate, unlike a join, is read first, and then the other columns of the rows that it meets.
            return rows.filter(pl.col(column).is_in(values.implode())).collect()
        return rows.join(values.to_frame(column).lazy(), on=column, how="semi").collect()
