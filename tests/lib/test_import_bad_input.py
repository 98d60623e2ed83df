"""Importing what is not as it should be: one clear sentence, and the rest carried on or nothing changed."""

from __future__ import annotations

import bz2
import gzip
import sqlite3
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from sqlalchemy import event

from lib.access.viewer import EVERY_TENANT
from lib.collect import files
from lib.collect.access_logs import AccessLog, Form
from lib.collect.files import TextFile
from lib.collect.imports import Import
from lib.errors import Unavailable
from lib.store import Store
from lib.store.tables import Application, JobRun, Link, MiniProgram, Operation
from tests.lib.importer import OWNER, Importer

pytestmark = pytest.mark.spec("I3")

LINE = '192.0.2.1 - - [01/Mar/2024:10:00:00 +0000] "GET /{} HTTP/1.1" 200 12 "-" "Firefox"\n'
ROW = "2024-03-01T10:00:00Z,v,/p"


def _log(count: int) -> bytes:
    return "".join(LINE.format(number) for number in range(count)).encode()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("nonsense", *OWNER), "Invalid value for '--format'"),
        (("csv", "--mini-program", "m"), "Give either --application or --application-field:"),
        (("csv", *OWNER, "--application-field", "f"), "Give either --application or --application-field:"),
        (("csv", "--application", "a"), "Give either --mini-program or --mini-program-field:"),
        (("combined", "--application", "a", "--mini-program-field", "f"), "An access log has no fields: "),
        (("combined", *OWNER, "--map", "time=t"), "An access log has no fields: "),
        (("csv", "--application", "a b", "--mini-program", "m"), '"a b" cannot be a key: '),
        (("csv", *OWNER, "--map", "when=t"), '"when=t" maps nothing: write NAME=FIELD, where NAME is time, visitor, '),
        (("csv", *OWNER, "--map", "time=a,time=b"), '"time" is mapped twice: name one field for it.'),
        (("csv", *OWNER, "--time-zone", "Mars/Base"), "Mars/Base"),
    ],
)
def test_wrong_use_is_said_and_ends_with_2(importer: Importer, words: tuple[str, ...], sentence: str) -> None:
    said = importer.usage(words[0], importer.write("a.csv", f"time,visitor,page\n{ROW}"), *words[1:])
    assert (said.code, said.out) == (2, "")
    assert sentence in said.err


def test_nothing_is_imported_when_one_of_the_files_is_not_there(importer: Importer) -> None:
    there, missing = importer.write("a.log", _log(1)), importer.home.home / "missing.log"
    said = importer.visits(there, missing)
    assert (said.code, said.out, said.err) == (2, "", f"{missing} is not there: see how it is spelt.")
    said = importer.visits(there, importer.home.home)
    assert (said.code, said.out, said.err) == (2, "", f"{importer.home.home} is a folder: name files.")
    assert importer.visits(there).out == "read 1, accepted 1, repeated 0, refused 0"


@pytest.mark.parametrize(
    ("header", "words", "sentence"),
    [
        ("time,visitor,page", ("--map", "time=at"), 'has no column "at" for time: it has time, visitor, page.'),
        ("at,visitor", (), "has no column for time: name it by --map time=COLUMN; it has at, visitor."),
        ("time,visitor,visitor", (), 'has several columns "visitor": give them different names.'),
    ],
)
def test_nothing_is_imported_when_one_of_the_files_lacks_a_column(
    importer: Importer, header: str, words: tuple[str, ...], sentence: str
) -> None:
    good = importer.write("good.csv", f"time,visitor,at,page\n{ROW}")
    bad = importer.write("bad.csv", f"{header}\n{ROW}")
    said = importer.usage("csv", good, bad, *OWNER, *words)
    assert (said.code, said.out, said.err) == (2, "", f"{bad} {sentence}")


def test_an_import_that_is_interrupted_says_that_it_can_be_repeated(importer: Importer) -> None:
    file = importer.write("a.log", _log(2))
    log = AccessLog(file, Form.AUTO, None, lambda _count: None)
    log.check()
    act = Import(importer.store, importer.home.lake, 1, "visit", importer.home.rejects_dir, print)

    def sources() -> Iterator[AccessLog]:
        yield log
        raise KeyboardInterrupt

    outcome = act.run(sources())
    assert str(outcome) == "read 2, accepted 2, repeated 0, refused 0"
    assert outcome.troubles == (
        "The import was interrupted: what was accepted stays, "
        "and importing the same files again adds only what is missing",
    )
    with importer.store.read(EVERY_TENANT) as session:
        assert session.scalars(sa.select(JobRun.status)).all() == ["failed"]
        assert session.scalars(sa.select(Operation.action)).all() == ["import"]


def test_what_a_file_says_cannot_write_to_the_terminal(importer: Importer) -> None:
    said = importer.usage("csv", importer.write("a.csv", "time,visitor,page\n\x1b[31mred,v,/p\n"), *OWNER)
    assert '(line 2: "?[31mred" is not a time)' in said.err


