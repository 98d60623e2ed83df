"""Kill -9 at random moments, again and again, and afterwards: acknowledged equals counted, once."""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import polars as pl

from lib.jobs.refresh import refresh
from lib.settings import PROJECT_DIR
from lib.usage.lake import Lake
from tests.faults.sending import SINCE, Sender
from tests.lib.collecting import new_key
from tests.lib.companies import make_companies
from tests.site import Site

SENDERS = 4
OWN_NUMBERS = 1_000_000
FILE_LINES = 60_000

_IMPORT = (
    *("import", "usage", "--tenant", "acme", "--format", "csv"),
    *("--application", "web", "--mini-program", "shop"),
)


class Collecting(Site):
    """A collector alone, run as any ASGI server runs it: half the time that the command needs to start."""

    def command(self) -> list[str]:
        """Without the command's own beginning."""
        where = ("--host", "127.0.0.1", "--port", str(self.port), "--log-level", "warning")
        return [sys.executable, "-m", "uvicorn", "--factory", "lib.collect.routes:app", *where]


def kill_again_and_again(folder: Path, rounds: int, *, refreshing: bool, seed: int) -> tuple[int, int]:
    """Collect in so many rounds, each ended by a kill; how many events were acknowledged, and how many are counted.

    With `refreshing` a refresh runs beside and is killed too. Raises AssertionError where an event was lost or doubled.
    """
    chance = random.Random(seed)
    site = Collecting(folder)
    make_companies(site.store)
    key = new_key(site.store)
    site.start()
    senders = [Sender(site.port, key, number * OWN_NUMBERS) for number in range(SENDERS)]
    for round_ in range(rounds):
        if round_:
            site.start()
        _round(site, senders, chance, refreshing=refreshing)
    site.start()
    for sender in senders:
        sender.finish()
    site.stop()
    refresh(site.settings, site.store)
    acknowledged = sorted(f"e{number}" for sender in senders for number in sender.acknowledged)
    counted = sorted(_counted(site))
    assert counted == acknowledged
    return len(acknowledged), len(counted)


def import_again_and_again(folder: Path, rounds: int, *, seed: int) -> tuple[int, int]:
    """Import a file of lines without ids in each of so many rounds, and every other time refresh beside; all are
    killed. Then import all files once more: how many lines that took in, and how many were there since before. Raises
    AssertionError where a line was lost or doubled.
    """
    chance = random.Random(seed)
    site = Site(folder)
    make_companies(site.store)
    files = [_written(folder / f"{number}.csv", number) for number in range(rounds)]
    for number, file in enumerate(files):
        beside = [("refresh",)] if number % 2 else []
        running = [_running(site, *words) for words in ((*_IMPORT, str(file)), *beside)]
        while running[0].poll() is None and not _has_opened(running[0], file):
            time.sleep(0.005)
        time.sleep(chance.uniform(0.0, 1.0))
        for each in running:
            each.kill()
            each.communicate()
    said, _ = _running(site, *_IMPORT, *map(str, files)).communicate()
    accepted, repeated = (int(said.split(word)[1].split(b",")[0]) for word in (b"accepted ", b"repeated "))
    refresh(site.settings, site.store)
    visitors = sorted(_counted(site, "visitor"))
    assert visitors == sorted(f"v{number}-{line}" for number in range(rounds) for line in range(FILE_LINES))
    return accepted, repeated


def _written(file: Path, number: int) -> Path:
    lines = (f"{SINCE + timedelta(seconds=line)},v{number}-{line},home" for line in range(FILE_LINES))
    file.write_text("\n".join(["time,visitor,page", *lines]))
    return file


def _has_opened(process: subprocess.Popen[bytes], file: Path) -> bool:
    with contextlib.suppress(OSError):  # it has ended, or closed one just now
        return any(each.readlink() == file for each in Path(f"/proc/{process.pid}/fd").iterdir())
    return False


def _running(site: Site, *words: str) -> subprocess.Popen[bytes]:
    environment = {"DAYBOOK_HOME": str(site.home), "PATH": ""}
    command = [sys.executable, "-m", "lib.cli", *words]
    return subprocess.Popen(
        command, cwd=PROJECT_DIR, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


def _round(site: Site, senders: list[Sender], chance: random.Random, *, refreshing: bool) -> None:
    over = threading.Event()
    threads = [threading.Thread(target=sender.send_until, args=(over,)) for sender in senders]
    for thread in threads:
        thread.start()
    beside = _running(site, "refresh") if refreshing else None
    time.sleep(chance.uniform(0.02, 2.5 if refreshing else 0.4))
    site.kill()
    if beside is not None:
        beside.kill()
        beside.communicate()
    over.set()
    for thread in threads:
        thread.join()


def _counted(site: Site, column: str = "event_id") -> list[str]:
    lake = Lake(site.settings.lake)
    days = lake.manifest().tenants[1].days.values()
    files = [lake.path(name) for day in days for name in day.events or ()]
    return pl.concat(pl.read_parquet(file, columns=[column]) for file in files)[column].to_list()
