"""Hostile text in every field of an operation comes back as it was: from the list, the details, the search, the API and
all three exports."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest

from lib.access.permissions import AccountType
from lib.access.viewer import EVERY_TENANT
from lib.export.csv import neutral
from lib.jobs.findings import look
from lib.jobs.seal import seal
from lib.logs import sidecar
from lib.logs.append import append
from lib.logs.rows import OperationRecord
from lib.logs.sidecar import Snapshot
from lib.queries.findings import FindingFilter, FindingQueries
from lib.queries.operation_filter import WORD_FILTERS, OperationFilter
from lib.queries.operation_scope import wanted_by
from lib.queries.operations import OperationQueries
from lib.settings import Settings, load_settings
from lib.store import Store, schema
from tests.accounts import add_tenant, add_viewer
from tests.lib.api import Api
from tests.lib.companies import viewer
from tests.lib.exported import csv_rows, xlsx_rows
from tests.lib.hostile import HOSTILE, NUL

BEGIN = datetime(2024, 5, 12, 12, tzinfo=UTC)
FIELDS = (
    *("operator", "role", "organization", "product", "project", "application", "module", "submodule", "action"),
    *("object_type", "object_name", "object_id", "address", "request_id", "source", "content"),
)
FIXED = {"operation_class": "modification", "channel": "ui", "result": "success"}
LONGEST_KEYWORD = 200


def record_of(number: int, text: str) -> OperationRecord:
    """An operation with a text in every field that takes one."""
    told: dict[str, Any] = dict.fromkeys((*FIELDS, "user_agent", "event_id"), text) | FIXED
    told |= {"old": {"value": text, text: 1}, "new": {"value": [text, {"deep": text}], text: 2}}
    return OperationRecord(occurred_at=BEGIN + timedelta(seconds=number), **told)


@dataclass(frozen=True)
class Log:
    """A log of hostile operations: `texts` in the order in which they came."""

    store: Store
    settings: Settings
    texts: tuple[str, ...]

    @property
    def operations(self) -> OperationQueries:
        return OperationQueries(viewer(self.store, "boss", "acme"), self.store, self.settings.lake)

    @property
    def asked(self) -> OperationFilter:
        return OperationFilter(BEGIN, BEGIN + timedelta(hours=1))


def filled(store: Store, settings: Settings, texts: dict[str, None]) -> Log:
    """A log with these texts: most of them in the sidecar, the last ones sealed or waiting."""
    tenant_id = add_tenant(store, "acme")
    add_viewer(store, "boss", tenant_id, AccountType.PLATFORM)
    records = [record_of(number, text) for number, text in enumerate(texts)]
    for some, then in ((records[:-40], _file), (records[-40:-20], seal), (records[-20:], None)):
        with store.write(tenant_id) as session:
            append(session, tenant_id, some)
        if then is not None:
            then(store, settings)
    return Log(store, settings, tuple(texts))


def _file(store: Store, settings: Settings) -> None:
    seal(store, settings)
    sidecar.follow(store, settings.lake, at_once=True)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    """All of them, on SQLite."""
    settings = load_settings({"DAYBOOK_HOME": str(tmp_path_factory.mktemp("hostile"))})
    store = Store(settings.database_url)
    schema.migrate(store)
    yield filled(store, settings, dict.fromkeys(HOSTILE.values()))
    store.dispose()


def listed(log: Log) -> list[str]:
    """What is wrong with the list: nothing."""
    (rows,) = [list(frame.iter_rows(named=True)) for frame in log.operations.rows(log.asked)]
    return [
        f"{field} of {text[:40]!r}"
        for text, row in zip(reversed(log.texts), rows, strict=True)
        for field in FIELDS
        if row[field] != text
    ]


def test_there_are_at_least_515_kinds_and_no_two_are_the_same() -> None:
    assert len(set(HOSTILE.values())) >= 515
    assert all(text.encode("utf-8") for text in HOSTILE.values())


@pytest.mark.spec("O1", "O4")
def test_the_list_has_every_text_in_every_field_as_it_was(log: Log) -> None:
    assert listed(log) == []


@pytest.mark.spec("O1")
def test_so_has_it_on_postgresql(postgresql_store: Store, home: Settings) -> None:
    texts = dict.fromkeys(text for name, text in HOSTILE.items() if name != NUL)
    hostile = filled(postgresql_store, home, texts)
    assert listed(hostile) == []
    assert hostile.operations.total(hostile.asked) == len(texts)


@pytest.mark.spec("O7")
def test_the_details_have_it_in_the_columns_the_values_and_the_raw_record(log: Log) -> None:
    operations = log.operations
    ids = [number for frame in operations.rows(log.asked, ["id"]) for number in frame["id"]]
    for text, number in zip(reversed(log.texts), ids, strict=True):
        details = operations.details(number)
        assert [details.fields[field] for field in (*FIELDS, "user_agent", "event_id")] == [text] * (len(FIELDS) + 2)
        told = json.loads(details.raw)
        assert (told["old"], told["new"]) == (record_of(0, text).old, record_of(0, text).new)
        assert any(change.is_changed for change in details.changes)


@pytest.mark.spec("O4")
def test_each_text_finds_itself_by_keyword(log: Log) -> None:
    lost, boss = [], viewer(log.store, "boss", "acme")
    with log.store.read(boss.tenant_id) as session:
        # The index is opened once: 600 questions of the page would open it each time.
        snapshot = Snapshot.of(session, log.settings.lake, wanted_by(session, boss, log.asked))
        for number, text in enumerate(log.texts):
            at, keyword = BEGIN + timedelta(seconds=number), text.strip()[:LONGEST_KEYWORD]
            asked = OperationFilter(at, at + timedelta(seconds=1), keyword=keyword)
            if snapshot.tally(wanted_by(session, boss, asked), ()).total != 1:
                lost.append(text[:40])
    assert lost == []


@pytest.mark.spec("O4")
def test_each_text_is_met_by_the_filters_that_name_it(log: Log) -> None:
    for start in range(0, len(log.texts), 40):
        some = log.texts[start : start + 40]
        words: dict[str, Any] = {name: some for name, column in WORD_FILTERS.items() if column in FIELDS}
        assert log.operations.total(OperationFilter(BEGIN, log.asked.until, **words)) == len(some)
    facets = log.operations.counts(log.asked).facets["module"]
    assert set(facets["value"]) == set(log.texts)


@pytest.mark.spec("O4")
def test_a_keyword_in_the_whole_log_finds_those_that_hold_it(log: Log) -> None:
    for keyword in ("drop table", "'", "%", "_", "值值", "\\", "<script>", "😀", "evil.EXAMPLE"):
        held = sum(keyword.lower() in normalize("NFKC", text).lower() for text in log.texts)
        assert log.operations.total(OperationFilter(BEGIN, log.asked.until, keyword=keyword)) == held, keyword


@pytest.mark.spec("I4")
def test_the_api_gives_every_text_as_it_was(log: Log) -> None:
    api = Api(log.settings, log.store)
    period = {"since": BEGIN.isoformat(), "until": log.asked.until.isoformat(), "limit": "1000"}
    status, rows = api.ask("operations", api.token("boss"), **period)
    assert status == 200
    assert [[row[field] for field in FIELDS] for row in rows] == [[text] * len(FIELDS) for text in reversed(log.texts)]
    assert [row["old"] for row in rows] == [record_of(0, text).old for text in reversed(log.texts)]


def in_gbk(text: str) -> str:
    return neutral(text).encode("gbk", "replace").decode("gbk")


READERS: dict[str, tuple[Callable[[bytes], list[list[Any]]], Callable[[str], str]]] = {
    "csv": (csv_rows, neutral),
    "csv-gbk": (lambda file: csv_rows(file, "gbk"), in_gbk),
}


@pytest.mark.spec("O8")
@pytest.mark.parametrize("format_key", READERS)
def test_a_file_of_csv_has_every_text_and_none_that_runs(log: Log, tmp_path: Path, format_key: str) -> None:
    reader, kept = READERS[format_key]
    rows = reader(exported(log, tmp_path, format_key))
    texts = {tuple(row).count(kept(text)) for row, text in zip(rows[1:], reversed(log.texts), strict=True)}
    assert min(texts) >= 10
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "@", "\t", "\r", "＝"))]


@pytest.mark.spec("O8")
def test_a_workbook_has_every_text_up_to_a_cells_limit(log: Log, tmp_path: Path) -> None:
    rows = xlsx_rows(exported(log, tmp_path, "xlsx"))
    lost = []
    for row, text in zip(rows[1:], reversed(log.texts), strict=True):
        # What XML cannot hold stands as a mark; what it can stands as it is.
        printable = "".join(
            sign for sign in text if (sign >= " " and sign not in "\ufffe\uffff") or sign in "\n\t"
        ).strip()
        if len(text) <= 30_000 and text == printable and [str(cell) for cell in row].count(text) < 10:
            lost.append(text[:40])
    assert lost == []


def exported(log: Log, folder: Path, format_key: str) -> bytes:
    """The file that `daybook export operations` writes."""
    output = folder / "operations"
    period = ("--since", BEGIN.isoformat(), "--until", log.asked.until.isoformat())
    where = ("--format", format_key, "--output", str(output))
    Api(log.settings, log.store).daybook("export", "operations", "--tenant", "acme", *period, *where)
    return output.read_bytes()


@pytest.mark.spec("O10")
def test_findings_about_them_are_found_and_listed(log: Log) -> None:
    tenant_id = viewer(log.store, "boss", "acme").tenant_id
    texts = [text for text in log.texts if len(text) <= 200]
    with log.store.write(EVERY_TENANT) as session:
        taken: dict[str, Any] = {"module": "export", "action": "create", "operation_class": "querying", "channel": "ui"}
        at = BEGIN + timedelta(days=1)
        records = [
            OperationRecord(at, text, object_name=text, address=text, new={"rows": 60_000}, **taken) for text in texts
        ]
        append(session, tenant_id, records)
    look(log.store)
    asked = FindingFilter(at, at + timedelta(minutes=30), "mass_export")
    rows = FindingQueries(viewer(log.store, "boss", "acme"), log.store).listing(asked)
    assert dict(zip(rows["who"], rows["told"].list.first(), strict=True)) == {text: text for text in texts}
