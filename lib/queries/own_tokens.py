"""API tokens: made for an account, shown once, and revoked; what they may is what the account may (SPEC I4)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
from sqlalchemy.orm import Session

from lib.access.tokens import hash_of_token, new_token
from lib.access.viewer import EVERY_TENANT
from lib.errors import BadInput, NotFound
from lib.logs.record import Act, Operator, record
from lib.queries.gate import own
from lib.queries.own import OwnQueries
from lib.store.api_tokens import revoked_at, tokens_of
from lib.store.tables import Account, ApiToken
from lib.usage.events import INSTANT
from lib.words import Phrase

TOKEN_MARK = "dbk_"  # noqa: S105 (what every token begins with, so that one is recognised where it should not be)
USUAL_DAYS = 365
LONGEST_DAYS = 3650
NAME_LENGTH = 100
_PREFIX_LENGTH = len(TOKEN_MARK) + 6

_LISTED = {
    "id": pl.Int64(),
    "name": pl.String(),
    "prefix": pl.String(),
    "created_at": INSTANT,
    "expires_at": INSTANT,
    "revoked_at": INSTANT,
}


def add_token(session: Session, operator: Operator, account: Account, name: str, days: int = USUAL_DAYS) -> str:
    """Make a token that acts as the account for so many days, and return it: it cannot be read again.

    Raises BadInput.
    """
    name = name.strip()
    if not name or len(name) > NAME_LENGTH or not name.isprintable():
        raise BadInput(what=Phrase("api_token.name", most=NAME_LENGTH))
    if not 1 <= days <= LONGEST_DAYS:
        raise BadInput(what=Phrase("api_token.days", most=LONGEST_DAYS))
    token, now = TOKEN_MARK + new_token(), datetime.now(UTC)
    row = ApiToken(
        tenant_id=account.tenant_id,
        account_id=account.id,
        name=name,
        token_hash=hash_of_token(token),
        prefix=token[:_PREFIX_LENGTH],
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    session.add(row)
    session.flush()
    _record(session, operator, account, row, "add", "addition")
    return token


def revoke_token(session: Session, operator: Operator, account: Account, token_id: int) -> None:
    """End a token of the account for good. Raises NotFound, and BadInput where it is revoked already."""
    row = session.get(ApiToken, token_id)
    if row is None or row.account_id != account.id:
        raise NotFound(kind=Phrase("kind.api_token"), key=token_id)
    if row.revoked_at is not None:
        raise BadInput(what=Phrase("api_token.revoked_already", prefix=row.prefix))
    row.revoked_at = datetime.now(UTC)
    _record(session, operator, account, row, "revoke", "deletion")


def listed(session: Session, account: Account) -> pl.DataFrame:
    """A row for each token: `id`, `name`, `prefix` (its first characters), `created_at`, `expires_at`, `revoked_at`
    (null: neither revoked nor ended by a new password)."""
    rows = [
        (row.id, row.name, row.prefix, row.created_at, row.expires_at, revoked_at(row, account))
        for row in tokens_of(session, account.id)
    ]
    return pl.DataFrame(rows, schema=_LISTED, orient="row")


class OwnTokens(OwnQueries):
    """The tokens of the viewer's own account."""

    @own
    def listing(self) -> pl.DataFrame:
        """A row for each, as `listed` says, with `is_working`; newest first."""
        with self.store.read(EVERY_TENANT) as session:
            tokens = listed(session, self._account(session))
        works = pl.col("revoked_at").is_null() & (pl.col("expires_at") > datetime.now(UTC))
        return tokens.with_columns(is_working=works).sort("created_at", "id", descending=True)

    @own
    def add(self, name: str, days: int = USUAL_DAYS) -> str:
        """Make one and return it: it cannot be read again. Raises BadInput."""
        with self.store.write(EVERY_TENANT) as session:
            return add_token(session, Operator.of(self.viewer), self._account(session), name, days)

    @own
    def revoke(self, token_id: int) -> None:
        """End one. Raises NotFound and BadInput."""
        with self.store.write(EVERY_TENANT) as session:
            revoke_token(session, Operator.of(self.viewer), self._account(session), token_id)


def _record(
    session: Session, operator: Operator, account: Account, row: ApiToken, action: str, operation_class: str
) -> None:
    new = {"name": row.name, "prefix": row.prefix, "account": account.name, "expires_at": row.expires_at}
    old = None if action == "add" else new
    new = new if action == "add" else {**new, "revoked_at": row.revoked_at}
    act = Act("account", action, operation_class, "api_token", row.name, str(row.id), old, new, submodule="api_token")
    record(session, account.tenant_id, operator, act)
