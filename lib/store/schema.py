"""Making the tables, bringing them to this version, and knowing whether they are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from lib.access.viewer import EVERY_TENANT
from lib.errors import Unavailable
from lib.store import guards
from lib.store.engine import Store

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
REVISIONS = tuple(sorted(path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py")))
"""All versions of the tables, oldest first; the last is what this Daybook works with."""

_ONE_AT_A_TIME = 4_210_771_001  # any number that no other program takes for its advisory lock


def migrate(store: Store) -> None:
    """Create the tables, or bring them to this version; all of it or nothing, by one process at a time.

    Raises Unavailable when the database is locked, away or newer than this Daybook, or denies a right that is needed.
    """
    if not store.is_postgresql:
        _make_file(Path(store.file))
    engine = store.engine.execution_options(daybook_migrating=True)
    with store.turn(), store.faults_named(writing=True), engine.begin() as connection:
        if store.is_postgresql:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ONE_AT_A_TIME)))
            # Whoever moves rows must see them: the owner is held to row-level security too.
            connection.exec_driver_sql(f"SET LOCAL app.tenant = '{EVERY_TENANT}'")
            guards.prepare_role(connection)
        if (found := _revision(connection)) not in {None, *REVISIONS}:
            raise Unavailable(what=_newer(found))
        _upgrade(connection)
        guards.guard(connection)


def require_current(store: Store) -> None:
    """Raise Unavailable, saying what to do, when the database has no tables, or those of another version."""
    if not store.is_postgresql and not Path(store.file).exists():
        raise Unavailable(what=f"There is no database {store.file} (run `daybook init`)")
    with store.faults_named(writing=False), store.engine.connect() as connection:
        found = _revision(connection.execution_options(daybook_writing=False))
    if found is None:
        raise Unavailable(what="The database has no tables of Daybook (run `daybook init`)")
    if found not in REVISIONS:
        raise Unavailable(what=_newer(found))
    if found != REVISIONS[-1]:
        raise Unavailable(what=f"The database is of an older version, {found} (run `daybook init` to upgrade)")


def alembic_config(connection: sa.Connection) -> Config:
    """What Alembic's commands are given: where the migrations are, and the transaction that they run in."""
    from alembic.config import Config  # only `init` needs it, and it is slow to load

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config


def _newer(found: str | None) -> str:
    return f"The database is of a newer version, {found} (install that Daybook, or restore a backup)"


def _make_file(file: Path) -> None:
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        what = f"The database {file} cannot be made ({error.strerror}; see its folder)"
        raise Unavailable(what=what) from error


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return None if found is None else str(found)


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command

    command.upgrade(alembic_config(connection), "head")
    if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise Unavailable(what="Rows of the database refer to rows that are not there (restore a backup)")
