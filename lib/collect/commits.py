"""Group commits: what many requests bring at the same time is made durable at once, and only then acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import polars as pl

from lib.collect.applications import Applications
from lib.collect.calls import Row
from lib.collect.merging import Merging
from lib.errors import BadInput, DaybookError, Unavailable
from lib.store import Store, inbox, intake_tallies
from lib.store.ingest_keys import WriteKey
from lib.store.intake_tallies import Sent
from lib.usage import events
from lib.usage.buckets import bucket_of, start_of
from lib.usage.intake import packed

SOURCE = "collect"

WINDOW_SECONDS = 0.01
"""How long a commit waits for company. Under load it waits longer: for the commit before it."""

WAITING_EVENTS = 50_000
"""How many events may wait for a commit; more are sent away for a moment."""

IDLE_SECONDS = 10.0
"""How often a writer without work looks whether there is something to tidy."""

COMMIT_EVENTS = 20_000
"""How many events one commit takes at most."""

_COLUMNS = {name: events.READABLE[name] for name in Row._fields}

_log = logging.getLogger(__name__)


class Full(Exception):
    """As many events wait as may."""


@dataclass(eq=False)
class Submission:
    """What one request brought, and whoever waits for it. Without rows, `refused` is all there is to keep."""

    key: WriteKey
    library: str
    rows: Sequence[Row]
    refused: tuple[str, int] | None = None
    loop: asyncio.AbstractEventLoop | None = None
    durable: asyncio.Future[None] | None = None

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
class Commits:
    """The writer of one process: one thread, started by the first submission."""

    store: Store
    waiting_events: int = WAITING_EVENTS
    _waiting: deque[Submission] = field(default_factory=deque)
    _count: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _thread: threading.Thread | None = None
    _stopping: bool = False

    def __post_init__(self) -> None:
        self._applications = Applications(self.store, SOURCE)
        self._merging = Merging(self.store, SOURCE)

    @property
    def is_full(self) -> bool:
        """Whether a submission would be sent away now."""
        return self._count >= self.waiting_events

    async def durable(self, key: WriteKey, library: str, rows: Sequence[Row]) -> None:
        """Return once the rows are on disk. Raises Full, and Unavailable with none of them taken in."""
        loop = asyncio.get_running_loop()
        durable: asyncio.Future[None] = loop.create_future()
        self._put(Submission(key, library, rows, loop=loop, durable=durable))
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

    def _put(self, submission: Submission) -> None:
        with self._changed:
            if self.is_full or self._stopping:
                raise Full
            self._waiting.append(submission)
            self._count += len(submission.rows) or 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="collector", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        while not self._stopping or self._waiting:
            group = self._next()
            of_tenant: dict[int, list[Submission]] = defaultdict(list)
            for submission in group:
                of_tenant[submission.key.tenant_id].append(submission)
            for tenant_id, submissions in of_tenant.items():
                self._commit(tenant_id, submissions)
            self._merging.pause()

    def _next(self) -> list[Submission]:
        """What to commit together; nothing where nothing came for a while, or it is time to end."""
        with self._changed:
            while not self._waiting and not self._stopping:
                if not self._changed.wait(IDLE_SECONDS):
                    break
            if not self._waiting:
                return []
        time.sleep(WINDOW_SECONDS)
        group: list[Submission] = []
        taken = 0
        with self._changed:
            while self._waiting and taken < COMMIT_EVENTS:
                group.append(self._waiting.popleft())
                taken += len(group[-1].rows) or 1
            self._count -= taken
        return group

    def _commit(self, tenant_id: int, submissions: Sequence[Submission]) -> None:
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

    def _admitted(self, submissions: Sequence[Submission]) -> list[Submission]:
        """Those whose applications are there, or could be made; the others hear why not, and hold nobody up."""
        admitted = []
        for submission in submissions:
            try:
                self._applications.ensure(submission.key, {row.application for row in submission.rows})
            except BadInput as error:
                submission.settle(error)
            else:
                admitted.append(submission)
        return admitted

    def _write(self, tenant_id: int, submissions: Sequence[Submission]) -> None:
        """One durable transaction: the rows as a batch of the inbox, and the tallies."""
        counts: Counter[Sent] = Counter()
        for submission in submissions:
            sent, count = submission.sent()
            counts[sent] += count
        rows = [row for submission in submissions for row in submission.rows]
        keys, payload = b"", b""
        if rows:
            # Packed before the transaction: everybody else who writes waits for its end.
            batch = self._identified(tenant_id, rows, {each.key.mini_program: each.key for each in submissions})
            keys, payload = batch["key"].to_numpy().tobytes(), packed(batch)
        with self.store.write(tenant_id) as session:
            if rows:
                inbox.append(session, tenant_id, "usage", SOURCE, keys, payload)
            intake_tallies.add(session, tenant_id, start_of(bucket_of(datetime.now(UTC))), counts)
        if rows:
            self._merging.added(tenant_id)

    def _identified(self, tenant_id: int, rows: Sequence[Row], keys: dict[str, WriteKey]) -> pl.DataFrame:
        """The rows as EVENT."""
        frame = pl.DataFrame(rows, _COLUMNS, orient="row")
        programs = {program: key.mini_program_id for program, key in keys.items()}
        applications = self._applications.ids(tenant_id, {row.application for row in rows})
        whole = frame.with_columns(
            key=events.key_of_id(pl.col("event_id")),
            application_id=pl.col("application").replace_strict(applications, return_dtype=pl.Int32),
            mini_program_id=pl.col("mini_program").replace_strict(programs, return_dtype=pl.Int32),
        )
        return events.keyed(whole)


def _settle(group: Sequence[Submission], error: BaseException | None) -> None:
    for submission in group:
        submission.settle(error)
