"""Single sign-on against a provider of OpenID Connect, as a person sees it."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from playwright.sync_api import Page, expect
from sqlalchemy import select, update

from lib.access.permissions import AccountType, Permission
from lib.access.viewer import EVERY_TENANT
from lib.cli import main
from lib.store.tables import Account, AccountSession, Operation, SignIn
from tests.accounts import add_tenant, add_viewer
from tests.browser.conftest import Profile, signed_in
from tests.browser.test_administration import row
from tests.site import Site, free_port

pytestmark = pytest.mark.spec("A7")
REFUSED = "no account here that is open is linked to you"


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The address of a provider that lets anybody be whom they say."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "oidc_provider_mock", "--port", str(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    issuer = f"http://localhost:{port}"
    until = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"{issuer}/.well-known/openid-configuration", timeout=5):
                break
        except (OSError, urllib.error.URLError):
            if process.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.1)
    yield issuer
    process.terminate()
    process.wait()


@pytest.fixture(scope="module")
def sso_site(tmp_path_factory: pytest.TempPathFactory, provider: str) -> Iterator[Site]:
    """A server that has the provider."""
    port = free_port()
    site = Site(tmp_path_factory.mktemp("sso"), _environment(port, provider), port)
    site.start()
    yield site
    site.stop()


def _environment(port: int, issuer: str) -> dict[str, str]:
    return {
        "DAYBOOK_BASE_URL": f"http://127.0.0.1:{port}",
        "DAYBOOK_OIDC_ISSUER": issuer,
        "DAYBOOK_OIDC_CLIENT_ID": "daybook",
        "DAYBOOK_OIDC_CLIENT_SECRET": "a secret between the two",
        "DAYBOOK_OIDC_NAME": "Corp",
    }


@pytest.fixture
def tab(profile: Profile) -> Page:
    return profile().pages[0]


@pytest.fixture
def amy(sso_site: Site, provider: str) -> str:
    """An account that an administrator has linked; the provider calls it by its name and "@corp"."""
    name = f"amy-{uuid.uuid4().hex[:8]}"
    tenant_id = add_tenant(sso_site.store, f"t-{name}")
    add_viewer(sso_site.store, name, tenant_id, permissions=[Permission.STATUS_READ, Permission.USAGE_READ])
    environment = {"DAYBOOK_HOME": str(sso_site.home), **sso_site.environment}
    done = CliRunner().invoke(main, ["account", "link-oidc", name, "--subject", f"{name}@corp"], env=environment)
    assert (done.exit_code, done.stderr) == (0, f"Account {name} signs in as {name}@corp.\n")
    return name


def _ask_provider(tab: Page, site: Site, subject: str, path: str = "") -> None:
    """Press the button, and be the subject there."""
    tab.goto(site.url + path)
    tab.locator(".st-key-sso button").click()
    tab.locator("input[name=sub]").fill(subject)
    tab.locator("button[type=submit]").first.click()


def _is_at_the_door(tab: Page) -> None:
    expect(tab.locator(".st-key-sign_in_panel input")).to_have_count(2)
    expect(tab.locator(".st-key-account_menu")).to_have_count(0)


def test_an_identity_that_is_linked_signs_in_and_out(sso_site: Site, tab: Page, amy: str) -> None:
    with tab.expect_response(lambda answer: answer.url.endswith("/session")) as redeemed:
        _ask_provider(tab, sso_site, f"{amy}@corp")
    assert redeemed.value.status == 204
    expect(tab.get_by_role("heading", level=1, name="Global overview")).to_be_visible()
    expect(tab.locator(".st-key-account_menu button").first).to_contain_text(amy)
    cookies = {cookie["name"]: cookie for cookie in tab.context.cookies(sso_site.url)}
    assert cookies["daybook"]["httpOnly"]
    vouched_for = cookies["_streamlit_user"]
    tab.reload()
    expect(tab.get_by_role("heading", level=1, name="Global overview")).to_be_visible()
    with sso_site.store.read(EVERY_TENANT) as session:
        tries = session.execute(select(SignIn.result, SignIn.reason).where(SignIn.account_name == amy)).all()
        told = session.execute(
            select(Operation.action, Operation.result, Operation.content).where(Operation.operator == amy)
        ).all()
    assert [tuple(row) for row in tries] == [("success", "oidc")]
    assert [tuple(row) for row in told] == [("sign_in", "success", "oidc")]

    tab.locator(".st-key-account_menu button").click()
    tab.locator(".st-key-account_sign_out button").click()
    tab.wait_for_url(re.compile("/oauth2/end_session"))
    tab.locator("button").first.click()
    _is_at_the_door(tab)
    assert not {"daybook", "_streamlit_user"} & {cookie["name"] for cookie in tab.context.cookies(sso_site.url)}
    with sso_site.store.read(EVERY_TENANT) as session:
        of_amy = select(AccountSession.revoked_at).join(Account).where(Account.name == amy)
        assert [revoked_at is not None for revoked_at in session.scalars(of_amy)] == [True]
    # What the provider said counts once: Streamlit's cookie, which nobody can revoke, lets nobody in again.
    tab.context.add_cookies([vouched_for])  # type: ignore[list-item]
    tab.goto(sso_site.url)
    _is_at_the_door(tab)


@pytest.mark.spec("U5")
def test_the_page_that_was_wanted_is_shown_until_the_account_is_disabled(sso_site: Site, tab: Page, amy: str) -> None:
    with tab.expect_response(lambda answer: answer.url.endswith("/session")):
        _ask_provider(tab, sso_site, f"{amy}@corp", "/data_dashboard?zone=Asia%2FShanghai")
    expect(tab.get_by_text("There is no mini program yet.")).to_be_visible()
    expect(tab.locator(".st-key-account_menu")).to_be_visible()
    expect(tab).to_have_url(re.compile(r"/data_dashboard\?(.*&)?zone=Asia"))
    assert "daybook_back" not in {cookie["name"] for cookie in tab.context.cookies()}
    _is_disabled(tab, sso_site, amy)


def _is_disabled(tab: Page, sso_site: Site, amy: str) -> None:
    """A disabled account ends at the next click, and is not let in again."""
    tab.reload()  # from here on nothing but a click makes the page ask again
    expect(tab.get_by_role("heading", level=1, name="Data dashboard")).to_be_visible()
    with sso_site.store.write(EVERY_TENANT) as session:
        session.execute(update(Account).where(Account.name == amy).values(is_disabled=True))
    tab.get_by_role("link", name="Status").click()
    _is_at_the_door(tab)
    _ask_provider(tab, sso_site, f"{amy}@corp")
    expect(tab.get_by_test_id("stAlert")).to_contain_text(REFUSED)
    with sso_site.store.read(EVERY_TENANT) as session:
        tried = select(SignIn.reason).where(SignIn.account_name == amy).order_by(SignIn.id)
        assert list(session.scalars(tried)) == ["oidc", "oidc_disabled"]


def test_an_identity_that_no_account_has_is_refused_and_a_password_still_lets_in(
    sso_site: Site, tab: Page, amy: str
) -> None:
    stranger = f"not-{amy}@corp"
    _ask_provider(tab, sso_site, stranger)
    expect(tab.get_by_test_id("stAlert")).to_contain_text(REFUSED)
    _is_at_the_door(tab)
    tab.reload()
    expect(tab.get_by_test_id("stAlert")).to_contain_text(REFUSED)
    with sso_site.store.read(EVERY_TENANT) as session:
        tried = select(SignIn.result, SignIn.reason).where(SignIn.account_name == f"oidc:{stranger}")
        assert [tuple(row) for row in session.execute(tried)] == [("failure", "oidc_unknown")]
        assert session.scalar(select(Account.id).where(Account.oidc_subject == stranger)) is None
    signed_in(tab, amy)


def test_at_another_address_of_the_server_the_page_says_where_to_go(sso_site: Site, tab: Page) -> None:
    tab.goto(sso_site.url.replace("127.0.0.1", "localhost"))
    expect(tab.locator(".st-key-sign_in_panel")).to_contain_text(f"works at {sso_site.url} only")
    expect(tab.locator(".st-key-sso")).to_have_count(0)


def test_a_provider_that_does_not_answer_is_told_and_a_password_still_lets_in(tmp_path: Path, tab: Page) -> None:
    port = free_port()
    environment = _environment(port, f"http://localhost:{free_port()}")
    site = Site(tmp_path, environment, port)
    add_viewer(site.store, "amy", add_tenant(site.store, "acme"), permissions=[Permission.STATUS_READ])
    site.start()
    try:
        tab.goto(site.url)
        tab.locator(".st-key-sso button").click()
        expect(tab.get_by_test_id("stAlert")).to_contain_text("Corp does not answer now")
        signed_in(tab, "amy")
    finally:
        site.stop()


@pytest.mark.spec("A8")
def test_an_administrator_links_an_identity_and_takes_it_back(sso_site: Site, tab: Page, provider: str) -> None:
    name = f"ben-{uuid.uuid4().hex[:8]}"
    tenant_id = add_tenant(sso_site.store, f"t-{name}")
    add_viewer(sso_site.store, name, tenant_id, permissions=[Permission.USAGE_READ])
    add_viewer(sso_site.store, f"keeper-{name}", tenant_id, AccountType.PLATFORM)
    tab.goto(f"{sso_site.url}/administration")
    signed_in(tab, f"keeper-{name}")
    dialog = row(tab, 1)
    dialog.get_by_text("Single sign-on").click()
    dialog.get_by_role("textbox", name="Subject").fill(f" {name}@corp ")
    dialog.get_by_role("button", name="Link", exact=True).click()
    expect(tab.get_by_text(f"{name} can sign in by single sign-on")).to_be_visible()
    assert _identity(sso_site, name) == (provider, f"{name}@corp")
    dialog = row(tab, 1)
    dialog.get_by_role("button", name="End single sign-on").click()
    tab.get_by_test_id("stPopoverBody").get_by_role("button", name="End single sign-on").click()
    expect(tab.get_by_text(f"{name} has no single sign-on any more")).to_be_visible()
    assert _identity(sso_site, name) == (None, None)


def _identity(site: Site, name: str) -> tuple[str | None, str | None]:
    with site.store.read(EVERY_TENANT) as session:
        row = session.execute(select(Account.oidc_issuer, Account.oidc_subject).where(Account.name == name)).one()
        return row[0], row[1]
