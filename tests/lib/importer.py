"""`daybook import` as somebody types it, and what it left in the home."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from click.testing import CliRunner
from sqlalchemy import select

from lib.access.viewer import EVERY_TENANT
from lib.cli import main
from lib.settings import Settings
from lib.store import Store
from lib.store.tables import Inbox
from lib.usage.intake import unpacked

OWNER = ("--application", "web", "--mini-program", "shop")


@dataclass(frozen=True)
class Said:
    """What a command said: its exit code, and both outputs without the last newline."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Importer:
    """A home, its database, and the command."""

    home: Settings
    store: Store

    def visits(self, *words: object) -> Said:
        """Run `daybook import visits ... --tenant acme`."""
        return self._run("visits", *words)

    def usage(self, form: str, *words: object) -> Said:
        """Run `daybook import usage ... --format FORM --tenant acme`."""
        return self._run("usage", "--format", form, *words)

    def operations(self, form: str, *words: object) -> Said:
        """Run `daybook import operations ... --format FORM --tenant acme`."""
        return self._run("operations", "--format", form, *words)

    def _run(self, *words: object) -> Said:
        environment = {"DAYBOOK_HOME": str(self.home.home), "DAYBOOK_DATABASE_URL": None, "DAYBOOK_LAKE_URL": None}
        arguments = ["import", *(str(word) for word in words), "--tenant", "acme"]
        result = CliRunner().invoke(main, arguments, env=environment)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Said(result.exit_code, result.stdout.rstrip("\n"), result.stderr.rstrip("\n"))

    def rows(self, kind: str) -> pl.DataFrame:
        """What was accepted of a kind, in the order of the files."""
        with self.store.read(EVERY_TENANT) as session:
            payloads = list(session.scalars(select(Inbox.payload).where(Inbox.kind == kind).order_by(Inbox.id)))
        return pl.concat(unpacked(payload) for payload in payloads)

    def rejects(self) -> list[dict[str, Any]]:
        """The lines set aside, of all runs."""
        files = sorted(self.home.rejects_dir.glob("*.ndjson"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]

    def reasons(self) -> list[tuple[int, str]]:
        """The numbers of the lines set aside, and why."""
        return [(line["line"], line["reason"]) for line in self.rejects()]

    def write(self, name: str, content: str | bytes) -> Path:
        """Make a file beside the home."""
        path = self.home.home.parent / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path
