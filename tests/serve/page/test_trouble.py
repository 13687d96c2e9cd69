"""The page in trouble: refusals, a server that is gone, busy, locked or slow; and what it must never do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route
    from tests.serve.page.browser import Tab


def test_too_long_a_text_is_refused_by_name(tab: Tab) -> None:
    tab.fresh("soup " * 500, "soup, bread")
    tab.answered("classify", "fault")
    assert "2,000" in tab.texts("#classify-answer .message")[0]
    assert tab.texts("#classify-answer .bars li") == []
    tab.page.fill("#text", "soup " * 100)
    tab.answered("classify")
    assert "of 500 characters" in tab.texts("#classify-answer .note")[0]


def test_a_server_that_is_gone_and_comes_back(tab: Tab) -> None:
    tab.page.route("**/v1/classify", lambda route: route.abort())
    tab.page.fill("#text", "It is soup")
    tab.answered("classify", "fault")
    assert "does not answer" in tab.texts("#classify-answer .message")[0]
    tab.page.unroute("**/v1/classify")
    tab.page.get_by_role("button", name="Try again").click()
    tab.answered("classify")


def test_a_busy_server_is_asked_again(tab: Tab) -> None:
    answers = [429]

    def refuse(route: Route) -> None:
        if not answers:
            route.continue_()
            return
        body = {"error": {"type": "overloaded", "message": "too much"}}
        route.fulfill(status=answers.pop(), headers={"Retry-After": "1"}, json=body)

    tab.page.route("**/v1/classify", refuse)
    tab.page.fill("#text", "It is soup")
    tab.answered("classify", "waiting")
    assert tab.texts("#classify-answer .message") == ["The server is busy. Asking again in 1 second."]
    tab.answered("classify")


@pytest.mark.parametrize("kind", ["deadline", "worker_lost"])
def test_a_fault_of_the_question_is_not_asked_again(tab: Tab, kind: str) -> None:
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        body = {"error": {"type": kind, "message": "no answer within 5 s"}}
        route.fulfill(status=503, headers={"Retry-After": "1"}, json=body)

    tab.page.route("**/v1/classify", refuse)
    tab.page.fill("#text", "It is soup")
    tab.answered("classify", "fault")
    assert tab.texts("#classify-answer .message") == ["No answer within 5 s Try again"]
    tab.page.wait_for_timeout(1_300)
    assert len(asked) == 1
    tab.page.unroute("**/v1/classify")
    tab.page.get_by_role("button", name="Try again").click()
    tab.answered("classify")


def test_a_server_that_stays_busy_is_let_be(tab: Tab) -> None:
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=429, headers={"Retry-After": "0.01"}, json={"error": {"type": "overloaded"}})

    tab.page.route("**/v1/classify", refuse)
    tab.page.fill("#text", "It is soup")
    tab.answered("classify", "fault")
    assert tab.texts("#classify-answer .message") == ["The server is still busy. Try again"]
    assert len(asked) == 6
    tab.page.fill("#text", "It is bread")  # another question has its own turns
    tab.until("document.querySelector('#classify-answer').dataset.state === 'waiting'")
    tab.answered("classify", "fault")
    assert len(asked) == 12


def test_an_error_takes_the_note_of_an_earlier_answer_away(tab: Tab) -> None:
    tab.fresh("soup " * 100, "soup, bread")
    tab.page.wait_for_selector("#classify-answer .note:visible")
    tab.page.route("**/v1/classify", lambda route: route.abort())
    tab.page.fill("#text", "It is soup")
    tab.answered("classify", "fault")
    assert not tab.page.is_visible("#classify-answer .note")


def test_an_answer_that_comes_late_is_dropped(tab: Tab) -> None:
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    tab.fresh("It is soup", "soup, bread")
    tab.answered("classify")
    tab.page.route("**/v1/classify", hold_the_first)
    with tab.page.expect_event("requestfailed") as failed:  # the page gives up on the first question
        tab.page.fill("#text", "It is bread bread")
        tab.page.wait_for_selector('#classify-answer[aria-busy="true"]')
        tab.page.fill("#text", "It is soup soup")
    assert "bread bread" in (failed.value.post_data or "")
    tab.answered("classify")
    assert tab.texts("#classify-answer .name")[0] == "soup"


def test_a_server_that_asks_for_a_key(browser: Browser) -> None:
    from tests.serve.page.browser import Tab, opinionated, serving

    from entailment.serve.settings import Settings

    with serving(opinionated(), Settings(api_keys=("open-sesame",))) as url:
        context = browser.new_context()
        tab = Tab(context.new_page())
        tab.page.goto(url)
        tab.answered("classify", "waiting")
        assert tab.js("document.activeElement.id") == "key"
        tab.page.fill("#key", "wrong")
        tab.page.keyboard.press("Enter")
        tab.page.wait_for_selector("#key-note:has-text('does not know')")
        tab.page.fill("#key", "open-sesame")
        tab.page.keyboard.press("Enter")
        tab.answered("classify")
        assert not tab.page.is_visible("#key-form")
        tab.page.click("#call summary")
        assert "Bearer $ENTAILMENT_API_KEY" in tab.code()
        assert "open-sesame" not in tab.page.content()
        context.close()
    assert tab.complaints == []


def test_nothing_comes_from_elsewhere_and_nothing_runs_inline(tab: Tab, server: str) -> None:
    asked: list[str] = []
    tab.page.on("request", lambda request: asked.append(request.url))
    tab.page.reload()
    tab.open("check")
    assert asked
    assert all(url.startswith((server, "data:")) for url in asked)
    folder = Path(__file__).parents[3] / "src" / "entailment" / "serve" / "page"
    sources = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "style="):
        assert not [name for name, source in sources.items() if word in source], word


def test_the_browser_enforces_the_policy(tab: Tab) -> None:
    """The guard of all the other tests: what the policy forbids does not run, and is noticed."""
    planted: Any = tab.js(
        "() => { const one = document.createElement('div'); one.setAttribute('style', 'color: red');"
        "document.body.append(one); const two = document.createElement('script');"
        "two.textContent = 'window.planted = 1'; document.body.append(two); return window.planted ?? null }"
    )
    assert planted is None
    tab.page.wait_for_timeout(100)
    assert any("Content Security Policy" in complaint for complaint in tab.complaints)
    tab.complaints.clear()


def test_on_a_phone_nothing_hangs_over_the_edge(browser: Browser, server: str) -> None:
    from tests.serve.page.browser import Tab

    context = browser.new_context(viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True)
    tab = Tab(context.new_page())
    tab.page.goto(server)
    for task in ("classify", "nli", "check"):
        tab.open(task)
        tab.page.locator("#call").evaluate("(details) => { details.open = true }")
        assert tab.js("document.documentElement.scrollWidth") <= 320
    context.close()
