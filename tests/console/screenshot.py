"""Take pictures of a running service: the demo's questions, the console, and a file's preview.

``python -m tests.console.screenshot http://127.0.0.1:8080 docs/images [WEBSITE]``; with a website
that the widget is on for, also conversations of its visitors.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.console.browser import (
    PHONE_WIDTH,
    missing_browser,
    open_browser,
    set_scheme,
    set_screen,
)

_TIMEOUT_S = 90
_FILE = "autumn-offers.csv"
_ENTRIES = """question,answer,valid until
Can I test ride a bike before I buy it?,"Yes. A test ride costs 15 euros and lasts 30 minutes.",
How long does it take to charge the Heron battery?,"5.5 hours from empty to full.",
What time does the ferry to the island leave?,"Every day at 9:30 from the harbour.",2026-12-31
Do you lend helmets?,,
"""
"""One entry differs from the demo's, one has another figure, one is new and one has no answer."""


def wait_for_answers(browser: webdriver.Chrome, number: int) -> None:
    """Wait until the page shows so many whole answers."""

    def there(browser: webdriver.Chrome) -> bool:
        answers = browser.find_elements(By.CSS_SELECTOR, ".answer:not(.pending)")
        return len(answers) == number

    WebDriverWait(browser, _TIMEOUT_S, poll_frequency=0.1).until(there)


def ask_examples(browser: webdriver.Chrome, url: str) -> None:
    """Ask every question that the page offers, one after the other, and open the last source."""
    browser.get(url)
    texts = [
        button.get_attribute("value") or ""
        for button in browser.find_elements(By.CSS_SELECTOR, ".examples button")
    ]
    for number, text in enumerate(texts, start=1):
        browser.find_element(By.ID, "question").send_keys(text)
        browser.find_element(By.CSS_SELECTOR, ".send").click()
        wait_for_answers(browser, number)
    sources = browser.find_elements(By.CSS_SELECTOR, ".sources summary")
    if sources:
        browser.execute_script("arguments[0].parentElement.open = true", sources[-1])
    browser.execute_script("document.activeElement.blur(); window.scrollTo(0, 0)")


def preview_file(browser: webdriver.Chrome, url: str, folder: Path) -> None:
    """Send a file on the console, and wait until its preview is there."""
    file = folder / _FILE
    file.write_text(_ENTRIES, "utf-8")
    browser.get(f"{url}/console/uploads")
    browser.find_element(By.CSS_SELECTOR, "input[type=file]").send_keys(str(file.absolute()))
    browser.find_element(By.CSS_SELECTOR, "#upload .primary").click()
    WebDriverWait(browser, _TIMEOUT_S).until(
        lambda b: bool(b.find_elements(By.CSS_SELECTOR, ".steps"))
    )


def take_pictures(url: str, folder: Path) -> list[Path]:
    """Save ``try-it.png`` and its variants, and ``console.png``."""
    album = _Album(folder)
    with open_browser() as browser:
        set_screen(browser, width=960, height=1120, scale=2)
        set_scheme(browser, "light")
        browser.get(url)
        album.save(browser, "try-it-empty")
        ask_examples(browser, url)
        album.save(browser, "try-it")
        set_scheme(browser, "dark")
        album.save(browser, "try-it-dark")
        set_scheme(browser, "light")
        set_screen(browser, width=PHONE_WIDTH, height=760, scale=2, phone=True)
        album.save(browser, "try-it-phone")
        set_screen(browser, width=1000, height=900, scale=2)
        browser.get(f"{url}/console")
        album.save(browser, "console")
    return album.saved


def take_upload_pictures(url: str, folder: Path) -> list[Path]:
    """Save ``upload.png``, ``uploads.png`` and their variants; what was sent is discarded."""
    album = _Album(folder)
    with open_browser() as browser:
        set_screen(browser, width=1000, height=1240, scale=2)
        set_scheme(browser, "light")
        with TemporaryDirectory() as temporary:
            preview_file(browser, url, Path(temporary))
        album.save(browser, "upload")
        set_screen(browser, width=PHONE_WIDTH, height=760, scale=2, phone=True)
        album.save(browser, "upload-phone")
        browser.find_element(By.CSS_SELECTOR, ".step:last-child button").click()
        WebDriverWait(browser, _TIMEOUT_S).until(lambda b: "Discarded." in b.page_source)
        browser.get(f"{url}/console/uploads")
        album.save(browser, "uploads-phone")
        set_screen(browser, width=1000, height=900, scale=2)
        album.save(browser, "uploads")
    return album.saved


def take_conversation_pictures(url: str, website: str, folder: Path) -> list[Path]:
    """Save ``conversations.png`` and ``conversation.png`` of a service whose widget
    is on for a website: a visitor asks, calls a person, and reads the reply."""
    album = _Album(folder)
    headers = {"Origin": website}
    with httpx.Client(base_url=url, timeout=_TIMEOUT_S) as client, open_browser() as browser:
        asked = {"question": "Can I try a bike before I buy it?", "languages": "en"}
        last = client.post("/widget/ask", json=asked, headers=headers).text.splitlines()[-2]
        session = json.loads(last.removeprefix("data: "))["session"]
        called = {"message": "My Heron arrived with a bent wheel. What now?", "session": session}
        client.post("/widget/person", json=called, headers=headers).raise_for_status()
        set_screen(browser, width=1000, height=900, scale=2)
        set_scheme(browser, "light")
        browser.get(f"{url}/console/conversations")
        album.save(browser, "conversations")
        browser.find_element(By.CSS_SELECTOR, ".cards a").click()
        number = browser.find_element(By.NAME, "number").get_attribute("value") or ""
        for step, text in (
            ("note", "Second bent Heron wheel this week: told the workshop."),
            ("reply", "I am sorry about that. We pick the bike up and change the wheel for free."),
        ):
            form = {"number": number, "text": text}
            client.post(f"/console/conversation/{step}", data=form)
        set_screen(browser, width=1000, height=1160, scale=2)
        browser.get(f"{url}/console/conversation?answer={number}")
        album.save(browser, "conversation")
    return album.saved


class _Album:
    """Pictures in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.saved: list[Path] = []

    def save(self, browser: webdriver.Chrome, name: str) -> None:
        path = self._folder / f"{name}.png"
        if not browser.save_screenshot(str(path)):
            raise OSError(f"{str(path)!r} could not be written.")
        self.saved.append(path)


def main() -> int:
    """Run from the command line."""
    if len(sys.argv) not in (3, 4) or missing_browser():
        sys.stderr.write(f"{missing_browser() or __doc__}\n")
        return 2
    url, folder = sys.argv[1].rstrip("/"), Path(sys.argv[2])
    saved = take_pictures(url, folder) + take_upload_pictures(url, folder)
    if len(sys.argv) == 4:
        saved += take_conversation_pictures(url, sys.argv[3], folder)
    for path in saved:
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
