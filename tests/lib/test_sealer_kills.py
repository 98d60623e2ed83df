"""A sealer that is killed anywhere beside writers: each record is sealed once, and no alarm is raised."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time

import pytest
from sqlalchemy import func, select

from lib.access.viewer import EVERY_TENANT
from lib.jobs.seal import seal
from lib.logs.checkpoints import folders
from lib.logs.verify.run import Question, verify
from lib.settings import PROJECT_DIR, Settings
from lib.store import Store
from lib.store.operation_files import sealed_until
from lib.store.tables import Operation
from tests.accounts import add_tenant
from tests.lib.sealing import record_some

SEALER = """
import sys
from lib.jobs.seal import seal
from lib.settings import load_settings
from lib.store import Store
settings = load_settings()
store = Store(settings.database_url)
print("sealing", flush=True)
while True:
    seal(store, settings, batch=5)
"""

KILLS = 3


@pytest.mark.spec("O9")
def test_a_sealer_killed_anywhere_beside_writers_loses_and_doubles_nothing(store: Store, home: Settings) -> None:
    tenant_id = add_tenant(store, "acme")
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            record_some(store, tenant_id, 3)
            time.sleep(0.02)

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    url = store.url.render_as_string(hide_password=False)
    environment = {**os.environ, "DAYBOOK_HOME": str(home.home), "DAYBOOK_DATABASE_URL": url}
    moments = random.Random(7)
    try:
        for _ in range(KILLS):
            _kill_one(environment, moments.uniform(0.05, 0.4))
            assert verify(store, tenant_id, Question(folders(home))).findings == []
    finally:
        over.set()
        for writer in writers:
            writer.join()
    seal(store, home)
    found = verify(store, tenant_id, Question(folders(home)))
    with store.read(EVERY_TENANT) as session:
        count = session.scalar(select(func.count()).select_from(Operation).where(Operation.tenant_id == tenant_id))
        assert sealed_until(session)[tenant_id] == count == found.rows == found.tree_size
    assert found.findings == []


def _kill_one(environment: dict[str, str], after_seconds: float) -> None:
    command = (sys.executable, "-c", SEALER)
    with subprocess.Popen(command, cwd=PROJECT_DIR, env=environment, stdout=subprocess.PIPE) as sealer:
        assert sealer.stdout is not None
        assert sealer.stdout.readline() == b"sealing\n"
        time.sleep(after_seconds)
        sealer.kill()
