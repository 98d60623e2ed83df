"""The act of importing: files into the inbox, refused lines aside, a record of it in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from lib.collect.rejects import Rejects
from lib.collect.sources import Source
from lib.errors import Unavailable
from lib.logs.record import COMMAND, Act, record
from lib.store import Store, catalogue
from lib.store.runs import job_run
from lib.usage import events
from lib.usage.intake import Intake
from lib.usage.lake import Lake, RecordKind, TenantFiles
from lib.usage.removed import belongs_to_removed

NEW_KEYS = 1000
"""How many applications or mini programs one import may name; more are a field that was taken for another."""


_HARMLESS = "what was accepted stays, and importing the same files again adds only what is missing"


@dataclass(frozen=True)
class Outcome:
    """What an import did. `troubles` are sentences about what could not be imported; none means that all went well."""

    read: int
    accepted: int
    repeated: int
    refused: int
    rejects: Path | None
    troubles: tuple[str, ...]

    def __str__(self) -> str:
        aside = f" (set aside in {self.rejects})" if self.rejects else ""
        counted = f"read {self.read}, accepted {self.accepted}, repeated {self.repeated}, refused {self.refused}"
        return counted + aside


class Import:
    """One import of some files of one kind into one tenant.

    Each chunk is accepted in a transaction of its own, so what was accepted stays whatever comes after, and importing
    the same files again adds only what is missing.
    """

    def __init__(
        self, store: Store, lake: Path, tenant_id: int, kind: RecordKind, rejects_dir: Path, tell: Callable[[str], None]
    ) -> None:
        self._store = store
        self._intake = Intake(store, lake)
        self._lake = Lake(lake)
        self._tenant_id = tenant_id
        self._kind: RecordKind = kind
        self._rejects = Rejects(rejects_dir)
        self._tell = tell
        self._counts: Counter[str] = Counter()
        self._ids: dict[tuple[str, str], tuple[int, int]] = {}
        self._troubles: list[str] = []

    def run(self, sources: Iterable[Source]) -> Outcome:
        """Import the files, one after the other; `tell` hears what the one who imports should know.

        Raises Unavailable when nothing at all was accepted because of it.
        """
        names: list[str] = []
        try:
            with job_run(self._store, "import", self._tenant_id) as run, closing(self._rejects):
                try:
                    for source in sources:
                        names.append(source.path.name)
                        self._take(source)
                finally:
                    self._record(names)
                    run.figures.update(self._figures(), trouble="; ".join(self._troubles))
        except Unavailable as error:
            if not self._counts["accepted"]:
                raise
            self._troubles.append(f"{error.facts['what']}: the import stopped; {_HARMLESS}")
        except KeyboardInterrupt:
            self._troubles.append(f"The import was interrupted: {_HARMLESS}")
        return Outcome(**self._figures(), rejects=self._rejects.path, troubles=tuple(self._troubles))

    def _figures(self) -> dict[str, int]:
        return {name: self._counts[name] for name in ("read", "accepted", "repeated", "refused")}

    def _take(self, source: Source) -> None:
        read = good = 0
        first_reason = ""
        for chunk in source:
            read += chunk.read
            good += chunk.rows.height
            if not first_reason and chunk.refused.height:
                first_reason = _printable(f"line {chunk.refused['line'][0]}: {chunk.refused['reason'][0]}")
            rows, expired = self._ready(chunk.rows)
            refused = pl.concat([chunk.refused, expired]).sort("line") if expired.height else chunk.refused
            self._rejects.add(source.path, refused)
            taken = self._intake.accept(self._tenant_id, self._kind, "import", rows)
            self._counts += Counter(
                read=chunk.read, accepted=taken.accepted, repeated=taken.repeated, refused=refused.height
            )
        if source.trouble:
            self._troubles.append(source.trouble)
        elif not read:
            self._tell(f"{source.path} is empty")
        elif not good:
            what = f"No line of {source.path} can be read as {source.form} ({first_reason})"
            self._troubles.append(f"{what}: nothing of it was imported")

    def _ready(self, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The rows as the inbox takes them, and the new ones that come too late to be counted."""
        if self._kind == "visit":
            return rows, rows.clear().select(line="seq", reason=pl.lit(""), text=pl.lit(""))
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
        return whole.filter(~is_late), rows.filter(is_late).select("line", reason=pl.lit(reason), text="text")

    def _learn(self, pairs: set[tuple[str, str]]) -> None:
        """Find the ids of pairs of application and mini program; make and link those that are new."""
        new = sorted(pairs - self._ids.keys())
        if not new:
            return
        for place, kind in enumerate(("applications", "mini programs")):
            if len({pair[place] for pair in (*new, *self._ids)}) > NEW_KEYS:
                raise Unavailable(what=f"The file names more than {NEW_KEYS} {kind} (is it the right field?)")
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

    def _record(self, names: list[str]) -> None:
        act = Act(
            module="visits" if self._kind == "visit" else "usage",
            action="import",
            operation_class="addition",
            object_type="file",
            object_name=", ".join(names)[:1000],
            new=self._figures(),
            content="; ".join(self._troubles)[:4000],
        )
        with self._store.write(self._tenant_id) as session:
            record(session, self._tenant_id, COMMAND, act)


def _printable(text: str) -> str:
    """A text that a file brought, fit for a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)[:300]
