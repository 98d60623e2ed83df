"""`daybook import operations`: Daybook's own lines and CloudTrail's records, each once, the wrong ones set aside."""

from __future__ import annotations

import bz2
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from sqlalchemy import func, select

from lib.access.viewer import EVERY_TENANT
from lib.collect import operations_files
from lib.collect.answers import Refused
from lib.logs.rows import row_of
from lib.settings import PROJECT_DIR
from lib.store.tables import Operation, OperationPending, OperationSeal
from tests.lib.importer import Importer, Said
from tests.lib.test_collect_anything import ANYTHING, odd

pytestmark = pytest.mark.spec("I3")

LINE: dict[str, Any] = {
    "id": "1",
    "source": "crm",
    "occurred_at": "2026-03-01T10:00:00+08:00",
    "operator": "李雷",
    "product": "datafinder",
    "module": "dashboard",
    "submodule": "chart",
    "action": "delete",
    "object_name": "日活",
    "old": {"name": "日活"},
}


def lines(*told: object) -> str:
    """NDJSON of objects; a text is a line as it is."""
    return "".join((each if isinstance(each, str) else json.dumps(each, ensure_ascii=False)) + "\n" for each in told)


def own(importer: Importer, *words: object) -> Said:
    """Run the command on files of Daybook's own form."""
    return importer.operations("daybook", *words)


def kept(importer: Importer) -> list[Operation]:
    """What came from outside, in the order of the log."""
    with importer.store.read(EVERY_TENANT) as session:
        return list(session.scalars(select(Operation).where(Operation.source != "").order_by(Operation.id)))


def counted(importer: Importer) -> int:
    """How many operations came from outside."""
    with importer.store.read(EVERY_TENANT) as session:
        return session.scalar(select(func.count()).select_from(Operation).where(Operation.source != "")) or 0


@pytest.mark.spec("O9")
def test_what_is_imported_is_sealed_when_the_command_ends(importer: Importer) -> None:
    assert own(importer, importer.write("log.ndjson", lines(LINE, {**LINE, "id": "2"}))).code == 0
    with importer.store.read(EVERY_TENANT) as session:
        assert session.scalar(select(func.count()).select_from(OperationPending)) == 0
        sizes = list(session.scalars(select(OperationSeal.until_position).where(OperationSeal.tenant_id != 0)))
    assert sizes == [3]
    assert len(list((importer.home.home / "checkpoints").iterdir())) >= 1


@pytest.mark.spec("O9")
def test_an_import_that_cannot_be_sealed_says_so_and_stands(importer: Importer) -> None:
    own(importer, importer.write("log.ndjson", lines(LINE)))
    (importer.home.home / "seal_key.pem").unlink()
    said = own(importer, importer.write("more.ndjson", lines({**LINE, "id": "2"})))
    assert (said.code, said.out) == (0, "read 1, accepted 1, repeated 0, refused 0")
    assert said.err.startswith("The operations are imported, and not sealed yet: ")


@pytest.mark.spec("O1")
def test_a_line_is_an_operation_as_it_says(importer: Importer) -> None:
    file = importer.write("a.ndjson", lines(LINE))
    assert own(importer, file) == Said(0, "read 1, accepted 1, repeated 0, refused 0", "")
    (found,) = kept(importer)
    assert (found.operator, found.module, found.action, found.object_name) == ("李雷", "dashboard", "delete", "日活")
    assert found.occurred_at == datetime(2026, 3, 1, 2, tzinfo=UTC)
    assert (found.operation_class, found.result, found.source) == ("deletion", "success", "crm")
    assert json.loads(found.body)["old"] == {"name": "日活"}


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress], ids=["gzip", "bzip2"])
def test_importing_again_adds_nothing_packed_or_not(importer: Importer, pack: Any) -> None:
    text = lines(*({**LINE, "id": str(number)} for number in range(50)), {**LINE, "id": "7"})
    assert own(importer, importer.write("a", text)).out == "read 51, accepted 50, repeated 1, refused 0"
    assert own(importer, importer.write("b", pack(text.encode()))).out == "read 51, accepted 0, repeated 51, refused 0"
    assert counted(importer) == 50


