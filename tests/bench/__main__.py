"""`make bench`: synthetic events, each measurement in a process of its own, and a table of what came out."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from lib.settings import PROJECT_DIR
from tests.bench.events import Size
from tests.bench.measures import MEASURES, encoded
from tests.bench.users import Figures

TIMEOUT_SECONDS = 7_200


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


def taken(kept: Path, folder: Path, size: Size) -> Figures:
    """The events of an earlier run, made now where there was none. Raises SystemExit where they are of another size."""
    told = kept / "size.json"
    if not told.exists():
        kept.mkdir(parents=True, exist_ok=True)
        made = measured("made", kept, size)
        told.write_text(json.dumps({"size": encoded(size), "made": made}))
    of_before = json.loads(told.read_text())
    if of_before["size"] != encoded(size):
        raise SystemExit(f"The events in {kept} are not of this size: {of_before['size']}")
    # A file of the lake is never written again, so a run may have it by another name; the database is its own.
    shutil.copytree(kept / "lake", folder / "lake", copy_function=os.link)
    shutil.copytree(kept, folder, ignore=lambda *_: {"lake", told.name}, dirs_exist_ok=True)
    figures: Figures = of_before["made"]
    return figures


Row = tuple[str, ...]
HEADING = (
    "measured",
    "Daybook",
    "DuckDB, in the files' order",
    "DuckDB",
    "chdb",
    "Polars",
    "times better than the best",
)

COUNTING = tuple(name for name in MEASURES if name != "collector")


def table(found: dict[str, Figures]) -> Iterator[Row]:
    """What was measured, Daybook's figure, the others', and how many times better than the best Daybook's is."""
    events, ours = found["made"]["events"], found["daybook_rebuild"]
    others = [found[name] for name in ("duckdb_ordered_rebuild", "duckdb_rebuild", "chdb_rebuild")]
    for name, key, unit in (
        ("wall time", "seconds", "s"),
        ("CPU time", "cpu_seconds", "s"),
        ("peak memory", "peak_mb", "MB"),
    ):
        cells = [f"{each[key]:,.1f} {unit}" for each in (ours, *others)]
        yield f"rebuild: {name}", *cells, "", _ratio(min(each[key] for each in others), ours[key])
    yield from _users(found)
    half = found["half_hour"]
    yield _own(f"one new half hour ({half['events']:,} events): into the inbox", f"{half['intake_seconds']:.2f} s")
    share = half["refresh_seconds"] / ours["seconds"]
    yield _own("one new half hour: refresh", f"{half['refresh_seconds']:.2f} s, {share:.1%} of a rebuild")
    yield _own("one new half hour: CPU, both", f"{half['work_cpu_seconds']:.2f} s")
    yield _own("one new half hour: peak memory", f"{half['peak_mb']:,.0f} MB")
    for key, name in (("overview_alone", "global overview"), ("dashboard_alone", "data dashboard")):
        each = found[key]
        told = f"p95 {each['p95_ms']:,.0f} ms, first after start {each['first_ms']:,.0f} ms"
        yield _own(f"{name}, 30 days: queries", told)
    yield _own("tables kept in memory", f"{found['overview_alone']['tables_mb']:,.0f} MB")
    yield _own(
        "raw events", f"{ours['raw_bytes'] / events:.1f} B each, and {ours['seen_bytes'] / events:.1f} of seen ids"
    )
    yield _own("tables", f"{ours['table_bytes'] / ours['raw_bytes']:.0%} of the raw events")
    yield from _dashboards(found["dashboards"])
    if "collector" in found:
        yield from _collector(found["collector"])


def _own(name: str, told: str) -> Row:
    return name, told, "", "", "", "", ""


def _dashboards(found: Figures) -> Iterator[Row]:
    for days in (30, 90):
        for key, name in (
            ("overview", "global overview"),
            ("dashboard", "data dashboard, basic data"),
            ("one_application", "data dashboard, one application"),
            ("pages", "data dashboard, page access"),
            ("os", "data dashboard, one operating system"),
        ):
            each = found[f"{key}_{days}"]
            yield _own(f"{name}, {days} days: queries", f"{each['ms']:,.0f} ms (first {each['first_ms']:,.0f})")


def _collector(found: Figures) -> Iterator[Row]:
    for key, name in (("alone", "alone"), ("beside", "beside the console")):
        taken = found[key]
        told = f"{taken['events_per_second']:,.0f} events/s (p95 of a batch {taken['p95_ms']:,.0f} ms)"
        yield _own(f"collector {name}, batches of 100, durable", told)


def _users(found: dict[str, Figures]) -> Iterator[Row]:
    engines = ("daybook", "duckdb", "chdb", "polars")
    for key, of in (("everything", "all"), ("one", "one mini program"), ("each", "top 50 mini programs, each")):
        answers = [found[f"{engine}_users"][key] for engine in engines]
        if any(each["answer"] != answers[0]["answer"] for each in answers):
            raise SystemExit(f"The users of {of} differ")
        ours, *others = (each["ms"] for each in answers)
        cells = [f"{each:,.1f} ms" for each in others]
        yield f"exact users of all days: {of}", f"{ours:,.1f} ms", "", *cells, _ratio(min(others), ours)


def _ratio(more: float, less: float) -> str:
    return f"{more / less:,.2f}"


def written(rows: list[Row]) -> str:
    """The rows as a table in Markdown."""
    widths = [max(len(row[n]) for row in (HEADING, *rows)) for n in range(len(HEADING))]
    lines = [HEADING, tuple("-" * width for width in widths), *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in lines
    )


def number(text: str) -> int:
    """10m is ten million."""
    return int(text[:-1]) * 1_000_000 if text.endswith("m") else int(text)


def main() -> None:
    """Measure, and print the table on standard output."""
    asked = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    for field in fields(Size):
        asked.add_argument(f"--{field.name.replace('_', '-')}", type=number, default=field.default)
    asked.add_argument("--only", choices=["usage"], help="only the counting of usage")
    asked.add_argument("--folder", help="where to work; about 3 GB for ten million events, removed afterwards")
    asked.add_argument("--events-in", type=Path, help="a folder for the events, made once and used by later runs")
    given = vars(asked.parse_args())
    names = COUNTING if given.pop("only") else tuple(MEASURES)
    with tempfile.TemporaryDirectory(prefix="daybook-bench-", dir=given.pop("folder")) as name:
        kept, folder, found = given.pop("events_in"), Path(name), {}
        size = Size(**given)
        print(f"{size} on {os.cpu_count()} cores, Python {platform.python_version()}", file=sys.stderr)
        if kept is not None:
            found["made"] = taken(kept, folder, size)
        found |= {name: measured(name, folder, size) for name in names if name not in found}
    agreed = found["rebuilds_agree"]
    print(f"{found['made']['events']:,} events. All rebuilds gave the same tables, and the refresh those of a rebuild:")
    print(f"{agreed['presence_rows']:,} rows of presence, {agreed['recency_rows']:,} of recency, and all counts.\n")
    print(written(list(table(found))))


if __name__ == "__main__":
    main()
