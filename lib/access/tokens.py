"""Tokens that prove who somebody is: random, handed out once, and kept only as hashes."""

from __future__ import annotations

import hashlib
import secrets


def new_token() -> str:
    """256 random bits, fit for a cookie or an address."""
    return secrets.token_urlsafe(32)


def hash_of_token(token: str) -> str:
    """What is kept of a token. It needs no salt and no slowness: nobody can guess 256 bits."""
    return hashlib.sha256(token.encode()).hexdigest()
