"""Transactions that two processes may race for: the one that comes second tries again, and finds what the first did."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lib.store import Store

TRIES = 5
"""How often; each time somebody else has added something, so a few are many."""

R = TypeVar("R")


def written(store: Store, tenant_id: int, act: Callable[[Session], R]) -> R:
    """What an act returns that was done in one durable transaction. Raises as Store.write does."""
    for _ in range(TRIES - 1):
        try:
            return _once(store, tenant_id, act)
        except IntegrityError:
            continue
    return _once(store, tenant_id, act)


def _once(store: Store, tenant_id: int, act: Callable[[Session], R]) -> R:
    with store.write(tenant_id) as session:
        return act(session)
