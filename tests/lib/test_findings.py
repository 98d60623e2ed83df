"""Findings: what was planted is found, each once, and an honest month has none (SPEC O10)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from lib.jobs.findings import look
from lib.logs.findings import RULE_BY_KEY, RULES
from lib.logs.rows import OperationRecord
from lib.store import Store
from tests.lib.watched import (
    NOW,
    at,
    call,
    export,
    found,
    honest_month,
    keep,
    operation,
    tries,
    watched_tenant,
)

pytestmark = pytest.mark.spec("O10")

PLANTED: dict[str, tuple[list[OperationRecord], dict[str, tuple[Any, ...]]]] = {
    "an export of many rows": (
        [export("bob", at(15.2), 60_000, object_name="people.csv")],
        {"mass_export": ("bob", at(15), 60_200, 200.0, ["log.csv", "people.csv"])},
    ),
    "many rows a day, a little at a time": (
        [export("bob", at(9 + n / 2), 20_000) for n in range(10)],
        {"mass_export_day": ("bob", at(0), 200_200, 200.0, ["log.csv"])},
    ),
    "many downloads": (
        [operation("amy", at(11, 1), action="download", submodule="", object_name=f"{n}") for n in range(30)],
        {"frequent_download": ("amy", at(11, 1), 30, 1.0, ["0", "1", "10", "11", "12"])},
    ),
    "many calls of the open API": (
        [call(at(12) + timedelta(seconds=n)) for n in range(600)],
        {"openapi_surge": ("robot", at(12), 602, 2.0, ["openapi_request"])},
    ),
    "an action that never came by the open API": (
        [call(at(12), "delete", submodule=""), call(at(13), "delete", submodule="")],
        {"openapi_first": ("robot", at(12), 1, None, ["datafinder/advanced_analysis/delete"])},
    ),
    "somebody who never used the open API": (
        [operation("bob", at(10), channel="openapi")],
        {"openapi_first": ("bob", at(10), 1, None, ["datafinder/dashboard/dashboard/edit"])},
    ),
    "somebody at night": (
        [operation("陈晨", at(2.3) + timedelta(seconds=n)) for n in range(6)],
        {"odd_hours": ("陈晨", at(2), 6, None, ["edit"])},
    ),
    "somebody from elsewhere": (
        [operation("amy", at(9), address="203.0.113.9"), operation("amy", at(9), address="2001:db8:1:2::3")],
        {"first_address": ("amy", at(9), 2, None, ["2001:db8:1::/48", "203.0.113.0/24"])},
    ),
    "a log that was removed": (
        [
            operation(
                "bob", at(10), product="daybook", module="operation_log", action="remove", operation_class="deletion"
            )
        ],
        {"log_deletion": ("bob", at(10), 1, None, ["remove"])},
    ),
    "a log file that was deleted": (
        [operation("bob", at(10), module="server", object_type="log_file", action="drop", operation_class="deletion")],
        {"log_deletion": ("bob", at(10), 1, None, ["drop"])},
    ),
    "AWS told to log no more": (
        [operation("bob", at(10), product="aws", module="cloudtrail", submodule="", action="StopLogging")],
        {"log_deletion": ("bob", at(10), 1, None, ["StopLogging"])},
    ),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_what_was_planted_is_found_and_nothing_else(sqlite_store: Store, planted: str) -> None:
    records, expected = PLANTED[planted]
    tenant_id = watched_tenant(sqlite_store)
    keep(sqlite_store, tenant_id, [*honest_month(), *records])
    look(sqlite_store, NOW)
    assert told(sqlite_store, tenant_id) == expected


def told(store: Store, tenant_id: int) -> dict[str, tuple[Any, ...]]:
    """Of each finding by its rule: who, since when, how much, what is usual, examples."""
    rows = found(store, tenant_id)
    assert len({row.rule for row in rows}) == len(rows)
    return {row.rule: (row.who, row.bucket_at, row.observed, row.usual, row.facts["told"]) for row in rows}


def account(action: str, old: object, new: object, at_hour: float = 10, **given: Any) -> OperationRecord:
    ours = {"product": "daybook", "module": "administration", "submodule": "account", "object_type": "account"}
    return operation(
        "bob", at(at_hour), **(ours | {"action": action, "object_name": "eve", "old": old, "new": new} | given)
    )


RAISES: dict[str, tuple[OperationRecord, list[str]]] = {
    "a role": (account("edit", {"roles": ["viewer"]}, {"roles": ["operator", "viewer"]}), ["eve: operator"]),
    "a new account's role": (account("add", None, {"type": "ordinary", "roles": ["viewer"]}), ["eve: viewer"]),
    "a type": (account("edit", {"type": "ordinary"}, {"type": "platform"}), ["eve: platform"]),
    "a new administrator": (account("add", None, {"type": "system"}), ["eve: system"]),
    "every application": (
        account("edit", {"application_scope": "listed"}, {"application_scope": "every"}),
        ["eve: every application"],
    ),
    "a permission of a role": (
        account("edit", {"permissions": ["usage:read"]}, {"permissions": ["usage:read", "x:y"]}, submodule="role"),
        ["eve: x:y"],
    ),
    "rights in DataFinder": (
        operation("bob", at(10), action="authorize", object_name="看板"),
        ["看板"],
    ),
    "rights in AWS": (
        operation("bob", at(10), product="aws", module="iam", submodule="", action="AttachUserPolicy"),
        [],
    ),
}

NO_RAISES: dict[str, OperationRecord] = {
    "a role taken away": account("edit", {"roles": ["viewer"]}, {"roles": []}),
    "a lower type": account("edit", {"type": "system"}, {"type": "platform"}),
    "a role that nobody has yet": account("add", None, {"permissions": ["usage:read"]}, submodule="role"),
    "another name": account("edit", {"display_name": "Eve"}, {"display_name": "E"}),
    "a failed one": account("edit", {"type": "ordinary"}, {"type": "platform"}, result="failure"),
    "no values": account("edit", None, None),
    "values of another kind": account("edit", ["roles"], {"roles": {"a": 1}, "type": ["x"]}),
}


@pytest.mark.parametrize("raise_", RAISES)
def test_more_rights_are_found_with_what_was_given_to_whom(sqlite_store: Store, raise_: str) -> None:
    record, expected = RAISES[raise_]
    tenant_id = watched_tenant(sqlite_store)
    keep(sqlite_store, tenant_id, [*honest_month(), record])
    look(sqlite_store, NOW)
    assert told(sqlite_store, tenant_id) == {"raised_privileges": ("bob", at(10), 1, None, expected)}
    (row,) = found(sqlite_store, tenant_id)
    assert row.records == {"operators": ["bob"], "actions": [record.action]}


@pytest.mark.parametrize("change", NO_RAISES)
def test_as_many_rights_or_fewer_are_no_finding(sqlite_store: Store, change: str) -> None:
    tenant_id = watched_tenant(sqlite_store)
    keep(sqlite_store, tenant_id, [*honest_month(), NO_RAISES[change]])
    look(sqlite_store, NOW)
    assert told(sqlite_store, tenant_id) == {}


def test_an_honest_month_has_no_finding_and_the_retention_rule_is_honest(store: Store) -> None:
    tenant_id = watched_tenant(store)
    purge = operation("amy", at(3), product="daybook", module="retention", action="purge", operation_class="deletion")
    scheduled = OperationRecord(
        **{name: getattr(purge, name) for name in purge.__slots__} | {"operator": "schedule", "channel": "system"}
    )
    keep(store, tenant_id, [*honest_month(), scheduled])
    tries(store, tenant_id, [(at(9, day), "amy", "10.0.0.7", "failure") for day in range(30)] * 2)
    assert look(store, NOW).findings == 0
    assert found(store, tenant_id) == []


def test_looking_again_finds_nothing_more_and_reads_nothing_twice(store: Store) -> None:
    tenant_id = watched_tenant(store)
    keep(store, tenant_id, [*honest_month(), *every_plant()])
    first = look(store, NOW)
    rows = [(row.rule, row.who, row.bucket_at, row.observed, row.usual, row.facts) for row in found(store, tenant_id)]
    assert first.findings == len(rows) == 11
    assert {row[0] for row in rows} == {rule.key for rule in RULES} - {
        "raised_privileges",
        "names_tried",
        "failed_sign_ins",
    }
    again = look(store, NOW + timedelta(minutes=30))
    assert (again.findings, again.buckets) == (0, 1)
    assert len(found(store, tenant_id)) == len(rows)


def every_plant() -> Iterable[OperationRecord]:
    for records, _ in PLANTED.values():
        yield from records
