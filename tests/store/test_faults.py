"""What is said when the database does not do what was asked: one sentence, no secret, and nothing half done."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.exc import IntegrityError

from lib.access.viewer import EVERY_TENANT
from lib.errors import BadInput, Unavailable
from lib.store import Store
from lib.store.tables import Tenant
from tests.postgres import OWNER, PASSWORD, Server
from tests.store.others import address, running

NOW = datetime(2024, 2, 29, tzinfo=UTC)

WRITER = """
import sys, time
from lib.store import Store
with Store(sys.argv[1]).write("every"):
    print("writing", flush=True)
    time.sleep(60)
"""


def tenant(key: str, memo: str = "") -> Tenant:
    return Tenant(key=key, name=key, memo=memo, created_at=NOW)


def keys(store: Store) -> list[str]:
    with store.read(EVERY_TENANT) as session:
        return list(session.scalars(sa.select(Tenant.key).order_by(Tenant.key)))


@pytest.fixture
def hasty(sqlite_store: Store) -> Iterator[Store]:
    """The same SQLite database, for one who does not wait."""
    store = Store(str(sqlite_store.url), patience_seconds=0.2)
    yield store
    store.dispose()


def test_a_database_that_another_program_locks_is_said_to_be_locked(sqlite_store: Store, hasty: Store) -> None:
    other = sqlite3.connect(sqlite_store.file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable) as refused, hasty.write(EVERY_TENANT) as session:
        session.add(tenant("acme"))
        session.flush()
    assert str(refused.value) == (
        f"Another program holds the database {sqlite_store.file} locked (close it):"
        " nothing was changed; try again when that is mended."
    )
    other.close()
    assert keys(sqlite_store) == []


def test_a_writer_of_daybook_that_takes_too_long_is_named(sqlite_store: Store, hasty: Store) -> None:
    with running(WRITER, address(sqlite_store)):
        locked = pytest.raises(Unavailable, match="Another process of Daybook keeps the database locked")
        with locked, hasty.write(EVERY_TENANT):
            pass


def test_readers_do_not_wait_for_a_writer(sqlite_store: Store, hasty: Store) -> None:
    with sqlite_store.write(EVERY_TENANT) as session:
        session.add(tenant("acme"))
        session.flush()
        assert keys(hasty) == []
    assert keys(hasty) == ["acme"]


def test_a_full_disk_undoes_the_transaction_and_says_so(sqlite_store: Store) -> None:
    with sqlite_store.write(EVERY_TENANT) as session:
        session.add(tenant("before"))
    full = pytest.raises(Unavailable, match=r"The disk of the database .* is full")
    with full, sqlite_store.write(EVERY_TENANT) as session:
        session.execute(sa.text("PRAGMA max_page_count = 1"))  # as many as there are now
        session.add_all([tenant("small"), tenant("large", "x" * 100_000)])
    assert keys(sqlite_store) == ["before"]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"time,visitor\n" * 1000, "is not a SQLite database"), (b"", "lacks tables"), (None, "cannot be opened")],
    ids=["a text", "an empty file", "a folder"],
)
def test_what_is_no_database_is_said_to_be_none(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "daybook.sqlite"
    path.mkdir() if content is None else path.write_bytes(content)
    store = Store(f"sqlite:///{path}")
    with pytest.raises(Unavailable, match=said):
        keys(store)
    store.dispose()


def test_a_damaged_database_is_said_to_be_damaged(sqlite_store: Store) -> None:
    with sqlite_store.write(EVERY_TENANT) as session:
        session.add(tenant("acme"))
    sqlite_store.dispose()
    path = Path(sqlite_store.file)
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * (path.stat().st_size - 4096))
    with pytest.raises(Unavailable, match="is damaged"):
        keys(Store(str(sqlite_store.url)))


def at(server: Server, database: str, user: str = OWNER, password: str = PASSWORD, port: int = 0) -> Store:
    return Store(f"postgresql+psycopg://{user}:{password}@127.0.0.1:{port or server.port}/{database}")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"password": "guessed-wrong"}, "refuses the user or the password"),
        ({"user": "nobody"}, "refuses the user or the password"),
        ({"database": "none_such"}, 'has no database "none_such"'),
        ({"port": 1}, "does not answer"),
    ],
    ids=["password", "user", "database", "server"],
)
def test_a_wrong_address_of_postgresql_is_told_apart_without_its_password(
    postgresql: Server, wrong: dict[str, str | int], said: str
) -> None:
    store = at(postgresql, **{"database": "postgres", **wrong})  # type: ignore[arg-type]
    with pytest.raises(Unavailable, match=said) as refused:
        keys(store)
    assert "DAYBOOK_DATABASE_URL" in str(refused.value)
    for secret in (PASSWORD, "guessed-wrong"):
        assert secret not in f"{refused.value} {refused.value!r} {refused.value.__cause__}"
    store.dispose()


def test_a_connection_that_the_server_ends_is_unavailable_and_the_next_one_works(
    postgresql: Server, postgresql_store: Store
) -> None:
    with pytest.raises(Unavailable, match="does not answer"), postgresql_store.write(EVERY_TENANT) as session:
        session.add(tenant("lost"))
        session.flush()
        postgresql.run(
            sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}").format(
                sql.Literal(postgresql_store.url.database)
            )
        )
        session.add(tenant("lost too"))
        session.flush()
    assert keys(postgresql_store) == []


def test_a_null_character_is_bad_input_on_postgresql(postgresql_store: Store) -> None:
    with pytest.raises(BadInput, match="null character"), postgresql_store.write(EVERY_TENANT) as session:
        session.add(tenant("acme", "\x00"))


def test_a_key_that_is_taken_is_left_for_the_caller_to_name(store: Store) -> None:
    with store.write(EVERY_TENANT) as session:
        session.add(tenant("acme"))
    with pytest.raises(IntegrityError), store.write(EVERY_TENANT) as session:
        session.add(tenant("acme"))


def test_all_of_a_transaction_is_undone_when_its_block_fails(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.write(EVERY_TENANT) as session:
        session.add(tenant("acme"))
        session.flush()
        raise ZeroDivisionError
    assert keys(store) == []


def test_threads_share_a_store(store: Store) -> None:
    def add(number: int) -> None:
        with store.write(EVERY_TENANT) as session:
            session.add(tenant(f"t{number:02}"))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert keys(store) == [f"t{number:02}" for number in range(20)]
