"""Which processes have a file open, as far as Linux tells."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_PROCESSES = Path("/proc")


@dataclass(frozen=True)
class Holders:
    """Processes that have a file open, by id; `is_complete` says whether every process could be looked at."""

    pids: tuple[int, ...]
    is_complete: bool


def holders_of(inode: tuple[int, int]) -> Holders:
    """Who has the file of this device and number open now."""
    found, hidden = [], 0
    try:
        pids = [int(name) for name in os.listdir(_PROCESSES) if name.isdecimal()]
    except OSError:
        return Holders((), is_complete=False)
    for pid in pids:
        try:
            if any(_is(f"{_PROCESSES}/{pid}/fd/{number}", inode) for number in os.listdir(f"{_PROCESSES}/{pid}/fd")):
                found.append(pid)
        except PermissionError:
            hidden += 1
        except OSError:  # it ended
            continue
    return Holders(tuple(found), is_complete=hidden == 0)


def _is(link: str, inode: tuple[int, int]) -> bool:
    try:
        there = os.stat(link)
    except OSError:
        return False
    return (there.st_dev, there.st_ino) == inode
