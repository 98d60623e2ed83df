"""Proof of the log from the console and the command line: who may ask, what it answers, what is recorded of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from lib.access.viewer import EVERY_TENANT
from lib.cli import main
from lib.errors import BadInput, NotFound, NotPermitted
from lib.jobs.seal import seal
from lib.logs.verify.findings import Kind
from lib.queries.proving import Proving
from lib.settings import Settings
from lib.store import Store
from lib.store.tables import Operation
from tests.lib.companies import make_companies, viewer
from tests.lib.sealing import record_some, tamper

pytestmark = pytest.mark.spec("O9")


@pytest.fixture
def companies(sqlite_store: Store, home: Settings, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Acme and Globex, with sealed logs; acme's tenant id is 1."""
    make_companies(sqlite_store)
    record_some(sqlite_store, 1, 5)
    seal(sqlite_store, home)
    monkeypatch.setenv("DAYBOOK_HOME", str(home.home))
    return sqlite_store


def _proving(store: Store, home: Settings, name: str = "acme-platform") -> Proving:
    return Proving(viewer(store, name), store, home)


def _told(store: Store, action: str) -> list[tuple[str, str | None, str | None]]:
    with store.read(EVERY_TENANT) as session:
        told = select(Operation).where(Operation.module == "operation_log", Operation.action == action)
        return [(row.operator, row.old_value, row.new_value) for row in session.scalars(told.order_by(Operation.id))]


def test_an_administrator_verifies_and_it_is_recorded(companies: Store, home: Settings) -> None:
    steps: list[tuple[int, int]] = []
    proven = _proving(companies, home).verify(None, None, lambda done, of: steps.append((done, of)))
    assert (proven.counts, proven.findings.height) == ({}, 0)
    assert proven.rows == proven.tree_size == steps[-1][0] == steps[-1][1]
    assert _told(companies, "verify") == [("acme-platform", None, '{"count": 0, "since": null, "until": null}')]


def test_tampering_is_told_in_a_frame(companies: Store, home: Settings) -> None:
    tamper(companies, "UPDATE operation SET operator = 'bob' WHERE object_name LIKE 'Dashboard%'")
    proven = _proving(companies, home).verify(None, None, lambda done, of: None)
    assert proven.counts == {Kind.EDITED_COLUMN: 5}
    row = proven.findings.row(0, named=True)
    assert (row["kind"], row["sentence"][:10]) == ("edited_column", "In record ")
    assert row["operation_id"] >> 22 == int(row["occurred_at"].timestamp() * 1000)


def test_who_may_not_read_the_log_proves_nothing(companies: Store, home: Settings) -> None:
    with pytest.raises(NotPermitted):
        _proving(companies, home, "acme-ordinary").verify(None, None, lambda done, of: None)
    with pytest.raises(NotPermitted):
        _proving(companies, home, "acme-ordinary").hold(None, None, "a case")


def test_a_copy_for_elsewhere_is_what_the_command_reads(companies: Store, home: Settings, tmp_path: Path) -> None:
    proving = _proving(companies, home)
    seal(companies, home)
    checkpoints = proving.checkpoints(10)
    copy = proving.kept_copy(10)
    assert copy.startswith(f"{proving.key()}\n\n")
    assert copy.count("\n— daybook/tenant/1 ") == checkpoints.height == 1
    kept = tmp_path / "kept"
    kept.write_text(copy)
    done = CliRunner().invoke(main, ["verify", "operations", "--checkpoint", str(kept)])
    assert (done.exit_code, done.stdout.endswith(" 0 findings\n")) == (0, True)
    other = CliRunner().invoke(main, ["verify", "operations", "--checkpoint", str(kept), "--tenant", "globex"])
    assert other.exit_code == 2
    kept.write_text("no checkpoints")
    wrong = CliRunner().invoke(main, ["verify", "operations", "--checkpoint", str(kept)])
    assert (wrong.exit_code, "is no file of checkpoints" in wrong.stderr) == (2, True)


def test_the_command_names_what_was_altered_and_ends_with_one(companies: Store) -> None:
    clean = CliRunner().invoke(main, ["verify", "operations"])
    assert (clean.exit_code, clean.stdout.count(" 0 findings\n")) == (0, 3)
    tamper(companies, "DELETE FROM operation WHERE tenant_id = 1 AND object_name LIKE 'Dashboard%'")
    found = CliRunner().invoke(main, ["verify", "operations", "--tenant", "acme"])
    assert found.exit_code == 1
    lines = found.stdout.splitlines()
    assert [line.split(" record ")[0] for line in lines[:5]] == ["acme: deleted: There is no"] * 5
    assert found.stderr.endswith("The operation log is not as it was sealed: 5 findings.\n")
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    elsewhere = CliRunner().invoke(main, ["verify", "operations", "--tenant", "acme", "--since", later])
    assert elsewhere.exit_code == 0


def test_a_legal_hold_is_made_and_lifted_and_both_are_recorded(companies: Store, home: Settings) -> None:
    proving = _proving(companies, home)
    since, until = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    number = proving.hold(since, until, " The case of Smith ")
    (row,) = proving.holds().to_dicts()
    assert (row["id"], row["since"], row["reason"], row["made_by"]) == (
        number,
        since,
        "The case of Smith",
        "acme-platform",
    )
    with pytest.raises(NotFound):
        _proving(companies, home, "globex-platform").lift(number)
    proving.lift(number)
    assert proving.holds()["lifted_by"].to_list() == ["acme-platform"]
    with pytest.raises(NotFound):
        proving.lift(number)
    told = (
        '{"reason": "The case of Smith", "since": "2026-01-01T00:00:00+00:00", "until": "2026-02-01T00:00:00+00:00"}'
    )
    assert _told(companies, "hold") == [("acme-platform", None, told)]
    assert _told(companies, "release") == [("acme-platform", told, None)]
    for wrong in ((None, None, ""), (until, since, "a case"), (None, None, "x" * 1001)):
        with pytest.raises(BadInput):
            proving.hold(*wrong)


def test_how_long_the_log_is_kept_is_at_least_half_a_year(companies: Store, home: Settings) -> None:
    proving = _proving(companies, home)
    assert proving.keeps_days() == 400
    proving.keep(183)
    with pytest.raises(BadInput, match="183"):
        proving.keep(182)
    assert proving.keeps_days() == 183
    kept = CliRunner().invoke(main, ["tenant", "keep", "acme", "--operations", "500"])
    assert (kept.exit_code, proving.keeps_days()) == (0, 500)
