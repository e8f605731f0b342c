"""What several commands need: configuration, an open knowledge base, progress."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape

from app import output
from app.demo import ingest_demo_if_empty
from app.paths import find_paths
from app.settings import SettingsFile
from app.wiring import Knowledge, open_database, open_knowledge
from core.config import Config, data_folder
from core.errors import AnswerdeskError
from db.base import Database
from kb.ingest.prepare import OnProgress, Progress
from sources import OnPage

_LINE_EVERY_S = 30
"""Seconds between lines of progress where there is no terminal."""
_PAGE_LINE_EVERY_S = 5
"""Likewise while pages are fetched, on a terminal too."""


Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Anyway = Annotated[
    bool,
    typer.Option(
        "--anyway",
        help="Publish though golden questions come out worse, or a text waits for confirmation.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change; change nothing.")]


class Failed(AnswerdeskError):
    """A command could not do what was asked."""


def read_config() -> Config:
    """Return the configuration in use."""
    return SettingsFile.find(data_folder()).load()


def open_main(*, wait_for_embedder: bool = True) -> AbstractAsyncContextManager[Knowledge]:
    """Open the main knowledge base, whatever its index is like."""
    paths = find_paths(data_folder())
    return open_knowledge(read_config(), paths, wait_for_embedder=wait_for_embedder)


def main_database() -> AbstractAsyncContextManager[Database]:
    """Open the database of the main knowledge base."""
    return open_database(read_config(), find_paths(data_folder()))


@asynccontextmanager
async def main_knowledge(*, with_demo: bool) -> AsyncIterator[Knowledge]:
    """Open the main knowledge base, its index whole; `with_demo` fills an empty one."""
    async with open_main() as knowledge:
        await knowledge.releases.open_or_rebuild(on_rebuild=_say_rebuild)
        if with_demo:
            with progress() as on_progress:
                await ingest_demo_if_empty(knowledge, say=say, on_progress=on_progress)
        await knowledge.trainer.ensure()
        yield knowledge


def say(text: str) -> None:
    """Tell the person at the terminal; standard output stays for results."""
    output.errors.print(escape(text))


@contextmanager
def progress() -> Iterator[OnProgress]:
    """Show a run of ingest while it lasts: bars on a terminal, else a line now and then."""
    said = time.monotonic()
    with output.progress() as shown:
        files = shown.add_task("files read", total=None)
        texts = shown.add_task("texts embedded", total=None)

        def report(state: Progress) -> None:
            nonlocal said
            page, pages = state.page
            what = "files read" + (f", picture {page} of {pages}" if pages else "")
            shown.update(files, completed=state.files, total=state.files_total, description=what)
            shown.update(texts, completed=state.texts, total=state.texts_total or None)
            if shown.disable and time.monotonic() - said > _LINE_EVERY_S:
                said = time.monotonic()
                say(
                    f"{state.files} of {state.files_total} {what}, "
                    f"{state.texts} of {state.texts_total} texts embedded"
                )

        yield report


def page_progress() -> OnPage:
    """Return what shows pages being fetched: a line now and then for each source."""
    said = time.monotonic()

    def report(source: str, done: int, total: int) -> None:
        nonlocal said
        if time.monotonic() - said > _PAGE_LINE_EVERY_S:
            said = time.monotonic()
            say(f"{source}: {done} of {total} pages fetched")

    return report


def moment(epoch_s: float) -> str:
    """Return a time for a table, in UTC."""
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%d %H:%M")


async def _say_rebuild(reason: str) -> None:
    say(f"The index is damaged ({reason}); it is made again from the originals.")
