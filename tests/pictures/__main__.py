"""Run from the command line: ``python -m tests.pictures docs/pictures``."""

import asyncio
import sys
import tempfile
from pathlib import Path

from PIL import Image
from selenium.webdriver.common.by import By

from tests.console.browser import missing_browser, open_browser, set_screen
from tests.pictures import __doc__ as usage
from tests.pictures.page import Panel, page
from tests.pictures.scenes import SCENES, stage

_COLOURS = 224
"""Of one picture; it is half as large as with all of them."""


async def _play() -> dict[str, list[Panel]]:
    async with stage() as on:
        return {name: await scene(on) for name, scene in SCENES.items()}


def _photograph(scenes: dict[str, list[Panel]], folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    saved = []
    with open_browser() as browser, tempfile.TemporaryDirectory() as pages:
        for name, panels in scenes.items():
            html = Path(pages) / f"{name}.html"
            html.write_text(page(panels), "utf-8")
            set_screen(browser, width=1400, height=1000, scale=1.5)
            browser.get(html.as_uri())
            height = browser.execute_script("return document.body.scrollHeight")
            set_screen(browser, width=1400, height=height, scale=1.5)
            path = folder / f"telegram-{name}.png"
            if not browser.find_element(By.TAG_NAME, "body").screenshot(str(path)):
                raise OSError(f"{str(path)!r} could not be written.")
            Image.open(path).convert("RGB").quantize(_COLOURS).save(path, optimize=True)
            saved.append(path)
    return saved


def main() -> int:
    """Take the pictures."""
    if len(sys.argv) != 2 or missing_browser():
        sys.stderr.write(f"{missing_browser() or usage}\n")
        return 2
    for path in _photograph(asyncio.run(_play()), Path(sys.argv[1])):
        sys.stdout.write(f"{path} {path.stat().st_size // 1000} kB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
