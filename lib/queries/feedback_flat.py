"""Feedback as programs take it away: the same for `daybook show feedback` and the read API."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import polars as pl

from lib.queries.feedback import FeedbackQueries
from lib.queries.feedback_filter import FeedbackFilter
from lib.queries.feedback_rows import ROW
from lib.queries.flat_rows import by_grain
from lib.usage.buckets import Grain


def feedback_rows(queries: FeedbackQueries, asked: FeedbackFilter) -> Iterator[pl.DataFrame]:
    """The feedback, newest first, as it was when the first frame is asked for (see `feedback_told`); at least one
    frame, be it empty."""
    frames = (feedback_told(frame) for frame in queries.rows(asked))
    first = next(frames, None)
    yield from chain([feedback_told(pl.DataFrame(schema=ROW)) if first is None else first], frames)


def feedback_told(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows of feedback_rows.ROW with ids as texts: a program may keep numbers as doubles, which an id does not fit."""
    return frame.with_columns(pl.col("id", "log_id").cast(pl.String))


def feedback_counts(queries: FeedbackQueries, asked: FeedbackFilter, grain: Grain) -> pl.DataFrame:
    """`bucket` (not of the whole period), `count` and how many of each type; buckets without feedback are left out."""
    return by_grain(queries.counts(asked, grain).filter(pl.col("count") > 0), grain)
