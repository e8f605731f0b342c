"""A console with a little of everything, and how a browser shows it."""

from pathlib import Path

from selenium import webdriver
from selenium.webdriver.support.wait import WebDriverWait

from core.types import Answer
from db.handover import Handovers
from db.inbox import Inbox, NewUpdate
from kb.releases.ingestor import IncomingFile
from tests.console.browser import barriers, set_screen
from tests.kb.workshop import Workshop

FAQ = "\n".join(
    f"How do I order spare part number {n}?,Write to our workshop and name part {n}."
    for n in range(8)
)
HOURS = 'question,answer\nAre you open on Sundays?,"Yes, from 10 to 16."\n'
CLOSED = HOURS + 'Are you open on a Sunday?,"No, on Monday to Friday alone."\n'
WIDTHS = (390, 1280)


async def fill(shop: Workshop) -> None:
    """Let customers have asked, and an operator have changed, a little of everything."""
    table = f"question,answer\n{FAQ}\n".encode()
    await shop.ingestor.ingest([IncomingFile("spare-parts.csv", table)])
    await shop.ingestor.ingest([IncomingFile("hours.csv", CLOSED.encode())])
    guide = b"# Shipping\n\nWe ship to Norway, Sweden and Finland by boat, within two weeks.\n"
    await shop.ingestor.ingest([IncomingFile("shipping.md", guide)])
    entry, *_ = await shop.entries.find(documents="spare-parts.csv")
    await shop.entries.change(entry.chunk_id, "answer", text="By phone only.", author="Ada")
    for question in ("Do you ship to Norway?", "to Norway do you ship", "Averyveryverylong" * 12):
        unknown = Answer("unknown", "I don't know that.", "en", urgency="urgent")
        await shop.conversations.record(question, unknown, chat="web:1", channel="web")
    inbox = Inbox(shop.database, bot_id=7)
    await inbox.store([NewUpdate(n, 5, "{}", "Averyveryverylong" * 12) for n in range(2)])
    await inbox.start(1)
    given = Answer("faq", "By phone only.", "en", confidence=0.9)
    answer = await shop.conversations.record("Part 0?", given, chat="web:2", channel="web")
    await Handovers(shop.database).note("web:2", "@ada #parts")
    await shop.conversations.give_feedback(answer, helpful=False, reason="wrong")
    person = Answer("smalltalk", "One moment.", "en", intent="person")
    for number in range(40):  # for the map
        question = f"{'How heavy is bike' if number % 3 else 'A person about my order'} {number}?"
        said = given if number % 3 else person
        await shop.conversations.record(question, said, chat=f"web:{number + 9}", channel="web")


def show(browser: webdriver.Chrome, folder: Path, name: str) -> None:
    """Take a picture of the page at each width; nothing of it may lie beside the screen, nor keep
    anybody from using it."""
    # By a script: looking for what is absent spends the browser's implicit wait.
    looking = "return document.querySelector('script[data-seconds]') !== null"
    WebDriverWait(browser, 30, poll_frequency=0.05).until_not(lambda b: b.execute_script(looking))
    for width in WIDTHS:
        set_screen(browser, width=width, height=900, phone=width < 500)
        browser.save_screenshot(str(folder / f"{name}-{width}.png"))
        wide = browser.execute_script(
            "return [document.documentElement, document.querySelector('nav')]"
            ".some(e => e.scrollWidth > e.clientWidth)"
        )
        assert not wide, f"{name} scrolls sideways at {width} px"
        found = barriers(browser)
        assert not found, f"{name} at {width} px: {found}"
        log = browser.get_log("browser")  # type: ignore[no-untyped-call]
        assert [entry["message"] for entry in log if entry["level"] == "SEVERE"] == []