@pytest.mark.parametrize("content", [b"", b"\n \n", gzip.compress(b"", mtime=0)])
def test_an_empty_file_is_said_to_be_empty(importer: Importer, content: bytes) -> None:
    file = importer.write("a.log", content)
    for said in (importer.visits(file), importer.usage("csv", file, *OWNER), importer.usage("ndjson", file, *OWNER)):
        assert (said.code, said.out) == (0, "read 0, accepted 0, repeated 0, refused 0")
        assert said.err == f"{file} is empty."


def test_a_cut_file_is_imported_up_to_its_last_whole_line(importer: Importer, samples: Path) -> None:
    whole = (samples / "elastic_apache_logs_10k.log.gz").read_bytes()
    cut = importer.write("cut.gz", whole[:100_000])
    said = importer.visits(cut)
    read = int(said.out.split()[1].rstrip(","))
    assert 3_000 < read < 5_000
    assert (said.code, said.out) == (1, f"read {read}, accepted {read}, repeated 0, refused 0")
    assert said.err == (
        f"{cut} is cut after line {read}: what stands before was imported; "
        "import the whole file when you have it, and nothing will count twice."
    )
    mended = importer.visits(importer.write("whole.gz", whole))
    assert mended.out.startswith(f"read 10000, accepted {9_999 - read}, repeated {read}, refused 1 ")


def test_a_damaged_file_is_imported_up_to_the_damage(importer: Importer) -> None:
    content = bytearray(bz2.compress(_log(50_000), compresslevel=1))
    content[len(content) // 2] ^= 0xFF
    file = importer.write("a.bz2", bytes(content))
    said = importer.visits(file)
    read = int(said.out.split()[1].rstrip(","))
    assert said.code == 1
    assert 20_000 < read < 30_000
    assert said.err.startswith(f"{file} is damaged near line {read}: ")


def test_members_and_padding_of_a_gzip_file_are_all_read(importer: Importer) -> None:
    members = b"".join(gzip.compress(part) for part in (_log(2), b"", _log(3))) + b"\0" * 512
    assert importer.visits(importer.write("a.gz", members)).out == "read 5, accepted 5, repeated 0, refused 0"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_file_in_utf_16_is_refused_as_a_whole_and_the_others_are_not(importer: Importer, encoding: str) -> None:
    wrong, right = importer.write("a.log", _log(3).decode().encode(encoding)), importer.write("b.log", _log(3))
    said = importer.visits(wrong, right)
    assert (said.code, said.out) == (1, "read 3, accepted 3, repeated 0, refused 0")
    what_to_do = "convert it first (iconv -f UTF-16 -t UTF-8); nothing of it was imported."
    assert said.err == f"{wrong} looks like UTF-16, not UTF-8: {what_to_do}"


def test_a_line_that_is_not_utf_8_is_refused_alone(importer: Importer) -> None:
    lines = _log(3).splitlines(keepends=True)
    latin = LINE.format("caf\xe9").encode("latin-1")
    file = importer.write("a.log", b"".join((lines[0], latin, *lines[1:])))
    assert importer.visits(file).out.startswith("read 4, accepted 3, repeated 0, refused 1 ")
    assert importer.rejects()[0]["text"] == LINE.format("caf�").rstrip()
    assert importer.reasons() == [(2, "not UTF-8")]
    assert importer.rows("visit")["seq"].to_list() == [1, 3, 4]


@pytest.mark.parametrize("size", [2 << 20, 10 << 20, 20 << 20])
def test_a_line_of_megabytes_is_refused_alone(importer: Importer, size: int) -> None:
    file = importer.write("a.log", _log(1) + LINE.format("x" * size).encode() + _log(1))
    assert importer.visits(file).out.startswith("read 3, accepted 2, repeated 0, refused 1 ")
    assert importer.reasons() == [(2, "longer than 1 MiB")]
    assert len(importer.rejects()[0]["text"]) == files.KEPT_BYTES
    assert importer.rows("visit")["seq"].to_list() == [1, 3]


def test_a_line_of_a_hundred_megabytes_is_not_held_in_memory(tmp_path: Path) -> None:
    file = tmp_path / "a.gz"
    with gzip.open(file, "wb", compresslevel=1) as writing:
        for _ in range(100):
            writing.write(b"x" * (1 << 20))
        writing.write(b"\nend")
    tracemalloc.start()
    lines = pl.concat(TextFile(file))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert lines.select("line", "reason").rows() == [(1, "longer than 1 MiB"), (2, None)]
    assert peak < 40 << 20


def test_a_file_in_another_format_imports_nothing(importer: Importer) -> None:
    csv = importer.write("a.csv", f"time,visitor,page\n{ROW}\n")
    said = importer.visits(csv)
    assert said.code == 1
    assert said.err == (
        f"No line of {csv} can be read as Common or Combined access log "
        "(line 1: not Common or Combined Log Format): nothing of it was imported."
    )
    said = importer.usage("parquet", csv, *OWNER)
    assert (said.code, said.err) == (
        1,
        f"{csv} is not a Parquet file, or is damaged: nothing of it was imported.",
    )
    said = importer.usage("ndjson", csv, *OWNER)
    assert said.code == 1
    assert "can be read as NDJSON (line 1: not JSON: " in said.err


def test_a_damaged_parquet_file_imports_what_can_be_read(importer: Importer) -> None:
    count = 300_000
    table = pl.DataFrame({"visitor": [f"v{number}" for number in range(count)]})
    table = table.with_columns(time=pl.lit("2024-03-01T10:00:00Z"), page=pl.lit("/p"))
    file = importer.home.home.parent / "a.parquet"
    table.write_parquet(file, row_group_size=count // 3, compression="uncompressed")
    content = bytearray(file.read_bytes())
    content[len(content) * 3 // 4 : len(content) * 3 // 4 + 50_000] = b"\xff" * 50_000
    file.write_bytes(bytes(content))
    said = importer.usage("parquet", file, *OWNER)
    assert said.code == 1
    assert str(file) in said.err
    assert "Traceback" not in said.err


def test_events_after_an_unlinking_are_said_to_count_in_the_history_only(importer: Importer) -> None:
    tenant = {"tenant_id": 1}
    now = datetime.now(UTC)
    with importer.store.write(EVERY_TENANT) as session:
        session.add(Application(**tenant, key="web", name="Web", source="console", created_at=now))
        session.add(MiniProgram(**tenant, key="shop", name="Shop", source="console", created_at=now))
        session.flush()
        session.add(Link(**tenant, mini_program_id=1, application_id=1, linked_at=now, unlinked_at=now))
    said = importer.usage("combined", importer.write("a.log", _log(2)), *OWNER)
    assert (said.code, said.out) == (0, "read 2, accepted 2, repeated 0, refused 0")
    assert said.err == (
        'shop is no longer linked to web: these events count only in the history of "All applications".'
    )
    with importer.store.read(EVERY_TENANT) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Link).where(Link.unlinked_at.is_(None))) == 0


def test_a_field_that_names_a_thousand_applications_is_taken_for_a_mistake(importer: Importer) -> None:
    rows = "\n".join(f"2024-03-01T10:00:00Z,v{number},/p" for number in range(1001))
    file = importer.write("a.csv", f"time,visitor,page\n{rows}")
    said = importer.usage("csv", file, "--application-field", "visitor", "--mini-program", "shop")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("The file names more than 1000 applications (is it the right field?)")
    with importer.store.read(EVERY_TENANT) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Application)) == 0


