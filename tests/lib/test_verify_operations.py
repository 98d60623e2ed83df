"""Verifying the operation log: an honest one raises no alarm, and each way of tampering is found and named."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from lib.access.viewer import EVERY_TENANT
from lib.jobs.seal import seal
from lib.logs.append import append
from lib.logs.checkpoints import folders
from lib.logs.verify.findings import Finding, Kind
from lib.logs.verify.run import Question, verify
from lib.settings import Settings
from lib.store import Store
from lib.store.tables import Operation, OperationSeal
from lib.words import Language
from tests.accounts import add_tenant
from tests.lib.sealing import an_operation, record_and_seal, record_some, tamper

pytestmark = pytest.mark.spec("O9")

on_sqlite = pytest.mark.parametrize("store", ["sqlite"], indirect=True)
"""What no database does differently."""


def _findings(store: Store, settings: Settings, tenant_id: int, given: Path | None = None) -> list[Finding]:
    found = verify(store, tenant_id, Question(folders(settings), given))
    assert found.count == len(found.findings)
    for finding in found.findings:
        for language in Language:
            assert finding.sentence(language)
    return found.findings


def _kinds(store: Store, settings: Settings, tenant_id: int, given: Path | None = None) -> set[Kind]:
    return {finding.kind for finding in _findings(store, settings, tenant_id, given)}


def _ids(store: Store, tenant_id: int) -> list[int]:
    with store.read(EVERY_TENANT) as session:
        told = select(OperationSeal.ids).where(OperationSeal.tenant_id == tenant_id)
        blobs = session.scalars(told.order_by(OperationSeal.until_position)).all()
    return [int.from_bytes(blob[at : at + 8], "little") for blob in blobs for at in range(0, len(blob), 8)]


def _file(settings: Settings, tenant_id: int) -> Path:
    return settings.home / "checkpoints" / f"{tenant_id}.checkpoints"


@pytest.fixture
def acme(store: Store, home: Settings) -> int:
    """A tenant with five seals of four records each."""
    tenant_id = add_tenant(store, "acme")
    record_some(store, tenant_id, 20)
    seal(store, home, batch=4)
    return tenant_id


def test_an_honest_log_raises_no_alarm(store: Store, home: Settings, acme: int) -> None:
    record_some(store, acme, 3)
    with store.write(acme) as session:
        old = datetime(2019, 1, 1, tzinfo=UTC)
        append(session, acme, [an_operation(old, source="aws", event_id=str(n), operator_id=5) for n in range(4)])
    assert _findings(store, home, acme) == []
    seal(store, home, batch=3)
    found = verify(store, acme, Question(folders(home)))
    assert (found.rows, found.tree_size, found.findings) == (27, 27, [])
    assert _findings(store, home, 0) == []


def test_an_edited_column_is_named(store: Store, home: Settings, acme: int) -> None:
    number = _ids(store, acme)[5]
    tamper(store, "UPDATE operation SET operator = 'bob', content = 'x' WHERE id = :id", id=number)
    (finding,) = _findings(store, home, acme)
    assert (finding.kind, finding.operation_id, finding.position) == (Kind.EDITED_COLUMN, number, 5)
    at = finding.occurred_at
    assert at is not None
    told = f"In record {number} (position 5, of {at.isoformat(timespec='milliseconds')}), operator, content is not"
    assert finding.sentence().startswith(told)


@pytest.mark.parametrize("column", ["occurred_at", "received_at", "operator_id", "is_catalogued", "source"])
def test_any_derived_column_is_compared(store: Store, home: Settings, acme: int, column: str) -> None:
    values = {"operator_id": "7", "is_catalogued": "NOT is_catalogued", "source": "'elsewhere'"}
    value = values.get(column, "'2020-01-01 00:00:00.000000'")
    tamper(store, f"UPDATE operation SET {column} = {value} WHERE id = :id", id=_ids(store, acme)[5])
    (finding,) = _findings(store, home, acme)
    assert (finding.kind, finding.facts) == (Kind.EDITED_COLUMN, {"columns": column})


@on_sqlite
@pytest.mark.parametrize("replaced", ["replace(body, 'dashboard', 'dashbored')", "'no JSON'", "''"])
def test_an_edited_body_is_named(store: Store, home: Settings, acme: int, replaced: str) -> None:
    number = _ids(store, acme)[4]
    tamper(store, f"UPDATE operation SET body = {replaced} WHERE id = :id", id=number)
    (finding,) = _findings(store, home, acme)
    assert (finding.kind, finding.operation_id, finding.position) == (Kind.EDITED_BODY, number, 4)


@on_sqlite
def test_what_waits_is_compared_too(store: Store, home: Settings, acme: int) -> None:
    record_some(store, acme, 2)
    with store.read(EVERY_TENANT) as session:
        sealed = set(_ids(store, acme))
        waiting = [number for number in session.scalars(select(Operation.id)) if number not in sealed]
    tamper(store, "UPDATE operation SET operator = 'bob' WHERE id = :id", id=waiting[0])
    tamper(store, "UPDATE operation SET body = '[]' WHERE id = :id", id=waiting[1])
    found = {(each.kind, each.operation_id, each.position) for each in _findings(store, home, acme)}
    assert found == {(Kind.EDITED_COLUMN, waiting[0], None), (Kind.EDITED_BODY, waiting[1], None)}


def test_deleted_rows_are_named_one_by_one(store: Store, home: Settings, acme: int) -> None:
    ids = _ids(store, acme)
    tamper(store, f"DELETE FROM operation WHERE id IN ({ids[0]}, {ids[8]}, {ids[19]})")
    found = [(each.kind, each.operation_id, each.position) for each in _findings(store, home, acme)]
    assert sorted(found) == sorted((Kind.DELETED, ids[at], at) for at in (0, 8, 19))


@on_sqlite
def test_a_row_that_went_before_it_was_sealed_is_named(store: Store, home: Settings, acme: int) -> None:
    record_some(store, acme, 1)
    waiting = "id IN (SELECT id FROM operation_pending)"
    tamper(store, f"DELETE FROM operation WHERE {waiting}")
    (finding,) = _findings(store, home, acme)
    assert (finding.kind, finding.words, finding.position) == (Kind.DELETED, "deleted_pending", None)
    seal(store, home)
    assert _kinds(store, home, acme) == {Kind.DELETED}


@on_sqlite
@pytest.mark.parametrize("gone", [(8,), (8, 12), (4, 8, 12)])
def test_deleted_seals_are_told_from_deleted_records(
    store: Store, home: Settings, acme: int, gone: tuple[int, ...]
) -> None:
    tamper(store, f"DELETE FROM operation_seal WHERE until_position IN ({', '.join(map(str, gone))})")
    seals, rows = _findings(store, home, acme)
    first = 0 if 4 in gone else 4
    assert (seals.kind, seals.words) == (Kind.DELETED_CHECKPOINT, "deleted_seals")
    assert seals.facts == {"first": first, "last": gone[-1] - 1, "count": len(gone)}
    assert (rows.words, rows.facts) == ("uncovered", {"count": gone[-1] - first})


@on_sqlite
def test_checkpoints_missing_in_the_file_are_told(store: Store, home: Settings, acme: int) -> None:
    file = _file(home, acme)
    notes = file.read_text().split("\n\ndaybook")
    file.write_text("\n\ndaybook".join([*notes[:2], *notes[4:]]))
    (finding,) = _findings(store, home, acme)
    assert (finding.kind, finding.words) == (Kind.DELETED_CHECKPOINT, "missing_in_file")
    assert finding.facts == {"file": file.name, "count": 2, "first": 8, "last": 12}


@on_sqlite
def test_an_edited_checkpoint_proves_nothing_but_that_it_was_edited(store: Store, home: Settings, acme: int) -> None:
    file = _file(home, acme)
    text = file.read_text()
    roots = [line for line in text.splitlines() if line.endswith("=") and len(line) == 44]
    file.write_text(text.replace(roots[1], roots[0]).replace(roots[-1], roots[0]))
    found = [(finding.kind, finding.facts["file"]) for finding in _findings(store, home, acme)]
    assert found == [(Kind.EDITED_SEAL, file.name)] * 2


def test_an_inserted_row_is_neither_sealed_nor_pending(store: Store, home: Settings, acme: int) -> None:
    record_some(store, acme, 1)
    tamper(store, "DELETE FROM operation_pending")
    (finding,) = _findings(store, home, acme)
    assert (finding.kind, finding.words) == (Kind.INSERTED, "inserted")


@on_sqlite
def test_records_that_changed_places_are_told_from_edited_ones(store: Store, home: Settings, acme: int) -> None:
    one, other = _ids(store, acme)[4:6]
    tamper(
        store,
        f"UPDATE operation SET id = 1 WHERE id = {one}",
        f"UPDATE operation SET id = {one} WHERE id = {other}",
        f"UPDATE operation SET id = {other} WHERE id = 1",
    )
    found = [(each.kind, each.operation_id, each.facts.get("other_id")) for each in _findings(store, home, acme)]
    assert sorted(found) == sorted([(Kind.REORDERED, one, other), (Kind.REORDERED, other, one)])


def _seal_of(store: Store, tenant_id: int, until: int) -> OperationSeal:
    with store.read(EVERY_TENANT) as session:
        return session.scalars(
            select(OperationSeal).where(OperationSeal.tenant_id == tenant_id, OperationSeal.until_position == until)
        ).one()


@on_sqlite
def test_leaves_that_changed_places_in_a_seal_are_named(store: Store, home: Settings, acme: int) -> None:
    found = _seal_of(store, acme, 16)
    ids = found.ids[8:16] + found.ids[:8] + found.ids[16:]
    hashes = found.hashes[32:64] + found.hashes[:32] + found.hashes[64:]
    tamper(
        store,
        "UPDATE operation_seal SET ids = :ids, hashes = :hashes WHERE until_position = 16",
        ids=ids,
        hashes=hashes,
    )
    moved = [(each.kind, each.operation_id, each.position) for each in _findings(store, home, acme)]
    one, other = _ids(store, acme)[12:14]
    assert moved == [(Kind.REORDERED, one, 12), (Kind.REORDERED, other, 13)]


@on_sqlite
def test_a_seal_edited_together_with_its_record_does_not_fit_what_was_signed(
    store: Store, home: Settings, acme: int
) -> None:
    found = _seal_of(store, acme, 16)
    tamper(store, "UPDATE operation_seal SET hashes = :h WHERE until_position = 16", h=bytes(32) + found.hashes[32:])
    kinds = {finding.words for finding in _findings(store, home, acme)}
    assert kinds == {"other_leaves", "edited_body"}


def _cut(store: Store, tenant_id: int, size: int) -> None:
    gone = _ids(store, tenant_id)[size:]
    tamper(
        store,
        f"DELETE FROM operation WHERE id IN ({', '.join(map(str, gone))})",
        f"DELETE FROM operation_seal WHERE until_position > {size}",
    )


def test_a_log_whose_end_was_cut_off_is_told_by_the_files(store: Store, home: Settings, acme: int) -> None:
    _cut(store, acme, 12)
    (finding,) = _findings(store, home, acme)
    assert (finding.kind, finding.facts["size"], finding.facts["kept"]) == (Kind.TRUNCATED, 12, 20)


@on_sqlite
def test_a_log_that_is_gone_altogether_is_told_by_the_files(store: Store, home: Settings, acme: int) -> None:
    _cut(store, acme, 0)
    assert _kinds(store, home, acme) == {Kind.TRUNCATED}


@on_sqlite
def test_a_log_set_back_and_gone_on_with_is_told_by_the_files(store: Store, home: Settings, acme: int) -> None:
    _cut(store, acme, 12)
    record_and_seal(store, home, acme, 30, 1)
    (finding,) = _findings(store, home, acme)
    assert (finding.kind, finding.facts["agreed"], finding.facts["size"]) == (Kind.ROLLED_BACK, 12, 16)


def test_an_older_copy_of_the_database_is_told_from_one_that_was_cut(sqlite_store: Store, home: Settings) -> None:
    tenant_id = add_tenant(sqlite_store, "acme")
    record_and_seal(sqlite_store, home, tenant_id, 3)
    sqlite_store.dispose()
    database = Path(sqlite_store.file)
    copied = [file for file in database.parent.glob("daybook.sqlite*") if file.suffix in {".sqlite", ".sqlite-wal"}]
    kept = [(file, file.read_bytes()) for file in copied]
    record_and_seal(sqlite_store, home, tenant_id, 2, 2)
    sqlite_store.dispose()
    for file in database.parent.glob("daybook.sqlite-*"):
        file.unlink()
    for file, content in kept:
        file.write_bytes(content)
    (finding,) = _findings(Store(str(sqlite_store.url)), home, tenant_id)
    assert (finding.kind, finding.facts["size"], finding.facts["kept"]) == (Kind.ROLLED_BACK, 3, 7)


@on_sqlite
def test_a_copy_of_the_checkpoints_tells_where_the_machine_was_taken_over(
    store: Store, home: Settings, acme: int, tmp_path: Path
) -> None:
    """Whoever has the key, the database and the files makes another log of them that is right in itself."""
    kept = tmp_path / "kept"
    shutil.copy(_file(home, acme), kept)
    assert _findings(store, home, acme, kept) == []
    _cut(store, acme, 12)
    _file(home, acme).unlink()
    assert _kinds(store, home, acme, kept) == {Kind.TRUNCATED}
    record_and_seal(store, home, acme, 5, 30)
    assert _findings(store, home, acme) == []
    (finding,) = _findings(store, home, acme, kept)
    assert (finding.kind, finding.facts["agreed"], finding.facts["size"]) == (Kind.FORKED, 12, 16)


@on_sqlite
def test_another_key_is_told_by_what_was_first_used_and_by_a_copy(
    store: Store, home: Settings, acme: int, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    shutil.copy(_file(home, acme), kept)
    _cut(store, acme, 0)
    tamper(store, "DELETE FROM operation_key")
    (home.home / "seal_key.pem").unlink()
    _file(home, acme).unlink()
    record_and_seal(store, home, acme, 20)
    assert _findings(store, home, acme) == []
    found = {finding.words for finding in _findings(store, home, acme, kept)}
    assert found == {"other_key_in_database", "other_key", "other_key_of_file"}


@on_sqlite
def test_a_record_that_says_it_was_received_long_ago_is_back_dated(
    store: Store, home: Settings, acme: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Yesterday(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return datetime.now(UTC) - timedelta(days=1)

    monkeypatch.setattr("lib.logs.append.datetime", Yesterday)
    record_and_seal(store, home, acme, 1)
    (finding,) = _findings(store, home, acme)
    assert (finding.kind, finding.words, finding.position) == (Kind.BACK_DATED, "back_dated", 20)


@on_sqlite
def test_a_sealer_that_stopped_is_told_after_some_minutes(store: Store, home: Settings, acme: int) -> None:
    record_some(store, acme, 4)
    asked = Question(folders(home), now=datetime.now(UTC) + timedelta(minutes=11))
    (finding,) = verify(store, acme, asked).findings
    assert (finding.kind, finding.facts["count"]) == (Kind.SEALER_STOPPED, 4)


@on_sqlite
def test_torn_writes_are_told_but_not_the_last_of_a_sealer_that_died(store: Store, home: Settings, acme: int) -> None:
    file = _file(home, acme)
    whole = file.read_bytes()
    file.write_bytes(whole[:-70])
    assert _findings(store, home, acme) == []
    file.write_bytes(whole[:-70] + b"\0\0")
    assert _kinds(store, home, acme) == {Kind.TORN}
    file.write_bytes(whole[:100] + whole[130:])
    assert {finding.words for finding in _findings(store, home, acme)} == {"torn_in_file", "missing_in_file"}
    file.write_bytes(whole)
    found = _seal_of(store, acme, 16)
    tamper(store, "UPDATE operation_seal SET hashes = :hashes WHERE until_position = 16", hashes=found.hashes[:-1])
    assert Kind.TORN in _kinds(store, home, acme)


def test_what_was_written_twice_is_told(store: Store, home: Settings, acme: int) -> None:
    one = _ids(store, acme)[4]
    tamper(store, f"INSERT INTO operation_pending (tenant_id, id) VALUES ({acme}, {one})")
    (finding,) = _findings(store, home, acme)
    assert (finding.kind, finding.words, finding.operation_id) == (Kind.DOUBLED, "sealed_and_pending", one)
    seal(store, home)
    (finding,) = _findings(store, home, acme)
    assert (finding.words, finding.position, finding.facts) == ("sealed_twice", 4, {"again": 20})


@on_sqlite
def test_an_event_that_came_twice_is_told(store: Store, home: Settings, acme: int) -> None:
    for _ in range(2):
        record_some(store, acme, 1, source="aws", event_id="same")
        tamper(store, "DELETE FROM operation_origin")
    seal(store, home)
    (finding,) = _findings(store, home, acme)
    assert (finding.kind, finding.words) == (Kind.DOUBLED, "same_event")


def test_edited_columns_of_a_seal_are_told(store: Store, home: Settings, acme: int) -> None:
    tamper(store, "UPDATE operation_seal SET sealed_at = '2020-01-01 00:00:00.000000' WHERE until_position = 12")
    (finding,) = _findings(store, home, acme)
    assert (finding.kind, finding.facts["columns"]) == (Kind.EDITED_SEAL, "sealed_at")
    tamper(store, "UPDATE operation_seal SET checkpoint = replace(checkpoint, '12', '11') WHERE until_position = 12")
    assert Kind.EDITED_SEAL in _kinds(store, home, acme)
