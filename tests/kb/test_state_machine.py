"""Uploads, edits, refreshes, rollbacks, rebuilds, crashes and queries in any order, against a
dictionary (target 43)."""

import asyncio
import hashlib
import os
import shutil
import tempfile
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import lancedb.table
import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.errors import AnswerdeskError
from core.types import Chunk
from db.curation import Curation
from db.knowledge import SourceRepository
from db.pages import PageRepository
from jobs.refresh import Refresh
from jobs.refresh_report import RefreshReport
from kb.releases.entries import BadChange
from kb.releases.ingestor import IncomingFile
from sources.fetch.fetcher import NO_CONDITIONS, Conditions, Fetcher, Page
from sources.local import Folder
from sources.web import WebPage
from tests.fakes import WordEmbedder
from tests.kb.workshop import Workshop, workshop

T = TypeVar("T")

RUNS, STEPS = map(int, os.environ.get("ANSWERDESK_STATE_MACHINE", "200x30").split("x"))
"""Runs, and the most steps of each."""

PIECES = 8
"""Tests that share the runs, so that a failure is told before all have been made."""

SEED = int(os.environ.get("ANSWERDESK_STATE_SEED", "0"))
"""Another number, 8 or more away, makes other runs."""

MEMORY_DISK = Path("/dev/shm")
"""Kills and power cuts are others' to test (`test_kill`, `test_originals`): here nothing needs to
reach a disk, and it takes a third of the time."""

documents = st.sampled_from(["a", "b", "c"])
contents = st.lists(
    st.sampled_from(["refund?|Yes.", "refund?|No.|money back", "one", "two", "退款|可以。"]),
    min_size=1,
    max_size=4,
    unique_by=lambda line: line.split("|")[0],
).map("\n".join)
PAGE = "http://shop.example/help"
PAGE_DOCUMENT = "shop.example/help.html"
CRASHES = ["add", "delete", "optimize", "create_index"]


QUESTION = "refund?"
wordings = st.sampled_from(["money back", "return money", "give it back"])


@dataclass(frozen=True)
class State:
    """A release: the text of each document, and the variants that operators gave its question."""

    texts: Mapping[str, str] = field(default_factory=dict)
    work: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Kept while the question is gone: it may come back."""

    def entries(self) -> dict[str, list[str]]:
        """Return the texts that each question, or passage, of each document puts into the index."""
        return {
            f"{name}|{question}": list(dict.fromkeys([question, *variants, *self._own(name, line)]))
            for name, text in self.texts.items()
            for line in text.splitlines()
            for question, variants in [(line.split("|")[0], line.split("|")[2:])]
        }

    def rows(self) -> list[str]:
        """Return the text of every row of the index, sorted."""
        return sorted(text for texts in self.entries().values() for text in texts)

    def answers(self, text: str) -> set[str]:
        """Return the answers of the entries that are asked by a wording."""
        return {
            line.split("|")[1]
            for name, content in self.texts.items()
            for line in content.splitlines()
            if "|" in line and text in self.entries()[f"{name}|{line.split('|')[0]}"]
        }

    def _own(self, name: str, line: str) -> tuple[str, ...]:
        return self.work.get(name, ()) if line.startswith(f"{QUESTION}|") else ()


class PaperWeb(Fetcher):
    """A web of one page, which a test writes."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = Page(PAGE, 404)

    async def fetch(
        self,
        url: str,
        conditions: Conditions = NO_CONDITIONS,
        *,
        max_bytes: int = 0,
    ) -> Page:
        if conditions.etag and conditions.etag == self.answer.etag:
            return Page(url, 304)
        return self.answer


def written(text: str) -> Page:
    etag = hashlib.sha256(text.encode()).hexdigest()
    return Page(PAGE, 200, text.encode(), "text/html", etag=etag)


