"""Importing usage and visits: files into the inbox."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from lib.collect.file_imports import FileImport, require_few
from lib.collect.sources import Chunk
from lib.logs.record import Act
from lib.store import Store, catalogue
from lib.usage import events
from lib.usage.intake import Accepted, Intake
from lib.usage.lake import Lake, RecordKind, TenantFiles
from lib.usage.removed import belongs_to_removed


class Import(FileImport[Chunk, pl.DataFrame]):
    """One import of usage or visits, into the inbox."""

    def __init__(
        self, store: Store, lake: Path, tenant_id: int, kind: RecordKind, rejects_dir: Path, tell: Callable[[str], None]
    ) -> None:
        super().__init__(store, tenant_id, rejects_dir, tell)
        self._intake = Intake(store, lake)
        self._lake = Lake(lake)
        self._kind: RecordKind = kind
        self._ids: dict[tuple[str, str], tuple[int, int]] = {}

    def _keep(self, rows: pl.DataFrame) -> Accepted:
        return self._intake.accept(self._tenant_id, self._kind, "import", rows)

    def _ready(self, chunk: Chunk) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The rows as the inbox takes them; new ones that come too late to be counted are refused too."""
        rows = chunk.rows
        if self._kind == "visit":
            return rows, chunk.refused
        pairs = rows.select("application", "mini_program").unique()
        self._learn(set(pairs.iter_rows()))
        known = [(*keys, *ids) for keys, ids in self._ids.items()]
        names = ("application", "mini_program", "application_id", "mini_program_id")
        ids = pl.DataFrame(known, {name: events.READABLE[name] for name in names}, orient="row")
        whole = events.keyed(rows.join(ids, on=["application", "mini_program"], how="left", maintain_order="left"))
        files = self._lake.manifest().tenants.get(self._tenant_id, TenantFiles())
        is_late = belongs_to_removed(self._lake, files, whole)
        if is_late.any():
            is_late &= ~self._intake.seen(self._tenant_id, self._kind, whole["key"].to_numpy())
        reason = f"it belongs to a session that began before {files.raw_since}, whose raw events were removed"
        late = rows.filter(is_late).select("line", reason=pl.lit(reason), text="text")
        refused = pl.concat([chunk.refused, late]).sort("line") if late.height else chunk.refused
        return whole.filter(~is_late), refused

    def _learn(self, pairs: set[tuple[str, str]]) -> None:
        """Find the ids of pairs of application and mini program; make and link those that are new."""
        new = sorted(pairs - self._ids.keys())
        if not new:
            return
        for place, kind in enumerate(("applications", "mini programs")):
            require_few(len({pair[place] for pair in (*new, *self._ids)}), kind)
        with self._store.write(self._tenant_id) as session:
            keys = [pair[0] for pair in new], [pair[1] for pair in new]
            applications = catalogue.ensured_applications(session, self._tenant_id, keys[0], "import")
            mini_programs = catalogue.ensured_mini_programs(session, self._tenant_id, keys[1], "import")
            ids = {pair: (applications[pair[0]], mini_programs[pair[1]]) for pair in new}
            links = [(mini_program, application) for application, mini_program in ids.values()]
            ended = catalogue.ensured_links(session, self._tenant_id, links)
        self._ids.update(ids)
        for application, mini_program in new:
            if ids[application, mini_program][::-1] in ended:
                self._tell(
                    f"{mini_program} is no longer linked to {application}: "
                    'these events count only in the history of "All applications"'
                )

    def _act(self, names: Sequence[str]) -> Act:
        return self.act_of("visits" if self._kind == "visit" else "usage", names)
