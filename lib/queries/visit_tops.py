"""The most frequent values of visits, and which visits are in a place."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from lib.logs.places import UNKNOWN, placed, places_of
from lib.queries.visit_scan import Company

TOPS = ("target", "address", "country", "region", "account", "status", "method", "tenant", "user_agent")
"""The columns whose values are counted."""

_PLACES = ("country", "region")
_FAILED = 400


def top_of(visits: pl.LazyFrame, column: str, companies: Mapping[int, Company]) -> pl.DataFrame:
    """`value`, `visits`, `errors` of every value of a column of TOPS, most first."""
    source = {"country": "address", "region": "address", "tenant": "tenant_id"}.get(column, column)
    counted = (
        visits.group_by(source)
        .agg(visits=pl.len().cast(pl.Int64), errors=(pl.col("status") >= _FAILED).sum().cast(pl.Int64))
        .collect()
    )
    # Of different values only: there are many fewer of them than visits.
    valued = counted.select(_value(column, counted, companies), "visits", "errors").drop_nulls("value")
    return _summed(valued)


def added(one: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """What `top_of` says of two parts of some visits together."""
    return one if other.is_empty() else _summed(pl.concat([one, other]))


def _summed(counted: pl.DataFrame) -> pl.DataFrame:
    whole = counted.group_by("value").agg(pl.col("visits", "errors").sum())
    return whole.sort(["visits", "value"], descending=[True, False])


def _value(column: str, counted: pl.DataFrame, companies: Mapping[int, Company]) -> pl.Series:
    if column in _PLACES:
        values = placed(counted)[column]
    elif column == "tenant":
        keys = {number: company.key for number, company in companies.items()}
        values = counted["tenant_id"].replace_strict(keys, default="", return_dtype=pl.String)
    elif column == "target":
        values = counted["target"].str.extract(r"^([^?]*)")
    else:
        values = counted[column].cast(pl.String)
    return values.alias("value")


def placed_among(visits: pl.LazyFrame, country: str | None, region: str | None) -> pl.LazyFrame:
    """The visits from a country and a region; null is any."""
    if country is None and region is None:
        return visits
    places = places_of(visits.select("address").unique().collect()["address"])
    for column, wanted in (("country", country), ("region", region)):
        if wanted is not None:
            places = places.filter(pl.col(column) == wanted)
    here = pl.col("address").is_in(places["address"].implode())
    if country == UNKNOWN and region is None:
        here |= pl.col("address").is_null()
    return visits.filter(here)
