"""Importing access logs: every field of every line, the damaged ones aside, and nothing twice."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import select

from lib.access.viewer import EVERY_TENANT
from lib.collect.access_logs import AccessLog, Form
from lib.collect.imports import Import
from lib.collect.sources import Target
from lib.settings import PROJECT_DIR, Settings
from lib.store import Store
from lib.store.tables import Application, Operation, Tenant
from tests.lib.importer import OWNER, Importer

pytestmark = pytest.mark.spec("I3", "L3")

ELASTIC = "elastic_apache_logs_10k.log.gz"
ERDDAP = "erddap_tomcat_20240512-20_damaged.log.gz"
LNAV = "lnav_shop_access_1k.log.gz"

LINE = '192.0.2.1 - ann [01/Mar/2024:10:00:00 +0100] "GET /a?b=1 HTTP/1.1" 200 12 "https://r.example/" "Firefox"'


@pytest.mark.parametrize(
    ("name", "read", "accepted", "addresses", "visitors"),
    [(ELASTIC, 10_000, 9_999, 1_753, 1_861), (ERDDAP, 16_275, 10_479, 917, 918), (LNAV, 1_000, 1_000, 101, 110)],
)
def test_every_request_of_a_real_log_is_a_visit(
    importer: Importer, samples: Path, name: str, read: int, accepted: int, addresses: int, visitors: int
) -> None:
    said = importer.visits(samples / name)
    visits = importer.rows("visit")
    assert said.code == 0
    assert said.out.startswith(f"read {read}, accepted {accepted}, repeated 0, refused {read - accepted}")
    assert visits.height == accepted
    assert visits["address"].n_unique() == addresses
    assert visits.select("address", "user_agent").n_unique() == visitors
    assert len(importer.rejects()) == read - accepted


def test_the_fields_of_a_visit_are_those_of_its_line(importer: Importer, samples: Path) -> None:
    importer.visits(samples / LNAV)
    first = importer.rows("visit").drop("key").row(0, named=True)
    assert first == {
        "at": datetime(2019, 1, 22, 0, 26, 14, tzinfo=UTC),
        "seq": 1,
        "address": "54.36.149.41",
        "account": None,
        "method": "GET",
        "target": "/filter/27|13%20%D9%85%DA%AF%D8%A7%D9%BE%DB%8C%DA%A9%D8%B3%D9%84,27|%DA%A9%D9%85%D8%AA%D8%B1%20"
        "%D8%A7%D8%B2%205%20%D9%85%DA%AF%D8%A7%D9%BE%DB%8C%DA%A9%D8%B3%D9%84,p53",
        "protocol": "HTTP/1.1",
        "status": 200,
        "size_bytes": 30577,
        "referrer": None,
        "user_agent": "Mozilla/5.0 (compatible; AhrefsBot/6.1; +http://ahrefs.com/robot/)",
    }


def test_every_request_is_a_page_view_when_it_is_imported_as_usage(importer: Importer, samples: Path) -> None:
    said = importer.usage("combined", samples / ELASTIC, *OWNER)
    views = importer.rows("usage")
    agent = (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_1) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/32.0.1700.77 Safari/537.36"
    )
    assert said.out.startswith("read 10000, accepted 9999, repeated 0, refused 1 (set aside in ")
    assert views["visitor"].n_unique() == 1861
    assert views.filter(pl.col("page").str.contains("?", literal=True)).is_empty()
    assert dict(views["os"].value_counts().iter_rows()) == {
        "Windows": 3317, "Other": 2468, "Linux": 2137, "macOS": 1444, "iOS": 429, "Android": 204,
    }  # fmt: skip
    assert views.drop("key", "visitor_id", "stream_id").row(0, named=True) == {
        "application_id": 1,
        "mini_program_id": 1,
        "application": "web",
        "mini_program": "shop",
        "at": datetime(2015, 5, 17, 10, 5, 3, tzinfo=UTC),
        "seq": 1,
        "kind": "page_view",
        "name": None,
        "page": "/presentations/logstash-monitorama-2013/images/kibana-search.png",
        "visitor": f"83.149.9.216 {agent}",
        "session": None,
        "duration_ms": None,
        "os": "macOS",
        "version": None,
        "device": None,
        "address": "83.149.9.216",
        "user_agent": agent,
        "event_id": None,
    }


def test_the_same_file_again_adds_nothing_compressed_or_not(importer: Importer, samples: Path) -> None:
    plain = gzip.decompress((samples / ELASTIC).read_bytes())
    importer.visits(samples / ELASTIC)
    importer.usage("combined", samples / ELASTIC, *OWNER)
    for name, content in (("a.log", plain), ("b.txt", bz2.compress(plain)), ("c.gz", lzma.compress(plain))):
        file = importer.write(name, content)
        assert importer.visits(file).out.startswith("read 10000, accepted 0, repeated 9999, refused 1 ")
        assert importer.usage("combined", file, *OWNER).out.startswith("read 10000, accepted 0, repeated 9999, ")
    windows = importer.write("d.log", plain.replace(b"\n", b"\r\n"))
    assert importer.visits(windows).out.startswith("read 10000, accepted 0, repeated 9999, refused 1 ")


def test_a_file_that_grew_adds_only_its_new_lines(importer: Importer) -> None:
    assert importer.visits(importer.write("a.log", LINE + "\n")).out == "read 1, accepted 1, repeated 0, refused 0"
    grown = importer.write("a.log", f"{LINE}\n{LINE}\n\n  \n{LINE}")
    assert importer.visits(grown).out == "read 3, accepted 2, repeated 1, refused 0"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('h - - [T] "GET /a?b HTTP/1.1" 200 5', {"method": "GET", "target": "/a?b", "protocol": "HTTP/1.1"}),
        ('h - - [T] "GET /a" 200 5', {"method": "GET", "target": "/a", "protocol": None, "page": "/a"}),
        ('h - - [T] "GET /a b HTTP/2" 200 5', {"target": "/a b", "protocol": "HTTP/2", "page": "/a b"}),
        ('h - - [T] "-" 408 -', {"method": None, "target": "-", "status": 408, "size_bytes": None, "page": "-"}),
        (r'h - - [T] "\x16\x03\x01" 400 0', {"method": None, "target": r"\x16\x03\x01", "size_bytes": 0}),
        (r'h - - [T] "GET /\" HTTP/1.1" 200 1', {"target": r"/\"", "protocol": "HTTP/1.1"}),
        ('h - - [T] "GET http://x.example/p?q HTTP/1.1" 200 1', {"target": "http://x.example/p?q", "page": "/p"}),
        ('h - - [T] "GET http://x.example HTTP/1.1" 200 1', {"page": "/"}),
        ('h - - [T] "OPTIONS * HTTP/1.1" 200 1', {"method": "OPTIONS", "target": "*", "page": "*"}),
        ('::1 - a b [T] "GET /%e4%bd%a0 HTTP/1.1" 200 1', {"address": "::1", "account": "a b", "page": "/%e4%bd%a0"}),
        ('h - - [T] "GET /你?x HTTP/1.1" 200 1', {"target": "/你?x", "page": "/你"}),
        ('h - - [T] "GET / HTTP/1.1" 200 1 "-" "-"', {"referrer": None, "user_agent": None, "visitor": "h "}),
        (r'h - - [T] "GET / HTTP/1.1" 200 1 "r" "a \"b\""', {"referrer": "r", "user_agent": r"a \"b\""}),
        ('h - - [T] "GET / HTTP/1.1" - 1 "r" "a" "x" 0.1 "y"', {"status": None, "user_agent": "a", "visitor": "h a"}),
    ],
)
def test_a_line_is_understood(importer: Importer, line: str, expected: dict[str, object]) -> None:
    file = importer.write("a.log", line.replace("[T]", "[29/Feb/2024:23:30:00 -0230]"))
    form = "combined" if '1 "' in line else "common"
    assert importer.visits(file).out == "read 1, accepted 1, repeated 0, refused 0"
    assert importer.usage(form, file, *OWNER).out == "read 1, accepted 1, repeated 0, refused 0"
    visit = importer.rows("visit").row(0, named=True)
    found = {**importer.rows("usage").row(0, named=True), **visit}
    assert visit["at"] == datetime(2024, 3, 1, 2, 0, tzinfo=UTC)
    assert {name: found[name] for name in expected} == expected


def test_a_line_that_is_none_is_set_aside_with_its_number_and_the_reason(importer: Importer) -> None:
    ahead = datetime.now(UTC) + timedelta(days=2)
    lines = [
        LINE,
        LINE[:-1],
        LINE[:60],
        "nonsense",
        LINE.replace("/2024:", "/1970:"),
        LINE.replace("01/Mar/2024:10:00:00 +0100", f"{ahead:%d/%b/%Y:%H:%M:%S} +0000"),
        LINE.replace("01/Mar", "31/Feb"),
        LINE.replace("200 12", "twohundred 12"),
        LINE,
    ]
    said = importer.visits(importer.write("some.log", "\n".join(lines)))
    assert said.code == 0
    assert said.err == ""
    assert said.out.startswith("read 9, accepted 2, repeated 0, refused 7 (set aside in ")
    kept = Path(said.out.removesuffix(")").split("set aside in ")[1])
    assert kept.parent == importer.home.rejects_dir
    assert kept.name.startswith("some.log-20")
    assert kept.stat().st_mode & 0o077 == 0
    assert importer.reasons() == [
        (2, "a quoted field is not closed: the line is cut"),
        (3, "a quoted field is not closed: the line is cut"),
        (4, "not Common or Combined Log Format"),
        (5, "1970-03-01 09:00:00 UTC is before 2000: the clock was never set"),
        (6, f"{ahead:%Y-%m-%d %H:%M:%S} UTC is in the future"),
        (7, '"31/Feb/2024:10:00:00 +0100" is not a time'),
        (8, "not Common or Combined Log Format"),
    ]
    assert importer.rejects()[0] == {
        "file": str(importer.home.home.parent / "some.log"),
        "line": 2,
        "reason": "a quoted field is not closed: the line is cut",
        "text": LINE[:-1],
    }


def test_a_log_in_the_other_format_is_refused_with_the_reason(importer: Importer) -> None:
    combined, common = importer.write("a.log", LINE), importer.write("b.log", LINE.split(' "https')[0])
    said = importer.visits(combined, "--format", "common")
    assert (said.code, importer.reasons()[0][1]) == (1, "not Common Log Format: it goes on after the size")
    assert said.err == (
        f"No line of {combined} can be read as common access log "
        "(line 1: not Common Log Format: it goes on after the size): nothing of it was imported."
    )
    said = importer.usage("combined", common, *OWNER)
    assert (said.code, importer.reasons()[1][1]) == (1, "not Combined Log Format: it ends with the size")
    assert importer.visits(combined, common).out == "read 2, accepted 2, repeated 0, refused 0"


def test_several_files_have_one_summary_and_one_reject_file(importer: Importer, samples: Path) -> None:
    said = importer.visits(samples / LNAV, samples / ERDDAP, samples / ELASTIC)
    (kept,) = importer.home.rejects_dir.iterdir()
    assert said.out == f"read 27275, accepted 21478, repeated 0, refused 5797 (set aside in {kept})"
    assert kept.name.startswith(ERDDAP)
    assert {Path(line["file"]).name for line in importer.rejects()} == {ERDDAP, ELASTIC}


def test_the_command_works_as_a_process_in_a_chinese_locale(importer: Importer, samples: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "lib.cli", "import", "visits", str(samples / LNAV), "--tenant", "acme"],
        cwd=PROJECT_DIR,
        env={**os.environ, "DAYBOOK_HOME": str(importer.home.home), "LC_ALL": "zh_CN.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "read 1000, accepted 1000, repeated 0, refused 0\n", "")
    assert importer.rows("visit").height == 1000


def test_an_import_works_on_either_database(store: Store, home: Settings, samples: Path) -> None:
    with store.write(EVERY_TENANT) as session:
        session.add_all(Tenant(key=key, name=key, created_at=datetime.now(UTC)) for key in ("other", "acme"))
    for expected in ("accepted 1000, repeated 0", "accepted 0, repeated 1000"):
        log = AccessLog(samples / LNAV, Form.COMBINED, Target("web", "shop"), lambda _count: None)
        outcome = Import(store, home.lake, 2, "usage", home.rejects_dir, pytest.fail).run([log])
        assert str(outcome) == f"read 1000, {expected}, refused 0"
    with store.read(EVERY_TENANT) as session:
        assert session.execute(select(Application.tenant_id, Application.source)).all() == [(2, "import")]
        assert session.scalars(select(Operation.tenant_id)).all() == [2, 2]
