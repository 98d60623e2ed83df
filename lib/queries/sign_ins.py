"""Attempts to sign in as a viewer may see them (SPEC L1, L2): rows, and how many came when, by whom and from where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import polars as pl

from lib.access.permissions import Permission
from lib.errors import BadInput, NotFound
from lib.logs.places import placed
from lib.queries.gate import ViewerQueries, needs
from lib.queries.remembering import remembered
from lib.queries.sign_in_rows import Mark, mark_of, sign_ins_of
from lib.queries.spans import SpanFilter
from lib.queries.tenancy import narrowed_to, scope_of, tenant_ids
from lib.queries.visit_filter import holds
from lib.queries.visit_scan import companies_of
from lib.usage.buckets import Grain, bucket_expr, bucket_starts
from lib.words import Language, Phrase, say

RESULTS: Final = ("success", "failure", "locked")
"""`locked`: it was not looked at, as the account or the address had to wait."""

REASONS: Final = (
    *("password", "unknown", "disabled", "lock", "delay", "unfinished"),
    *("oidc", "oidc_unknown", "oidc_disabled"),
)
"""Why an attempt ended as it did, where that is known; services that send sign-ins in may say others."""

TOLD = ("at", "account", "address", "country", "region", "result", "reason", "user_agent", "tenant", "company", "memo")
"""The columns of a sign-in for programs; `country` and `region` are codes (lib.logs.places), `reason` is a key of the
words `sign_in_reason.<reason>`, or empty."""

ROW = ("id", *TOLD)
"""The columns of a sign-in on the page."""

TOPS = ("account", "address", "country", "region", "result", "reason", "tenant")
"""The columns whose values are counted."""

_LEAST, _MOST = 1, 1000
_AT_ONCE = 10_000


@dataclass(frozen=True)
class SignInFilter(SpanFilter):
    """Attempts to sign in made in [since, until), told in a zone. Filters that are null or empty let everything
    through.

    `keyword` is part of account, address, or the company's name or memo; `country` and `tenants` are as in
    VisitFilter. Raises BadInput.
    """

    account: str | None = None
    result: str | None = None
    keyword: str | None = None
    address: str | None = None
    country: str | None = None
    region: str | None = None
    tenants: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.result not in {None, *RESULTS}:
            raise BadInput(what=Phrase("refused.sign_in_result", result=str(self.result)[:20]))


@dataclass(frozen=True)
class SignInPage:
    """Some sign-ins, newest first (ROW, instants in the filter's zone).

    `newer` and `older` are ids to give as `after` and `before` for the neighbouring page; null at the ends.
    """

    rows: pl.DataFrame
    newer: str | None
    older: str | None


class SignInQueries(ViewerQueries):
    """The attempts to sign in to one tenant's accounts, or to those that a system administrator asks for. Attempts on
    names that no account has belong to no tenant."""

    @needs(Permission.SIGN_IN_READ)
    def page(
        self, asked: SignInFilter, *, before: str | None = None, after: str | None = None, size: int = 50
    ) -> SignInPage:
        """The newest that match, those older than the row of the id `before`, or the next newer than `after`.

        Raises BadInput for what is no id.
        """
        size = min(max(size, _LEAST), _MOST)
        found = self._matching(asked)
        if before is not None:
            found = found.filter(Mark.of(before).is_after())
        if after is not None:
            found = found.filter(Mark.of(after).is_before())
        rows = found.head(size) if after is None else found.tail(size)
        more = found.height > size
        newest, oldest = (rows["id"][0], rows["id"][-1]) if rows.height else (None, None)
        has_newer = more if after is not None else before is not None
        has_older = more if after is None else True
        shown = _zoned(rows, asked.zone).select(ROW)
        return SignInPage(shown, newest if has_newer else None, oldest if has_older else None)

    @needs(Permission.SIGN_IN_READ)
    def rows(self, asked: SignInFilter, limit: int | None = None) -> pl.DataFrame:
        """The sign-ins (TOLD), `at` in the zone, newest first."""
        found = self._matching(asked)
        return _zoned(found if limit is None else found.head(limit), asked.zone).select(TOLD)

    @needs(Permission.SIGN_IN_READ)
    def frames(self, asked: SignInFilter, columns: Sequence[str] = ()) -> Iterator[pl.DataFrame]:
        """The sign-ins as `rows` gives them, some thousands a frame. `columns` are some of TOLD; none means all."""
        found = _zoned(self._matching(asked), asked.zone).select([name for name in TOLD if name in (columns or TOLD)])
        yield from found.iter_slices(_AT_ONCE)

    @needs(Permission.SIGN_IN_READ)
    def count(self, asked: SignInFilter) -> int:
        """How many match."""
        return self._matching(asked).height

    @needs(Permission.SIGN_IN_READ)
    def newer_count(self, asked: SignInFilter, sign_in_id: str) -> int:
        """How many of those that match are newer than one: its place in the list. Raises BadInput."""
        return self._matching(asked).filter(Mark.of(sign_in_id).is_before()).height

    @needs(Permission.SIGN_IN_READ)
    def histogram(self, asked: SignInFilter, grain: Grain, *, filled: bool = False) -> pl.DataFrame:
        """`bucket`, `sign_ins` (attempts), `failures` (those that did not succeed), `accounts` and `addresses`.

        Buckets without any are left out, or nothing but zeros where `filled`.
        """
        buckets = bucket_starts(asked.whole_buckets(), grain)
        found = self._matching(asked).with_columns(t=bucket_expr(pl.col("at"))).join(buckets, on="t")
        counted = found.group_by("bucket").agg(
            sign_ins=pl.len().cast(pl.Int64),
            failures=(pl.col("result") != "success").sum().cast(pl.Int64),
            accounts=pl.col("account").n_unique().cast(pl.Int64),
            addresses=pl.col("address").n_unique().cast(pl.Int64),
        )
        if not filled:
            return counted.sort("bucket")
        every = buckets.select(pl.col("bucket").unique(maintain_order=True))
        return every.join(counted, on="bucket", how="left").with_columns(pl.exclude("bucket").fill_null(0))

    @needs(Permission.SIGN_IN_READ)
    def top(self, asked: SignInFilter, column: str, limit: int = 10) -> pl.DataFrame:
        """`value`, `sign_ins`, `failures` of the most frequent values of a column of TOPS, most first. Raises
        BadInput."""
        if column not in TOPS:
            raise BadInput(what=Phrase("refused.filter"))
        counted = (
            self._matching(asked)
            .drop_nulls(column)
            .group_by(value=pl.col(column))
            .agg(
                sign_ins=pl.len().cast(pl.Int64), failures=(pl.col("result") != "success").sum().cast(pl.Int64)
            )
        )
        return counted.sort(["sign_ins", "value"], descending=[True, False]).head(limit)

    @needs(Permission.SIGN_IN_READ)
    def details(self, sign_in_id: str, tenants: tuple[str, ...] = ()) -> dict[str, object]:
        """One sign-in in full (ROW, instants in UTC), of the tenants as a filter names them.

        Raises NotFound where there is none that the viewer may see.
        """
        try:
            mark = Mark.of(sign_in_id)
            here = SignInFilter(mark.at, mark.at + timedelta(microseconds=1), tenants=tenants)
        except (BadInput, OverflowError) as error:
            raise NotFound(kind="sign_in", key=sign_in_id[:60]) from error
        rows = self._matching(here).filter(pl.col("id") == sign_in_id)
        if rows.is_empty():
            raise NotFound(kind="sign_in", key=sign_in_id)
        return rows.select(ROW).row(0, named=True)

    def _matching(self, asked: SignInFilter) -> pl.DataFrame:
        """Those that match (ROW), `at` in UTC, newest first."""
        narrowed = narrowed_to(self.viewer, asked.tenants)
        with self.store.read(scope_of(self.viewer, narrowed)) as session:
            wanted = tenant_ids(session, self.viewer, narrowed)
            companies, whole = companies_of(session, wanted), asked.whole_buckets()
            # A page asks several questions of the same attempts.
            key = (mark_of(session), "sign_ins", whole.since, whole.until, wanted, tuple(companies.items()))
            found = remembered(key, lambda: sign_ins_of(session, whole.since, whole.until, wanted, companies))
        found = found.filter(pl.col("at").is_between(asked.since, asked.until, closed="left"))
        for column in ("account", "address", "result"):
            if (value := getattr(asked, column)) is not None:
                found = found.filter(pl.col(column) == value)
        if asked.keyword:
            texts = ("account", "address", "company", "memo")
            found = found.filter(pl.any_horizontal(holds(pl.col(name), asked.keyword) for name in texts))
        found = placed(found)
        for column in ("country", "region"):
            if (value := getattr(asked, column)) is not None:
                found = found.filter(pl.col(column) == value)
        return found


def named_reasons(rows: pl.DataFrame, language: Language) -> pl.DataFrame:
    """The rows with words in place of the keys in `result` and `reason`, as far as they have these columns."""
    words = {
        "result": {each: say(f"sign_in_result.{each}", language) for each in RESULTS},
        "reason": {each: say(f"sign_in_reason.{each}", language) for each in REASONS},
    }
    return rows.with_columns(pl.col(name).replace(each) for name, each in words.items() if name in rows.columns)


def _zoned(rows: pl.DataFrame, zone: str) -> pl.DataFrame:
    return rows.with_columns(pl.col("at").dt.convert_time_zone(zone))
