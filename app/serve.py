"""`answerdesk run`: web page, Telegram, schedule and models on one event loop."""

import asyncio
import gc
import logging
import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator, MutableMapping
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from app.check import SelfCheck
from app.cookie import cookie_secret
from app.demo import Examples, ingest_demo_if_empty
from app.disk import read_pages, watch_room
from app.messages import as_messages
from app.models import WITHOUT_GENERATOR, WITHOUT_SECOND, wait_for
from app.paths import Paths
from app.read_ahead import keep_read
from app.reembed import is_undone, reembed_beside, said_meanwhile
from app.schedule import make_scheduler, make_watcher
from app.settings import RunningSettings, SettingsFile
from app.troubles import Troubles, health_of, watched
from app.web_server import listen, serve_web
from app.webhooks import make_messenger
from app.wiring import (
    Knowledge,
    Service,
    answerer_of,
    make_answerer,
    make_library,
    open_knowledge,
    open_service,
    tried,
)
from bot.conversation.service import Manners
from bot.telegram_app import TelegramBot, TelegramSettings
from console.application import build_console
from console.knowledge import Editing
from console.operator import Records
from console.security import check_exposure
from console.upload_desk import UploadDesk
from core.errors import AnswerdeskError, StorageError
from core.health import Health
from core.hours import WorkingHours
from db.erasure import NAME as ERASED
from db.erasure import ErasureList, replay, restate
from db.uploads import Uploads
from jobs.inbox import NAME as INBOX
from jobs.schedule import Scheduler
from kb.releases.upload import Library
from kb.review.trace import Tracer

logger = logging.getLogger(__name__)

_REPORT_S = 120
"""For comparing what customers ask most, and training, after a change of embedding model."""
_AGAIN_S = 60.0
"""After a failure of what the service can do without."""
_SCRUB_S = 30.0
"""A customer who wants to be forgotten is promised a minute."""


class AlreadyRunning(AnswerdeskError):
    """Another process serves this data folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"Another answerdesk already serves {str(folder)!r}. Stop it, or point "
            "ANSWERDESK_DATA at another folder."
        )


class DataFolderUnusable(AnswerdeskError):
    """Nothing can be written in the data folder."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(
            f"Nothing can be written in the data folder {str(folder)!r} ({reason}). Give this user "
            "the right to, make room, or point ANSWERDESK_DATA at another folder."
        )


async def serve(settings: SettingsFile, paths: Paths) -> None:
    """Run until SIGINT or SIGTERM; then let what is under way end, and close everything.

    The port stays open while everything is opened anew, so that browsers wait meanwhile.

    Raises:
        AnswerdeskError: with the remedy, if the service cannot start or must not go on.
    """
    password = os.environ.get("CONSOLE_PASSWORD", "")
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    reports: asyncio.Queue[str] = asyncio.Queue()
    console = settings.load().console
    with _alone(paths), listen(console.host, console.port) as listener:
        while not stop.is_set():
            config = settings.load()
            check_exposure(console.host, password, proxies=config.console.trusted_proxies)
            again = asyncio.Event()
            running = RunningSettings(settings, config, again.set)
            await _serve_once(running, paths, listener, stop, again, password, reports)
            if not stop.is_set():
                logger.info("Everything is opened again")


