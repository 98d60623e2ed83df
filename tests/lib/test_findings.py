"""Findings: what was planted is found, each once, and an honest month has none (SPEC O10)."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lib.jobs.findings import Looked, look
from lib.jobs.seal import seal
from lib.logs.findings import RULE_BY_KEY, RULES
from lib.logs.findings.measures import EVERY_MEASURE, SEEN_MEASURES
from lib.logs.record import SYSTEM_TENANT
from lib.logs.rows import OperationRecord
from lib.settings import Settings, load_settings
from lib.store import Store, schema
from lib.store.tables import Finding, FindingThreshold
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
    "somebody from abroad": (
        [operation("amy", at(9), address="8.8.8.8"), operation("amy", at(9.2), address="202.96.128.86")],
        {
            "first_address": ("amy", at(9), 2, None, ["202.96.128.0/24", "8.8.8.0/24"]),
            "first_country": ("amy", at(9), 2, None, ["CN", "US"]),
        },
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


@pytest.fixture(scope="module")
def _honest_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the honest month, sealed and looked through."""
    settings = load_settings({"DAYBOOK_HOME": str(tmp_path_factory.mktemp("honest"))})
    store = Store(settings.database_url)
    schema.migrate(store)
    keep(store, watched_tenant(store), honest_month())
    seal(store, settings)
    assert look(store, NOW).findings == 0
    store.dispose()
    return settings.home / "daybook.sqlite"


@pytest.fixture
def month(home: Settings, _honest_file: Path) -> Iterator[Store]:
    """A tenant (number 1) after its honest month; what is added now arrives late."""
    shutil.copy(_honest_file, home.home / "daybook.sqlite")
    store = Store(home.database_url)
    yield store
    store.dispose()


ACME = 1


@pytest.mark.parametrize("planted", PLANTED)
def test_what_was_planted_is_found_and_nothing_else(month: Store, planted: str) -> None:
    records, expected = PLANTED[planted]
    keep(month, ACME, records)
    look(month, NOW)
    assert told(month, ACME) == expected


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
def test_more_rights_are_found_with_what_was_given_to_whom(month: Store, raise_: str) -> None:
    record, expected = RAISES[raise_]
    keep(month, ACME, [record])
    look(month, NOW)
    assert told(month, ACME) == {"raised_privileges": ("bob", at(10), 1, None, expected)}
    (row,) = found(month, ACME)
    assert row.records == {"operators": ["bob"], "actions": [record.action]}


@pytest.mark.parametrize("change", NO_RAISES)
def test_as_many_rights_or_fewer_are_no_finding(month: Store, change: str) -> None:
    keep(month, ACME, [NO_RAISES[change]])
    look(month, NOW)
    assert told(month, ACME) == {}


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


def test_looking_again_reads_what_closed_and_what_arrived_late_and_finds_nothing_twice(
    store: Store, home: Settings
) -> None:
    tenant_id = watched_tenant(store)
    keep(store, tenant_id, [*honest_month(), *every_plant()])
    first = look(store, NOW)
    before = facts(store, tenant_id)
    assert first.findings == len(before) == 10
    assert {row[0] for row in before} == {rule.key for rule in RULES} - {
        "raised_privileges",
        "names_tried",
        "failed_sign_ins",
    }
    seal(store, home)
    again = look(store, NOW + timedelta(minutes=30))
    assert (again.findings, facts(store, tenant_id)) == (0, before)
    last = look(store, NOW + timedelta(minutes=60))
    assert last == Looked(buckets=2)  # one of the tenant, one of what belongs to none
    keep(store, tenant_id, [export("陈晨", at(9, 3), 70_000)])
    late = look(store, NOW + timedelta(minutes=90))
    assert (late.buckets, late.findings) == (3, 1)
    assert facts(store, tenant_id)[:-1] == before
    assert facts(store, tenant_id)[-1][:3] == ("mass_export", "陈晨", at(9, 3))


def facts(store: Store, tenant_id: int) -> list[tuple[Any, ...]]:
    return [(row.rule, row.who, row.bucket_at, row.observed, row.usual, row.facts) for row in found(store, tenant_id)]


def test_what_arrives_in_a_half_hour_that_is_open_is_found_when_it_has_closed(month: Store) -> None:
    keep(month, ACME, [export("bob", NOW, 60_000)])
    assert look(month, NOW).findings == 0
    assert look(month, NOW).findings == 0
    assert look(month, NOW + timedelta(minutes=30)).findings == 1


def test_an_open_finding_takes_on_what_arrives_and_an_acknowledged_one_stays(month: Store) -> None:
    keep(month, ACME, [export("bob", at(15), 60_000)])
    look(month, NOW)
    keep(month, ACME, [export("bob", at(15.1), 10_000)])
    assert look(month, NOW).findings == 0
    assert [row.observed for row in found(month, ACME)] == [70_200]
    with month.write(ACME) as session:
        session.get_one(Finding, found(month, ACME)[0].id).acknowledged_at = NOW
    keep(month, ACME, [export("bob", at(15.2), 10_000)])
    look(month, NOW)
    assert [row.observed for row in found(month, ACME)] == [70_200]


def every_plant() -> Iterable[OperationRecord]:
    for records, _ in PLANTED.values():
        yield from records


