"""A recount of the published figures from the raw events by DuckDB, in plain SQL that shares nothing with the kernel
(SPEC T6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from lib.errors import Unavailable
from lib.usage import raw
from lib.usage.buckets import bucket_of
from lib.usage.kernel import COUNTS, PAGE_COUNTS
from lib.usage.published import Published, between
from lib.usage.recency import PAGE_SCOPES, SCOPES, Scope
from lib.usage.users import users_by_bucket
from lib.words import Phrase

if TYPE_CHECKING:
    import duckdb

DIFFERENCE = {
    "check": pl.String(),
    "t": pl.Int32(),
    "application_id": pl.Int32(),
    "mini_program_id": pl.Int32(),
    "page": pl.String(),
    "figure": pl.String(),
    "published": pl.Int64(),
    "recounted": pl.Int64(),
}
"""A figure that is not what a recount says: where it is, null where it is of several places; users are of a UTC day."""

_HALF_HOURS_OF_A_DAY = 48

_OF_SESSIONS = ", sum(opens)::bigint as opens, sum(session_us)::bigint as session_us"

_ASKED = (
    *(
        "application_id",
        "mini_program_id",
        "visitor",
        "visitor_id",
        "session",
        "page",
        "duration_ms",
        "at",
        "seq",
        "key",
    ),
    "is_excluded",
    pl.col("kind").cast(pl.String),
)
"""What a recount reads of the raw events."""

_SESSIONS = """
create table events as select application_id, mini_program_id, visitor, session, kind::varchar as kind, page,
    duration_ms * 1000 as duration_us, epoch_us("at") as us, seq, key from raw where not is_excluded;
create table cut as select *, case when session is null and (lag(us) over w is null or us - lag(us) over w >=
1800000000)
    then 1 else 0 end as begins
    from events window w as (partition by application_id, mini_program_id, visitor, session order by us, seq, key);
create table told as select *, sum(begins) over (partition by application_id, mini_program_id, visitor, session
    order by us, seq, key rows unbounded preceding) as number from cut;
create table rows_of_sessions as select *, lead(us) over w as next_us, lead(kind) over w as next_kind,
    lead(page) over w as next_page, lead(duration_us) over w as next_duration, first_value(us) over w as began_us,
    lag(case kind when 'close' then us when 'page_leave' then null else 0 end ignore nulls) over w as closed_us
    from told window w as (partition by application_id, mini_program_id, visitor, session, number order by us, seq,
    key);
create table views as select *, row_number() over w = 1 as is_entry, lead(us) over w is null as is_exit,
    case when duration_us is not null then duration_us
         when next_kind = 'page_leave' and coalesce(next_page, page) = page and next_duration is not null then
         next_duration
         when next_us is not null then least(next_us - us, 1800000000) else 0 end as stay_us
    from rows_of_sessions where kind = 'page_view'
    window w as (partition by application_id, mini_program_id, visitor, session, number order by us, seq, key);
create table sessions as select application_id, mini_program_id, visitor, session, number, min(us) as us,
    greatest(count(*) filter (kind = 'open'), 1)
        + count(*) filter (kind not in ('open', 'close', 'page_leave') and closed_us > 0 and us - closed_us > 30000000)
    as opens, max(us) + coalesce(arg_max_null(duration_us, (us, seq,
    key)), 0)
    - min(us) as session_us, from rows_of_sessions group by all;
create table presence as select distinct us // 1800000000 as t, application_id, mini_program_id, visitor, page
    from views union select us // 1800000000, application_id, mini_program_id, visitor, null from sessions;
"""

_WITH_THE_GONE = """
create table hashes as select distinct visitor, visitor_id from raw where not is_excluded;
create table everybody as select t::bigint as t, application_id, mini_program_id, visitor_id as visitor, page from gone
    union select t, application_id, mini_program_id, visitor_id, page from presence join hashes using (visitor);
