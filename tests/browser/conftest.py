"""A real browser at a real server."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Error,
    Locator,
    Page,
    Request,
    ViewportSize,
    expect,
    sync_playwright,
)

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

# The first draws what Chromium draws, with half the work; Playwright's own is there where none of these is.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")

DESKTOP: ViewportSize = {"width": 1280, "height": 720}
PHONE: ViewportSize = {"width": 390, "height": 844}

Profile = Callable[..., BrowserContext]
"""`profile("zh-CN")`: a browser profile that nobody has used in this test, without cookies and storage; its one tab is
idle."""

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
    executable = next(filter(None, map(shutil.which, PROGRAMS)), None)
    with sync_playwright() as playwright:
        if executable is None and not Path(playwright.chromium.executable_path).exists():
            sentence = "There is no Chromium here: `make test` installs it, or apt-get install chromium."
            (pytest.fail if os.environ.get("CI") else pytest.skip)(sentence)
        launched = playwright.chromium.launch(executable_path=executable, headless=True, args=OPTIONS)
        yield launched
        launched.close()


@pytest.fixture(scope="package")
def _profiles() -> dict[str, list[BrowserContext]]:
    """The profiles of each language, from test to test: half of what a page costs is the compiling of its scripts."""
    return {}


@pytest.fixture
def profile(browser: Browser, site: Site, _profiles: dict[str, list[BrowserContext]]) -> Iterator[Profile]:
    """Hand out profiles; at the test's end they are as new, but for the caches of their one tab."""
    used: Counter[str] = Counter()

    def unused(locale: str = "en-US") -> BrowserContext:
        kept = _profiles.setdefault(locale, [])
        if used[locale] == len(kept):
            kept.append(browser.new_context(locale=locale, viewport=DESKTOP, reduced_motion="reduce"))
            kept[-1].set_default_timeout(20_000)
            kept[-1].new_page()
        used[locale] += 1
        return kept[used[locale] - 1]

    expect.set_options(timeout=20_000)
    yield unused
    for locale, count in used.items():
        kept = _profiles[locale]
        _profiles[locale] = [context for context in kept[:count] if _has_forgotten(context, site)] + kept[count:]


def _has_forgotten(context: BrowserContext, site: Site) -> bool:
    """Empty a profile; one whose page is leaving by itself, as after signing out, is thrown away instead."""
    try:
        for tab in context.pages[1:]:
            tab.close()
        (tab,) = context.pages
        # Of the same site, so that the next page finds its process warm.
        tab.goto(f"{site.url}/healthz", timeout=5_000)
        tab.evaluate("sessionStorage.clear()")
        context.set_storage_state({"cookies": [], "origins": []})
    except Error:
        context.close()
        return False
    return True


@pytest.fixture
def open_tab(profile: Profile, site: Site) -> Iterator[OpenTab]:
    """Open tabs at the site; any request to elsewhere fails the test at its end."""
    elsewhere: list[str] = []
    watched: list[Page] = []

    def note_foreign(request: Request) -> None:
        if not request.url.startswith((site.url, "data:", "blob:", site.url.replace("http", "ws"))):
            elsewhere.append(request.url)

    def open_at(
        path: str = "/",
        *,
        beside: Page | None = None,
        who: str = "",
        locale: str = "en-US",
        viewport: ViewportSize = DESKTOP,
    ) -> Page:
        tab = profile(locale).pages[0] if beside is None else beside.context.new_page()
        if who:
            tab.context.add_cookies([{"name": COOKIE, "value": _token(site, who), "url": site.url}])
        tab.set_viewport_size(viewport)
        tab.on("request", note_foreign)
        watched.append(tab)
        tab.goto(site.url + path)
        return tab

    yield open_at
    for tab in watched:
        tab.remove_listener("request", note_foreign)
    assert elsewhere == []


def _token(site: Site, who: str) -> str:
    entrance = Entrance(site.store)
    return entrance.redeem(entrance.succeed(entrance.attempt(who)).ticket).token


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


def drawn(table: Locator) -> None:
    """Wait until a table has drawn itself: only then it takes clicks."""
    expect(table.locator("canvas").first).to_be_visible()
    table.page.wait_for_timeout(500)
