"""Recency after a refresh: only the links of the chains that changed, and what they were tied to.

A presence that comes or goes changes its own link and that of the next presence of its user in the same place. So of
all presence, what is needed of a place of a user is what lies from its first change on, and the last half hour before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import polars as pl

from lib.usage.buckets import BUCKET_US
from lib.usage.lake import Lake, TenantFiles
from lib.usage.recency import PAGE_SCOPES, SCOPES, Scope, chained, change, merged, user_of
from lib.usage.tables import PRESENCE, stacked
from lib.usage.writing import Writing

_ROW_GROUP = 65_536
_MIXED = {
    "mini_program_id": 0x9E3779B97F4A7C15,
    "application_id": 0xC2B2AE3D27D4EB4F,
    "os": 0x165667B19E3779F9,
    "page": 0x27D4EB2F165667C5,
}
"""Odd multipliers that spread a place over 64 bits: who shares the sum with somebody is looked at, and told apart."""

_PROGRAMS = next(scope for scope in SCOPES if scope.by == ("mini_program_id",))
_OF_PROGRAMS = tuple(scope for scope in (*SCOPES, *PAGE_SCOPES) if "mini_program_id" in scope.by)

_Links = dict[Scope, pl.DataFrame]


def with_recency(writing: Writing, before: TenantFiles, after: TenantFiles, changed: pl.DataFrame) -> TenantFiles:
    """The files with what changed of presence (PRESENCE, with `n` to add) linked into the chains."""
    if changed.is_empty():
        return after
    user = user_of(after.numbers_visitors_per_application).alias("user_id")
    firsts = changed.group_by("visitor_id").agg(first=pl.col("t").min())
    recent = _recent(writing.lake, before, firsts)
    old, new = (PRESENCE.summed(parts).filter(pl.col("n") > 0) for parts in ([recent], [recent, changed]))
    by = list(PRESENCE.by)
    toggled = pl.concat(
        one.join(other, on=by, how="anti", nulls_equal=True) for one, other in ((old, new), (new, old))
    ).join(firsts, on="visitor_id")
    links = {scope: _links(toggled, scope, user) for scope in (*SCOPES, *PAGE_SCOPES)}
    links = _with_last(writing.lake, before, links, user)
    sides = [each.with_columns(user) for each in (old, new)]
    recency = {**before.recency}
    for scope, wanted in links.items():
        here, there = (chained(_in_scope(each, scope, wanted), scope.by) for each in sides)
        recency[scope.key] = stacked(
            writing,
            f"recency/{scope.key}",
            recency.get(scope.key, ()),
            change(here, there, scope),
            partial(merged, scope=scope),
            _ROW_GROUP,
        )
    return replace(after, recency=recency)


def _files(files: TenantFiles) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """The half hours from first to last of each date's presence, and its files; the latest first."""
    days = sorted(files.days.values(), key=lambda day: day.last_us, reverse=True)
    for day in days:
        if names := day.tables.get(PRESENCE.name, ()):
            yield day.first_us // BUCKET_US, day.last_us // BUCKET_US, names


def _recent(lake: Lake, files: TenantFiles, firsts: pl.DataFrame) -> pl.DataFrame:
    """All presence of each visitor from its first change on."""
    parts = [pl.DataFrame(schema=PRESENCE.schema)]
    for _, last_t, names in _files(files):
        asked = firsts.filter(pl.col("first") <= last_t)
        if not asked.is_empty():
            rows = _of_visitors(lake, names, asked["visitor_id"]).join(firsts, on="visitor_id")
            parts.append(rows.filter(pl.col("t") >= pl.col("first")).drop("first"))
    return pl.concat(parts)


def _of_visitors(lake: Lake, names: tuple[str, ...], visitors: pl.Series) -> pl.DataFrame:
    whole = pl.scan_parquet([lake.path(name) for name in names]).select(list(PRESENCE.schema))
    return whole.filter(pl.col("visitor_id").is_in(visitors.implode())).collect()