drop table presence;
alter table everybody rename to presence;
"""

_COUNTED = """
select t::int as t, application_id, mini_program_id {page}, sum(page_views)::bigint as page_views,
    sum(stay_us)::bigint as stay_us, sum(entries)::bigint as entries, sum(exits)::bigint as exits,
    sum(shares)::bigint as shares {sessions}
from (
    select us // 1800000000 as t, application_id, mini_program_id, page, 1 as page_views, stay_us, 0 as entries,
        0 as exits, 0 as shares, 0 as opens, 0 as session_us from views
    union all select began_us // 1800000000, application_id, mini_program_id, page, 0, 0, is_entry::int, is_exit::int,
        0, 0, 0 from views
    union all select us // 1800000000, application_id, mini_program_id, page, 0, 0, 0, 0, 1, 0, 0 from told
        where kind = 'share'
    union all select us // 1800000000, application_id, mini_program_id, null, 0, 0, 0, 0, 0, opens, session_us
        from sessions
) where t >= $first and t < $end {where} group by all
"""


@dataclass(frozen=True)
class Recounting:
    """One tenant's raw events in DuckDB beside what is published of them, in the half hours [first, end).

    `kept` is what is published of the sessions that have their raw events.
    """

    tables: Published
    first: int
    end: int
    kept: Published
    db: duckdb.DuckDBPyConnection

    def asked(self, sql: str) -> pl.DataFrame:
        """The answer to a question with $first and $end in it."""
        bounds = {"first": self.first, "end": self.end}
        return pl.DataFrame(self.db.sql(sql, params=bounds).to_arrow_table())


@dataclass(frozen=True)
class Check:
    """A comparison: its key, and the function that returns both sides with the columns that tell their rows apart."""

    key: str
    sides: Callable[[Recounting], tuple[pl.DataFrame, pl.DataFrame, list[str]]]


def begin(tables: Published, first: int, end: int) -> Recounting:
    """Load a tenant's raw events and tell their sessions apart.

    Where the retention rule removed raw events, the recount begins with the first date that has them, and takes from
    what is published who was there before. Raises Unavailable without DuckDB.
    """
    try:
        import duckdb  # a process that only serves does without it
    except ImportError as error:
        raise Unavailable(what=Phrase("refused.no_duckdb")) from error
    db = duckdb.connect(config={"threads": 2})
    db.execute("set timezone = 'UTC'")
    db.register("given", tables.events().limit(0).select(_ASKED).collect().to_arrow())
    db.execute("create table raw as from given")
    for names in tables.files.raw.values():
        # Through Polars, which computes what the files leave out: nothing of that is a figure.
        db.register("given", raw.scanned(tables.lake, names).select(_ASKED).collect().to_arrow())
        db.execute("insert into raw from given")
    db.unregister("given")
    db.execute(_SESSIONS)
    kept, removed = tables.with_raw(), tables.without_raw()
    if tables.files.raw_since is not None:
        first = max(first, bucket_of(datetime.fromisoformat(tables.files.raw_since).replace(tzinfo=UTC)))
        db.register(
            "gone", removed.presence().with_columns(pl.col("page").cast(pl.String)).drop("os").collect().to_arrow()
        )
        db.execute(_WITH_THE_GONE)
    return Recounting(tables, first, max(first, end), kept, db)


def differences(recounting: Recounting, check: Check) -> tuple[int, pl.DataFrame]:
    """How many figures were compared, and those that differ (DIFFERENCE)."""
    published, recounted, by = check.sides(recounting)
    figures = [name for name in published.columns if name not in by]
    sides = [
        side.unpivot(figures, index=by, variable_name="figure", value_name=value).with_columns(
            pl.col(value).cast(pl.Int64)
        )
        for side, value in ((published, "published"), (recounted.select(published.columns), "recounted"))
    ]
    both = sides[0].join(sides[1], on=[*by, "figure"], how="full", coalesce=True, nulls_equal=True)
    both = both.with_columns(pl.col("published", "recounted").fill_null(0))
    wrong = both.filter(pl.col("published") != pl.col("recounted")).with_columns(check=pl.lit(check.key))
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in DIFFERENCE.items() if name not in wrong.columns]
    ordered = wrong.with_columns(missing).select(pl.col(name).cast(dtype) for name, dtype in DIFFERENCE.items())
    return both.height, ordered.sort(list(DIFFERENCE), nulls_last=False)


def _counts(recounting: Recounting) -> tuple[pl.DataFrame, pl.DataFrame, list[str]]:
    by = ["t", "application_id", "mini_program_id"]
    inside = pl.col("t").is_between(recounting.first, recounting.end, closed="left")
    published = recounting.kept.counts().filter(inside).group_by(by).agg(pl.col(COUNTS).sum()).collect()
    return published, recounting.asked(_COUNTED.format(page="", sessions=_OF_SESSIONS, where="")), by


def _totals(recounting: Recounting) -> tuple[pl.DataFrame, pl.DataFrame, list[str]]:
    by = ["t", "application_id", "mini_program_id"]
    published = between(recounting.kept.totals, recounting.first, recounting.end).group_by(by).agg(pl.col(COUNTS).sum())
    counted = recounting.asked(_COUNTED.format(page="", sessions=_OF_SESSIONS, where=""))
    each = [counted.with_columns(pl.lit(0, pl.Int32).alias(name)) for name in by[1:]]
    return published, pl.concat(each).group_by(by).agg(pl.col(COUNTS).sum()), by


def _pages(recounting: Recounting) -> tuple[pl.DataFrame, pl.DataFrame, list[str]]:
    by = ["t", "application_id", "mini_program_id", "page"]
    inside = pl.col("t").is_between(recounting.first, recounting.end, closed="left")
    published = recounting.kept.pages().filter(inside).group_by(by).agg(pl.col(PAGE_COUNTS).sum()).collect()
    published = published.with_columns(pl.col("page").cast(pl.String))
    return published, recounting.asked(_COUNTED.format(page=", page", sessions="", where="and page is not null")), by


def _users(scope: Scope) -> Callable[[Recounting], tuple[pl.DataFrame, pl.DataFrame, list[str]]]:
    by = list(scope.by)

    def sides(recounting: Recounting) -> tuple[pl.DataFrame, pl.DataFrame, list[str]]:
        tables = recounting.tables
        halves = pl.DataFrame({"t": pl.int_range(recounting.first, recounting.end, dtype=pl.Int32, eager=True)})
        day = (pl.col("t") // _HALF_HOURS_OF_A_DAY) * _HALF_HOURS_OF_A_DAY
        days = halves.with_columns(bucket=day.cast(pl.Int32)).with_columns(start=pl.col("t").min().over("bucket"))
        published = users_by_bucket(tables.chains(scope).collect(), days, by).rename({"bucket": "t"})
        published = published.with_columns(pl.col(pl.Categorical).cast(pl.String))
        user = "(application_id, visitor)" if tables.files.numbers_visitors_per_application else "visitor"
        places = "".join(f", {name}" for name in by)
        paged = "where page is not null" if "page" in by else ""
        recounted = recounting.asked(
            f"""with p as (select t, {user} as who {places}, min(t) over (partition by {user} {places}) as first_t
                from presence {paged})
            select (t // 48 * 48)::int as t {places}, count(distinct who) as active_users,
                count(distinct who) filter (t = first_t) as new_users
            from p where t >= $first and t < $end group by all"""  # noqa: S608 (only words of this file)
        )
        return published, recounted, ["t", *by]

    return sides


_NAMES = {
    (): "users",
    ("application_id",): "users_of_applications",
    ("mini_program_id",): "users_of_mini_programs",
    ("mini_program_id", "application_id"): "users_of_applications_of_mini_programs",
    ("mini_program_id", "page"): "users_of_pages",
    ("mini_program_id", "application_id", "page"): "users_of_pages_of_applications",
}

CHECKS = (
    Check("counts", _counts),
    Check("totals", _totals),
    Check("pages", _pages),
    *(Check(_NAMES[scope.by], _users(scope)) for scope in (*SCOPES, *PAGE_SCOPES) if scope.by in _NAMES),
)
"""Everything that is compared."""
