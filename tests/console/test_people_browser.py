"""Accounts in a real Chromium, on a phone and a desk: from the invitation to a code."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pyotp
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select
from starlette.types import ASGIApp

from tests.console.browser import barriers, missing_browser, open_browser, set_screen
from tests.console.conftest import Builder, records_of
from tests.console.fakes import ScriptedDesk
from tests.console.filled import show
from tests.console.served import served
from tests.database import empty_database

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(missing_browser()), reason=missing_browser() or "can run"),
]

PASSWORD = "battery staple"


@pytest.fixture
def link(tmp_path: Path) -> Iterator[str]:
    """Serve a console and yield the link of an owner's invitation."""
    tokens: list[str] = []

    @asynccontextmanager
    async def console(_: Sequence[str]) -> AsyncIterator[Sequence[ASGIApp]]:
        async with empty_database(tmp_path) as database:
            builder = Builder(ScriptedDesk(), records_of(database), database)
            tokens.append(await builder.records.accounts.invite("Ada", "owner"))
            yield (builder.build(password="of the console"),)

    with served(console) as (url,):
        yield f"{url}/invitation?token={tokens[0]}"


def type_into(browser: webdriver.Chrome, *fields: tuple[str, str]) -> None:
    """Fill in fields by their ids and send the form by keyboard."""
    for name, text in fields:
        browser.find_element(By.ID, name).send_keys(text)
    browser.find_element(By.ID, fields[-1][0]).send_keys(Keys.ENTER)


def test_from_an_invitation_to_a_login_with_a_code(link: str, tmp_path: Path) -> None:
    with open_browser() as browser:
        browser.implicitly_wait(30)
        set_screen(browser, width=1280, height=900)
        browser.get(link)
        assert barriers(browser) == []
        type_into(browser, ("password", PASSWORD))
        browser.find_element(By.LINK_TEXT, "People").click()
        type_into(browser, ("name", "Bob"))
        browser.find_element(By.PARTIAL_LINK_TEXT, "Who did what")
        assert "/invitation?token=" in browser.find_element(By.CSS_SELECTOR, "[role=status]").text
        for summary in browser.find_elements(By.TAG_NAME, "summary"):
            summary.click()
        show(browser, tmp_path, "people")
        browser.find_element(By.PARTIAL_LINK_TEXT, "Who did what").click()
        browser.find_element(By.LINK_TEXT, "Download as CSV")
        show(browser, tmp_path, "audit")

        browser.find_element(By.LINK_TEXT, "My account").click()
        for language, seen in (("zh_CN", "成员"), ("en", "People")):
            chosen = Select(browser.find_element(By.ID, "language"))
            chosen.select_by_value(language)
            browser.find_element(By.CSS_SELECTOR, "#language + button").click()
            browser.find_element(By.LINK_TEXT, seen)
            show(browser, tmp_path, f"account-{language}")
        browser.find_element(By.XPATH, "//button[text()='Set up']").click()
        secret = browser.find_element(By.NAME, "secret").get_attribute("value") or ""
        show(browser, tmp_path, "app")
        code = pyotp.TOTP(secret).now()
        type_into(browser, ("app-code", code), ("app-password", PASSWORD))
        recovery = browser.find_element(By.CSS_SELECTOR, ".recovery code").text
        show(browser, tmp_path, "account")

        browser.find_element(By.XPATH, "//button[text()='Log out']").click()
        assert barriers(browser) == []
        type_into(browser, ("name", "ada"), ("password", PASSWORD))
        browser.find_element(By.ID, "code")
        assert barriers(browser) == []
        type_into(browser, ("code", recovery))
        browser.find_element(By.LINK_TEXT, "Console")  # of the try-it page, as after the log-out
