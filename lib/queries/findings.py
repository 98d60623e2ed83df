"""Findings as a viewer may see them: the list, acknowledging one by name, and the thresholds with what they would have
found (SPEC O10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import polars as pl
import sqlalchemy as sa
from sqlalchemy.orm import Session

from lib.access.permissions import AccountType, Permission
from lib.access.viewer import EVERY_TENANT, TenantScope
from lib.errors import BadInput, NotFound
from lib.logs import Act, Operator, record
from lib.logs.findings import RULE_BY_KEY, RULES, FindingRule, Given, Judged, history_of, rules_of
from lib.logs.findings.frames import bucket_at, instant_of
from lib.logs.record import SYSTEM_TENANT
from lib.queries.administration.acting import checked_text, refused
from lib.queries.gate import ViewerQueries, needs
from lib.queries.operation_filter import EVERY, OperationFilter
from lib.queries.operation_rows import tenant_keys
from lib.store import findings
from lib.store.tables import Finding, FindingThreshold
from lib.words import Phrase

STATES: Final = ("open", "acknowledged")
PREVIEW: Final = timedelta(days=30)
"""How far back a preview looks."""

MOST_LISTED: Final = 1000

_INSTANT = pl.Datetime("us", "UTC")
LISTED: Final[dict[str, Any]] = {
    "id": pl.Int64(),
    "tenant": pl.String(),
    "rule": pl.String(),
    "severity": pl.String(),
    "who": pl.String(),
    "bucket_at": _INSTANT,
    "until_at": _INSTANT,
    "observed": pl.Int64(),
    "usual": pl.Float64(),
    "times_usual": pl.Float64(),
    "threshold": pl.Int64(),
    "told": pl.List(pl.String()),
    "found_at": _INSTANT,
    "acknowledged_at": _INSTANT,
    "acknowledged_by": pl.String(),
    "note": pl.String(),
}
"""A row is a finding. `tenant` is the tenant's key, empty for what belongs to none; `usual` and `times_usual` are null
where nothing is usual; `told` are examples of what was done; `acknowledged_at` is null while it is open."""


@dataclass(frozen=True)
class FindingFilter:
    """Findings of half hours or days that begin in [since, until); no rule is every rule, no state is every state."""

    since: datetime
    until: datetime
    rule: str = ""
    state: str = ""


@dataclass(frozen=True)
class RuleSetting:
    """A rule as it holds in the tenant."""

    rule: FindingRule
    is_on: bool
    given: Given


@dataclass(frozen=True)
class Preview:
    """How often a rule would have fired in the last 30 days, and as it is set now; `examples` are its newest: `at`,
    `who`, `observed`, `usual`."""

    count: int
    count_now: int
    examples: pl.DataFrame


class FindingQueries(ViewerQueries):
    """The findings of the tenant, which reach over all applications: only who holds every one sees them. System
    administrators see those that belong to no tenant too."""

    @needs(Permission.FINDING_READ)
    def listing(self, asked: FindingFilter) -> pl.DataFrame:
        """The frame LISTED: open ones first, then newest first; at most MOST_LISTED."""
        self._require_every_application()
        told = self._findings().where(Finding.bucket_at >= asked.since, Finding.bucket_at < asked.until)
        if asked.rule:
            told = told.where(Finding.rule == asked.rule)
        if asked.state:
            is_open = Finding.acknowledged_at.is_(None)
            told = told.where(is_open if asked.state == "open" else ~is_open)
        ordered = told.order_by(Finding.acknowledged_at.is_not(None), Finding.bucket_at.desc(), Finding.id.desc())
        with self.store.read(self._scope) as session:
            keys = tenant_keys(session)
            rows = [_row(row, keys) for row in session.scalars(ordered.limit(MOST_LISTED))]
        return pl.DataFrame(rows, LISTED, orient="row")

    @needs(Permission.FINDING_READ)
    def one(self, finding_id: int) -> Mapping[str, Any]:
        """One finding, as in the list. Raises NotFound."""
        with self.store.read(self._scope) as session:
            row = self._one(session, finding_id)
            keys = tenant_keys(session)
            return dict(zip(LISTED, _row(row, keys), strict=True))

    @needs(Permission.FINDING_READ)
    def open_count(self) -> int:
        """How many findings nobody has acknowledged."""
        if not self.viewer.applications.every:
            return 0
        with self.store.read(self._scope) as session:
            return findings.open_count(session, self._tenant_ids)

    @needs(Permission.OPERATION_LOG_READ)
    def records(self, finding_id: int) -> OperationFilter:
        """The filter of the operation log that leads to what a finding was made of. Raises NotFound."""
        with self.store.read(self._scope) as session:
            row = self._one(session, finding_id)
            period = {"since": row.bucket_at.isoformat(), "until": row.until_at.isoformat(), "zone": self.viewer.zone}
            tenants = [EVERY] if row.tenant_id == SYSTEM_TENANT else []
            return OperationFilter.from_json({**row.records, **period, "tenants": tenants})

    @needs(Permission.FINDING_MANAGE)
    def acknowledge(self, finding_id: int, note: str) -> None:
        """Say by name that a finding was looked at, and what came of it. Raises NotFound, and BadInput where somebody
        did so before."""
        note = checked_text(note)
        with self.store.write(self._scope) as session:
            row = self._one(session, finding_id, for_update=True)
            if row.acknowledged_at is not None:
                raise BadInput(what=Phrase("finding.refused_again", who=row.acknowledged_by))
            row.acknowledged_at, row.acknowledged_by = datetime.now(UTC), self.viewer.account_name
            row.note = note
            name, new = f"{row.rule}: {row.who}", {"note": note}
            act = Act("finding", "acknowledge", "modification", "finding", name, str(row.id), {"note": ""}, new)
            record(session, row.tenant_id, Operator.of(self.viewer), act)

    @needs(Permission.FINDING_MANAGE)
    def settings(self) -> tuple[RuleSetting, ...]:
        """Every rule as it holds in the tenant, in their order."""
        self._require_every_application()
        with self.store.read(self.viewer.tenant_id) as session:
            held = rules_of(session, self.viewer.tenant_id)
        return tuple(RuleSetting(rule, *held[rule.key]) for rule in RULES)

    @needs(Permission.FINDING_MANAGE)
    def fired(self) -> Mapping[str, int]:
        """How often each rule would have fired in the last 30 days as it is set now; those that are off, never."""
        self._require_every_application()
        with self.store.read(self.viewer.tenant_id) as session:
            held = rules_of(session, self.viewer.tenant_id)
            return {rule.key: len(self._found(session, rule, *held[rule.key])) for rule in RULES}

    @needs(Permission.FINDING_MANAGE)
    def preview(self, rule_key: str, is_on: bool, said: Mapping[str, object]) -> Preview:
        """What a rule would have found with these thresholds. Raises BadInput, NotFound."""
        self._require_every_application()
        rule = _rule(rule_key)
        given = rule.given(said)
        with self.store.read(self.viewer.tenant_id) as session:
            now = self._found(session, rule, *rules_of(session, self.viewer.tenant_id)[rule.key])
            edited = self._found(session, rule, is_on, given)
        newest = edited.sort("bucket", "observed", descending=True).head(5)
        at = pl.Series("at", [instant_of(bucket) for bucket in newest["bucket"]], _INSTANT)
        return Preview(len(edited), len(now), newest.select(at, "who", "observed", "usual"))

    @needs(Permission.FINDING_MANAGE)
    def change_threshold(self, rule_key: str, is_on: bool, said: Mapping[str, object]) -> None:
        """Let these thresholds hold for what is looked at from now on, or switch the rule off. Raises BadInput."""
        self._require_every_application()
        rule, tenant_id = _rule(rule_key), self.viewer.tenant_id
        given = rule.given(said)
        with self.store.write(tenant_id) as session:
            was_on, was = rules_of(session, tenant_id)[rule.key]
            if (was_on, was) == (is_on, given):
                return
            row = findings.thresholds(session, tenant_id).get(rule.key)
            if row is None:
                row = FindingThreshold(tenant_id=tenant_id, rule=rule.key)
                session.add(row)
            row.is_on, row.given = is_on, dict(given)
            old, new = ({"is_on": on, "threshold": dict(each)} for on, each in ((was_on, was), (is_on, given)))
            act = Act("finding", "change_threshold", "modification", "rule", rule.key, rule.key, old, new)
            record(session, tenant_id, Operator.of(self.viewer), act)

    @property
    def _scope(self) -> TenantScope:
        return EVERY_TENANT if self.viewer.account_type is AccountType.SYSTEM else self.viewer.tenant_id

    @property
    def _tenant_ids(self) -> tuple[int, ...]:
        own = self.viewer.tenant_id
        return (own, SYSTEM_TENANT) if self.viewer.account_type is AccountType.SYSTEM else (own,)

    def _findings(self) -> sa.Select[Finding]:
        return sa.select(Finding).where(Finding.tenant_id.in_(self._tenant_ids))

    def _one(self, session: Session, finding_id: int, *, for_update: bool = False) -> Finding:
        self._require_every_application()
        told = self._findings().where(Finding.id == finding_id)
        row = session.scalar(told.with_for_update() if for_update else told)
        if row is None:
            raise NotFound(kind=Phrase("kind.finding"), key=finding_id)
        return row

    def _found(self, session: Session, rule: FindingRule, is_on: bool, given: Given) -> pl.DataFrame:
        now, tenant_id = datetime.now(UTC), self.viewer.tenant_id
        first, until = bucket_at(now - PREVIEW), bucket_at(now)
        begun = findings.progress(session, tenant_id)
        judged = Judged(tenant_id, first, until, begun.first_bucket if begun else until)
        found = rule.find(history_of(session, judged, rule), given)
        return found.filter(is_on, pl.col("bucket") >= first, pl.col("bucket") < until)

    def _require_every_application(self) -> None:
        if not self.viewer.applications.every:
            raise refused("every_application_needed")


def _rule(key: str) -> FindingRule:
    rule = RULE_BY_KEY.get(key)
    if rule is None:
        raise NotFound(kind=Phrase("kind.rule"), key=key[:60])
    return rule


def _row(row: Finding, keys: Mapping[int, str]) -> tuple[Any, ...]:
    rule = RULE_BY_KEY.get(row.rule)
    return (
        row.id,
        keys.get(row.tenant_id, ""),
        row.rule,
        rule.severity.value if rule else "low",
        row.who,
        row.bucket_at,
        row.until_at,
        row.observed,
        row.usual,
        row.observed / row.usual if row.usual else None,
        row.threshold,
        row.facts.get("told", []),
        row.found_at,
        row.acknowledged_at,
        row.acknowledged_by,
        row.note,
    )
