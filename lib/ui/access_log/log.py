"""What a log of the page is, one record: what is asked, filters, columns, what is ranked; and what both logs share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl

from lib.access.permissions import Permission
from lib.charts.histogram import Counted
from lib.logs.place_names import country_names, place_name, region_names
from lib.queries.console import Console
from lib.queries.sign_ins import SignInFilter
from lib.queries.visit_filter import VisitFilter
from lib.ui.listing.columns import ListColumn, ListColumns, Preset
from lib.ui.listing.listing import Listing
from lib.ui.listing.records import Cell, short
from lib.usage.buckets import Grain
from lib.words import Language

Asked = VisitFilter | SignInFilter

PLACE = ("before", "after", "record")


class Found(Protocol):
    """A page of rows, and the ids of its ends where there are neighbours."""

    @property
    def rows(self) -> pl.DataFrame: ...
    @property
    def newer(self) -> str | None: ...
    @property
    def older(self) -> str | None: ...


class Queries(Protocol):
    """What both logs answer; see lib.queries.visits and lib.queries.sign_ins."""

    def page(self, asked: Any, *, before: str | None = None, after: str | None = None, size: int = 50) -> Found: ...
    def newer_count(self, asked: Any, row_id: str, /) -> int: ...
    def histogram(self, asked: Any, grain: Grain, *, filled: bool = False) -> pl.DataFrame: ...
    def top(self, asked: Any, column: str, limit: int = 10) -> pl.DataFrame: ...
    def details(self, row_id: str, /, tenants: tuple[str, ...] = ()) -> Mapping[str, object]: ...


@dataclass(frozen=True)
class Choice:
    """A filter by one value. `name` is what the address and the filter call it, `words` its heading.

    `column` is the one whose values are offered, `fixed` are offered in any case, and any that `fits` can be written by
    hand where it is `free`.
    """

    name: str
    words: str
    column: str = ""
    fixed: tuple[str, ...] = ()
    fits: Callable[[str], bool] = bool
    word: Callable[[str, Language], str] = lambda value, _language: value
    free: bool = False


@dataclass(frozen=True)
class Ranking:
    """The values of a column by how often they are there; a click filters by `name`. `kind` is that of its file, and
    `heading` what stands above the values there."""

    column: str
    name: str
    words: str
    kind: str
    heading: str


@dataclass(frozen=True)
class Log:
    """A log of the page: a tab, and a room of lib.queries.rooms by the same key. Of its filters `quick` stands open.

    `cell` draws a column of a row, `failed` marks a row, `fields` are what the details tell, in their order.
    """

    key: str
    permission: Permission
    filter: type[VisitFilter] | type[SignInFilter]
    queries: Callable[[Console], Queries]
    counted: Counted
    columns: ListColumns
    choices: tuple[Choice, ...]
    quick: str
    rankings: tuple[Ranking, ...]
    failed: Callable[[Mapping[str, Any]], bool]
    cell: Callable[[Console, str, Mapping[str, Any]], Cell]
    fields: tuple[str, ...]

    @property
    def listing(self) -> Listing:
        """The log's list as the address sees it."""
        return Listing(self.key, (*(choice.name for choice in self.choices), "search", "tenants"), PLACE)


def _country(code: str, language: Language) -> str:
    return country_names(language).get(code, code)


def _region(code: str, language: Language) -> str:
    return region_names(language).get(code, code)


def _is_country(code: str) -> bool:
    return code in country_names(Language.EN)


def _is_region(code: str) -> bool:
    return code in region_names(Language.EN)


ACCOUNT = Choice("account", "column.account", "account", free=True)
ADDRESS = Choice("address", "column.address", "address", free=True)
COUNTRY = Choice("country", "column.country", "country", fits=_is_country, word=_country)
REGION = Choice("region", "column.region", "region", fits=_is_region, word=_region)


def column(key: str, *made_of: str, look: str = "", words: str = "") -> ListColumn:
    """A column of the list; its heading is that of files where no `words` are given."""
    return ListColumn(key, words or f"column.{key}", made_of or (key,), look)


SHARED = {
    "at": column("at", look="instant"),
    "account": column("account"),
    "account_company": column(
        "account_company", "account", "company", "memo", look="pair", words="access_log.account_company"
    ),
    "company": column("company", look="name"),
    "memo": column("memo", look="code"),
    "tenant": column("tenant"),
    "address": column("address"),
    "place": column("place", "country", "region", look="name", words="access_log.place"),
    "address_place": column(
        "address_place", "address", "country", "region", look="pair", words="access_log.address_place"
    ),
    "user_agent": column("user_agent", look="code"),
}


def columns(own: tuple[ListColumn, ...], standard: tuple[str, ...], every: tuple[str, ...]) -> ListColumns:
    """The columns of a log: those of both, its own, and the views that are made of them."""
    of_companies = tuple("account_company" if key == "account" else key for key in standard)
    presets = (
        Preset("standard", "access_log.preset_standard", standard),
        Preset("companies", "access_log.preset_companies", of_companies),
        Preset("every", "access_log.preset_every", every),
    )
    return ListColumns((*SHARED.values(), *own), presets)


def cell(console: Console, key: str, row: Mapping[str, Any]) -> Cell:
    """The cell of a column that both logs have, or of any other as the text that it is."""
    match key:
        case "at":
            return {"text": f"{row['at']:%Y-%m-%d %H:%M:%S}"}
        case "company":
            return told(company(console, row))
        case "account_company":
            return told(row["account"], company(console, row))
        case "place":
            return told(place(console, row))
        case "address_place":
            return told(row["address"], place(console, row))
        case _:
            return told(row[key])


def told(text: object, below: object = None) -> Cell:
    """A cell of a text, and of one below it where there is one."""
    under = short(None if below is None else str(below))
    said = {"text": short(None if text is None else str(text))}
    return said | ({"below": under} if under else {})


def company(console: Console, row: Mapping[str, Any]) -> str:
    """The name of the company that a row belongs to."""
    return str(row["company"] or console.say("access_log.no_company"))


def place(console: Console, row: Mapping[str, Any]) -> str:
    """Where a row's address is."""
    return place_name(row["country"], row["region"], console.viewer.language)
