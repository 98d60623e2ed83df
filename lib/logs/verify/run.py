"""Verifying tenants' operation logs: rows against seals, seals against checkpoints. It reads only, and offline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lib.access.viewer import EVERY_TENANT
from lib.logs.checkpoints import SUFFIX, file_of, origin_of
from lib.logs.notes import Verifier
from lib.logs.verify.comparing import GRACE, Comparison
from lib.logs.verify.events import EventPairs
from lib.logs.verify.findings import Finding, Kind
from lib.logs.verify.kept import KeptFile, read_given, read_kept
from lib.logs.verify.pool import Job, compare_apart, compare_here
from lib.logs.verify.removals import covered_by_removals
from lib.logs.verify.rows import Compared, Covered
from lib.logs.verify.slices import EVERY_ID, Outline, outline_of, slices_of
from lib.logs.verify.tree import Tree
from lib.store import Store, proofs, seals
from lib.store.time_ids import first_id

LARGE = 300_000
"""From how many records on other processes are worth their start."""

Progress = Callable[[int, int], object]
"""Told how many records of about how many were read."""


@dataclass(frozen=True)
class Question:
    """What to verify. `folders` hold the checkpoints that Daybook wrote down, `given` a copy that was kept elsewhere;
    `since` and `until` limit which bodies are read, never which seals; `processes` how many may read a large log."""

    folders: tuple[Path, ...]
    given: Path | None = None
    since: datetime | None = None
    until: datetime | None = None
    processes: int = 1
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def ids(self) -> tuple[int, int]:
        """The ids of the period."""
        low, high = EVERY_ID
        return (first_id(self.since) if self.since else low, first_id(self.until) if self.until else high)


@dataclass
class Verified:
    """What verification found in a tenant's log; `counts` tells findings that were too many to be named, too."""

    tenant_id: int
    rows: int = 0
    tree_size: int = 0
    findings: list[Finding] = field(default_factory=list)
    counts: Counter[Kind] = field(default_factory=Counter)

    def add(self, found: Sequence[Finding]) -> None:
        """Keep findings, and count them."""
        self.findings += found
        self.counts.update(each.kind for each in found)

    @property
    def count(self) -> int:
        """How many findings there are."""
        return self.counts.total()


def tenants_to_verify(store: Store, folders: Sequence[Path]) -> list[int]:
    """The tenants of which there is a log, or a file of checkpoints that tells of one."""
    with store.read(EVERY_TENANT) as session:
        found = proofs.tenants_of_log(session)
    names = [file.stem for folder in folders for file in folder.glob(f"*{SUFFIX}")]
    return sorted(found | {int(name) for name in names if name.isascii() and name.isdecimal()})


def verify(store: Store, tenant_id: int, asked: Question, progress: Progress = lambda done, of: None) -> Verified:
    """Verify one tenant's log. Raises BadInput when the given file is no copy of checkpoints, and Unavailable."""
    with ExitStack() as opened:
        return _Verifying(store, tenant_id, asked, progress, opened.enter_context(EventPairs())).run()


