"""The Telegram side as one object: start it, wait for its end, stop it."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Self

from telegram.error import InvalidToken, TelegramError
from telegram.ext import ApplicationBuilder, ExtBot

from bot.conversation.menus import Menus
from bot.conversation.replies import Addressee, message
from bot.conversation.service import CustomerService
from bot.customer.callback_queries import CallbackQueries
from bot.customer.customers import Customers
from bot.customer.handover_requests import HandoverRequests
from bot.customer.privacy import Privacy
from bot.operator.entries import EntryDesk
from bot.operator.held_answers import HeldAnswers
from bot.operator.knowledge import KnowledgeDesk
from bot.operator.links import LinkDesk
from bot.operator.operators import TeamDesk
from bot.operator.pending_input import PendingInputHandler
from bot.operator.questions import QuestionDesk
from bot.operator.topic_link import TopicLink
from bot.operator.topics import Topics
from bot.settings import TelegramSettings
from bot.transport.delivery_queue import SendRequest
from bot.transport.errors import BadToken, Stopping, TooLate
from bot.transport.inbox import InboxQueue, PollRequest
from bot.transport.incoming import Me
from bot.transport.limiter import ChatRateLimiter
from bot.transport.processor import PerChatProcessor
from bot.transport.recovery import Recovery
from bot.transport.redact import protect_logs, redact
from bot.transport.router import Router
from bot.transport.sender import Sender
from bot.transport.shutdown import Shutdown
from bot.transport.token import TOKEN
from bot.transport.watchdog import Watchdog
from core.errors import StorageError
from core.rights import may
from core.wording import preload, speaking
from db.accounts import Accounts
from db.base import Database
from db.chats import Chats
from db.conversations import Conversations
from db.drafts import Drafts
from db.erasure import ErasureList
from db.handover import CannedReplies, Handovers
from db.inbox import Inbox
from db.operators import Audit, Operators, Team
from db.outbox import Outbox
from db.pending_inputs import PendingInputs
from db.uploads import Uploads
from kb.answering.desk import Desk
from kb.releases.open_questions import DealtWith
from kb.releases.upload import Library, NotUndoable

logger = logging.getLogger(__name__)

POLL_S = 30
ALLOWED_UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")
KEEP_UPDATES_S = 3 * 86400.0
"""Telegram delivers an update again for a day; its numbers start anew after a quiet week."""
KEEP_MESSAGES_S = 90 * 86400.0
"""How long buttons under an answer work, and the outbox remembers."""

_TIDY_S = 6 * 3600.0
_TOLD_CHARS = 3900
"""Of a report to the team: one message."""


class TelegramBot:
    """Serves customers in Telegram while the ``async with`` block runs.

    It lives on the caller's loop and installs no signal handlers. `wait` returns only by raising
    `BotStopped`, when the bot can no longer serve.

    Raises:
        BadToken: on entering, if the token is malformed or Telegram refuses it.
    """

    def __init__(
        self,
        settings: TelegramSettings,
        *,
        database: Database,
        desk: Desk,
        conversations: Conversations,
        library: Library | None = None,
        erasures: ErasureList | None = None,
        shutdown: Shutdown | None = None,
    ) -> None:
        if not TOKEN.fullmatch(settings.token):
            raise BadToken
        protect_logs()
        self._settings = settings
        self.bot_id = int(settings.token.split(":")[0])
        self.shutdown = shutdown or Shutdown()
        self.inbox = Inbox(database, bot_id=self.bot_id)
        self.outbox = Outbox(database, bot_id=self.bot_id)
        self.chats = Chats(database)
        self.handovers = Handovers(database)
        self.operators = Operators(database)
        self.audit = Audit(database)
        self.team = Team(database)
        self._accounts = Accounts(database)
        self._language = settings.manners.language
        preload()
        self.me = Me(self.bot_id)
        self._tasks: set[asyncio.Task[None]] = set()
        self._open: contextlib.AsyncExitStack | None = None
        self.queue = InboxQueue(
            self.inbox, on_flood=lambda update: self._spawn(customers.on_flood(update))
        )
        self.watchdog = Watchdog(self.shutdown, deaf_s=settings.deaf_s)
        bot = self._make_bot()
        self.sender = Sender(
            bot,
            self.outbox,
            self.chats,
            shutdown=self.shutdown,
            offers=lambda chat_id, rows: self.router.offers(chat_id, rows),
        )
        self.recovery = Recovery(
            bot,
            self.inbox,
            self.outbox,
            self.queue,
            self.sender,
            handle=lambda update: self._processor.process_update(update, self.router(update)),
            spawn=self._spawn,
        )
        service = CustomerService(
            bot=bot,
            desk=desk,
            conversations=conversations,
            sender=self.sender,
            outbox=self.outbox,
            chats=self.chats,
            handovers=self.handovers,
            operators=self.operators,
            team=self.team,
            manners=settings.manners,
            shutdown=self.shutdown,
            spawn=self._spawn,
        )
        self._menus = menus = Menus(bot, self.operators, self.team, language=self._language)
        drafts = Drafts(database)
        self._link = link = TopicLink(
            service, self.inbox, drafts, self._accounts, saves=library is not None
        )
        handover_requests = HandoverRequests(service, link)
        customers = Customers(service, self.queue, self.me, link, handover_requests)
        pending_inputs = PendingInputs(database)
        pending_input = PendingInputHandler(service, pending_inputs)
        self._uploads = Uploads(database)
        self._knowledge: KnowledgeDesk | None = None
        entries: EntryDesk | None = None

        async def forget(chat_id: int) -> None:
            # First what is under way, so that nothing of it is stored or sent when all is erased.
            await self._processor.stop_talk(chat_id)
            if erasures is not None:
                await asyncio.to_thread(erasures.add, f"telegram:{chat_id}")
            await link.forget(chat_id)
            await self._uploads.forget(chat_id)
            await pending_inputs.forget(chat_id)
            await self.audit.forget(chat_id)
            await desk.forget(f"telegram:{chat_id}")
            await self.handovers.forget(chat_id)
            await self.chats.forget(chat_id)

        parts = [
            pending_input.routes,  # first: what an operator was asked to write is nothing else
            TeamDesk(
                service,
                self.audit,
                on_group=lambda: self._spawn(link.catch_up()),
                menus=menus,
            ).routes,
            CallbackQueries(service, handover_requests).routes,
            Privacy(service, erase=forget).routes,
        ]
        if library:
            self._knowledge = KnowledgeDesk(service, self._uploads, library, self.queue)
            asked = library.questions
            entries = EntryDesk(service, self._uploads, self._knowledge, pending_input, asked)
            links = LinkDesk(service, asked)
            listed = QuestionDesk(service, asked, pending_input, entries, links)
            parts += [entries.routes, listed.routes, links.routes]
        self.topics = Topics(service, link, CannedReplies(database), pending_input, entries)
        parts += [self.topics.routes, HeldAnswers(service, link, pending_input, drafts).routes]
        if self._knowledge:
            parts.append(self._knowledge.routes)  # after topics: a file there is for the customer
        parts.append(customers.routes)  # last: what nobody else takes is a question
        self.router = Router(
            parts,
            unknown_command=customers.help,
            refuse=service.refuse,
            alert=service.alert,
            told=(TooLate, DealtWith, NotUndoable),
            resume=self.recovery.resume,
            permits=self.operators,
            records=self.audit,
            team_group=self.team.group,
            ignores=self.chats.is_banned,
            language=self._language,
            chosen=self._chosen_language,
            me=self.me,
        )
        self._processor = PerChatProcessor(
            self.queue,
            self.inbox,
            run=self.router,
            on_dead=lambda update: self._spawn(customers.on_dead(update)),
            shutdown=self.shutdown,
            slots=settings.slots,
            timeout_s=settings.handler_timeout_s,
        )
        application = ApplicationBuilder().bot(bot).update_queue(self.queue)
        self._application = application.concurrent_updates(self._processor).job_queue(None).build()

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self._connected())
            with speaking(self._language):
                await self.recovery.catch_up()
                await stack.enter_async_context(self._serving())
            self._open = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._open:
            await self._open.aclose()

    async def wait(self) -> None:
        """Wait until the bot can no longer serve.

        Raises:
            BotStopped: then, with the reason.
        """
        raise await asyncio.shield(self.watchdog.ended)

    # --- start and stop ------------------------------------------------------------------------

    def _make_bot(self) -> "ExtBot[Any]":
        settings = self._settings
        given: dict[str, Any] = {
            "base_url": settings.base_url,
            "base_file_url": settings.base_file_url,
        }
        return ExtBot(
            settings.token,
            request=SendRequest(
                connection_pool_size=settings.slots + 8, pool_timeout=10, read_timeout=15
            ),
            get_updates_request=PollRequest(
                self.queue, on_status=self.watchdog.on_status, read_timeout=POLL_S + 10
            ),
            rate_limiter=ChatRateLimiter(self.shutdown),
            **{name: url for name, url in given.items() if url},
        )

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[None]:
        """Introduce the bot to Telegram; while Telegram cannot be reached, try again."""
        bot: ExtBot[Any] = self._application.bot
        try:
            await self._until_introduced()
            self.me.username = bot.username
            self.watchdog.username = f"@{bot.username}"
            yield
        finally:
            await self._application.shutdown()
            await bot.shutdown()  # the connections, if the application was never ready

    async def _until_introduced(self) -> None:
        backoff = 1.0
        while True:
            try:
                await self._application.initialize()
            except InvalidToken as refusal:
                code = 404 if "not found" in str(refusal).lower() else 401
                raise BadToken(code) from None  # its text holds the token
            except TelegramError as trouble:
                logger.warning("Telegram cannot be reached: %s", redact(str(trouble)))
                await self.shutdown.sleep(backoff)
                backoff = min(backoff * 2, 30.0)
            else:
                return

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[None]:
        application = self._application
        updater = application.updater
        assert updater is not None
        await application.start()
        await updater.start_polling(
            timeout=POLL_S,
            bootstrap_retries=-1,
            allowed_updates=ALLOWED_UPDATES,
            error_callback=self._on_poll_error,
        )
        watch = asyncio.create_task(self.watchdog.watch(), name="watchdog")
        self._spawn(self._keep_tidy())
        self._spawn(self._link.catch_up())
        if self._knowledge:
            await self._knowledge.resume()
        await self._invite_owner()
        self._spawn(self._menus.set_all())
        logger.info("Telegram: serving as @%s", application.bot.username)
        try:
            yield
        finally:
            with contextlib.suppress(TelegramError):  # of a poller that died, or the last poll
                await updater.stop()
            self.queue.close()
            await self._processor.drain(self._settings.grace_s)
            self.shutdown.stop()
            await application.stop()
            await self._end_tasks()
            await watch

    async def _end_tasks(self) -> None:
        """Let what runs beside end; what takes too long is taken up at the next start."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=self._settings.grace_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def tell_team(self, text: str) -> None:
        """Write to the team's group, or without one to everybody who may change the knowledge."""
        group = await self.team.group()
        if group:
            chats = [group]
        else:
            team = await self.operators.list()
            chats = [operator.user_id for operator in team if may(operator.role, "publish")]
        await self.sender.deliver([message(Addressee(chat), text[:_TOLD_CHARS]) for chat in chats])

    async def tidy(self) -> None:
        """Forget what is older than it has to be kept."""
        now = time.time()
        await self.inbox.purge(before=now - KEEP_UPDATES_S)
        await self.outbox.purge(before=now - KEEP_MESSAGES_S)
        await self.handovers.purge(before=now - KEEP_MESSAGES_S)
        await self._uploads.purge(before=now - KEEP_MESSAGES_S)

    async def _keep_tidy(self) -> None:
        while True:
            try:
                await self.tidy()
            except StorageError:
                logger.exception("Old messages were not deleted")
            await self.shutdown.sleep(_TIDY_S)

    async def _chosen_language(self, user_id: int) -> str:
        """Return what an operator chose on their account, else by /language; empty: neither."""
        account = await self._accounts.in_telegram(user_id)
        return (account.language if account else "") or await self.chats.language(user_id)

    async def _invite_owner(self) -> None:
        """Without an operator, print the code that makes the first one."""
        if await self.operators.list():
            return
        code = await self.operators.new_code("owner")
        logger.info(
            "No operator yet. To become the owner, send this to @%s within an hour: /operator %s",
            self.me.username,
            code,
        )

    # --- what happens meanwhile ----------------------------------------------------------------

    def _on_poll_error(self, error: TelegramError) -> None:
        logger.warning("Receiving from Telegram: %s", redact(str(error)))

    def _spawn(self, work: Coroutine[Any, Any, object]) -> None:
        async def run() -> None:
            with contextlib.suppress(Stopping):
                await work

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


__all__ = ["TelegramBot", "TelegramSettings"]
