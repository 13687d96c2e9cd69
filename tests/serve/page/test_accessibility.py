"""axe-core finds nothing on the page, in any of its states, in the light and in the dark."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

UNAUTHORIZED = {"error": {"type": "unauthorized", "message": "no"}}
TASKS = ("classify", "nli", "check")


@pytest.fixture(scope="module")
def axe() -> str:
    """The source of axe-core, out of the package that carries it."""
    found = importlib.util.find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        pytest.skip("axe-playwright-python is not installed")
    return (Path(found.origin).parent / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Page, axe: str) -> list[str]:
    # Only this test's browser context may run a script that is not the page's: bypass_csp.
    page.evaluate(f"() => {{ {axe} }}")
    found: list[dict[str, Any]] = page.evaluate("async () => (await axe.run()).violations")
    return [f"{one['id']}: {one['help']}: {[node['html'] for node in one['nodes']]}" for one in found]


@pytest.mark.parametrize(
    ("scheme", "width"),
    [
        ("light", 1180),
        ("dark", 390),
        pytest.param("dark", 1180, marks=pytest.mark.slow),
        pytest.param("light", 390, marks=pytest.mark.slow),
    ],
)
def test_every_state(browser: Browser, server: str, axe: str, scheme: Any, width: int) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
        reduced_motion="reduce",
        bypass_csp=True,
    )
    page = context.new_page()
    page.goto(server)
    for task in TASKS:
        page.click(f"#tab-{task}")
        page.wait_for_selector(f'#{task}-answer[data-state="ready"][aria-busy="false"]')
        assert violations(page, axe) == [], task
    page.hover("#claims li")
    page.click("#call summary")
    assert violations(page, axe) == []
    page.fill("#document", "")
    assert violations(page, axe) == []
    page.click("#tab-classify")
    page.fill("#template", "without a slot")
    assert violations(page, axe) == []
    page.fill("#template", "It is {}")
    page.route("**/v1/**", lambda route: route.fulfill(status=401, json=UNAUTHORIZED))
    page.fill("#text", "something else")
    page.wait_for_selector("#key-form:not([hidden])")
    page.wait_for_selector('#classify-answer[data-state="waiting"]')
    assert violations(page, axe) == []
    page.unroute("**/v1/**")
    page.route("**/v1/**", lambda route: route.abort())
    page.fill("#text", "anything")
    page.wait_for_selector('#classify-answer[data-state="fault"]')
    assert violations(page, axe) == []
    context.close()


def test_a_planted_fault_is_found(browser: Browser, server: str, axe: str) -> None:
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    page.goto(server)
    page.evaluate("document.getElementById('share').textContent = ''")
    page.evaluate("document.getElementById('model').style.color = '#ddd'")
    page.evaluate("document.getElementById('model').textContent = 'pale'")
    found = " ".join(violations(page, axe))
    assert "button-name: " in found
    assert "color-contrast: " in found
    context.close()