class _Verifying:
    """The verification of one tenant, on its way."""

    def __init__(self, store: Store, tenant_id: int, asked: Question, progress: Progress, events: EventPairs) -> None:
        self.store, self.tenant_id, self.asked, self.progress, self.events = store, tenant_id, asked, progress, events
        self.found = Verified(tenant_id)
        self.files = list(self._files())
        self.done = self.total = 0
        self.comparisons: list[Comparison] = []

    def run(self) -> Verified:
        with self.store.read(self.tenant_id) as session:
            used = seals.keys(session)
            outline = outline_of(proofs.heads(session, self.tenant_id))
            covered, findings = covered_by_removals(session, self.tenant_id)
            self._compare_waiting(*proofs.waiting_since(session, self.tenant_id))
        self.found.add(findings)
        self.total = outline.between(*self.asked.ids)
        self.progress(0, self.total)
        self.tree = Tree(self.tenant_id, self._key(used))
        changed = [each for compared in self._slices(outline, covered) for each in self._take(compared)]
        self._tell_changed(changed)
        self._tell_doubled()
        self._tell_lost()
        return self.found

    def _files(self) -> Iterator[KeptFile]:
        for folder in self.asked.folders:
            yield read_kept(file_of(folder, self.tenant_id), is_complete=True)
        if self.asked.given is not None:
            of_tenant, kept = read_given(self.asked.given)
            if of_tenant == self.tenant_id:
                yield kept

    def _key(self, used: Sequence[bytes]) -> Verifier:
        """The key to be trusted: of the copy that was kept elsewhere, else of Daybook's own files, else the first."""
        told = [file.key.public_key for file in reversed(self.files) if file.key is not None]
        trusted = next(iter([*told, *used]), bytes(32))
        if used and used[0] != trusted:
            self.found.add([Finding(Kind.KEY_CHANGED, "other_key_in_database", self.tenant_id)])
        return Verifier(origin_of(self.tenant_id), trusted)

    def _slices(self, outline: Outline, covered: list[Covered]) -> Iterator[Compared]:
        ranges = slices_of(outline, *self.asked.ids)
        url = self.store.url.render_as_string(hide_password=False)
        job = Job(url, self.tenant_id, outline, tuple(covered))
        if self.asked.processes > 1 and self.total >= LARGE:
            yield from compare_apart(job, ranges, self._told, self.asked.processes, self._follow_tree)
        else:
            self._follow_tree()
            yield from compare_here(self.store, job, ranges, self._told)

    def _told(self, rows: int) -> None:
        self.done += rows
        self.progress(self.done, max(self.total, self.done))

    def _take(self, compared: Compared) -> list[tuple[int, int, bytes, bytes]]:
        self.found.rows += compared.rows
        self.found.findings += compared.findings
        self.found.counts.update(compared.counts)
        self.events.add(compared.events)
        return compared.changed

    def _follow_tree(self) -> None:
        self.comparisons = [Comparison(self.tenant_id, self.tree.key, file) for file in self.files]
        with self.store.read(self.tenant_id) as session:
            for seal in proofs.whole_seals(session, self.tenant_id):
                before = self.tree.frontier
                leaves = self.tree.follow(seal)
                for each in self.comparisons:
                    known = before if leaves else None
                    each.follow(known, leaves, seal.until_position, seal.checkpoint, seal.sealed_at)
        self.found.tree_size = self.tree.size
        self.found.add(self.tree.findings)
        for each in self.comparisons:
            each.finish(self.tree.size, self.asked.now)
            self.found.add(each.findings)

    def _compare_waiting(self, count: int, oldest: datetime | None) -> None:
        if oldest is not None and self.asked.now - oldest > GRACE:
            facts: dict[str, object] = {"count": count, "oldest": oldest}
            self.found.add([Finding(Kind.SEALER_STOPPED, "sealer_stopped", self.tenant_id, facts=facts)])

    def _tell_changed(self, changed: list[tuple[int, int, bytes, bytes]]) -> None:
        """A body that another record was sealed with has moved; any other was edited."""
        sealed = {hash_: (number, position) for number, position, _, hash_ in changed}
        for number, position, actual, _ in changed:
            if actual in sealed:
                facts: dict[str, object] = dict(zip(("other_id", "other_position"), sealed[actual], strict=True))
                finding = Finding(Kind.REORDERED, "moved_body", self.tenant_id, number, position, facts)
            else:
                finding = Finding(Kind.EDITED_BODY, "edited_body", self.tenant_id, number, position)
            self.found.add([finding])

    def _tell_doubled(self) -> None:
        for first, again in self.events.doubled():
            facts: dict[str, object] = {"other_id": first}
            self.found.add([Finding(Kind.DOUBLED, "same_event", self.tenant_id, again, facts=facts)])

    def _tell_lost(self) -> None:
        """Seals that are gone: from the middle, or from the end, where kept checkpoints tell of more."""
        lost = 0
        for first, until in self.tree.lost:
            lost += until - first
            notes = max((_notes_between(file, first, until) for file in self.files), default=0)
            facts: dict[str, object] = {"first": first, "last": until - 1, "count": notes or "?"}
            self.found.add([Finding(Kind.DELETED_CHECKPOINT, "deleted_seals", self.tenant_id, facts=facts)])
        beyond = [each.beyond for each in self.comparisons if each.beyond is not None]
        if beyond:
            first_lost, newest = max(beyond, key=lambda pair: pair[1].checkpoint.size)
            lost += newest.checkpoint.size - self.tree.size
            begun, ended = first_lost.checkpoint.sealed_at, newest.checkpoint.sealed_at
            with self.store.read(EVERY_TENANT) as session:
                # Jobs of the time that is missing ran in this very database, or it is a copy from before.
                was_here = proofs.ran_between(session, begun, ended + timedelta(seconds=60))
            kind, words = (Kind.TRUNCATED, "truncated") if was_here else (Kind.ROLLED_BACK, "rolled_back")
            kept = {"size": self.tree.size, "kept": newest.checkpoint.size, "sealed_at": ended}
            self.found.add([Finding(kind, words, self.tenant_id, facts=kept)])
        if lost:
            self._tell_uncovered(lost)

    def _tell_uncovered(self, lost: int) -> None:
        """Records whose seal is gone look as if they had been inserted: they are told once, as what they are."""
        count = self.found.counts[Kind.INSERTED]
        if 0 < count <= lost:
            uncovered = [each for each in self.found.findings if each.kind is Kind.INSERTED]
            self.found.findings = [each for each in self.found.findings if each.kind is not Kind.INSERTED]
            del self.found.counts[Kind.INSERTED]
            facts: dict[str, object] = {"count": count}
            number = uncovered[0].operation_id
            self.found.add([Finding(Kind.DELETED_CHECKPOINT, "uncovered", self.tenant_id, number, facts=facts)])


def _notes_between(file: KeptFile, first: int, until: int) -> int:
    branches = range(len(file.branches))
    sizes = {note.checkpoint.size for branch in branches for note in file.notes(branch)}
    return sum(first < size <= until for size in sizes)
