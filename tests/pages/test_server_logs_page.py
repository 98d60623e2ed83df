"""The page of server logs, as AppTest runs it (SPEC A4, P1, V2, V4, V5)."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from lib.access.permissions import AccountType, Permission
from lib.access.viewer import EVERY_TENANT
from lib.logs.files import rules
from lib.logs.files.types import Level, Rule
from lib.settings import Settings
from lib.store import Store
from lib.store.tables import Operation
from tests.accounts import add_tenant, add_viewer
from tests.lib.log_files import write
from tests.pages.conftest import App


@pytest.fixture
def logs(home: Settings, sqlite_store: Store) -> Path:
    """A system administrator in each language, and one entry of now at each of two levels."""
    add_tenant(sqlite_store, "acme")
    add_viewer(sqlite_store, "root", None, AccountType.SYSTEM, language="en")
    add_viewer(sqlite_store, "gen", None, AccountType.SYSTEM, language="zh")
    now = f"{datetime.now(UTC) - timedelta(seconds=1):%Y-%m-%dT%H:%M:%S}Z"
    write(home.log_dir, "crm_data.log", [f"{now} ERROR [1] a: **so**", "\tat x", f"{now} INFO [1] a: on"])
    return home.log_dir


def shown(at: AppTest) -> str:
    """The words on the page."""
    return " ".join(str(getattr(each, "value", "")) for each in at.main if hasattr(each, "value"))


def entries(at: AppTest) -> list[dict[str, object]]:
    """What the component of the lines is told."""
    for each in at.get("bidi_component"):
        if each.proto.component_name.endswith("log_lines"):
            found: list[dict[str, object]] = json.loads(each.proto.json)["entries"]
            return found
    return []


def readings(store: Store) -> list[str]:
    """What was read, by the operation log."""
    with store.read(EVERY_TENANT) as session:
        rows = session.scalars(select(Operation).where(Operation.module == "server_log", Operation.action == "read"))
        return [json.dumps(json.loads(row.body)["new"], sort_keys=True) for row in rows]


@pytest.mark.spec("A4", "V4")
@pytest.mark.parametrize("type", [AccountType.PLATFORM, AccountType.ORDINARY])
def test_everybody_but_system_administrators_is_refused(
    app: App, home: Settings, sqlite_store: Store, type: AccountType
) -> None:
    write(home.log_dir, "crm_data.log", ["s3cret"])
    permissions = list(Permission) if type is AccountType.ORDINARY else []
    add_viewer(sqlite_store, "amy", add_tenant(sqlite_store, "acme"), type, permissions, language="en")
    at = app("amy")
    with pytest.raises(ValueError, match="server_logs"):
        at.switch_page("pages/server_logs.py")
    assert "s3cret" not in str(at)


@pytest.mark.spec("V5")
def test_the_page_opens_with_the_health_of_the_system(app: App, logs: Path) -> None:
    at = app("root", "server_logs")
    assert not at.exception
    assert at.subheader[0].value == "Health, last 24 hours"
    labels = [caption.value.removeprefix(":material/error: ") for caption in at.caption]
    for label in ("Errors", "Warnings", "Failed sign-ins", "Failing requests", "Slow requests", "Space left"):
        assert label in labels
    assert "### :red[1]" in [each.value for each in at.markdown]
    at.button(key="log_health_open_error").click().run()
    assert at.subheader[0].value == "CRM data · crm_data.log"
    assert [entry["level"] for entry in entries(at)] == ["ERROR"]


@pytest.mark.spec("P1")
def test_it_is_chinese_for_who_reads_chinese(app: App, logs: Path) -> None:
    at = app("gen", "server_logs")
    assert at.title[0].value == "服务器日志"
    assert at.subheader[0].value == "最近 24 小时运行状况"


@pytest.mark.spec("V4", "O3")
def test_entries_are_told_as_data_and_the_reading_is_recorded_once(app: App, sqlite_store: Store, logs: Path) -> None:
    at = app("root", "server_logs", log="crm_data")
    first, second = entries(at)
    assert (first["level"], first["word"], second["level"]) == ("ERROR", "Error", "INFO")
    assert str(first["text"]).endswith("a: **so**\n\tat x")
    at.run()
    at.text_input(key="address.search").set_value("on").run()
    assert [str(entry["text"])[-2:] for entry in entries(at)] == ["on"]
    assert readings(sqlite_store) == ['{"filter": {}}', '{"filter": {"keyword": "on"}}']


@pytest.mark.parametrize(
    "query",
    [
        {"log": "passwords"},
        {"log": "../../etc/passwd"},
        {"log": "crm_data", "file": "../secret", "tab": "nonsense", "level": "LOUD,ERROR", "within": "ever"},
        {"log": "crm_data", "before": "email~5"},
        {"log": "crm_data", "before": "crm_data~-1"},
        {"log": "crm_data", "before": "crm_data.1999-01-01.1~99999"},
        {"log": "crm_data", "within": "range", "since": "0001-01-01T00:00", "until": "9999-12-31T23:59"},
        {"log": "crm_data", "context": "99999", "search": "\x00", "zone": "Nowhere/None"},
    ],
    ids=range(8),
)
def test_nonsense_in_the_address_is_no_error(app: App, logs: Path, query: dict[str, str]) -> None:
    at = app("root", "server_logs", **query)
    assert not at.exception
    assert not at.error


@pytest.mark.spec("V2")
def test_a_rule_is_set_in_its_tab(app: App, logs: Path) -> None:
    at = app("root", "server_logs", log="crm_data", tab="rule")
    next(each for each in at.selectbox if each.label == "Output level").set_value(Level.DEBUG)
    at.number_input[0].set_value(3)
    at.number_input[1].set_value(9)
    next(each for each in at.button if each.label == "Save").click()
    at.run()
    assert at.success[0].value == "The rule is saved. Running processes follow within seconds."
    assert rules.read_rules(logs)["crm_data"] == Rule(Level.DEBUG, 3, 9)


@pytest.mark.spec("P3")
def test_a_log_that_nobody_wrote_yet_says_how_it_is_written(app: App, logs: Path) -> None:
    at = app("root", "server_logs", log="call_event")
    assert "`daybook log-config call_event`" in at.info[0].value


def test_a_damaged_archive_is_said(app: App, logs: Path) -> None:
    packed = gzip.compress(b"2026-11-01T09:00:00Z ERROR so\n" * 9_000)
    (logs / "crm_data.2026-11-01.1.log.gz").write_bytes(packed[:-9])
    at = app("root", "server_logs", log="crm_data", file="crm_data.2026-11-01.1")
    assert at.warning[0].value.startswith("crm_data.2026-11-01.1 is damaged")
