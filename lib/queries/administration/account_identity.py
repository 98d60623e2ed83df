"""The identity of single sign-on that lets somebody in by an account (SPEC A7)."""

from __future__ import annotations

from urllib.parse import urlsplit

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lib.logs import Operator
from lib.queries.administration.account_acts import Reach, account_of
from lib.queries.administration.acting import note, refused
from lib.store import accounts
from lib.store.tables import Account

_LONGEST = 255
"""How long OpenID Connect lets a subject be."""


def link_identity(session: Session, reach: Reach, operator: Operator, name: str, issuer: str, subject: str) -> None:
    """Let whom the issuer calls by the subject in by the account, and nobody else; another identity's sessions end.

    Raises BadInput for what cannot be an identity, or is another account's.
    """
    row = account_of(session, reach, name)
    issuer, subject = accounts.issuer_of(issuer), subject.strip()
    if urlsplit(issuer).scheme not in {"https", "http"} or not issuer.isprintable():
        raise refused("identity_issuer")
    if not subject or len(subject) > _LONGEST or not subject.isprintable():
        raise refused("identity_subject", most=_LONGEST)
    holder = accounts.account_of_identity(session, issuer, subject)
    if holder is not None and holder.id != row.id:
        raise refused("identity_taken")
    try:
        _set(session, row, operator, "link_identity", issuer, subject)
    except IntegrityError as error:  # another tenant's, which row-level security hides
        raise refused("identity_taken") from error


def unlink_identity(session: Session, reach: Reach, operator: Operator, name: str) -> None:
    """Let nobody in by the account but with its password; its sessions end. Raises BadInput where it has none."""
    row = account_of(session, reach, name)
    if row.oidc_subject is None:
        raise refused("identity_none", name=row.name)
    _set(session, row, operator, "unlink_identity", None, None)


def _set(
    session: Session, row: Account, operator: Operator, action: str, issuer: str | None, subject: str | None
) -> None:
    old = {"oidc_issuer": row.oidc_issuer, "oidc_subject": row.oidc_subject}
    new = {"oidc_issuer": issuer, "oidc_subject": subject}
    if new == old:
        return
    row.oidc_issuer, row.oidc_subject = issuer, subject
    if old["oidc_subject"] is not None:
        accounts.end_sessions(session, row.id)
    session.flush()
    note(session, row.tenant_id, operator, "account", action, row.name, row.id, old, new)
