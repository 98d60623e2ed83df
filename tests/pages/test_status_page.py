"""The status page: what came in and what became of it, and the recount (SPEC T5, T6)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from lib.access.viewer import EVERY_TENANT
from lib.logs.record import COMMAND
from lib.queries.administration import IngestKeyInput
from lib.queries.administration.ingest_keys import add_ingest_key
from lib.store import Store, intake_tallies
from lib.store.intake_tallies import Sent
from lib.store.locks import job_lock
from lib.store.tables import IngestKey
from tests.pages.conftest import App

WEEK = "2024-05-12..2024-05-18"
HOSTILE = "[lib](http://evil.example)/<b>1"


@pytest.mark.spec("T5")
def test_late_and_repeated_events_are_summed_and_senders_listed(app: App, company: Store) -> None:
    with company.write(EVERY_TENANT) as session:
        add_ingest_key(session, 1, COMMAND, IngestKeyInput("shop", "web"))
        key = session.scalars(select(IngestKey)).one()
        outcomes = {"": 1234, "bad_time": 2, "new_one": 1}
        counts = {Sent(key.id, HOSTILE, reason): count for reason, count in outcomes.items()}
        intake_tallies.add(session, 1, datetime(2024, 5, 12, 10, tzinfo=UTC), counts)
    today = app("amy", "status", period="today")
    cards = {card.label: card.value for card in today.metric}
    assert (cards["Added"], cards["Late"], cards["Repeated"], cards["Excluded"]) == ("5", "0", "0", "0")
    assert "No client library sent anything" in today.info[0].value
    at = app("amy", "status", period=WEEK)
    assert not at.exception
    assert {card.label: card.value for card in at.metric}["Added"] == "0"
    rows = [row[1:5] for row in at.dataframe[0].value.itertuples(index=False, name=None)]
    assert rows == [
        ("shop", HOSTILE, "Accepted", 1234),
        ("shop", HOSTILE, "Refused: a time cannot be read", 2),
        ("shop", HOSTILE, "new_one", 1),
    ]


@pytest.mark.spec("T6")
def test_a_recount_runs_at_a_click_and_says_what_it_found(app: App, company: Store) -> None:
    at = app("amy", "status", period=WEEK)
    assert not at.success
    with job_lock(company, "recount"):
        at.button(key="recount").click().run()
        assert "is already running" in at.error[0].value
    at.button(key="recount").click().run()
    assert at.success[0].value.startswith("All ")
    assert at.success[0].value.endswith(" figures agree with the recount (0 differ).")
    assert not at.error
    at.segmented_control(key="address.period").set_value("today").run()
    assert not at.success
