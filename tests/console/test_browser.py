"""The try-it page in a real Chromium, served by a real server on loopback."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from starlette.types import ASGIApp

from kb.answering.texts import service_text
from tests.console.browser import (
    PHONE_WIDTH,
    missing_browser,
    open_browser,
    press,
    set_scheme,
    set_screen,
    set_scripts,
    sideways,
)
from tests.console.conftest import Builder, records_of
from tests.console.fakes import (
    BREAKING_QUESTION,
    DOCUMENT_QUESTION,
    ERASED_QUESTION,
    FAQ_QUESTION,
    HEDGED_QUESTION,
    UNKNOWN_QUESTION,
    ScriptedDesk,
)
from tests.console.screenshot import take_pictures, wait_for_answers
from tests.console.served import served
from tests.database import empty_database

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(missing_browser()), reason=missing_browser() or "can run"),
]

_TIMEOUT_S = 20


@dataclass(frozen=True, slots=True)
class Service:
    """A served console."""

    url: str
    desk: ScriptedDesk


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Serve a console from a thread with a loop of its own."""
    desk = ScriptedDesk()

    @asynccontextmanager
    async def console(_: Sequence[str]) -> AsyncIterator[Sequence[ASGIApp]]:
        async with empty_database() as database:
            yield (Builder(desk, records_of(database), database).build(),)

    with served(console) as (url,):
        yield Service(url, desk)


@pytest.fixture(scope="module")
def shared_browser() -> Iterator[webdriver.Chrome]:
    with open_browser() as browser:
        yield browser


@pytest.fixture
def browser(shared_browser: webdriver.Chrome, service: Service) -> webdriver.Chrome:
    """The browser, as if it had never been here."""
    shared_browser.delete_all_cookies()
    set_scripts(shared_browser, enabled=True)
    set_scheme(shared_browser, "light")
    set_screen(shared_browser, width=1000, height=900)
    shared_browser.get(service.url)
    shared_browser.delete_all_cookies()
    shared_browser.get(service.url)
    shared_browser.get_log("browser")  # type: ignore[no-untyped-call]
    return shared_browser


def type_question(browser: webdriver.Chrome, question: str) -> None:
    browser.find_element(By.ID, "question").send_keys(question, Keys.ENTER)


def find(browser: webdriver.Chrome, selector: str) -> str:
    """Wait for an element and return its visible text."""
    wait = WebDriverWait(browser, _TIMEOUT_S, poll_frequency=0.05)
    return wait.until(lambda b: b.find_element(By.CSS_SELECTOR, selector)).text


def complaints(browser: webdriver.Chrome) -> list[str]:
    """Return what the browser wrote to its console."""
    entries = browser.get_log("browser")  # type: ignore[no-untyped-call]
    return [entry["message"] for entry in entries]


def test_a_question_is_answered_with_its_source(browser: webdriver.Chrome) -> None:
    type_question(browser, FAQ_QUESTION)
    assert "A test ride is **free** and lasts 45 minutes." in find(browser, ".answer-faq .text")
    assert find(browser, ".answer-faq .badge") == "From the FAQ"
    press(browser, ".answer-faq summary")
    source = find(browser, ".answer-faq .sources li")
    assert "Can I test ride a bike before I buy it?" in source
    assert "faq.csv · row 3 · as of 2026-11-02" in source
    assert complaints(browser) == []


def test_a_chat_that_is_deleted_elsewhere_says_so_and_begins_anew(
    browser: webdriver.Chrome, tmp_path: Path
) -> None:
    type_question(browser, FAQ_QUESTION)
    find(browser, ".answer-faq .text")
    type_question(browser, ERASED_QUESTION)
    wait = WebDriverWait(browser, _TIMEOUT_S, poll_frequency=0.05)
    wait.until(lambda b: "This chat was deleted" in b.find_element(By.ID, "notice").text)
    assert find(browser, "#welcome h1") == "How can we help?"
    assert browser.find_elements(By.CSS_SELECTOR, "#conversation > *, .pending") == []
    assert browser.find_element(By.ID, "question").get_attribute("value") == ""
    for width in (390, 1280):
        set_screen(browser, width=width, height=800, phone=width < 500)
        browser.save_screenshot(str(tmp_path / f"erased-page-{width}.png"))


def test_sentences_are_shown_before_the_answer_is_whole(
    browser: webdriver.Chrome, service: Service
) -> None:
    with service.desk.closed_gate():
        type_question(browser, DOCUMENT_QUESTION)
        WebDriverWait(browser, _TIMEOUT_S, poll_frequency=0.05).until(
            lambda b: "three months." in b.find_element(By.CSS_SELECTOR, ".pending .text").text
        )
        assert browser.find_elements(By.CSS_SELECTOR, ".answer:not(.pending)") == []
        assert not browser.find_element(By.CSS_SELECTOR, ".send").is_enabled()
    assert "10 to 20 °C" in find(browser, ".answer-composed .text")
    assert browser.find_elements(By.CSS_SELECTOR, ".pending") == []
    assert browser.find_element(By.CSS_SELECTOR, ".send").is_enabled()
    assert complaints(browser) == []


