"""A headless Chromium, and a real server on loopback for it to open."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.tasks.check_fakes import word_model

from entailment.serve.app import create_app
from entailment.serve.settings import Limits, Settings
from entailment.tasks.model import PairModel

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LIMITS = Limits(characters=2_000)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser of this machine, with an empty profile, without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def serving(model: PairModel, settings: Settings | None = None) -> Iterator[str]:
    """The address of a server that answers with this model."""
    import uvicorn

    config = uvicorn.Config(
        create_app(model, settings), port=0, log_level="error", ws="none", timeout_graceful_shutdown=2
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.should_exit = True
        thread.join()


def opinionated() -> PairModel:
    """Believes what a premise says in its words, denies what it says with "not", leaves open the rest."""

    def believe(premise: str, hypothesis: str) -> tuple[float, float, float]:
        held, asked = ({word.strip(".,").lower() for word in text.split()} for text in (premise, hypothesis))
        if not asked - {"not"} <= held:
            return 0.0, 2.0, 1.0
        return (0.0, 0.0, 3.0) if ("not" in held) != ("not" in asked) else (4.0, 0.5, 0.0)

    return word_model(believe, room=60)


class Tab:
    """One open page, which remembers what the browser complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note(self, kind: str, text: str) -> None:
        # A refused request is an error to the browser, and part of many tests.
        if kind in ("error", "warning") and not text.startswith("Failed to load resource"):
            self.complaints.append(text)

    def open(self, task: str) -> None:
        """Choose a tab of the page and wait for its answer."""
        self.page.click(f"#tab-{task}")
        self.answered(task)

    def answered(self, task: str, state: str = "ready") -> None:
        """Wait until the answer of a task is in this state."""
        self.page.wait_for_selector(f'#{task}-answer[data-state="{state}"][aria-busy="false"]')

    def code(self) -> str:
        """The same call as code, once the page has written it: it does so after the fold has opened."""
        self.page.wait_for_selector("#code > :not(:empty)")  # an element is there from the start
        written: str = self.page.inner_text("#code")
        return written

    def texts(self, selector: str) -> list[str]:
        """The texts of all that a selector finds."""
        found: list[str] = self.page.locator(selector).all_inner_texts()
        return found

    def js(self, expression: str, argument: Any = None) -> Any:
        """Evaluate in the page."""
        return self.page.evaluate(expression, argument)

    def until(self, expression: str) -> None:
        """Wait until an expression is true. (Playwright's own way needs eval, which the policy forbids.)"""
        end = time.monotonic() + 20
        while not self.page.evaluate(f"() => Boolean({expression})"):
            assert time.monotonic() < end, f"never true: {expression}"
            time.sleep(0.02)

    def fresh(self, text: str, labels: str) -> None:
        """A text and labels in place of the example's."""
        while self.page.locator("#labels li").count():
            self.page.locator("#labels li button").first.click()
        self.page.fill("#text", text)
        self.page.fill("#template", "It is {}")
        self.page.fill("#label", labels)
        self.page.press("#label", "Enter")