def test_an_import_is_recorded_as_an_operation_and_as_a_run(importer: Importer) -> None:
    importer.visits(importer.write("a.log", _log(2) + b"damaged\n"))
    importer.usage("combined", importer.write("b.log", b"damaged\n"), *OWNER)
    with importer.store.read(EVERY_TENANT) as session:
        operations = session.scalars(sa.select(Operation).order_by(Operation.id)).all()
        runs = session.scalars(sa.select(JobRun).order_by(JobRun.id)).all()
        assert [(row.module, row.action, row.operation_class, row.object_name) for row in operations] == [
            ("visits", "import", "addition", "a.log"),
            ("usage", "import", "addition", "b.log"),
        ]
        assert {(row.tenant_id, row.operator, row.channel) for row in operations} == {(1, "command line", "system")}
        assert operations[0].new_value == '{"accepted": 2, "read": 3, "refused": 1, "repeated": 0}'
        assert [(run.tenant_id, run.job, run.status) for run in runs] == [(1, "import", "done")] * 2
        assert runs[0].figures == {"read": 3, "accepted": 2, "repeated": 0, "refused": 1, "trouble": ""}
        assert runs[1].figures["trouble"].startswith("No line of ")


def test_a_locked_database_changes_nothing_and_the_import_can_be_repeated(importer: Importer) -> None:
    file = importer.write("a.log", _log(2))
    hasty = Store(importer.home.database_url, patience_seconds=0.5)
    act = Import(hasty, importer.home.lake, 1, "visit", importer.home.rejects_dir, print)
    with sqlite3.connect(importer.store.file, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match=r"locked|writing"):
            act.run([AccessLog(file, Form.AUTO, None, lambda _count: None)])
        other.execute("ROLLBACK")
    other.close()
    hasty.dispose()
    assert importer.visits(file).out == "read 2, accepted 2, repeated 0, refused 0"


def test_a_full_disk_keeps_what_was_accepted_and_the_rest_can_be_imported_again(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "BLOCK_BYTES", 1 << 20)
    content = _log(60_000)
    file = importer.write("a.log", content)
    engine = importer.store.engine
    engine.dispose()

    def fill(connection: sqlite3.Connection, _record: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 130}")

    event.listen(engine, "connect", fill)
    said = importer.visits(file)
    event.remove(engine, "connect", fill)
    engine.dispose()
    read, accepted = (int(word.rstrip(",")) for word in said.out.split()[1:4:2])
    assert said.code == 1
    assert 0 < accepted < 60_000
    assert "full" in said.err
    assert said.err.endswith(
        ": the import stopped; what was accepted stays, and importing the same files again adds only what is missing."
    )
    again = importer.visits(file)
    assert again.out == f"read 60000, accepted {60_000 - accepted}, repeated {accepted}, refused 0"
    assert read == accepted
