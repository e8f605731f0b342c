"""The demo shop: what a new installation answers for until it has files of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

from app.files import collect
from app.paths import PROJECT
from app.wiring import Knowledge
from kb.ingest.prepare import OnProgress

_FOLDER = PROJECT / "demo"
_PREFIX = "demo/"


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo as `demo/demo.yaml` describes it."""

    files: tuple[Path, ...]
    questions: tuple[str, ...]
    """Offered on the try-it page."""


def read_demo() -> Demo:
    """Return the demo's files and questions."""
    described = yaml.safe_load((_FOLDER / "demo.yaml").read_text("utf-8"))
    return Demo(
        files=tuple(_FOLDER / name for name in described["knowledge"]),
        questions=tuple(question["text"] for question in described["questions"]),
    )


async def ingest_demo_if_empty(
    knowledge: Knowledge, *, say: Callable[[str], None], on_progress: OnProgress | None = None
) -> None:
    """Index the demo shop in a knowledge base that never had a release and has no sources."""
    if knowledge.config.refresh.sources or await knowledge.release_rows.current() is not None:
        return
    say("The knowledge base is empty: indexing the demo shop.")
    files = collect(read_demo().files, prefix=_PREFIX)
    report = await knowledge.ingestor.ingest(files, note="demo shop", on_progress=on_progress)
    for file in report.files:
        if file.error:
            say(file.error)


async def demo_hint(knowledge: Knowledge) -> str:
    """Return a sentence if the demo is still there beside files of one's own, else nothing."""
    live = await knowledge.release_rows.current()
    if live is None:
        return ""
    documents = await knowledge.release_rows.documents(live.number)
    demo = [name for name in documents if name.startswith(_PREFIX)]
    if demo and len(demo) < len(documents):
        return "The demo shop is still in there: `answerdesk remove 'demo/*'` takes it out."
    return ""
