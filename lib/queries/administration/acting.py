"""What every act of administration has in common: one transaction, one operation in the log, rows found by
their keys.

An act is a function `(session, tenant_id, operator, ...)`, which the console and the command line share;
the gated method of
the same name lets a viewer do it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar

import polars as pl
import sqlalchemy as sa
from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lib.access.permissions import AccountType
from lib.access.viewer import EVERY_TENANT, TenantScope
from lib.errors import AlreadyThere, BadInput, NotFound
from lib.logs import Act, Operator, record
from lib.queries.gate import ViewerQueries
from lib.store.tables import Application, Base, Link, MiniProgram, Organization, Project, Role
from lib.words import Phrase

P = ParamSpec("P")
R = TypeVar("R")
Keyed = TypeVar("Keyed", Project, Application, MiniProgram, Organization, Role)

Noun = Literal[
    "tenant",
    "account",
    "role",
    "project",
    "application",
    "mini_program",
    "link",
    "organization",
    "ingest_key",
]
"""The kinds of things that are administered; their words are `kind.<noun>`."""

WORDS, SEVERAL, COUNT, YES_OR_NO = pl.String(), pl.List(pl.String), pl.Int64(), pl.Boolean()
INSTANT = pl.Datetime("us", "UTC")
_NAME_LENGTH = 200
_TEXT_LENGTH = 2_000
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Administering(ViewerQueries):
    """What one viewer administers: everything is found in, and written to, the tenant that the viewer
    looks at."""

    @property
    def _scope(self) -> TenantScope:
        # System administrators' accounts belong to no tenant, which only the scope of every tenant reaches.
        return EVERY_TENANT if self.viewer.account_type is AccountType.SYSTEM else self.viewer.tenant_id

    def _act(self, act: Callable[Concatenate[Session, int, Operator, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        with self.store.write(self._scope) as session:
            return act(session, self.viewer.tenant_id, Operator.of(self.viewer), *args, **kwargs)

    def _applications(self) -> Select[Application]:
        """The applications that the viewer holds (SPEC A5), by key."""
        scope = self.viewer.applications
        held = sa.true() if scope.every else Application.id.in_(scope.ids)
        return select(Application).where(Application.tenant_id == self.viewer.tenant_id, held).order_by(Application.key)

    def _require_every_application(self) -> None:
        if not self.viewer.applications.every:
            raise refused("every_application_needed")

    def _require_application(self, key: str | None) -> None:
        """Raise NotFound for an application not held; none at all is for those who hold every one."""
        if key is None:
            self._require_every_application()
            return
        with self.store.read(self._scope) as session:
            if key not in {application.key for application in session.scalars(self._applications())}:
                raise NotFound(kind=kind("application"), key=key)

    def _require_mini_program(self, key: str) -> None:
        """Raise NotFound for a mini program that was never linked to an application held."""
        held = self._applications().with_only_columns(Application.id)
        of_key = (MiniProgram.tenant_id == self.viewer.tenant_id) & (MiniProgram.key == key)
        linked = select(Link.id).join(MiniProgram).where(of_key, Link.application_id.in_(held)).limit(1)
        if not self.viewer.applications.every:
            with self.store.read(self._scope) as session:
                if session.scalar(linked) is None:
                    raise NotFound(kind=kind("mini_program"), key=key)


def refused(key: str, /, **facts: object) -> BadInput:
    """The error that says why something cannot be done: the words `administration_error.<key>`."""
    return BadInput(what=Phrase(f"administration_error.{key}", **facts))


def kind(noun: Noun) -> Phrase:
    """What the noun is called in a sentence."""
    return Phrase(f"kind.{noun}")


def checked_name(name: str) -> str:
    """The name without spaces around it, when it is one line of 1 to 200 characters. Raises BadInput."""
    name = name.strip()
    if not name or len(name) > _NAME_LENGTH or _CONTROL.search(name) or "\n" in name or "\t" in name:
        raise refused("name", most=_NAME_LENGTH)
    return name


def checked_optional_name(name: str) -> str:
    """As `checked_name`, but it may be empty."""
    return checked_name(name) if name.strip() else ""


def checked_text(text: str) -> str:
    """The text without spaces around it, when it has up to 2,000 characters, none of them control
    characters. Raises BadInput."""
    text = text.replace("\r\n", "\n").strip()
    if len(text) > _TEXT_LENGTH or _CONTROL.search(text):
        raise refused("text", most=_TEXT_LENGTH)
    return text


def row_of(session: Session, table: type[Keyed], tenant_id: int, key: str, noun: Noun) -> Keyed:
    """The tenant's row of a key. Raises NotFound, for other tenants' keys too."""
    row = session.scalar(select(table).where(table.tenant_id == tenant_id, table.key == key))
    if row is None:
        raise NotFound(kind=kind(noun), key=key)
    return row


def inserted(session: Session, row: Base, noun: Noun, key: str) -> None:
    """Add the row now, so that it has its id. Raises AlreadyThere where its key is taken."""
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise AlreadyThere(kind=kind(noun), key=key) from error


def note(
    session: Session,
    tenant_id: int | None,
    operator: Operator,
    noun: Noun,
    action: str,
    object_name: str,
    object_id: int,
    old: Mapping[str, Any] | None,
    new: Mapping[str, Any] | None,
) -> None:
    """Record the act in its own transaction (SPEC O3); what was added has no old value, what was deleted
    no new one."""
    operation_class = "addition" if old is None else "deletion" if new is None else "modification"
    record(
        session,
        tenant_id,
        operator,
        Act(
            module="administration",
            submodule=noun,
            action=action,
            operation_class=operation_class,
            object_type=noun,
            object_name=object_name,
            object_id=str(object_id),
            old=old,
            new=new,
        ),
    )
