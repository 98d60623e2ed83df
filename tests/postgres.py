"""A real PostgreSQL server for the tests: its own folder and port, started with them and gone with them."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL

from lib.store.tables import Base

OWNER = "daybook_owner"
PASSWORD = "of-the-owner"  # for the loopback address; the socket asks for none
_QUICK = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "autovacuum=off",
    "shared_buffers=32MB",
    "max_connections=100",
    "listen_addresses=127.0.0.1",
)


class NoPostgreSQL(Exception):
    """PostgreSQL is not installed here: `make test` installs it."""

    def __str__(self) -> str:
        return str(self.__doc__)


def _programs() -> Path:
    found = [path.parent for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)]
    if shutil.which("initdb"):
        found.insert(0, Path(str(shutil.which("initdb"))).resolve().parent)
    if not found:
        raise NoPostgreSQL
    return found[0]


def _unprivileged() -> dict[str, Any]:
    """The keywords that make a subprocess somebody else's: PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    entry = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _ends_with_us() -> list[str]:
    """What makes the server stop when the tests are killed and cannot stop it."""
    return ["setpriv", "--pdeathsig", "INT"] if shutil.which("setpriv") else []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """A running server; `folder` holds its data and its socket."""

    folder: Path
    port: int
    process: subprocess.Popen[Any]
    version: int = field(default=0)
    made: int = field(default=0)

    @classmethod
    def start(cls) -> Server:
        """Make a cluster and wait until it answers. Raises NoPostgreSQL."""
        programs, somebody = _programs(), _unprivileged()
        folder, port = Path(tempfile.mkdtemp(prefix="daybook-pg-")), _free_port()
        if somebody:
            os.chown(folder, somebody["user"], somebody["group"])
        cluster = str(folder / "cluster")
        initdb = [f"{programs}/initdb", "-D", cluster, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        access = ["--auth-local=trust", "--auth-host=scram-sha-256"]
        subprocess.run([*initdb, *access], cwd=folder, check=True, capture_output=True, **somebody)
        settings = [part for setting in _QUICK for part in ("-c", setting)]
        postgres = [f"{programs}/postgres", "-D", cluster, "-k", str(folder), "-p", str(port), *settings]
        with (folder / "server.log").open("wb") as log:
            process = subprocess.Popen([*_ends_with_us(), *postgres], cwd=folder, stdout=log, stderr=log, **somebody)
        server = cls(folder, port, process)
        server._prepare()
        return server

    def _prepare(self) -> None:
        until = time.monotonic() + 60
        while True:
            try:
                self.run(sql.SQL("SELECT 1"))
                break
            except psycopg.OperationalError:
                if time.monotonic() > until or self.process.poll() is not None:
                    self.stop()
                    raise
                time.sleep(0.05)
        # Neither a superuser nor past row-level security: what `daybook init` is promised to work with.
        self.run(
            sql.SQL("CREATE ROLE {} LOGIN CREATEROLE NOSUPERUSER NOBYPASSRLS PASSWORD {}").format(
                sql.Identifier(OWNER), sql.Literal(PASSWORD)
            )
        )

    def run(self, statement: sql.SQL | sql.Composed, database: str = "postgres") -> None:
        """Do something as the superuser."""
        where: dict[str, Any] = {"host": str(self.folder), "port": self.port, "user": "postgres", "dbname": database}
        with psycopg.connect(**where, autocommit=True) as connection:
            self.version = connection.info.server_version
            connection.execute(statement)

    def url(self, database: str, user: str = OWNER) -> str:
        """The address of a database, for a user who is asked for no password."""
        where = {"host": str(self.folder), "port": str(self.port)}
        return str(URL.create("postgresql+psycopg", username=user, database=database, query=where))

    def create(self, template: str = "template1", owner: str = OWNER) -> str:
        """A new database, a copy of `template`; returns its name."""
        self.made += 1
        name = f"daybook_{self.made}"
        # Since 15 the default writes a copy through the log, which takes three times as long.
        quick = " STRATEGY FILE_COPY" if self.version >= 150_000 else ""
        statement = sql.SQL(f"CREATE DATABASE {{}} TEMPLATE {{}} OWNER {{}}{quick}")
        self.run(statement.format(sql.Identifier(name), sql.Identifier(template), sql.Identifier(owner)))
        return name

    def empty(self, database: str) -> None:
        """Take every row out of a database and begin its numbers again: 20 ms, where a new database takes 300."""
        deletions = [sql.SQL("DELETE FROM {}").format(sql.Identifier(name)) for name in Base.metadata.tables]
        statements = [
            sql.SQL(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ),
            sql.SQL("SET session_replication_role = replica"),  # foreign keys look away
            *deletions,
            sql.SQL("SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'"),
        ]
        self.run(sql.SQL("; ").join(statements), database)

    def drop(self, database: str) -> None:
        """Remove a database, and end its connections."""
        self.run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))

    def stop(self) -> None:
        """End the server and remove its folder."""
        if self.process.poll() is None:
            self.process.send_signal(2)  # SIGINT: end the connections and stop
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
