"""Which visits are asked for: what the filters of the page, the commands and the API all become."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final, Self

import polars as pl

from lib.errors import BadInput
from lib.queries.spans import SpanFilter
from lib.words import Phrase

RESULTS: Final = ("success", "failure")
"""A visit failed where its status is 400 or above."""


@dataclass(frozen=True)
class VisitFilter(SpanFilter):
    """Visits in [since, until), told in a zone. Filters that are null or empty let everything through.

    `status` is "4xx", "5xx" or a code, `path` a target without its query, `keyword` part of account, address, target,
    agent, or of the company's name or memo. `country` is an ISO code or one of lib.logs.places.KINDS, `region` an ISO
    code. `tenants` are keys, "" what belongs to none: none is the tenant that the viewer looks at, `tenancy.EVERY` all
    of them. Raises BadInput.
    """

    address: str | None = None
    status: str | None = None
    keyword: str | None = None
    account: str | None = None
    method: str | None = None
    result: str | None = None
    path: str | None = None
    country: str | None = None
    region: str | None = None
    tenants: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.status is not None and not re.fullmatch(r"[1-5](xx|[0-9]{2})", self.status):
            raise BadInput(what=Phrase("refused.status", status=self.status[:20]))
        if self.result not in {None, *RESULTS}:
            raise BadInput(what=Phrase("refused.result", result=str(self.result)[:20]))

    def for_tenants(self, *tenants: str) -> Self:
        """The same visits, of these tenants."""
        return replace(self, tenants=tenants)

    def predicate(self) -> pl.Expr:
        """Which visits of STORED are meant, wherever their address is and whatever the keyword."""
        parts = [pl.col("at").is_between(self.since, self.until, closed="left")]
        for column in ("address", "account", "method"):
            if (wanted := getattr(self, column)) is not None:
                parts.append(pl.col(column) == wanted)
        if self.status is not None:
            first = int(self.status[0]) * 100
            is_class = self.status.endswith("xx")
            parts.append(pl.col("status").is_between(first, first + 99) if is_class else _is(int(self.status)))
        if self.result is not None:
            parts.append(pl.col("status") >= 400 if self.result == "failure" else pl.col("status") < 400)
        if self.path is not None:
            parts.append((pl.col("target") == self.path) | pl.col("target").str.starts_with(f"{self.path}?"))
        return pl.all_horizontal(parts)

    def keyword_predicate(self, companies: pl.Expr) -> pl.Expr:
        """Which visits have the keyword; `companies` says of which it stands in the company's name or memo."""
        texts = ("target", "address", "account", "user_agent")
        return pl.any_horizontal(companies, *(holds(pl.col(name), self.keyword or "") for name in texts))


def holds(text: pl.Expr, keyword: str) -> pl.Expr:
    """Whether a text has a keyword in it, whatever the size of letters; false where there is no text."""
    # A third faster over several columns than texts made small.
    return text.str.contains(f"(?i){pl.escape_regex(keyword)}").fill_null(value=False)


def _is(status: int) -> pl.Expr:
    return pl.col("status") == status
