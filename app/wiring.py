"""The one place that knows every concrete class and puts them together."""

import asyncio
import datetime
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial, reduce
from zoneinfo import ZoneInfo

from app.lookups import open_lookups
from app.models import (
    WITHOUT_SECOND,
    ModelEmbedder,
    ModelGenerator,
    embedder_of_index,
    open_generator,
    open_second,
    open_translating,
    wait_for,
    wanted_embedder,
)
from app.paths import Paths
from core.config import Config, KnowledgeConfig
from core.config_files import with_value
from core.errors import IndexDamaged
from core.metrics import Metrics
from core.protocols import Embedder, Reader
from core.types import Chunk
from db.base import Database, create_engine, database_url
from db.careful import CarefulStart
from db.chats import Chats
from db.conversations import Conversations
from db.curation import Curations
from db.erasure import NAME as ERASED
from db.erasure import ErasureList
from db.golden import GoldenQuestions
from db.knowledge import Release, ReleaseRepository
from db.schema import ensure_schema
from db.webhooks import announce
from kb.answering.answerer import Answerer
from kb.answering.decision import Policy
from kb.answering.desk import Desk
from kb.answering.mood import Moods
from kb.answering.part_reader import ChunksOf
from kb.answering.reply import Replier
from kb.answering.translation import Translator
from kb.answering.writer import Writer
from kb.index.chunk import chunk_file
from kb.index.index import FilledBy, Index, filled_by
from kb.ingest.originals import Originals
from kb.ingest.prepare import Preparer
from kb.ingest.vector_cache import VectorSpool
from kb.parse.sandbox.parser_process import Limits as ParserLimits
from kb.parse.sandbox.parser_process import ParserProcess
from kb.ranking.align import AlignedEmbedder
from kb.ranking.retriever import Retriever
from kb.ranking.second import SecondEmbedder
from kb.ranking.training import Trainer
from kb.releases.alike import Alike
from kb.releases.entries import Entries
from kb.releases.ingestor import Ingestor
from kb.releases.lock import NAME as LOCK_NAME
from kb.releases.open_questions import OpenQuestions
from kb.releases.publish import Publisher
from kb.releases.release import Releases
from kb.releases.team_answers import TeamAnswers
from kb.releases.upload import Library
from kb.review.findings import Inspector
from kb.review.forecast import Forecaster
from kb.review.gate import Gate, Replay, Seen
from models.embedder import WorkerEmbedder

logger = logging.getLogger(__name__)

_SETTINGS = "parser 13, chunker 7"
"""Raise a number when parser or chunker makes other chunks: files are then read again."""

