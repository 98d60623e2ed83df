"""The tree against the checkpoints that were kept outside of the database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lib.logs.merkle import Frontier
from lib.logs.notes import Note, Verifier
from lib.logs.verify.findings import Finding, Kind
from lib.logs.verify.kept import KeptFile, KeptNote
from lib.logs.verify.tree import roots_at

GRACE = timedelta(minutes=10)
"""How long the sealer may be away, and a file of checkpoints behind, before that is a finding."""


@dataclass
class _Branch:
    """The checkpoints of one part of a file, read alongside the tree."""

    notes: Iterator[KeptNote]
    is_last: bool
    next: KeptNote | None = None
    agreed: int = 0
    differs: KeptNote | None = None
    agreed_again: bool = False
    beyond: KeptNote | None = None
    beyond_last: KeptNote | None = None

    def __post_init__(self) -> None:
        self.advance()

    def advance(self) -> None:
        self.next = next(self.notes, None)

    def agree(self, size: int) -> None:
        if self.differs is None:
            self.agreed = size
        else:
            self.agreed_again = True


@dataclass
class Comparison:
    """One file against the tree, seal by seal."""

    tenant_id: int
    key: Verifier
    file: KeptFile
    findings: list[Finding] = field(default_factory=list)
    _missing: list[tuple[int, datetime]] = field(default_factory=list)
    _missing_count: int = 0
    _branches: list[_Branch] = field(default_factory=list)
    _expected: str | None = None

    def __post_init__(self) -> None:
        last = len(self.file.branches) - 1
        self._branches = [_Branch(self.file.notes(at), at == last) for at in range(last + 1)]
        if self.file.key is not None and self.file.key.public_key != self.key.public_key:
            self._say(Kind.KEY_CHANGED, "other_key_of_file", line=1)
        if self.file.key is None and (self.file.branches or self.file.torn):
            self._say(Kind.TORN, "no_key_in_file", line=1)

    def follow(self, before: Frontier | None, leaves: list[bytes], until: int, note: str, sealed_at: datetime) -> None:
        """Compare the checkpoints up to a seal's end. `before` is None where the tree there is not known."""
        there = False
        for branch in self._branches:
            while branch.next is not None and branch.next.checkpoint.size <= until:
                there |= branch.next.checkpoint.size == until
                self._compare(branch, branch.next, before, leaves, note, until)
                branch.advance()
        if self._expected is None and not there and self.file.is_complete:
            self._expected = note
        if there:
            self._tell_missing()
            self._expected = None
        elif self.file.is_complete:
            self._missing_count += 1
            self._missing = [*self._missing[:1], (until, sealed_at)]

    def finish(self, size: int, now: datetime) -> None:
        """Compare what is left once the tree has ended."""
        for branch in self._branches:
            while branch.next is not None:
                if self._is_signed(branch.next):
                    branch.beyond = branch.beyond or branch.next
                    branch.beyond_last = branch.next
                branch.advance()
        # The last one may be of a sealer that was stopped in between, and new ones are on their way.
        if self._missing_count > 1 and now - self._missing[0][1] > GRACE:
            self._tell_missing()
        self._tell_torn()
        self._tell_differences()

    @property
    def beyond(self) -> tuple[KeptNote, KeptNote] | None:
        """The first and the newest checkpoint of a tree larger than the database has."""
        for branch in self._branches:
            if branch.is_last and branch.beyond is not None and branch.beyond_last is not None:
                return branch.beyond, branch.beyond_last
        return None

    def _compare(
        self, branch: _Branch, kept: KeptNote, before: Frontier | None, leaves: list[bytes], note: str, until: int
    ) -> None:
        size = kept.checkpoint.size
        if size == until and kept.text == note:
            branch.agree(size)
            return
        if not self._is_signed(kept):  # what anybody can have written proves nothing but that it was written
            return
        if before is None or not before.size < size <= before.size + len(leaves) or branch.differs is not None:
            return
        ((_, root),) = roots_at(before, leaves, [size])
        if root == kept.checkpoint.root:
            branch.agree(size)
        else:
            branch.differs = kept

    def _is_signed(self, kept: KeptNote) -> bool:
        note = Note.parse(kept.text)
        if note.holds(self.key):
            return True
        if note.is_named(self.key):
            self._say(Kind.EDITED_SEAL, "bad_signature_in_file", line=kept.line)
        else:
            self._say(Kind.KEY_CHANGED, "other_key_in_file", line=kept.line)
        return False

    def _tell_missing(self) -> None:
        if self._missing_count:
            first, last = self._missing[0][0], self._missing[-1][0]
            facts = {"count": self._missing_count, "first": first, "last": last}
            self._say(Kind.DELETED_CHECKPOINT, "missing_in_file", **facts)
        self._missing, self._missing_count = [], 0

    def _tell_torn(self) -> None:
        for torn in self.file.torn:
            expected = (self._expected or "").encode() + b"\n"
            if not (torn.is_last and self._expected and expected.startswith(torn.raw)):
                self._say(Kind.TORN, "torn_in_file", line=torn.line)

    def _tell_differences(self) -> None:
        for branch in self._branches:
            kept = branch.differs or (None if branch.is_last else branch.beyond)
            if kept is None:
                continue
            facts = {"agreed": branch.agreed, "size": kept.checkpoint.size, "sealed_at": kept.checkpoint.sealed_at}
            # A file that knows both went along when the log was set back: it is the sealer's own.
            if branch.is_last and not branch.agreed_again:
                self._say(Kind.FORKED, "forked", line=kept.line, **facts)
            else:
                self._say(Kind.ROLLED_BACK, "rolled_back_before", line=kept.line, **facts)

    def _say(self, kind: Kind, words: str, **facts: object) -> None:
        told = {"file": self.file.path.name, **facts}
        self.findings.append(Finding(kind, words, self.tenant_id, facts=told))
