"""How a rule finds: too much of something, or something for the first time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

import polars as pl

from lib.logs.findings.frames import DAY_BUCKETS, FOUND, MOST_ACTIONS, TALLIES, examples
from lib.logs.findings.thresholds import Given
from lib.logs.places import KINDS, places_of

USUAL_DAYS = 30
"""How far back it is looked what is usual."""

_ENOUGH = 5
"""From how many half hours on (of the last 30 days, with anything in them) something is usual."""


@dataclass(frozen=True)
class History:
    """What is known when a rule looks: the counts of its measure up to the last half hour looked at, or since when
    everybody is seen with what; and the half hour in which the tenant's log begins."""

    counted: pl.DataFrame
    first_bucket: int


Narrowing = Callable[[pl.DataFrame, Given], pl.DataFrame]


def _as_it_is(tallies: pl.DataFrame, _given: Given) -> pl.DataFrame:
    return tallies


def too_much(history: History, given: Given, *, narrowed: Narrowing = _as_it_is, window: int = 1) -> pl.DataFrame:
    """Every half hour (with `window` 48: UTC day) in which somebody did at least `least`, and at least `times` the
    usual; the frame FOUND.

    The usual is the median of what they did in the half hours of the 30 days before in which they did anything; the
    median of everybody's, where they did so in less than five; and null, where that holds for everybody.
    """
    # A day ends after it is looked at for the first time: its sum grows, and is found as soon as it is enough.
    bucket = pl.col("bucket") // window * window
    grouped = (
        narrowed(history.counted, given)
        .group_by(bucket, "who")
        .agg(
            pl.col("amount").sum(),
            told=examples(pl.col("told").explode()),
            actions=examples(pl.col("actions").explode(), MOST_ACTIONS + 1),
        )
    )
    usual = with_usual(grouped, USUAL_DAYS * DAY_BUCKETS)
    fires = pl.col("amount") >= given["least"]
    if "times" in given:
        fires &= pl.col("usual").is_null() | (pl.col("amount") >= pl.col("usual") * given["times"])
    return _found(usual.filter(fires).rename({"amount": "observed"}))


def with_usual(tallies: pl.DataFrame, length: int) -> pl.DataFrame:
    """Tallies with what was `usual` before each, looking `length` half hours back."""
    ordered = tallies.select(*TALLIES).sort("bucket", "who").with_columns(pl.col("bucket").cast(pl.Int64))

    def median() -> pl.Expr:
        amount = pl.col("amount").cast(pl.Float64)
        return amount.rolling_median_by("bucket", f"{length}i", min_samples=_ENOUGH, closed="left")

    ordered = ordered.with_columns(own=median().over("who", order_by="bucket"), everybodys=median())
    return ordered.with_columns(usual=pl.coalesce("own", "everybodys"))


def in_odd_hours(tallies: pl.DataFrame, given: Given) -> pl.DataFrame:
    """What was done from `from_hour` to `until_hour` by the clock of `zone`, which may go past midnight."""
    first, last = int(given["from_hour"]), int(given["until_hour"])
    at = pl.from_epoch(pl.col("bucket").cast(pl.Int64) * 1800).dt.replace_time_zone("UTC")
    hour = at.dt.convert_time_zone(str(given["zone"])).dt.hour()
    odd = (hour >= first) & (hour < last) if first <= last else (hour >= first) | (hour < last)
    return tallies.filter(odd)


def new_network(history: History, given: Given) -> pl.DataFrame:
    """Everybody's first half hour in a network, once `known_days` of their operations are known; the frame FOUND."""
    bits = int(given["ipv4_bits"]), int(given["ipv6_bits"])
    addresses = history.counted["what"].unique()
    networks = {address: network for address in addresses if (network := network_of(address, *bits))}
    known = history.counted.with_columns(network=pl.col("what").replace_strict(networks, default=None))
    known = known.filter(pl.col("network").is_not_null())
    begins = pl.col("first_bucket").min().over("who")
    # An address in a network that was seen before is nothing new, and the first network of a half hour tells its own.
    first = known.with_columns(begins=begins).group_by("who", "network", "begins").agg(pl.col("first_bucket").min())
    return _first_of(first, "network", pl.col("begins"), given)


def new_country(history: History, given: Given) -> pl.DataFrame:
    """Everybody's first half hour in a country, once `known_days` of their operations are known; the frame FOUND.

    Addresses that are in no country, such as private ones, make somebody known, and are never new.
    """
    seen = history.counted.with_columns(begins=pl.col("first_bucket").min().over("who"))
    seen = seen.with_columns(address=pl.col("what").str.extract(r"^([^/]*)"))
    placed = seen.join(places_of(seen["address"]), on="address").filter(~pl.col("country").is_in(KINDS))
    first = placed.group_by("who", "country", "begins").agg(pl.col("first_bucket").min())
    return _first_of(first, "country", pl.col("begins"), given)


def new_action(history: History, given: Given) -> pl.DataFrame:
    """Everybody's first half hour of something, once `known_days` of the tenant's log are known; the frame FOUND."""
    return _first_of(history.counted, "what", pl.lit(history.first_bucket), given)


def network_of(address: str, ipv4_bits: int, ipv6_bits: int) -> str | None:
    """The network that an address is in; null for what is no address."""
    try:
        parsed = ip_address(address.partition("/")[0])
    except ValueError:
        return None
    if parsed.version == 6 and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return str(ip_network((int(parsed), ipv4_bits if parsed.version == 4 else ipv6_bits), strict=False))


def _first_of(first: pl.DataFrame, what: str, begins: pl.Expr, given: Given) -> pl.DataFrame:
    is_known = pl.col("first_bucket") - begins >= int(given["known_days"]) * DAY_BUCKETS
    # Somebody's very first operation says nothing of what is new of theirs.
    late = first.filter(is_known & (pl.col("first_bucket") > begins))
    found = late.group_by("who", bucket=pl.col("first_bucket")).agg(
        observed=pl.len(),
        usual=pl.lit(None, pl.Float64),
        told=examples(pl.col(what)),
        actions=pl.lit([], pl.List(pl.String)),
    )
    return _found(found.filter(pl.col("observed") >= int(given.get("least", 1))))


def _found(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(pl.col(name).cast(kind) for name, kind in FOUND.items()).sort("bucket", "who")


def after_the_first_day(history: History, given: Given) -> pl.DataFrame:
    """As `too_much`, but for the day in which the tenant's log begins: then everything is set up."""
    begun = history.counted.filter(pl.col("bucket") - history.first_bucket >= DAY_BUCKETS)
    return too_much(History(begun, history.first_bucket), given)
