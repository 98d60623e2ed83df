"""Importing clickstreams: CSV, NDJSON and Parquet, with fields named as they come."""

from __future__ import annotations

import gzip
import json
import uuid
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lib.collect import files
from tests.lib.importer import OWNER, Importer

pytestmark = pytest.mark.spec("I3")

ECOM = "retentioneering_ecom_31k.csv.gz"
MAPPED = ("--map", "time=timestamp,visitor=user_id,session=session_id,page=event")
OWNED = ("--application-field", "platform", "--mini-program", "shop")
COLUMNS = ("time", "visitor", "page")


def _csv(*rows: str, header: str = "time,visitor,page") -> str:
    return "\n".join((header, *rows)) + "\n"


def test_a_real_clickstream_is_imported_whole_and_once(importer: Importer, samples: Path) -> None:
    said = importer.usage("csv", samples / ECOM, *MAPPED, *OWNED)
    assert said.out == "read 31106, accepted 31106, repeated 0, refused 0"
    assert said.err == "The times of 31,106 events name no zone and were read in UTC: --time-zone names another."
    found = importer.rows("usage")
    source = pl.read_csv(samples / ECOM)
    assert (
        found.select(
            time=pl.col("at").dt.strftime("%Y-%m-%d %H:%M:%S"),
            user="visitor",
            session="session",
            page="page",
            platform="application",
            line=pl.col("seq").cast(pl.Int64),
        ).rows()
        == source.select(
            "timestamp", "user_id", "session_id", "event", "platform", pl.int_range(2, pl.len() + 2)
        ).rows()
    )
    assert set(found["kind"]) == {"page_view"}
    assert found.select("mini_program", "mini_program_id").unique().rows() == [("shop", 1)]
    assert found["application_id"].n_unique() == source["platform"].n_unique()
    plain = importer.write("again", gzip.decompress((samples / ECOM).read_bytes()))
    assert importer.usage("csv", plain, *MAPPED, *OWNED).out == "read 31106, accepted 0, repeated 31106, refused 0"


def test_the_three_formats_give_the_same_events(importer: Importer, samples: Path) -> None:
    source = pl.read_csv(samples / ECOM, n_rows=2000)
    files = {name: importer.home.home.parent / f"a.{name}" for name in ("csv", "ndjson", "parquet")}
    source.write_csv(files["csv"])
    source.write_ndjson(files["ndjson"])
    source.with_columns(pl.col("timestamp").str.to_datetime()).write_parquet(files["parquet"], row_group_size=300)
    for number, (form, file) in enumerate(files.items()):
        owned = (*OWNED[:2], "--mini-program", f"shop{number}")
        assert importer.usage(form, file, *MAPPED, *owned).out == "read 2000, accepted 2000, repeated 0, refused 0"
        assert importer.usage(form, file, *MAPPED, *owned).out == "read 2000, accepted 0, repeated 2000, refused 0"
    found = importer.rows("usage")
    columns = ("at", "visitor", "session", "page", "application", "kind", "name", "visitor_id")
    events = [found.filter(pl.col("mini_program") == f"shop{number}").select(columns).rows() for number in range(3)]
    assert events[0] == events[1] == events[2]


def test_an_event_says_all_that_can_be_said(importer: Importer) -> None:
    row = {
        "at": 1709287200.5,
        "who": {"id": 7, "name": "x"},
        "page": "/p",
        "event": "Share",
        "duration_ms": 1500.4,
        "id": "e1",
        "os": "iPhone OS 17.2",
        "version": "1.2",
        "device": "iPhone15,3",
        "a.b": "s1",
        "a": {"b": "s2"},
        "address": "192.0.2.1",
        "user_agent": "UA",
        "host": "wx:1",
        "program": {"key": "shop"},
    }
    file = importer.write("a.json", json.dumps(row))
    mapping = ("--map", "time=at,visitor=who.id", "--map", "session=a.b")
    owned = ("--application-field", "host", "--mini-program-field", "program.key")
    said = importer.usage("ndjson", file, *mapping, *owned)
    assert said.out == "read 1, accepted 1, repeated 0, refused 0"
    assert importer.rows("usage").drop("key", "visitor_id", "stream_id").row(0, named=True) == {
        "application_id": 1,
        "mini_program_id": 1,
        "application": "wx:1",
        "mini_program": "shop",
        "at": datetime(2024, 3, 1, 10, 0, 0, 500_000, tzinfo=UTC),
        "seq": 1,
        "kind": "share",
        "name": None,
        "page": "/p",
        "visitor": "7",
        "session": "s1",
        "duration_ms": 1500,
        "os": "iOS",
        "version": "1.2",
        "device": "iPhone15,3",
        "address": "192.0.2.1",
        "user_agent": "UA",
        "event_id": "e1",
    }