def test_a_line_without_an_id_is_known_by_what_it_says_and_where_it_stands(importer: Importer) -> None:
    nameless = {name: value for name, value in LINE.items() if name not in {"id", "source"}}
    file = importer.write("a.ndjson", lines(nameless, nameless, {**nameless, "operator": "韩梅梅"}))
    assert own(importer, file).out == "read 3, accepted 3, repeated 0, refused 0"
    assert own(importer, file).out == "read 3, accepted 0, repeated 3, refused 0"
    assert {each.source for each in kept(importer)} == {"import"}


def test_wrong_lines_are_set_aside_with_their_number_and_reason(importer: Importer) -> None:
    text = lines(
        LINE,
        "{",
        "[]",
        "",
        {**LINE, "id": "2", "operator": None},
        {**LINE, "id": "3", "occurred_at": None},
        {**LINE, "id": "4", "occurred_at": "2200-01-01T00:00:00Z"},
        {**LINE, "id": "5", "occurred_at": "1999-01-01T00:00:00Z"},
        {**LINE, "id": "6", "colour": "red"},
        {**LINE, "id": ["7"]},
        {**LINE, "id": "8", "action": "fly"},
        {**LINE, "id": "9"},
    )
    said = own(importer, importer.write("a.ndjson", text))
    assert said.code == 0
    assert said.out.startswith("read 11, accepted 2, repeated 0, refused 9 (set aside in ")
    assert importer.reasons() == [
        (2, "not JSON: unexpected end of data at character 2"),
        (3, "not a JSON object"),
        (5, "operator is missing"),
        (6, "occurred_at is missing"),
        (7, "occurred_at is 2200-01-01 00:00:00 UTC, in the future"),
        (8, "occurred_at is 1999-01-01 00:00:00 UTC, before 2000: the clock was never set"),
        (9, "colour is not a field of an operation"),
        (10, "id is not a text"),
        (11, "operation_class is missing, and the catalogue has no such operation"),
    ]


def test_lines_that_cannot_be_read_at_all_stop_nothing(importer: Importer) -> None:
    long = lines({**LINE, "id": "2", "old": "x" * (4 << 20)}).encode()
    large = lines({**LINE, "id": "3", "old": "x" * (2 << 20)}).encode()
    text = lines(LINE).encode() + b"\xff\xfe{\n" + long + large
    assert own(importer, importer.write("a.ndjson", text)).out.startswith("read 4, accepted 2, repeated 0, refused 2 ")
    assert importer.reasons() == [(2, "not UTF-8"), (3, "longer than 4 MiB")]


