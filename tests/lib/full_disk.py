"""A disk without room, as SQLite has it: every page that the file may have is taken."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from lib.store import Store


@contextmanager
def full_disk(store: Store, pages_left: int = 0) -> Iterator[None]:
    """For as long as it lasts, the database file cannot grow further than by some pages."""
    with sqlite3.connect(store.file) as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    limit = f"PRAGMA max_page_count = {pages + pages_left}"

    def no_room(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(limit)

    store.engine.dispose()
    event.listen(store.engine, "checkout", no_room)
    try:
        yield
    finally:
        event.remove(store.engine, "checkout", no_room)
        store.engine.dispose()
