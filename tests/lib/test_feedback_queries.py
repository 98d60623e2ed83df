"""Feedback as a viewer may see it: pages, counts, details, and what stays hidden from whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from lib.access.permissions import PERMISSIONS, AccountType, Permission, granted, of_type
from lib.errors import BadInput, NotFound, NotPermitted
from lib.queries.feedback_filter import FeedbackFilter
from lib.queries.feedback_rows import LOG, ROW
from lib.settings import Settings
from lib.store import Store
from lib.usage.buckets import Grain
from tests.lib.collecting import Collecting
from tests.lib.companies import make_companies, operations
from tests.lib.feedbacks import DAY, EVERY, EVERY_LOG, PIXEL, console, image, keep, keep_log, told

READ, CONTACT, MANAGE = Permission.FEEDBACK_READ, Permission.FEEDBACK_CONTACT_READ, Permission.FEEDBACK_MANAGE


def fill(home: Settings, store: Store) -> None:
    """Six feedbacks of Acme, one of Globex; a log of a complaint and one of an abnormality."""
    crashed = {"type": "abnormality", "kind": "crash", "os": "iOS", "mini_program_version": "2.1.0"}
    keep(
        store,
        [
            told(store, "点击支付后闪退", minutes=5, contact="13800138000", user="u-1", log_ref="log-1", **crashed),
            told(store, "白屏, then nothing", minutes=40, type="abnormality", kind="blank_screen", os="Android"),
            told(store, "Please add DARK mode", minutes=41, device="iPhone15,2", images=(image(home),)),
            told(store, "Straße 100%_sure", minutes=700, program="maps", application="app", contact="Ann@Example.com"),
            told(store, "投诉客服态度", minutes=701, type="complaint", contact="wx_li", log_ref="log-2"),
            told(store, "no application", minutes=702, application=None),
        ],
    )
    keep(store, [told(store, "of another company", minutes=6, tenant="globex")], "globex")
    keep_log(home, store, "crash.log", minutes=6, client_id="log-1")
    keep_log(home, store, "complaint.log", b"of a complaint", minutes=702, client_id="log-2")


@pytest.fixture
def kept(home: Settings, collecting: Collecting) -> tuple[Settings, Store]:
    fill(home, collecting.store)
    return home, collecting.store


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({"keyword": "闪"}, ["点击支付后闪退"]),
    ({"keyword": "dark"}, ["Please add DARK mode"]),
    ({"keyword": "STRASSE 100%_s"}, ["Straße 100%_sure"]),
    ({"keyword": "100x"}, []),
    ({"keyword": "IPHONE15"}, ["Please add DARK mode"]),
    ({"keyword": "2.1.0"}, ["点击支付后闪退"]),
    ({"keyword": "U-1"}, ["点击支付后闪退"]),
    ({"keyword": "ann@example"}, ["Straße 100%_sure"]),
    ({"mini_program": "maps"}, ["Straße 100%_sure"]),
    ({"mini_program": "shop", "type": "abnormality", "kind": "crash"}, ["点击支付后闪退"]),
    ({"application": "app"}, ["Straße 100%_sure"]),
    ({"os": "Android"}, ["白屏, then nothing"]),
    ({"version": "2.1.0"}, ["点击支付后闪退"]),
    ({"mini_program": "shop", "type": "complaint"}, ["投诉客服态度"]),
    ({"since": DAY + timedelta(minutes=40), "until": DAY + timedelta(minutes=41)}, ["白屏, then nothing"]),
]


def contents(frame: object) -> list[str]:
    return frame["content"].to_list()  # type: ignore[index, no-any-return]


@pytest.mark.spec("F1", "A6")
def test_an_administrator_sees_all_of_the_tenant_and_nothing_of_another(kept: tuple[Settings, Store]) -> None:
    feedback = console(*kept).feedback
    page = feedback.page(EVERY)
    assert page.columns == list(ROW)
    assert contents(page) == [
        "no application",
        "投诉客服态度",
        "Straße 100%_sure",
        "Please add DARK mode",
        "白屏, then nothing",
        "点击支付后闪退",
    ]
    assert page["contact"].to_list() == ["", "wx_li", "Ann@Example.com", "", "", "13800138000"]
    assert feedback.total(EVERY) == 6
    assert feedback.by(EVERY, "type").rows() == [
        ("product", "product", 3),
        ("abnormality", "abnormality", 2),
        ("complaint", "complaint", 1),
    ]
    assert feedback.by(EVERY, "application").rows() == [
        ("web", "web of acme", 4),
        ("", "", 1),
        ("app", "app of acme", 1),
    ]


@pytest.mark.spec("F1", "A5", "A6", "F4")
def test_an_ordinary_account_sees_its_applications_and_never_a_complaint(kept: tuple[Settings, Store]) -> None:
    feedback = console(*kept, "acme-listed", READ).feedback
    assert contents(feedback.page(EVERY)) == ["Please add DARK mode", "白屏, then nothing", "点击支付后闪退"]
    assert feedback.page(EVERY)["contact"].to_list() == [None, None, None]
    assert feedback.total(EVERY) == 3
    assert [frame.height for frame in feedback.rows(EVERY)] == [3]
    assert feedback.counts(EVERY, Grain.PERIOD).columns == ["bucket", "count", "abnormality", "product"]
    assert feedback.mini_programs() == [("shop", "shop of acme")]
    everywhere = console(*kept, "acme-ordinary", READ).feedback
    assert everywhere.total(EVERY) == 5
    assert "complaint" not in everywhere.by(EVERY, "type")["value"].to_list()
    for asks in (everywhere.page, everywhere.total, everywhere.counts):
        with pytest.raises(NotPermitted, match="complaint:read"):
            asks(replace(EVERY, type="complaint"))


@pytest.mark.spec("A4")
def test_without_the_permission_nothing_answers(kept: tuple[Settings, Store]) -> None:
    seen = console(*kept, "acme-ordinary")
    for ask in (
        lambda: seen.feedback.page(EVERY),
        lambda: seen.feedback.total(EVERY),
        lambda: seen.feedback.counts(EVERY),
        lambda: seen.feedback.by(EVERY, "kind"),
        lambda: seen.feedback.per_thousand_opens(EVERY, Grain.DAY),
        lambda: seen.feedback.details(1),
        lambda: seen.feedback.image(1),
        lambda: seen.feedback.rows(EVERY),
        lambda: seen.feedback.mini_programs(),
        lambda: seen.feedback_logs.page(EVERY_LOG),
        lambda: seen.feedback_logs.total(EVERY_LOG),
        lambda: seen.feedback_logs.opened(1),
    ):
        with pytest.raises(NotPermitted, match="feedback:read"):
            ask()
    with pytest.raises(NotPermitted, match="feedback:manage"):
        console(*kept, "acme-ordinary", READ).feedback_logs.delete([1])


@pytest.mark.spec("A6", "F4")
def test_who_holds_what_of_feedback() -> None:
    every = frozenset(record.permission.value for record in PERMISSIONS)
    grantable = granted(every, delegates_operation_log=True)
    assert {READ, CONTACT, MANAGE} <= grantable
    assert Permission.COMPLAINT_READ not in grantable
    assert {READ, CONTACT, MANAGE, Permission.COMPLAINT_READ} <= of_type(AccountType.PLATFORM)
    assert not {READ, CONTACT, MANAGE, Permission.COMPLAINT_READ} & of_type(AccountType.ORDINARY)


@pytest.mark.spec("F2")
def test_filters_and_keywords(kept: tuple[Settings, Store]) -> None:
    feedback = console(*kept).feedback
    for asked, found in FILTERS:
        wanted = replace(EVERY, **asked)
        assert contents(feedback.page(wanted)) == found, asked
        assert feedback.total(wanted) == len(found)
        assert FeedbackFilter.from_json(wanted.as_json()) == wanted


def told_of(settings: Settings, store: Store) -> list[object]:
    """All that does not differ between two databases with the same feedback."""
    everything = console(settings, store).feedback
    answers: list[object] = [contents(everything.page(replace(EVERY, **wanted))) for wanted, _ in FILTERS]
    answers += [everything.total(replace(EVERY, **wanted)) for wanted, _ in FILTERS]
    for name in ("acme-platform", "acme-listed", "globex-platform"):
        asked = console(settings, store, name, READ, MANAGE)
        feedback, page = asked.feedback, asked.feedback.page(EVERY)
        ids = page["id"].to_list()
        assert feedback.page(EVERY, after=ids[-1])["id"].to_list() == ids[:-1]
        answers += [page.drop("id", "received_at", "log_id").rows(), feedback.counts(EVERY, Grain.HOUR).rows()]
        answers += [feedback.by(EVERY, column).rows() for column in ("kind", "application")]
        answers += [frame["content"].to_list() for frame in feedback.rows(EVERY, ("content",))]
        answers += [asked.feedback_logs.page(replace(EVERY_LOG, keyword="LOG"))["name"].to_list()]
    answers.append(console(settings, store).feedback_logs.delete(logs_of(settings, store)))
    return answers


def logs_of(settings: Settings, store: Store) -> list[int]:
    return console(settings, store).feedback_logs.page(EVERY_LOG)["id"].to_list()


@pytest.mark.spec("P4", "F1")
def test_postgresql_answers_the_same(kept: tuple[Settings, Store], postgresql_store: Store) -> None:
    make_companies(postgresql_store)
    fill(kept[0], postgresql_store)
    assert told_of(kept[0], postgresql_store) == told_of(*kept)


@pytest.mark.spec("F4")
def test_a_contact_that_may_not_be_seen_is_not_found_either(kept: tuple[Settings, Store]) -> None:
    wanted = replace(EVERY, keyword="13800138000")
    assert console(*kept, "acme-ordinary", READ).feedback.total(wanted) == 0
    allowed = console(*kept, "acme-ordinary", READ, CONTACT).feedback
    assert allowed.total(wanted) == 1
    assert allowed.page(wanted)["contact"].to_list() == ["13800138000"]


def test_pages_follow_each_other_in_both_directions(kept: tuple[Settings, Store]) -> None:
    feedback = console(*kept).feedback
    every = feedback.page(EVERY)["id"].to_list()
    assert every == sorted(every, reverse=True)
    first = feedback.page(EVERY, limit=2)["id"].to_list()
    second = feedback.page(EVERY, first[-1], 2)["id"].to_list()
    assert first + second == every[:4]
    assert feedback.page(EVERY, limit=2, after=second[0])["id"].to_list() == first
    assert feedback.newer_count(EVERY, second[0]) == 2


@pytest.mark.spec("T2", "F1")
def test_counts_by_half_hour_and_day_in_a_zone(kept: tuple[Settings, Store]) -> None:
    feedback = console(*kept).feedback
    halves = feedback.counts(EVERY, Grain.HALF_HOUR)
    assert halves.height == 48
    assert halves.filter(halves["count"] > 0).rows() == [
        (DAY, 1, 1, 0, 0),
        (DAY + timedelta(minutes=30), 2, 1, 1, 0),
        (DAY + timedelta(minutes=690), 3, 0, 2, 1),
    ]
    days = feedback.counts(replace(EVERY, zone="Asia/Shanghai"), Grain.DAY)
    here = ZoneInfo("Asia/Shanghai")
    assert days.select("bucket", "count").rows() == [
        (datetime(2026, 3, 2, tzinfo=here), 6),
        (datetime(2026, 3, 3, tzinfo=here), 0),
    ]
    opens = feedback.per_thousand_opens(replace(EVERY, mini_program="shop"), Grain.DAY)
    assert opens.columns == ["bucket", "count", "opens", "rate"]
    assert opens.rows()[0][1] == 5
    assert opens["rate"].to_list() == [None]


@pytest.mark.spec("F2", "F3")
def test_details_tell_images_and_the_log_that_came_with_it(kept: tuple[Settings, Store]) -> None:
    feedback = console(*kept).feedback
    page = feedback.page(EVERY)
    pictured = feedback.details(page.filter(page["image_count"] == 1)["id"][0])
    (shot,) = pictured.images
    assert (shot.name, shot.mime, shot.size_bytes, shot.width, shot.is_picture) == (
        "shot.png",
        "image/png",
        len(PIXEL),
        1,
        True,
    )
    assert feedback.image(shot.id).content == PIXEL
    crashed = feedback.details(page["id"][5])
    assert crashed.fields["content"] == "点击支付后闪退"
    assert crashed.log is not None
    assert (crashed.log["name"], crashed.log["size_bytes"]) == ("crash.log", 5)
    assert crashed.fields["log_id"] == crashed.log["id"]
    hidden = console(*kept, "acme-ordinary", READ).feedback
    assert hidden.details(page["id"][5]).fields["contact"] is None
    for number in (page["id"][1], 5):  # the complaint, and none
        with pytest.raises(NotFound):
            hidden.details(number)
    with pytest.raises(NotFound):
        console(*kept, "globex-platform").feedback.image(shot.id)


@pytest.mark.spec("F3", "A6")
def test_logs_are_listed_taken_and_deleted_with_their_records(kept: tuple[Settings, Store]) -> None:
    settings, store = kept
    logs = console(*kept).feedback_logs
    page = logs.page(EVERY_LOG)
    assert page.columns == list(LOG)
    assert page["name"].to_list() == ["complaint.log", "crash.log"]
    assert (page["expires_at"] - page["uploaded_at"]).dt.total_days().to_list() == [30, 30]
    hidden = console(*kept, "acme-ordinary", READ, MANAGE).feedback_logs
    assert hidden.page(EVERY_LOG)["name"].to_list() == ["crash.log"]
    assert hidden.total(EVERY_LOG) == 1
    of_complaint, of_crash = page["id"].to_list()
    for forbidden in (lambda: hidden.opened(of_complaint), lambda: hidden.delete([of_crash, of_complaint])):
        with pytest.raises(NotFound):
            forbidden()
    taken = hidden.opened(of_crash)
    assert (taken.name, taken.path.read_bytes()) == ("crash.log", b"line\n")
    assert hidden.delete([of_crash]) == 1
    assert not taken.path.exists()
    acts = [(row.action, row.operator, row.object_name) for row in operations(store) if row.module == "feedback"]
    assert acts == [("download", "acme-ordinary", "crash.log"), ("delete", "acme-ordinary", "crash.log")]
    left = console(*kept).feedback.page(replace(EVERY, kind="crash"))
    assert left["log_id"].to_list() == [of_crash]
    assert console(*kept).feedback.details(left["id"][0]).log is None
    assert {path.name for path in settings.feedback_dir.glob("??/*")} != set()


def test_bytes_that_another_row_has_stay(kept: tuple[Settings, Store]) -> None:
    settings, store = kept
    keep_log(settings, store, "same.log", minutes=10)
    logs = console(*kept).feedback_logs
    same, first = (logs.page(replace(EVERY_LOG, keyword=name))["id"][0] for name in ("SAME", "crash"))
    path = logs.opened(same).path
    logs.delete([first])
    assert path.read_bytes() == b"line\n"
    logs.delete([same])
    assert not path.exists()


def test_filters_that_are_none_are_refused() -> None:
    for wrong in ({"type": "anger"}, {"kind": "x"}, {"until": DAY}, {"keyword": "k" * 201}, {"zone": "Mars/Base"}):
        with pytest.raises(BadInput):
            replace(EVERY, **wrong)
    unread: list[dict[str, object]] = [{}, {"since": "x", "until": "y"}, {"since": 1}, {**EVERY.as_json(), "x": "y"}]
    for written in unread:
        with pytest.raises(BadInput):
            FeedbackFilter.from_json(written)