async def _serve_once(
    settings: RunningSettings,
    paths: Paths,
    listener: socket.socket,
    stop: asyncio.Event,
    again: asyncio.Event,
    password: str,
    reports: asyncio.Queue[str],
) -> None:
    """Run until `stop`, until `again`, or until the index is that of another embedding model.

    Everything is opened again in the last case: no question is embedded by one model and searched
    for in rows of the other.
    """
    started, config = time.perf_counter(), settings.running
    async with AsyncExitStack() as stack:
        knowledge = await stack.enter_async_context(
            open_knowledge(config, paths, wait_for_embedder=False)
        )
        erasures = ErasureList(paths.data / ERASED)
        erased = await asyncio.to_thread(erasures.read)
        if count := await replay(knowledge.database, erased):
            logger.info("%d customers and accesses were erased before, and again now", count)
        if count := await restate(knowledge.database, await asyncio.to_thread(erasures.accounts)):
            logger.info("%d accounts have their last role and password again", count)
        service = await stack.enter_async_context(open_service(knowledge))
        stack.push_async_callback(partial(knowledge.ingestor.publisher.finish, stop=True))
        troubles = Troubles()

        # Without the generator, which would write for seconds: where it fails, passages are quoted.
        check = SelfCheck(make_answerer(knowledge, None).answer, service.metrics)

        async def health() -> Health:
            return health_of(service, troubles, check)

        messenger = make_messenger(config, knowledge)
        scheduler = make_scheduler(knowledge, tell=reports.put)
        library = make_library(knowledge)
        uploads = await stack.enter_async_context(
            UploadDesk(
                Uploads(knowledge.database, channel="console"),
                knowledge.originals,
                library,
            ).working()
        )
        web = build_console(
            config,
            desk=service.desk,
            records=Records(
                knowledge.database,
                knowledge.conversations,
                knowledge.careful,
                timezone=config.telegram.timezone,
            ),
            editing=Editing(knowledge.entries, knowledge.releases),
            uploads=uploads,
            questions=library.questions,
            topics=lambda: troubles.bot.topics if troubles.bot else None,
            watched=watched(service, troubles, scheduler),
            tracer=Tracer(
                service.answerer,
                knowledge.index,
                knowledge.gate,
                answerer_of=partial(answerer_of, knowledge, generator=service.generator),
                settings=tried(config),
            ),
            embedder=knowledge.retriever.embedder,
            settings=settings,
            as_messages=as_messages,
            health=health,
            metrics=service.metrics,
            examples=Examples(
                knowledge.release_rows, knowledge.entries, config.company.suggestions
            ),
            secret=await asyncio.to_thread(cookie_secret, paths.data),
            password=password,
            tell=reports.put,
        )
        address = await stack.enter_async_context(
            serve_web(web, listener, proxies=config.console.trusted_proxies)
        )
        logger.info("Open %s (up after %.1f s)", address, time.perf_counter() - started)
        await stack.enter_async_context(scheduler.running())
        sentences, tell = troubles.sentences, reports.put

        def ready(work: Callable[[], Awaitable[None]]) -> Coroutine[Any, Any, None]:
            return _once_prepared(troubles, work)

        def kept(name: str, work: Callable[[], Awaitable[None]]) -> Coroutine[Any, Any, None]:
            return keep_at(name, work, sentences)

        room = partial(watch_room, paths.data, sentences=sentences, tell=tell)
        pages = partial(read_pages, knowledge.database, sentences=sentences, tell=tell)
        works: dict[str, Coroutine[Any, Any, object]] = {
            "reembed": _reembed(knowledge, troubles, reports),
            "signal": stop.wait(),
            "restart": again.wait(),
            "other model": knowledge.index.superseded.wait(),
            "prepare": _prepare(service, troubles, started),
            "telegram": _telegram(service, library, reports, troubles),
            "uploads": ready(uploads.resume),
            "check": ready(check.run),
            "scrub": kept("scrub", partial(_scrub, knowledge)),
            "webhooks": kept("webhooks", messenger.run),
            "watch": kept("watch", partial(_watch, service, scheduler, troubles)),
            "reader": kept("reader", lambda: ready(partial(keep_read, knowledge))),
            "disk": kept("disk", room),
            "database": kept("database", pages),
            "inbox": kept("inbox", lambda: ready(partial(_look_again, knowledge, scheduler))),
        }
        tasks = {name: asyncio.create_task(work, name=name) for name, work in works.items()}
        try:
            await _until_stopped(tasks.values(), stop, again, knowledge.index.superseded)
            if knowledge.index.superseded.is_set():  # its report comes after the switch
                await asyncio.wait({tasks["reembed"]}, timeout=_REPORT_S)
        finally:
            logger.info("Stopping")
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)


async def keep_at(
    name: str,
    work: Callable[[], Awaitable[None]],
    sentences: MutableMapping[str, str],
    *,
    pause_s: float = _AGAIN_S,
) -> None:
    """Do what the service can do without; after a failure of any kind, say so and do it again."""
    while True:
        try:
            await work()
        except Exception as error:
            logger.exception("%s failed and is tried again", name)
            reason = str(error) or type(error).__name__
            sentences[f"task {name}"] = f"The task {name!r} failed: {reason}"
            await asyncio.sleep(pause_s)
            sentences.pop(f"task {name}", None)
        else:
            return


async def _once_prepared(troubles: Troubles, work: Callable[[], Awaitable[None]]) -> None:
    await troubles.prepared.wait()
    await work()


async def _scrub(knowledge: Knowledge) -> None:
    """Record answers that could not be; take off the disk what was deleted, such as updates."""
    while True:
        await asyncio.sleep(_SCRUB_S)
        await knowledge.conversations.catch_up()
        if not await knowledge.database.scrub():
            logger.info("The database's log could not be emptied; it will be tried again")


