"""The read API: the figures of the pages, for whoever shows a token, within what its account may."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from lib.access.passwords import hashed
from lib.access.permissions import Permission
from lib.access.tokens import hash_of_token
from lib.access.viewer import EVERY_TENANT
from lib.api import reading, resources
from lib.api.parameters import number_of
from lib.errors import BadInput, NotFound, NotSignedIn
from lib.logs.record import COMMAND
from lib.queries.administration import account_access
from lib.queries.administration.account_acts import Reach
from lib.queries.api_access import ApiAccess
from lib.queries.own_tokens import OwnTokens
from lib.store import Store
from lib.store.tables import Account, AccountApplication, ApiToken, Application, Grant, Operation
from tests.accounts import add_tenant, add_viewer
from tests.lib.api import Api, made_company, opened
from tests.lib.companies import viewer

pytestmark = pytest.mark.spec("I4")

WEEK = {"since": "2024-05-12", "until": "2024-05-19"}
WEEK_WORDS = ("--since", "2024-05-12", "--until", "2024-05-19")


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_company(tmp_path_factory.mktemp("company"))


@pytest.fixture
def api(acme: Path, tmp_path: Path) -> Iterator[Api]:
    copied = opened(Path(shutil.copytree(acme, tmp_path / "home")))
    yield copied
    copied.store.dispose()


@pytest.mark.parametrize("by", [None, "application", "mini_program", "page", "os"])
@pytest.mark.parametrize("grain", ["half-hour", "day", "period"])
def test_it_answers_what_the_command_shows(api: Api, grain: str, by: str | None) -> None:
    query = {**WEEK, "grain": grain, "zone": "Asia/Shanghai", **({"by": by} if by else {})}
    words = ["--grain", grain, "--zone", "Asia/Shanghai", *(["--by", by.replace("_", "-")] if by else [])]
    status, rows = api.ask("usage", api.token("reader"), **query)
    assert status == 200
    assert rows == api.shown(*WEEK_WORDS, *words)
    assert rows


@pytest.mark.spec("T3")
def test_users_are_distinct_in_each_row(api: Api) -> None:
    token = api.token("reader")
    _, days = api.ask("usage", token, **WEEK, grain="day")
    _, whole = api.ask("usage", token, **WEEK)
    assert [(row["bucket"], row["active_users"]) for row in days] == [
        ("2024-05-12T00:00:00+00:00", 2),
        ("2024-05-13T00:00:00+00:00", 2),
    ]
    assert [(row["active_users"], row["page_views"]) for row in whole] == [(3, 5)]


def test_it_filters_by_mini_program_application_and_system(api: Api) -> None:
    token = api.token("reader")
    views = {
        name: [row["page_views"] for row in api.ask("usage", token, **WEEK, **query)[1]]
        for name, query in {
            "shop": {"mini_program": "shop"},
            "app": {"application": "app"},
            "both": {"mini_program": "shop", "application": "app"},
        }.items()
    }
    assert views == {"shop": [3], "app": [2], "both": [1]}
    assert api.ask("usage", token, **WEEK, os="Symbian", by="os") == (200, [])


def test_places_are_listed_with_the_keys_that_usage_takes(api: Api) -> None:
    token = api.token("reader")
    assert [row["key"] for row in api.ask("mini-programs", token)[1]] == ["maps", "shop"]
    assert [row["key"] for row in api.ask("applications", token)[1]] == ["app", "web"]
    assert api.ask("applications", token, mini_program="none")[0] == 200


def test_visits_are_those_that_the_command_shows(api: Api) -> None:
    period = {"since": "2024-05-12", "until": "2024-05-14", "zone": "Asia/Shanghai"}
    words = [word for name, value in period.items() for word in (f"--{name}", value)]
    token = api.token("boss")

    def shown(*more: str) -> list[dict[str, Any]]:
        return list(json.loads(api.daybook("show", "visits", "--tenant", "acme", "--format", "json", *words, *more)))

    status, rows = api.ask("visits", token, **period)
    assert (status, rows) == (200, shown())
    assert [(row["status"], row["size_bytes"], row["account"], row["target"]) for row in rows] == [
        (404, 9, None, "/购物车"),
        (500, None, "ann", "/pay"),
        (200, 512, None, "/cart"),
    ]
    assert api.ask("visits", token, **period, grain="day") == (200, shown("--grain", "day"))
    totals = {"visits": 3, "visitors": 2, "addresses": 2, "errors": 2, "bytes": 521}
    assert api.ask("visits", token, **period, grain="period")[1] == [totals]
    assert len(api.ask("visits", token, **period, limit="1")[1]) == 1
    assert [row["target"] for row in api.ask("visits", token, **period, status="5xx")[1]] == ["/pay"]
    found = api.ask("visits", token, **period, keyword="购物", address="2001:db8::1")[1]
    assert [row["target"] for row in found] == ["/购物车"]
    wrong = (("status", "9xx"), ("status", "4x"), ("status", "٤٠٤"), ("limit", "100001"), ("since", "2024-05-15"))
    for name, text in wrong:
        status, answer = api.ask("visits", token, **{**period, name: text})
        assert (status, answer["error"]) == (400, "bad_input"), (name, text)
    assert api.ask("visits", api.token("reader"), **period)[0] == 403


@pytest.mark.spec("A4")
@pytest.mark.parametrize("path", [each.path.removeprefix("/api/v1/") for each in reading.RESOURCES])
def test_a_stranger_and_an_account_without_the_permission_get_nothing(api: Api, path: str) -> None:
    query = {} if path in {"applications", "mini-programs"} else WEEK
    for token in (None, "", "dbk_wrong", "x" * 300, "dbk_\xff"):
        answer = api.answer(path, token, query=query)
        assert (answer.status_code, answer.json()["error"]) == (401, "not_signed_in")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    status, said = api.ask(path, api.token("nobody"), **query)
    assert (status, said["error"]) == (403, "not_permitted")
    (permission,) = (each.permission for each in reading.RESOURCES if each.path.endswith(f"/{path}"))
    assert permission in said["message"]


@pytest.mark.spec("A7")
@pytest.mark.parametrize("end", ["revoked", "expired", "disabled", "permission", "password"])
def test_a_token_ends_at_the_next_request(api: Api, end: str) -> None:
    token = api.token("reader")
    assert api.ask("usage", token, **WEEK)[0] == 200
    past, later = (datetime.now(UTC) + timedelta(seconds=seconds) for seconds in (-1, 1))
    with api.store.write(EVERY_TENANT) as session:
        account_id = select(Account.id).where(Account.name == "reader").scalar_subquery()
        session.execute(
            {
                "revoked": update(ApiToken).values(revoked_at=past),
                "expired": update(ApiToken).values(expires_at=past),
                "disabled": update(Account).where(Account.name == "reader").values(is_disabled=True),
                "permission": delete(Grant).where(Grant.account_id == account_id),
                "password": update(Account).where(Account.name == "reader").values(password_changed_at=later),
            }[end]
        )
    assert api.ask("usage", token, **WEEK)[0] == (403 if end == "permission" else 401)


@pytest.mark.spec("A7")
@pytest.mark.parametrize("end", ["set_password", "revoke_sessions"])
def test_an_administrator_ends_the_tokens_of_an_account_with_its_sessions(api: Api, end: str) -> None:
    token = api.token("reader")
    acted = {"set_password": (hashed("another horse"),), "revoke_sessions": ()}[end]
    with api.store.write(EVERY_TENANT) as session:
        tenant_id = session.scalars(select(Account.tenant_id).where(Account.name == "reader")).one()
        reach = Reach(tenant_id, system=True)
        getattr(account_access, end)(session, reach, COMMAND, "reader", *acted)
    assert api.ask("usage", token, **WEEK)[0] == 401
    assert "\trevoked\t" in api.daybook("token", "list", "--account", "reader")
    assert api.ask("usage", api.token("reader"), **WEEK)[0] == 200
    if end == "revoke_sessions":
        with api.store.read(EVERY_TENANT) as session:
            told = session.scalars(select(Operation).where(Operation.action == "revoke_sessions")).one()
        assert told.old_value == '{"sessions": 0, "tokens": 1}'


@pytest.mark.spec("A1", "A5")
def test_a_token_sees_its_own_tenant_and_a_system_administrators_the_one_it_names(api: Api) -> None:
    reader, root = api.token("reader"), api.token("root")
    assert api.ask("usage", reader, **WEEK, tenant="acme")[0] == 200
    assert api.ask("usage", root, **WEEK, tenant="acme") == api.ask("usage", reader, **WEEK)
    assert api.ask("usage", root, **WEEK, tenant="globex") == (200, [])
    for token, tenant in ((reader, "globex"), (reader, "nowhere"), (root, "nowhere")):
        status, said = api.ask("usage", token, **WEEK, tenant=tenant)
        assert (status, said["error"]) == (404, "not_found")
    status, said = api.ask("usage", root, **WEEK)
    assert (status, said["message"]) == (
        400,
        "A system administrator sees many tenants: name one with the parameter tenant.",
    )


@pytest.mark.spec("A5")
def test_an_account_that_holds_one_application_sees_no_other(api: Api) -> None:
    token = api.token("reader")
    with api.store.write(EVERY_TENANT) as session:
        account = session.scalars(select(Account).where(Account.name == "reader")).one()
        web = session.scalars(select(Application).where(Application.key == "web")).one()
        account.application_scope = "listed"
        session.add(AccountApplication(tenant_id=web.tenant_id, account_id=account.id, application_id=web.id))
    assert [row["page_views"] for row in api.ask("usage", token, **WEEK)[1]] == [3]
    assert api.ask("usage", token, **WEEK, application="app")[0] == 404
    assert [row["key"] for row in api.ask("applications", token)[1]] == ["web"]


REFUSED = {
    "nothing": {},
    "one end": {"since": "2024-05-12"},
    "unknown parameter": {**WEEK, "sinse": "x"},
    "no instant": {**WEEK, "since": "yesterday"},
    "off the half hour": {**WEEK, "since": "2024-05-12T00:10:00Z"},
    "wrong order": {"since": WEEK["until"], "until": WEEK["since"]},
    "year 1": {**WEEK, "since": "0001-01-01T00:00:00+14:00"},
    "year 9999": {**WEEK, "until": "9999-12-31T23:30:00-14:00"},
    "before events": {**WEEK, "since": "1999-12-31"},
    "a plus lost on the way": {**WEEK, "since": "2024-05-12T00:00:00 08:00"},
    "grain": {**WEEK, "grain": "month"},
    "dimension": {**WEEK, "by": "visitor"},
    "zone": {**WEEK, "zone": "Mars/Olympus"},
    "zone as a path": {**WEEK, "zone": "../../etc/passwd"},
    "key": {**WEEK, "mini_program": "a b"},
    "empty key": {**WEEK, "application": ""},
    "null character": {**WEEK, "os": "a\0b"},
    "long": {**WEEK, "os": "x" * 201},
}


@pytest.mark.parametrize("query", REFUSED.values(), ids=REFUSED)
def test_a_wrong_request_is_refused_with_one_sentence(api: Api, query: dict[str, str]) -> None:
    status, said = api.ask("usage", api.token("reader"), **query)
    assert status == 400, said
    assert said["error"] == "bad_input"
    assert len(said["message"]) > 20
    assert len(said["message"]) < 300
    assert len(said["id"]) == 16


@pytest.mark.parametrize("text", ["0", "101", "-1", "1e2", "٣", "", "0" * 20 + "7", "0" * 19 + "1" + "0" * 5000])
def test_what_is_no_whole_number_within_its_bounds_is_refused_however_long(text: str) -> None:
    limit = number_of("limit", "How many.", 100, 10)
    assert (limit.read("1"), limit.read("100")) == (1, 100)
    with pytest.raises(BadInput, match="whole number from 1 to 100"):
        limit.read(text)


def test_a_parameter_given_twice_is_refused(api: Api) -> None:
    status, said = api.ask("usage?zone=UTC&zone=UTC", api.token("reader"))
    assert (status, said["message"]) == (400, "The parameter zone is given twice: give it once.")


@pytest.mark.parametrize("name", ["mini_program", "application"])
def test_a_key_that_names_nothing_is_not_found(api: Api, name: str) -> None:
    status, said = api.ask("usage", api.token("reader"), **WEEK, **{name: "none"})
    assert (status, said["error"]) == (404, "not_found")


def test_a_date_in_a_zone_at_a_quarter_hour_begins_with_its_bucket(api: Api) -> None:
    answer = api.answer("usage", api.token("reader"), query={**WEEK, "zone": "Asia/Kathmandu", "grain": "day"})
    assert (answer.status_code, len(answer.json())) == (200, 2)
    assert "Midnights of Asia/Kathmandu are inside a half hour" in answer.headers["Daybook-Notice"]
    assert "count from 15 minutes earlier" in answer.headers["Daybook-Notice"]
    assert "Daybook-Notice" not in api.answer("usage", api.token("reader"), query=WEEK).headers


def test_too_many_rows_are_refused_before_and_after_the_work(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    token = api.token("reader")
    monkeypatch.setattr("lib.api.usage.MOST_ROWS", 60)
    status, said = api.ask("usage", token, **WEEK, grain="half-hour")
    assert status == 400
    assert "ask for a shorter period" in said["message"]
    assert api.ask("usage", token, **WEEK, grain="day")[0] == 200
    monkeypatch.setattr(resources, "MOST_ROWS", 1)
    assert api.ask("usage", token, **WEEK, grain="day")[0] == 400


@pytest.mark.parametrize("path", ["usage", "openapi.json", "nothing/at/all"])
def test_methods_that_change_things_are_not_allowed(api: Api, path: str) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE"):
        answer = api.answer(path, None, method)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
        assert answer.json()["error"] == "method_not_allowed"
    options = api.answer(path, None, "OPTIONS")
    assert (options.status_code, options.headers["Allow"], options.content) == (204, "GET, HEAD, OPTIONS", b"")


def test_what_is_not_there_is_said_in_json(api: Api) -> None:
    status, said = api.ask("nothing")
    assert (status, said["error"]) == (404, "not_found")


def test_a_database_that_is_away_is_said(api: Api) -> None:
    token = api.token("reader")
    api.store.dispose()
    (api.home.home / "daybook.sqlite").unlink()
    answer = api.answer("usage", token, query=WEEK)
    assert (answer.status_code, answer.json()["error"], answer.headers["Retry-After"]) == (503, "unavailable", "30")


def test_a_fault_of_daybook_is_logged_under_the_id_that_is_answered(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("lib.api.usage.usage_rows", broken)
    status, said = api.ask("usage", api.token("reader"), **WEEK)
    assert (status, said["error"]) == (500, "fault")
    assert "secret" not in said["message"]
    assert said["id"] in caplog.text


@pytest.mark.spec("O3")
def test_tokens_are_kept_as_hashes_and_each_act_is_recorded(api: Api) -> None:
    token = api.token("reader")
    listed = api.daybook("token", "list", "--account", "reader").rstrip("\n").split("\t")
    assert listed == ["1", token[:10], "works", f"{datetime.now(UTC) + timedelta(days=365):%Y-%m-%d}", "a test"]
    api.daybook("token", "revoke", "1", "--account", "reader")
    assert api.daybook("token", "list", "--account", "reader").split("\t")[2] == "revoked"
    with api.store.read(EVERY_TENANT) as session:
        row = session.scalars(select(ApiToken)).one()
        acts = session.scalars(
            select(Operation).where(Operation.object_type == "api_token").order_by(Operation.id)
        ).all()
    assert row.token_hash == hash_of_token(token)
    assert token not in repr(vars(row))
    assert [(act.action, act.operator, act.tenant_id) for act in acts] == [
        ("add", "command line", row.tenant_id),
        ("revoke", "command line", row.tenant_id),
    ]
    assert all(token not in (act.old_value or "") + (act.new_value or "") for act in acts)


def test_an_account_makes_and_ends_its_own_tokens_alone(api: Api) -> None:
    reader, boss = (OwnTokens(viewer(api.store, name), api.store) for name in ("reader", "boss"))
    token = reader.add(" nightly ", 1)
    assert api.ask("usage", token, **WEEK)[0] == 200
    assert reader.listing()["name"].to_list() == ["nightly"]
    assert boss.listing().is_empty()
    (number,) = reader.listing()["id"]
    with pytest.raises(BadInput, match="There is no API token"):
        boss.revoke(number)
    reader.revoke(number)
    assert api.ask("usage", token, **WEEK)[0] == 401
    with pytest.raises(BadInput, match="revoked already"):
        reader.revoke(number)
    for name, days in (("", 1), ("x" * 101, 1), ("a\nb", 1), ("x", 0), ("x", 4000)):
        with pytest.raises(BadInput):
            reader.add(name, days)


@pytest.mark.spec("A5")
def test_a_token_opens_its_own_tenant_on_either_database(store: Store) -> None:
    acme = add_tenant(store, "acme")
    add_tenant(store, "globex")
    add_viewer(store, "reader", acme, permissions=[Permission.USAGE_READ])
    token = OwnTokens(viewer(store, "reader"), store).add("nightly")
    access = ApiAccess(store)
    seen = access.viewer_of(token, None, "192.0.2.1")
    assert (seen.account_name, seen.tenant_key, seen.address) == ("reader", "acme", "192.0.2.1")
    assert seen.permissions == {Permission.USAGE_READ}
    for wrong in (token[:-1], hash_of_token(token), "dbk_"):
        with pytest.raises(NotSignedIn):
            access.viewer_of(wrong, None)
    with pytest.raises(NotFound):
        access.viewer_of(token, "globex")