def test_events_are_told_apart_by_the_names_that_clients_give_them(importer: Importer) -> None:
    names = ["pageview", "Screen", "", "launch", "mp_share", "leave", "mp_close", "Added to cart"]
    rows = [f"2024-03-01T10:00:0{number}Z,v,/p,{name}" for number, name in enumerate(names)]
    importer.usage("csv", importer.write("a.csv", _csv(*rows, header="time,visitor,page,event")), *OWNER)
    assert importer.rows("usage").select("kind", "name").rows() == [
        ("page_view", None),
        ("page_view", None),
        ("page_view", None),
        ("open", None),
        ("share", None),
        ("page_leave", None),
        ("close", None),
        ("custom", "Added to cart"),
    ]


KEYS = "a key has up to 100 of A-Z, a-z, 0-9, '.', ':', '-' and '_', and begins with a letter or digit"


@pytest.mark.parametrize(
    ("written", "microseconds", "is_zoneless"),
    [
        ("2024-03-01T10:00:00Z", 0, False),
        ("2024-03-01T10:00Z", 0, False),
        ("2024-03-01 18:00:00.123456 +08:00", 123_456, False),
        ("2024-03-01T07:29:59.9-0230", -100_000, False),
        ("2024-03-01T12:00:00+02", 0, False),
        ("2024-03-01T10:00:00.123456789Z", 123_456, False),
        ("1709287200", 0, False),
        ("1709287200.25", 250_000, False),
        ("1709287200250", 250_000, False),
        ("1.7092872e9", 0, False),
        ("2024-03-01 18:00:00", 0, True),
        ("2024-03-01T18:00:00.5", 500_000, True),
    ],
)
def test_a_time_is_read_in_the_ways_that_people_write_it(
    importer: Importer, written: str, microseconds: int, is_zoneless: bool
) -> None:
    file = importer.write("a.csv", _csv(f"{written},v,/p"))
    said = importer.usage("csv", file, *OWNER, "--time-zone", "Asia/Shanghai")
    zoneless = "The time of 1 event names no zone and was read in Asia/Shanghai: --time-zone names another."
    assert said.err == (zoneless if is_zoneless else "")
    (at,) = importer.rows("usage")["at"].cast(pl.Int64)
    assert at == 1_709_287_200_000_000 + microseconds


def test_a_clock_change_is_read_as_the_first_of_two_hours_and_refused_where_it_left_one_out(importer: Importer) -> None:
    file = importer.write("a.csv", _csv("2024-11-03 01:30:00,v,/p", "2024-03-10 02:30:00,v,/p"))
    said = importer.usage("csv", file, *OWNER, "--time-zone", "America/New_York")
    assert said.err == "The time of 1 event names no zone and was read in America/New_York: --time-zone names another."
    assert importer.rows("usage")["at"].to_list() == [datetime(2024, 11, 3, 5, 30, tzinfo=UTC)]
    assert importer.reasons() == [(3, '"2024-03-10 02:30:00" is not a time in America/New_York')]


def test_an_id_counts_once_for_ever_and_a_row_without_one_by_its_place(importer: Importer) -> None:
    header, row = "time,visitor,page,id", "2024-03-01T10:00:00Z,v,/p"
    first = importer.write("a.csv", _csv(f"{row},1", f"{row},2", f"{row},1", f"{row},", f"{row},", header=header))
    assert importer.usage("csv", first, *OWNER).out == "read 5, accepted 4, repeated 1, refused 0"
    other = importer.write("b.csv", _csv(f"{row},2", f"{row},3", header=header))
    assert importer.usage("csv", other, *OWNER).out == "read 2, accepted 1, repeated 1, refused 0"