def _links(toggled: pl.DataFrame, scope: Scope, user: pl.Expr) -> pl.DataFrame:
    """Whose chains change in which places of a scope: `user_id`, `visitor_id`, `first` of the visitor, and `last`."""
    rows = toggled.filter(pl.col("page").is_not_null()) if "page" in scope.by else toggled
    links = rows.with_columns(user).group_by("user_id", *scope.by).agg(pl.col("visitor_id", "first").first())
    return links.with_columns(last=pl.lit(None, pl.Int32), spot=_spot(scope))


def _spot(scope: Scope) -> pl.Expr:
    """A number of a visitor's place; others may have the same."""
    spot = pl.col("visitor_id")
    for name in scope.by:
        code = pl.col(name).to_physical() if name in ("os", "page") else pl.col(name)
        spot = spot.xor((code.cast(pl.UInt64).fill_null(0) + 1) * pl.lit(_MIXED[name], pl.UInt64))
    return spot


def _with_last(lake: Lake, files: TenantFiles, links: _Links, user: pl.Expr) -> _Links:
    """The links with `last`: the last half hour of the user in the place before the visitor's first change, or null."""
    waiting = list(_files(files))
    size = 1
    with ThreadPoolExecutor(2) as pool:
        while waiting:
            # The latest dates tell most; then larger steps, which ask for what is left.
            step, waiting = waiting[:size], waiting[size:]
            size = min(size * 4, 32)
            last_t = step[0][1]
            open_links = {
                scope: each.filter(pl.col("last").is_null() | (pl.col("last") < last_t))
                for scope, each in links.items()
            }
            visitors = pl.concat(each["visitor_id"] for each in open_links.values()).unique()
            if visitors.is_empty():
                break
            spots = {scope: each["spot"].implode() for scope, each in open_links.items()}
            pairs = pl.concat(open_links[scope].select(_spot(_PROGRAMS)) for scope in _OF_PROGRAMS)
            of_programs = pairs.to_series().unique().implode()
            met = partial(_meeting, lake, visitors, of_programs, spots)
            found = pl.concat(pool.map(met, (names for _, _, names in step)))
            links = {scope: _later(each, found, scope, user) for scope, each in links.items()}
    return links


def _meeting(
    lake: Lake, visitors: pl.Series, of_programs: pl.Series, spots: Mapping[Scope, pl.Series], names: tuple[str, ...]
) -> pl.DataFrame:
    """Of some files of presence, what may be in a place of the user that is asked for; a row may be there twice."""
    rows = _of_visitors(lake, names, visitors)
    # Most scopes are of mini programs: a visitor's rows of others are left out first.
    parts = [
        rows.filter(
            pl.any_horizontal(_spot(scope).is_in(spots[scope]) for scope in spots if scope not in _OF_PROGRAMS)
        ),
        rows.filter(_spot(_PROGRAMS).is_in(of_programs)).filter(
            pl.any_horizontal(_spot(scope).is_in(spots[scope]) for scope in _OF_PROGRAMS)
        ),
    ]
    return pl.concat(parts)


def _later(links: pl.DataFrame, found: pl.DataFrame, scope: Scope, user: pl.Expr) -> pl.DataFrame:
    key = ["user_id", *scope.by]
    hits = found.filter(_spot(scope).is_in(links["spot"].implode())).with_columns(user)
    if "page" in scope.by:
        hits = hits.filter(pl.col("page").is_not_null())
    hits = hits.join(links.select(*key, "first"), on=key).filter(pl.col("t") < pl.col("first"), pl.col("n") > 0)
    seen = hits.group_by(key).agg(found=pl.col("t").max())
    return links.join(seen, on=key, how="left").with_columns(last=pl.max_horizontal("last", "found")).drop("found")


def _in_scope(presence: pl.DataFrame, scope: Scope, links: pl.DataFrame) -> pl.DataFrame:
    """Of presence, what is in the places whose chains change, with what was there last before."""
    key = ["user_id", *scope.by]
    here = presence.join(links.select(key), on=key, how="semi").select(*key, "t")
    return pl.concat([here, links.filter(pl.col("last").is_not_null()).select(*key, t="last")])
