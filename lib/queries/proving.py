"""Proof of the operation log (SPEC O9): verifying it, its checkpoints to keep elsewhere, how long it is kept, and legal
holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl
from sqlalchemy.orm import Session

from lib.access.permissions import Permission
from lib.access.viewer import EVERY_TENANT, Viewer
from lib.errors import BadInput, NotFound
from lib.logs import Act, Operator, record
from lib.logs.checkpoints import folders, origin_of
from lib.logs.notes import Verifier
from lib.logs.verify.findings import Kind
from lib.logs.verify.run import Question, Verified, verify
from lib.queries.gate import ViewerQueries, needs
from lib.queries.keeping import OPERATIONS_KEPT, change_retention
from lib.settings import Settings
from lib.store import Store, proofs, seals
from lib.store.locks import job_lock
from lib.store.tables import OperationHold, Tenant
from lib.words import Phrase

MOST_FINDINGS = 1_000
LONGEST_REASON = 1_000

Progress = Callable[[int, int], object]
"""Told how many records of about how many were read."""

_INSTANT = pl.Datetime("us", "UTC")
_FINDINGS = {
    "kind": pl.String(),
    "sentence": pl.String(),
    "operation_id": pl.Int64(),
    "position": pl.Int64(),
    "occurred_at": _INSTANT,
}
_CHECKPOINTS = {"sealed_at": _INSTANT, "size": pl.Int64(), "root": pl.String(), "checkpoint": pl.String()}
_HOLDS = {
    "id": pl.Int64(),
    "since": _INSTANT,
    "until": _INSTANT,
    "reason": pl.String(),
    "made_by": pl.String(),
    "made_at": _INSTANT,
    "lifted_by": pl.String(),
    "lifted_at": _INSTANT,
}


@dataclass(frozen=True)
class Proven:
    """What a verification found: how many records were read and how large the tree is, how many findings of each kind,
    and up to MOST_FINDINGS of them: `kind` (lib.logs.verify.findings.Kind), `sentence` in the viewer's language,
    `operation_id`, `position` and `occurred_at` (null where it is not about one record)."""

    rows: int
    tree_size: int
    counts: dict[Kind, int]
    findings: pl.DataFrame


class Proving(ViewerQueries):
    """The proof of the viewer's tenant's log."""

    def __init__(self, viewer: Viewer, store: Store, settings: Settings) -> None:
        super().__init__(viewer, store)
        self._settings = settings

    @needs(Permission.OPERATION_LOG_READ)
    def verify(self, since: datetime | None, until: datetime | None, progress: Progress) -> Proven:
        """Compare the records of a period (None: open) with their seals, and the whole tree with its checkpoints.

        It is recorded that somebody did. Raises Busy while another verification runs, and BadInput for who does not
        hold every application.
        """
        self._require_every_application()
        with job_lock(self.store, "verify"):
            asked = Question(folders(self._settings), since=since, until=until)
            found = verify(self.store, self.viewer.tenant_id, asked, progress)
        with self.store.write(EVERY_TENANT) as session:
            new = {
                "since": since.isoformat() if since else None,
                "until": until.isoformat() if until else None,
                "count": found.count,
            }
            act = Act("operation_log", "verify", "querying", new=new)
            record(session, self.viewer.tenant_id, Operator.of(self.viewer), act)
        return Proven(found.rows, found.tree_size, dict(found.counts), self._frame(found))

    def _frame(self, found: Verified) -> pl.DataFrame:
        rows = [
            (
                each.kind.value,
                each.sentence(self.viewer.language),
                each.operation_id,
                each.position,
                each.occurred_at,
            )
            for each in found.findings[:MOST_FINDINGS]
        ]
        return pl.DataFrame(rows, schema=_FINDINGS, orient="row")

    @needs(Permission.OPERATION_LOG_READ)
    def checkpoints(self, limit: int) -> pl.DataFrame:
        """The newest checkpoints, newest first: `sealed_at`, `size` (of the tree), `root` (hexadecimal), `checkpoint`
        (the signed note)."""
        with self.store.read(self.viewer.tenant_id) as session:
            found = seals.newest_seals(session, self.viewer.tenant_id, limit)
            rows = [(seal.sealed_at, seal.until_position, seal.root.hex(), seal.checkpoint) for seal in found]
        return pl.DataFrame(rows, schema=_CHECKPOINTS, orient="row")

    @needs(Permission.OPERATION_LOG_READ)
    def kept_copy(self, limit: int) -> str:
        """A file of the newest checkpoints to be kept elsewhere: what `daybook verify operations --checkpoint` reads.

        Raises NotFound where nothing was sealed yet.
        """
        with self.store.read(self.viewer.tenant_id) as session:
            key = self._key_of(session)
            found = seals.newest_seals(session, self.viewer.tenant_id, limit)
            return f"{key}\n\n" + "".join(f"{seal.checkpoint}\n" for seal in reversed(found))

    @needs(Permission.OPERATION_LOG_READ)
    def key(self) -> str:
        """The verifier key (C2SP vkey) of the tenant's checkpoints. Raises NotFound where nothing was sealed yet."""
        with self.store.read(self.viewer.tenant_id) as session:
            return self._key_of(session)

    @needs(Permission.RETENTION_MANAGE)
    def keeps_days(self) -> int | None:
        """How many days operations are kept; None: for ever."""
        with self.store.read(EVERY_TENANT) as session:
            return session.get_one(Tenant, self.viewer.tenant_id).keeps_operations_days

    @needs(Permission.RETENTION_MANAGE)
    def keep(self, days: int | None) -> None:
        """Keep operations so many days from the next purge on, None: for ever. Raises BadInput under 183 days."""
        self._require_every_application()
        with self.store.write(EVERY_TENANT) as session:
            change_retention(session, self.viewer.tenant_id, Operator.of(self.viewer), OPERATIONS_KEPT, days)

    @needs(Permission.RETENTION_MANAGE)
    def holds(self) -> pl.DataFrame:
        """Legal holds, newest first: `id`, `since`, `until` (null: open), `reason`, `made_by`, `made_at`, `lifted_by`,
        `lifted_at` (null: it holds)."""
        with self.store.read(self.viewer.tenant_id) as session:
            found = proofs.holds(session, self.viewer.tenant_id)
            rows = [tuple(getattr(hold, name) for name in _HOLDS) for hold in found]
        return pl.DataFrame(rows, schema=_HOLDS, orient="row")

    @needs(Permission.RETENTION_MANAGE)
    def hold(self, since: datetime | None, until: datetime | None, reason: str) -> int:
        """Let no operation of [since, until) be removed until the hold is lifted; gives its number. Raises BadInput."""
        self._require_every_application()
        reason = reason.strip()
        if not reason or len(reason) > LONGEST_REASON:
            raise BadInput(what=Phrase("proving.reason_refused", most=LONGEST_REASON))
        if since is not None and until is not None and since >= until:
            raise BadInput(what=Phrase("proving.hold_ends_before_it_begins"))
        with self.store.write(self.viewer.tenant_id) as session:
            row = OperationHold(
                tenant_id=self.viewer.tenant_id,
                since=since,
                until=until,
                reason=reason,
                made_by=self.viewer.account_name,
                made_at=datetime.now(UTC),
            )
            session.add(row)
            session.flush()
            act = Act("operation_log", "hold", "modification", object_id=str(row.id), new=_held(row))
            record(session, self.viewer.tenant_id, Operator.of(self.viewer), act)
            return row.id

    @needs(Permission.RETENTION_MANAGE)
    def lift(self, hold_id: int) -> None:
        """End a legal hold. Raises NotFound for one that is not there, or was lifted before."""
        self._require_every_application()
        with self.store.write(self.viewer.tenant_id) as session:
            row = session.get(OperationHold, hold_id)
            if row is None or row.tenant_id != self.viewer.tenant_id or row.lifted_at is not None:
                raise NotFound(kind=Phrase("proving.legal_hold"), key=hold_id)
            row.lifted_by, row.lifted_at = self.viewer.account_name, datetime.now(UTC)
            act = Act("operation_log", "release", "modification", object_id=str(row.id), old=_held(row))
            record(session, self.viewer.tenant_id, Operator.of(self.viewer), act)

    def _key_of(self, session: Session) -> str:
        used = seals.keys(session)
        if not used:
            raise NotFound(kind=Phrase("proving.seal"), key=self.viewer.tenant_key)
        return Verifier(origin_of(self.viewer.tenant_id), used[0]).vkey

    def _require_every_application(self) -> None:
        if not self.viewer.applications.every:
            raise BadInput(what=Phrase("administration_error.every_application_needed"))


def _held(row: OperationHold) -> dict[str, object]:
    return {
        "since": row.since.isoformat() if row.since else None,
        "until": row.until.isoformat() if row.until else None,
        "reason": row.reason,
    }
