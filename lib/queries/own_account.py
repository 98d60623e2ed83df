"""One's own account: what everybody signed in may change of themselves, and nobody of others."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy.orm import Session

from lib.access.passwords import hashed, is_password, require_possible
from lib.access.permissions import AccountType
from lib.access.tokens import new_token
from lib.access.viewer import EVERY_TENANT
from lib.errors import BadInput
from lib.logs.record import SYSTEM_TENANT, Act, Operator, record
from lib.queries.entrance import RULES, Attempt, Entrance, EntranceRules, OpenedSession
from lib.queries.gate import own
from lib.queries.own import OwnQueries
from lib.store import attempts, sessions
from lib.store.accounts import set_password
from lib.store.catalogue import every_tenant
from lib.store.tables import Account
from lib.words import Language, Phrase


class OwnAccount(OwnQueries):
    """The viewer's own account."""

    _rules: EntranceRules = RULES

    @own
    def tenants(self) -> tuple[tuple[str, str], ...]:
        """The (key, name) of the tenants that the viewer can choose: all for system administrators, else the own."""
        viewer = self.viewer
        if viewer.account_type is not AccountType.SYSTEM:
            return ((viewer.tenant_key, viewer.tenant_name),)
        with self.store.read(EVERY_TENANT) as session:
            return tuple((tenant.key, tenant.name) for tenant in every_tenant(session))

    @own
    def choose_language(self, language: Language) -> None:
        """Show everything in this language from the next run on, in every browser."""
        with self.store.write(EVERY_TENANT) as session:
            account = self._account(session)
            old, account.language = account.language, language.value
            self._record(session, account, "change_language", {"language": old}, {"language": language.value})

    @own
    def choose_zone(self, zone: str) -> None:
        """Show times in this IANA zone. Raises BadInput for a name that is none."""
        if zone not in zones():
            raise BadInput(what=Phrase("own_account.no_zone", zone=zone[:60]))
        with self.store.write(EVERY_TENANT) as session:
            account = self._account(session)
            old, account.zone = account.zone, zone
            self._record(session, account, "change_zone", {"zone": old}, {"zone": zone})

    @own
    def change_password(self, current: str, wanted: str) -> OpenedSession:
        """Set a new password, end every session and API token, and open a session for this browser. Raises BadInput.

        A wrong current password counts as a failed attempt to sign in, and is slowed down and locked as those are:
        who sits at somebody's open browser does not know the password yet.
        """
        require_possible(wanted, self._rules.passwords)
        attempt = self._checked(current)
        kept, ticket = hashed(wanted, self._rules.passwords), new_token()
        now = datetime.now(UTC)
        with self.store.write(EVERY_TENANT) as session:
            account = self._account(session)
            if account.password_hash != attempt.password_hash:  # changed while this one was hashed
                raise BadInput(what=Phrase("own_account.wrong_password"))
            set_password(session, account, kept)
            attempts.settle(session, attempt.sign_in_id, attempts.SUCCESS, "change_password")
            opened = sessions.open_session(
                session,
                account.id,
                ticket,
                now=max(now, account.password_changed_at),
                lasts=self._rules.absolute,
                ticket_lasts=self._rules.ticket,
                address=self.viewer.address,
                user_agent="",
            )
            self._record(session, account, "change_password", None, None)
        return OpenedSession(opened.id, ticket)

    def _checked(self, password: str) -> Attempt:
        """The attempt that found this to be the password; outside of any transaction, for bcrypt takes its time."""
        entrance = Entrance(self.store, self._rules)
        attempt = entrance.attempt(self.viewer.account_name, self.viewer.address)
        if attempt.wait is not None:
            left = attempt.wait.until - datetime.now(UTC)
            raise BadInput(what=Phrase("own_account.wait", seconds=max(1, math.ceil(left.total_seconds()))))
        if not is_password(password, attempt.password_hash):
            entrance.fail(attempt, "change_password")
            raise BadInput(what=Phrase("own_account.wrong_password"))
        return attempt

    def _record(
        self,
        session: Session,
        account: Account,
        action: str,
        old: dict[str, str | None] | None,
        new: dict[str, str | None] | None,
    ) -> None:
        act = Act("account", action, "modification", "account", account.name, str(account.id), old, new)
        record(session, account.tenant_id or SYSTEM_TENANT, Operator.of(self.viewer), act)


@cache
def zones() -> tuple[str, ...]:
    """The IANA zones that can be chosen, UTC first."""
    places = (name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/")))
    return ("UTC", *sorted(places))


def offset_of(zone: str, at: datetime) -> str:
    """The zone's offset at an instant, such as "+08:00"."""
    text = at.astimezone(ZoneInfo(zone)).strftime("%z")
    return f"{text[:3]}:{text[3:5]}"
