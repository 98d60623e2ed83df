"""A tenant's files of one publication: how they are named, written and read again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from lib.usage.lake import Lake
from lib.usage.seen import Keys


@dataclass(frozen=True)
class Writing:
    """Where a publication's files of a tenant go; steps of one publication write different files."""

    lake: Lake
    tenant_id: int
    publication: int
    step: int = 0

    def frame(self, name: str, rows: pl.DataFrame, row_group: int = 131_072, page_bytes: int | None = None) -> str:
        """Write a Parquet file of the tenant; returns its name in the lake."""
        name = f"{self.tenant_id}/{name}-{self.publication}.{self.step}.parquet"
        return self.lake.write_frame(name, rows, row_group, page_bytes)

    def file(self, name: str, writer: Callable[[Path], object]) -> str:
        """Write a file of the tenant; returns its name in the lake."""
        return self.lake.write(f"{self.tenant_id}/{name}-{self.publication}.{self.step}.bin", writer)

    def keys(self, kind: str, keys: Keys) -> str:
        """Write a run of seen keys."""
        name = f"{self.tenant_id}/seen/{kind}-{self.publication}.npy"

        def save(beside: object) -> None:
            with open(str(beside), "wb") as file:
                np.save(file, keys)

        return self.lake.write(name, save)
