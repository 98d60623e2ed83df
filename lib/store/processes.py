"""Which process did something, and whether it still lives: a number alone is soon somebody else's."""

from __future__ import annotations

import os
import socket
from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A process: `place` is where its `number` means something, `started` tells it from a later one of the number."""

    host: str
    place: str
    number: str
    started: str

    def __str__(self) -> str:
        """What the database keeps."""
        return " ".join(part or "-" for part in astuple(self))

    @classmethod
    def read(cls, text: str) -> Process:
        """The process that the database names; one that says nothing is nowhere."""
        return cls(*(text.split() + ["-"] * 4)[:4])

    @property
    def is_here(self) -> bool:
        """Whether it ran in this place, so that its end would be seen."""
        return self.place == this_place()

    @property
    def has_ended(self) -> bool:
        """Whether it ran here and no longer does; what runs elsewhere cannot be seen, and counts as living."""
        return self.is_here and _started(self.number) != self.started


def this_process() -> Process:
    """The process that asks."""
    number = str(os.getpid())
    return Process(socket.gethostname() or "-", this_place(), number, _started(number))


@cache
def this_place() -> str:
    """The running system and, in it, the space in which processes are numbered (a container has its own)."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip() + os.readlink("/proc/self/ns/pid")
    except OSError:
        return socket.gethostname() or "-"


def _started(number: str) -> str:
    """When the process of a number started, in ticks of its system; "-" where there is none or it has ended."""
    try:
        # The name, in brackets, may hold anything; the state is the first field after it, the start the twentieth.
        fields = Path(f"/proc/{int(number)}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, ValueError, IndexError):
        return "-"
    return "-" if fields[0] in "ZX" else fields[19]
