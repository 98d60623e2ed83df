"""ClickHouse, as chdb, doing what the rebuild does, in plain SQL from the same Parquet, into Parquet."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lib.usage.recency import PAGE_SCOPES, SCOPES

TOLD = """
CREATE TABLE told ENGINE = Memory AS
SELECT application_id, mini_program_id, visitor_id, kind, page, os, at_us, duration_us,
    toInt32(intDiv(at_us, 1800000000)) AS t, row_number() OVER s AS place, count() OVER whole AS places,
    toInt32(intDiv(min(at_us) OVER whole, 1800000000)) AS start_t, first_value(os) OVER whole AS start_os,
    min(at_us) OVER whole AS start_us, leadInFrame(toNullable(at_us)) OVER whole AS next_us,
    countIf(kind = 'open') OVER whole AS session_opens, countIf(kind = 'page_view') OVER s AS views_so_far,
    countIf(kind = 'page_view') OVER whole AS session_views,
    leadInFrame(toNullable(kind)) OVER whole AS next_kind, leadInFrame(page) OVER whole AS next_page,
    leadInFrame(duration_us) OVER whole AS next_duration_us,
    if(next_kind = 'page_leave' AND (next_page IS NULL OR next_page = page), next_duration_us, NULL) AS left_us
FROM (SELECT application_id, mini_program_id, session_id, visitor_id, toString(kind) AS kind, page, seq, key,
        coalesce(os, '') AS os, toUnixTimestamp64Micro(at) AS at_us, duration_ms * 1000 AS duration_us
    FROM file('{events}', Parquet))
WINDOW s AS (PARTITION BY application_id, mini_program_id, session_id ORDER BY at_us, seq, key
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
    whole AS (PARTITION BY application_id, mini_program_id, session_id ORDER BY at_us, seq, key
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
"""

PARTS = """
CREATE TABLE parts ENGINE = Memory AS
SELECT t, application_id, mini_program_id, os, page, 0 AS opens, 1 AS page_views, 0 AS shares,
    coalesce(duration_us, left_us, if(next_us IS NULL, NULL, least(assumeNotNull(next_us) - at_us, 1800000000)), 0)
        AS stay_us, toInt64(0) AS session_us, 0 AS entries, 0 AS exits, true AS is_paged
    FROM told WHERE kind = 'page_view'
UNION ALL SELECT t, application_id, mini_program_id, os, page, 0, 0, 1, 0, 0, 0, 0, page IS NOT NULL
    FROM told WHERE kind = 'share'
UNION ALL SELECT start_t, application_id, mini_program_id, start_os, page, 0, 0, 0, 0, 0, 1, 0, true
    FROM told WHERE kind = 'page_view' AND views_so_far = 1
UNION ALL SELECT start_t, application_id, mini_program_id, start_os, page, 0, 0, 0, 0, 0, 0, 1, true
    FROM told WHERE kind = 'page_view' AND views_so_far = session_views
UNION ALL SELECT start_t, application_id, mini_program_id, start_os, NULL, greatest(session_opens, 1), 0, 0, 0,
    at_us + coalesce(duration_us, 0) - start_us, 0, 0, false
    FROM told WHERE place = places
"""

COUNTS = """
SELECT t, application_id, mini_program_id, os, toInt64(sum(opens)) AS opens, toInt64(sum(page_views)) AS page_views,
    toInt64(sum(shares)) AS shares, toInt64(sum(stay_us)) AS stay_us, toInt64(sum(session_us)) AS session_us,
    toInt64(sum(entries)) AS entries, toInt64(sum(exits)) AS exits
FROM parts GROUP BY t, application_id, mini_program_id, os
"""

PAGES = """
SELECT t, application_id, mini_program_id, os, page, toInt64(sum(page_views)) AS page_views,
    toInt64(sum(stay_us)) AS stay_us, toInt64(sum(entries)) AS entries, toInt64(sum(exits)) AS exits,
    toInt64(sum(shares)) AS shares
FROM parts WHERE is_paged GROUP BY t, application_id, mini_program_id, os, page
"""

PRESENCE = """
CREATE TABLE presence ENGINE = Memory AS
SELECT DISTINCT t, application_id, mini_program_id, os, page, visitor_id FROM (
    SELECT t, application_id, mini_program_id, os, page, visitor_id FROM told WHERE kind = 'page_view'
    UNION ALL SELECT t, application_id, mini_program_id, os, NULL, visitor_id
        FROM told WHERE place = 1 AND kind != 'page_view')
"""


def session(into: Path, threads: int) -> Any:
    """A database of its own in a folder."""
    opened = importlib.import_module("chdb.session").Session(str(into / "chdb"))
    opened.query(f"SET max_threads = {threads}")
    return opened


def rebuild(events: str, into: Path, threads: int) -> None:
    """Count the events (a glob of Parquet files) into counts, pages, presence and recency files in a folder."""
    into.mkdir(parents=True, exist_ok=True)
    database = session(into, threads)
    database.query("CREATE DATABASE bench ENGINE = Atomic")
    database.query("USE bench")
    database.query(TOLD.format(events=events))
    database.query(PARTS)
    _write(database, COUNTS, into / "counts.parquet")
    _write(database, PAGES, into / "pages.parquet")
    database.query("DROP TABLE parts SYNC")
    database.query(PRESENCE)
    database.query("DROP TABLE told SYNC")
    _write(database, "SELECT * FROM presence", into / "presence.parquet")
    for scope in (*SCOPES, *PAGE_SCOPES):
        _write(database, _chains(scope.by), into / f"recency-{scope.number}.parquet")
    database.close()


def _chains(by: Sequence[str]) -> str:
    columns = "".join(f"{name}, " for name in by)
    paged = "WHERE page IS NOT NULL" if "page" in by else ""
    return f"""
        SELECT {columns} t, p, toInt64(count()) AS n FROM (
            SELECT {columns} t, lagInFrame(t, 1, 0) OVER (PARTITION BY {columns} visitor_id ORDER BY t
                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS p
            FROM (SELECT DISTINCT {columns} visitor_id, t FROM presence {paged}))
        GROUP BY {columns} t, p
    """


def _write(database: Any, query: str, file: Path) -> None:
    file.unlink(missing_ok=True)
    database.query(
        f"{query} INTO OUTFILE '{file}' FORMAT Parquet SETTINGS output_format_parquet_compression_method='zstd'"
    )