def test_the_system_comes_from_the_user_agent_where_no_field_names_it(importer: Importer) -> None:
    agents = ["Mozilla/5.0 (Phone; OpenHarmony 5.0) ArkWeb", "", "Mozilla/5.0 (Linux; Android 14; Pixel 8)"]
    systems = ["", "Ubuntu", "macOS 14"]
    rows = [f"2024-03-01T10:00:00Z,v,/p,{agent},{os}" for agent, os in zip(agents, systems, strict=True)]
    importer.usage("csv", importer.write("a.csv", _csv(*rows, header="time,visitor,page,user_agent,os")), *OWNER)
    assert importer.rows("usage")["os"].to_list() == ["HarmonyOS", "Linux", "macOS"]
    bare = importer.write("b.csv", _csv("2024-03-01T10:00:00Z,v,/p"))
    importer.usage("csv", bare, *OWNER)
    assert importer.rows("usage")["os"].to_list()[-1] is None


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("time", None, "no time"),
        ("time", "yesterday", '"yesterday" is not a time'),
        ("time", "2024-02-30T00:00:00Z", '"2024-02-30T00:00:00Z" is not a time'),
        ("time", "1970-01-01T00:00:00Z", "1970-01-01 00:00:00 UTC is before 2000: the clock was never set"),
        ("time", 0, "1970-01-01 00:00:00 UTC is before 2000: the clock was never set"),
        ("time", "2100-01-01T00:00:00Z", "2100-01-01 00:00:00 UTC is in the future"),
        ("time", 10**17, '"100000000000000000" is not a time'),
        ("time", True, '"true" is not a time'),
        ("visitor", None, "no visitor"),
        ("visitor", "", "no visitor"),
        ("visitor", ["v"], '"visitor" is not a text or a number'),
        ("visitor", 2**70, '"visitor" is too large a number to be exact: write it as a text'),
        ("visitor", "v\0", "the visitor has a NUL character"),
        ("visitor", "v" * 1025, "the visitor is longer than 1024 characters"),
        ("page", None, "no page"),
        ("page", "p" * 4097, "the page is longer than 4096 characters"),
        ("session", "s" * 1025, "the session is longer than 1024 characters"),
        ("id", "i" * 1025, "the id is longer than 1024 characters"),
        ("device", "d" * 4097, "the device is longer than 4096 characters"),
        ("duration_ms", -1, "the duration is negative"),
        ("duration_ms", "long", "the duration is not a number"),
        ("duration_ms", "nan", "the duration is not a number"),
        ("duration_ms", 10**12, "the duration is longer than 31 days"),
        ("app", None, "no application"),
        ("app", "a b", f'"a b" cannot be the key of application: {KEYS}'),
        ("program", "<b>", f'"<b>" cannot be the key of mini program: {KEYS}'),
    ],
)
def test_a_row_that_is_no_event_is_refused_with_the_reason(
    importer: Importer, field: str, value: object, reason: str
) -> None:
    good = {"time": "2024-03-01T10:00:00Z", "visitor": "v", "page": "/p", "app": "a", "program": "m"}
    file = importer.write("a.ndjson", "\n".join(json.dumps(row) for row in (good, {**good, field: value}, good)))
    said = importer.usage("ndjson", file, "--application-field", "app", "--mini-program-field", "program")
    assert said.code == 0
    assert said.out.startswith("read 3, accepted 2, repeated 0, refused 1 (set aside in ")
    assert importer.reasons() == [(2, reason)]


def test_a_page_is_needed_only_by_page_views(importer: Importer) -> None:
    rows = ["2024-03-01T10:00:00Z,v,,open", "2024-03-01T10:00:00Z,v,,tap", "2024-03-01T10:00:00Z,v,,view"]
    file = importer.write("a.csv", _csv(*rows, header="time,visitor,page,event"))
    assert importer.usage("csv", file, *OWNER).out.startswith("read 3, accepted 2, repeated 0, refused 1 ")
    assert importer.reasons() == [(4, "no page")]


def test_a_csv_may_be_written_as_spreadsheets_write_it(importer: Importer) -> None:
    text = '\ufefftime;visitor;page;"a note"\r\n2024-03-01T10:00:00Z;v;"/a\r\n\r\n;""b""";x\r\n\r\n'
    text += '2024-03-01T10:00:00Z;v;/5" disk;\r\n'
    said = importer.usage("csv", importer.write("a.csv", text), *OWNER)
    assert said.out == "read 2, accepted 2, repeated 0, refused 0"
    assert importer.rows("usage").select("seq", "page").rows() == [(2, '/a\n\n;"b"'), (6, '/5" disk')]


def test_one_bad_record_of_a_csv_does_not_take_others_with_it(importer: Importer) -> None:
    good = "2024-03-01T10:00:00Z,v,/p"
    rows = [good, "a,b", good, f'{good},"', good, 'a,"b"c,d', good, "time,visitor,page", "x,y,z,1", good]
    said = importer.usage("csv", importer.write("a.csv", _csv(*rows)), *OWNER)
    assert said.out.startswith("read 10, accepted 5, repeated 0, refused 5 (set aside in ")
    assert importer.reasons() == [
        (3, "2 columns where the header has 3"),
        (5, "a quote is not closed"),
        (7, "not CSV: ',' expected after '\"'"),
        (9, "the header once more"),
        (10, "4 columns where the header has 3"),
    ]
    assert importer.rejects()[2]["text"] == 'a,"b"c,d'


