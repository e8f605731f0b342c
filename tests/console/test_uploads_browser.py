"""The page of files in a real Chromium: drop, look, apply, undo; also without scripts."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from starlette.types import ASGIApp

from core.types import Answer
from db.golden import Golden
from tests.console.browser import (
    PHONE_WIDTH,
    missing_browser,
    open_browser,
    press,
    set_screen,
    set_scripts,
)
from tests.console.conftest import Builder, records_of
from tests.console.fakes import ScriptedDesk
from tests.console.screenshot import take_upload_pictures
from tests.console.served import served
from tests.console.uploads import FIRST, MAX_FILE_BYTES, SECOND, upload_desk
from tests.fakes import WordEmbedder
from tests.kb.workshop import workshop

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(missing_browser()), reason=missing_browser() or "can run"),
]

_TIMEOUT_S = 30
_DROP = """
const moved = new DataTransfer();
for (const [name, text] of arguments[0]) moved.items.add(new File([text], name));
for (const kind of ["dragover", "drop"]) {
  document.body.dispatchEvent(
    new DragEvent(kind, { dataTransfer: moved, bubbles: true, cancelable: true }));
}
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a console over a knowledge base that customers have asked and that has a golden one."""
    folder: Path = tmp_path_factory.mktemp("shop")

    @asynccontextmanager
    async def console(_: Sequence[str]) -> AsyncIterator[Sequence[ASGIApp]]:
        async with workshop(folder, WordEmbedder()) as shop, upload_desk(shop) as desk:
            await shop.put(faq=FIRST)
            await shop.golden.add([Golden("Is the moon far?", refuse=True)])
            await shop.conversations.record(
                "can i return it?", Answer("faq", "Yes.", "en"), chat="web:1", channel="web"
            )
            app = Builder(ScriptedDesk(), records_of(shop.database), shop.database).build(
                uploads=desk, max_file_mb=MAX_FILE_BYTES >> 20
            )
            yield (app,)

    with served(console) as (url,):
        yield f"{url}/console/uploads"


def shown(browser: webdriver.Chrome) -> str:
    """Return the text of the page, in one call: it may be replaced between two."""
    return str(browser.execute_script("return document.body ? document.body.innerText : ''"))


def wait_for(browser: webdriver.Chrome, text: str) -> None:
    WebDriverWait(browser, _TIMEOUT_S, poll_frequency=0.05).until(lambda b: text in shown(b))


def assert_fits_a_phone(browser: webdriver.Chrome) -> None:
    set_screen(browser, width=PHONE_WIDTH, height=760, phone=True)
    wide = browser.execute_script(
        "return document.documentElement.scrollWidth > document.documentElement.clientWidth"
    )
    assert not wide, "the page scrolls sideways on a phone"
    set_screen(browser, width=1000, height=900)


def test_an_operator_drops_a_file_looks_applies_and_undoes(url: str, tmp_path: Path) -> None:
    with open_browser() as browser:
        set_screen(browser, width=1000, height=900)
        browser.get(url)
        assert_fits_a_phone(browser)
        browser.execute_script(_DROP, [["big.csv", "x" * (MAX_FILE_BYTES + 1)]])
        wait_for(browser, "Too large: big.csv.")
        press(browser, "#upload .primary")
        wait_for(browser, "Too large: big.csv.")

        browser.execute_script(_DROP, [["faq.txt", SECOND], ["more.txt", "Do you ship?|Never."]])
        wait_for(browser, "more.txt, 1 kB")
        assert "Too large" not in shown(browser)
        press(browser, "#upload .primary")
        wait_for(browser, "Nothing is changed yet.")
        page = shown(browser)
        assert "“Do you ship?” is answered otherwise in faq.txt" in page
        assert "may change. Of the 1 most frequent recent question and 1 golden question" in page
        assert "“Yes, within 30 days.” → “Yes, within 60 days.”" in page
        browser.save_screenshot(str(tmp_path / "preview.png"))
        assert_fits_a_phone(browser)

        press(browser, ".step .primary")
        wait_for(browser, "Release 2 is live.")
        press(browser, ".step button")
        wait_for(browser, "What release 1 held is live again.")
        log = browser.get_log("browser")  # type: ignore[no-untyped-call]
        assert [entry["message"] for entry in log if entry["level"] == "SEVERE"] == []


def test_without_scripts_a_file_is_chosen_and_discarded(url: str, tmp_path: Path) -> None:
    file = tmp_path / "faq.txt"
    file.write_text(FIRST + "Are you open?|Always.\n")
    with open_browser() as browser:
        set_screen(browser, width=1000, height=900)
        browser.get(url)
        set_scripts(browser, enabled=False)
        browser.get(url)
        browser.find_element(By.CSS_SELECTOR, "input[type=file]").send_keys(str(file))
        press(browser, "#upload .primary")
        wait_for(browser, "Nothing is changed yet.")
        press(browser, ".step:last-child button")
        wait_for(browser, "Discarded.")


def test_the_script_for_the_readme_takes_pictures_of_the_page_of_files(
    url: str, tmp_path: Path
) -> None:
    pictures = take_upload_pictures(url.removesuffix("/console/uploads"), tmp_path)
    assert {"upload.png", "upload-phone.png", "uploads.png"} <= {p.name for p in pictures}
    assert all(picture.read_bytes().startswith(b"\x89PNG") for picture in pictures)
