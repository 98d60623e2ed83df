"""Daybook's own visits (SPEC L3): who asked this server for what. They are written off the request's way.

A visit waits in memory for half a second, then stands in the inbox as imported ones do; a process that is killed takes
with it what waited. While the database cannot be written (a full disk), the newest ten thousand wait, and no request
hears of it.
"""

from __future__ import annotations

import itertools
import logging
import secrets
import threading
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

import polars as pl

from lib.errors import DaybookError
from lib.store import Store, badges, inbox
from lib.store.badges import Badge, Nobody, Person
from lib.usage.intake import packed
from lib.usage.merging import Merging
from lib.usage.visits import STORED

SOURCE: Final = "console"

SECONDS: Final = 0.5
"""How long a visit waits for others, at most."""

WAITING: Final = 10_000
"""How many visits may wait; the oldest go where more come."""

_RETRY_SECONDS = 5.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OwnVisit:
    """A request of this server, or a page opened in it, without anything that must stay secret.

    `who` is the badge that was shown, or the person where that is known already.
    """

    at: datetime
    who: Badge | Person
    address: str
    method: str
    target: str
    protocol: str | None = None
    status: int | None = None
    size_bytes: int | None = None
    referrer: str | None = None
    user_agent: str | None = None
    duration_ms: int | None = None


class _Numbered(NamedTuple):
    key: int
    seq: int
    visit: OwnVisit


class VisitRecorder:
    """The writer of one process: one thread, which the first visit starts."""

    def __init__(self, store: Store, *, seconds: float = SECONDS, retry_seconds: float = _RETRY_SECONDS) -> None:
        self._store = store
        self._seconds, self._retry_seconds = seconds, retry_seconds
        self._waiting: deque[_Numbered] = deque(maxlen=WAITING)
        self._lost = 0
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._some, self._stopping = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._merging = Merging(store, SOURCE, "visit")

    def note(self, visit: OwnVisit) -> None:
        """Have a visit written soon. It waits for nothing, and fails nobody."""
        with self._lock:
            if self._stopping.is_set():
                return
            self._lost += len(self._waiting) == WAITING
            # Numbered once: what is written again after a failure halfway is known by its key.
            self._waiting.append(_Numbered(secrets.randbits(64), next(self._numbers) % (1 << 32), visit))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="visits", daemon=True)
                self._thread.start()
        self._some.set()

    def close(self) -> None:
        """Write what waits, and end."""
        self._stopping.set()
        self._some.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _run(self) -> None:
        while True:
            self._some.wait()
            self._stopping.wait(self._seconds)
            self._some.clear()
            is_last = self._stopping.is_set()
            if not self._written() and not is_last:
                self._some.set()
                self._stopping.wait(self._retry_seconds)
            self._merging.pause()
            if is_last:
                return

    def _written(self) -> bool:
        """Write what waits; false where that cannot be now, and it waits on."""
        with self._lock:
            visits, lost = list(self._waiting), self._lost
            self._waiting.clear()
            self._lost = 0
        if lost:
            _log.warning("%d visits were not recorded: more came than could be written", lost)
        try:
            self._write(visits)
        except DaybookError as error:
            _log.warning("visits wait to be recorded: %s", error)
            with self._lock:
                room = WAITING - len(self._waiting)
                self._lost += max(len(visits) - room, 0)
                self._waiting.extendleft(reversed(visits[max(len(visits) - room, 0) :]))
            return False
        except Exception:
            _log.exception("%d visits could not be recorded", len(visits))
        return True

    def _write(self, visits: Sequence[_Numbered]) -> None:
        people = self._people_of(visits)
        of_tenant: dict[int, list[tuple[_Numbered, str | None]]] = defaultdict(list)
        for each in visits:
            who = each.visit.who
            person = who if isinstance(who, Person) else people.get(who, Nobody)
            of_tenant[person.tenant_id].append((each, person.name or None))
        for tenant_id, rows in of_tenant.items():
            frame = _framed(rows)
            keys, payload = frame["key"].to_numpy().tobytes(), packed(frame)
            with self._store.write(tenant_id) as session:
                inbox.append(session, tenant_id, "visit", SOURCE, keys, payload)
            self._merging.added(tenant_id)

    def _people_of(self, visits: Iterable[_Numbered]) -> dict[Badge, Person]:
        badges_shown = ((each.visit.who, each.visit.at) for each in visits if isinstance(each.visit.who, Badge))
        return badges.people(self._store, {badge: at for badge, at in badges_shown if badge.token_hash})


def _framed(visits: Iterable[tuple[_Numbered, str | None]]) -> pl.DataFrame:
    rows = [
        (
            *(key, each.at, seq, each.address, account, each.method, each.target, each.protocol, each.status),
            *(each.size_bytes, each.referrer, each.user_agent, each.duration_ms),
        )
        for (key, seq, each), account in visits
    ]
    return pl.DataFrame(rows, STORED, orient="row")


_current: VisitRecorder | None = None


def use(recorder: VisitRecorder | None) -> None:
    """Let this process record its visits with a recorder, or not at all."""
    global _current
    _current = recorder


def current() -> VisitRecorder | None:
    """What this process records its visits with; null where it serves no console."""
    return _current
