"""What rooms about the viewer's own account have in common."""

from __future__ import annotations

from sqlalchemy.orm import Session

from lib.errors import NotSignedIn
from lib.queries.gate import ViewerQueries
from lib.store.tables import Account


class OwnQueries(ViewerQueries):
    """A room where everybody signed in finds what is theirs."""

    def _account(self, session: Session) -> Account:
        """The viewer's account, as it is now. Raises NotSignedIn where it is disabled or gone."""
        account = session.get(Account, self.viewer.account_id)
        if account is None or account.is_disabled:
            raise NotSignedIn
        return account
