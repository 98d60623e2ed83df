"""The description of the read API is true: schemathesis asks everything that it allows, and much that it does not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import schemathesis
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from schemathesis import HookContext
from schemathesis.engine import from_schema
from schemathesis.engine.events import EngineFinished, FatalError, NonFatalError, ScenarioFinished

from lib.api import openapi, reading
from lib.api.parameters import HALF_HOUR, TIME_ZONE
from lib.api.places import APPLICATIONS
from lib.api.resources import Resource, row_schema
from lib.usage.buckets import EARLIEST
from tests.lib.api import Api, made_company, opened

pytestmark = pytest.mark.spec("I4")

_FIRST = datetime(2001, 1, 1, tzinfo=UTC)
INSTANTS = st.integers(0, 90 * 365 * 48).map(lambda halves: _FIRST + timedelta(minutes=30 * halves))
schemathesis.openapi.format(
    HALF_HOUR,
    INSTANTS.map(lambda at: at.isoformat()) | INSTANTS.map(lambda at: f"{at:%Y-%m-%d}"),
)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    made = opened(made_company(tmp_path_factory.mktemp("company")))
    yield made
    made.store.dispose()


ZONES = st.sampled_from(("UTC", "Asia/Shanghai", "America/New_York", "Asia/Kathmandu", "Africa/Cairo"))
schemathesis.openapi.format(TIME_ZONE, ZONES)
KNOWN = {"tenant": "acme", "mini_program": "shop", "application": "web"}


def meant(query: dict[str, Any]) -> dict[str, Any]:
    """What JSON Schema cannot say: a period ends after it begins, and most keys name something."""
    known = {name: KNOWN[name] for name, text in query.items() if name in KNOWN and is_key(text)}
    query = query | known
    try:
        since, until = (datetime.fromisoformat(query[name][:10]) for name in ("since", "until"))
    except (KeyError, TypeError, ValueError):
        return query
    return query if until - since > timedelta(days=3) else {**query, "since": f"{EARLIEST:%Y-%m-}02"}


def is_key(text: object) -> bool:
    """Whether the description allows it as a key."""
    return isinstance(text, str) and re.fullmatch("[A-Za-z0-9][A-Za-z0-9._:-]{0,99}", text) is not None


def failures(api: Api, resource: Resource) -> list[str]:
    """What schemathesis finds wrong with a resource in its phases and by its checks as they are by default."""
    schema = schemathesis.openapi.from_asgi(openapi.PATH, api.app).include(path=resource.path)
    schema.config.update(headers={"Authorization": f"Bearer {api.token('boss')}"})
    schema.config.generation.update(max_examples=20, deterministic=True, database="none")

    @schema.hook
    def map_query(_context: HookContext, query: dict[str, Any] | None) -> dict[str, Any] | None:
        return meant(query) if query else query

    events = list(from_schema(schema).execute())
    assert isinstance(events[-1], EngineFinished)
    faults = [str(event.value) for event in events if isinstance(event, NonFatalError)]
    faults += [str(event.exception) for event in events if isinstance(event, FatalError)]
    recorders = [event.recorder for event in events if isinstance(event, ScenarioFinished)]
    assert sum(len(recorder.cases) for recorder in recorders) >= 10
    checks = [check for recorder in recorders for case in recorder.checks.values() for check in case]
    return faults + [
        f"{check.name}: {check.failure_info.failure.message} {check.failure_info.code_sample}"
        for check in checks
        if check.failure_info is not None
    ]


@pytest.mark.parametrize("resource", reading.RESOURCES, ids=lambda resource: resource.path)
def test_every_answer_is_as_described(api: Api, resource: Resource) -> None:
    assert failures(api, resource) == []


def test_an_answer_that_is_not_as_described_is_caught(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = replace(APPLICATIONS, row=row_schema({"key": {"type": "integer"}}))
    monkeypatch.setattr(reading, "RESOURCES", (planted,))
    assert any("is not of type" in failure for failure in failures(api, planted))


def test_the_description_names_each_resource_with_an_example_of_its_own_row(api: Api) -> None:
    status, described = api.ask("openapi.json")
    assert status == 200
    assert set(described["paths"]) == {each.path for each in reading.RESOURCES}
    for path in described["paths"].values():
        content = path["get"]["responses"]["200"]["content"]["application/json"]
        Draft202012Validator(content["schema"]).validate(content["example"])
