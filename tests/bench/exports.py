"""Exports at size: `python -m tests.bench.exports --rows 1000000`; each beside a named peer in the same run.

The rows are 14 columns of an operation log in two languages, made in memory, so that only the writing is measured;
each measure is a process of its own, whose peak of memory is told above what it needed before the first row. XlsxWriter
has to be installed for its figure: `pip install XlsxWriter`.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from lib.export.formats import CSV, CSV_GBK, XLSX, ExportFormat
from lib.export.writing import Writing
from lib.settings import PROJECT_DIR

AT_ONCE = 20_000
SLOW_PEER_ROWS = 100_000
"""XlsxWriter writes each row as fast as the last; more of them would only take longer."""

_WORDS = ("dashboard", "看板管理", "data_open", "张伟", "delete", "权限", "created", "=SUM(A1)")
_SINCE = datetime(2026, 5, 1, tzinfo=UTC)

Figures = dict[str, float]


def frames(rows: int) -> Iterator[pl.DataFrame]:
    """So many rows, a chunk at a time."""
    for first in range(0, rows, AT_ONCE):
        yield _frame(first, min(AT_ONCE, rows - first))


def _frame(first: int, count: int) -> pl.DataFrame:
    number = pl.int_range(first, first + count, eager=True)
    words = pl.Series(_WORDS)
    return pl.DataFrame(
        {
            "id": number * 4096 + 7_100_000_000_000_000_000,
            "at": _instants(number),
            **{f"word{place}": words[((number * (place + 3)) % len(_WORDS)).to_list()] for place in range(8)},
            "address": [f"10.{n % 255}.{n % 17}.{n % 199}" for n in number],
            "object": [f"数据看板 {n}" for n in number],
            "content": [f"将看板“经营分析”由 停用 改为 启用, see request {n}" for n in number],
            "count": number,
        }
    )


def _instants(number: pl.Series) -> pl.Series:
    return pl.Series([_SINCE + timedelta(milliseconds=n * 3001) for n in number]).dt.convert_time_zone("Asia/Shanghai")


def _ours(written_as: ExportFormat) -> Callable[[int, Path], float]:
    def write(rows: int, file: Path) -> float:
        headings = {name: name for name in _frame(0, 1).columns}
        made = list(frames(min(rows, AT_ONCE)))
        chunks = (made[0].head(min(AT_ONCE, rows - first)) for first in range(0, rows, AT_ONCE))
        started = time.perf_counter()
        with file.open("wb") as target:
            for part in Writing(chunks, headings, written_as):
                target.write(part)
        return time.perf_counter() - started

    return write


def _python_csv(rows: int, file: Path) -> float:
    made = next(frames(min(rows, AT_ONCE))).rows()
    started = time.perf_counter()
    with file.open("w", encoding="utf-8-sig", newline="") as target:
        writer = csv.writer(target)
        for first in range(0, rows, AT_ONCE):
            writer.writerows(made[: min(AT_ONCE, rows - first)])
    return time.perf_counter() - started


def _xlsxwriter(rows: int, file: Path) -> float:
    import xlsxwriter

    made = next(frames(min(rows, AT_ONCE))).with_columns(pl.col("at", "id").cast(pl.String)).rows()
    started = time.perf_counter()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(str(file), options) as book:
        sheet = book.add_worksheet()
        for row in range(rows):
            for column, value in enumerate(made[row % AT_ONCE]):
                sheet.write(row, column, value)
    return time.perf_counter() - started


MEASURES: dict[str, Callable[[int, Path], float]] = {
    "csv": _ours(CSV),
    "csv-gbk": _ours(CSV_GBK),
    "xlsx": _ours(XLSX),
    "Python's csv": _python_csv,
    "XlsxWriter": _xlsxwriter,
}


def measure(name: str, rows: int, folder: Path) -> Figures:
    """Rows a second, megabytes on top of what the process had, and the file's size; in this process."""
    warm = MEASURES[name]
    warm(100, folder / "warm")
    before = _peak_mb()
    file = folder / "file"
    seconds = warm(rows, file)
    return {"rows_per_second": rows / seconds, "more_mb": _peak_mb() - before, "file_mb": file.stat().st_size / 1e6}


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _apart(name: str, rows: int) -> Figures:
    with tempfile.TemporaryDirectory(prefix="daybook-bench-") as folder:
        command = [sys.executable, "-m", "tests.bench.exports", "--rows", str(rows), "--only", name, "--folder", folder]
        ran = subprocess.run(command, cwd=PROJECT_DIR, stdout=subprocess.PIPE, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"{name} failed")
    figures: Figures = json.loads(ran.stdout)
    print(f"  {name}: {figures['rows_per_second']:,.0f} rows/s", file=sys.stderr)
    return figures


def report(rows: int) -> None:
    """Print each figure beside its peer's as a table in Markdown."""
    found = {name: _apart(name, rows if name != "XlsxWriter" else min(rows, SLOW_PEER_ROWS)) for name in MEASURES}
    print("| measured | Daybook | peer | times | memory |")
    print("| --- | --- | --- | --- | --- |")
    for name, peer in (("csv", "Python's csv"), ("csv-gbk", "csv"), ("xlsx", "XlsxWriter")):
        ours, theirs = found[name]["rows_per_second"], found[peer]["rows_per_second"]
        memory = f"+{found[name]['more_mb']:,.0f} MB"
        print(f"| {name}, rows/s | {ours:,.0f} | {peer} {theirs:,.0f} | {ours / theirs:.2f} | {memory} |")


def main() -> None:
    """Measure one, or all of them each in a process of its own."""
    asked = argparse.ArgumentParser(prog="python -m tests.bench.exports", description=__doc__)
    asked.add_argument("--rows", type=int, default=1_000_000)
    asked.add_argument("--only", choices=list(MEASURES))
    asked.add_argument("--folder")
    given = asked.parse_args()
    if given.only:
        print(json.dumps(measure(given.only, given.rows, Path(given.folder or tempfile.gettempdir()))))
        return
    print(f"{given.rows:,} rows of 14 columns, {os.cpu_count()} cores, {platform.python_version()}", file=sys.stderr)
    report(given.rows)


if __name__ == "__main__":
    main()
