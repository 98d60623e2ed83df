"""What a filter means within what a viewer may see (SPEC A5): nothing that is asked for can widen it."""

from __future__ import annotations

from functools import cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.access.viewer import Viewer
from lib.errors import NotFound
from lib.logs import catalogue
from lib.logs.sidecar import Wanted
from lib.queries.operation_filter import WORD_FILTERS, OperationFilter
from lib.queries.tenancy import tenant_ids
from lib.store.tables import Application, Organization
from lib.store.time_ids import first_id
from lib.words import Language


def wanted_by(session: Session, viewer: Viewer, asked: OperationFilter) -> Wanted:
    """The filter in terms of the sidecar. Raises NotFound for a tenant or an organization that is not there."""
    words = {column: frozenset(getattr(asked, name)) for name, column in WORD_FILTERS.items() if getattr(asked, name)}
    if not viewer.applications.every:
        held = _held(session, viewer)
        words["application"] = words.get("application", held) & held
    if asked.object_type:
        words["object_type"] = frozenset({asked.object_type})
    return Wanted(
        tenant_ids=tenant_ids(session, viewer, asked.tenants),
        first_id=first_id(asked.since),
        until_id=first_id(asked.until),
        words=words,
        keyword=asked.keyword.strip(),
        keyword_modules=_modules_said(asked.keyword.strip().casefold()),
        organizations=None if asked.organization_id is None else _under(session, viewer, asked.organization_id),
        object_id=asked.object_id,
    )


def _held(session: Session, viewer: Viewer) -> frozenset[str]:
    told = select(Application.key).where(
        Application.tenant_id == viewer.tenant_id, Application.id.in_(sorted(viewer.applications.ids))
    )
    return frozenset(session.scalars(told))


def _under(session: Session, viewer: Viewer, root: int) -> tuple[frozenset[int], frozenset[str]]:
    """The ids and names of an organization and all below it."""
    told = select(Organization.id, Organization.parent_id, Organization.name)
    nodes = list(session.execute(told.where(Organization.tenant_id == viewer.tenant_id)))
    below = {root}
    while more := {number for number, parent, _ in nodes if parent in below} - below:
        below |= more
    named = {number: name for number, _, name in nodes}
    if root not in named:
        raise NotFound(kind="organization", key=root)
    return frozenset(below), frozenset(named[number] for number in below if number in named)


def _modules_said(keyword: str) -> frozenset[str]:
    """The modules whose words, in either language, hold a keyword."""
    return frozenset(key for key, words in _module_words() if keyword and keyword in words)


@cache
def _module_words() -> tuple[tuple[str, str], ...]:
    return tuple(
        (module, catalogue.words_of(product, "module", module, language).casefold())
        for product in catalogue.products()
        for module in catalogue.modules_of(product)
        for language in Language
    )
