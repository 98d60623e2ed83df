"""Web server access logs, Common and Combined: their lines as visits, or as page views."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import numpy as np
import polars as pl

from lib.collect import systems
from lib.collect.access_regular import Lines, is_text, regular
from lib.collect.files import LINE_BYTES, Advance, Block, TextFile, numbered, with_reasons
from lib.collect.reading_ahead import worked
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
_INSTANT = pl.col("time").str.to_datetime("%d/%b/%Y:%H:%M:%S %z", time_unit="us", strict=False)
_METHOD = r"^([A-Za-z][A-Za-z-]{0,30}) "
_PROTOCOL = r" (HTTP/[0-9](?:\.[0-9])?)$"


_NO_TIME = Fault(pl.col("at").is_null(), pl.format('"{}" is not a time', pl.col("time").str.slice(0, 100)))
_FORM_FAULTS = {
    Form.AUTO: (_NO_TIME,),
    Form.COMBINED: (Fault(~pl.col("is_combined"), "not Combined Log Format: it ends with the size"), _NO_TIME),
    Form.COMMON: (Fault(pl.col("is_combined"), "not Common Log Format: it goes on after the size"), _NO_TIME),
}
_BLANK = ("account", "referrer", "user_agent")
"""The columns of a visit in which `-` stands for nothing."""
_WANTED = [
    (pl.col(name).replace(["-", ""], None) if name in _BLANK else pl.col(name)).cast(dtype)
    for name, dtype in visits.VISIT.items()
    if name != "key"
]


def requests_of(lines: pl.DataFrame, form: Form) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The requests in lines (files.LINES, none empty), and the lines that are none.

    A request has `line`, `text` and the columns of a visit but `key`; a refused line has its `reason`.
    """
    found = pl.col("text").str.extract_groups(_LINE).struct.rename_fields(_NAMES)
    parts = lines.with_columns(part=found).unnest("part")
    is_broken = pl.col("address").is_null() | ~pl.col("tail").str.contains(_TAIL)
    return _judged(_told(parts).with_columns(at=_INSTANT), form, Fault(is_broken, _broken(form)))


def requests_in(block: Block, form: Form) -> tuple[int, pl.DataFrame, pl.DataFrame]:
    """How many lines of a block are not empty, and what `requests_of` says of those, in less time for regular ones."""
    if not is_text(block.data):
        filled = numbered(block).filter(is_filled())
        return filled.height, *requests_of(filled, form)
    lines = Lines.of(block.data)
    whole = pl.DataFrame({"text": lines.texts()}).with_row_index("line", block.first)
    which, parts = regular(lines, LINE_BYTES)
    parts = whole[which].hstack(parts).with_columns(at=_INSTANT, reason=pl.lit(None, pl.String))
    if parts["at"].null_count():  # the patterns say where such a line breaks
        which, parts = which[parts["at"].is_not_null().to_numpy()], parts.filter(pl.col("at").is_not_null())
    requests, refused = _judged(parts, form)
    is_other = np.ones(whole.height, dtype=bool)
    is_other[which] = False
    others = with_reasons(whole.filter(is_other)).filter(is_filled())
    if others.height:
        more, more_refused = requests_of(others, form)
        requests = pl.concat([requests, more]).sort("line")
        refused = pl.concat([refused, more_refused]).sort("line")
    return len(which) + others.height, requests, refused


def _judged(parts: pl.DataFrame, form: Form, *faults: Fault) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Lines in parts as requests, without the refused: for other faults first, then for their format and their time."""
    every = [*faults, *_FORM_FAULTS[form], *untimely()]
    good, refused = parted(parts.with_columns(seq=pl.col("line")), every)
    return good.select("line", "text", *_WANTED), refused


def _broken(form: Form) -> pl.Expr:
    escapes = r"\\."
    quotes = pl.col("text").str.replace_all(escapes, "").str.count_matches('"', literal=True)
    log = "Common or Combined" if form is Form.AUTO else form.value.capitalize()
    cut = pl.lit("a quoted field is not closed: the line is cut")
    return pl.when(quotes % 2 == 1).then(cut).otherwise(pl.lit(f"not {log} Log Format"))


def _told(parts: pl.DataFrame) -> pl.DataFrame:
    """What the patterns found, with the parts of the request."""
    request = pl.col("request")
    found = parts.with_columns(
        pl.col("account").str.strip_chars(" "),
        pl.col("status", "size_bytes").replace("-", None),
        method=request.str.extract(_METHOD),
        protocol=request.str.extract(_PROTOCOL),
        is_combined=pl.col("tail").is_not_null(),
    )
    ending = pl.concat_str(pl.lit(" "), pl.col("protocol").fill_null(""))
    asked = request.str.strip_prefix(pl.col("method") + " ").str.strip_suffix(ending)
    return found.with_columns(
        pl.when(pl.col("method").is_not_null()).then(pl.col("protocol")),
        target=pl.coalesce(asked, request),
    )


def as_visits(requests: pl.DataFrame) -> pl.DataFrame:
    """Requests as visits, with their keys."""
    keyed = requests.with_columns(key=visits.key_of_line(pl.col("text"), pl.col("line")))
    return keyed.select(pl.col(name).cast(dtype) for name, dtype in visits.VISIT.items())


def as_page_views(requests: pl.DataFrame, target: Target) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Requests as page views with keys, and the lines that cannot be any.

    The page is the path as the log writes it, and a visitor an address with a user agent.
    """
    path = pl.col("path")
    # A pattern for all lines would take more time than all the rest.
    absolute = pl.when(~path.str.starts_with("/")).then(path).str.extract(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/]*(.*)$")
    views = requests.with_columns(path=pl.col("target").str.splitn("?", 2).struct.field("field_0")).with_columns(
        page=pl.when(absolute == "").then(pl.lit("/")).otherwise(pl.coalesce(absolute, path)),
        application=pl.lit(target.application),
        mini_program=pl.lit(target.mini_program),
        kind=pl.lit(events.Kind.PAGE_VIEW.value),
        visitor=pl.concat_str("address", pl.col("user_agent").fill_null(""), separator=" "),
        os=systems.os_of(requests["user_agent"]),
    )
    identity = (pl.col(name) for name in ("text", "line", "application", "mini_program"))
    views = views.with_columns(key=events.key_of_line(*identity)).drop("path")
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
        return worked(self._chunk, self._lines.blocks())

    def _chunk(self, block: Block) -> Chunk:
        read, requests, refused = requests_in(block, self._form)
        if self._target is None:
            return Chunk(read, as_visits(requests), refused)
        views, unfit = as_page_views(requests, self._target)
        return Chunk(read, views, pl.concat([refused, unfit]).sort("line"))
