"""The widget in a real Chromium, on a page of another origin with a strict policy."""

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from selenium import webdriver
from selenium.webdriver.support.ui import WebDriverWait
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from tests.console.browser import (
    AXE,
    barriers,
    missing_browser,
    open_browser,
    set_scheme,
    set_screen,
)
from tests.console.conftest import Builder, records_of
from tests.console.fakes import (
    DOCUMENT_QUESTION,
    ERASED_QUESTION,
    FAQ_QUESTION,
    HEDGED_QUESTION,
    UNKNOWN_QUESTION,
    ScriptedDesk,
)
from tests.console.served import served
from tests.database import empty_database

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(missing_browser()), reason=missing_browser() or "can run"),
]

WIDTHS = (360, 1280)
_TIMEOUT_S = 60
_IN = "const w = document.querySelector('answerdesk-widget')?.shadowRoot; "


@dataclass(frozen=True, slots=True)
class Sites:
    """The service, a website that is named, and one that is not."""

    service: str
    named: str
    other: str


@pytest.fixture(scope="module")
def sites() -> Iterator[Sites]:
    @asynccontextmanager
    async def apps(urls: Sequence[str]) -> AsyncIterator[Sequence[ASGIApp]]:
        async def page(_: Request) -> Response:
            policy = f"default-src 'self'; script-src {urls[0]}; connect-src {urls[0]}"
            html = (
                '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">'
                "<title>Shop</title><h1>Shop</h1>"
                f'<script src="{urls[0]}/widget.js" async></script>'
            )
            return HTMLResponse(html, headers={"Content-Security-Policy": policy})

        async def nothing(_: Request) -> Response:
            return Response(status_code=204)

        shop = Starlette(routes=[Route("/", page), Route("/favicon.ico", nothing)])
        async with empty_database() as database:
            builder = Builder(ScriptedDesk(), records_of(database), database)
            yield builder.build(origins=(urls[1],), per_minute=1000), shop, shop

    with served(apps, count=3) as urls:
        yield Sites(*urls)


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    with open_browser() as browser:
        yield browser


def inside(browser: webdriver.Chrome, script: str) -> Any:
    """Run a script in which `w` is the widget's tree; wait until it returns something."""
    wait = WebDriverWait(browser, _TIMEOUT_S, poll_frequency=0.1)
    return wait.until(lambda b: b.execute_script(f"{_IN} return {script}"))


def press(browser: webdriver.Chrome, label: str) -> None:
    shown = "[...w?.querySelectorAll('button') ?? []].filter(b => b.checkVisibility())"
    find = f"{shown}.filter(b => (b.ariaLabel ?? b.textContent) === {label!r}).at(-1)"
    inside(browser, find).click()


def ask(browser: webdriver.Chrome, question: str) -> None:
    inside(browser, "w?.querySelector('.composer textarea')").send_keys(question)
    press(browser, "Send")
    inside(browser, "!w.querySelector('.wait') && w.querySelector('article')")


