"""What can be taken away: rows with their headings, and how to have them again. The one contract of every table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from lib.usage.buckets import zone_of
from lib.words import Language, Phrase, say


@dataclass(frozen=True)
class Exportable:
    """Rows that a viewer may take away.

    `kind` says what they are: `file.<kind>` in the catalogue names their file. `headings` has the words above each
    column, or their catalogue key, by its name in the frames and in the order of the file. `ask` is told these names
    and answers frames that have them at least, as the viewer is at that moment and of one moment of the database;
    `count` says how many rows those have.
    Instants are told in the zone. The file is named after the days from `first` to `last`.

    Rows of a `room` (lib.queries.rooms) can be had again from what was `asked`, which is JSON; without a room they
    are only there while a page shows them, and are made in memory.
    """

    kind: str
    headings: Mapping[str, str | Phrase]
    ask: Callable[[Sequence[str]], Iterable[pl.DataFrame]]
    count: Callable[[], int]
    first: date
    last: date
    zone: str = "UTC"
    room: str = ""
    asked: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_frame(
        cls,
        kind: str,
        headings: Mapping[str, str | Phrase],
        ask: Callable[[], pl.DataFrame],
        first: date,
        last: date,
        zone: str,
    ) -> Exportable:
        """What `ask` answers in one frame."""

        def asked(_columns: Sequence[str]) -> Iterator[pl.DataFrame]:
            yield ask()

        return cls(kind, headings, asked, lambda: len(ask()), first, last, zone)

    def rows(self) -> Iterable[pl.DataFrame]:
        """The rows, in frames."""
        return self.ask(tuple(self.headings))

    def kept(self, room: str, asked: Mapping[str, Any]) -> Exportable:
        """The same as rows of a room, which makes them again from what was asked."""
        return replace(self, room=room, asked=dict(asked))

    def only(self, columns: Sequence[str]) -> Exportable:
        """The same with these columns alone, in this order; those that there are none of stay away."""
        return replace(self, headings={key: self.headings[key] for key in columns if key in self.headings})

    def said(self, language: Language) -> dict[str, str]:
        """The words above each column."""
        return {
            key: words.said(language) if isinstance(words, Phrase) else say(words, language)
            for key, words in self.headings.items()
        }

    def file_kind(self, language: Language) -> str:
        """What the file is called before its days."""
        return say(f"file.{self.kind}", language)


def days_between(since: datetime, until: datetime, zone: str) -> tuple[date, date]:
    """The first and the last local day of [since, until)."""
    here = zone_of(zone)
    return since.astimezone(here).date(), (until - timedelta(microseconds=1)).astimezone(here).date()
