"""The page in a real browser, on a real server: it types, classifies, compares, checks, shares."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from tests.serve.page.browser import Tab


def test_a_newcomer_sees_an_answer_at_once(tab: Tab) -> None:
    assert len(tab.texts("#classify-answer .bars li")) == 5
    assert "tokens" in tab.texts("#model")[0] or tab.texts("#model") == ["fake"]


def test_typing_moves_the_bars(tab: Tab) -> None:
    tab.fresh("It is soup", "bread, soup")
    tab.until("document.querySelector('#classify-answer .name')?.textContent === 'soup'")
    tab.page.locator("#text").press_sequentially(" no it is bread bread bread")
    tab.until("document.querySelectorAll('#classify-answer .value')[1]?.textContent === '50.0%'")
    tab.page.fill("#text", "It is bread")
    tab.until("parseFloat(document.querySelector('#classify-answer .value')?.textContent) > 51")
    assert tab.texts("#classify-answer .name") == ["bread", "soup"]
    first, second = (float(value.rstrip("%")) for value in tab.texts("#classify-answer .value"))
    assert first > second
    assert first + second == pytest.approx(100, abs=0.2)
    assert "Answered in" in tab.texts("#classify-answer .timing")[0]


def test_labels_by_keyboard(tab: Tab) -> None:
    tab.fresh("It is soup", "one,two;three")
    chips = "#labels li span"
    assert tab.texts(chips) == ["one", "two", "three"]
    tab.page.press("#label", "Backspace")  # takes the last one back to be changed
    assert tab.page.input_value("#label") == "three"
    tab.page.locator("#label").press_sequentially("s, one,")  # a comma adds; what is there stays once
    assert tab.texts(chips) == ["one", "two", "threes"]
    tab.page.get_by_role("button", name="Remove two").press("Enter")
    assert tab.texts(chips) == ["one", "threes"]
    assert tab.js("document.activeElement.getAttribute('aria-label')") == "Remove threes"


DROP = """([selector, text, name]) => {
  const data = new DataTransfer();
  if (name) data.items.add(new File([text], name, { type: "text/plain" }));
  else data.setData("text", text);
  const field = document.querySelector(selector);
  field.dispatchEvent(new DragEvent("dragover", { dataTransfer: data, bubbles: true, cancelable: true }));
  field.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


def test_labels_and_texts_are_dropped(tab: Tab) -> None:
    tab.fresh("It is soup", "")
    tab.js(DROP, ["#labels", "tea\ncoffee", None])
    tab.js(DROP, ["#labels", "milk\r\ntea\r\n", "labels.txt"])
    tab.page.wait_for_selector("#labels li:nth-child(3)")
    assert tab.texts("#labels li span") == ["tea", "coffee", "milk"]
    tab.js(DROP, ["#text", "It is coffee", "text.txt"])
    tab.until("document.querySelector('#classify-answer .name')?.textContent === 'coffee'")


def test_several_may_be_true(tab: Tab) -> None:
    tab.fresh("It is soup and it is bread", "soup, bread, tea")
    tab.page.check("#multi")
    tab.until("parseFloat(document.querySelectorAll('#classify-answer .value')[1]?.textContent) > 60")
    assert len(tab.texts("#classify-answer li.faint")) == 1


def test_a_template_without_its_slot(tab: Tab) -> None:
    tab.page.fill("#template", "It is so.")
    tab.answered("classify", "empty")
    assert tab.page.get_attribute("#template", "aria-invalid") == "true"
    assert tab.page.is_visible("#template-fault")
    assert tab.texts("#classify-answer .bars li") == []
    tab.page.fill("#template", "It is {}.")
    tab.answered("classify")
    assert not tab.page.is_visible("#template-fault")


def test_braces_of_a_template_are_read_as_the_server_does(tab: Tab) -> None:
    tab.page.fill("#template", "In {{}} it is {}.")
    tab.answered("classify")
    tab.page.fill("#template", "In {{}} it is so.")
    tab.answered("classify", "empty")
    assert tab.page.is_visible("#template-fault")


def test_control_enter_takes_the_label_along(tab: Tab) -> None:
    tab.fresh("It is soup", "bread")
    tab.page.fill("#label", "soup")
    with tab.page.expect_request("**/v1/classify") as asked:
        tab.page.press("#label", "Control+Enter")
    assert json.loads(asked.value.post_data or "")["labels"] == ["bread", "soup"]
    tab.answered("classify")


def test_what_is_missing_is_said(tab: Tab) -> None:
    tab.fresh("It is soup", "")
    assert tab.texts("#classify-answer .message") == ["Add a label or two."]
    tab.page.fill("#text", " ")
    assert tab.texts("#classify-answer .message") == ["Write a text, and give it some labels."]


def test_nli(tab: Tab) -> None:
    tab.open("nli")
    tab.page.fill("#premise", "The shop is open")
    tab.page.fill("#hypothesis", "The shop is not open")
    tab.until("document.querySelector('.word').textContent === 'No, it cannot be.'")
    assert tab.texts("#nli-answer .name") == ["entailment", "neutral", "contradiction"]
    tab.page.fill("#hypothesis", "The shop is")
    tab.until("document.querySelector('.word').textContent === 'Yes, it follows.'")
    tab.page.click("#swap")
    assert tab.page.input_value("#premise") == "The shop is"
    tab.answered("nli")


def checked(tab: Tab, document: str, claims: list[str]) -> None:
    tab.open("check")
    tab.page.fill("#document", document)
    while tab.page.locator("#claims li").count() > 1:
        tab.page.locator("#claims .remove").first.click()
    tab.page.fill("#claims textarea", "")
    for index, claim in enumerate(claims):
        if index:
            tab.page.keyboard.press("Enter")
        else:
            tab.page.focus("#claims textarea")
        tab.page.keyboard.type(claim)
    tab.page.wait_for_selector(f"#claims li:nth-child({len(claims)})[data-verdict]:not([data-verdict=''])")
    tab.answered("check")


def test_a_document_is_checked_and_the_sentences_are_marked(tab: Tab) -> None:
    document = "\U0001f600 It rained. The shop is open.\n\nThe museum is not big. Nobody knows <b>why</b>."
    checked(tab, document, ["The shop is open.", "The museum is big.", "Dogs bark."])
    verdicts = [row.get_attribute("data-verdict") for row in tab.page.locator("#claims li").all()]
    assert verdicts == ["supported", "contradicted", "open"]
    assert tab.texts("#claims .quote") == ["The shop is open.", "The museum is not big."]
    # Places are counted in characters; the emoji before them is two of JavaScript's units.
    assert tab.js("[...document.querySelectorAll('mark')].map((mark) => mark.textContent)") == [
        "The shop is open.",
        "The museum is not big.",
    ]
    assert tab.js("document.getElementById('mirror').textContent") == document + "\u200b"
    tab.page.get_by_role("button", name="The museum is not big.").click()
    assert tab.js("document.querySelector('mark.active').textContent") == "The museum is not big."
    assert tab.js("document.querySelectorAll('b').length") == 0
    tab.page.locator("#document").press_sequentially("!")
    assert tab.page.locator("mark").count() == 0
    tab.answered("check")


def test_the_mirror_lies_under_the_text(tab: Tab) -> None:
    text = ("word " * 30 + "\n") * 12
    checked(tab, text, ["word"])
    width, height, scroll = tab.js(
        "(() => { const [a, b] = ['document', 'mirror'].map((id) => document.getElementById(id));"
        "return [a.clientWidth - b.clientWidth, a.clientHeight - b.clientHeight,"
        " a.scrollHeight - a.clientHeight] })()"
    )
    assert (width, height, scroll) == (0, 0, 0)


def test_claims_are_pasted_a_line_each_and_removed(tab: Tab) -> None:
    checked(tab, "It rained.", ["One"])
    tab.js("navigator.clipboard.writeText(' a claim \\n\\nanother\\nthird')")
    tab.page.focus("#claims li:last-child textarea")
    tab.page.keyboard.press("Enter")
    tab.page.keyboard.press("Control+v")
    values = "[...document.querySelectorAll('#claims textarea')].map((area) => area.value)"
    tab.until(f"{values}.length === 4")
    assert tab.js(values) == ["One", "a claim", "another", "third"]
    tab.page.click("[aria-label='Remove claim 2']")
    assert tab.js(values) == ["One", "another", "third"]


def test_a_threshold_leaves_claims_open(tab: Tab) -> None:
    checked(tab, "The shop is open now and then.", ["The shop is not open."])
    assert tab.page.get_attribute("#claims li", "data-verdict") == "contradicted"
    tab.page.select_option("#threshold", "0.97")
    tab.page.wait_for_selector("#claims li[data-verdict='open']")
    assert tab.page.locator("mark.open").count() == 1
    assert re.fullmatch(r"Open\s\(contradiction \d\d\.\d%\)", tab.texts("#claims .verdict")[0])


def test_a_link_holds_everything(tab: Tab, browser: Browser) -> None:
    tab.fresh("It is soup & bread #1\n\u00e9\U0001f600", "a=b, c+d")
    tab.page.check("#multi")
    tab.page.click("#share")
    tab.page.wait_for_selector("#toast.shown")
    link = tab.js("navigator.clipboard.readText()")
    asked: list[str] = []
    context = browser.new_context()
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(link)
    page.wait_for_selector('#classify-answer[data-state="ready"]')
    assert page.input_value("#text") == "It is soup & bread #1\n\u00e9\U0001f600"
    assert page.locator("#labels li span").all_inner_texts() == ["a=b", "c+d"]
    assert page.input_value("#template") == "It is {}"
    assert page.is_checked("#multi")
    assert not any("soup" in url.partition("#")[0] for url in asked)
    context.close()


def test_a_link_to_another_task_and_one_that_means_nothing(tab: Tab) -> None:
    tab.js("location.hash = '#task=nli&premise=The+shop&hypothesis=shop'")
    tab.answered("nli")
    assert tab.page.input_value("#premise") == "The shop"
    tab.js("location.hash = '#task=constructor'")
    assert tab.page.is_visible("#nli")


def test_examples_are_one_click_away(tab: Tab) -> None:
    for task, field in (("classify", "#text"), ("nli", "#premise"), ("check", "#document")):
        tab.open(task)
        names = tab.texts("#examples a")
        assert len(names) >= 2
        before = tab.page.input_value(field)
        tab.page.click(f"#examples a >> text={names[1]}")
        assert tab.page.input_value(field) != before
        tab.answered(task)


def test_tabs_by_keyboard(tab: Tab) -> None:
    tab.page.focus("#tab-classify")
    for key, task in (
        ("ArrowRight", "nli"),
        ("End", "check"),
        ("ArrowRight", "classify"),
        ("ArrowLeft", "check"),
    ):
        tab.page.keyboard.press(key)
        assert tab.js("document.activeElement.id") == f"tab-{task}"
        assert tab.page.get_attribute(f"#tab-{task}", "aria-selected") == "true"
        assert tab.page.is_visible(f"#{task}")
    assert tab.page.locator("main > section:visible").count() == 2  # one panel, and the examples


def test_the_same_call_as_code_answers_the_same(tab: Tab, server: str) -> None:
    tab.fresh('It\'s "soup" \\ $HOME\n\u00e9', "so'up, `bread`")
    tab.answered("classify")
    tab.page.click("#call summary")
    words = shlex.split(tab.code().replace("\\\n", " "))
    assert words[:2] == ["curl", f"{server}v1/classify"]
    asked = json.loads(words[words.index("-d") + 1])
    assert asked == {
        "text": 'It\'s "soup" \\ $HOME\n\u00e9',
        "labels": ["so'up", "`bread`"],
        "template": "It is {}",
    }
    tab.page.click("#tab-python")
    program = tab.code() + "\nprint(answer['labels'][0])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == (tab.texts("#classify-answer .name")[0], "")


def test_a_call_too_long_for_an_argument_runs(tab: Tab) -> None:
    # Of two bytes a character, so that characters counted in place of bytes would be too few.
    body = {"text": "It's soup\nJSON\n$HOME" + "\u00e9" * 65_536}
    code = tab.js(
        "(body) => import('/page/snippets.js').then((made) => made.curlCall('u', body, true))", body
    )
    # A curl that prints what is on its stdin, as a program would get it: nothing of a call with -d.
    done = subprocess.run(
        ["/bin/sh"], input=f"curl() {{ cat; }}\n{code}", capture_output=True, encoding="utf-8"
    )
    assert (done.stderr, json.loads(done.stdout)) == ("", body)


def test_the_python_of_the_other_tasks_runs(tab: Tab) -> None:
    tab.page.click("#call summary")
    tab.page.click("#tab-python")
    programs = []
    for task in ("nli", "check"):
        tab.open(task)
        programs.append(tab.code())
    done = subprocess.run([sys.executable, "-c", "\n".join(programs)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