def test_a_cut_file_is_told_and_what_stands_before_is_kept(importer: Importer) -> None:
    packed = gzip.compress(
        lines(*({**LINE, "id": str(n), "content": os.urandom(50).hex()} for n in range(2000))).encode()
    )
    said = own(importer, importer.write("a.gz", packed[: len(packed) // 2]))
    assert said.code == 1
    assert "is cut after line" in said.err
    assert 0 < counted(importer) < 2000


def test_a_file_of_nothing_known_says_so(importer: Importer) -> None:
    said = own(importer, importer.write("a.txt", "hello\n"))
    assert (said.code, said.out.partition(" (")[0]) == (1, "read 1, accepted 0, repeated 0, refused 1")
    assert "No line of" in said.err


@pytest.mark.spec("O2")
def test_what_a_policy_drops_is_neither_kept_nor_refused_and_is_told(importer: Importer) -> None:
    sent = {"product": "dmhub", "module": "sms", "submodule": "", "action": "send"}
    text = lines({**LINE, **sent, "channel": "openapi"}, {**LINE, **sent, "id": "2"})
    said = own(importer, importer.write("a.ndjson", text))
    assert (said.code, said.out) == (0, "read 2, accepted 1, repeated 0, refused 0")
    assert said.err == "1 operations were left out: the policy of their product keeps none of its open API."


@pytest.mark.spec("O2")
def test_an_operation_outside_the_catalogue_is_marked(importer: Importer) -> None:
    odd = {**LINE, "id": "2", "action": "fly", "operation_class": "querying"}
    own(importer, importer.write("a.ndjson", lines(LINE, odd)))
    assert {each.action: each.is_catalogued for each in kept(importer)} == {"delete": True, "fly": False}


@pytest.mark.spec("O3")
def test_the_import_is_an_operation_itself(importer: Importer) -> None:
    own(importer, importer.write("a.ndjson", lines(LINE, "{")))
    with importer.store.read(EVERY_TENANT) as session:
        act = session.scalars(select(Operation).where(Operation.module == "operation_log")).one()
    assert (act.action, act.object_name, act.source) == ("import", "a.ndjson", "")
    assert json.loads(act.new_value or "") == {"read": 2, "accepted": 1, "repeated": 0, "refused": 1}


@pytest.mark.parametrize("turn", range(2))
def test_an_import_that_is_killed_and_run_again_is_the_same_as_one_that_ran(importer: Importer, turn: int) -> None:
    count = 6 * operations_files.CHUNK_LINES // 4
    file = importer.write("a.ndjson", lines(*({**LINE, "id": str(number)} for number in range(count))))
    environment = {**os.environ, "DAYBOOK_HOME": str(importer.home.home), "PYTHONPATH": str(PROJECT_DIR)}
    command = [sys.executable, "-m", "lib.cli", "import", "operations", str(file)]
    running = subprocess.Popen([*command, "--tenant", "acme", "--format", "daybook"], env=environment)
    while turn and not counted(importer) and running.poll() is None:
        time.sleep(0.01)
    if not turn:
        time.sleep(0.7)
    running.send_signal(signal.SIGKILL)
    running.wait()
    before = counted(importer)
    assert before in {0, operations_files.CHUNK_LINES, count}
    said = own(importer, file)
    assert said.out == f"read {count}, accepted {count - before}, repeated {before}, refused 0"
    assert counted(importer) == count


@pytest.fixture(scope="module")
def trail(samples: Path) -> list[dict[str, Any]]:
    """The sample's records."""
    with gzip.open(samples / "invictus_cloudtrail_2900.ndjson.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@pytest.mark.spec("O1", "O2")
def test_every_record_of_a_real_trail_is_kept_by_service_call_and_outcome(
    importer: Importer, samples: Path, trail: list[dict[str, Any]]
) -> None:
    file = samples / "invictus_cloudtrail_2900.ndjson.gz"
    assert importer.operations("cloudtrail", file) == Said(0, "read 2900, accepted 2900, repeated 0, refused 0", "")
    assert importer.operations("cloudtrail", file).out == "read 2900, accepted 0, repeated 2900, refused 0"
    found = {json.loads(each.body)["event_id"]: each for each in kept(importer)}
    assert found.keys() == {told["eventID"] for told in trail}
    for told in trail:
        row = found[told["eventID"]]
        assert row.occurred_at == datetime.fromisoformat(told["eventTime"])
        assert (f"{row.module}.amazonaws.com", row.action) == (told["eventSource"], told["eventName"])
        assert (row.address, row.request_id) == (told["sourceIPAddress"], told.get("requestID", ""))
        assert row.result == ("failure" if "errorCode" in told else "success")
        assert told.get("errorCode", "") in row.content
        assert (row.operation_class == "querying") is told["readOnly"]
        assert row.operator == told["userIdentity"].get("userName", row.operator) != ""
        new = json.loads(row.new_value or "{}")
        assert (told["requestParameters"] or {}).items() <= new.items()
    rows = found.values()
    assert {(row.product, row.project, row.source, row.is_catalogued) for row in rows} == {
        ("aws", "123837392027", "cloudtrail:123837392027", False)
    }
    assert Counter(row.operation_class for row in rows) == {
        "querying": 2326,
        "modification": 238,
        "deletion": 203,
        "addition": 133,
    }
    assert Counter(row.channel for row in rows) == {"openapi": 2565, "ui": 259, "system": 76}
    assert Counter(row.operator for row in rows).most_common(3) == [
        ("bert-jan", 2642),
        ("benjamin", 105),
        ("secretsmanager.amazonaws.com", 40),
    ]


def record(**more: Any) -> dict[str, Any]:
    """A record of CloudTrail; a field that is null is left out."""
    usual = {
        "userIdentity": {"type": "IAMUser", "userName": "amy", "accountId": "1"},
        "eventTime": "2026-03-01T10:00:00Z",
        "eventSource": "ec2.amazonaws.com",
        "eventName": "TerminateInstances",
        "awsRegion": "eu-west-1",
        "requestParameters": {"instancesSet": {"items": [{"instanceId": "i-7"}]}},
        "responseElements": {"done": True},
        "eventID": "e-1",
        "recipientAccountId": "1",
    }
    return {name: value for name, value in {**usual, **more}.items() if value is not None}


def one(importer: Importer, told: dict[str, Any]) -> Operation:
    """The operation that a record becomes."""
    said = importer.operations("cloudtrail", importer.write("a.json", lines(told)))
    assert said.out == "read 1, accepted 1, repeated 0, refused 0"
    (found,) = kept(importer)
    return found


def test_the_object_is_the_resource_else_what_the_parameters_name(importer: Importer) -> None:
    cases: list[tuple[dict[str, Any], tuple[str, str, str]]] = [
        ({}, ("instance", "i-7", "i-7")),
        (
            {"resources": [{"ARN": "arn:aws:s3:::b/k"}, {"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::b"}]},
            ("AWS::S3::Bucket", "b", "arn:aws:s3:::b"),
        ),
        (
            {"eventName": "DeleteUser", "requestParameters": {"groupName": "g", "userName": "bob"}},
            ("user", "bob", "bob"),
        ),
        ({"eventName": "PutParameter", "requestParameters": {"name": "/a/b"}}, ("parameter", "b", "/a/b")),
        (
            {"resources": [{"ARN": "arn:aws:ssm:r:1:parameter/a/b"}]},
            ("parameter", "b", "arn:aws:ssm:r:1:parameter/a/b"),
        ),
        ({"requestParameters": {"filterSet": {"items": [{"name": "state"}]}}}, ("", "", "")),
        ({"eventName": "StopLogging", "requestParameters": None}, ("", "", "")),
    ]
    told = [record(eventID=str(number), **more) for number, (more, _) in enumerate(cases)]
    importer.operations("cloudtrail", importer.write("a.json", lines(*told)))
    found = {json.loads(each.body)["event_id"]: each for each in kept(importer)}
    for number, (_, wanted) in enumerate(cases):
        row = found[str(number)]
        assert (row.object_type, row.object_name, row.object_id) == wanted


@pytest.mark.parametrize(
    ("identity", "operator", "role"),
    [
        ({"type": "Root", "accountId": "1"}, "root", "Root"),
        ({"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}, "ec2.amazonaws.com", "AWSService"),
        (
            {
                "type": "AssumedRole",
                "arn": "arn:aws:sts::1:assumed-role/deploy/amy",
                "sessionContext": {"sessionIssuer": {"userName": "deploy"}},
            },
            "deploy/amy",
            "deploy",
        ),
        ({"accountId": "1"}, "1", ""),
        (None, "ec2.amazonaws.com", ""),
    ],
    ids=["root", "service", "role", "account", "nobody"],
)
def test_the_operator_is_whoever_the_record_identifies(
    importer: Importer, identity: dict[str, Any] | None, operator: str, role: str
) -> None:
    found = one(importer, record(userIdentity=identity))
    assert (found.operator, found.role) == (operator, role)


@pytest.mark.parametrize(
    ("more", "operation_class", "channel", "result"),
    [
        ({}, "deletion", "openapi", "success"),
        ({"eventName": "DescribeInstances"}, "querying", "openapi", "success"),
        ({"eventName": "GetSigninToken", "readOnly": False}, "modification", "openapi", "success"),
        ({"eventName": "RunInstances", "errorCode": "Denied"}, "addition", "openapi", "failure"),
        ({"eventType": "AwsServiceEvent"}, "deletion", "system", "success"),
        ({"sessionCredentialFromConsole": "true"}, "deletion", "ui", "success"),
        (
            {
                "eventName": "ConsoleLogin",
                "eventType": "AwsConsoleSignIn",
                "responseElements": {"ConsoleLogin": "Failure"},
            },
            "modification",
            "ui",
            "failure",
        ),
    ],
    ids=["delete", "describe", "not read only", "run", "service", "console", "sign-in"],
)
def test_class_channel_and_result_are_told_by_the_record(
    importer: Importer, more: dict[str, Any], operation_class: str, channel: str, result: str
) -> None:
    found = one(importer, record(**more))
    assert (found.operation_class, found.channel, found.result) == (operation_class, channel, result)


def test_documents_are_records_however_they_are_laid_out(importer: Importer) -> None:
    documents = [{"Records": [record(eventID=f"{turn}-{number}") for number in range(3)]} for turn in range(4)]
    pretty = importer.write("a.json", json.dumps(documents[0], indent=2))
    packed = importer.write("b.json.gz", gzip.compress(json.dumps(documents[1]).encode()))
    several = importer.write("c.json", lines(*documents[1:], record(eventID="last")))
    assert importer.operations("cloudtrail", pretty, packed, several).out == (
        "read 16, accepted 13, repeated 3, refused 0"
    )


def test_what_is_no_record_is_set_aside_also_in_a_document(importer: Importer) -> None:
    document = {"Records": [record(), {"eventName": "x"}, 7, record(eventID="2", eventTime="soon")]}
    said = importer.operations("cloudtrail", importer.write("a.json", json.dumps(document)))
    assert said.out.startswith("read 4, accepted 1, repeated 0, refused 3 ")
    assert [line for line, _ in importer.reasons()] == [2, 3, 4]
    assert importer.rejects()[1]["text"] == "7"


DEEP: Any = json.loads("[" * 300 + "]" * 300)


def test_what_has_too_many_levels_is_set_aside(importer: Importer) -> None:
    nameless = {name: value for name, value in LINE.items() if name != "id"}
    file = importer.write("a.ndjson", lines({**LINE, "old": DEEP}, {**nameless, "old": DEEP}, {**LINE, "module": DEEP}))
    assert own(importer, file).out.startswith("read 3, accepted 0, repeated 0, refused 3 ")
    records = [record(requestParameters={"a": DEEP}), record(eventID=None, tlsDetails=DEEP), record(eventID="3")]
    document = importer.write("a.json", json.dumps({"Records": records}))
    assert importer.operations("cloudtrail", document).out.startswith("read 3, accepted 1, repeated 0, refused 2 ")


@settings(max_examples=100, deadline=None)
@given(odd({name: some.just(value) for name, value in record().items()}), ANYTHING)
def test_any_record_is_kept_or_set_aside(told: dict[str, Any], other: Any) -> None:
    text = json.dumps([told, {**told, "userIdentity": other}, {**told, "resources": [other]}])
    read = orjson.loads(text) if is_json(text) else []
    for each in read:
        try:
            kept_as = operations_files.FORMATS["cloudtrail"](each, 1, datetime.now(UTC))
        except Refused:
            continue
        assert kept_as is not None
        assert row_of(kept_as, 1, 1, datetime.now(UTC))["body"]


def is_json(text: str) -> bool:
    """Whether a text is JSON that can be taken: no NaN, no halves of characters."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


@pytest.mark.parametrize("damage", ["cut", "large"])
def test_a_document_that_cannot_be_read_whole_says_so(
    importer: Importer, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.dumps({"Records": [record(content=os.urandom(500).hex()) for _ in range(1000)]}).encode()
    if damage == "large":
        monkeypatch.setattr(operations_files, "DOCUMENT_BYTES", 1 << 18)
    packed = gzip.compress(text)
    said = importer.operations("cloudtrail", importer.write("a.gz", packed[:-50_000] if damage == "cut" else packed))
    assert (said.code, said.out) == (1, "read 0, accepted 0, repeated 0, refused 0")
    assert ("is damaged or cut" if damage == "cut" else "is a document of more than 0 MiB") in said.err
