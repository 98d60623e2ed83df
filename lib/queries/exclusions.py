"""Exclusion rules as a viewer may keep them: what each would take out of the figures, adding one, taking one back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import polars as pl
from sqlalchemy import select

from lib.access.permissions import Permission
from lib.access.viewer import Viewer
from lib.errors import BadInput, NotFound
from lib.logs import Act, Operator, record
from lib.queries.administration.acting import checked_text
from lib.queries.gate import ViewerQueries, needs
from lib.store import Store, exclusions
from lib.store.tables import ExclusionRule
from lib.usage.events import INSTANT
from lib.usage.exclusions import Rule, matched
from lib.usage.lake import Lake
from lib.usage.published import published
from lib.words import Phrase

_LISTED = {
    "id": pl.Int64(),
    "kind": pl.String(),
    "pattern": pl.String(),
    "memo": pl.String(),
    "created_at": INSTANT,
    "removed_at": INSTANT,
}

PREVIEW_DAYS = 30
"""How many days a preview looks at, at least."""

PREVIEW_SECONDS = 5.0
"""How long a preview goes on with older days: of most lakes it sees everything."""

_COUNT = "event_count"
_HIT = {"value": pl.String(), "visitor": pl.String(), _COUNT: pl.Int64()}


@dataclass(frozen=True)
class Preview:
    """What a rule would take out of what is counted: of `event_count`, so many events, of so many visitors.

    It looked at the sessions that began on the UTC date `first` (ISO 8601; null: there are none) or later, and
    `is_whole` says whether these are all that there are. `examples` has the most frequent values that the rule meets:
    `value`, `event_count`. A rule reaches sessions that began on the UTC date `since` or later, None: all; the raw
    events of those before were removed.
    """

    event_count: int
    excluded_count: int
    visitor_count: int
    examples: pl.DataFrame
    first: str | None
    is_whole: bool
    since: str | None


class ExclusionQueries(ViewerQueries):
    """The rules of the viewer's tenant. They reach over all applications, so only who holds every one may keep them."""

    def __init__(self, viewer: Viewer, store: Store, lake: Path) -> None:
        super().__init__(viewer, store)
        self._lake = Lake(lake)

    @needs(Permission.EXCLUSION_MANAGE)
    def listing(self) -> pl.DataFrame:
        """`id`, `kind`, `pattern`, `memo`, `created_at` and `removed_at` (null: it holds), newest first."""
        with self.store.read(self.viewer.tenant_id) as session:
            rules = exclusions.every_rule(session, self.viewer.tenant_id)
        return pl.DataFrame(
            [tuple(getattr(rule, name) for name in _LISTED) for rule in rules], schema=_LISTED, orient="row"
        )

    @needs(Permission.EXCLUSION_MANAGE)
    def preview(self, rule: Rule) -> Preview:
        """What the rule would take out, beside the rules that hold already."""
        self._require_every_application()
        tables = published(self._lake, self.viewer.tenant_id)
        every, until = sorted(tables.files.raw, reverse=True), monotonic() + PREVIEW_SECONDS
        columns = sorted({rule.kind, "visitor"})
        event_count, looked, hits = 0, 0, []
        for day in every:
            if looked >= PREVIEW_DAYS and monotonic() > until:
                break
            counted = tables.events(day).filter(~pl.col("is_excluded"))
            rows = counted.group_by(columns).agg(event_count=pl.len().cast(pl.Int64)).collect()
            event_count += int(rows["event_count"].sum())
            hits.append(rows.filter(matched(rows, [rule])).select(pl.col(rule.kind).alias("value"), "visitor", _COUNT))
            looked += 1
        hit = pl.concat([pl.DataFrame(schema=_HIT), *hits])
        return Preview(
            event_count,
            int(hit[_COUNT].sum()),
            hit["visitor"].n_unique(),
            hit.group_by("value").agg(pl.col(_COUNT).sum()).sort(_COUNT, "value", descending=[True, False]).head(10),
            every[looked - 1] if looked else None,
            looked == len(every),
            tables.files.raw_since,
        )

    @needs(Permission.EXCLUSION_MANAGE)
    def add(self, rule: Rule, memo: str = "") -> None:
        """Let the rule hold, for all of history, from the next refresh on. Raises BadInput where it holds already."""
        self._require_every_application()
        tenant_id, memo = self.viewer.tenant_id, checked_text(memo)[:500]
        with self.store.write(tenant_id) as session:
            if any(
                (row.kind, row.pattern) == (rule.kind, rule.pattern)
                for row in exclusions.active_rules(session, tenant_id)
            ):
                raise BadInput(what=Phrase("refused.rule_holds", pattern=rule.pattern))
            row = exclusions.add_rule(session, tenant_id, rule.kind, rule.pattern, memo)
            new = {"kind": rule.kind, "pattern": rule.pattern, "memo": memo}
            record(session, tenant_id, Operator.of(self.viewer), _act("add", "addition", row, None, new))

    @needs(Permission.EXCLUSION_MANAGE)
    def remove(self, rule_id: int) -> None:
        """Take a rule back: what it excluded is counted again from the next refresh on. Raises NotFound."""
        self._require_every_application()
        tenant_id = self.viewer.tenant_id
        with self.store.write(tenant_id) as session:
            asked = select(ExclusionRule).where(ExclusionRule.tenant_id == tenant_id, ExclusionRule.id == rule_id)
            row = session.scalar(asked.where(ExclusionRule.removed_at.is_(None)))
            if row is None:
                raise NotFound(kind=Phrase("kind.exclusion_rule"), key=rule_id)
            row.removed_at = datetime.now(UTC)
            old = {"kind": row.kind, "pattern": row.pattern, "memo": row.memo}
            record(session, tenant_id, Operator.of(self.viewer), _act("remove", "deletion", row, old, None))

    def _require_every_application(self) -> None:
        if not self.viewer.applications.every:
            raise BadInput(what=Phrase("administration_error.every_application_needed"))


def _act(
    action: str, operation_class: str, row: ExclusionRule, old: dict[str, str] | None, new: dict[str, str] | None
) -> Act:
    return Act(
        "usage",
        action,
        operation_class,
        "exclusion_rule",
        row.pattern,
        str(row.id),
        old,
        new,
        submodule="exclusion_rule",
    )
