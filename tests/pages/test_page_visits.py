"""Which openings of pages are visits: one for each change of the page in a tab, none for its reruns."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lib.access.permissions import AccountType
from lib.store import Store
from lib.store.badges import Person
from lib.usage import own_visits
from lib.usage.own_visits import OwnVisit, VisitRecorder
from tests.accounts import add_tenant, add_viewer
from tests.pages.conftest import App

pytestmark = pytest.mark.spec("L1")


class Noting(VisitRecorder):
    """Keeps what is noted."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.noted: list[OwnVisit] = []

    def note(self, visit: OwnVisit) -> None:
        """Keep it."""
        self.noted.append(visit)


@pytest.fixture
def recorder(sqlite_store: Store) -> Iterator[Noting]:
    found = Noting(sqlite_store)
    own_visits.use(found)
    yield found
    own_visits.use(None)


def test_a_page_is_visited_once_however_often_it_runs(app: App, sqlite_store: Store, recorder: Noting) -> None:
    acme = add_tenant(sqlite_store, "acme")
    add_viewer(sqlite_store, "boss", acme, AccountType.PLATFORM)
    at = app("boss", "status")
    at.run()
    at.switch_page("pages/findings.py").run()
    told = [(visit.who, visit.method, visit.target, visit.status) for visit in recorder.noted]
    boss = Person("boss", acme)
    assert told == [
        (boss, "GET", "/", 200),  # where the tab was when boss signed in
        (boss, "GET", "/status", 200),
        (boss, "GET", "/findings", 200),
    ]


def test_a_stranger_opens_no_page(app: App, recorder: Noting) -> None:
    app()
    assert recorder.noted == []
