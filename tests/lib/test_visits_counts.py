"""`daybook show visits` over real logs equals what DuckDB and GoAccess count in the same files."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import duckdb
import pytest
from click.testing import CliRunner

from lib.cli import main
from tests.lib.importer import Importer

pytestmark = pytest.mark.spec("L3", "T2")


@dataclass(frozen=True)
class Sample:
    """A log, how many of its lines are requests, the dates that it lies between, and the zone that it says times in."""

    name: str
    requests: int
    since: str
    until: str
    zone: str = "UTC"


ELASTIC = Sample("elastic_apache_logs_10k.log.gz", 9_999, "2015-05-15", "2015-05-23")
SHOP = Sample("lnav_shop_access_1k.log.gz", 1_000, "2019-01-20", "2019-01-25", "Asia/Tehran")
ERDDAP = Sample("erddap_tomcat_20240512-20_damaged.log.gz", 10_479, "2024-05-10", "2024-05-23")
ZONES = ("UTC", "Asia/Shanghai", "America/St_Johns")

_COUNTS = ("visits", "visitors", "addresses", "errors", "bytes")

_RAW = r"""
    SELECT regexp_extract(line,
        '^(\S+) \S+ [^\[]*\[([^\]]+)\] "((?:[^"\\]|\\.)*)" (\d{3}|-) (\d+|-) "(?:[^"\\]|\\.)*" "((?:[^"\\]|\\.)*)"',
        ['address', 'time', 'request', 'status', 'size', 'agent']) AS part
    FROM read_csv(?, columns = {'line': 'VARCHAR'}, delim = '\x01', quote = '', escape = '', header = false,
        auto_detect = false, strict_mode = false, ignore_errors = true)
"""
_COUNTED = rf"""
    WITH parsed AS ({_RAW}), visits AS (
        SELECT epoch(strptime(part.time, '%d/%b/%Y:%H:%M:%S %z'))::BIGINT // 1800 * 1800 AS bucket, part.*
        FROM parsed WHERE part.time <> '')
    SELECT bucket, count(*), count(DISTINCT (address, agent)), count(DISTINCT address),
        count(*) FILTER (try_cast(status AS INT) >= 400), coalesce(sum(try_cast(size AS BIGINT)), 0)::BIGINT
    FROM visits GROUP BY bucket ORDER BY bucket
"""


def missing(sentence: str) -> NoReturn:
    """Fail where everything is promised to be there; skip on somebody's own machine."""
    if os.environ.get("CI"):
        pytest.fail(sentence)
    pytest.skip(sentence)


def shown(importer: Importer, sample: Sample, grain: str, zone: str) -> list[dict[str, Any]]:
    """What the command prints as JSON."""
    words = ["show", "visits", "--tenant", "acme", "--since", sample.since, "--until", sample.until]
    environment = {"DAYBOOK_HOME": str(importer.home.home), "DAYBOOK_DATABASE_URL": None, "DAYBOOK_LAKE_URL": None}
    words += ["--grain", grain, "--zone", zone, "--format", "json"]
    result = CliRunner().invoke(main, words, env=environment, catch_exceptions=False)
    assert result.exit_code == 0
    rows: list[dict[str, Any]] = json.loads(result.stdout)
    return rows


@pytest.mark.parametrize("sample", [ELASTIC, SHOP, ERDDAP], ids=lambda sample: sample.name.split("_")[0])
def test_half_hours_are_those_of_duckdb_in_three_zones(importer: Importer, samples: Path, sample: Sample) -> None:
    said = importer.visits(samples / sample.name)
    assert f"accepted {sample.requests}," in said.out
    refused = {each["line"] for each in importer.rejects()}
    whole = gzip.decompress((samples / sample.name).read_bytes()).split(b"\n")
    lines = [line.strip(b"\r") for number, line in enumerate(whole, 1) if number not in refused and line]
    assert len(lines) == sample.requests
    plain = importer.write("plain.log", b"\n".join(lines).replace(b"\x01", b" ") + b"\n")
    expected = duckdb.sql(_COUNTED, params=[str(plain)]).fetchall()
    assert sum(row[1] for row in expected) == sample.requests
    for zone in ZONES:
        rows = shown(importer, sample, "half-hour", zone)
        assert all(list(row) == ["bucket", *_COUNTS] for row in rows)
        buckets = [datetime.fromtimestamp(bucket, ZoneInfo(zone)).isoformat() for bucket, *_ in expected]
        assert [row["bucket"] for row in rows] == buckets
        assert [tuple(row[name] for name in _COUNTS) for row in rows] == [tuple(counts) for _, *counts in expected]


@pytest.mark.parametrize("sample", [ELASTIC, SHOP, ERDDAP], ids=lambda sample: sample.name.split("_")[0])
def test_hours_are_those_of_goaccess(importer: Importer, samples: Path, tmp_path: Path, sample: Sample) -> None:
    if shutil.which("goaccess") is None:
        missing("There is no GoAccess: install the package goaccess.")
    importer.visits(samples / sample.name)
    refused = {each["line"] for each in importer.rejects()}
    lines = gzip.decompress((samples / sample.name).read_bytes()).splitlines(keepends=True)
    plain, told = tmp_path / "plain.log", tmp_path / "told.json"
    plain.write_bytes(b"".join(line for number, line in enumerate(lines, 1) if number not in refused))
    words = ["--log-format=COMBINED", "--date-spec=hr", "--no-global-config", "-o", str(told)]
    subprocess.run(["goaccess", str(plain), *words], check=True, capture_output=True, timeout=60)
    answer = json.loads(told.read_text("utf-8", "replace"))
    rows = shown(importer, sample, "hour", sample.zone)
    # Not its visitors: it takes different robots at one address for the same.
    found = {each["data"]: (each["hits"]["count"], each["bytes"]["count"]) for each in answer["visitors"]["data"]}
    hours = {f"{datetime.fromisoformat(row['bucket']):%Y%m%d%H}": row for row in rows}
    assert {hour: (row["visits"], row["bytes"]) for hour, row in hours.items()} == found
    (whole,) = shown(importer, sample, "period", sample.zone)
    assert (whole["visits"], whole["bytes"]) == (answer["general"]["valid_requests"], answer["general"]["bandwidth"])
