"""The page of a report in a real browser: no request, no script, nothing wider than the window."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.evaluate.test_report import hostile_report
from tests.serve.page.browser import CHROMIUM, chromium

from entailment.evaluate.report import write_report

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")


def test_the_page_needs_nothing_and_fits_a_phone(tmp_path: Path) -> None:
    page_file = write_report(tmp_path, hostile_report())[2]
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 390, "height": 844})
        seen: list[str] = []
        page.on("request", lambda request: seen.append(request.url))
        page.on("console", lambda message: seen.append(message.text))
        page.on("dialog", lambda dialog: seen.append(dialog.message))
        page.goto(page_file.as_uri())
        assert seen == [page_file.as_uri()]
        assert page.locator("svg").count() == 4
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.locator("script, img, iframe, a").count() == 0