def test_rows_are_the_same_whether_or_not_a_quote_stands_among_them(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks without quotes are split as a whole, the others row by row; a record may go on in the next block."""
    monkeypatch.setattr(files, "BLOCK_BYTES", 400)
    monkeypatch.setattr(files, "_READ_BYTES", 100)
    bad = "time,visitor,page,session\nx"
    plain = [f"2024-03-01T10:00:00Z,v{number},/p,s" if number % 9 else bad for number in range(90)]
    quoted = [f'{row}"\n"' if row.endswith("s") and place % 31 == 30 else row for place, row in enumerate(plain)]
    quoted = [row.replace(',s"\n"', ',"s\n"') for row in quoted]
    for program, rows in (("a", plain), ("b", quoted)):
        file = importer.write(f"{program}.csv", _csv(*rows, header="time,visitor,page,session"))
        said = importer.usage("csv", file, "--application", "web", "--mini-program", program)
        assert said.out.startswith("read 100, accepted 80, repeated 0, refused 20 (set aside in ")
    found = importer.rows("usage")
    visitors = [found.filter(pl.col("mini_program") == program)["visitor"].to_list() for program in "ab"]
    assert visitors[0] == visitors[1] == [f"v{number}" for number in range(90) if number % 9]
    assert found.filter(pl.col("mini_program") == "b")["session"].to_list().count("s\n") == 2
    assert [reason for _, reason in importer.reasons()] == [
        "the header once more", "1 columns where the header has 4"
    ] * 20  # fmt: skip


def test_a_broken_line_of_ndjson_is_refused_alone(importer: Importer) -> None:
    good = '{"time":"2024-03-01T10:00:00Z","visitor":"v","page":"/p"}'
    lines = [good, good[:-1], "[1]", "[" * 2000, '{"time":1e999}', '"\\ud800"', "null", "", good]
    said = importer.usage("ndjson", importer.write("a.json", "\n".join(lines)), *OWNER)
    assert said.out.startswith("read 8, accepted 2, repeated 0, refused 6 (set aside in ")
    assert [(line, reason.split(":")[0]) for line, reason in importer.reasons()] == [
        (2, "not JSON"),
        (3, "not a JSON object"),
        (4, "not JSON"),
        (5, "not JSON"),
        (6, "not JSON"),
        (7, "not a JSON object"),
    ]


def test_a_parquet_file_may_hold_every_type(importer: Importer) -> None:
    at = datetime(2024, 3, 1, 10, tzinfo=UTC)
    table = pl.DataFrame(
        {
            "time": pl.Series([at, at, None], dtype=pl.Datetime("ns", "Asia/Tokyo")),
            "visitor": [1.0, 2.5, 3.0],
            "page": pl.Series(["/a", "/b", "/c"], dtype=pl.Categorical),
            "session": [b"s1", b"s2", b"s3"],
            "duration_ms": pl.Series([1, None, 3], dtype=pl.UInt8),
            "tags": [["x"], [], None],
            "raw": [[b"\xff"], [], None],
        }
    )
    file = importer.home.home.parent / "a.parquet"
    table.write_parquet(file)
    compressed = importer.write("a.gz", gzip.compress(file.read_bytes()))
    said = importer.usage("parquet", file, *OWNER)
    assert said.err == ""
    assert said.out.startswith("read 3, accepted 2, repeated 0, refused 1 (set aside in ")
    assert importer.rows("usage").select("at", "visitor", "page", "session", "duration_ms", "seq").rows() == [
        (at, "1", "/a", "s1", 1, 1),
        (at, "2.5", "/b", "s2", None, 2),
    ]
    assert importer.reasons() == [(3, "no time")]
    assert importer.usage("parquet", compressed, *OWNER).out.startswith("read 3, accepted 0, repeated 2, refused 1 ")
    said = importer.usage("parquet", file, *OWNER, "--map", "page=tags")
    assert (said.code, said.err) == (2, f'The column "tags" of {file} holds several values: name another.')


def test_uuids_of_a_parquet_file_are_read_as_they_are_written(importer: Importer) -> None:
    ids = [uuid.UUID(int=at + (1 << 127)) for at in range(3)]
    table = pa.table(
        {
            "time": pa.array([datetime(2024, 3, 1, 10, tzinfo=UTC)] * 3, pa.timestamp("us", "UTC")),
            "id": pa.array([each.bytes for each in ids], pa.uuid()),
            "visitor": pa.array([ids[0].bytes, None, ids[1].bytes], pa.uuid()),
            "page": pa.array([b"/a", b"/b", b"\xff"], pa.binary()),
        }
    )
    file = importer.home.home.parent / "ids.parquet"
    pq.write_table(table, file)
    assert importer.usage("parquet", file, *OWNER).out.startswith("read 3, accepted 1, repeated 0, refused 2 ")
    assert importer.rows("usage").select("event_id", "visitor").rows() == [(str(ids[0]), str(ids[0]))]
    assert importer.reasons() == [(2, "no visitor"), (3, 'the column "page" holds bytes that are no text in UTF-8')]
