"""An independent recount: DuckDB, from the raw lines of a sample, in plain SQL that knows nothing of Daybook."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_LINE = (
    r"^(\S+) \S+ \S+ \[(\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "
    rf"{_QUOTED} (\d{{3}}) (\d+|-) {_QUOTED} {_QUOTED}"
)

_SESSIONS = """
create table marked as
select *, case when session is not null then session else visitor || '#' || sum(new) over (
    partition by application, visitor, session order by at_us, seq rows unbounded preceding) end as session_key
from (select *, case when session is null and (
        lag(at_us) over w is null or at_us - lag(at_us) over w >= 1800000000) then 1 else 0 end as new
      from events window w as (partition by application, visitor, session order by at_us, seq));
create table views as
select *, case when lead(at_us) over w is null then 0 else least(lead(at_us) over w - at_us, 1800000000) end as stay,
    row_number() over w = 1 as is_entry, lead(at_us) over w is null as is_exit,
    first_value(at_us) over (partition by application, visitor, session_key order by at_us, seq) as began
from marked window w as (partition by application, visitor, session_key order by at_us, seq);
create table sessions as
select application, visitor, session_key, min(at_us) as at_us, max(at_us) - min(at_us) as length from marked group by
all;
create table users as select visitor, min(at_us) as at_us from marked group by all;
"""


class Recount:
    """The tables `events`, `views`, `sessions` and `users` of one sample; instants are microseconds since 1970."""

    def __init__(self, events: pa.Table) -> None:
        self.db = duckdb.connect()
        self.db.execute("set threads = 2; set timezone = 'UTC'")
        self.db.register("given", events)

    @classmethod
    def of_access_log(cls, sample: Path) -> Recount:
        """Every complete line is a visit, and as usage a page view of its path by (address, user agent)."""
        lines = gzip.decompress(sample.read_bytes()).decode().split("\n")
        counted = cls(pa.table({"seq": range(1, len(lines) + 1), "line": lines}))
        counted.db.execute(
            """create table visits as select seq, f[1] as address, epoch_us(strptime(f[2], '%d/%b/%Y:%H:%M:%S %z'))
            as at_us,
                f[4]::int as status, try_cast(f[5] as bigint) as bytes, f[7] as agent,
                split_part(regexp_extract(f[3], '^\\S+ (\\S+)', 1), '?', 1) as path
            from (select seq, regexp_extract(line, $line, ['1','2','3','4','5','6','7']) as g,
                         list_value(g['1'], g['2'], g['3'], g['4'], g['5'], g['6'], g['7']) as f
                  from given where regexp_matches(line, $line))""",
            {"line": _LINE},
        )
        counted.db.execute(
            """create table events as select seq, at_us, 'web' as application, address || ' ' || agent as visitor,
               null::varchar as session, path as page from visits"""
        )
        counted.db.execute(_SESSIONS)
        return counted

    @classmethod
    def of_clickstream(cls, sample: Path) -> Recount:
        """Every row is a page view of its `event`, in the application `platform`."""
        rows = list(csv.DictReader(io.StringIO(gzip.decompress(sample.read_bytes()).decode())))
        counted = cls(pa.Table.from_pylist([{"seq": line, **row} for line, row in enumerate(rows, 2)]))
        counted.db.execute(
            """create table events as select seq, epoch_us(timestamp::timestamp) as at_us, platform as application,
               user_id as visitor, session_id as session, event as page from given"""
        )
        counted.db.execute(_SESSIONS)
        return counted

    def usage(self, grain: str, zone: str) -> dict[int | None, dict[str, Any]]:
        """Every figure by the instant (seconds) at which its bucket begins; None for the whole."""
        began, at = (_bucket(column, grain, zone) for column in ("began", "at_us"))
        return self._keyed(
            f"""with v as (select {at} as bucket, count(*) as page_views, sum(stay) / 1e6 as stay_seconds,
                           count(distinct visitor) as active_users from views group by 1),
                e as (select {began} as bucket, count(*) filter (is_entry) as entries,
                      count(*) filter (is_exit) as exits from views group by 1),
                s as (select {at} as bucket, count(*) as opens, sum(length) / 1e6 as session_seconds
                      from sessions group by 1),
                u as (select {at} as bucket, count(*) as new_users from users group by 1)
                select coalesce(v.bucket, e.bucket, s.bucket, u.bucket) as bucket, page_views, stay_seconds,
                active_users,
                       entries, exits, opens, session_seconds, new_users
                from v full join e on v.bucket is not distinct from e.bucket
                full join s on v.bucket is not distinct from s.bucket
                full join u on v.bucket is not distinct from u.bucket"""
        )

    def visits(self, grain: str, zone: str) -> dict[int | None, dict[str, Any]]:
        """Every figure of the access log by the instant at which its bucket begins."""
        return self._keyed(
            f"""select {_bucket("at_us", grain, zone)} as bucket, count(*) as visits,
                count(distinct (address, agent)) as visitors, count(distinct address) as addresses,
                count(*) filter (status >= 400) as errors, coalesce(sum(bytes), 0)::bigint as bytes
                from visits group by 1"""
        )

    def users(self, first_us: int, end_us: int) -> tuple[int, int]:
        """Active and new users in [first, end)."""
        active = self.db.execute(
            "select count(distinct visitor) from views where at_us >= ? and at_us < ?", [first_us, end_us]
        )
        active_users = active.fetchall()[0][0]
        new = self.db.execute("select count(*) from users where at_us >= ? and at_us < ?", [first_us, end_us])
        return active_users, new.fetchall()[0][0]

    def retention(self, zone: str, later: int) -> dict[Any, dict[str, Any]]:
        """New users by local day, and how many of them came back so many days later."""
        day = f"timezone('{zone}', make_timestamptz(at_us::bigint))::date"
        return self._keyed(
            f"""with d as (select distinct visitor, {day} as day from views),
                f as (select visitor, min(day) as day from d group by 1)
                select f.day as bucket, count(*) as users, count(d.visitor) as came
                from f left join d on d.visitor = f.visitor and d.day = f.day + {later} group by 1"""
        )

    def by(self, dimension: str) -> dict[Any, dict[str, Any]]:
        """Page views, stay, users, entries and exits of each application or page, in the whole."""
        return self._keyed(
            f"""select {dimension} as bucket, count(*) as page_views, sum(stay) / 1e6 as stay_seconds,
                count(distinct visitor) as active_users, count(*) filter (is_entry) as entries,
                count(*) filter (is_exit) as exits from views group by 1"""
        )

    def _keyed(self, sql: str) -> dict[Any, dict[str, Any]]:
        asked = self.db.execute(sql)
        names = [column[0] for column in asked.description]
        return {row[0]: {n: v or 0 for n, v in zip(names[1:], row[1:], strict=True)} for row in asked.fetchall()}


def _bucket(column: str, grain: str, zone: str) -> str:
    if grain == "period":
        return "null::bigint"
    if grain == "half-hour":
        return f"{column} // 1800000000 * 1800"
    local = f"timezone('{zone}', make_timestamptz({column}::bigint))"
    return f"epoch(timezone('{zone}', date_trunc('{grain}', {local})))::bigint"
