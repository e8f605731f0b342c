"""A knowledge base on the real LanceDB and SQLite in a folder, with a trivial parser."""

import asyncio
import datetime
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path

from core.config import Config
from core.config_files import with_value
from core.errors import IngestError, UnreadableFile
from core.protocols import Embedder
from core.types import Chunk, ParsedFile, Section
from db.base import Base, Database, create_engine, database_url
from db.chats import Chats
from db.conversations import Conversations
from db.curation import Curations
from db.golden import GoldenQuestions
from db.knowledge import Document, ReleaseRepository
from kb.answering.answerer import Answerer
from kb.answering.decision import Policy
from kb.answering.reply import Replier
from kb.answering.writer import Writer
from kb.index.draft import Place
from kb.index.index import Index
from kb.index.rows import Row
from kb.index.view import View
from kb.ingest.originals import Originals
from kb.ingest.prepare import Preparer
from kb.ingest.vector_cache import VectorSpool
from kb.parse import parse
from kb.parse.limits import OnPage
from kb.parse.sandbox.parser_process import ParserProcess
from kb.ranking.ranker import Ranker
from kb.ranking.retriever import Retriever
from kb.ranking.training import Trainer
from kb.releases.alike import Alike
from kb.releases.entries import Entries
from kb.releases.ingestor import IncomingFile, Ingestor
from kb.releases.open_questions import OpenQuestions
from kb.releases.publish import Publisher
from kb.releases.release import Releases
from kb.releases.team_answers import TeamAnswers
from kb.releases.upload import Library
from kb.review.findings import Inspector
from kb.review.forecast import Forecaster
from kb.review.gate import Gate, Replay, Seen
from kb.review.trace import Tracer
from tests.fakes import DefaultRanker

SETTINGS = "test-1"
TODAY = datetime.date(2026, 11, 20)
POLICY = Policy(
    answer_at=0.65,
    hedge_at=0.35,
    max_question_chars=2000,
    company="Test",
    fallback_language="en",
)


class SameRanker(DefaultRanker, Trainer):
    """The ranker that ships with the project, also for releases that are not live."""

    async def trial(self, view: View) -> Ranker:
        return await self.ranker(view.release)

    async def preview(self, view: View) -> Ranker | None:
        return await self.ranker(0)

    async def adopt(self, release: int) -> None:
        pass


class LineParser(ParserProcess):
    """Reads one chunk a line: ``question|answer|variant|variant`` or a passage."""

    def __init__(self) -> None:
        self.parsed: list[str] = []

    async def parse_many(
        self, files: Sequence[tuple[str, Path]], *, columns: Mapping[str, str], on_page: OnPage
    ) -> AsyncGenerator[ParsedFile | IngestError, None]:
        for name, path in files:
            self.parsed.append(name)
            text = await asyncio.to_thread(path.read_text, "utf-8")
            if text.startswith("BROKEN"):
                yield UnreadableFile(name, "it is broken. Send another one.")
            else:
                yield ParsedFile(name, name, tuple(map(_section, text.splitlines(), count(1))))


class InProcess(ParserProcess):
    """Reads files as the product does, but in this process: a child takes a second to start."""

    async def parse_many(
        self, files: Sequence[tuple[str, Path]], *, columns: Mapping[str, str], on_page: OnPage
    ) -> AsyncGenerator[ParsedFile | IngestError, None]:
        for name, path in files:
            data = await asyncio.to_thread(path.read_bytes)
            try:
                yield await asyncio.to_thread(parse, name, data, columns.get(name, ""), on_page)
            except IngestError as error:
                yield error


def _section(line: str, number: int) -> Section:
    question, *rest = line.split("|")
    answer, variants = (rest[0], tuple(rest[1:])) if rest else ("", ())
    answer, _, day = answer.partition("@")
    return Section(
        question, answer=answer, variants=variants, location=f"line {number}", valid_until=day
    )


async def line_chunks(parsed: ParsedFile, *, doc_id: str, updated: str) -> Sequence[Chunk]:
    return [
        Chunk(
            chunk_id=hashlib.sha256(
                "\0".join((doc_id, section.text, section.answer)).encode()
            ).hexdigest()[:32],
            doc_id=doc_id,
            kind="faq" if section.answer else "passage",
            text=section.text,
            answer=section.answer,
            variants=section.variants,
            category=section.category,
            title="" if section.answer else parsed.title,
            location=section.location,
            valid_until=section.valid_until,
            updated=updated,
        )
        for section in parsed.sections
    ]


