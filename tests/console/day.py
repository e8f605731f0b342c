"""Take the pictures of `docs/console.md`: a day of an operator of the demo shop.

``python -m tests.console.day docs/images`` needs no model: the pages are real, over the demo's
files, and what customers asked is written into the database.
"""

import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from starlette.types import ASGIApp

from console.knowledge import Editing
from core.types import Answer, Source
from db.handover import number_of
from kb.releases.ingestor import IncomingFile
from tests.console.browser import missing_browser, open_browser, set_scheme, set_screen
from tests.console.conftest import Builder, records_of
from tests.console.fakes import ANSWERS, FAQ_QUESTION, ScriptedDesk
from tests.console.served import served
from tests.console.uploads import upload_desk
from tests.fakes import WordEmbedder
from tests.kb.workshop import InProcess, Workshop, library_of, tracer_of, workshop

_DEMO = Path(__file__).parents[2] / "demo" / "faq.csv"
_TIMEOUT_S = 300
_BUSY = "script[data-seconds]"
_WHEEL = "My Heron arrived with a bent wheel. What now?"
_HELMETS = ("Do you rent out helmets?", "Do you rent helmets out?")
_TEST_RIDE = "Can I test ride a bike before I buy it?"


async def fill(shop: Workshop, builder: Builder) -> None:
    """Let the demo be live, customers have asked, and one of them wait for a person."""
    await shop.ingestor.ingest([IncomingFile("demo/faq.csv", _DEMO)])
    await builder.records.accounts.invite("Ada", "agent")
    (entry,) = await shop.entries.find(_TEST_RIDE)
    source = Source(entry.chunk_id, entry.doc_id, entry.text, "", entry.answer, 0.9, "")
    ride = replace(ANSWERS[FAQ_QUESTION], sources=(source,), text=entry.answer)
    unknown = Answer("unknown", "I don't know that. Shall I ask a person?", "en", confidence=0.06)
    person = Answer("smalltalk", "A person will reply to you here.", "en", 1.0, intent="person")
    asked = [(FAQ_QUESTION, ride), (_TEST_RIDE, ride), *((one, unknown) for one in _HELMETS)]
    asked += [("Do you sell inflatable kayaks?", unknown), (_WHEEL, unknown), ("A person", person)]
    for number, (question, answer) in enumerate(asked):
        chat = f"widget:{min(number, 5)}"
        given = await shop.conversations.record(question, answer, chat=chat, channel="widget")
        if answer is ride:
            await shop.conversations.give_feedback(given, helpful=True)
    number = number_of("widget:5")
    await builder.records.handovers.ask(
        number, reason=_WHEEL, language="en", urgency="urgent", chat="widget:5"
    )


@asynccontextmanager
async def console(_: Sequence[str]) -> AsyncIterator[Sequence[ASGIApp]]:
    """Yield the console of the demo shop."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            workshop(Path(folder), WordEmbedder(), parser=InProcess()) as shop,
            upload_desk(shop) as desk,
        ):
            builder = Builder(ScriptedDesk(), records_of(shop.database), shop.database)
            await fill(shop, builder)
            yield (
                builder.build(
                    editing=Editing(shop.entries, shop.releases),
                    questions=library_of(shop).questions,
                    uploads=desk,
                    tracer=tracer_of(shop),
                ),
            )


def take_day(browser: webdriver.Chrome, url: str, folder: Path) -> None:
    """Save ``day-01.webp`` to ``day-10.webp``."""
    taken = 0

    def take() -> None:
        nonlocal taken
        taken += 1
        picture = Image.open(BytesIO(browser.get_screenshot_as_png()))
        picture.save(folder / f"day-{taken:02}.webp", quality=80)

    def settle() -> None:
        # In one script: between two the page may be another that has nothing yet.
        WebDriverWait(browser, _TIMEOUT_S).until(
            lambda b: b.execute_script(
                "return document.readyState == 'complete' && !document.querySelector(arguments[0])",
                _BUSY,
            )
        )

    def open_page(path: str) -> None:
        browser.get(f"{url}/console/{path}")
        settle()

    def press(button: str, text: str = "", field: str = "") -> None:
        if field:
            browser.find_element(By.CSS_SELECTOR, field).send_keys(text)
        old = browser.find_element(By.TAG_NAME, "html")
        browser.find_element(By.CSS_SELECTOR, button).click()
        WebDriverWait(browser, _TIMEOUT_S).until(
            lambda b: old != b.find_element(By.TAG_NAME, "html")
        )
        settle()

    open_page("conversations")
    take()
    press(".cards a")
    press("form[action$=assign] button", "Ada", "#account")
    press(
        "form[action$=note] button",
        "Second one this week: told the workshop. #wheels",
        "#note-text",
    )
    press("form[action$=reply] button", "I am sorry. We change the wheel for free.", "#reply-text")
    browser.execute_script("window.scrollTo(0, 0)")
    take()
    open_page("questions")
    take()
    press(".cards h2 a")
    press("form[action$=answer] button", "Yes, in all sizes, for 3 euros a day.", "#entry-answer")
    take()
    press(".steps .primary")
    take()
    open_page("knowledge?q=test+ride")
    take()
    press(".cards h3 a")
    take()
    open_page("bench")
    press("form .primary", "Do you rent out helmets?", "#question")
    take()
    open_page("figures")
    take()
    open_page("release?number=1")
    take()


def main() -> int:
    """Run from the command line."""
    if len(sys.argv) != 2 or missing_browser():
        sys.stderr.write(f"{missing_browser() or __doc__}\n")
        return 2
    with served(console) as (url,), open_browser() as browser:
        set_screen(browser, width=900, height=820, scale=1)
        set_scheme(browser, "light")
        take_day(browser, url, Path(sys.argv[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
