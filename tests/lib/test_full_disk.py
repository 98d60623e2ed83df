"""The operation log on a full disk: what was recorded stays, is sealed once there is room, and proves as honest."""

from __future__ import annotations

import errno
import os

import pytest

from lib.errors import Unavailable
from lib.jobs.seal import seal
from lib.logs.checkpoints import folders
from lib.logs.verify.run import Question, verify
from lib.settings import Settings
from lib.store import Store
from tests.accounts import add_tenant
from tests.lib.full_disk import full_disk
from tests.lib.sealing import record_some

pytestmark = pytest.mark.spec("O9")


def _proof(store: Store, settings: Settings, tenant_id: int) -> tuple[int, int, int]:
    found = verify(store, tenant_id, Question(folders(settings)))
    return found.rows, found.tree_size, found.count


def test_sealing_that_finds_no_room_is_made_up_for_later(sqlite_store: Store, home: Settings) -> None:
    tenant_id = add_tenant(sqlite_store, "acme")
    record_some(sqlite_store, tenant_id, 3000)
    with full_disk(sqlite_store):
        with pytest.raises(Unavailable):
            seal(sqlite_store, home, batch=1000)
        assert _proof(sqlite_store, home, tenant_id) == (3000, 0, 0)
    assert seal(sqlite_store, home).records == 3000
    assert _proof(sqlite_store, home, tenant_id) == (3000, 3000, 0)


def test_an_act_that_cannot_be_recorded_does_not_happen_and_the_log_stays_whole(
    sqlite_store: Store, home: Settings
) -> None:
    tenant_id = add_tenant(sqlite_store, "acme")
    record_some(sqlite_store, tenant_id, 100)
    seal(sqlite_store, home)
    kept = 100
    with full_disk(sqlite_store, pages_left=40), pytest.raises(Unavailable):
        for _ in range(100):
            record_some(sqlite_store, tenant_id, 50)
            kept += 50
    assert kept > 100
    seal(sqlite_store, home)
    assert _proof(sqlite_store, home, tenant_id) == (kept, kept, 0)


def test_a_checkpoint_of_which_half_found_room_is_completed_later(
    sqlite_store: Store, home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant_id = add_tenant(sqlite_store, "acme")
    record_some(sqlite_store, tenant_id, 4)
    write, left = os.write, [100]

    def written(descriptor: int, data: bytes) -> int:
        if not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        count = write(descriptor, data[: left[0]])
        left[0] -= count
        return count

    with monkeypatch.context() as patched:
        patched.setattr("lib.logs.checkpoints.os.write", written)
        with pytest.raises(Unavailable, match="No space left on device"):
            seal(sqlite_store, home)
    assert seal(sqlite_store, home).records == 0
    assert _proof(sqlite_store, home, tenant_id) == (4, 4, 0)
