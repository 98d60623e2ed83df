"""DuckDB doing what the rebuild does, from the same Parquet, into Parquet: in plain SQL, or in the files' order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from lib.usage.recency import PAGE_SCOPES, SCOPES

EVENTS = """
CREATE TEMP TABLE told AS
SELECT application_id, mini_program_id, visitor_id, kind::VARCHAR AS kind, page, coalesce(os, '') AS os,
    (epoch_us("at") // 1800000000)::INTEGER AS t, epoch_us("at") AS at_us, duration_ms * 1000 AS duration_us,
    row_number() OVER s AS place, count(*) OVER whole AS places,
    first_value((epoch_us("at") // 1800000000)::INTEGER) OVER s AS start_t,
    first_value(coalesce(os, '')) OVER s AS start_os,
    first_value(epoch_us("at")) OVER s AS start_us, lead(epoch_us("at")) OVER s AS next_us,
    count(*) FILTER (kind = 'open') OVER whole AS session_opens,
    CASE WHEN lead(kind) OVER s = 'page_leave' AND (lead(page) OVER s IS NULL OR lead(page) OVER s = page)
        THEN lead(duration_ms) OVER s * 1000 END AS left_us,
    sum((kind = 'page_view')::INTEGER) OVER s AS views_so_far,
    count(*) FILTER (kind = 'page_view') OVER whole AS session_views
FROM read_parquet('{events}')
WINDOW s AS (PARTITION BY application_id, mini_program_id, session_id ORDER BY "at", seq, key ROWS UNBOUNDED PRECEDING),
    whole AS (PARTITION BY application_id, mini_program_id, session_id)
"""

ORDERED = """
CREATE TEMP TABLE told AS
WITH near AS (
    SELECT application_id, mini_program_id, visitor_id, kind::VARCHAR AS kind, page, coalesce(os, '') AS os, session_id,
        epoch_us("at") AS at_us, duration_ms * 1000 AS duration_us,
        lag(session_id) OVER () IS DISTINCT FROM session_id AS starts,
        lead(session_id) OVER () IS DISTINCT FROM session_id AS ends,
        lead(epoch_us("at")) OVER () AS following_us, lead(kind) OVER () AS following,
        lead(page) OVER () AS following_page, lead(duration_ms) OVER () * 1000 AS following_duration_us
    FROM read_parquet('{events}')),
begun AS (
    SELECT *, last(CASE WHEN starts THEN at_us END IGNORE NULLS) OVER w AS start_us,
        last(CASE WHEN starts THEN os END IGNORE NULLS) OVER w AS start_os,
        sum((kind = 'open')::INTEGER) OVER w AS opens_so_far
    FROM near WINDOW w AS (ROWS UNBOUNDED PRECEDING)),
opened AS (
    SELECT *, last(CASE WHEN starts THEN opens_so_far - (kind = 'open')::INTEGER END IGNORE NULLS)
        OVER (ROWS UNBOUNDED PRECEDING) AS opens_before
    FROM begun)
SELECT application_id, mini_program_id, visitor_id, kind, page, os, session_id, at_us, duration_us, start_us, start_os,
    (at_us // 1800000000)::INTEGER AS t, (start_us // 1800000000)::INTEGER AS start_t,
    starts::INTEGER AS place, CASE WHEN ends THEN starts::INTEGER END AS places,
    CASE WHEN NOT ends THEN following_us END AS next_us, opens_so_far - opens_before AS session_opens,
    CASE WHEN NOT ends AND following = 'page_leave' AND (following_page IS NULL OR following_page = page)
        THEN following_duration_us END AS left_us
FROM opened
"""

VIEWED = """
CREATE TEMP TABLE ordered_views AS
SELECT *, (lag(session_id) OVER () IS DISTINCT FROM session_id)::INTEGER AS views_so_far,
    (lag(session_id) OVER () IS DISTINCT FROM session_id)::INTEGER
        + (lead(session_id) OVER () IS NOT DISTINCT FROM session_id)::INTEGER AS session_views
FROM told WHERE kind = 'page_view'
"""

PARTS = """
CREATE TEMP VIEW viewed AS SELECT *,
    coalesce(duration_us, left_us, CASE WHEN next_us IS NOT NULL THEN least(next_us - at_us, 1800000000) END, 0)
        AS stay_us
FROM {views} WHERE kind = 'page_view';
CREATE TEMP TABLE parts AS
SELECT t, application_id, mini_program_id, os, page, 0 AS opens, 1 AS page_views, 0 AS shares, stay_us, 0 AS session_us,
    0 AS entries, 0 AS exits, true AS is_paged FROM viewed
UNION ALL SELECT t, application_id, mini_program_id, os, page, 0, 0, 1, 0, 0, 0, 0, page IS NOT NULL
    FROM told WHERE kind = 'share'
UNION ALL SELECT start_t, application_id, mini_program_id, start_os, page, 0, 0, 0, 0, 0, 1, 0, true
    FROM viewed WHERE views_so_far = 1
UNION ALL SELECT start_t, application_id, mini_program_id, start_os, page, 0, 0, 0, 0, 0, 0, 1, true
    FROM viewed WHERE views_so_far = session_views
UNION ALL SELECT start_t, application_id, mini_program_id, start_os, NULL, greatest(session_opens, 1), 0, 0, 0,
    at_us + coalesce(duration_us, 0) - start_us, 0, 0, false
    FROM told WHERE place = places
"""

COUNTS = """
SELECT t, application_id, mini_program_id, os, sum(opens)::BIGINT AS opens, sum(page_views)::BIGINT AS page_views,
    sum(shares)::BIGINT AS shares, sum(stay_us)::BIGINT AS stay_us, sum(session_us)::BIGINT AS session_us,
    sum(entries)::BIGINT AS entries, sum(exits)::BIGINT AS exits
FROM parts GROUP BY ALL
"""

PAGES = """
SELECT t, application_id, mini_program_id, os, page, sum(page_views)::BIGINT AS page_views,
    sum(stay_us)::BIGINT AS stay_us, sum(entries)::BIGINT AS entries, sum(exits)::BIGINT AS exits,
    sum(shares)::BIGINT AS shares
FROM parts WHERE is_paged GROUP BY ALL
"""

PRESENCE = """
CREATE TEMP TABLE presence AS SELECT DISTINCT t, application_id, mini_program_id, os, page, visitor_id FROM (
    SELECT t, application_id, mini_program_id, os, page, visitor_id FROM told WHERE kind = 'page_view'
    UNION ALL SELECT t, application_id, mini_program_id, os, NULL, visitor_id
        FROM told WHERE place = 1 AND kind <> 'page_view')
"""


def rebuild(events: str, into: Path, threads: int, *, ordered: bool = False) -> None:
    """Count the events (a glob of Parquet files) into counts, pages, presence and recency files in a folder.

    Ordered, sessions are told by the rows' neighbours, as the kernel does; else by windows over each session.
    """
    into.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(config={"threads": threads, "temp_directory": str(into / "spill")}) as database:
        database.execute(f"SET preserve_insertion_order = {str(ordered).lower()}")
        database.execute((ORDERED if ordered else EVENTS).format(events=events))
        if ordered:
            database.execute(VIEWED)
            database.execute("SET preserve_insertion_order = false")
        database.execute(PARTS.format(views="ordered_views" if ordered else "told"))
        _write(database, COUNTS, into / "counts.parquet")
        _write(database, PAGES, into / "pages.parquet")
        database.execute("DROP TABLE parts")
        database.execute(PRESENCE)
        database.execute("DROP TABLE told CASCADE")
        _write(database, "FROM presence", into / "presence.parquet")
        for scope in (*SCOPES, *PAGE_SCOPES):
            _write(database, _chains(scope.by), into / f"recency-{scope.number}.parquet")


def _chains(by: Sequence[str]) -> str:
    columns = "".join(f"{name}, " for name in by)
    paged = "WHERE page IS NOT NULL" if "page" in by else ""
    return f"""
        SELECT {columns} t, p, count(*)::BIGINT AS n FROM (
            SELECT {columns} t, coalesce(lag(t) OVER (PARTITION BY {columns} visitor_id ORDER BY t), 0) AS p
            FROM (SELECT DISTINCT {columns} visitor_id, t FROM presence {paged}))
        GROUP BY ALL
    """


def _write(database: duckdb.DuckDBPyConnection, query: str, file: Path) -> None:
    database.execute(f"COPY ({query}) TO '{file}' (FORMAT parquet, COMPRESSION zstd)")
