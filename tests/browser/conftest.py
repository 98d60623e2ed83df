"""A real browser at a real server."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from lib.queries.entrance import Entrance
from lib.ui.cookies import COOKIE
from tests.accounts import PASSWORD
from tests.site import Site

OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

OpenTab = Callable[..., Page]
"""`open_tab("/status", locale="zh-CN", who="amy")`: a tab in a browser profile of its own, or beside `beside`; with the
cookie of a session that an account has begun, where `who` says whose."""


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One server for all browser tests; each test makes accounts and tenants of its own."""
    served = Site(tmp_path_factory.mktemp("site"))
    served.start()
    yield served
    served.stop()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, without a window; Playwright holds the thread's event loop, so it ends with these tests."""
    executable = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if executable is None:
        sentence = "There is no Chromium here: `make test` installs it, or apt-get install chromium."
        (pytest.fail if os.environ.get("CI") else pytest.skip)(sentence)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=executable, headless=True, args=OPTIONS)
        yield launched
        launched.close()


@pytest.fixture
def open_tab(browser: Browser, site: Site) -> Iterator[OpenTab]:
    """Open tabs at the site; what a page logs as an error, and any request to elsewhere, fails the test at its end."""
    contexts = []
    elsewhere: list[str] = []

    def open_at(
        path: str = "/", *, at: Site = site, beside: Page | None = None, who: str = "", **options: object
    ) -> Page:
        if beside is None:
            contexts.append(browser.new_context(**{"locale": "en-US", **options}))  # type: ignore[arg-type]
        context = contexts[-1] if beside is None else beside.context
        if who:
            context.add_cookies([{"name": COOKIE, "value": _token(at, who), "url": at.url}])
        context.set_default_timeout(20_000)
        tab = context.new_page()
        tab.on("request", lambda request: _note_foreign(elsewhere, request.url, at.url))
        tab.goto(at.url + path)
        return tab

    expect.set_options(timeout=20_000)
    yield open_at
    for context in contexts:
        context.close()
    assert elsewhere == []


def _token(site: Site, who: str) -> str:
    entrance = Entrance(site.store)
    return entrance.redeem(entrance.succeed(entrance.attempt(who)).ticket).token


def _note_foreign(elsewhere: list[str], url: str, home: str) -> None:
    if not url.startswith((home, "data:", "blob:", home.replace("http", "ws"))):
        elsewhere.append(url)


def sign_in(tab: Page, name: str, password: str = PASSWORD) -> None:
    """Fill in the form and send it."""
    fields = tab.locator(".st-key-sign_in_panel input")
    fields.nth(0).fill(name)
    fields.nth(1).fill(password)
    tab.locator('.st-key-sign_in_panel [data-testid="stFormSubmitButton"] button').click()


def signed_in(tab: Page, name: str) -> None:
    """Sign in, and wait for the browser to have its cookie."""
    with tab.expect_response(lambda answer: answer.url.endswith("/session")) as redeemed:
        sign_in(tab, name)
    assert redeemed.value.status == 204
    expect(tab.locator(".st-key-account_menu")).to_be_visible()


def settled(tab: Page) -> None:
    """Wait until what was done last is drawn: a button that is drawn anew in between forgets a click."""
    tab.wait_for_timeout(300)
    expect(tab.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
