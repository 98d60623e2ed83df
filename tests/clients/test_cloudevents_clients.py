"""The CloudEvents libraries of PyPI and npm, unmodified, against a real server: every mode, and each operation once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from lib.access.viewer import EVERY_TENANT
from lib.store.tables import Operation
from tests.clients.flaky import Flaky
from tests.clients.test_clients import run
from tests.lib.collecting import new_key
from tests.lib.companies import make_companies
from tests.site import Site

SCRIPTS = {"python": "cloudevents_python.py", "node": "cloudevents_node.js"}

# npm's library writes headers as they are, which HTTP keeps to Latin-1; PyPI's percent-encodes them.
SUBJECTS = {"python": '看板 "1" 100%', "node": "chart/1"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A collector, and two companies."""
    served = Site(tmp_path_factory.mktemp("home"), options=("--collector-only",))
    make_companies(served.store)
    served.start()
    yield served
    served.stop()


def events(source: str, subject: str) -> list[dict[str, Any]]:
    """What 李雷 did with three charts."""
    told: dict[str, Any] = {"operator": "李雷", "product": "datafinder", "module": "dashboard", "submodule": "chart"}
    return [
        {
            "id": f"{source}-{number}",
            "source": f"https://{source}.example",
            "type": "daybook.operation.v1",
            "subject": subject,
            "time": f"2026-05-12T08:30:0{number}+00:00",
            "data": {**told, "action": action, "object_name": "日活", "new": {"title": "50% \u2028 </script>"}},
        }
        for number, action in enumerate(("create", "edit", "delete"))
    ]


@pytest.mark.parametrize("library", SCRIPTS)
@pytest.mark.parametrize("mode", ["structured", "binary", "batch"])
@pytest.mark.spec("I2")
def test_what_a_library_sends_is_in_the_log_once_though_it_sends_again(site: Site, library: str, mode: str) -> None:
    source = f"{library}-{mode}"
    sent = events(source, SUBJECTS[library])
    key = new_key(site.store)
    for _ in range(2):
        said = run(SCRIPTS[library], f"{site.url}/v1/events", key, mode, json.dumps(sent)).splitlines()
        answers = [json.loads(line.partition(" ")[2]) for line in said]
        assert all(line.startswith("200 ") for line in said)
        assert sum(answer["received"] for answer in answers) == 3
    asked = select(Operation).where(Operation.source == f"https://{source}.example").order_by(Operation.id)
    with site.store.read(EVERY_TENANT) as session:
        rows = list(session.scalars(asked))
    assert [(row.operator, row.action, row.occurred_at) for row in rows] == [
        ("李雷", event["data"]["action"], datetime.fromisoformat(event["time"])) for event in sent
    ]
    assert [json.loads(row.body)["new"] for row in rows] == [event["data"]["new"] for event in sent]


def test_a_library_hears_which_field_is_wrong(site: Site) -> None:
    wrong = events("wrong", "x")
    del wrong[1]["data"]["operator"]
    said = run("cloudevents_python.py", f"{site.url}/v1/events", new_key(site.store), "batch", json.dumps(wrong))
    status, _, told = said.strip().partition(" ")
    assert (status, json.loads(told)["field"], json.loads(told)["index"]) == ("400", "data.operator", 1)


@pytest.mark.spec("I2")
def test_an_answer_that_is_lost_and_asked_again_adds_nothing(site: Site) -> None:
    sent, key = events("flaky", "x"), new_key(site.store)
    with Flaky(site.port) as network:
        for _ in range(3):
            try:
                run("cloudevents_python.py", f"{network.url}/v1/events", key, "structured", json.dumps(sent))
            except AssertionError:  # the script ends where its connection does
                continue
        assert network.lost >= 1
    run("cloudevents_python.py", f"{site.url}/v1/events", key, "structured", json.dumps(sent))
    with site.store.read(EVERY_TENANT) as session:
        found = list(session.scalars(select(Operation.action).where(Operation.source == "https://flaky.example")))
    assert sorted(found) == ["create", "delete", "edit"]
