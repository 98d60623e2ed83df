"""Recency after a refresh: only the links of the chains that changed, and what they were tied to.

A presence that comes or goes changes its own link and that of the next presence of its user in the same place. So of
all presence, what is needed of a place of a user is what lies from its first change on, and the last half hour before.
That one is told by the visitor's other presence of the time, or by lib.usage.last; only where somebody was there later
too, as late events have it, earlier dates are looked through.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

import numpy as np
import polars as pl

from lib.usage.buckets import BUCKET_US
from lib.usage.lake import Lake, TenantFiles
from lib.usage.last import SCHEMA as LAST
from lib.usage.last import WHOLE, last_seen, with_later
from lib.usage.packing import Numbers
from lib.usage.recency import NEVER, PAGE_SCOPES, SCOPES, Scope, merged, user_of
from lib.usage.tables import PRESENCE, stacked
from lib.usage.writing import Writing

_MIXED = {
    "mini_program_id": 0x9E3779B97F4A7C15,
    "application_id": 0xC2B2AE3D27D4EB4F,
    "os": 0x165667B19E3779F9,
    "page": 0x27D4EB2F165667C5,
}
"""Odd multipliers that spread a place over 64 bits: who shares the sum with somebody is looked at, and told apart."""


@dataclass(frozen=True, eq=False)
class _Places:
    """The places that a scope tells apart, and whose chains they have: those of `user`."""

    by: tuple[str, ...]
    user: pl.Expr
    is_finest: bool = False

    @property
    def key(self) -> list[str]:
        """The columns of a user's place."""
        return ["user_id", *self.by]

    @property
    def is_of_programs(self) -> bool:
        """Whether a place lies in one mini program."""
        return "mini_program_id" in self.by

    @property
    def spot(self) -> pl.Expr:
        """A number of a visitor's place; others may have the same."""
        spot = pl.col("visitor_id")
        for name in self.by:
            code = pl.col(name).to_physical() if name in ("os", "page") else pl.col(name)
            spot = spot.xor((code.cast(pl.UInt64).fill_null(0) + 1) * pl.lit(_MIXED[name], pl.UInt64))
        return spot

    def of(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Of presence, what is in such places, with `user_id`."""
        is_paged = "page" in self.by and not self.is_finest
        return (rows.filter(pl.col("page").is_not_null()) if is_paged else rows).with_columns(user_id=self.user)


_FINEST = _Places(("mini_program_id", "application_id", "os", "page"), pl.col("visitor_id"), is_finest=True)
_OF_APPLICATION = _Places(("application_id",), pl.col("visitor_id"))
_PROGRAM = replace(_OF_APPLICATION, by=("mini_program_id",))
_KEPT_LAST = (_FINEST, _OF_APPLICATION)
"""The places of lib.usage.last."""

_FEW = 16
"""Up to how many visitors are looked for one by one."""

_Links = dict[_Places, pl.DataFrame]


def with_recency(writing: Writing, before: TenantFiles, after: TenantFiles, changed: pl.DataFrame) -> TenantFiles:
    """The files with what changed of presence (PRESENCE, with `n` to add) linked into the chains."""
    if changed.is_empty():
        return after
    presence = _presence(writing.lake, before, changed)
    user = user_of(after.numbers_visitors_per_application)
    places = {scope: _Places(scope.by, user) for scope in (*SCOPES, *PAGE_SCOPES)}
    around = _around(presence, (*places.values(), *_KEPT_LAST))
    links = {each: _links(here, each) for each, here in around.items()}
    touched = {each: links[each].select(each.key) for each in _KEPT_LAST}
    for each in _KEPT_LAST:  # what is left of these is the last
        links[each] = links[each].join(around[each].filter("is_now"), on=each.key, how="anti", nulls_equal=True)
    links = _with_last(writing.lake, before, links)

    def linked(scope: Scope) -> tuple[str, ...]:
        each, known = places[scope], before.recency.get(scope.key, ())
        changed, merging = _changed_cells(around[each], each, links[each]), partial(merged, scope=scope)
        return stacked(writing, f"recency/{scope.key}", known, merging([changed]), merging, scope.row_group)

    with ThreadPoolExecutor(2) as pool:
        recency = dict(zip((scope.key for scope in places), pool.map(linked, places), strict=True))
    last = pl.concat(_last_of(around[each].filter("is_now"), each, touched[each], links[each]) for each in _KEPT_LAST)
    return replace(after, recency=recency, last=with_later(writing, before.last, last))


def _files(files: TenantFiles) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """The half hours from first to last of each date's presence, and its files; the latest first."""
    days = sorted(files.days.values(), key=lambda day: day.last_us, reverse=True)
    for day in days:
        if names := day.tables.get(PRESENCE.name, ()):
            yield day.first_us // BUCKET_US, day.last_us // BUCKET_US, names


def _presence(lake: Lake, files: TenantFiles, changed: pl.DataFrame) -> pl.DataFrame:
    """All presence of the changed visitors, each from its first change on: whether it `was` there, and `is_now`."""
    firsts = changed.group_by("visitor_id").agg(first=pl.col("t").min())
    columns, n = [*PRESENCE.by], pl.col("n")
    parts = [changed.select(*columns, was=pl.lit(0, pl.Int32), is_now=n)]
    for _, last_t, names in _files(files):
        asked = firsts.filter(pl.col("first") <= last_t)
        if not asked.is_empty():
            rows = _of_visitors(lake, names, asked["visitor_id"]).join(firsts, on="visitor_id")
            parts.append(rows.filter(pl.col("t") >= pl.col("first")).select(*columns, was=n, is_now=n))
    rows = pl.concat(parts).group_by(columns).agg(pl.col("was", "is_now").sum() > 0)
    return rows.filter(pl.col("was") | pl.col("is_now"))


def _of_visitors(lake: Lake, names: Sequence[str], visitors: pl.Series) -> pl.DataFrame:
    whole = pl.scan_parquet([lake.path(name) for name in names]).select(list(PRESENCE.schema))
    visitor = pl.col("visitor_id")
    if len(visitors) > _FEW:
        return whole.filter(visitor.is_in(visitors.implode())).collect()
    # Asked for one by one, row groups that have none of them are not read.
    return whole.filter(pl.any_horizontal(visitor == each for each in visitors)).collect()


def _around(presence: pl.DataFrame, places: Sequence[_Places]) -> _Links:
    """For places of each kind, the half hours of whoever has a changed one there: `user_id`, the place, `t`, whether
    the user `was` there and `is_now`, and the `visitor_id`."""
    toggled = presence.filter(pl.col("was") != pl.col("is_now"))
    # Of a busy visitor few mini programs change, and over all of them one row a half hour is enough.
    near = presence.join(
        toggled.select("visitor_id", "mini_program_id").unique(), on=["visitor_id", "mini_program_id"], how="semi"
    )
    over_all = presence.group_by("visitor_id", "application_id", "t").agg(pl.col("was", "is_now").any())
    found = {}
    for each in places:
        keys = each.of(toggled).select(each.key).unique()
        here = each.of(near if each.is_of_programs else over_all).join(keys, on=each.key, how="semi", nulls_equal=True)
        found[each] = here.group_by(*each.key, "t").agg(pl.col("visitor_id").first(), pl.col("was", "is_now").any())
    return found


def _links(around: pl.DataFrame, places: _Places) -> pl.DataFrame:
    """Whose chains change in which places: `user_id`, `visitor_id`, and the half hour of the first change, `first`.

    `last`, still null, is the last half hour before; `is_open` says that what is known does not tell it.
    """
    toggled = around.filter(pl.col("was") != pl.col("is_now"))
    links = toggled.group_by(places.key).agg(pl.col("visitor_id").first(), first=pl.col("t").min())
    # Where somebody was there between its visitor's first change and its own, the chain is told from there on.
    known = around.filter("was").group_by(places.key).agg(known=pl.col("t").min())
    links = links.join(known, on=places.key, how="left", nulls_equal=True)
    is_told = (pl.col("known") < pl.col("first")).fill_null(False)
    return links.select(
        *places.key, "visitor_id", "first", last=pl.lit(None, pl.Int32), spot=places.spot, is_open=~is_told
    )


def _with_last(lake: Lake, files: TenantFiles, links: _Links) -> _Links:
    """The links with `last` of those that are open."""
    wanted = [
        each.filter("is_open").select(
            "visitor_id",
            mini_program_id=pl.col("mini_program_id") if places.is_of_programs else pl.lit(WHOLE, pl.Int32),
        )
        for places, each in links.items()
    ]
    known = last_seen(lake, files.last, pl.concat(wanted).unique())
    of_programs = pl.col("mini_program_id") != WHOLE
    whole, paged = known.filter(~of_programs), known.filter(of_programs)
    # Most that is known is of pages: where they do not matter, the latest of them is enough.
    unpaged = paged.group_by(pl.exclude("page", "t")).agg(pl.col("t").max())
    for places, each in links.items():
        rows = paged if "page" in places.by else unpaged if places.is_of_programs else whole
        links[places] = _seen(each, rows, places)
    return _looked_through(lake, files, links)


def _seen(links: pl.DataFrame, rows: pl.DataFrame, places: _Places) -> pl.DataFrame:
    """The links with what some rows of presence tell; one that is open stays so where they tell of a later time too."""
    asked = links.filter("is_open").select(*places.key, "first")
    hits = places.of(rows).select(*places.key, "t").join(asked, on=places.key, nulls_equal=True)
    is_before = pl.col("t") < pl.col("first")
    found = hits.group_by(places.key).agg(found=pl.col("t").filter(is_before).max(), is_later=(~is_before).any())
    joined = links.join(found, on=places.key, how="left", nulls_equal=True)
    return joined.with_columns(
        last=pl.max_horizontal("last", "found"), is_open=pl.col("is_open") & pl.col("is_later").fill_null(False)
    ).drop("found", "is_later")


def _looked_through(lake: Lake, files: TenantFiles, links: _Links) -> _Links:
    """The links with what the dates before tell of those that are still open."""
    firsts = pl.concat(each.filter("is_open")["first"] for each in links.values())
    waiting = [each for each in _files(files) if (firsts > each[0]).any()]
    size = 1
    with ThreadPoolExecutor(2) as pool:
        while waiting:
            # The latest dates tell most; then larger steps, which ask for what is left.
            step, waiting = waiting[:size], waiting[size:]
            size = min(size * 4, 32)
            is_left = pl.col("is_open") & (pl.col("last").is_null() | (pl.col("last") < step[0][1]))
            left = {places: rows for places, each in links.items() if (rows := each.filter(is_left)).height}
            if not left:
                break
            visitors = pl.concat(each["visitor_id"] for each in left.values()).unique()
            names = [names for _, _, names in step]
            parts = names if len(visitors) > _FEW else [tuple(chain(*names))]
            found = pl.concat(pool.map(partial(_meeting, lake, left, visitors), parts))
            for places in left if found.height else ():
                links[places] = _later(links[places], found, places)
    return links


def _meeting(lake: Lake, links: _Links, visitors: pl.Series, names: Sequence[str]) -> pl.DataFrame:
    """Of some files of presence, what may be in a place of the user that is asked for; a row may be there twice."""
    rows = _of_visitors(lake, names, visitors)
    # Most scopes are of mini programs: a visitor's rows of others are left out first.
    programs = [each.select(_PROGRAM.spot) for places, each in links.items() if places.is_of_programs]
    near = rows.filter(_PROGRAM.spot.is_in(pl.concat(programs).to_series().unique().implode())) if programs else rows
    sides = [(near if places.is_of_programs else rows, places) for places in links]
    parts = [side.filter(places.spot.is_in(links[places]["spot"].implode())) for side, places in sides]
    return pl.concat(parts)


def _later(links: pl.DataFrame, found: pl.DataFrame, places: _Places) -> pl.DataFrame:
    asked = links.filter("is_open").select(*places.key, "first")
    hits = places.of(found).filter(pl.col("n") > 0).join(asked, on=places.key, nulls_equal=True)
    seen = hits.filter(pl.col("t") < pl.col("first")).group_by(places.key).agg(found=pl.col("t").max())
    joined = links.join(seen, on=places.key, how="left", nulls_equal=True)
    return joined.with_columns(last=pl.max_horizontal("last", "found")).drop("found")


def _changed_cells(around: pl.DataFrame, places: _Places, links: pl.DataFrame) -> pl.DataFrame:
    """What to add to the recency of places: the place, `t`, `p`, and `n`, -1 for what was and 1 for what is now."""
    numbered = links.select(*places.key, "last").with_row_index("link")
    rows = around.join(numbered, on=places.key, nulls_equal=True).sort("link", "t")
    link, t = rows["link"].to_numpy(), rows["t"].to_numpy()
    last = rows["last"].fill_null(NEVER).to_numpy()
    sides = [(rows[name].to_numpy(), sign) for name, sign in (("was", -1), ("is_now", 1))]
    latest = [_latest_before(side) for side, _ in sides]
    before = [np.where((at >= 0) & (link[at] == link), t[at], last) for at in latest]
    # Of most rows neither they nor what was before has changed.
    is_other = (sides[0][0] != sides[1][0]) | (before[0] != before[1])
    cells = rows.select(*places.by, "t")
    parts = [
        cells.with_columns(p=pl.Series(p, dtype=pl.Int32), n=pl.lit(sign, pl.Int64)).filter(pl.Series(side & is_other))
        for (side, sign), p in zip(sides, before, strict=True)
    ]
    return pl.concat(parts)


def _latest_before(side: Numbers) -> Numbers:
    """For each row the number of the latest before it that is of a side; -1 for none."""
    so_far = np.maximum.accumulate(np.where(side, np.arange(len(side)), -1))
    return np.concatenate([[-1], so_far])[:-1]


def _last_of(new: pl.DataFrame, places: _Places, touched: pl.DataFrame, gone: pl.DataFrame) -> pl.DataFrame:
    """What lib.usage.last is to say of the users' places that were touched; `gone` are those of which nothing is
    left that is known."""
    latest = new.group_by(places.key).agg(latest=pl.col("t").max())
    rows = touched.join(latest, on=places.key, how="left", nulls_equal=True)
    rows = rows.join(gone.select(*places.key, "last"), on=places.key, how="left", nulls_equal=True)
    whole = {} if places.is_finest else {"mini_program_id": pl.lit(WHOLE, pl.Int32)}
    whole |= {name: pl.lit(None, LAST[name]) for name in LAST if name in ("os", "page") and name not in places.by}
    t = pl.coalesce("latest", "last", pl.lit(NEVER, pl.Int32))
    return rows.with_columns(**whole, visitor_id=pl.col("user_id"), t=t).select(list(LAST))
