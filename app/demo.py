"""The demo shop: what a new installation answers for until it has files of its own."""

from collections.abc import Callable, Sequence
from pathlib import Path

import yaml

from app.files import collect
from app.paths import PROJECT
from app.wiring import Knowledge
from db.knowledge import ReleaseRepository
from kb.ingest.prepare import OnProgress
from kb.releases.entries import Entries
from kb.text.language import detect_language

_FOLDER = PROJECT / "demo"
_LOOKED_AT, _EXAMPLES = 100, 4
"""Entries that are looked at for examples, and those that are offered."""
_PREFIX = "demo/"


def read_demo() -> tuple[list[Path], list[str]]:
    """Return the demo's files, and the questions that the try-it page offers."""
    described = yaml.safe_load((_FOLDER / "demo.yaml").read_text("utf-8"))
    files = [_FOLDER / name for name in described["knowledge"]]
    return files, [question["text"] for question in described["questions"]]


async def ingest_demo_if_empty(
    knowledge: Knowledge, *, say: Callable[[str], None], on_progress: OnProgress | None = None
) -> None:
    """Index the demo shop in a knowledge base that never had a release and has no sources."""
    if knowledge.config.refresh.sources or await knowledge.release_rows.current() is not None:
        return
    say("The knowledge base is empty: indexing the demo shop.")
    files = collect(read_demo()[0], prefix=_PREFIX)
    report = await knowledge.ingestor.ingest(files, note="demo shop", on_progress=on_progress)
    for file in report.files:
        if file.error:
            say(file.error)


class Examples:
    """Questions that an empty page offers: those chosen; without any the demo's if it is all there
    is, else some of yours. Each has its language, ISO 639-1."""

    def __init__(
        self, releases: ReleaseRepository, entries: Entries, chosen: Sequence[str] = ()
    ) -> None:
        self._chosen = [(detect_language(question), question) for question in chosen]
        self._releases = releases
        self._entries = entries
        self._release = 0
        self._questions: Sequence[tuple[str, str]] = ()

    async def __call__(self, language: str) -> Sequence[str]:
        """Return the questions, those of a language first; read once for each release."""
        live = None if self._chosen else await self._releases.current()
        if live is not None and live.number != self._release:
            self._questions = await self._read(live.number)
            self._release = live.number
        found = sorted(self._chosen or self._questions, key=lambda one: one[0] != language)
        return [question for _, question in found][: len(self._chosen) or _EXAMPLES]

    async def _read(self, release: int) -> Sequence[tuple[str, str]]:
        documents = await self._releases.documents(release)
        if all(name.startswith(_PREFIX) for name in documents):
            questions = read_demo()[1] if documents else ()
            return [(detect_language(question), question) for question in questions]
        found = await self._entries.search(kind="faq", most=_LOOKED_AT)
        own = [entry for entry in found.chunks if not entry.doc_id.startswith(_PREFIX)]
        return [(entry.language or detect_language(entry.text), entry.text) for entry in own]


async def demo_hint(knowledge: Knowledge) -> str:
    """Return a sentence if the demo is still there beside files of one's own, else nothing."""
    documents = await knowledge.release_rows.live_documents()
    demo = [name for name in documents if name.startswith(_PREFIX)]
    if demo and len(demo) < len(documents):
        return "The demo shop is still in there: `answerdesk remove 'demo/*'` takes it out."
    return ""
