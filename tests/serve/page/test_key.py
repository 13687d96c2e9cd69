"""API keys, stores that are blocked, and the logins of a proxy in front of the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route
    from tests.serve.page.browser import Tab

KEY = "open sesame"  # a space within is printable ASCII, too
BLOCKED = """Object.defineProperty(window, "sessionStorage", {
  get() { throw new DOMException("denied", "SecurityError"); },
});"""


@pytest.fixture(scope="module")
def locked(browser: Browser) -> Iterator[str]:
    from tests.serve.page.browser import opinionated, serving

    from entailment.serve.settings import Settings

    with serving(opinionated(), Settings(api_keys=(KEY,))) as url:
        yield url


@pytest.fixture
def stranger(browser: Browser) -> Iterator[Tab]:
    """A page of its own, not opened yet, that no test before has given a key."""
    from tests.serve.page.browser import Tab

    context = browser.new_context()
    context.set_default_timeout(20_000)
    tab = Tab(context.new_page())
    yield tab
    context.close()
    assert tab.complaints == []


@pytest.mark.parametrize("wrong", ["sk\u20131", "sk1\u200b", "\u043a\u043b\u044e\u0447", "  "])
def test_a_key_that_no_header_can_carry(stranger: Tab, locked: str, wrong: str) -> None:
    stranger.page.goto(locked)
    stranger.answered("classify", "waiting")
    stranger.page.fill("#key", wrong)
    stranger.page.keyboard.press("Enter")
    stranger.page.wait_for_selector("#key-note:has-text('printable ASCII only')")
    assert stranger.page.is_visible("#key-form")
    assert stranger.js("sessionStorage.length") == 0
    stranger.page.fill("#key", KEY)
    stranger.page.keyboard.press("Enter")
    stranger.answered("classify")


def test_control_enter_in_the_key_field_does_not_ask_without_the_key(stranger: Tab, locked: str) -> None:
    stranger.page.goto(locked)
    stranger.answered("classify", "waiting")
    asked: list[str | None] = []
    stranger.page.on("request", lambda request: asked.append(request.headers.get("authorization")))
    stranger.page.fill("#key", KEY)
    stranger.page.press("#key", "Control+Enter")
    stranger.page.wait_for_timeout(100)
    assert None not in asked


def test_a_browser_that_keeps_nothing(stranger: Tab, locked: str) -> None:
    stranger.page.add_init_script(BLOCKED)
    stranger.page.goto(locked)
    stranger.answered("classify", "waiting")
    stranger.page.fill("#key", KEY)
    stranger.page.keyboard.press("Enter")
    stranger.answered("classify")
    stranger.page.fill("#text", "It is soup")
    stranger.answered("classify")


def test_the_cookie_of_a_proxy_goes_along(stranger: Tab, server: str) -> None:
    stranger.page.context.add_cookies([{"name": "login", "value": "me", "url": server}])
    with stranger.page.expect_request("**/v1/classify") as asked:
        stranger.page.goto(server)
    assert asked.value.all_headers()["cookie"] == "login=me"
    stranger.answered("classify")


@pytest.mark.parametrize("status", [401, 403])
def test_a_proxy_that_refuses_is_not_asked_with_a_key(stranger: Tab, server: str, status: int) -> None:
    def refuse(route: Route) -> None:
        route.fulfill(status=status, body="<h1>Log in</h1>", content_type="text/html")

    stranger.page.route("**/v1/**", refuse)
    stranger.page.goto(server)
    stranger.answered("classify", "fault")
    assert f"The server answered with status {status}." in stranger.texts("#classify-answer .message")[0]
    assert not stranger.page.is_visible("#key-form")
    stranger.page.unroute("**/v1/**")
    stranger.page.get_by_role("button", name="Try again").click()
    stranger.answered("classify")
