"""Passwords: what may be one, and how it is kept."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache

import bcrypt

from lib.errors import BadInput
from lib.words import Phrase


@dataclass(frozen=True)
class PasswordRules:
    """`cost` is bcrypt's: each one more doubles the work of a guess, and of a sign-in."""

    cost: int
    least_characters: int = 8
    most_bytes: int = 72


STRONG = PasswordRules(cost=12)
QUICK_FOR_TESTS = PasswordRules(cost=4)


class PasswordFault(StrEnum):
    """Why a password cannot be one; `words` is the sentence's key in the catalogue."""

    SHORT = "short"
    LONG = "long"
    SPACED = "spaced"
    UNTYPABLE = "untypable"

    @property
    def words(self) -> str:
        """The catalogue key of the sentence."""
        return f"password.{self.value}"


def fault_of(password: str, rules: PasswordRules = STRONG) -> PasswordFault | None:
    """Why the password cannot be set, or None when it can."""
    if len(password.encode()) > rules.most_bytes:
        return PasswordFault.LONG
    if password != password.strip():
        return PasswordFault.SPACED
    if any(ord(character) < 32 or ord(character) == 127 for character in password):
        return PasswordFault.UNTYPABLE
    if len(password) < rules.least_characters:
        return PasswordFault.SHORT
    return None


def require_possible(password: str, rules: PasswordRules = STRONG) -> None:
    """Raise BadInput, which names the fault and never the password, for a text that cannot be one."""
    fault = fault_of(password, rules)
    if fault is not None:
        raise BadInput(what=Phrase(fault.words))


@dataclass(frozen=True)
class HashedPassword:
    """A password as it is kept: hashed before a transaction begins, so that nobody waits for the work of it."""

    text: str = field(repr=False)


def hashed(password: str, rules: PasswordRules = STRONG) -> HashedPassword:
    """Hash a password for the transaction that will keep it. Raises BadInput."""
    return HashedPassword(hash_password(password, rules))


def hash_password(password: str, rules: PasswordRules = STRONG) -> str:
    """The bcrypt hash to keep. Raises BadInput, which names the fault and never the password."""
    require_possible(password, rules)
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(rules.cost)).decode()


def is_password(password: str, password_hash: str) -> bool:
    """Whether the hash is of this password; takes the same time either way."""
    if len(password.encode()) > STRONG.most_bytes:
        password = new_password()
    return bcrypt.checkpw(password.encode(), password_hash.encode())


def new_password() -> str:
    """A random password that nobody will guess, to be shown once."""
    return secrets.token_urlsafe(12)


@cache
def nobodys_hash(rules: PasswordRules = STRONG) -> str:
    """A hash that no password has: comparing with it takes as long as comparing with a real one."""
    return bcrypt.hashpw(secrets.token_bytes(32), bcrypt.gensalt(rules.cost)).decode()
