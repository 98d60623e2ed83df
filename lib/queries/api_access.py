"""The door for programs: from a token to the viewer that its account is now (SPEC I4)."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from lib.access.permissions import AccountType
from lib.access.viewer import EVERY_TENANT, Viewer
from lib.errors import BadInput, NotFound, NotSignedIn
from lib.queries.signed_in import viewer_from
from lib.store import Store
from lib.store.api_tokens import holds, token_shown
from lib.store.tables import Account
from lib.words import Language, Phrase


class ApiAccess:
    """Who shows a token. Asked at every request, so that what ended since has no effect any more."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def require(self, token: str) -> None:
        """Raise NotSignedIn for a token that is unknown, ended, expired or of a disabled account."""
        with self._store.read(EVERY_TENANT) as session:
            self._account(session, token)

    def viewer_of(self, token: str, tenant: str | None, address: str = "") -> Viewer:
        """The account of the token, as it is in the database now, looking at the tenant of the key.

        A system administrator belongs to no tenant and has to name one; for others, None is their own. Raises
        NotSignedIn, BadInput where a tenant has to be named, and NotFound for one that is not theirs to see, whether
        it is there or not.
        """
        with self._store.read(EVERY_TENANT) as session:
            account = self._account(session, token)
            viewer = viewer_from(session, account, tenant, language=Language.EN, address=address)
        if tenant is None and viewer.account_type is AccountType.SYSTEM:
            raise BadInput(what=Phrase("api_token.name_a_tenant"))
        if tenant is not None and viewer.tenant_key != tenant:
            raise NotFound(kind=Phrase("kind.tenant"), key=tenant)
        return viewer

    def _account(self, session: Session, token: str) -> Account:
        found = token_shown(session, token)
        if found is None or not holds(*found, datetime.now(UTC)):
            raise NotSignedIn
        return found[1]
