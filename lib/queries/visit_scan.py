"""The visits of one moment, of one tenant or of many: what is filed in the lake, and what still waits in the inbox."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.access.viewer import Viewer
from lib.logs.record import SYSTEM_TENANT
from lib.queries.tenancy import narrowed_to, scope_of, tenant_ids
from lib.store import Store, inbox
from lib.store.tables import Tenant
from lib.usage.intake import unpacked
from lib.usage.lake import Lake, TenantFiles
from lib.usage.published import Published, published
from lib.usage.seen import are_in, opened
from lib.usage.visits import NEWEST_FIRST, STORED, stored

SCANNED = {**STORED, "tenant_id": pl.Int32()}
ORDER = (*NEWEST_FIRST, "tenant_id")
"""The same line can be in the logs of two tenants."""

_WAITING_BYTES = 64 << 20
"""How much of what waits a process keeps unpacked."""


@dataclass(frozen=True)
class Company:
    """What a row tells of its tenant."""

    key: str
    name: str
    memo: str

    def has(self, keyword: str) -> bool:
        """Whether the keyword stands in the name or the memo."""
        wanted = keyword.casefold()
        return wanted in self.name.casefold() or wanted in self.memo.casefold()


def named_companies(companies: Mapping[int, Company]) -> dict[str, pl.Expr]:
    """`tenant`, `company` and `memo` of a row's `tenant_id`; empty where it is of none of the companies."""
    numbers, every = list(companies), list(companies.values())
    told = {
        "tenant": [each.key for each in every],
        "company": [each.name for each in every],
        "memo": [each.memo for each in every],
    }
    number = pl.col("tenant_id").fill_null(SYSTEM_TENANT)
    return {
        name: number.replace_strict(numbers, values, default="", return_dtype=pl.String)
        for name, values in told.items()
    }


@dataclass(frozen=True)
class OfTenant:
    """A tenant's visits: those published, and STORED of those that wait and are not among them."""

    tenant_id: int
    filed: Published | None
    waiting: pl.DataFrame

    def between(self, first: date, last: date) -> list[pl.LazyFrame]:
        """Those of the UTC dates from first to last, as SCANNED."""
        parts = [] if self.filed is None else [self.filed.visits(first.isoformat(), last.isoformat())]
        if not self.waiting.is_empty():
            parts.append(self.waiting.lazy().filter(pl.col("at").dt.date().is_between(first, last)))
        return [part.with_columns(tenant_id=pl.lit(self.tenant_id, pl.Int32)) for part in parts]

    def dates(self) -> set[date]:
        """The UTC dates that have some."""
        filed = set() if self.filed is None else {date.fromisoformat(day) for day in self.filed.files.visits}
        return filed | set(self.waiting["at"].dt.date().unique().to_list())


@dataclass(frozen=True)
class Moment:
    """The visits of some tenants, and their companies by number. `mark` changes when what is filed does, or a company:
    what waits may change with every second."""

    tenants: tuple[OfTenant, ...]
    companies: Mapping[int, Company]
    mark: object

    def between(self, first: date, last: date) -> pl.LazyFrame:
        """Those of the UTC dates from first to last (SCANNED)."""
        parts = [part for tenant in self.tenants for part in tenant.between(first, last)]
        return pl.concat(parts) if parts else pl.LazyFrame(schema=SCANNED)

    def dates(self, first: date, last: date) -> list[date]:
        """The UTC dates from first to last that have some, newest first."""
        days = {day for tenant in self.tenants for day in tenant.dates()}
        return sorted((day for day in days if first <= day <= last), reverse=True)

    def filed(self) -> Moment:
        """Those that are filed."""
        return replace(self, tenants=tuple(replace(each, waiting=_NOTHING) for each in self.tenants))

    def waiting(self) -> Moment:
        """Those that wait."""
        late = (replace(each, filed=None) for each in self.tenants if not each.waiting.is_empty())
        return replace(self, tenants=tuple(late))

    def with_keyword(self, keyword: str) -> pl.Expr:
        """Of which visits the company's name or memo has the keyword."""
        named = [number for number, company in self.companies.items() if company.has(keyword)]
        return pl.col("tenant_id").is_in(named)


def moment(viewer: Viewer, store: Store, folder: Path, tenants: tuple[str, ...]) -> Moment:
    """What a viewer may see of the tenants asked for, as it is now. Raises BadInput, and NotFound for an unknown one.

    A visit belongs to no application, so to none that is held: whoever holds some of them sees none.
    """
    narrowed, lake = narrowed_to(viewer, tenants), Lake(folder)
    # The inbox before the lake: a batch that moves in between is then in both, and told apart by its keys.
    applied = lake.manifest().applied
    with store.read(scope_of(viewer, narrowed)) as session:
        wanted = tenant_ids(session, viewer, narrowed)
        if not viewer.applications.every:
            return Moment((), {}, None)
        companies = companies_of(session, wanted)
        batches = inbox.batches_of(session, "visit", applied, companies)
        waiting = {number: _waiting(session, folder, number, batches.get(number, ())) for number in companies}
    version = lake.version()  # before the files: an answer from newer ones is then asked for once more, not kept
    parts = tuple(_of_tenant(lake, number, waiting[number]) for number in companies)
    mark = (folder, version, tuple(companies.items()))
    return Moment(parts, companies, mark)


def companies_of(session: Session, wanted: frozenset[int] | None) -> dict[int, Company]:
    """The companies by number, those wanted or (null) all; 0 is what belongs to none."""
    rows = session.execute(select(Tenant.id, Tenant.key, Tenant.name, Tenant.memo).order_by(Tenant.id))
    found = {SYSTEM_TENANT: Company("", "", "")} | {number: Company(*told) for number, *told in rows}
    return {number: company for number, company in found.items() if wanted is None or number in wanted}


def _of_tenant(lake: Lake, tenant_id: int, waiting: pl.DataFrame) -> OfTenant:
    filed = published(lake, tenant_id)
    return OfTenant(tenant_id, filed, _not_filed(lake, filed.files, waiting))


def _not_filed(lake: Lake, files: TenantFiles, waiting: pl.DataFrame) -> pl.DataFrame:
    if waiting.is_empty():
        return waiting
    runs = [opened(lake.path(run)) for run in files.seen.get("visit", ())]
    is_filed = pl.Series(are_in(waiting["key"].to_numpy(), runs), dtype=pl.Boolean)
    return waiting.filter(~is_filed) if is_filed.any() else waiting


_unpacked: OrderedDict[tuple[str, int], tuple[tuple[int, ...], pl.DataFrame]] = OrderedDict()
_lock = threading.Lock()


def _waiting(session: Session, folder: Path, tenant_id: int, batches: Sequence[int]) -> pl.DataFrame:
    """The rows of some batches, each key once. What was unpacked lately is not again: batches never change."""
    if not batches:
        return _NOTHING
    place, known = (str(folder), tenant_id), tuple(batches)
    with _lock:
        kept, rows = _unpacked.get(place, ((), _NOTHING))
    if kept == known:
        return rows
    if not kept or known[: len(kept)] != kept:
        kept, rows = (), _NOTHING
    fresh = [stored(unpacked(inbox.payload_of(session, number))) for number in known[len(kept) :]]
    rows = pl.concat([rows, *fresh]).unique("key", keep="first", maintain_order=True)
    with _lock:
        _unpacked[place] = (known, rows)
        _unpacked.move_to_end(place)
        while _unpacked and sum(each.estimated_size() for _, each in _unpacked.values()) > _WAITING_BYTES:
            _unpacked.popitem(last=False)
    return rows


_NOTHING = pl.DataFrame(schema=STORED)
