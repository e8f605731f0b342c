"""The workbench in a real Chromium: every page on a phone and a desk, by keyboard, no script."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select
from starlette.types import ASGIApp

from console.knowledge import Editing
from core.types import Answer
from db.group_commit import GroupCommit
from db.handover import Handovers
from db.inbox import Inbox, NewUpdate
from kb.releases.ingestor import IncomingFile
from tests.console.browser import barriers, missing_browser, open_browser, set_screen
from tests.console.conftest import Builder, records_of
from tests.console.fakes import ScriptedDesk
from tests.console.served import served
from tests.console.test_uploads import upload_desk
from tests.fakes import WordEmbedder
from tests.kb.workshop import InProcess, Workshop, library_of, tracer_of, workshop

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(missing_browser()), reason=missing_browser() or "can run"),
]

FAQ = "\n".join(
    f"How do I order spare part number {n}?,Write to our workshop and name part {n}."
    for n in range(8)
)
WIDTHS = (390, 1280)
_TIMEOUT_S = 30


async def fill(shop: Workshop) -> None:
    """Let customers have asked, and an operator have changed, a little of everything."""
    table = f"question,answer\n{FAQ}\n".encode()
    await shop.ingestor.ingest([IncomingFile("spare-parts.csv", data=table)])
    entry, *_ = await shop.entries.find()
    await shop.entries.change(entry.chunk_id, "answer", text="By phone only.", author="Ada")
    for question in ("Do you ship to Norway?", "to Norway do you ship", "Averyveryverylong" * 12):
        unknown = Answer("unknown", "I don't know that.", "en", urgency="urgent")
        await shop.conversations.record(question, unknown, chat="web:1", channel="web")
    inbox = Inbox(shop.database, GroupCommit(shop.database), bot_id=7)
    await inbox.store([NewUpdate(n, 5, "{}", "Averyveryverylong" * 12) for n in range(2)])
    await inbox.start(1)
    given = Answer("faq", "By phone only.", "en", confidence=0.9)
    answer = await shop.conversations.record("Part 0?", given, chat="web:2", channel="web")
    await Handovers(shop.database, GroupCommit(shop.database)).note("web:2", "@ada #parts")
    await shop.conversations.give_feedback(answer, helpful=False, reason="wrong")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a console over a knowledge base in use."""
    folder: Path = tmp_path_factory.mktemp("shop")

    @asynccontextmanager
    async def console(_: Sequence[str]) -> AsyncIterator[Sequence[ASGIApp]]:
        async with (
            workshop(folder, WordEmbedder(), parser=InProcess()) as shop,
            upload_desk(shop) as desk,
        ):
            await fill(shop)
            app = Builder(ScriptedDesk(), records_of(shop.database), shop.database).build(
                editing=Editing(shop.entries, shop.releases),
                questions=library_of(shop).questions,
                uploads=desk,
                tracer=tracer_of(shop),
            )
            yield (app,)

    with served(console) as (url,):
        yield url


def show(browser: webdriver.Chrome, folder: Path, name: str) -> None:
    """Take a picture of the page at each width; nothing of it may lie beside the screen, nor keep
    anybody from using it."""
    for width in WIDTHS:
        set_screen(browser, width=width, height=900, phone=width < 500)
        browser.save_screenshot(str(folder / f"{name}-{width}.png"))
        wide = browser.execute_script(
            "return [document.documentElement, document.querySelector('nav')]"
            ".some(e => e.scrollWidth > e.clientWidth)"
        )
        assert not wide, f"{name} scrolls sideways at {width} px"
        assert barriers(browser) == [], f"{name} at {width} px"
        log = browser.get_log("browser")  # type: ignore[no-untyped-call]
        assert [entry["message"] for entry in log if entry["level"] == "SEVERE"] == []


def test_every_page_fits_and_a_question_is_answered_by_keyboard(url: str, tmp_path: Path) -> None:
    with open_browser() as browser:
        browser.implicitly_wait(_TIMEOUT_S)
        set_screen(browser, width=1280, height=900)
        for path in (
            "",
            "questions",
            "questions/dismissed",
            "knowledge",
            "release?number=1",
            "uploads",
            "conversations",
            "figures",
            "answers",
            "conversation?answer=1",
            "careful?scope=shadow&sure=hold",
            "mishaps",
            "programs",
            "../api/v1/docs",
            "people",
            "account",
            "audit",
            "settings",
        ):
            browser.get(f"{url}/console/{path}")
            show(browser, tmp_path, path.partition("?")[0].strip("./").replace("/", "-") or "home")
        browser.get(url)
        show(browser, tmp_path, "try-it")
        browser.get(f"{url}/console/knowledge")
        browser.find_element(By.CSS_SELECTOR, ".cards h3 a").click()
        show(browser, tmp_path, "entry")

        browser.get(f"{url}/console/bench")
        question = browser.find_element(By.ID, "question")
        question.send_keys("How do I order spare part number 3?", Keys.TAB, Keys.TAB, Keys.ENTER)
        browser.find_element(By.ID, "candidates")
        show(browser, tmp_path, "bench")
        browser.find_element(By.TAG_NAME, "summary").click()
        Select(browser.find_element(By.ID, "release")).select_by_value("1")
        browser.find_element(By.CSS_SELECTOR, "form .primary").click()
        browser.find_element(By.ID, "compared")
        show(browser, tmp_path, "bench-compared")

        browser.get(f"{url}/console/questions")
        browser.find_element(By.PARTIAL_LINK_TEXT, "Norway").send_keys(Keys.ENTER)
        show(browser, tmp_path, "question")
        browser.find_element(By.ID, "entry-answer").send_keys("Yes.", Keys.TAB, Keys.ENTER)
        browser.find_element(By.XPATH, "//button[text()='Apply']")  # the page looks again by itself
        show(browser, tmp_path, "preview")
