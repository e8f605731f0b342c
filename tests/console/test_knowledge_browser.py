"""The page of entries in a real Chromium, on a real knowledge base."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from starlette.types import ASGIApp

from console.knowledge import Editing
from tests.console.browser import (
    PHONE_WIDTH,
    missing_browser,
    open_browser,
    set_screen,
    sideways,
)
from tests.console.conftest import Builder, records_of
from tests.console.fakes import ScriptedDesk
from tests.console.served import served
from tests.fakes import WordEmbedder
from tests.kb.workshop import library_of, workshop

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(missing_browser()), reason=missing_browser() or "can run"),
]

_TIMEOUT_S = 20
FAQ = "\n".join(
    f"How do I order spare part number {n}?|Write to our workshop and name part {n}. We send "
    f"it within three days.|part {n} please"
    for n in range(30)
)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a console over a knowledge base with two releases, a change and one that waits."""
    folder: Path = tmp_path_factory.mktemp("shop")

    @asynccontextmanager
    async def console(_urls: Sequence[str]) -> AsyncIterator[Sequence[ASGIApp]]:
        async with workshop(folder, WordEmbedder()) as shop:
            await shop.put(faq=FAQ)
            first, second, *_ = await shop.entries.find()
            await shop.entries.change(first.chunk_id, "answer", text="By phone only.", author="Ada")
            await shop.entries.change(second.chunk_id, "variant", text="the other part")
            left = [line for line in FAQ.splitlines() if not line.startswith(second.text)]
            await shop.put(faq="\n".join(left))
            app = Builder(ScriptedDesk(), records_of(shop.database), shop.database).build(
                editing=Editing(shop.entries, shop.releases),
                questions=library_of(shop).questions,
            )
            yield (app,)

    with served(console) as (url,):
        yield f"{url}/console/knowledge"


def shown(browser: webdriver.Chrome) -> str:
    """Return the text of the page, in one call: it may be replaced between two."""
    return str(browser.execute_script("return document.body ? document.body.innerText : ''"))


def wait_for(browser: webdriver.Chrome, text: str) -> None:
    WebDriverWait(browser, _TIMEOUT_S, poll_frequency=0.05).until(lambda b: text in shown(b))


def press(browser: webdriver.Chrome, row: str, label: str) -> None:
    """Press the button in the table row that has these words."""
    path = f"//tr[contains(., '{row}')]//button[text()='{label}']"
    browser.find_element(By.XPATH, path).click()


def test_an_operator_searches_takes_back_and_goes_back(url: str, tmp_path: Path) -> None:
    with open_browser() as browser:
        set_screen(browser, width=1000, height=900)
        browser.get(url)
        wait_for(browser, "To review")
        wait_for(browser, "By phone only.")
        browser.save_screenshot(str(tmp_path / "entries.png"))

        browser.find_element(By.NAME, "q").send_keys("number 17", Keys.ENTER)
        wait_for(browser, "spare part number 17?")
        assert "spare part number 18?" not in shown(browser)

        press(browser, "the other part", "Drop")
        wait_for(browser, "spare part number 18?")
        assert "To review" not in shown(browser)
        press(browser, "By phone only.", "Take back")
        wait_for(browser, "Nothing. Open an entry above")
        assert "By phone only." not in shown(browser)

        browser.find_element(By.PARTIAL_LINK_TEXT, "Publish again").click()
        button = "//form[@action='/console/releases/rollback']//button"
        wait_for(browser, "golden questions were asked of both releases")
        browser.find_element(By.XPATH, button).click()
        wait_for(browser, "content of release")
        assert sideways(browser) == 0

        set_screen(browser, width=PHONE_WIDTH, height=760, phone=True)
        browser.get(url)
        assert sideways(browser) == 0, "the page scrolls sideways on a phone"
        log = browser.get_log("browser")  # type: ignore[no-untyped-call]
        assert [entry["message"] for entry in log if entry["level"] == "SEVERE"] == []
