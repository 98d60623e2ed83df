"""Feedback and logs coming in: what is understood, what is refused, and that all of it is on disk before the answer."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select

from lib.access.viewer import EVERY_TENANT
from lib.collect import feedback_routes
from lib.collect.feedback_routes import AT_ONCE, LOG_BYTES
from lib.errors import Unavailable
from lib.feedback.files import FeedbackFiles
from lib.feedback.types import FEEDBACK_KINDS, FEEDBACK_TYPES
from lib.store.tables import Feedback, FeedbackImage, FeedbackLog
from tests.lib.collecting import Collecting, basic, new_key
from tests.lib.feedbacks import PIXEL
from tests.lib.full_disk import full_disk
from tests.lib.hostile import HOSTILE

FULL = {
    "type": "abnormality",
    "kind": "crash",
    "content": "点击支付后闪退 <script>alert(1)</script>",
    "contact": "13800138000",
    "userId": "u-1",
    "miniProgram": "shop",
    "appVersion": "8.0.1",
    "miniProgramVersion": "2.1.0",
    "os": "iPhone OS 17.4",
    "device": "iPhone15,2",
    "time": "2026-03-02T09:30:00+08:00",
    "messageId": "m-1",
}


def rows(collecting: Collecting) -> list[Feedback]:
    with collecting.store.read(EVERY_TENANT) as session:
        return list(session.scalars(select(Feedback).order_by(Feedback.received_at, Feedback.id)))


def images(collecting: Collecting) -> list[FeedbackImage]:
    with collecting.store.read(EVERY_TENANT) as session:
        return list(session.scalars(select(FeedbackImage).order_by(FeedbackImage.feedback_id, FeedbackImage.position)))


def logs(collecting: Collecting) -> list[FeedbackLog]:
    with collecting.store.read(EVERY_TENANT) as session:
        return list(session.scalars(select(FeedbackLog)))


def folder(collecting: Collecting) -> Path:
    return Path(collecting.store.file).parent / "feedback"


def stored(collecting: Collecting) -> set[str]:
    return {path.name for path in folder(collecting).glob("??/*")}


def upload(collecting: Collecting, path: str, **more: Any) -> tuple[int, dict[str, Any]]:
    answer = collecting.http.post(path, headers={**basic(collecting.key), **more.pop("headers", {})}, **more)
    return answer.status_code, answer.json()


@pytest.mark.spec("I2", "F2")
def test_a_feedback_in_full(collecting: Collecting) -> None:
    status, answer = collecting.post("/v1/feedback", FULL)
    (row,) = rows(collecting)
    assert (status, answer) == (200, {"success": True, "id": str(row.id)})
    assert (row.type, row.kind, row.content) == ("abnormality", "crash", FULL["content"])
    assert (row.user_id, row.contact, row.device, row.os) == ("u-1", "13800138000", "iPhone15,2", "iOS")
    assert (row.app_version, row.mini_program_version) == ("8.0.1", "2.1.0")
    assert row.occurred_at == datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
    assert row.application_id is not None
    assert collecting.post("/v1/feedback", FULL) == (200, answer)
    assert collecting.post("/v1/feedback", {**FULL, "content": "another"}) == (200, answer)
    assert len(rows(collecting)) == 1
    assert collecting.tallies() == {("python-httpx/0.28.1", ""): 3}


@pytest.mark.spec("I2")
def test_types_and_kinds_by_many_names(collecting: Collecting) -> None:
    said = [
        *({"type": each.key} for each in FEEDBACK_TYPES),
        *({"kind": each.key} for each in FEEDBACK_KINDS),
        *({"kind": word} for word in ("complaint", "product_feedback", "functional_abnormality", "投诉", "白屏")),
        {"feedback_type": "Functional Abnormality", "abnormality": "White-Screen"},
        {"type": "complaint", "kind": "slow"},
        {"type": "闪退"},
    ]
    for number, fields in enumerate(said):
        told = {**fields, "content": "x", "id": f"{number:02}"}
        assert collecting.post("/v1/feedback", told)[0] == 200, fields
    found = {row.client_id: (row.type, row.kind) for row in rows(collecting)}
    assert [found[key] for key in sorted(found)] == [
        ("abnormality", "other"),
        ("product", ""),
        ("complaint", ""),
        *(("abnormality", each.key) for each in FEEDBACK_KINDS),
        *(("complaint", ""), ("product", ""), ("abnormality", "other"), ("complaint", "")),
        *(
            ("abnormality", "blank_screen"),
            ("abnormality", "blank_screen"),
            ("complaint", ""),
            ("abnormality", "crash"),
        ),
    ]


@pytest.mark.spec("I2")
def test_times_as_clients_write_them(collecting: Collecting) -> None:
    at = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
    seconds = int(at.timestamp())
    times: tuple[object, ...] = (
        seconds,
        seconds * 1000,
        str(seconds * 1000),
        "2026-03-02T01:30:00Z",
        "2026-03-02 01:30:00",
    )
    for time in times:
        assert collecting.post("/v1/feedback", {"type": "product", "content": "x", "time": time})[0] == 200
    assert {row.occurred_at for row in rows(collecting)} == {at}
    before = datetime.now(UTC)
    for time in ("1970-01-01T00:00:00Z", "2038-01-01T00:00:00Z", 1e300, 0):  # clocks that were never set
        assert collecting.post("/v1/feedback", {"type": "product", "content": "x", "time": time})[0] == 200
    late = [row for row in rows(collecting) if row.occurred_at != at]
    assert len(late) == 4
    assert all(before - timedelta(seconds=1) < row.occurred_at <= datetime.now(UTC) for row in late)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"type": "product"}, "content"),
    ({"type": "product", "content": "  "}, "content"),
    ({"content": "x"}, "type"),
    ({"type": "rage", "content": "x"}, "type"),
    ({"kind": "rage", "content": "x"}, "kind"),
    ({"type": "product", "content": "x", "time": "yesterday"}, "time"),
    ({"type": "product", "content": "x", "time": {}}, "time"),
    ({"type": "product", "content": "x" * 20_001}, "content"),
    ({"type": "product", "content": "x\0y"}, "content"),
    ({"type": "product", "content": ["x"]}, "content"),
    ({"type": "product", "content": "x", "userId": "u" * 201}, "userId"),
    ({"type": "product", "content": "x", "miniProgram": "maps"}, "miniProgram"),
    ({"type": "product", "content": "x", "images": ["aGk="]}, "images"),
]


@pytest.mark.spec("I2")
def test_a_refusal_names_the_field(collecting: Collecting) -> None:
    for told, field in WRONG:
        status, answer = collecting.post("/v1/feedback", told)
        assert (status, answer["field"]) == (400, field), told
    assert rows(collecting) == []


@pytest.mark.spec("I2")
def test_requests_that_are_no_feedback(collecting: Collecting) -> None:
    good = {"type": "product", "content": "x"}
    assert collecting.post("/v1/feedback", good, key="wrong")[0] == 401
    assert collecting.http.post("/v1/feedback", json=good).status_code == 401
    assert collecting.http.post("/v1/feedback", json={**good, "writeKey": collecting.key}).status_code == 200
    bearer = {"Authorization": f"Bearer {collecting.key}"}
    assert collecting.http.post("/v1/feedback", json=good, headers=bearer).status_code == 200
    assert collecting.post("/v1/feedback", b"[1]")[0] == 400
    assert collecting.post("/v1/feedback", b"{")[0] == 400
    assert upload(collecting, "/v1/feedback", content=b"<x/>", headers={"Content-Type": "text/xml"})[0] == 415
    assert collecting.post("/v1/feedback", {**good, "content": "x" * 300_000})[0] == 413
    bomb = gzip.compress(b" " * 50_000_000 + b"{}")
    assert collecting.post("/v1/feedback", bomb, **{"Content-Encoding": "gzip"})[0] == 413
    packed = gzip.compress(json.dumps({**good, "id": "packed"}).encode())
    assert collecting.post("/v1/feedback", packed)[0] == 200
    assert [row.client_id for row in rows(collecting)] == ["", "", "packed"]


@pytest.mark.spec("I2", "F2")
def test_images_are_what_their_bytes_are(collecting: Collecting) -> None:
    jpeg, huge = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(jpeg, "JPEG")
    Image.new("1", (8_000, 8_000)).save(huge, "PNG")
    html, svg = b"<html><script>alert(1)</script></html>", b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>"
    bomb = gzip.compress(b"\0" * 10_000_000)
    files = [
        ("images", ("a.png", PIXEL, "image/png")),
        ("images", ("../../b.html", jpeg.getvalue(), "text/html")),
        ("images", ("c.png", html, "image/png")),
        ("images", ("d.svg", svg, "image/svg+xml")),
        ("images", ("e.gz", bomb, "application/gzip")),
        ("images", ("huge.png", huge.getvalue(), "image/png")),
        ("feedback", ("blob", json.dumps(FULL), "application/json")),
    ]
    status, answer = upload(collecting, "/v1/feedback", files=files)
    assert status == 200
    assert [(image.name, image.mime, image.width, image.height) for image in images(collecting)] == [
        ("a.png", "image/png", 1, 1),
        ("b.html", "image/jpeg", 40, 30),
        ("c.png", "application/octet-stream", None, None),
        ("d.svg", "application/octet-stream", None, None),
        ("e.gz", "application/octet-stream", None, None),
        ("huge.png", "application/octet-stream", None, None),
    ]
    hashes = {hashlib.sha256(content).hexdigest() for _, (_, content, mime) in files[:6] for _ in mime}  # type: ignore[arg-type]
    assert stored(collecting) == hashes
    assert (folder(collecting) / image_path(hashes)).read_bytes()
    assert upload(collecting, "/v1/feedback", files=files) == (200, answer)
    assert len(images(collecting)) == 6
    assert rows(collecting)[0].image_count == 6


def image_path(hashes: set[str]) -> str:
    sha256 = min(hashes)
    return f"{sha256[:2]}/{sha256}"


@pytest.mark.spec("I2")
def test_a_form_with_plain_fields(collecting: Collecting) -> None:
    fields = {"kind": "卡顿", "content": "卡", "user_id": "u-2", "writeKey": collecting.key}
    answer = collecting.http.post("/v1/feedback", data=fields, files=[("image", ("图.png", PIXEL, "image/png"))])
    assert answer.status_code == 200
    (row,) = rows(collecting)
    assert (row.type, row.kind, row.user_id, row.image_count) == ("abnormality", "stutter", "u-2", 1)
    assert images(collecting)[0].name == "图.png"
    only_image = {"type": "product"}, [("image", ("x.png", PIXEL, "image/png"))]
    assert upload(collecting, "/v1/feedback", data=only_image[0], files=only_image[1])[0] == 200
    many = [("image", (f"{number}.png", PIXEL, "image/png")) for number in range(11)]
    assert upload(collecting, "/v1/feedback", data=fields, files=many)[0] == 400
    broken = {"Content-Type": "multipart/form-data"}
    assert upload(collecting, "/v1/feedback", content=b"--x", headers=broken)[0] == 400
    plain = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in (b"type=product&content=%E5%A5%BD&id=plain", b'{"type":"product","content":"x","id":"json"}'):
        assert upload(collecting, "/v1/feedback", content=body, headers=plain)[0] == 200
    assert {row.client_id: row.content for row in rows(collecting)}["plain"] == "好"
    cut = {"Content-Type": "multipart/form-data; boundary=x"}
    assert upload(collecting, "/v1/feedback", content=b"--x\r\nContent-Disp", headers=cut)[0] in {400}


@pytest.mark.spec("F3", "I2")
def test_a_log_in_a_form_and_as_a_body(collecting: Collecting) -> None:
    content = b"\x1f\x8bnot really gzip\n" * 100_000
    told = {"id": "log-1", "userId": "u-1"}
    status, answer = upload(
        collecting, "/v1/feedback/logs", data=told, files=[("file", ("../../etc/passwd", content, "text/html"))]
    )
    (row,) = logs(collecting)
    assert status == 200
    assert answer["sha256"] == hashlib.sha256(content).hexdigest() == row.sha256
    assert (answer["id"], answer["size"]) == (str(row.id), len(content))
    assert datetime.fromisoformat(answer["expires"]) - row.uploaded_at < timedelta(days=30, seconds=1)
    assert (row.name, row.user_id) == ("passwd", "u-1")
    path = FeedbackFiles(folder(collecting)).path(row.sha256)
    assert path.read_bytes() == content
    assert path.stat().st_mode & 0o777 == 0o600
    again = upload(collecting, "/v1/feedback/logs?id=log-1", content=b"other bytes", headers={"X-Filename": "x.log"})
    assert again == (200, answer)
    assert stored(collecting) == {row.sha256}
    name = {"X-Filename": "%E6%97%A5%E5%BF%97.log", "Content-Type": "application/octet-stream"}
    assert upload(collecting, "/v1/feedback/logs", content=b"raw", headers=name)[0] == 200
    assert sorted(log.name for log in logs(collecting)) == ["passwd", "日志.log"]


@pytest.mark.spec("F3")
def test_logs_that_are_refused(collecting: Collecting) -> None:
    large = b"x" * (LOG_BYTES + 1)
    assert upload(collecting, "/v1/feedback/logs", content=large)[0] == 413
    assert upload(collecting, "/v1/feedback/logs", files=[("file", ("x", large))])[0] == 413
    assert upload(collecting, "/v1/feedback/logs", content=b"")[0] == 400
    assert upload(collecting, "/v1/feedback/logs", data={"a": "b"}, files=[("file", ("x", b""))])[0] == 400
    packed = {"Content-Encoding": "gzip"}
    assert upload(collecting, "/v1/feedback/logs", content=gzip.compress(b"x"), headers=packed)[0] == 415
    assert collecting.http.post("/v1/feedback/logs", content=b"x").status_code == 401
    assert collecting.http.post("/v1/feedback/logs", files=[("file", ("x", b"x"))]).status_code == 401
    assert logs(collecting) == []
    assert stored(collecting) == set()


@pytest.mark.spec("F3")
def test_a_log_and_its_feedback_find_each_other(collecting: Collecting) -> None:
    for number, (first, named_by) in enumerate(product(("feedback", "log"), repeat=2)):
        told = {"type": "complaint", "content": "x", "id": f"f{number}"}
        of_log = {"id": f"l{number}"}
        if named_by == "feedback":
            told["logId"] = f"l{number}"
        else:
            of_log["feedback_id"] = f"f{number}"
        for send in ("feedback", "log") if first == "feedback" else ("log", "feedback"):
            if send == "feedback":
                assert collecting.post("/v1/feedback", told)[0] == 200
            else:
                file = [("file", ("x.log", b"x"))]
                assert upload(collecting, "/v1/feedback/logs", data=of_log, files=file)[0] == 200
    known = {log.client_id[1:]: log.id for log in logs(collecting)}
    assert {row.client_id[1:]: row.log_id for row in rows(collecting)} == known


@pytest.mark.spec("F3")
def test_our_own_ids_link_too(collecting: Collecting) -> None:
    _, answer = upload(collecting, "/v1/feedback/logs", content=b"x", headers={"X-Filename": "x.log"})
    assert collecting.post("/v1/feedback", {"type": "product", "content": "x", "log_id": answer["id"]})[0] == 200
    assert rows(collecting)[0].log_id == int(answer["id"])


@pytest.mark.spec("I2")
def test_feedback_as_a_cloudevent_comes_once(collecting: Collecting) -> None:
    event = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "//app.example",
        "type": "daybook.feedback.v1",
        "time": "2026-03-02T01:30:00Z",
        "data": {"kind": "freeze", "content": "卡死了"},
    }
    for _ in range(2):
        status, answer = collecting.post("/v1/events", event, **{"Content-Type": "application/cloudevents+json"})
        assert (status, answer["received"]) == (200, 1)
    (row,) = rows(collecting)
    assert (row.kind, row.source, row.client_id) == ("freeze", "//app.example", "e-1")
    assert row.occurred_at == datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
    wrong = {**event, "data": {"content": "x"}}
    status, answer = collecting.post("/v1/events", wrong, **{"Content-Type": "application/cloudevents+json"})
    assert (status, answer["field"]) == (400, "data.type")


@pytest.mark.spec("A2")
def test_an_application_that_is_new_is_made_within_bounds(collecting: Collecting) -> None:
    key = new_key(collecting.store, None)
    good = {"type": "product", "content": "x"}
    assert collecting.post("/v1/feedback", {**good, "application": "new"}, key)[0] == 200
    assert collecting.applications()["new"] == "collect"
    assert collecting.post("/v1/feedback", good, key)[0] == 200
    assert [row.application_id is None for row in rows(collecting)] == [False, True]
    status, answer = collecting.post("/v1/feedback", {**good, "application": "a b"}, key)
    assert (status, answer["field"]) == (400, "application")


@pytest.mark.spec("P3")
def test_pressure_and_a_full_disk_say_when_to_come_again(
    collecting: Collecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(feedback_routes, "AT_ONCE", 0)
        answer = collecting.http.post("/v1/feedback/logs", content=b"x", headers=basic(collecting.key))
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "2")
    assert AT_ONCE == 32

    with full_disk(collecting.store):
        told = {"type": "product", "content": "x" * 20_000}
        answer = collecting.http.post("/v1/feedback", json=told, headers=basic(collecting.key))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    (folder(collecting) / "lock").unlink()
    (folder(collecting) / "lock").mkdir()  # a folder that cannot be used
    answer = collecting.http.post("/v1/feedback/logs", content=b"x", headers=basic(collecting.key))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert (logs(collecting), rows(collecting)) == ([], [])


@pytest.mark.spec("F3")
def test_bytes_are_on_disk_before_their_row_and_what_is_left_behind_is_swept(
    collecting: Collecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    real = feedback_routes.FeedbackIntake._durable

    async def watched(self: Any, *given: Any) -> None:
        seen.append(bool(stored(collecting)))
        assert logs(collecting) == []
        raise Unavailable(what="The database is away")

    with monkeypatch.context() as patched:
        patched.setattr(feedback_routes.FeedbackIntake, "_durable", watched)
        assert upload(collecting, "/v1/feedback/logs", content=b"left behind")[0] == 503
    assert real is feedback_routes.FeedbackIntake._durable
    assert seen == [True]
    files = FeedbackFiles(folder(collecting))
    assert files.sweep(lambda _hashes: set()) == 0  # it may be on its way still
    assert files.sweep(lambda _hashes: set(), now=datetime.now(UTC).timestamp() + 3700) == 1
    assert stored(collecting) == set()


@pytest.mark.spec("F2")
def test_hostile_texts_are_kept_as_they_are(collecting: Collecting) -> None:
    texts = {f"h-{n}": text for n, text in enumerate(HOSTILE.values()) if "\0" not in text and text.strip() == text}
    texts = {key: text for key, text in texts.items() if text and len(text) < 1000}
    events = [
        {
            "specversion": "1.0",
            "id": key,
            "source": "x",
            "type": "daybook.feedback.v1",
            "data": {"type": "product", "content": text, "user": text[:200].strip(), "id": key},
        }
        for key, text in texts.items()
    ]
    batch = {"Content-Type": "application/cloudevents-batch+json"}
    assert len(texts) > 300
    assert collecting.post("/v1/events", events, **batch)[0] == 200
    assert {row.client_id: row.content for row in rows(collecting)} == texts
