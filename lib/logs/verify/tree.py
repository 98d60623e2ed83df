"""The whole tree from its leaf hashes: does it grow as the checkpoints say, here and where they were kept?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import numpy as np

from lib.logs.merkle import HASH_BYTES, Frontier, split
from lib.logs.notes import BadNote, Checkpoint, Note, Verifier
from lib.logs.verify.findings import Finding, Kind
from lib.store.tables import OperationSeal

ID_BYTES: Final = 8


@dataclass
class Tree:
    """The tenant's tree as far as it was followed; `is_known`: it was right up to here.

    `lost` are the positions [first, until) of which no seal is left.
    """

    tenant_id: int
    key: Verifier
    frontier: Frontier = field(default_factory=Frontier)
    is_known: bool = True
    sealed_at: datetime | None = None
    lost: list[tuple[int, int]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many leaves it has."""
        return self.frontier.size

    def follow(self, seal: OperationSeal) -> list[bytes]:
        """Append a seal's leaves and compare it with what was signed; gives the leaves, none where they are unfit."""
        leaves = self._leaves(seal)
        checkpoint = self._signed(seal)
        self._require_place(seal)
        before = self.frontier if self.is_known and self.size == seal.first_position else None
        after = before.extended(leaves) if before is not None and leaves else None
        if (
            after is not None
            and checkpoint is not None
            and (after.size, after.root)
            == (
                checkpoint.size,
                checkpoint.root,
            )
        ):
            self._compare_columns(seal, checkpoint, leaves)
            self.frontier = after
        else:
            self._resume(seal, checkpoint, before, leaves)
            leaves = []
        if checkpoint is not None:
            self._compare_time(seal, checkpoint)
        return leaves

    def say(self, kind: Kind, words: str, **facts: object) -> None:
        """Note a finding about the tree."""
        self.findings.append(Finding(kind, words, self.tenant_id, facts=facts))

    def _leaves(self, seal: OperationSeal) -> list[bytes]:
        count = seal.until_position - seal.first_position
        if len(seal.ids) == count * ID_BYTES and len(seal.hashes) == count * HASH_BYTES and count > 0:
            return list(split(seal.hashes))
        self.say(Kind.TORN, "torn_seal", **_place(seal))
        return []

    def _signed(self, seal: OperationSeal) -> Checkpoint | None:
        """What the seal's note says, if it is by the key; its size and root are to be compared yet."""
        try:
            note = Note.parse(seal.checkpoint)
            checkpoint = Checkpoint.parse(note.text)
        except BadNote:
            self.say(Kind.EDITED_SEAL, "no_checkpoint", **_place(seal))
            return None
        if note.holds(self.key):
            return checkpoint
        facts: dict[str, object] = {**_place(seal), "sealed_at": checkpoint.sealed_at}
        if note.is_named(self.key):
            self.say(Kind.EDITED_SEAL, "bad_signature", **facts)
        else:
            self.say(Kind.KEY_CHANGED, "other_key", **facts)
        return None

    def _require_place(self, seal: OperationSeal) -> None:
        if seal.first_position > self.size:
            self.lost.append((self.size, seal.first_position))
            self.is_known = False
        elif seal.first_position < self.size:
            self.say(Kind.DOUBLED, "overlapping_seal", **_place(seal), size=self.size)
            self.is_known = False

    def _resume(
        self, seal: OperationSeal, checkpoint: Checkpoint | None, before: Frontier | None, leaves: list[bytes]
    ) -> None:
        """Go on after a seal that could not be followed: from what it kept of its tree, if that is what was signed."""
        if before is not None and leaves and checkpoint is not None:
            self._name_difference(seal, checkpoint, before, leaves)
        kept = _kept_frontier(seal)
        is_signed = checkpoint is not None and kept is not None and kept.root == checkpoint.root
        if kept is not None and is_signed and kept.size == (checkpoint.size if checkpoint else -1):
            self.frontier, self.is_known = kept, True
            return
        # Who forged a note cannot forge what follows from the leaves: with them alone the tree goes on.
        going_on = before.extended(leaves) if before is not None and leaves else kept
        self.is_known = before is not None and bool(leaves)
        self.frontier = going_on if going_on is not None else Frontier(seal.until_position, _blank(seal))

    def _name_difference(
        self, seal: OperationSeal, checkpoint: Checkpoint, before: Frontier, leaves: list[bytes]
    ) -> None:
        if checkpoint.size != seal.until_position:
            self.say(Kind.REORDERED, "moved_seal", **_place(seal), signed=checkpoint.size)
            return
        ids = np.frombuffer(seal.ids, "<i8")
        order = np.argsort(ids, kind="stable")
        if before.extended([leaves[at] for at in order]).root == checkpoint.root:
            moved = [int(at) for at in np.flatnonzero(order != np.arange(len(order)))]
            for at in moved[:100]:
                facts: dict[str, object] = {"count": len(moved)}
                at_position = seal.first_position + at
                self.findings.append(
                    Finding(Kind.REORDERED, "moved_leaf", self.tenant_id, int(ids[at]), at_position, facts)
                )
            return
        self.say(Kind.EDITED_SEAL, "other_leaves", **_place(seal), first_id=int(ids.min()), last_id=int(ids.max()))

    def _compare_columns(self, seal: OperationSeal, checkpoint: Checkpoint, leaves: list[bytes]) -> None:
        ids = np.frombuffer(seal.ids, "<i8")
        told = {
            "root": seal.root == checkpoint.root,
            "sealed_at": seal.sealed_at == checkpoint.sealed_at,
            "first_id": seal.first_id == int(ids.min()),
            "last_id": seal.last_id == int(ids.max()),
            "frontier": (kept := _kept_frontier(seal)) is not None and kept.root == checkpoint.root,
        }
        if wrong := [name for name, is_right in told.items() if not is_right]:
            self.say(Kind.EDITED_SEAL, "edited_seal_column", **_place(seal), columns=", ".join(wrong))
        if len(np.unique(ids)) < len(leaves):
            self.say(Kind.DOUBLED, "doubled_in_seal", **_place(seal))

    def _compare_time(self, seal: OperationSeal, checkpoint: Checkpoint) -> None:
        if self.sealed_at is not None and checkpoint.sealed_at < self.sealed_at:
            facts = {"sealed_at": checkpoint.sealed_at, "before": self.sealed_at}
            self.say(Kind.BACK_DATED, "back_dated_seal", **_place(seal), **facts)
        self.sealed_at = max(checkpoint.sealed_at, self.sealed_at or checkpoint.sealed_at)


def _place(seal: OperationSeal) -> dict[str, object]:
    return {"first": seal.first_position, "last": seal.until_position - 1}


def _kept_frontier(seal: OperationSeal) -> Frontier | None:
    try:
        return Frontier.unpack(seal.until_position, seal.frontier)
    except ValueError:
        return None


def _blank(seal: OperationSeal) -> tuple[bytes, ...]:
    return (bytes(HASH_BYTES),) * seal.until_position.bit_count()


def roots_at(before: Frontier, leaves: list[bytes], sizes: list[int]) -> Iterator[tuple[int, bytes]]:
    """(size, root) of the tree at each of these sizes (ascending) on its way from `before` through these leaves."""
    frontier = before
    for size in sizes:
        begin = frontier.size - before.size
        frontier = frontier.extended(leaves[begin : size - before.size])
        yield size, frontier.root