async def _look_again(knowledge: Knowledge, scheduler: Scheduler) -> None:
    """Look at open questions whenever another release is live, whoever published it."""
    seen = 0
    while True:
        await asyncio.sleep(_SCRUB_S)
        if (live := await knowledge.release_rows.live_number()) != seen:
            seen = live
            await scheduler.run_now(INBOX)


async def _telegram(
    service: Service, library: Library, reports: asyncio.Queue[str], troubles: Troubles
) -> None:
    """Serve Telegram until cancelled, and pass reports on to the team.

    Without a token, say so and end; reports are in the console and the log all the same.
    """
    token = os.environ.get("TELEGRAM_BOT_TOKEN", "").strip()
    if not token:
        logger.info("TELEGRAM_BOT_TOKEN is not set: Telegram is off, everything else works.")
        return
    config = service.knowledge.config
    settings = TelegramSettings(
        token=token,
        base_url=config.telegram.base_url,
        base_file_url=config.telegram.base_file_url,
        slots=config.telegram.workers,
        manners=Manners(
            company=config.company.name,
            language=config.company.languages[0],
            streaming=config.telegram.streaming,
            hours=WorkingHours.parse(config.telegram.hours, config.telegram.timezone),
            welcome=config.company.welcome,
        ),
    )
    async with TelegramBot(
        settings,
        database=service.knowledge.database,
        desk=service.desk,
        conversations=service.knowledge.conversations,
        library=library,
        erasures=ErasureList(service.knowledge.paths.data / ERASED),
    ) as bot:
        troubles.bot = bot
        telling = asyncio.create_task(_tell(bot, reports), name="reports")
        try:
            await bot.wait()
        finally:
            troubles.bot = None
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)


async def _tell(bot: TelegramBot, reports: asyncio.Queue[str]) -> None:
    while True:
        text = await reports.get()
        try:
            await bot.tell_team(text)
        except StorageError as error:
            logger.warning("A report did not reach the team: %s", error)


async def _watch(service: Service, scheduler: Scheduler, troubles: Troubles) -> None:
    """Have folders read again when they change, if that is configured, until cancelled."""
    watcher = make_watcher(service.knowledge, scheduler)
    if watcher is not None:
        await _once_prepared(troubles, watcher.run)


async def _reembed(knowledge: Knowledge, troubles: Troubles, reports: asyncio.Queue[str]) -> None:
    """Change to the configured embedding model, beside what answers."""
    await troubles.prepared.wait()
    if knowledge.wanted and not await is_undone(knowledge):
        troubles.sentences["vectors"] = said_meanwhile(knowledge)
    said = await reembed_beside(knowledge)
    troubles.sentences.pop("vectors", None)
    if said:
        logger.info("The embedding model: %s", said.splitlines()[0])
        await reports.put(said)


async def _until_stopped(tasks: Collection["asyncio.Task[object]"], *ends: asyncio.Event) -> None:
    """Wait for one of the events; an error in any of the tasks ends it with its sentence."""
    pending = set(tasks)
    while not any(event.is_set() for event in ends):
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()


async def _prepare(service: Service, troubles: Troubles, started: float) -> None:
    """Make the knowledge base ready while questions are already accepted."""
    knowledge = service.knowledge

    async def on_rebuild(reason: str) -> None:
        troubles.sentences["index"] = f"The index is being rebuilt ({reason})."

    await knowledge.releases.open_or_rebuild(on_rebuild=on_rebuild)
    troubles.sentences.pop("index", None)
    await ingest_demo_if_empty(knowledge, say=logger.info)
    await knowledge.embedder.start(wait=True)
    await wait_for(knowledge.second, without=WITHOUT_SECOND)
    await knowledge.trainer.ensure()
    await wait_for(service.generator, without=WITHOUT_GENERATOR)
    gc.unfreeze()  # what was open before it was opened again
    gc.collect()
    gc.freeze()  # what stays as long as the service: looking through it holds up answers for .1 s
    troubles.prepared.set()
    logger.info("Ready after %.1f s", time.perf_counter() - started)


@contextmanager
def _alone(paths: Paths) -> Iterator[None]:
    lock = FileLock(paths.lock)
    try:
        paths.data.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise AlreadyRunning(paths.data) from None
    except OSError as error:
        raise DataFolderUnusable(paths.data, error.strerror or str(error)) from error
    try:
        yield
    finally:
        lock.release()
