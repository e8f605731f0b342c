"""The workbench in a real Chromium: every page on a phone and a desk, by keyboard, no script."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait
from starlette.types import ASGIApp

from console.knowledge import Editing
from tests.console.browser import missing_browser, open_browser, set_screen
from tests.console.conftest import Builder, records_of
from tests.console.fakes import ScriptedDesk
from tests.console.filled import HOURS, fill, show
from tests.console.served import served
from tests.console.uploads import upload_desk
from tests.fakes import WordEmbedder
from tests.kb.workshop import InProcess, library_of, tracer_of, workshop

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(missing_browser()), reason=missing_browser() or "can run"),
]

_TIMEOUT_S = 30


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
            "figures/map",
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
            "document?name=hours.csv",
        ):
            browser.get(f"{url}/console/{path}")
            show(browser, tmp_path, path.partition("?")[0].strip("./").replace("/", "-") or "home")
        browser.get(url)
        show(browser, tmp_path, "try-it")
        browser.get(f"{url}/console/knowledge")
        browser.find_element(By.CSS_SELECTOR, ".cards h3 a").click()
        show(browser, tmp_path, "entry")

        text = browser.find_element(By.ID, "text")
        text.clear()
        text.send_keys("By letter.", Keys.TAB, Keys.TAB, Keys.ENTER)
        browser.find_element(
            By.CSS_SELECTOR, "#answers ~ ul mark"
        )  # the page looks again by itself
        show(browser, tmp_path, "entry-preview")
        text = browser.find_element(By.ID, "text")
        assert text.get_attribute("value") == "By letter."
        text.clear()
        text.send_keys("By post.")
        script = "document.querySelector('#text').form.elements.id.value = 'f'.repeat(32)"
        browser.execute_script(script)  # as if somebody had changed the entry meanwhile
        text.submit()
        browser.find_element(By.CSS_SELECTOR, "[role=alert]")
        browser.get_log("browser")  # type: ignore[no-untyped-call]  # that it was refused
        show(browser, tmp_path, "entry-refused")

        browser.get(f"{url}/console/contradictions")
        browser.find_element(By.CSS_SELECTOR, "main form button").click()
        browser.find_element(By.TAG_NAME, "summary").click()
        show(browser, tmp_path, "contradictions")

        (tmp_path / "hours.csv").write_text(HOURS.replace("16", "17"))
        browser.get(f"{url}/console/uploads")
        browser.find_element(By.NAME, "files").send_keys(str(tmp_path / "hours.csv"))
        browser.find_element(By.CSS_SELECTOR, "main form .primary").click()
        browser.find_element(By.ID, "removed")
        show(browser, tmp_path, "preview-of-a-file")

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
        Select(browser.find_element(By.ID, "release")).select_by_value("")
        Select(browser.find_element(By.ID, "setting")).select_by_value("answers.answer_at")
        browser.find_element(By.ID, "value").send_keys("0.9999")
        browser.find_element(By.CSS_SELECTOR, "form .primary").click()
        browser.find_element(By.CSS_SELECTOR, ".channel mark")
        show(browser, tmp_path, "bench-settings")

        browser.get(f"{url}/console/questions")
        browser.find_element(By.PARTIAL_LINK_TEXT, "Norway").send_keys(Keys.ENTER)
        browser.find_element(By.XPATH, "//summary[contains(., 'Nearest sections')]").click()
        show(browser, tmp_path, "question")
        browser.find_element(By.ID, "entry-answer").send_keys("Yes.", Keys.TAB, Keys.ENTER)
        browser.find_element(By.XPATH, "//button[text()='Apply']")  # the page looks again by itself
        show(browser, tmp_path, "preview")


def test_charts_are_drawn_and_lead_to_the_questions_behind_them(url: str) -> None:
    drawn = (
        "return [...document.querySelectorAll('canvas')].map(c => Chart.getChart(c).config.type)"
    )
    press = """
        const chart = Chart.getChart(document.querySelector(arguments[0]));
        const {x, y} = chart.getDatasetMeta(0).data[0].getCenterPoint();
        const {left, top} = chart.canvas.getBoundingClientRect();
        const at = {clientX: left + x, clientY: top + y, bubbles: true};
        chart.canvas.dispatchEvent(new MouseEvent("click", at));
    """
    with open_browser() as browser:
        browser.implicitly_wait(_TIMEOUT_S)
        set_screen(browser, width=1280, height=900)
        browser.get(f"{url}/console/figures")
        browser.find_element(By.CSS_SELECTOR, "#hours ~ * canvas")
        charts, tables = (
            browser.execute_script(drawn),
            browser.find_elements(By.CSS_SELECTOR, ".bars"),
        )
        assert charts == ["bar"] * len(tables)
        browser.execute_script(press, "#outcome ~ * canvas")
        WebDriverWait(browser, _TIMEOUT_S).until(lambda b: "/console/answers?" in b.current_url)
        browser.get(f"{url}/console/figures/map")
        browser.find_element(By.CSS_SELECTOR, "#map canvas")
        assert browser.execute_script(drawn) == ["scatter"]
        browser.execute_script(press, "#map canvas")
        WebDriverWait(browser, _TIMEOUT_S).until(lambda b: "group=" in b.current_url)
        assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]
