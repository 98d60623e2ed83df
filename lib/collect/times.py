"""Times as people write them: ISO 8601, "YYYY-MM-DD HH:MM:SS", or seconds or milliseconds since 1970."""

from __future__ import annotations

import polars as pl

MILLISECONDS_FROM = 1e11
"""A number from here on is milliseconds: as seconds it would be in the year 5138."""

_NUMBER = r"^[+-]?[0-9]{1,18}(?:\.[0-9]{0,18})?(?:[eE]\+?[0-9]{1,2})?$"
_WRITTEN = (
    r"^(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})[T ](?P<clock>[0-9]{2}:[0-9]{2})(?P<seconds>:[0-9]{2}(?:[.,][0-9]{1,9})?)?"
    r" ?(?P<offset>Z|z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)?$"
)


def instants_of(texts: pl.Series, zone: str) -> pl.DataFrame:
    """`at` (an instant, or null where the text is none) and `is_zoneless`, for each text.

    A time without offset is read in the zone: where a clock change makes it stand for two instants as the first, where
    it left the time out as null.
    """
    read = texts.to_frame("text").with_columns(text=pl.col("text").str.strip_chars())
    read = read.with_columns(
        number=pl.when(pl.col("text").str.contains(_NUMBER)).then(pl.col("text")).cast(pl.Float64, strict=False),
        parts=pl.col("text").str.extract_groups(_WRITTEN),
    ).unnest("parts")
    seconds = pl.col("seconds").fill_null(":00").str.replace(",", ".", literal=True)
    local = pl.concat_str("day", pl.lit(" "), "clock", seconds).str.to_datetime(
        "%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False
    )
    is_zoneless = local.is_not_null() & pl.col("offset").is_null()
    in_zone = local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")
    at_offset = (local - pl.duration(minutes=_minutes())).dt.replace_time_zone("UTC")
    return read.select(
        at=pl.coalesce(_since_1970(pl.col("number")), pl.when(is_zoneless).then(in_zone).otherwise(at_offset)),
        is_zoneless=is_zoneless,
    )


def _since_1970(number: pl.Expr) -> pl.Expr:
    scale = pl.when(number.abs() >= MILLISECONDS_FROM).then(1e3).otherwise(1e6)
    microseconds = (number * scale).round().cast(pl.Int64, strict=False)
    return pl.from_epoch(microseconds, time_unit="us").dt.replace_time_zone("UTC")


def _minutes() -> pl.Expr:
    """The minutes of an offset; 0 for Z, UTC and GMT."""
    digits = pl.col("offset").str.replace_all(r"[^0-9]", "")
    hours = digits.str.slice(0, 2).cast(pl.Int64, strict=False).fill_null(0)
    minutes = digits.str.slice(2, 2).cast(pl.Int64, strict=False).fill_null(0)
    sign = pl.when(pl.col("offset").str.starts_with("-")).then(-1).otherwise(1)
    return sign * (hours * 60 + minutes)