@dataclass
class Workshop:
    """Everything of one knowledge base."""

    folder: Path
    embedder: Embedder
    database: Database
    index: Index
    repository: ReleaseRepository
    originals: Originals
    parser: LineParser
    publisher: Publisher
    ingestor: Ingestor
    releases: Releases
    curations: Curations
    entries: Entries
    golden: GoldenQuestions
    conversations: Conversations

    async def snapshot(self) -> tuple[int, dict[str, Row], dict[str, list[float]]]:
        """Return the live release with its rows and vectors by row id."""
        view = await self.index.view()
        rows, vectors = await view.all_rows()
        assert len({row.row_id for row in rows}) == len(rows), "a row id is there twice"
        by_id = {row.row_id: row for row in rows}
        values = {row.row_id: v.tolist() for row, v in zip(rows, vectors, strict=True)}
        return view.release, by_id, values

    async def documents(self, number: int) -> list[Document]:
        """Return the documents of a release, by id."""
        return [*(await self.repository.documents(number)).values()]

    async def texts(self) -> list[str]:
        """Return the texts that operators wrote in the live release, sorted."""
        rows = (await self.snapshot())[1].values()
        return sorted(row.text for row in rows if row.role != "answer")

    async def put(self, **texts: str) -> int:
        """Ingest files by name (``faq`` becomes ``faq.txt``); return the live release."""
        report = await self.ingestor.ingest(
            [IncomingFile(f"{name}.txt", text.encode()) for name, text in texts.items()]
        )
        assert not [file.error for file in report.files if file.error]
        return report.release


async def _nobody(release: int) -> None:
    """Tell nobody that a release is live."""


@asynccontextmanager
async def workshop(
    folder: Path,
    embedder: Embedder,
    *,
    after_publish: Callable[[int], Awaitable[None]] | None = None,
    parser: ParserProcess | None = None,
    answers: bool = False,
    index: str = "",
) -> AsyncIterator[Workshop]:
    """Open a knowledge base in a folder; its index is there, too, or at the address `index`."""
    folder.mkdir(parents=True, exist_ok=True)
    engine = create_engine(database_url("", folder))
    Base.metadata.create_all(engine)
    database = Database(engine)
    repository = ReleaseRepository(database)
    originals = Originals(folder / "originals")
    lines = LineParser()
    spool = VectorSpool(folder / "spool", embedder.fingerprint)
    curations = Curations(database)
    preparer = Preparer(
        originals, parser or lines, line_chunks, embedder, spool, curations, answers=answers
    )
    try:
        opened = Index(index or str(folder / "index"), embedder, repository.current)
        golden, conversations = GoldenQuestions(database), Conversations(database)
        finder = Retriever(embedder, opened.view, DefaultRanker().ranker)
        replay = Replay(finder, partial(Answerer, policy=POLICY, today=lambda: TODAY))
        publisher = Publisher(
            opened,
            repository,
            preparer,
            folder / "publish.lock",
            gate=Gate(golden, replay, SameRanker()),
            announce=after_publish or _nobody,
        )

        async def asked() -> Sequence[tuple[str, int, int]]:
            return await conversations.most_asked(since=0, limit=50)

        forecaster = Forecaster(asked, golden, replay, SameRanker())
        ingestor = Ingestor(
            publisher,
            settings=SETTINGS,
            inspector=Inspector(embedder),
            forecaster=forecaster,
            max_file_bytes=100_000,
        )
        yield Workshop(
            folder=folder,
            embedder=embedder,
            database=database,
            index=opened,
            repository=repository,
            originals=originals,
            curations=curations,
            golden=golden,
            conversations=conversations,
            entries=Entries(opened, ingestor, curations),
            parser=lines,
            publisher=publisher,
            ingestor=ingestor,
            releases=Releases(publisher, settings=SETTINGS, forecaster=forecaster),
        )
    finally:
        await database.close()


def library_of(shop: Workshop) -> Library:
    """Return a workshop's knowledge base as operators change it."""
    answers = TeamAnswers(shop.ingestor)
    questions = OpenQuestions(
        shop.conversations,
        Alike(shop.embedder),
        Retriever(shop.embedder, shop.index.view, DefaultRanker().ranker),
        shop.entries,
        name_of=Chats(shop.database).name,
    )
    return Library(shop.ingestor, shop.releases, answers, questions)


def answerer_of(
    shop: Workshop, writer: Writer | None = None, *, policy: Policy = POLICY
) -> Answerer:
    """Return what answers from a workshop's knowledge base."""
    finder = Retriever(shop.embedder, shop.index.view, DefaultRanker().ranker)
    return Answerer(finder, Replier(), writer, policy=policy, today=lambda: TODAY)


def tracer_of(shop: Workshop) -> Tracer:
    """Return what asks a workshop's knowledge base and shows each step."""
    live = Retriever(shop.embedder, shop.index.view, DefaultRanker().ranker)
    replay = Replay(live, partial(Answerer, policy=POLICY, today=lambda: TODAY))
    gate = Gate(shop.golden, replay, SameRanker())

    async def answerer_at(number: int, setting: str, value: str) -> Answerer:
        if setting:
            answers = with_value(Config(), setting, value).answers
            return answerer_of(shop, policy=replace(POLICY, answer_at=answers.answer_at))
        release = await shop.repository.get(number)
        place = Place(release.table, release.version, release.rows)
        view, rankers = await shop.index.peek(place, number), DefaultRanker()
        seen = Seen(view, await rankers.ranker(number))
        finder = Retriever(shop.embedder, seen.view, seen.ranker)
        return Answerer(finder, Replier(), None, policy=POLICY, today=lambda: TODAY)

    settings = {"answers.answer_at": POLICY.answer_at}
    live_one = answerer_of(shop)
    return Tracer(live_one, shop.index, gate, answerer_of=answerer_at, settings=settings)
