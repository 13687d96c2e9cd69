"""A browser and a server for a module of tests, a fresh page for each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext
    from tests.serve.page.browser import Tab


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # For a module and not the session: Playwright's event loop would be in the way of other tests' loops.
    for module in ("playwright", "fastapi", "uvicorn"):
        pytest.importorskip(module)
    from tests.serve.page.browser import CHROMIUM, chromium

    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine (Debian: apt-get install chromium)")
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(browser: Browser) -> Iterator[str]:
    from tests.serve.page.browser import LIMITS, opinionated, serving

    from entailment.serve.settings import Settings

    with serving(opinionated(), Settings(limits=LIMITS)) as url:
        yield url


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1180, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(20_000)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield context
    context.close()


@pytest.fixture
def tab(context: BrowserContext, server: str) -> Iterator[Tab]:
    from tests.serve.page.browser import Tab

    tab = Tab(context.new_page())
    tab.page.goto(server)
    tab.answered("classify")
    yield tab
    tab.page.close()
    assert tab.complaints == []
