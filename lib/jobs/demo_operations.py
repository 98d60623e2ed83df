"""The demo's operation log: what its people did over four weeks, the same for the same end."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from sqlalchemy.orm import Session

from lib.jobs.demo_company import ORGANIZATIONS
from lib.jobs.demo_people import PEOPLE, REASONS, STATUS_AFTER, THINGS, Person, Thing
from lib.logs.append import Appended, append
from lib.logs.catalogue import CLASSES, catalogued
from lib.logs.rows import OperationRecord
from lib.store.catalogue import organization_ids

DAYS = 28
PER_DAY = 26
SEED = 20_240_601
SOURCE = "demo"

_SHANGHAI = timezone(timedelta(hours=8))
_FAILURES = 0.035
_APPLICATIONS = {"own": "lantern-app", "partners": "city-card"}

Values = dict[str, Any]


def add_operations(session: Session, tenant_id: int, until: datetime) -> Appended:
    """Add the operations of the four weeks before `until` to the transaction; those that are there already stay."""
    return append(session, tenant_id, list(operations_until(until, organization_ids(session, tenant_id))))


def operations_until(until: datetime, organizations: Mapping[str, int]) -> Iterator[OperationRecord]:
    """The operations, oldest first; `organizations` are the ids by key."""
    drawn = random.Random(SEED)  # noqa: S311 (not for secrets)
    objects = {thing.key: [dict(each) for each in thing.objects] for thing in THINGS}
    moments = sorted(_moments(drawn, until))
    told = _story(until)
    for number, at in enumerate(moments):
        while told and told[0][0] <= at:
            moment, person, thing, place, edit, action = told.pop(0)
            name = f"story-{len(told)}"
            yield _done(drawn, name, moment, person, thing, objects, organizations, action, place, edit)
        person = drawn.choices(PEOPLE, [each.weight for each in PEOPLE])[0]
        thing = _thing(drawn.choice(person.things))
        action = drawn.choices(list(thing.actions), list(thing.actions.values()))[0]
        place = drawn.randrange(len(objects[thing.key]))
        yield _done(drawn, f"{number}", at, person, thing, objects, organizations, action, place, None)


def _moments(drawn: random.Random, until: datetime) -> Iterator[datetime]:
    """Mostly in working hours at +08:00, a few at the weekend."""
    for days_before in range(DAYS):
        midnight = (until.astimezone(_SHANGHAI) - timedelta(days=days_before)).replace(hour=0, minute=0, second=0)
        busy = PER_DAY if midnight.weekday() < 5 else PER_DAY // 5
        for _ in range(busy + drawn.randrange(-4, 5)):
            hour = min(max(drawn.gauss(14.2, 2.8), 7.5), 23.4)
            at = midnight + timedelta(hours=hour, milliseconds=drawn.randrange(1000))
            if at < until:
                yield at


def _story(until: datetime) -> list[tuple[datetime, Person, Thing, int, Values, str]]:
    """What somebody may want to find out: who switched the dashboard off, and who on again."""
    midnight = (until.astimezone(_SHANGHAI)).replace(hour=0, minute=0, second=0)
    tom, mei = (next(each for each in PEOPLE if each.name == name) for name in ("tom.becker", "林梅"))
    dashboard = _thing("dashboard")
    off = {"status": "disabled", "dashboard_description": "Replaced by the autumn one 由秋季看板替代"}
    return [
        (midnight - timedelta(days=4) + timedelta(hours=18, minutes=42), tom, dashboard, 0, off, "edit"),
        (
            midnight - timedelta(days=2) + timedelta(hours=9, minutes=6),
            mei,
            dashboard,
            0,
            {"status": "enabled"},
            "edit",
        ),
    ]


def _done(
    drawn: random.Random,
    name: str,
    at: datetime,
    person: Person,
    thing: Thing,
    objects: dict[str, list[Values]],
    organizations: Mapping[str, int],
    action: str,
    place: int,
    edit: Values | None,
) -> OperationRecord:
    """One operation; what it changes stays changed for the next."""
    entry = catalogued(thing.product, thing.module, thing.submodule, action)
    operation_class = entry.operation_class if entry else CLASSES[2]
    fails = edit is None and drawn.random() < _FAILURES
    target = objects[thing.key][place]
    old, new = _change(drawn, thing, action, operation_class, target, edit, name)
    if not fails and new is not None and operation_class == "modification":
        objects[thing.key][place] = new
    shown = new or old or target
    organization = next(label for key, _, label in ORGANIZATIONS if key == person.organization)
    return OperationRecord(
        occurred_at=at,
        operator=person.name,
        role=person.role,
        organization=organization,
        organization_id=organizations.get(person.organization),
        product=thing.product,
        project=thing.project,
        application=_APPLICATIONS[thing.project] if thing.product == "dmhub" else "",
        module=thing.module,
        submodule=thing.submodule,
        action=action,
        operation_class=operation_class,
        object_type=thing.key,
        object_name=str(shown[thing.name_field]),
        object_id=str(shown[thing.id_field]),
        channel=person.channel,
        result="failure" if fails else "success",
        address=person.address,
        request_id=f"{drawn.getrandbits(64):016x}",
        old=old,
        new=new,
        content=drawn.choice(REASONS) if fails else "",
        source=SOURCE,
        event_id=name,
        is_catalogued=entry is not None,
    )


def _change(
    drawn: random.Random,
    thing: Thing,
    action: str,
    operation_class: str,
    target: Values,
    edit: Values | None,
    name: str,
) -> tuple[Values | None, Values | None]:
    if edit is not None:
        return target, {**target, **edit}
    if operation_class == "addition":
        made = {**target, thing.id_field: f"{target[thing.id_field]}-{name}"}
        return None, {**made, thing.name_field: f"{target[thing.name_field]} {name}"}
    if operation_class == "deletion":
        return target, None
    if operation_class == "querying":
        return None, {**target, "rows": drawn.randrange(20, 4000)} if action != "query" else target
    if action in STATUS_AFTER:
        return target, {**target, "status": STATUS_AFTER[action]}
    field, values = drawn.choice(list(thing.edits.items()))
    return target, {**target, field: drawn.choice([value for value in values if value != target.get(field)])}


def _thing(key: str) -> Thing:
    return next(thing for thing in THINGS if thing.key == key)
