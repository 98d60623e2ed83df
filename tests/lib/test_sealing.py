"""Sealing: what waits becomes leaves, checkpoints are signed and written down, and a crash is mended."""

from __future__ import annotations

import asyncio
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import func, select

from lib.access.viewer import EVERY_TENANT
from lib.errors import Busy, Unavailable
from lib.jobs import schedule
from lib.jobs.seal import NOTHING, Sealed, seal
from lib.logs.checkpoints import entries, key_of
from lib.logs.merkle import leaf_hash, root_of
from lib.logs.notes import Checkpoint, Note, Verifier
from lib.logs.seal import make_key
from lib.settings import Settings, load_settings
from lib.store import Store
from lib.store.locks import job_lock
from lib.store.tables import JobRun, Operation, OperationKey, OperationPending, OperationSeal
from tests.accounts import add_tenant
from tests.lib.sealing import record_and_seal, record_some, tamper


def _file(settings: Settings, tenant_id: int) -> Path:
    return settings.home / "checkpoints" / f"{tenant_id}.checkpoints"


def _sizes(file: Path) -> list[int]:
    with file.open("rb") as opened:
        assert key_of(opened) is not None
        return [entry.checkpoint.size if entry.checkpoint else -1 for entry in entries(opened)]


@pytest.mark.spec("O9")
def test_records_become_the_leaves_of_a_tree_whose_root_is_signed(store: Store, home: Settings) -> None:
    tenant_id = add_tenant(store, "acme")
    record_some(store, tenant_id, 7)
    record_some(store, 0, 1)
    assert seal(store, home, batch=3) == Sealed(records=8, seals=4)
    with store.read(EVERY_TENANT) as session:
        told = select(OperationSeal).where(OperationSeal.tenant_id == tenant_id)
        seals = session.scalars(told.order_by(OperationSeal.until_position)).all()
        bodies = {row.id: row.body for row in session.scalars(select(Operation))}
        assert session.scalar(select(func.count()).select_from(OperationPending)) == 0
        (key,) = session.scalars(select(OperationKey.public_key))
    assert [(each.first_position, each.until_position) for each in seals] == [(0, 3), (3, 6), (6, 7)]
    ids = [number for each in seals for number in np.frombuffer(each.ids, "<i8").tolist()]
    leaves = [leaf_hash(bodies[number].encode()) for number in ids]
    assert b"".join(each.hashes for each in seals) == b"".join(leaves)
    verifier = Verifier(f"daybook/tenant/{tenant_id}", key)
    for each in seals:
        note = Note.parse(each.checkpoint)
        checkpoint = Checkpoint.parse(note.text)
        assert note.holds(verifier)
        assert (checkpoint.size, checkpoint.sealed_at) == (each.until_position, each.sealed_at)
        assert checkpoint.root == each.root == root_of(leaves[: each.until_position])
        assert checkpoint.is_complete == (each.until_position == 7)


@pytest.mark.spec("O9")
def test_checkpoints_go_to_the_home_and_wherever_the_setting_says(tmp_path: Path, sqlite_store: Store) -> None:
    kept = tmp_path / "kept elsewhere"
    kept.mkdir()
    named = {"DAYBOOK_HOME": str(tmp_path / "home"), "DAYBOOK_CHECKPOINT_DIR": str(kept)}
    settings = load_settings(named)
    tenant_id = add_tenant(sqlite_store, "acme")
    record_and_seal(sqlite_store, settings, tenant_id, 2, 3)
    file = _file(settings, tenant_id)
    assert _sizes(file) == [2, 5]
    assert (kept / file.name).read_bytes() == file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((settings.home / "seal_key.pem").stat().st_mode) == 0o600


def test_where_nothing_waits_nothing_is_done_or_recorded(sqlite_store: Store, home: Settings) -> None:
    assert seal(sqlite_store, home) == NOTHING
    assert not (home.home / "seal_key.pem").exists()
    with sqlite_store.read(EVERY_TENANT) as session:
        assert session.scalars(select(JobRun)).all() == []


def test_one_process_seals_at_a_time(sqlite_store: Store, home: Settings) -> None:
    record_some(sqlite_store, 0, 1)
    with job_lock(sqlite_store, "seal"), pytest.raises(Busy, match="seal is already running"):
        seal(sqlite_store, home)


@pytest.mark.parametrize("cut", [2, 40, 150, 230, 260])
def test_a_checkpoint_that_a_crash_cut_off_is_completed_by_the_next_run(
    sqlite_store: Store, home: Settings, cut: int
) -> None:
    tenant_id = add_tenant(sqlite_store, "acme")
    record_and_seal(sqlite_store, home, tenant_id, 2, 2, 2)
    file = _file(home, tenant_id)
    whole = file.read_bytes()
    file.write_bytes(whole[:-cut])
    record_and_seal(sqlite_store, home, tenant_id, 1)
    assert file.read_bytes().startswith(whole)
    assert _sizes(file) == [2, 4, 6, 7]


def test_what_is_no_checkpoint_is_left_in_the_file_and_gone_on_after(sqlite_store: Store, home: Settings) -> None:
    tenant_id = add_tenant(sqlite_store, "acme")
    record_and_seal(sqlite_store, home, tenant_id, 2)
    with _file(home, tenant_id).open("ab") as file:
        file.write(b"\0\0\0")
    record_and_seal(sqlite_store, home, tenant_id, 2)
    assert _sizes(_file(home, tenant_id)) == [2, -1, 4]


def test_a_lost_or_another_key_seals_nothing(sqlite_store: Store, home: Settings) -> None:
    tenant_id = add_tenant(sqlite_store, "acme")
    record_and_seal(sqlite_store, home, tenant_id, 2)
    key = home.home / "seal_key.pem"
    key.rename(home.home / "away")
    record_some(sqlite_store, tenant_id, 1)
    with pytest.raises(Unavailable, match="is not there, with which the operation log was sealed so far"):
        seal(sqlite_store, home)

    make_key(key)
    with pytest.raises(Unavailable, match="is not the key with which the operation log was sealed so far"):
        seal(sqlite_store, home)
    (home.home / "away").replace(key)
    assert seal(sqlite_store, home) == Sealed(1, 1)


def test_sealing_does_not_go_on_from_a_seal_that_was_altered(store: Store, home: Settings) -> None:
    tenant_id = add_tenant(store, "acme")
    record_and_seal(store, home, tenant_id, 2)
    zeros = "zeroblob(32)" if not store.is_postgresql else r"'\x" + "00" * 32 + "'"
    tamper(store, f"UPDATE operation_seal SET frontier = {zeros}")
    record_some(store, tenant_id, 1)
    with pytest.raises(Unavailable, match="Sealing does not go on from the seal that ends at position 2"):
        seal(store, home)


@pytest.mark.spec("O9")
def test_the_server_seals_every_few_seconds_and_stops_when_told(
    sqlite_store: Store, home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "SEAL_EVERY", timedelta(seconds=0.05))
    tenant_id = add_tenant(sqlite_store, "acme")

    async def serving() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(schedule.run_sealing(stop, home))
        for size in (3, 6):
            await asyncio.to_thread(record_some, sqlite_store, tenant_id, 3)
            while not _file(home, tenant_id).exists() or max(_sizes(_file(home, tenant_id)), default=0) < size:
                await asyncio.sleep(0.02)
        stop.set()
        await running

    begun = datetime.now(UTC)
    asyncio.run(asyncio.wait_for(serving(), 30))
    assert datetime.now(UTC) - begun < timedelta(seconds=20)
