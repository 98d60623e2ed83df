"""Accounts, as far as a viewer reaches: a platform administrator its tenant's, a system administrator its
equals too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec

import polars as pl
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lib.access.passwords import hashed
from lib.access.permissions import AccountType, Permission
from lib.logs import Operator
from lib.queries.administration import account_access, account_acts, account_identity
from lib.queries.administration.account_acts import AccountInput, Reach
from lib.queries.administration.acting import INSTANT, SEVERAL, WORDS, YES_OR_NO, Administering
from lib.queries.gate import needs
from lib.store.tables import Account, AccountSession

P = ParamSpec("P")


class AccountAdministration(Administering):
    """Accounts by name. Those out of reach are not found."""

    @needs(Permission.ACCOUNT_MANAGE)
    def accounts(self) -> pl.DataFrame:
        """A row for each account in reach: `name`, `display_name`, `type`, `organization` (key), `roles`
        (keys),
        `application_scope`, `applications` (keys), `oidc_issuer`, `oidc_subject`, `is_disabled`, `locked_until`,
        `last_seen_at`, `created_at`."""
        reach = self._reach
        seen = select(AccountSession.account_id, func.max(AccountSession.last_seen_at)).group_by(
            AccountSession.account_id
        )
        in_reach = Account.tenant_id == reach.tenant_id
        if reach.system:
            in_reach |= Account.tenant_id.is_(None)
        with self.store.read(self._scope) as session:
            found = session.scalars(select(Account).where(in_reach).order_by(Account.name)).all()
            seen = seen.where(AccountSession.account_id.in_([row.id for row in found]))
            seen_at = {row[0]: row[1] for row in session.execute(seen)}
            rows = []
            for row in found:
                wait = account_access.wait_of_account(session, row.name)
                state = (row.is_disabled, wait and wait.until, seen_at.get(row.id), row.created_at)
                identity = (row.oidc_issuer, row.oidc_subject)
                rows.append((*account_acts.described(session, row).values(), *identity, *state))
        schema = {
            "name": WORDS,
            "display_name": WORDS,
            "type": WORDS,
            "organization": WORDS,
            "roles": SEVERAL,
            "application_scope": WORDS,
            "applications": SEVERAL,
            "oidc_issuer": WORDS,
            "oidc_subject": WORDS,
            "is_disabled": YES_OR_NO,
            "locked_until": INSTANT,
            "last_seen_at": INSTANT,
            "created_at": INSTANT,
        }
        return pl.DataFrame(rows, schema, orient="row")

    @needs(Permission.ACCOUNT_MANAGE)
    def account_types(self) -> list[AccountType]:
        """The types that the viewer can give."""
        return [AccountType.ORDINARY, AccountType.PLATFORM] + ([AccountType.SYSTEM] if self._reach.system else [])

    @needs(Permission.ACCOUNT_MANAGE)
    def add_account(self, given: AccountInput, password: str) -> None:
        """Raises BadInput for the password, AlreadyThere, and NotFound for what it should belong to or
        hold."""
        self._act_in_reach(account_acts.add_account, given, hashed(password))

    @needs(Permission.ACCOUNT_MANAGE)
    def edit_account(self, given: AccountInput) -> None:
        """Make the account of the name what is given. Raises BadInput for another type of oneself, or of
        the last system
        administrator."""
        self._act_in_reach(account_acts.edit_account, given)

    @needs(Permission.ACCOUNT_MANAGE)
    def set_password(self, name: str, password: str) -> None:
        """Change the password, and end every session and API token of the account. Raises BadInput."""
        self._act_in_reach(account_access.set_password, name, hashed(password))

    @needs(Permission.ACCOUNT_MANAGE)
    def link_identity(self, name: str, issuer: str, subject: str) -> None:
        """Let an identity of single sign-on in by it. Raises BadInput for what is none, or another account's."""
        self._act_in_reach(account_identity.link_identity, name, issuer, subject)

    @needs(Permission.ACCOUNT_MANAGE)
    def unlink_identity(self, name: str) -> None:
        """Let nobody in by it but with its password. Raises BadInput where it has no identity."""
        self._act_in_reach(account_identity.unlink_identity, name)

    @needs(Permission.ACCOUNT_MANAGE)
    def disable_account(self, name: str) -> None:
        """Let nobody in by it, and end its sessions. Raises BadInput for oneself and the last system
        administrator."""
        self._act_in_reach(account_access.disable_account, name)

    @needs(Permission.ACCOUNT_MANAGE)
    def enable_account(self, name: str) -> None:
        """Let it sign in again. Raises BadInput where it is not disabled."""
        self._act_in_reach(account_access.enable_account, name)

    @needs(Permission.ACCOUNT_MANAGE)
    def unlock_account(self, name: str) -> None:
        """Forgive the failed attempts to sign in. Raises BadInput where none makes the next one wait."""
        self._act_in_reach(account_access.unlock_account, name)

    @needs(Permission.ACCOUNT_MANAGE)
    def revoke_sessions(self, name: str) -> None:
        """Sign the account out everywhere, and end its API tokens. Raises BadInput where it has neither."""
        self._act_in_reach(account_access.revoke_sessions, name)

    @property
    def _reach(self) -> Reach:
        return Reach(self.viewer.tenant_id, system=self.viewer.account_type is AccountType.SYSTEM)

    def _act_in_reach(
        self, act: Callable[Concatenate[Session, Reach, Operator, P], None], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        with self.store.write(self._scope) as session:
            act(session, self._reach, Operator.of(self.viewer), *args, **kwargs)