def test_examples_choices_and_the_wish_for_a_person_are_asked_by_a_click(
    browser: webdriver.Chrome, service: Service
) -> None:
    press(browser, ".examples button:nth-of-type(3)")
    wait_for_answers(browser, 1)
    assert not browser.find_element(By.ID, "welcome").is_displayed()
    type_question(browser, HEDGED_QUESTION)
    wait_for_answers(browser, 2)
    press(browser, ".choices li:nth-child(2) button")
    wait_for_answers(browser, 3)
    press(browser, ".composer .person button")
    wait_for_answers(browser, 4)
    asked = [call.text for call in service.desk.calls[-4:]]
    assert asked == [
        UNKNOWN_QUESTION,
        HEDGED_QUESTION,
        FAQ_QUESTION,
        "Talk to a person",
    ]
    assert len({call.chat for call in service.desk.calls[-4:]}) == 1
    assert complaints(browser) == []


def test_the_conversation_is_there_after_a_reload_and_gone_after_a_new_chat(
    browser: webdriver.Chrome,
) -> None:
    type_question(browser, FAQ_QUESTION)
    wait_for_answers(browser, 1)
    browser.refresh()
    wait_for_answers(browser, 1)
    press(browser, "#start-again button")
    wait_for_answers(browser, 0)
    assert browser.find_element(By.ID, "welcome").is_displayed()


def test_a_verdict_is_thanked_for_in_place(browser: webdriver.Chrome) -> None:
    type_question(browser, FAQ_QUESTION)
    wait_for_answers(browser, 1)
    press(browser, ".rating button[value=yes]")
    thanks = service_text("feedback_thanks", "en")
    assert find(browser, "p.rating") == thanks
    browser.refresh()
    assert find(browser, "p.rating") == thanks
    assert complaints(browser) == []


def test_trouble_is_told_in_a_sentence_and_the_page_goes_on(browser: webdriver.Chrome) -> None:
    type_question(browser, BREAKING_QUESTION)
    WebDriverWait(browser, _TIMEOUT_S).until(
        lambda b: "Something went wrong on our side." in b.find_element(By.ID, "notice").text
    )
    type_question(browser, FAQ_QUESTION)
    wait_for_answers(browser, 1)
    assert not browser.find_element(By.ID, "notice").is_displayed()


def test_without_javascript_the_form_is_a_plain_post(browser: webdriver.Chrome) -> None:
    set_scripts(browser, enabled=False)
    browser.refresh()
    browser.find_element(By.ID, "question").send_keys(DOCUMENT_QUESTION)
    press(browser, ".send")
    assert "10 to 20 °C" in find(browser, ".answer-composed .text")
    press(browser, "summary")
    assert "Storing the battery in winter" in find(browser, ".sources li .title")
    assert browser.current_url.endswith("/#latest")
    assert complaints(browser) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_everything_without_scrolling_sideways(
    browser: webdriver.Chrome, service: Service, scheme: str
) -> None:
    set_scheme(browser, "dark" if scheme == "dark" else "light")
    set_screen(browser, width=PHONE_WIDTH, height=740, phone=True)
    browser.refresh()
    assert sideways(browser) == 0
    for number, question in enumerate((DOCUMENT_QUESTION, HEDGED_QUESTION, "w" * 300), start=1):
        type_question(browser, question)
        wait_for_answers(browser, number)
    press(browser, "summary")
    assert sideways(browser) == 0
    for path in ("/console", "/login", "/nowhere"):
        browser.get(service.url + path)
        assert sideways(browser) == 0, path


_CONTRASTS = """
const parse = (c) => c.match(/[\\d.]+/g).map(Number);
const lum = ([r, g, b]) => [r, g, b].map((v) => v / 255)
  .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const under = (node) => {
  for (; node; node = node.parentElement) {
    const colour = parse(getComputedStyle(node).backgroundColor);
    if (colour.length === 3 || colour[3] === 1) return colour;
  }
  return [255, 255, 255];
};
const found = [];
for (const node of document.querySelectorAll("body *")) {
  const own = [...node.childNodes].some((c) => c.nodeType === 3 && c.textContent.trim());
  if (!own || !node.checkVisibility()) continue;
  const [a, b] = [lum(parse(getComputedStyle(node).color)), lum(under(node))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  found.push([node.className || node.tagName, Math.round(ratio * 100) / 100]);
}
return found;
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_enough_contrast(
    browser: webdriver.Chrome, service: Service, scheme: str
) -> None:
    """WCAG 2.2, 1.4.3: at least 4.5 to 1."""
    set_scheme(browser, "dark" if scheme == "dark" else "light")
    for number, question in enumerate((DOCUMENT_QUESTION, HEDGED_QUESTION), start=1):
        type_question(browser, question)
        wait_for_answers(browser, number)
    press(browser, "summary")
    measured = browser.execute_script(_CONTRASTS)
    browser.get(f"{service.url}/console")
    measured += browser.execute_script(_CONTRASTS)
    assert len(measured) > 20
    assert [pair for pair in measured if pair[1] < 4.5] == []


def test_every_field_and_button_has_a_name(browser: webdriver.Chrome) -> None:
    type_question(browser, HEDGED_QUESTION)
    wait_for_answers(browser, 1)
    controls = browser.find_elements(By.CSS_SELECTOR, "button, textarea, input, a, summary")
    visible = [control for control in controls if control.is_displayed()]
    assert len(visible) >= 6
    assert all(control.accessible_name for control in visible)
    assert browser.find_elements(By.CSS_SELECTOR, "label[for=question]")
    log = browser.find_element(By.ID, "conversation")
    assert log.get_attribute("aria-live") == "polite"


def test_the_script_for_the_readme_takes_its_pictures(service: Service, tmp_path: Path) -> None:
    pictures = take_pictures(service.url, tmp_path)
    assert {picture.name for picture in pictures} >= {"try-it.png", "try-it-phone.png"}
    assert all(picture.read_bytes().startswith(b"\x89PNG") for picture in pictures)
