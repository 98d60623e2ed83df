"""The database: the only engine, the tables, their migrations."""

from lib.store.engine import Store

__all__ = ["Store"]
