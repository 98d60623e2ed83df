"""What every import of files does: chunk after chunk is kept, refused lines go aside, and a record of it in the end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import polars as pl

from lib.collect.reading_ahead import ahead
from lib.collect.rejects import Rejects
from lib.errors import Unavailable
from lib.logs.record import COMMAND, Act, record
from lib.store import Store
from lib.store.runs import job_run

NEW_KEYS = 1000
"""How many applications or mini programs one import may name; more are a field that was taken for another."""

_HARMLESS = "what was accepted stays, and importing the same files again adds only what is missing"


class Chunk(Protocol):
    """Part of a file: how many lines it had, and those refused (`line`, `reason`, `text`)."""

    @property
    def read(self) -> int: ...
    @property
    def refused(self) -> pl.DataFrame: ...


C_co = TypeVar("C_co", bound=Chunk, covariant=True)
C = TypeVar("C", bound=Chunk)
R = TypeVar("R")


class Source(Protocol[C_co]):
    """A file that is being read. `form` names its format; afterwards `trouble` is a sentence on what was wrong with
    the whole of it."""

    path: Path
    form: str

    @property
    def trouble(self) -> str | None: ...
    def __iter__(self) -> Iterator[C_co]: ...


class Taken(Protocol):
    """How many rows were taken in, and how many had been seen before."""

    @property
    def accepted(self) -> int: ...
    @property
    def repeated(self) -> int: ...


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


class FileImport(ABC, Generic[C, R]):
    """One import of some files of one kind into one tenant.

    Each chunk is kept in a transaction of its own, so what was accepted stays whatever comes after, and importing the
    same files again adds only what is missing.
    """

    def __init__(self, store: Store, tenant_id: int, rejects_dir: Path, tell: Callable[[str], None]) -> None:
        self._store = store
        self._tenant_id = tenant_id
        self._rejects = Rejects(rejects_dir)
        self._tell = tell
        self._counts: Counter[str] = Counter()
        self._troubles: list[str] = []

    @abstractmethod
    def _ready(self, chunk: C) -> tuple[R, pl.DataFrame]:
        """The rows of a chunk to keep, and its refused lines."""

    @abstractmethod
    def _keep(self, rows: R) -> Taken:
        """Keep the rows that are new, in one durable transaction."""

    @abstractmethod
    def _act(self, names: Sequence[str]) -> Act:
        """What the operation log says of the import of these files."""

    def run(self, sources: Iterable[Source[C]]) -> Outcome:
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

    def act_of(self, module: str, names: Sequence[str]) -> Act:
        """The act of importing files into a module."""
        return Act(
            module=module,
            action="import",
            operation_class="addition",
            object_type="file",
            object_name=", ".join(names)[:1000],
            new=self._figures(),
            content="; ".join(self._troubles)[:4000],
        )

    def _take(self, source: Source[C]) -> None:
        read = good = 0
        first_reason = ""
        for chunk in ahead(source):
            read += chunk.read
            good += chunk.read - chunk.refused.height
            if not first_reason and chunk.refused.height:
                first_reason = _printable(f"line {chunk.refused['line'][0]}: {chunk.refused['reason'][0]}")
            rows, refused = self._ready(chunk)
            self._rejects.add(source.path, refused)
            taken = self._keep(rows)
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

    def _record(self, names: Sequence[str]) -> None:
        with self._store.write(self._tenant_id) as session:
            record(session, self._tenant_id, COMMAND, self._act(names))


def require_few(count: int, kind: str) -> None:
    """Raise Unavailable where so many applications, or mini programs, were named that they cannot be any."""
    if count > NEW_KEYS:
        raise Unavailable(what=f"The file names more than {NEW_KEYS} {kind} (is it the right field?)")


def _printable(text: str) -> str:
    """A text that a file brought, fit for a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)[:300]
