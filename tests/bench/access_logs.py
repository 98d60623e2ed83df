"""Access logs at size: `python -m tests.bench.access_logs --lines 1m 5m`; GoAccess reads the same files beside.

The lines are a day of a busy site each million: Zipf over paths, addresses and user agents, an own query on each fifth,
a few with escaped quotes, and one in ten thousand cut off. Each import is a process of its own into a new home, from
its start to its end, and GoAccess counts the same file into a report: its processes and ours take turns. GoAccess has
to be installed: `apt-get install goaccess`.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

from lib.settings import PROJECT_DIR

ROUNDS = 3

_BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.{}.{} Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_{} like Mac OS X) AppleWebKit/605.1.{} (KHTML, like Gecko) Mobile/15E{} "
    "MicroMessenger/8.0.47 NetType/WIFI Language/zh_CN",
    "Mozilla/5.0 (Linux; Android {}; V2309A Build/UP1A.{}) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
    "Chrome/116.0.0.{} Mobile Safari/537.36",
    "Mozilla/5.0 (compatible; SomeBot/{}.{}; +https://bot.example/{})",
)
_SECTIONS = ("goods", "order", "cart", "static/js", "static/css", "image/productModel", "api/v2/search", "help/faq")
_ENDINGS = ("", "", "/", ".html", ".js", ".png", "/%E5%95%86%E5%93%81")
_STATUSES = ("200",) * 90 + ("304",) * 5 + ("404",) * 3 + ("301", "500")


def _zipf(kinds: int) -> list[float]:
    return list(accumulate(1 / rank for rank in range(1, kinds + 1)))


def lines_of(count: int) -> Iterator[str]:
    """So many lines of Combined Log Format, the same in every run."""
    drawn = random.Random(11)
    agents = [drawn.choice(_BROWSERS).format(*(drawn.randint(1, 999) for _ in range(3))) for _ in range(400)]
    paths = [f"/{drawn.choice(_SECTIONS)}/{drawn.randint(1, 10**6)}{drawn.choice(_ENDINGS)}" for _ in range(20_000)]
    hosts = [".".join(str(drawn.randint(1, 254)) for _ in range(4)) for _ in range(60_000)]
    referrers = ["-", "-", *(f"https://www.shop.example{path}" for path in paths[:2_000])]
    kinds = [(each, _zipf(len(each))) for each in (hosts, paths, agents, referrers)]
    at = datetime(2026, 3, 1, tzinfo=UTC)
    for block in range(0, count, 10_000):
        size = min(10_000, count - block)
        columns = [drawn.choices(each, cum_weights=weights, k=size) for each, weights in kinds]
        for place, (host, path, agent, referrer) in enumerate(zip(*columns, strict=True)):
            at += timedelta(microseconds=drawn.randint(0, 172_800))
            query = f"?id={drawn.randint(1, 10**7)}" if place % 5 == 0 else ""
            shown = f'a \\"quoted\\" {agent}' if place % 1_000 == 1 else agent
            line = (
                f"{host} - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "
                f'"GET {path}{query} HTTP/1.1" {drawn.choice(_STATUSES)} {drawn.randint(200, 90_000)} '
                f'"{referrer}" "{shown}"'
            )
            yield line[:100] if place == 7_777 else line


def made(place: Path, count: int) -> None:
    """A file of so many lines."""
    with place.open("w") as to:
        to.writelines(f"{line}\n" for line in lines_of(count))


@dataclass(frozen=True)
class Run:
    """What one process took: seconds by the clock, seconds of processors, and its most memory."""

    seconds: float
    cpu_seconds: float
    peak_mb: float


def run_of(command: Sequence[str], home: Path) -> Run:
    """Run a command to its end."""
    begun = time.perf_counter()
    environment = {**os.environ, "DAYBOOK_HOME": str(home)}
    process = subprocess.Popen(
        command, cwd=PROJECT_DIR, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - begun
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Run(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def daybook(*arguments: str) -> list[str]:
    """A command of Daybook."""
    return [sys.executable, "-m", "lib.cli", *arguments]


def prepared(home: Path) -> None:
    """A new home with a tenant in it."""
    for arguments in (["init"], ["tenant", "add", "acme", "--name", "Acme"]):
        run_of(daybook(*arguments), home)


def imported(file: Path, folder: Path, *arguments: str) -> Run:
    """One import into a home that has nothing yet."""
    home = folder / "home"
    prepared(home)
    try:
        return run_of(daybook("import", *arguments, str(file), "--tenant", "acme"), home)
    finally:
        shutil.rmtree(home)


def by_goaccess(file: Path, folder: Path) -> Run:
    """GoAccess' report of the same file."""
    report = folder / "report.json"
    return run_of(["goaccess", str(file), "--log-format=COMBINED", "--no-progress", "-o", str(report)], folder)


def best(measure: Callable[[], Run], before: Run | None) -> Run:
    """The quicker one of a new run and the best before."""
    run = measure()
    return run if before is None or run.seconds < before.seconds else before


def measured(count: int, folder: Path) -> Iterator[tuple[str, Run]]:
    """Each kind of import of a file of so many lines, and GoAccess; they take turns, and the best of each is told."""
    file = folder / "access.log"
    made(file, count)
    whose = ("--application", "web", "--mini-program", "shop")
    kinds: dict[str, Callable[[], Run]] = {
        "goaccess": lambda: by_goaccess(file, folder),
        "import visits": lambda: imported(file, folder, "visits"),
        "import usage": lambda: imported(file, folder, "usage", "--format", "combined", *whose),
    }
    found: dict[str, Run] = {}
    for _ in range(ROUNDS):
        for name, measure in kinds.items():
            found[name] = best(measure, found.get(name))
    file.unlink()
    yield from found.items()


def number(text: str) -> int:
    """5m is five million."""
    return int(text[:-1]) * 1_000_000 if text.endswith("m") else int(text)


def main() -> None:
    """Make the files, measure, and print the figures."""
    asked = argparse.ArgumentParser(prog="python -m tests.bench.access_logs", description=__doc__)
    asked.add_argument("--lines", nargs="+", type=number, default=[1_000_000, 5_000_000])
    asked.add_argument("--folder", help="where to work; a quarter of a GB a million lines, removed afterwards")
    given = asked.parse_args()
    if shutil.which("goaccess") is None:
        raise SystemExit("There is no GoAccess here: apt-get install goaccess.")
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, best of {ROUNDS}", file=sys.stderr)
    print("| access log | lines | seconds | lines/s | CPU s | peak memory | lines/s / GoAccess' |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for count in given.lines:
        with tempfile.TemporaryDirectory(prefix="daybook-access-", dir=given.folder) as folder:
            runs = dict(measured(count, Path(folder)))
        theirs = runs["goaccess"].seconds
        for name, run in runs.items():
            told = f"{run.seconds:.2f} | {count / run.seconds:,.0f} | {run.cpu_seconds:.2f} | {run.peak_mb:,.0f} MB"
            print(f"| {name} | {count:,} | {told} | {theirs / run.seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
