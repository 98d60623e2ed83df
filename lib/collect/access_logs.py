"""Web server access logs, Common and Combined: their lines as visits, or as page views."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import polars as pl

from lib.collect import systems
from lib.collect.files import Advance, TextFile
from lib.collect.sources import PAGE_CHARACTERS, Chunk, Fault, Target, is_filled, parted, untimely
from lib.usage import events, visits


class Form(StrEnum):
    """How a line is written; `auto` is Combined where a line has its two more fields, else Common."""

    AUTO = "auto"
    COMBINED = "combined"
    COMMON = "common"


_QUOTED = r'"((?:[^"\\]|\\.)*)"'
# The tail is a pattern of its own: a repetition at the end of this one would make it three times slower.
_LINE = (
    rf"^([^ \x00-\x1f]+) ([^ ]+) ([^\[]*)\[([^\]]*)\] {_QUOTED} ([0-9]{{3}}|-) ([0-9]{{1,18}}|-)"
    rf"(?: {_QUOTED} {_QUOTED}(.*))?$"
)
_TAIL = r'^(?: (?:"(?:[^"\\]|\\.)*"|[^" ]+))* *$'
_NAMES = (
    *("address", "_ident", "account", "time", "request", "status", "size_bytes"),
    *("referrer", "user_agent", "tail"),
)
_TIME = "%d/%b/%Y:%H:%M:%S %z"
_METHOD = r"^([A-Za-z][A-Za-z-]{0,30}) "
_PROTOCOL = r" (HTTP/[0-9](?:\.[0-9])?)$"


def requests_of(lines: pl.DataFrame, form: Form) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The requests in lines (files.LINES, none empty), and the lines that are none.

    A request has `line`, `text` and the columns of a visit but `key`; a refused line has its `reason`.
    """
    parts = lines.with_columns(part=pl.col("text").str.extract_groups(_LINE).struct.rename_fields(_NAMES))
    instant = pl.col("time").str.to_datetime(_TIME, time_unit="us", strict=False)
    has_tail, tail = pl.col("tail").is_not_null(), pl.col("tail")
    faults = [
        Fault(pl.col("address").is_null() | ~tail.str.contains(_TAIL), _broken(form)),
        Fault(pl.lit(form is Form.COMBINED) & ~has_tail, "not Combined Log Format: it ends with the size"),
        Fault(pl.lit(form is Form.COMMON) & has_tail, "not Common Log Format: it goes on after the size"),
        Fault(pl.col("at").is_null(), pl.format('"{}" is not a time', pl.col("time").str.slice(0, 100))),
        *untimely(),
    ]
    good, refused = parted(parts.unnest("part").with_columns(at=instant), faults)
    return _requests(good), refused


def _broken(form: Form) -> pl.Expr:
    escapes = r"\\."
    quotes = pl.col("text").str.replace_all(escapes, "").str.count_matches('"', literal=True)
    log = "Common or Combined" if form is Form.AUTO else form.value.capitalize()
    cut = pl.lit("a quoted field is not closed: the line is cut")
    return pl.when(quotes % 2 == 1).then(cut).otherwise(pl.lit(f"not {log} Log Format"))


def _requests(parts: pl.DataFrame) -> pl.DataFrame:
    request = pl.col("request")
    found = parts.with_columns(
        pl.col("account").str.strip_chars(" "),
        pl.col("status", "size_bytes").replace("-", None),
        method=request.str.extract(_METHOD),
        protocol=request.str.extract(_PROTOCOL),
    )
    ending = pl.concat_str(pl.lit(" "), pl.col("protocol").fill_null(""))
    asked = request.str.strip_prefix(pl.col("method") + " ").str.strip_suffix(ending)
    found = found.with_columns(
        pl.col("account", "referrer", "user_agent").replace(["-", ""], None),
        pl.when(pl.col("method").is_not_null()).then(pl.col("protocol")),
        target=pl.coalesce(asked, request),
        seq=pl.col("line"),
    )
    wanted = [pl.col(name).cast(dtype) for name, dtype in visits.VISIT.items() if name != "key"]
    return found.select("line", "text", *wanted)


def as_visits(requests: pl.DataFrame) -> pl.DataFrame:
    """Requests as visits, with their keys."""
    keyed = requests.with_columns(key=visits.key_of_line(pl.col("text"), pl.col("line")))
    return keyed.select(pl.col(name).cast(dtype) for name, dtype in visits.VISIT.items())


def as_page_views(requests: pl.DataFrame, target: Target) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Requests as page views with keys, and the lines that cannot be any.

    The page is the path as the log writes it, and a visitor an address with a user agent.
    """
    path = pl.col("target").str.extract(r"^([^?]*)")
    absolute = path.str.extract(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/]*(.*)$")
    views = requests.with_columns(
        page=pl.when(absolute == "").then(pl.lit("/")).otherwise(pl.coalesce(absolute, path)),
        application=pl.lit(target.application),
        mini_program=pl.lit(target.mini_program),
        kind=pl.lit(events.Kind.PAGE_VIEW.value),
        visitor=pl.concat_str("address", pl.col("user_agent").fill_null(""), separator=" "),
        os=systems.os_of(requests["user_agent"]),
    )
    identity = (pl.col(name) for name in ("text", "line", "application", "mini_program"))
    views = views.with_columns(key=events.key_of_line(*identity))
    is_long = pl.col("page").str.len_chars() > PAGE_CHARACTERS
    reason = pl.lit(f"the page is longer than {PAGE_CHARACTERS} characters").alias("reason")
    return views.filter(~is_long), views.filter(is_long).select("line", reason, "text")


class AccessLog:
    """An access log as a source of visits, or of page views where it is told whose they are."""

    def __init__(self, path: Path, form: Form, target: Target | None, advance: Advance) -> None:
        self.path = path
        self.form = f"{form} access log" if form is not Form.AUTO else "Common or Combined access log"
        self.zoneless = 0
        self._form = form
        self._target = target
        self._lines = TextFile(path, advance)

    @property
    def trouble(self) -> str | None:
        """What was wrong with the file as a whole."""
        return self._lines.trouble

    def check(self) -> None:
        """Nothing: each line is judged by itself."""

    def __iter__(self) -> Iterator[Chunk]:
        """A chunk for each block of lines."""
        for block in self._lines:
            lines = block.filter(is_filled())
            requests, refused = requests_of(lines, self._form)
            if self._target is None:
                yield Chunk(lines.height, as_visits(requests), refused)
            else:
                views, unfit = as_page_views(requests, self._target)
                yield Chunk(lines.height, views, pl.concat([refused, unfit]).sort("line"))
