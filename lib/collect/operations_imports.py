"""Importing operations: files into the operation log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import polars as pl

from lib.collect.file_imports import FileImport, Outcome, Source
from lib.collect.operations_files import OperationChunk
from lib.collect.retrying import written
from lib.logs.append import Appended, append
from lib.logs.record import Act
from lib.logs.rows import OperationRecord
from lib.store import Store


class OperationImport(FileImport[OperationChunk, list[OperationRecord]]):
    """One import of operations of other systems."""

    def __init__(self, store: Store, tenant_id: int, rejects_dir: Path, tell: Callable[[str], None]) -> None:
        super().__init__(store, tenant_id, rejects_dir, tell)
        self._dropped = 0

    def run(self, sources: Iterable[Source[OperationChunk]]) -> Outcome:
        """As of every import; `tell` hears as well how many operations a policy dropped."""
        outcome = super().run(sources)
        if self._dropped:
            self._tell(
                f"{self._dropped} operations were left out: the policy of their product keeps none of its open API"
            )
        return outcome

    def _ready(self, chunk: OperationChunk) -> tuple[list[OperationRecord], pl.DataFrame]:
        self._dropped += chunk.dropped
        return chunk.records, chunk.refused

    def _keep(self, rows: list[OperationRecord]) -> Appended:
        return written(self._store, self._tenant_id, lambda session: append(session, self._tenant_id, rows))

    def _act(self, names: Sequence[str]) -> Act:
        return self.act_of("operation_log", names)
