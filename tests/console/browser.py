"""A headless Chromium of its own, which talks to nobody but the page under test."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

PHONE_WIDTH = 360
AXE = Path(__file__).with_name("node_modules") / "axe-core" / "axe.min.js"
_RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--lang=en-GB",
)


def missing_browser() -> str:
    """Return why no browser can be driven, empty if one can."""
    if not shutil.which("chromium"):
        return "chromium is not installed (Debian: apt-get install chromium chromium-driver)"
    if not shutil.which("chromedriver"):
        return "chromedriver is not installed (Debian: apt-get install chromium-driver)"
    return ""


@contextmanager
def open_browser() -> Iterator[webdriver.Chrome]:
    """Yield a browser with an empty profile; its console is logged."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or ""
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        for flag in (*_FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        browser = webdriver.Chrome(options, Service(shutil.which("chromedriver") or ""))
        try:
            yield browser
        finally:
            browser.quit()


def set_screen(
    browser: webdriver.Chrome, *, width: int, height: int, scale: float = 1, phone: bool = False
) -> None:
    """Give the page a size in CSS pixels; windows themselves cannot be as narrow as a phone."""
    metrics: dict[str, Any] = {
        "width": width,
        "height": height,
        "deviceScaleFactor": scale,
        "mobile": phone,
    }
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def set_scheme(browser: webdriver.Chrome, scheme: Literal["light", "dark"]) -> None:
    """Let the page believe that the system is light or dark, and that it wants no motion."""
    features = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
    pairs = [{"name": name, "value": value} for name, value in features.items()]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": pairs})


def press(browser: webdriver.Chrome, selector: str) -> None:
    """Click the first such element, brought to the middle, where no bar lies over it."""
    element = browser.find_element(By.CSS_SELECTOR, selector)
    script = "arguments[0].scrollIntoView({behavior: 'instant', block: 'center'})"
    browser.execute_script(script, element)
    element.click()


def set_scripts(browser: webdriver.Chrome, *, enabled: bool) -> None:
    """Switch JavaScript of pages on or off."""
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not enabled})


def barriers(browser: webdriver.Chrome, within: str = "html") -> list[str]:
    """Return what of WCAG 2.2 AA the page does not keep, as axe sees it; nothing without axe."""
    if not AXE.is_file():
        return []
    browser.set_script_timeout(60)
    browser.execute_script(AXE.read_text("utf-8"))
    found: list[str] = browser.execute_async_script(
        "const [within, rules, done] = arguments; axe.run(within, {runOnly: rules}).then(result =>"
        " done(result.violations.flatMap(v => v.nodes.map(n => `${v.id}: ${n.html}"
        " ${n.failureSummary}`))), error => done([String(error)]))",
        within,
        list(_RULES),
    )
    return found


def sideways(browser: webdriver.Chrome) -> int:
    """Return by how many pixels the page is wider than the screen."""
    script = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    return max(0, int(browser.execute_script(script)))  # below 0: room for a scroll bar