class KnowledgeBase(RuleBasedStateMachine):
    """The model: for each release its documents as text."""

    def __init__(self) -> None:
        super().__init__()
        disk = MEMORY_DISK if os.access(MEMORY_DISK, os.W_OK) else None
        self.folder = Path(tempfile.mkdtemp(dir=disk))
        self.faq = self.folder / "faq"
        self.faq.mkdir()
        (self.faq / "fixed.txt").write_text("fixed")
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.history = [State()]
        self.web = PaperWeb()
        self.shop = self.open()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def open(self) -> Workshop:
        return self.run(
            self.stack.enter_async_context(workshop(self.folder / "data", WordEmbedder()))
        )

    def teardown(self) -> None:
        self.run(self.stack.aclose())
        self.runner.close()
        shutil.rmtree(self.folder)

    def refresh(self) -> Refresh:
        sources = SourceRepository(self.shop.database)
        return Refresh(
            self.shop.ingestor,
            self.shop.repository,
            sources,
            [Folder(self.faq)],
            max_removed_share=0.6,
        )

    def expect(self, texts: Mapping[str, str]) -> None:
        if texts != self.history[-1].texts:
            self.history.append(replace(self.history[-1], texts=texts))

    @rule(name=documents, text=contents)
    def upload(self, name: str, text: str) -> None:
        report = self.run(self.shop.ingestor.ingest([IncomingFile(name, text.encode())]))
        self.expect({**self.history[-1].texts, name: text})
        assert report.release == len(self.history) - 1

    @rule(name=documents)
    def delete(self, name: str) -> None:
        self.run(self.shop.ingestor.ingest([], removed=[name]))
        self.expect({doc: t for doc, t in self.history[-1].texts.items() if doc != name})

    @rule(text=contents, name=documents)
    def change_folder_and_refresh(self, text: str, name: str) -> None:
        (self.faq / f"{name}.txt").write_text(text)
        before = self.history[-1].texts
        report = self.run(self.refresh().run())
        if not report.sources[0].held:
            files = {f"faq/{path.name}": path.read_text() for path in self.faq.iterdir()}
            uploads = {doc: text for doc, text in before.items() if not doc.startswith("faq/")}
            self.expect({**uploads, **files})

    @rule()
    def lose_the_folder_and_refresh(self) -> None:
        moved = self.faq.rename(self.folder / "away")
        report = self.run(self.refresh().run())
        assert report.sources[0].held
        moved.rename(self.faq)

    def look_at_the_page(self, *, accept: bool = False) -> RefreshReport:
        run = Refresh(
            self.shop.ingestor,
            self.shop.repository,
            SourceRepository(self.shop.database),
            [WebPage(PAGE)],
            pages=PageRepository(self.shop.database),
            original=self.shop.originals.path,
            make_fetcher=lambda: self.web,
            max_removed_share=0.6,
        )
        return self.run(run.run(accept=[PAGE] if accept else []))

    @rule(text=contents)
    def change_the_page_and_refresh(self, text: str) -> None:
        self.web.answer = written(text)
        report = self.look_at_the_page()
        if not report.sources[0].held:
            self.expect({**self.history[-1].texts, PAGE_DOCUMENT: text})

    @precondition(lambda self: PAGE_DOCUMENT in self.history[-1].texts)
    @rule(status=st.sampled_from([404, 410, 500]))
    def break_the_page_and_refresh(self, status: int) -> None:
        self.web.answer = Page(PAGE, status)
        for _ in range(3):
            assert self.look_at_the_page().sources[0].held

    @precondition(lambda self: PAGE_DOCUMENT in self.history[-1].texts)
    @rule()
    def the_page_becomes_a_login_form(self) -> None:
        self.web.answer = Page(PAGE, 200, b"<html><input type=password>", "text/html")
        assert "asks for a password" in self.look_at_the_page().sources[0].held

    @precondition(lambda self: PAGE_DOCUMENT in self.history[-1].texts)
    @rule()
    def accept_that_the_page_is_gone(self) -> None:
        self.web.answer = Page(PAGE, 404)
        self.look_at_the_page()
        self.look_at_the_page()
        self.look_at_the_page(accept=True)
        before = self.history[-1].texts.items()
        left = {doc: text for doc, text in before if doc != PAGE_DOCUMENT}
        self.expect(left)

    @precondition(lambda self: len(self.history) > 2)
    @rule(data=st.data())
    def roll_back(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(1, len(self.history) - 2))
        self.run(self.shop.releases.rollback(number))
        self.history.append(self.history[number])

    def asked(self) -> list[Chunk]:
        return [e for e in self.run(self.shop.entries.find()) if e.text == QUESTION]

    @precondition(lambda self: self.asked())
    @rule(data=st.data(), text=wordings)
    def add_a_variant(self, data: st.DataObject, text: str) -> None:
        entry = data.draw(st.sampled_from(self.asked()))
        before = self.history[-1]
        if text in entry.variants or before.answers(text) - {entry.answer}:
            with pytest.raises(BadChange):
                self.run(self.shop.entries.change(entry.chunk_id, "variant", text=text))
            return
        self.run(self.shop.entries.change(entry.chunk_id, "variant", text=text))
        own = (*before.work.get(entry.doc_id, ()), text)
        self.history.append(replace(before, work={**before.work, entry.doc_id: own}))

    def live_work(self) -> list[Curation]:
        return [c for c in self.run(self.shop.entries.curations.open()) if c.state == "active"]

    @precondition(lambda self: self.live_work())
    @rule(data=st.data())
    def take_a_variant_back(self, data: st.DataObject) -> None:
        mine = data.draw(st.sampled_from(self.live_work()))
        self.run(self.shop.entries.take_back(mine.curation_id))
        before, doc_id = self.history[-1], mine.anchor.doc_id
        own = tuple(text for text in before.work[doc_id] if text != mine.text)
        after = replace(before, work={**before.work, doc_id: own})
        release, *_ = self.run(self.shop.snapshot())
        if release == len(self.history) - 1 and after.entries() == before.entries():
            self.history.pop()  # the file has the same wording: nothing of the index changed
        self.history.append(after)

    @rule(text=st.sampled_from(["refund?", "one", "money back", "give it back", "退款"]))
    def query(self, text: str) -> None:
        """Everything that holds the question word for word comes first."""
        embedder = WordEmbedder()
        vector = self.run(embedder.embed_query(text))
        hits = self.run(self.run(self.shop.index.view()).search_dense(vector, 50))
        found = sorted(hit.chunk.doc_id for hit in hits if hit.text == text)
        holders = self.history[-1].entries().items()
        assert found == sorted(key.rpartition("|")[0] for key, texts in holders if text in texts)
        assert [hit.score for hit in hits] == sorted((h.score for h in hits), reverse=True)

    @rule()
    def rebuild(self) -> None:
        self.run(self.shop.releases.rebuild())

    @rule(name=documents, text=contents, call=st.sampled_from(CRASHES))
    def crash_while_uploading(self, name: str, text: str, call: str) -> None:
        method = getattr(lancedb.table.AsyncTable, call)

        async def die(*args: Any, **kwargs: Any) -> None:
            await method(*args, **kwargs)
            raise OSError(5, "Input/output error")

        setattr(lancedb.table.AsyncTable, call, die)
        crashed = False
        try:
            self.run(self.shop.ingestor.ingest([IncomingFile(name, text.encode())]))
        except AnswerdeskError:
            crashed = True
        finally:
            setattr(lancedb.table.AsyncTable, call, method)
        if not crashed:
            self.expect({**self.history[-1].texts, name: text})

    @rule()
    def restart(self) -> None:
        self.run(self.stack.aclose())
        self.shop = self.open()
        assert self.run(self.shop.releases.open_or_rebuild()) is None

    @rule()
    def lose_the_index_and_restart(self) -> None:
        self.run(self.stack.aclose())
        shutil.rmtree(self.folder / "data" / "index", ignore_errors=True)
        self.shop = self.open()
        self.run(self.shop.releases.open_or_rebuild())

    @invariant()
    def the_index_holds_what_the_model_says(self) -> None:
        release, rows, _ = self.run(self.shop.snapshot())
        assert release == len(self.history) - 1
        assert sorted(row.text for row in rows.values()) == self.history[-1].rows()

    @invariant()
    def full_text_search_finds_chinese_if_it_is_there(self) -> None:
        hits = self.run(self.run(self.shop.index.view()).search_text("退款", 9))
        count = sum("退款" in text for text in self.history[-1].texts.values())
        assert len(hits) == count


@pytest.mark.slow
@pytest.mark.parametrize("piece", range(PIECES))
def test_any_order_of_events_leaves_what_the_model_says(piece: int) -> None:
    case: Any = KnowledgeBase.TestCase
    case.settings = settings(
        max_examples=max(1, RUNS // PIECES),
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    seed(SEED + piece)(case)().runTest()
