"""`make bench`: synthetic events, each measurement in a process of its own, and a table of what came out."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from lib.settings import PROJECT_DIR
from tests.bench.events import Size
from tests.bench.measures import MEASURES, Figures, encoded

TIMEOUT_SECONDS = 900


def measured(name: str, folder: Path, size: Size) -> Figures:
    """The figures of one measure. Raises SystemExit with what it said, when it fails."""
    print(f"  {name} ...", end="", flush=True, file=sys.stderr)
    ran = subprocess.run(
        [sys.executable, "-m", "tests.bench.measures", name, str(folder), encoded(size)],
        cwd=PROJECT_DIR,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
    )
    if ran.returncode:
        raise SystemExit(f"{name} failed")
    figures: Figures = json.loads(ran.stdout)
    print(f" {figures['seconds']:.1f} s", file=sys.stderr)
    return figures


Row = tuple[str, str, str, str]


def table(found: dict[str, Figures]) -> Iterator[Row]:
    """What was measured, Daybook's figure, DuckDB's, and how many times better Daybook's is."""
    events = found["made"]["events"]
    ours, theirs = found["daybook_rebuild"], found["duckdb_rebuild"]
    per_second = [events / each["cpu_seconds"] for each in (ours, theirs)]
    yield (
        "rebuild: rows per CPU second",
        f"{per_second[0]:,.0f}",
        f"{per_second[1]:,.0f}",
        _ratio(per_second[0], per_second[1]),
    )
    for name, key, unit in (("wall time", "seconds", "s"), ("peak memory", "peak_mb", "MB")):
        yield (
            f"rebuild: {name}",
            f"{ours[key]:,.1f} {unit}",
            f"{theirs[key]:,.1f} {unit}",
            _ratio(theirs[key], ours[key]),
        )
    yield from _users(found["daybook_users"], found["duckdb_users"])
    half = found["half_hour"]
    yield (
        f"one new half hour ({half['events']:,} events): into the inbox",
        f"{half['intake_seconds']:.2f} s",
        "",
        "",
    )
    yield "one new half hour: refresh", f"{half['refresh_seconds']:.2f} s", "", ""
    yield "one new half hour: CPU, both", f"{half['work_cpu_seconds']:.2f} s", "", ""
    yield "one new half hour: peak memory", f"{half['peak_mb']:,.0f} MB", "", ""
    for key, name in (("alone", "alone"), ("beside", "beside the console")):
        taken = found["collector"][key]
        told = f"{taken['events_per_second']:,.0f} events/s (p95 of a batch {taken['p95_ms']:,.0f} ms)"
        yield f"collector {name}, batches of 100, durable", told, "", ""
    for days in (30, 90):
        for key, name in (
            ("overview", "global overview"),
            ("dashboard", "data dashboard, basic data"),
            ("one_application", "data dashboard, one application"),
            ("pages", "data dashboard, page access"),
            ("os", "data dashboard, one operating system"),
        ):
            each = found["dashboards"][f"{key}_{days}"]
            yield (
                f"{name}, {days} days: queries",
                f"{each['ms']:,.0f} ms (first {each['first_ms']:,.0f})",
                "",
                "",
            )


def _users(ours: Figures, theirs: Figures) -> Iterator[Row]:
    for key, of in (("tenant", "tenant"), ("mini_program", "one mini program")):
        for source, name in (("", "Parquet"), ("_in_memory", "memory")):
            other = theirs[key + source]
            if other["answer"] != ours[key]["answer"]:
                raise SystemExit(f"The users of {of} differ: {ours[key]['answer']:,} and {other['answer']:,}")
            yield (
                f"exact users of all days, {of} ({ours[key]['answer']:,}); DuckDB from {name}",
                f"{ours[key]['ms']:,.1f} ms",
                f"{other['ms']:,.1f} ms",
                _ratio(other["ms"], ours[key]["ms"]),
            )


def _ratio(more: float, less: float) -> str:
    return f"{more / less:,.2f}"


def written(rows: list[Row]) -> str:
    """The rows as a table in Markdown."""
    heading = ("measured", "Daybook", "DuckDB", "times better")
    widths = [max(len(row[n]) for row in (heading, *rows)) for n in range(4)]
    lines = [heading, tuple("-" * width for width in widths), *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in lines
    )


def main() -> None:
    """Measure, and print the table on standard output."""
    asked = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    for field in fields(Size):
        asked.add_argument(f"--{field.name.replace('_', '-')}", type=int, default=field.default)
    asked.add_argument("--folder", help="where to work; about 1.5 GB for ten million events, removed afterwards")
    given = vars(asked.parse_args())
    with tempfile.TemporaryDirectory(prefix="daybook-bench-", dir=given.pop("folder")) as folder:
        size = Size(**given)
        print(f"{size} on {os.cpu_count()} cores, Python {platform.python_version()}", file=sys.stderr)
        found = {name: measured(name, Path(folder), size) for name in MEASURES}
    made, agreed = found["made"], found["rebuilds_agree"]
    print(
        f"{made['events']:,} events, {made['bytes_per_event']} bytes each on disk. Both rebuilds gave the same tables:"
    )
    print(f"{agreed['presence_rows']:,} rows of presence, {agreed['recency_rows']:,} of recency, and all counts.\n")
    print(written(list(table(found))))


if __name__ == "__main__":
    main()
