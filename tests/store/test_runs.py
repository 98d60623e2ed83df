"""What the status page is told about the runs of a job."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from lib.access.viewer import EVERY_TENANT
from lib.errors import BadInput
from lib.store import Store
from lib.store.locks import job_lock
from lib.store.runs import job_run
from lib.store.tables import JobRun
from tests.store.others import address, running

RUNNER = """
import sys, time
from lib.store import Store
from lib.store.runs import job_run
with job_run(Store(sys.argv[1]), "refresh"):
    print("running", flush=True)
    time.sleep(60)
"""


def runs(store: Store) -> list[tuple[str, str, dict[str, object], str]]:
    """Job, status, figures and message of every run, oldest first."""
    columns = (JobRun.job, JobRun.status, JobRun.figures, JobRun.message)
    with store.read(EVERY_TENANT) as session:
        return [tuple(row) for row in session.execute(sa.select(*columns).order_by(JobRun.id))]


def test_a_run_is_running_and_then_done_with_its_figures(store: Store) -> None:
    with job_run(store, "refresh") as run:
        assert runs(store) == [("refresh", "running", {}, "")]
        run.figures.update(rows_added=3, file="日志.gz")
    assert runs(store) == [("refresh", "done", {"rows_added": 3, "file": "日志.gz"}, "")]
    with store.read(EVERY_TENANT) as session:
        row = session.scalars(sa.select(JobRun)).one()
    assert row.finished_at is not None
    assert row.started_at <= row.finished_at <= datetime.now(UTC)
    assert datetime.now(UTC) - row.started_at < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (BadInput(what="The file is empty"), "The file is empty."),
        (KeyError("secret"), "Daybook made a mistake (KeyError): see its log."),
        (KeyboardInterrupt(), "It was stopped."),
    ],
    ids=["of the asker", "of Daybook", "an interrupt"],
)
def test_a_run_that_fails_says_why_and_keeps_what_it_had_counted(
    store: Store, error: BaseException, message: str
) -> None:
    with pytest.raises(type(error)), job_run(store, "import usage") as run:
        run.figures["read"] = 7
        raise error
    assert runs(store) == [("import usage", "failed", {"read": 7}, message)]


def test_a_run_whose_process_was_killed_is_failed_when_the_job_starts_again(store: Store) -> None:
    with running(RUNNER, address(store)) as process:
        with job_run(store, "refresh"):
            pass
        assert [status for _, status, _, _ in runs(store)] == ["running", "done"]
        process.kill()
        process.wait()
    with job_run(store, "seal"):
        pass
    assert [status for _, status, _, _ in runs(store)] == ["running", "done", "done"]
    with job_run(store, "refresh"):
        pass
    (_, status, _, message), *others = runs(store)
    assert (status, message) == (
        "failed",
        "It ended without a word: its process was killed, or the machine went down.",
    )
    assert [status for _, status, _, _ in others] == ["done", "done", "done"]


def test_who_holds_the_job_knows_that_no_other_run_of_it_lives(store: Store) -> None:
    began = datetime.now(UTC) - timedelta(hours=1)
    with store.write(EVERY_TENANT) as session:
        session.add(JobRun(job="refresh", started_at=began, status="running", holder="other-host other-place 17 4242"))
    with job_run(store, "refresh"):
        assert [status for _, status, _, _ in runs(store)] == ["running", "running"]
    with job_lock(store, "refresh"), job_run(store, "refresh"):
        assert [status for _, status, _, _ in runs(store)] == ["failed", "done", "running"]
