"""A company with a shop and some feedback on one day, for tests of the page: who may see which of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from lib.access.permissions import AccountType, Permission
from lib.feedback.records import FeedbackRecord
from lib.logs.record import COMMAND
from lib.queries.administration import ApplicationInput, MiniProgramInput, ProjectInput
from lib.queries.administration.mini_programs import add_mini_program
from lib.queries.administration.projects import add_application, add_project
from lib.settings import Settings
from lib.store import Store
from tests.accounts import add_tenant, add_viewer
from tests.lib.feedbacks import image, keep, keep_log, told

HOSTILE = "<img src=x onerror=alert(1)> **bold** [y](http://evil.example)"
LOG_NAME = "app-03-02.log"
COMPLAINT = "charged twice"

WITHOUT_COMPLAINTS = (Permission.FEEDBACK_READ, Permission.EXPORT_CREATE)


def make_shop(settings: Settings, store: Store, key: str) -> tuple[int, ...]:
    """The company `key` with the mini programs shop, which has feedback, and news, which has none; the ids of the
    feedback, oldest first.

    Accounts: `pat-<key>` administers it, `gen-<key>` too, in Chinese; `amy-<key>` has WITHOUT_COMPLAINTS,
    `nobody-<key>` nothing.
    """
    tenant_id = add_tenant(store, key)
    add_viewer(store, f"pat-{key}", tenant_id, AccountType.PLATFORM, language="en")
    add_viewer(store, f"gen-{key}", tenant_id, AccountType.PLATFORM, language="zh")
    add_viewer(store, f"amy-{key}", tenant_id, permissions=WITHOUT_COMPLAINTS, language="en")
    add_viewer(store, f"nobody-{key}", tenant_id, language="en")
    with store.write(tenant_id) as session:
        add_project(session, tenant_id, COMMAND, ProjectInput("main", "Main"))
        for application in ("web", "bank"):
            add_application(session, tenant_id, COMMAND, ApplicationInput(application, application.title(), "main"))
        for program in ("shop", "news"):
            given = MiniProgramInput(program, program.title(), applications=frozenset({"web", "bank"}))
            add_mini_program(session, tenant_id, COMMAND, given)
    return fill(settings, store, key)


def fill(settings: Settings, store: Store, key: str) -> tuple[int, ...]:
    """Add the feedback to a company that is there; and two logs, one of them uploaded yesterday."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    keep_log(settings, store, LOG_NAME, b"so\n", tenant=key, client_id="l-1")
    keep_log(settings, store, "fresh.log", b"fresh\n", tenant=key, uploaded_at=yesterday)

    def crash(minutes: int, content: str, kind: str = "crash", application: str = "web") -> FeedbackRecord:
        where = {"minutes": minutes, "tenant": key, "application": application}
        return told(store, content, **where, type="abnormality", kind=kind)  # type: ignore[arg-type]

    attached = (image(settings), image(settings, b"<script>", "shot.svg"))
    paid = crash(10, "付款后闪退")
    records = [
        replace(paid, user="ann", contact="138 0000 1234", device="Mate 60", log_ref="l-1"),
        replace(crash(20, HOSTILE), user="bob", images=attached),
        crash(700, "一直白屏", "blank_screen", "bank"),
        told(store, "dark mode, please", minutes=30, tenant=key),
        told(store, COMPLAINT, minutes=40, tenant=key, type="complaint", contact="x@example.com"),
    ]
    return keep(store, records, key)