_RECENT_S = 28 * 24 * 3600
"""What customers asked since then counts as what they ask."""
_TRANSLATION_S = 120
_MOST_ASKED = 50
"""Questions whose answers are compared after a publish: 2 to 3 seconds."""
_TRIED = ("answers.answer_at", "answers.hedge_at", "answers.max_question_chars", "company.contact")
"""Settings that the test bench may give another value: those of `_policy` that are a single one."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """One knowledge base, open for reading and writing."""

    config: Config
    paths: Paths
    database: Database
    conversations: Conversations
    release_rows: ReleaseRepository
    originals: Originals
    embedder: ModelEmbedder
    second: ModelEmbedder | None
    """Helps to judge entries, if one is configured and there (`kb.ranking.pair`)."""
    wanted: str
    """The model that the configuration names, if another one filled the index, and answers."""
    index: Index
    ingestor: Ingestor
    releases: Releases
    entries: Entries
    careful: CarefulStart
    gate: Gate
    forecaster: Forecaster
    trainer: Trainer
    answering: Callable[..., Answerer]
    """Makes what answers, for customers, previews and golden questions alike."""
    retriever: Retriever
    """Searches with what the rows were embedded with: `embedder`, its vectors free of language."""


@dataclass(frozen=True, slots=True)
class Service:
    """A knowledge base with everything that answers from it."""

    knowledge: Knowledge
    generator: ModelGenerator | None
    answerer: Answerer
    desk: Desk
    metrics: Metrics


@asynccontextmanager
async def open_database(config: Config, paths: Paths) -> AsyncIterator[Database]:
    """Open the database with its schema up to date."""
    await asyncio.to_thread(paths.data.mkdir, parents=True, exist_ok=True)
    # A knowledge base of its own (`--kb`, `eval`) never touches the main database.
    url = database_url(config.database if paths.is_main else "", paths.data)
    await ensure_schema(url)
    erasures = ErasureList(paths.data / ERASED)
    database = Database(create_engine(url), note_erased=erasures.add)
    if paths.is_main:
        announce(database, [(hook.url, hook.events) for hook in config.webhooks])
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def open_knowledge(
    config: Config, paths: Paths, *, wait_for_embedder: bool = True, beside: Database | None = None
) -> AsyncIterator[Knowledge]:
    """Open a knowledge base; on the way out, nothing of it is left running.

    Without `wait_for_embedder`, questions wait for it. The main knowledge base is opened with the
    model that filled its index; `beside` the database of one that is open so, with the one that the
    configuration names.

    Raises:
        ConfigError, ModelError: with the remedy, if a model cannot be used.
    """
    async with AsyncExitStack() as stack:
        opened = open_database(config, paths) if beside is None else nullcontext(beside)
        database = await stack.enter_async_context(opened)
        uri = config.index if paths.is_main and config.index else str(paths.index)
        release_rows = ReleaseRepository(database)
        live = None if beside or not paths.is_main else await release_rows.current()
        filled = None if live is None else await _filled_by(uri, live)
        models = await _open_models(
            stack, config, paths, filled, beside=beside is not None, wait=wait_for_embedder
        )
        index = Index(uri, models.searched, release_rows.current, models.spec)
        second = SecondEmbedder(models.second, paths.rankers) if models.second else None
        trainer = Trainer(index.view, models.searched, paths.rankers, second=second)
        reads = models.reader
        retriever = Retriever(models.searched, index.view, trainer.ranker, second, reads)
        knowledge = _with_releases(config, paths, database, models, index, trainer, retriever)
        stack.push_async_callback(knowledge.ingestor.publisher.finish)
        yield knowledge


@dataclass(frozen=True, slots=True)
class _Models:
    """What embeds and reads for one knowledge base."""

    embedder: ModelEmbedder
    spec: str
    """Of the embedder."""
    wanted: str
    """Of the one that the configuration names."""
    second: ModelEmbedder | None
    searched: Embedder
    """The embedder with its vectors free of language."""
    reader: Reader | None


async def _open_models(
    stack: AsyncExitStack,
    config: Config,
    paths: Paths,
    filled: FilledBy | None,
    *,
    beside: bool,
    wait: bool,
) -> _Models:
    """Start the models of a knowledge base: the embedder that filled it, or the configured one."""
    wanted = wanted_embedder(config)
    embedder, spec = await embedder_of_index(
        config, paths.root, wanted if filled is None else filled.spec, steps_back=beside
    )
    stack.push_async_callback(embedder.close)
    second = await open_second(stack, config, paths.root, steps_back=beside)
    await embedder.start(wait=wait)
    if wait:
        await wait_for(second, without=WITHOUT_SECOND)
    reader = embedder if isinstance(embedder, WorkerEmbedder) and embedder.reads else None
    searched: Embedder = AlignedEmbedder.load(embedder) or embedder
    reads = reader if config.models.reader else None
    return _Models(embedder, spec, wanted, second, searched, reads)


def _with_releases(
    config: Config,
    paths: Paths,
    database: Database,
    models: _Models,
    index: Index,
    trainer: Trainer,
    retriever: Retriever,
) -> Knowledge:
    """Add to what is searched how it is answered from, and how it is changed."""
    conversations, golden = Conversations(database), GoldenQuestions(database)
    originals, curations = Originals(paths.originals), Curations(database)
    release_rows = ReleaseRepository(database)
    answering = partial(
        Answerer,
        policy=_policy(config),
        today=days_of(config),
        moods=Moods.load(models.embedder),
        translations=curations,
    )
    replay = Replay(retriever, answering)
    gate = Gate(golden, replay, trainer)
    preparer = _preparer(config.knowledge, paths, models, originals, curations)
    lock, announced = paths.data / LOCK_NAME, trainer.after_publish
    publisher = Publisher(index, release_rows, preparer, lock, gate=gate, announce=announced)

    async def asked() -> Sequence[tuple[str, int, int]]:
        return await conversations.most_asked(since=time.time() - _RECENT_S, limit=_MOST_ASKED)

    forecaster = Forecaster(asked, golden, replay, trainer)
    settings = f"{_SETTINGS}, {config.knowledge.passage_tokens} tokens"
    ingestor = Ingestor(
        publisher,
        settings=settings,
        inspector=Inspector(models.searched, models.reader),
        forecaster=forecaster,
        max_file_bytes=config.knowledge.max_file_mb * 2**20,
        own_contacts=_own_contacts(config),
    )
    translator = Translator(partial(open_translating, config, paths.root), timeout_s=_TRANSLATION_S)
    return Knowledge(
        config=config,
        paths=paths,
        database=database,
        conversations=conversations,
        release_rows=release_rows,
        originals=originals,
        embedder=models.embedder,
        second=models.second,
        wanted=models.wanted if models.spec != models.wanted else "",
        index=index,
        ingestor=ingestor,
        releases=Releases(publisher, settings=settings, forecaster=forecaster),
        entries=Entries(index, ingestor, curations, translator),
        careful=CarefulStart(database),
        gate=gate,
        forecaster=forecaster,
        trainer=trainer,
        answering=answering,
        retriever=retriever,
    )


def _preparer(
    config: KnowledgeConfig,
    paths: Paths,
    models: _Models,
    originals: Originals,
    curations: Curations,
) -> Preparer:
    """Return what makes rows of files: parsed in a process of its own, cut and embedded."""
    limits = ParserLimits(
        timeout_s=config.parse_timeout_s,
        memory_bytes=config.parse_memory_mb << 20,
        file_bytes=config.max_file_mb << 20,
    )
    cut = partial(chunk_file, embedder=models.embedder, passage_tokens=config.passage_tokens)
    spool = VectorSpool(paths.spool, models.searched.fingerprint)
    return Preparer(
        originals, ParserProcess(limits), cut, models.searched, spool, curations, answers=True
    )


async def _filled_by(uri: str, live: Release) -> FilledBy | None:
    """Return which model filled the live release, ``None`` if that cannot be told any more."""
    try:
        return await filled_by(uri, live)
    except IndexDamaged:
        return None  # it is rebuilt with the configured one


def make_library(knowledge: Knowledge) -> Library:
    """Return a knowledge base as operators change it, in Telegram and on the console."""
    chats = Chats(knowledge.database)
    questions = OpenQuestions(
        knowledge.conversations,
        Alike(knowledge.embedder),
        knowledge.retriever,
        knowledge.entries,
        name_of=chats.name,
    )
    ingestor = knowledge.ingestor
    return Library(ingestor, knowledge.releases, TeamAnswers(ingestor), questions)


@asynccontextmanager
async def open_service(knowledge: Knowledge) -> AsyncIterator[Service]:
    """Add to a knowledge base what answers from it; the generator loads in the background."""
    config = knowledge.config
    async with AsyncExitStack() as stack:
        generator = await open_generator(stack, config, knowledge.paths.root)
        answerer = make_answerer(knowledge, generator)
        metrics = Metrics()
        metrics.watch(
            "answerdesk_unrecorded_answers",
            "Answers that went out and are not stored yet, because the database cannot be written.",
            lambda: knowledge.conversations.unrecorded,
        )
        lookups = await stack.enter_async_context(
            open_lookups(
                config, knowledge.retriever.embedder, knowledge.index, today=days_of(config)
            )
        )
        erasures = ErasureList(knowledge.paths.data / ERASED)
        desk = Desk(
            answerer,
            knowledge.conversations,
            metrics,
            lookups,
            most_chars=config.answers.max_question_chars,
            erasures=erasures,
        )
        yield Service(knowledge, generator, answerer, desk, metrics)


def tried(config: Config) -> Mapping[str, object]:
    """Return the settings that `answerer_of` takes another value of, with their own."""
    return {name: reduce(getattr, name.split("."), config) for name in _TRIED}


async def answerer_of(
    knowledge: Knowledge,
    number: int,
    setting: str = "",
    value: str = "",
    *,
    generator: ModelGenerator | None = None,
) -> Answerer:
    """Return what answers as a release of a knowledge base does, perhaps with another value of a
    setting. 0: the live one; any other has no generator.

    Raises:
        ReleaseNotFound: if there is none with this number.
        IndexDamaged, IndexMismatch: if its rows cannot be read.
        ConfigError: if the value cannot be used.
    """
    if setting:
        policy = _policy(with_value(knowledge.config, setting, value))
        knowledge = replace(knowledge, answering=partial(knowledge.answering, policy=policy))
    if not number:
        return make_answerer(knowledge, generator)
    release = await knowledge.release_rows.get(number)
    view = await knowledge.index.peek(release, number)
    seen = Seen(view, await knowledge.trainer.ranker(number))
    retriever = replace(knowledge.retriever, view=seen.view, ranker=seen.ranker)
    return make_answerer(replace(knowledge, retriever=retriever), None, chunks_of=view.chunks_of)


def make_answerer(
    knowledge: Knowledge, generator: ModelGenerator | None, *, chunks_of: ChunksOf | None = None
) -> Answerer:
    """Return what answers from a knowledge base; a generator writes replies from documents.

    `chunks_of` gives the rest of what was cut; ``None``: the live release does.
    """

    async def of_live(doc_ids: Sequence[str]) -> Sequence[Chunk]:
        return await (await knowledge.index.view()).chunks_of(doc_ids)

    config, retriever = knowledge.config, knowledge.retriever
    most, late_s = config.answers.max_tokens, config.models.generator_timeout_s
    writer = Writer(generator, max_tokens=most, timeout_s=late_s) if generator else None
    replier = Replier(retriever.embedder, chunks_of or of_live, retriever.reader)
    return knowledge.answering(retriever, replier, writer, careful_rules=knowledge.careful)


def _own_contacts(config: Config) -> str:
    """Return a text with the addresses that the configuration has of the company."""
    own = [config.company.contact, config.console.address, *config.widget.origins]
    own += [address for one in config.refresh.sources for address in (one.url, one.sitemap)]
    return "\n".join(own)


def _policy(config: Config) -> Policy:
    return Policy(
        answer_at=config.answers.answer_at,
        hedge_at=config.answers.hedge_at,
        max_question_chars=config.answers.max_question_chars,
        company=config.company.name,
        fallback_language=config.company.languages[0],
        contact=config.company.contact,
    )


def days_of(config: Config) -> Callable[[], datetime.date]:
    """Return what tells the date by which entries are valid: that of `knowledge.timezone`."""
    zone = ZoneInfo(config.knowledge.timezone)
    return lambda: datetime.datetime.now(zone).date()
