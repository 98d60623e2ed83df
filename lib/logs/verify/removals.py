"""What the retention rule removed: recorded, as old as the rule says, and under no legal hold, or it is a finding."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from sqlalchemy.orm import Session

from lib.logs.verify.findings import Finding, Kind, instant_of_id
from lib.logs.verify.rows import Covered
from lib.store import proofs
from lib.store.tables import OperationHold, OperationRemoval
from lib.store.time_ids import first_id

LEAST_DAYS: Final = 183
"""How long operations are kept at least, whatever a tenant sets."""


def covered_by_removals(session: Session, tenant_id: int) -> tuple[list[Covered], list[Finding]]:
    """What removals cover, those without a record left out, and what is wrong with any of them."""
    covered: list[Covered] = []
    findings: list[Finding] = []
    holds = proofs.holds(session, tenant_id)
    for removal in proofs.removals(session, tenant_id):
        position = proofs.position_of(session, tenant_id, removal.operation_id)
        told = _record_of(session, removal)
        if told is None and position is not None and _is_covered(covered, removal.operation_id, position):
            continue  # a later removal took its record with it, and covers all that it covered
        if told is None or (position is not None and position < removal.tree_size):
            findings.append(_finding(removal, "unrecorded_removal", position))
            continue
        covered.append(Covered(removal.below_id, removal.tree_size))
        findings += _against_rule(removal, told, holds, position)
    return covered, findings


def record_of_removal(below_id: int, tree_size: int, root: bytes, count: int, keeps_days: int) -> dict[str, Any]:
    """What the log says of a removal: enough to prove later what was there, and that it had to go."""
    return {
        "count": count,
        "below_id": str(below_id),
        "before": instant_of_id(below_id).isoformat(),
        "tree_size": tree_size,
        "root": root.hex(),
        "keeps_days": keeps_days,
    }


def _record_of(session: Session, removal: OperationRemoval) -> dict[str, Any] | None:
    """What the log says of the removal; None where it says nothing, or something else."""
    body = proofs.body_of(session, removal.tenant_id, removal.operation_id)
    try:
        told: dict[str, Any] = orjson.loads(body or "null")
        said = told["old"]
        named = (told["module"], told["action"], told["object_type"])
        is_right = (int(said["below_id"]), said["tree_size"]) == (removal.below_id, removal.tree_size)
    except (ValueError, KeyError, TypeError):
        return None
    return {**said, "received_at": told["received_at"]} if is_right and named == RECORDED_AS else None


RECORDED_AS: Final = ("operation_log", "remove", "operation")
"""Module, action and object type of the operation that tells of a removal."""


def _is_covered(covered: list[Covered], operation_id: int, position: int) -> bool:
    return any(operation_id < each.below_id and position < each.tree_size for each in covered)


def _against_rule(
    removal: OperationRemoval, told: dict[str, Any], holds: list[OperationHold], position: int | None
) -> list[Finding]:
    at, days = datetime.fromisoformat(told["received_at"]), told["keeps_days"]
    found = []
    if not (isinstance(days, int) and days >= LEAST_DAYS and removal.below_id <= first_id(at - timedelta(days=days))):
        found.append(_finding(removal, "early_removal", position, days=days))
    for hold in holds:
        is_held = hold.made_at <= at and (hold.lifted_at is None or hold.lifted_at > at)
        if is_held and (hold.since is None or first_id(hold.since) < removal.below_id):
            found.append(_finding(removal, "removal_under_hold", position, reason=hold.reason))
    return found


def _finding(removal: OperationRemoval, words: str, position: int | None, **facts: object) -> Finding:
    told = {"before": instant_of_id(removal.below_id), "begun_at": removal.begun_at, **facts}
    return Finding(Kind.REMOVED_AGAINST_RULE, words, removal.tenant_id, removal.operation_id, position, told)
