"""What is counted for the rules of findings: each measure one record, with the operations that it takes and how much
each of them is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from lib.logs.catalogue import entries, products
from lib.logs.findings.frames import BUCKET, LONGEST_NAME, MOST_ACTIONS, SEEN, TALLIES, examples, with_bucket
from lib.logs.findings.privileges import may_raise, raised

_MOST_ROWS = 10**12


@dataclass(frozen=True)
class Measure:
    """A count of operations by operator and half hour.

    `count` makes columns `amount` (Int64) and `told` (list of texts) of the operations that `takes` meets; with
    `needs_body` their bodies are there too. Counts are kept for `keeps_days`.
    """

    key: str
    takes: Callable[[], pl.Expr]
    count: Callable[[pl.DataFrame], pl.DataFrame]
    needs_body: bool = False
    keeps_days: int = 400

    def tally(self, operations: pl.DataFrame) -> pl.DataFrame:
        """The frame TALLIES of operations, with nothing where the amount is nothing."""
        counted = self.count(with_bucket(operations.filter(self.takes())))
        counted = counted.filter(pl.col("amount") > 0)
        tallies = counted.group_by("bucket", who=pl.col("operator").str.slice(0, LONGEST_NAME)).agg(
            pl.col("amount").sum(),
            told=examples(pl.col("told").explode().str.slice(0, LONGEST_NAME)),
            actions=examples(pl.col("action"), MOST_ACTIONS + 1),
        )
        return tallies.select(pl.col(name).cast(kind) for name, kind in TALLIES.items())


@dataclass(frozen=True)
class SeenMeasure:
    """With what somebody is seen first: `what` of the operations that `takes` meets."""

    key: str
    takes: Callable[[], pl.Expr]
    what: Callable[[], pl.Expr]

    def seen(self, operations: pl.DataFrame) -> pl.DataFrame:
        """The frame SEEN of operations."""
        taken = with_bucket(operations.filter(self.takes()))
        who, what = (text.str.slice(0, LONGEST_NAME) for text in (pl.col("operator"), self.what()))
        first = taken.group_by(who=who, what=what).agg(first_bucket=pl.col("bucket").min())
        return first.filter(pl.col("what") != "").select(pl.col(name).cast(kind) for name, kind in SEEN.items())


def _exports() -> pl.Expr:
    known = ["\n".join(entry.key) for each in products() for entry in entries(each) if entry.kind == "export"]
    key = pl.concat_str("product", "module", "submodule", "action", separator="\n")
    named = pl.col("action").str.contains("(?i)export|download|导出|下载")
    # Beginning an export takes nothing away yet: its end is recorded too.
    begun = (pl.col("product") == "daybook") & (pl.col("action") == "begin")
    return (key.is_in(known) | named) & ~begun & (pl.col("result") == "success")


def _rows(operations: pl.DataFrame) -> pl.DataFrame:
    said = (pl.col("body").str.json_path_match(f"$.new.{name}") for name in ("rows", "row_count", "count"))
    amount = pl.coalesce(each.cast(pl.Int64, strict=False) for each in said).fill_null(0)
    return operations.with_columns(amount=amount.clip(0, _MOST_ROWS), told=_list_of("object_name"))


def _each(operations: pl.DataFrame) -> pl.DataFrame:
    return operations.with_columns(amount=pl.lit(1, pl.Int64), told=_list_of("object_name"))


def _each_call(operations: pl.DataFrame) -> pl.DataFrame:
    return operations.with_columns(amount=pl.lit(1, pl.Int64), told=_list_of("action"))


def _raises(operations: pl.DataFrame) -> pl.DataFrame:
    told = [raised(*row) for row in operations.select("product", "object_name", "body").iter_rows()]
    counted = operations.with_columns(told=pl.Series(told, dtype=pl.List(pl.String())))
    return counted.with_columns(amount=pl.col("told").list.len().cast(pl.Int64))


def _list_of(column: str) -> pl.Expr:
    return pl.when(pl.col(column) != "").then(pl.concat_list(column)).otherwise(pl.lit([], pl.List(pl.String())))


def _by_people() -> pl.Expr:
    return (pl.col("channel") == "ui") & (pl.col("action") != "sign_in_failed")


def _log_deletions() -> pl.Expr:
    of_logs = pl.any_horizontal(pl.col("module", "submodule", "object_type").str.contains(r"(?i)(^|_)logs?($|_)"))
    deleted = of_logs & (pl.col("operation_class") == "deletion")
    released = (pl.col("module") == "operation_log") & (pl.col("action") == "release")
    purged = (pl.col("module") == "retention") & (pl.col("action") == "purge")
    on_aws = (pl.col("product") == "aws") & pl.col("action").is_in(AWS_LOG_DELETIONS)
    # What the retention rule removes on schedule is what was asked for.
    scheduled = (pl.col("channel") == "system") & (pl.col("operator") == "schedule")
    return (deleted | released | purged | on_aws) & ~scheduled


AWS_LOG_DELETIONS = (
    "DeleteDetector",
    "DeleteFlowLogs",
    "DeleteLogGroup",
    "DeleteLogStream",
    "DeleteTrail",
    "PutEventSelectors",
    "StopLogging",
)
"""Calls of AWS that remove logs, or stop them."""


MEASURES = (
    Measure("exported_rows", _exports, _rows, needs_body=True),
    Measure("files", _exports, _each),
    Measure("openapi_calls", lambda: pl.col("channel") == "openapi", _each_call),
    # Everybody's every half hour: by far the most counts. The usual looks back 30 days, and a preview 30 more.
    Measure("operations", _by_people, _each_call, keeps_days=70),
    Measure("raises", may_raise, _raises, needs_body=True),
    Measure("log_deletions", _log_deletions, _each_call),
)

SEEN_MEASURES = (
    SeenMeasure(
        "addresses",
        lambda: (pl.col("channel") != "system") & (pl.col("action") != "sign_in_failed"),
        lambda: pl.col("address"),
    ),
    SeenMeasure(
        "openapi_actions",
        lambda: pl.col("channel") == "openapi",
        lambda: pl.concat_str("product", "module", "submodule", "action", separator="/").str.replace("//", "/"),
    ),
)


def needs_body() -> pl.Expr:
    """The operations whose bodies some measure asks for."""
    return pl.any_horizontal(measure.takes() for measure in MEASURES if measure.needs_body)


FAILED_ATTEMPTS, NAMES_TRIED = "failed_attempts", "names_tried"


def attempts_by_name(failed: pl.DataFrame) -> pl.DataFrame:
    """The frame TALLIES of failed attempts to sign in: how many on each name; `told` are the addresses."""
    return _of_attempts(failed, "account_name", "address", pl.len())


def names_by_address(failed: pl.DataFrame) -> pl.DataFrame:
    """The frame TALLIES of failed attempts to sign in: how many different names each address tried."""
    known = failed.filter(pl.col("address") != "")
    return _of_attempts(known, "address", "account_name", pl.col("account_name").n_unique())


def _of_attempts(failed: pl.DataFrame, who: str, told: str, amount: pl.Expr) -> pl.DataFrame:
    bucket = pl.col("occurred_at").dt.epoch("us") // (BUCKET.seconds * 1_000_000)
    tallies = failed.group_by(bucket=bucket, who=pl.col(who)).agg(
        amount=amount, told=examples(pl.col(told)), actions=pl.lit(["sign_in_failed"])
    )
    return tallies.select(pl.col(name).cast(kind) for name, kind in TALLIES.items())


EVERY_MEASURE = {**{each.key: each.keeps_days for each in MEASURES}, FAILED_ATTEMPTS: 400, NAMES_TRIED: 400}
"""Each count, and for how many days it is kept."""
