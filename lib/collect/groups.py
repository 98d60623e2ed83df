"""Group commits: what many requests bring at the same time is made durable at once, and only then acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from lib.errors import DaybookError, Unavailable
from lib.store import Store
from lib.store.ingest_keys import WriteKey
from lib.store.intake_tallies import Sent

WINDOW_SECONDS = 0.01
"""How long a commit waits for company. Under load it waits longer: for the commit before it."""

WAITING_EVENTS = 50_000
"""How many events may wait for a commit; more are sent away for a moment."""

IDLE_SECONDS = 10.0
"""How often a writer without work looks whether there is something to tidy."""

COMMIT_EVENTS = 20_000
"""How many events one commit takes at most."""

R = TypeVar("R")

_log = logging.getLogger(__name__)


class Full(Exception):
    """As many events wait as may."""


@dataclass(eq=False)
class Submission(Generic[R]):
    """What one request brought, and whoever waits for it. Without rows, `refused` is all there is to keep.

    `weight` is how many events it counts as, where they are larger than usual.
    """

    key: WriteKey
    library: str
    rows: Sequence[R]
    refused: tuple[str, int] | None = None
    weight: int = 0
    loop: asyncio.AbstractEventLoop | None = None
    durable: asyncio.Future[None] | None = None

    def __post_init__(self) -> None:
        self.weight = max(self.weight, len(self.rows), 1)

    def sent(self) -> tuple[Sent, int]:
        """What the tally counts."""
        reason, count = self.refused or ("", len(self.rows))
        return Sent(self.key.id, self.library, reason), count

    def settle(self, error: BaseException | None) -> None:
        """Tell whoever waits. From the writer's thread."""
        if self.loop is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._settle, error)

    def _settle(self, error: BaseException | None) -> None:
        if self.durable is None or self.durable.done():
            return
        if error is None:
            self.durable.set_result(None)
        else:
            self.durable.set_exception(error)


@dataclass
class Groups(ABC, Generic[R]):
    """The writer of one process for one kind of rows: one thread, started by the first submission."""

    store: Store
    waiting_events: int = WAITING_EVENTS
    _waiting: deque[Submission[R]] = field(default_factory=deque)
    _count: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _thread: threading.Thread | None = None
    _stopping: bool = False

    @abstractmethod
    def _write(self, tenant_id: int, submissions: Sequence[Submission[R]]) -> None:
        """Make a tenant's submissions durable in one transaction, or raise with none of them taken in."""

    def _admitted(self, submissions: Sequence[Submission[R]]) -> Sequence[Submission[R]]:
        """Those that can be written; the others hear why not, and hold nobody up."""
        return submissions

    def _tidy(self) -> None:
        """Between two commits; called often."""

    @property
    def is_full(self) -> bool:
        """Whether a submission would be sent away now."""
        return self._count >= self.waiting_events

    async def durable(self, key: WriteKey, library: str, rows: Sequence[R], weight: int = 0) -> None:
        """Return once the rows are on disk. Raises Full, and Unavailable with none of them taken in."""
        loop = asyncio.get_running_loop()
        durable: asyncio.Future[None] = loop.create_future()
        self._put(Submission(key, library, rows, weight=weight, loop=loop, durable=durable))
        await durable

    def note_refused(self, key: WriteKey, library: str, reason: str, event_count: int) -> None:
        """Count events that were refused, with the next commit; under pressure nobody counts them."""
        with contextlib.suppress(Full):
            self._put(Submission(key, library, (), (reason, event_count)))

    def close(self) -> None:
        """Write what waits, and end."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join(timeout=30)

    def _put(self, submission: Submission[R]) -> None:
        with self._changed:
            if self.is_full or self._stopping:
                raise Full
            self._waiting.append(submission)
            self._count += submission.weight
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="collector", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        while not self._stopping or self._waiting:
            group = self._next()
            of_tenant: dict[int, list[Submission[R]]] = defaultdict(list)
            for submission in group:
                of_tenant[submission.key.tenant_id].append(submission)
            for tenant_id, submissions in of_tenant.items():
                self._commit(tenant_id, submissions)
            self._tidy()

    def _next(self) -> list[Submission[R]]:
        """What to commit together; nothing where nothing came for a while, or it is time to end."""
        with self._changed:
            while not self._waiting and not self._stopping:
                if not self._changed.wait(IDLE_SECONDS):
                    break
            if not self._waiting:
                return []
        time.sleep(WINDOW_SECONDS)
        group: list[Submission[R]] = []
        taken = 0
        with self._changed:
            while self._waiting and taken < COMMIT_EVENTS:
                group.append(self._waiting.popleft())
                taken += group[-1].weight
            self._count -= taken
        return group

    def _commit(self, tenant_id: int, submissions: Sequence[Submission[R]]) -> None:
        try:
            admitted = self._admitted(submissions)
            if admitted:
                self._write(tenant_id, admitted)
        except Exception as error:
            if not isinstance(error, DaybookError):
                _log.exception("a commit of the collector failed")
            if len(submissions) == 1 or isinstance(error, Unavailable):
                _settle(submissions, error)
                return
            # One by one, so that what cannot be written takes nobody else with it.
            for submission in submissions:
                self._commit(tenant_id, [submission])
        else:
            _settle(admitted, None)


def counted(submissions: Iterable[Submission[R]]) -> Counter[Sent]:
    """What the tallies count of some submissions."""
    counts: Counter[Sent] = Counter()
    for submission in submissions:
        sent, count = submission.sent()
        counts[sent] += count
    return counts


def _settle(group: Iterable[Submission[R]], error: BaseException | None) -> None:
    for submission in group:
        submission.settle(error)
