"""Server logs at size: `python -m tests.bench.server_logs --gigabytes 2`; ripgrep searches the same file beside.

The file is made of lines of a service with sixteen threads, as Java writes them; the text that is looked for stands
near its beginning, so that a search from the end reads all of it. ripgrep has to be installed: `apt-get install
ripgrep`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

from lib.logs.files import archives
from lib.logs.files.folder import listing
from lib.logs.files.search import Asked, newest
from lib.logs.files.types import TYPE_BY_KEY, Level
from lib.settings import PROJECT_DIR

NEEDLE = "NEEDLE-7f3a in the haystack"
ROUNDS = 5

_WORDS = ("request", "user", "order", "payment", "shipped", "connection", "pool", "retry", "cache", "微信", "订单")
_LEVELS = (("INFO", 800), ("DEBUG", 150), ("WARN", 49), ("ERROR", 1))

Figures = dict[str, float]


def block_of(lines: int) -> bytes:
    """So many lines."""
    drawn, began = random.Random(3), datetime(2026, 11, 1, tzinfo=UTC)
    names, weights = zip(*_LEVELS, strict=True)
    told = []
    for number, level in enumerate(drawn.choices(names, weights, k=lines)):
        at = f"{began + timedelta(milliseconds=37 * number):%Y-%m-%d %H:%M:%S},{number % 1000:03}"
        words = " ".join(drawn.choices(_WORDS, k=drawn.randint(5, 18)))
        told.append(f"{at} [worker-{number % 16}] {level:5} com.acme.{drawn.choice(_WORDS)} - {words} id={number}\n")
    return "".join(told).encode()


def made(folder: Path, gigabytes: float) -> None:
    """The large file, and an archive of 100 MB of it."""
    block = block_of(200_000)
    with (folder / "application.log").open("wb") as to:
        to.write(block[:200].rpartition(b"\n")[0] + f"\n2026-11-01 00:00:00,000 [t] INFO  a - {NEEDLE}\n".encode())
        while to.tell() < gigabytes * 1e9:
            to.write(block)
    raw = block * (100_000_000 // len(block) + 1)
    with (folder / "crm_data.2026-11-01.1.log.gz").open("wb") as to:
        archives.write(BytesIO(raw[:100_000_000]).read, 100_000_000, to)


def searched(folder: Path, asked: Asked) -> float:
    """Seconds of a search through all of the large file."""
    begun = time.perf_counter()
    page = newest(folder, listing(folder, TYPE_BY_KEY["application"]), asked, seconds=600)
    assert page.older is None
    return time.perf_counter() - begun


def by_ripgrep(folder: Path, *options: str) -> float:
    """Seconds of ripgrep for the same."""
    command = ["rg", "--no-config", "--fixed-strings", *options, NEEDLE, str(folder / "application.log")]
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def tail_ms(folder: Path, key: str) -> float:
    """Milliseconds for the last 1,000 lines of a type."""
    begun = time.perf_counter()
    assert len(newest(folder, listing(folder, TYPE_BY_KEY[key]), Asked(), limit=1_000).found) == 1_000
    return (time.perf_counter() - begun) * 1000


def measured(folder: Path) -> Figures:
    """What a process of its own that only reads found; the two take turns, so both meet the same machine."""
    literal, insensitive = Asked(keyword=NEEDLE, match_case=True), Asked(keyword=NEEDLE)
    rare = Asked(keyword=NEEDLE, levels=frozenset({Level.ERROR}))
    pairs = [(searched(folder, literal), by_ripgrep(folder)) for _ in range(ROUNDS)]
    return {
        "search": _best(lambda: min(ours for ours, _ in pairs), 1),
        "ripgrep": min(theirs for _, theirs in pairs),
        "ratio": statistics.median(theirs / ours for ours, theirs in pairs),
        "search_any_case": _best(lambda: searched(folder, insensitive)),
        "ripgrep_any_case": _best(lambda: by_ripgrep(folder, "--ignore-case")),
        "search_errors": _best(lambda: searched(folder, rare)),
        "tail_ms": _best(lambda: tail_ms(folder, "application"), 20),
        "archive_tail_ms": _best(lambda: tail_ms(folder, "crm_data"), 20),
        "peak_mb": _peak_mb(),
    }


def _peak_mb() -> float:
    """The most memory that this process had; what getrusage says begins with that of the process that started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _best(measure: Callable[[], float], rounds: int = 3) -> float:
    return min(measure() for _ in range(rounds))


def main() -> None:
    """Make the files, measure in a process of its own, and print the figures."""
    asked = argparse.ArgumentParser(prog="python -m tests.bench.server_logs", description=__doc__)
    asked.add_argument("--gigabytes", type=float, default=2.0)
    asked.add_argument("--folder", help="where to work; as many gigabytes, removed afterwards")
    given = asked.parse_args()
    if shutil.which("rg") is None:
        raise SystemExit("There is no ripgrep here: apt-get install ripgrep.")
    with tempfile.TemporaryDirectory(prefix="daybook-logs-", dir=given.folder) as folder:
        print(f"{given.gigabytes:g} GB on {os.cpu_count()} cores, Python {platform.python_version()}", file=sys.stderr)
        made(Path(folder), given.gigabytes)
        command = [sys.executable, "-c", f"from tests.bench import server_logs as s; s.told({folder!r})"]
        found: Figures = json.loads(subprocess.run(command, cwd=PROJECT_DIR, check=True, capture_output=True).stdout)
    print("| measured | Daybook | ripgrep | ripgrep's time / Daybook's |\n| --- | --- | --- | --- |")
    for name, key in (("a literal", ""), ("in any case", "_any_case")):
        ours, theirs = found[f"search{key}"], found[f"ripgrep{key}"]
        ratio = found["ratio"] if not key else theirs / ours
        print(f"| search of all, {name} | {ours:.2f} s | {theirs:.2f} s | {ratio:.2f} |")
    print(f"| search of all, errors with a keyword | {found['search_errors']:.2f} s | | |")
    print(f"| last 1,000 lines | {found['tail_ms']:.1f} ms | | |")
    print(f"| last 1,000 lines of an archive of 100 MB | {found['archive_tail_ms']:.1f} ms | | |")
    print(f"| peak memory of all this | {found['peak_mb']:.0f} MB | | |")


def told(folder: str) -> None:
    """Print the figures for the process that asked."""
    print(json.dumps(measured(Path(folder))))


if __name__ == "__main__":
    main()
