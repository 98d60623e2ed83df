"""Attempts to sign in as rows, with their company and an id that leads back to them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import polars as pl
import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.errors import BadInput
from lib.logs.record import SYSTEM_TENANT
from lib.queries.visit_scan import Company, named_companies
from lib.store import attempts
from lib.store.tables import SignIn
from lib.usage.buckets import EPOCH
from lib.words import Phrase

_KEPT = {
    "number": pl.Int64(),
    "tenant_id": pl.Int64(),
    "account": pl.String(),
    "at": pl.Datetime("us", "UTC"),
    "address": pl.String(),
    "user_agent": pl.String(),
    "result": pl.String(),
    "reason": pl.String(),
}
_ID = re.compile(r"(-?[0-9]{1,17})\.([0-9]{1,18})")

UNFINISHED = "unfinished"
"""The reason of an attempt that nobody saw the end of. It counts as a failure."""


@dataclass(frozen=True)
class Mark:
    """A sign-in's place in the order of all: what its id says."""

    at: datetime
    number: int

    @classmethod
    def of(cls, sign_in_id: str) -> Self:
        """The mark of an id. Raises BadInput."""
        parts = _ID.fullmatch(sign_in_id)
        try:
            if parts is not None:
                return cls(EPOCH + timedelta(microseconds=int(parts[1])), int(parts[2]))
        except OverflowError:
            pass
        raise BadInput(what=Phrase("refused.sign_in_id"))

    def is_after(self) -> pl.Expr:
        """Which sign-ins are older."""
        at = pl.lit(self.at, pl.Datetime("us", "UTC"))
        return (pl.col("at") < at) | ((pl.col("at") == at) & (pl.col("number") < self.number))

    def is_before(self) -> pl.Expr:
        """Which sign-ins are newer."""
        at = pl.lit(self.at, pl.Datetime("us", "UTC"))
        return (pl.col("at") > at) | ((pl.col("at") == at) & (pl.col("number") > self.number))


def sign_ins_of(
    session: Session,
    since: datetime,
    until: datetime,
    wanted: frozenset[int] | None,
    companies: Mapping[int, Company],
) -> pl.DataFrame:
    """The attempts made in [since, until) on accounts of the tenants (null: all), newest first: sign_ins.ROW without
    the place, `at` in UTC, and `number`."""
    kept = select(
        SignIn.id,
        SignIn.tenant_id,
        SignIn.account_name,
        # As the driver gives it: a hundred thousand instants made one by one take half a second.
        sa.type_coerce(SignIn.occurred_at, sa.String),
        SignIn.address,
        SignIn.user_agent,
        SignIn.result,
        SignIn.reason,
    ).where(SignIn.occurred_at >= since, SignIn.occurred_at < until, SignIn.result != attempts.UNLOCKED)
    if wanted is not None:
        of_some = SignIn.tenant_id.in_(sorted(wanted))
        kept = kept.where(of_some | SignIn.tenant_id.is_(None) if SYSTEM_TENANT in wanted else of_some)
    ordered = kept.order_by(SignIn.occurred_at.desc(), SignIn.id.desc())
    columns = list(zip(*session.execute(ordered).all(), strict=True)) or [()] * len(_KEPT)
    frame = pl.DataFrame([_series(*each) for each in zip(_KEPT.items(), columns, strict=True)])
    unfinished = pl.col("result") == attempts.CHECKING
    return frame.with_columns(
        id=pl.concat_str(pl.col("at").dt.epoch("us"), "number", separator="."),
        result=pl.when(unfinished).then(pl.lit(attempts.FAILURE)).otherwise("result"),
        reason=pl.when(unfinished).then(pl.lit(UNFINISHED)).otherwise("reason"),
        **named_companies(companies),
    )


def mark_of(session: Session) -> object:
    """What changes with every attempt that is made, ends, or is removed. None is open for as long as an hour."""
    open_since = datetime.now(UTC) - timedelta(hours=1)
    numbers = session.execute(select(sa.func.min(SignIn.id), sa.func.max(SignIn.id))).one()
    is_open = (SignIn.occurred_at > open_since) & (SignIn.result == attempts.CHECKING)
    unfinished = session.scalars(select(SignIn.id).where(is_open).order_by(SignIn.id))
    return (session.connection().engine.url, *numbers, *unfinished)


def _series(column: tuple[str, pl.DataType], values: Sequence[Any]) -> pl.Series:
    name, kind = column
    if name == "at" and values and isinstance(values[0], str):  # SQLite's text, in UTC
        return pl.Series(name, values).str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", time_zone="UTC")
    return pl.Series(name, values, kind)