@pytest.mark.parametrize("width", WIDTHS)
def test_a_chat_that_is_deleted_elsewhere_says_so_and_begins_anew(
    browser: webdriver.Chrome, sites: Sites, tmp_path: Path, width: int
) -> None:
    set_screen(browser, width=width, height=760, phone=width < 500)
    browser.get(sites.named)
    browser.execute_script("localStorage.clear()")
    browser.get(sites.named)
    press(browser, "Ask us")
    ask(browser, FAQ_QUESTION)
    inside(browser, "w.querySelector('.composer textarea')").send_keys(ERASED_QUESTION)
    press(browser, "Send")
    inside(browser, "w.querySelector('.notice').textContent.startsWith('This chat was deleted')")
    assert inside(browser, "!w.querySelector('.question, article, .wait')")
    browser.save_screenshot(str(tmp_path / f"erased-widget-{width}.png"))
    assert browser.execute_script("return localStorage.length") == 0
    ask(browser, FAQ_QUESTION)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_visitor_asks_rates_calls_a_person_and_returns(
    browser: webdriver.Chrome, sites: Sites, width: int, scheme: Any
) -> None:
    set_screen(browser, width=width, height=760, phone=width < 500)
    set_scheme(browser, scheme)
    browser.get(sites.named)
    browser.execute_script("localStorage.clear()")
    browser.get(sites.named)
    inside(browser, "w?.querySelector('.bubble')")
    assert browser.execute_script("return localStorage.length") == 0
    press(browser, "Ask us")
    ask(browser, HEDGED_QUESTION)
    press(browser, FAQ_QUESTION)
    inside(browser, "w.querySelector('details')")
    press(browser, "No")
    press(browser, "Outdated")
    inside(browser, "[...w.querySelectorAll('.rating')].at(-1).textContent.startsWith('Thank you')")
    press(browser, "Talk to a person")
    inside(browser, "w.querySelector('.person textarea')").send_keys("A crate is broken")
    inside(browser, "w.querySelector('.person input')").send_keys("ada@example.com")
    inside(browser, "w.querySelector('.person .primary')").click()
    inside(browser, "w.querySelector('.log').textContent.includes('reply to ada@example.com')")
    small = inside(
        browser,
        "JSON.stringify([...w.querySelectorAll('button, summary, input, textarea')]"
        ".filter(e => e.checkVisibility())"
        ".filter(e => e.offsetHeight < 44 || e.offsetWidth < 44).map(e => e.outerHTML))",
    )
    assert small == "[]"
    assert barriers(browser, "answerdesk-widget") == []
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    browser.get(sites.named)
    press(browser, "Ask us")
    assert inside(browser, "w.querySelectorAll('.question').length") == 3
    assert browser.execute_script("return document.cookie") == ""
    log = browser.get_log("browser")  # type: ignore[no-untyped-call]
    assert [entry["message"] for entry in log] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_a_visitor_reads_what_the_team_replies_also_on_return(
    browser: webdriver.Chrome, sites: Sites, width: int
) -> None:
    set_screen(browser, width=width, height=760, phone=width < 500)
    browser.get(sites.named)
    browser.execute_script("localStorage.clear()")
    browser.get(sites.named)
    press(browser, "Ask us")
    press(browser, "Talk to a person")
    inside(browser, "w.querySelector('.person textarea')").send_keys("A crate is broken")
    inside(browser, "w.querySelector('.person .primary')").click()
    inside(browser, "w.querySelector('.log').textContent.includes('will reply here')")
    with httpx.Client(base_url=sites.service) as operator:
        page = operator.get("/console/conversations").text
        number = re.findall(r"/console/conversation\?answer=(\d+)#end", page)[-1]

        def reply(text: str) -> None:
            form = {"number": number, "text": text}
            assert operator.post("/console/conversation/reply", data=form).status_code == 303

        reply("Please send a photo.")
        inside(browser, "w.querySelector('.team')?.textContent.includes('send a photo')")
        inside(browser, "w.querySelector('.composer textarea')").send_keys("Here it is", "\ue007")
        inside(browser, "[...w.querySelectorAll('.question')].at(-1).textContent.endsWith('it is')")
        press(browser, "Close")
        browser.get("about:blank")
        reply("We send a new one.")
        assert "Here it is" in operator.get(f"/console/conversation?answer={number}").text
    browser.get(sites.named)
    press(browser, "New message: open the chat")
    said = inside(browser, "[...w.querySelectorAll('.log > p')].map(p => p.textContent).join('|')")
    assert said.index("send a photo") < said.index("Here it is") < said.index("We send a new one.")
    assert barriers(browser, "answerdesk-widget") == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_frame_stays_and_what_is_new_is_in_view(
    browser: webdriver.Chrome, sites: Sites, width: int
) -> None:
    set_screen(browser, width=width, height=600, phone=width < 500)
    browser.get(sites.named)
    browser.execute_script("localStorage.clear()")
    browser.get(sites.named)
    press(browser, "Ask us")
    for question in (FAQ_QUESTION, DOCUMENT_QUESTION, UNKNOWN_QUESTION, FAQ_QUESTION):
        ask(browser, question)
        box = "getBoundingClientRect()"
        top = f"w.querySelector('header').{box}.top - w.querySelector('dialog').{box}.top"
        low = f"w.querySelector('dialog').{box}.bottom - w.querySelector('.composer').{box}.bottom"
        assert inside(browser, f"[{top}, {low}].every(gap => gap >= 0 && gap < 2)")
    within = (
        "(e => { const [a, b] = [e, w.querySelector('.log')].map(x => x.getBoundingClientRect());"
        " return a.top >= b.top && a.bottom <= b.bottom })"
    )
    press(browser, "No")
    assert inside(browser, f"{within}([...w.querySelectorAll('.rating')].at(-1))")
    press(browser, "Talk to a person")
    assert inside(browser, f"{within}(w.querySelector('.person .row'))")
    inside(browser, "w.querySelector('.person textarea')").send_keys("A crate is broken")
    inside(browser, "w.querySelector('.person input')").send_keys("nonsense")
    inside(browser, "w.querySelector('.person .primary')").click()
    inside(browser, "w.querySelector('.person .notice').textContent")
    assert inside(browser, f"{within}(w.querySelector('.person .row'))")


def test_a_choice_can_be_taken_before_the_stream_has_ended(
    browser: webdriver.Chrome, sites: Sites
) -> None:
    set_screen(browser, width=1280, height=760)
    browser.get(sites.named)
    browser.execute_script("localStorage.clear()")
    browser.get(sites.named)
    browser.execute_script(
        "const real = fetch; window.fetch = async (...given) => {"
        " const response = await real(...given);"
        " const open = new TransformStream({flush: () => new Promise(() => {})});"
        " return String(given[0]).endsWith('/ask')"
        " ? new Response(response.body.pipeThrough(open), response) : response }"
    )
    press(browser, "Ask us")
    ask(browser, HEDGED_QUESTION)
    press(browser, FAQ_QUESTION)
    assert inside(browser, "w.querySelector('details')")


def test_escape_closes_and_the_focus_goes_back(browser: webdriver.Chrome, sites: Sites) -> None:
    set_screen(browser, width=1280, height=760)
    browser.get(sites.named)
    press(browser, "Ask us")
    assert inside(browser, "w.activeElement?.tagName") == "TEXTAREA"
    inside(browser, "w.activeElement").send_keys("\ue00c")
    assert inside(browser, "w.activeElement?.className") == "bubble"


def test_a_website_that_is_not_named_shows_nothing(browser: webdriver.Chrome, sites: Sites) -> None:
    browser.get(sites.other)
    wait = WebDriverWait(browser, _TIMEOUT_S, poll_frequency=0.1)
    wait.until(
        lambda b: any("widget/texts" in e["message"] for e in b.get_log("browser"))  # type: ignore[no-untyped-call]
    )
    assert not browser.execute_script("return document.querySelector('answerdesk-widget')")


def test_what_tells_of_barriers_is_installed() -> None:
    if not AXE.is_file():
        pytest.skip("No page was tested for barriers: run `npm ci` in tests/console")
