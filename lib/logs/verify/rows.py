"""The rows as they stand against what was sealed: each slice of ids by itself, in a process of its own if need be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

import numpy as np
from orjson import dumps, loads
from sqlalchemy.orm import Session

from lib.logs.verify.findings import Finding, Kind
from lib.store import Store, proofs
from lib.store.proofs import COLUMNS

MOST_NAMED: Final = 1000
"""How many findings of a slice are named one by one; the rest is counted."""

_HASH = np.dtype("V32")


@dataclass(frozen=True)
class Covered:
    """What a removal that holds covers: ids below `below_id` among the first `tree_size` leaves."""

    below_id: int
    tree_size: int


@dataclass(frozen=True)
class Slice:
    """Ids [low, high) of a tenant. `until_position`, `lows` and `highs`: of each seal, in order of position, when its
    records can have been received, as text such as bodies have."""

    tenant_id: int
    low: int
    high: int
    until_position: np.ndarray
    lows: Sequence[str]
    highs: Sequence[str]
    covered: tuple[Covered, ...] = ()


@dataclass
class Compared:
    """What a slice gave. `changed` are records whose body is not what was sealed: (id, position, hash, sealed hash);
    `events` pairs 64 bits of a source's event with the id of its record."""

    rows: int = 0
    counts: dict[Kind, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    changed: list[tuple[int, int, bytes, bytes]] = field(default_factory=list)
    events: Any = field(default_factory=list)

    def add(self, finding: Finding) -> None:
        """Count a finding, and keep it while there are not too many."""
        count = self.counts[finding.kind] = self.counts.get(finding.kind, 0) + 1
        if count <= MOST_NAMED:
            self.findings.append(finding)


def compare(store: Store, task: Slice, told: Callable[[int], object] = lambda rows: None) -> Compared:
    """Read a slice in one transaction and compare it; `told` hears how many rows were read, now and then."""
    with store.read(task.tenant_id) as session:
        return _Comparing(session, task).run(told)


class _Comparing:
    """A slice on its way: sealed ids in order beside rows in order."""

    def __init__(self, session: Session, task: Slice) -> None:
        self.session, self.task, self.found = session, task, Compared()
        self.ids, self.positions, self.hashes = _sealed(session, task)
        self.pending = proofs.pending_ids(session, task.tenant_id, task.low, task.high)
        self.next = 0
        self.seal_of = np.searchsorted(task.until_position, self.positions, "right")

    def run(self, told: Callable[[int], object]) -> Compared:
        self._find_doubled()
        unsealed: list[np.ndarray] = []
        for rows in proofs.rows(self.session, self.task.tenant_id, self.task.low, self.task.high):
            unsealed.append(self._rows(rows))
            self.found.rows += len(rows)
            told(len(rows))
        self._missing(self.ids[self.next :], self.positions[self.next :])
        self._waiting(np.concatenate([np.array([], np.int64), *unsealed]))
        self.found.events = np.array(self.found.events, np.int64).reshape(-1, 2)
        return self.found

    def _rows(self, rows: proofs.Rows) -> np.ndarray:
        """Compare rows with the sealed ids up to the last of them; gives the ids that no seal has."""
        ids = np.fromiter((row[0] for row in rows), np.int64, len(rows))
        end = int(np.searchsorted(self.ids, ids[-1], "right"))
        sealed = slice(self.next, end)
        self.next = end
        if len(self.ids[sealed]) == len(ids) and np.array_equal(self.ids[sealed], ids):
            self._sealed_rows(rows, sealed)
            return ids[:0]
        is_sealed = np.isin(ids, self.ids[sealed])
        is_there = np.isin(self.ids[sealed], ids)
        self._missing(self.ids[sealed][~is_there], self.positions[sealed][~is_there])
        at = np.arange(sealed.start, sealed.stop)[is_there]
        at = at[np.unique(self.ids[at], return_index=True)[1]]  # one that was sealed twice is told already
        self._sealed_rows([row for row, has in zip(rows, is_sealed, strict=True) if has], at)
        for (number, columns, body), has in zip(rows, is_sealed, strict=True):
            if not has:
                self._columns(number, None, columns, body)
        return ids[~is_sealed]

    def _sealed_rows(self, rows: proofs.Rows, which: slice | np.ndarray) -> None:
        lows, highs, digest = self.task.lows, self.task.highs, sha256
        hashes, positions, seals = self.hashes[which].tolist(), self.positions[which].tolist(), self.seal_of[which]
        events = self.found.events
        for (number, columns, body), hash_, position, seal in zip(rows, hashes, positions, seals.tolist(), strict=True):
            raw = body if type(body) is bytes else body.encode()
            actual = digest(b"\x00" + raw).digest()
            if actual != hash_:
                self._changed(number, position, actual, hash_)
                continue
            told = loads(raw)
            if not _is_derived(columns, told):
                self._columns(number, position, columns, raw)
            if seal < len(lows) and not lows[seal] <= told["received_at"] <= highs[seal]:
                self._back_dated(number, position, told["received_at"], lows[seal], highs[seal])
            if "event_id" in told:
                events.append((event_key(told), number))

    def _changed(self, number: int, position: int, actual: bytes, sealed: bytes) -> None:
        if len(self.found.changed) < MOST_NAMED:
            self.found.changed.append((number, position, actual, sealed))
        else:
            self.found.counts[Kind.EDITED_BODY] = self.found.counts.get(Kind.EDITED_BODY, 0) + 1

    def _columns(self, number: int, position: int | None, columns: Any, body: Any) -> None:
        try:
            told = loads(body)
            differing = differing_columns(told, columns)
            if (told["id"], told["tenant_id"]) != (str(number), self.task.tenant_id):
                differing.append("id")
        except (ValueError, KeyError, TypeError, AttributeError):
            self.found.add(self._finding(Kind.EDITED_BODY, "unreadable_body", number, position))
            return
        if differing:
            facts = {"columns": ", ".join(differing)}
            self.found.add(self._finding(Kind.EDITED_COLUMN, "edited_column", number, position, **facts))
        elif position is None and "event_id" in told:
            self.found.events.append((event_key(told), number))

    def _back_dated(self, number: int, position: int, received_at: str, low: str, high: str) -> None:
        is_early = received_at < low
        facts = {"received_at": received_at, "bound": low if is_early else high}
        words = "back_dated" if is_early else "dated_ahead"
        self.found.add(self._finding(Kind.BACK_DATED, words, number, position, **facts))

    def _missing(self, ids: np.ndarray, positions: np.ndarray) -> None:
        if not ids.size:
            return
        gone = np.ones(len(ids), np.bool_)
        for each in self.task.covered:
            gone &= ~((ids < each.below_id) & (positions < each.tree_size))
        for number, position in zip(ids[gone].tolist(), positions[gone].tolist(), strict=True):
            self.found.add(self._finding(Kind.DELETED, "deleted", number, position))

    def _waiting(self, unsealed: np.ndarray) -> None:
        for number in np.setdiff1d(unsealed, self.pending).tolist():
            self.found.add(self._finding(Kind.INSERTED, "inserted", number))
        for number in np.setdiff1d(self.pending, unsealed).tolist():
            at = np.flatnonzero(self.ids == number)
            if at.size:
                self.found.add(self._finding(Kind.DOUBLED, "sealed_and_pending", number, int(self.positions[at[0]])))
            else:
                self.found.add(self._finding(Kind.DELETED, "deleted_pending", number))

    def _find_doubled(self) -> None:
        for at in np.flatnonzero(self.ids[1:] == self.ids[:-1]).tolist():
            facts = {"again": int(self.positions[at + 1])}
            number, position = int(self.ids[at]), int(self.positions[at])
            self.found.add(self._finding(Kind.DOUBLED, "sealed_twice", number, position, **facts))

    def _finding(self, kind: Kind, words: str, number: int, position: int | None = None, **facts: object) -> Finding:
        return Finding(kind, words, self.task.tenant_id, number, position, facts)


def _sealed(session: Session, task: Slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(ids, positions, leaf hashes) that seals have of the slice, in order of id."""
    ids, positions, hashes = [np.array([], "<i8")], [np.array([], np.int64)], [np.array([], _HASH)]
    for first, some_ids, some_hashes in proofs.seals_of_ids(session, task.tenant_id, task.low, task.high):
        count = min(len(some_ids) // 8, len(some_hashes) // _HASH.itemsize)  # a torn seal is told by the tree
        of_seal = np.frombuffer(some_ids, "<i8", count)
        inside = np.flatnonzero((of_seal >= task.low) & (of_seal < task.high))
        ids.append(of_seal[inside])
        positions.append(first + inside)
        hashes.append(np.frombuffer(some_hashes, _HASH, count)[inside])
    every = np.concatenate(ids)
    order = np.argsort(every, kind="stable")
    return every[order], np.concatenate(positions)[order], np.concatenate(hashes)[order]


def _is_derived(columns: Any, told: dict[str, Any]) -> bool:
    """Whether the columns, a JSON array, hold what a body says."""
    expected = derived(told)
    # The same text is the same values; the databases may write it in more than one way, with blanks or other escapes.
    if type(columns) is bytes and dumps(expected) == columns:
        return True
    try:
        return bool(loads(columns) == expected)
    except ValueError:  # bytes that are no text
        return False


def derived(told: dict[str, Any]) -> list[Any]:
    """The derived columns of a record as `proofs.rows` lists them."""
    values = list(map(told.get, COLUMNS, _EMPTY))
    # As the columns are kept: 2026-03-01 12:00:00.250000, and 1 for true.
    values[_OCCURRED] = values[_OCCURRED].replace("T", " ", 1)[:26]
    values[_RECEIVED] = values[_RECEIVED].replace("T", " ", 1)[:26]
    if values[_CATALOGUED] is True:
        values[_CATALOGUED] = 1
    return values


_EMPTY = tuple(None if name in {"operator_id", "organization_id"} else "" for name in COLUMNS)
_OCCURRED, _RECEIVED = COLUMNS.index("occurred_at"), COLUMNS.index("received_at")
_CATALOGUED = COLUMNS.index("is_catalogued")


def differing_columns(told: dict[str, Any], columns: bytes | str) -> list[str]:
    """The names of columns that do not hold what the body says."""
    try:
        kept = loads(columns)
    except ValueError:
        return ["a text"]
    return [name for name, mine, other in zip(COLUMNS, derived(told), kept, strict=True) if mine != other]


def event_key(told: dict[str, Any]) -> int:
    """64 bits of what a record was called where it came from."""
    source, event_id = told.get("source", ""), told["event_id"]
    return int.from_bytes(sha256(f"{len(source)}:{source}{event_id}".encode()).digest()[:8], "little", signed=True)
