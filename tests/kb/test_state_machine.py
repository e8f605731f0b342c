"""Uploads, refreshes, rollbacks, rebuilds and crashes in any order, against a dictionary (43)."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar

import lancedb.table
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.errors import AnswerdeskError
from db.knowledge import SourceRepository
from jobs.refresh import Refresh
from jobs.sources.local import Folder
from kb.ingest import IncomingFile
from tests.fakes import WordEmbedder
from tests.kb.workshop import Workshop, workshop

T = TypeVar("T")

EXAMPLES, STEPS = map(int, os.environ.get("ANSWERDESK_STATE_MACHINE", "12x12").split("x"))
"""Runs and steps of each; the long form is 200x30."""

documents = st.sampled_from(["a", "b", "c"])
contents = st.lists(
    st.sampled_from(["refund?|Yes.", "refund?|No.|money back", "one", "two", "退款|可以。"]),
    min_size=1,
    max_size=4,
    unique=True,
).map("\n".join)
CRASHES = ["add", "delete", "optimize", "create_index"]


def rows_of(text: str) -> list[str]:
    """Return the texts that a file's content puts into the index."""
    rows: list[str] = []
    for line in text.splitlines():
        question, *rest = line.split("|")
        rows += [question, *rest[1:]]
    return rows


class KnowledgeBase(RuleBasedStateMachine):
    """The model: for each release its documents as text."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.faq = self.folder / "faq"
        self.faq.mkdir()
        (self.faq / "fixed.txt").write_text("fixed")
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.history: list[dict[str, str]] = [{}]
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

    def expect(self, after: dict[str, str]) -> None:
        if after != self.history[-1]:
            self.history.append(after)

    @rule(name=documents, text=contents)
    def upload(self, name: str, text: str) -> None:
        report = self.run(self.shop.ingestor.ingest([IncomingFile(name, data=text.encode())]))
        self.expect({**self.history[-1], name: text})
        assert report.release == len(self.history) - 1

    @rule(name=documents)
    def delete(self, name: str) -> None:
        self.run(self.shop.ingestor.ingest([], removed=[name]))
        self.expect({doc: text for doc, text in self.history[-1].items() if doc != name})

    @rule(text=contents, name=documents)
    def change_folder_and_refresh(self, text: str, name: str) -> None:
        (self.faq / f"{name}.txt").write_text(text)
        before = self.history[-1]
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

    @precondition(lambda self: len(self.history) > 1)
    @rule(data=st.data())
    def roll_back(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(1, len(self.history) - 1))
        self.run(self.shop.releases.rollback(number))
        if number != len(self.history) - 1:
            self.history.append(self.history[number])

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
            self.run(self.shop.ingestor.ingest([IncomingFile(name, data=text.encode())]))
        except AnswerdeskError:
            crashed = True
        finally:
            setattr(lancedb.table.AsyncTable, call, method)
        if not crashed:
            self.expect({**self.history[-1], name: text})

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
        expected = [row for text in self.history[-1].values() for row in rows_of(text)]
        found = sorted(row.text for row in rows.values())
        assert found == sorted(expected)

    @invariant()
    def full_text_search_finds_chinese_if_it_is_there(self) -> None:
        hits = self.run(self.shop.index.search_text("退款", 9))
        count = sum("退款" in text for text in self.history[-1].values())
        assert len(hits) == count


def run_machine(examples: int, steps: int) -> Callable[[], None]:
    case: Any = KnowledgeBase.TestCase
    case.settings = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        derandomize=True,
    )
    return lambda: case().runTest()


def test_any_order_of_events_leaves_what_the_model_says() -> None:
    run_machine(EXAMPLES, STEPS)()