def test_failed_sign_ins_are_found_by_name_and_by_address(store: Store) -> None:
    tenant_id = watched_tenant(store)
    look(store, NOW - timedelta(hours=2))
    once = [(NOW - timedelta(minutes=20 - n), "amy", "192.0.2.7", "failure") for n in range(4)]
    tries(store, tenant_id, [*once, (NOW - timedelta(minutes=10), "amy", "192.0.2.8", "locked")])
    sprayed = [(NOW - timedelta(minutes=50), f"x…{n}", "198.51.100.1", "failure") for n in range(6)]
    tries(store, None, [*sprayed, *sprayed])
    tries(store, tenant_id, [(NOW - timedelta(minutes=35), "bob", "192.0.2.7", "success")] * 9)
    look(store, NOW)
    begun = NOW - timedelta(minutes=31)
    assert told(store, tenant_id) == {"failed_sign_ins": ("amy", begun, 5, None, ["192.0.2.7", "192.0.2.8"])}
    assert told(store, SYSTEM_TENANT) == {
        "names_tried": ("198.51.100.1", NOW - timedelta(minutes=61), 6, None, [f"x…{n}" for n in range(5)])
    }
    (row,) = found(store, SYSTEM_TENANT)
    assert row.records == {"modules": ["account"], "actions": ["sign_in_failed"]}


def test_what_one_tenant_does_is_nothing_of_anothers(store: Store) -> None:
    acme, globex = watched_tenant(store), watched_tenant(store, "globex")
    keep(store, acme, honest_month())
    keep(store, globex, [*honest_month(), export("bob", at(15.2), 60_000)])
    look(store, NOW)
    assert (told(store, acme), [*told(store, globex)]) == ({}, ["mass_export"])


def test_thresholds_of_the_tenant_hold_and_rules_that_are_off_find_nothing(month: Store) -> None:
    set_threshold(month, "mass_export", given={"least": 200_000})
    set_threshold(month, "frequent_download", given={"least": 2, "times": 1})
    set_threshold(month, "log_deletion", is_on=False)
    keep(month, ACME, every_plant())
    look(month, NOW)
    assert {row.rule for row in found(month, ACME)} == {
        "mass_export_day",
        "frequent_download",
        "openapi_surge",
        "openapi_first",
        "odd_hours",
        "first_address",
        "first_country",
    }
    assert {row.threshold for row in found(month, ACME) if row.rule == "frequent_download"} == {2}


def set_threshold(store: Store, rule: str, *, given: dict[str, Any] | None = None, is_on: bool = True) -> None:
    with store.write(ACME) as session:
        session.add(FindingThreshold(tenant_id=ACME, rule=rule, is_on=is_on, given=given or {}))


def test_the_clock_of_odd_hours_is_the_zones(month: Store) -> None:
    set_threshold(month, "odd_hours", given={"zone": "Asia/Shanghai", "from_hour": 0, "until_hour": 8, "times": 1})
    keep(month, ACME, [operation("amy", at(23.5, 1) + timedelta(seconds=n)) for n in range(6)])
    keep(month, ACME, [operation("bob", at(0.5) + timedelta(seconds=n)) for n in range(6)])
    look(month, NOW)
    assert told(month, ACME) == {"odd_hours": ("amy", at(23.5, 1), 6, 1.0, ["edit"])}


def test_who_often_works_at_night_is_found_when_it_is_far_more_than_usual(month: Store) -> None:
    keep(month, ACME, [operation("amy", at(23, day) + timedelta(seconds=n)) for day in range(1, 7) for n in range(4)])
    keep(month, ACME, [operation("amy", at(23) + timedelta(seconds=n)) for n in range(11)])
    look(month, NOW)
    assert told(month, ACME) == {}
    keep(month, ACME, [operation("amy", at(23.1))])
    look(month, NOW)
    assert told(month, ACME) == {"odd_hours": ("amy", at(23), 12, 4.0, ["edit"])}


def test_a_row_count_that_is_none_counts_nothing(month: Store) -> None:
    counts = ("many", -5, None, [60_000], {"rows": 1}, True)
    keep(month, ACME, [export("bob", at(12), 0, new={"rows": count}) for count in counts])
    keep(month, ACME, [export("bob", at(12), 0, new=None), export("bob", at(12), 0, new=[1])])
    keep(month, ACME, [export("bob", at(12), 60_000, result="failure"), export("bob", at(12), 60_000, action="begin")])
    look(month, NOW)
    assert told(month, ACME) == {}


def test_a_name_of_a_megabyte_and_one_of_nothing_are_found_too(store: Store) -> None:
    tenant_id = watched_tenant(store)
    keep(store, tenant_id, honest_month())
    for name in ("x" * 1_000_000, "", "'); DROP TABLE finding;--"):
        given = replace(export("bob", at(12), 60_000, object_name=name, address="not an address" * 100), operator=name)
        keep(store, tenant_id, [given])
    look(store, NOW)
    assert sorted((row.rule, row.who) for row in found(store, tenant_id)) == [
        ("mass_export", ""),
        ("mass_export", "'); DROP TABLE finding;--"),
        ("mass_export", "x" * 200),
    ]


def test_every_rule_names_a_measure_that_is_counted() -> None:
    counted = {*EVERY_MEASURE, *(measure.key for measure in SEEN_MEASURES)}
    assert {rule.measure for rule in RULES} == counted
    assert len(RULE_BY_KEY) == len(RULES)
