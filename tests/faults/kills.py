"""Kill -9 at random moments, again and again, and afterwards: acknowledged equals counted, once."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import polars as pl

from lib.jobs.refresh import refresh
from lib.settings import PROJECT_DIR
from lib.usage.lake import Lake
from tests.faults.sending import Sender
from tests.lib.collecting import new_key
from tests.lib.companies import make_companies
from tests.site import Site

SENDERS = 4
OWN_NUMBERS = 1_000_000


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


def _round(site: Site, senders: list[Sender], chance: random.Random, *, refreshing: bool) -> None:
    over = threading.Event()
    threads = [threading.Thread(target=sender.send_until, args=(over,)) for sender in senders]
    for thread in threads:
        thread.start()
    command = [sys.executable, "-m", "lib.cli", "refresh"]
    environment = {"DAYBOOK_HOME": str(site.home), "PATH": ""}
    beside = subprocess.Popen(command, cwd=PROJECT_DIR, env=environment) if refreshing else None
    time.sleep(chance.uniform(0.02, 2.5 if refreshing else 0.4))
    site.kill()
    if beside is not None:
        beside.kill()
        beside.wait()
    over.set()
    for thread in threads:
        thread.join()


def _counted(site: Site) -> list[str]:
    lake = Lake(site.settings.lake)
    days = lake.manifest().tenants[1].days.values()
    files = [lake.path(name) for day in days for name in day.events or ()]
    return pl.concat(pl.read_parquet(file, columns=["event_id"]) for file in files)["event_id"].to_list()
