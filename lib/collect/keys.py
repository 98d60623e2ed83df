"""Who sends: the write key of a request, looked up by its hash and remembered for a moment."""

from __future__ import annotations

import base64
import binascii
import time

from lib.access.tokens import hash_of_token
from lib.access.viewer import EVERY_TENANT
from lib.collect.answers import Refused
from lib.store import Store
from lib.store.ingest_keys import WriteKey, write_key_of

REMEMBERED_SECONDS = 3.0
"""How long a revoked key may still work."""

_REMEMBERED_KEYS = 10_000
_LONGEST_KEY = 200


class Keys:
    """The write keys of a database. A look-up that must ask it blocks: `known` says whether it must."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._found: dict[str, tuple[float, WriteKey | None]] = {}

    def known(self, key: str) -> tuple[bool, WriteKey | None]:
        """Whether a key is remembered, and what as."""
        until, found = self._found.get(key, (0.0, None))
        return time.monotonic() < until, found

    def find(self, key: str) -> WriteKey | None:
        """The key, asked of the database. Raises Unavailable."""
        with self._store.read(EVERY_TENANT) as session:
            found = write_key_of(session, hash_of_token(key))
        if len(self._found) >= _REMEMBERED_KEYS:
            self._found.clear()
        self._found[key] = (time.monotonic() + REMEMBERED_SECONDS, found)
        return found


def key_in(authorization: str | None) -> str | None:
    """The write key in a header `Authorization: Basic`, of which it is the user; null where there is none."""
    scheme, _, credentials = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(credentials, validate=True).decode("utf-8").partition(":")[0] or None
    except (binascii.Error, UnicodeDecodeError):
        return None


def checked(key: object) -> str:
    """A key that can be looked up. Raises Refused."""
    if not isinstance(key, str) or not key:
        raise Refused(401, "no_key", "There is no write key: send it as the user of Basic authentication")
    if len(key) > _LONGEST_KEY:
        raise unknown_key()
    return key


def unknown_key() -> Refused:
    """The refusal of a key that is none, or was revoked."""
    return Refused(401, "unknown_key", "This write key is unknown or was revoked: ask an administrator for another")
