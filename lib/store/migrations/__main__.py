"""`python -m lib.store.migrations "What changes"` drafts the migration that lib/store/tables.py asks for."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command

from lib.store import Store, schema


def write_migration(message: str) -> None:
    """Compare the tables of the code with a new database, and write the difference as the next version."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{Path(folder) / 'daybook.sqlite'}")
        schema.migrate(store)
        number = f"{len(schema.REVISIONS) + 1:04}"
        with store.engine.connect() as connection:
            config = schema.alembic_config(connection)
            command.revision(config, message, autogenerate=True, rev_id=number)
        store.dispose()


if __name__ == "__main__":
    write_migration(sys.argv[1])
