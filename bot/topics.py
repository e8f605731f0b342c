"""A person takes over: one topic of the team's group for each customer who needs one.

What an operator writes in the topic goes to the customer, except what begins with ``//``; what the
customer writes goes into the topic. While a person holds the conversation the bot is silent.
"""

import logging
from collections.abc import Sequence
from typing import Any

from telegram import CallbackQuery, Message, Update
from telegram.error import BadRequest, TelegramError

from bot.incoming import Incoming
from bot.limiter import Priority
from bot.redact import redact
from bot.replies import Addressee, Button, keyboard, message
from bot.router import Command, Content, Press, Routes
from bot.service import CustomerService
from bot.texts import bot_text
from bot.topic_text import card_text, topic_name
from db.handover import CannedReplies, Handover, Place
from db.operators import Operators, Team
from db.telegram import Outgoing, StoredMessage

logger = logging.getLogger(__name__)

INSIDE = "//"
"""What an operator's message begins with that stays within the team."""

_TURNS = 3
_GONE = ("thread not found", "topic_deleted", "topic_id_invalid")


class Topics:
    """Handles the team's group."""

    def __init__(
        self,
        service: CustomerService,
        team: Team,
        operators: Operators,
        canned: CannedReplies,
    ) -> None:
        self._service = service
        self._team = team
        self._operators = operators
        self._canned = canned

    @property
    def routes(self) -> Routes:
        """What happens in topics, and in chats that a person holds."""
        return Routes(
            commands=(
                Command("take", "agent", self.take),
                Command("giveback", "agent", self.give_back),
                Command("close", "agent", self.close),
                Command("reopen", "agent", self.reopen),
                Command("ban", "agent", self.ban),
                Command("unban", "agent", self.unban),
                Command("canned", "agent", self.canned),
            ),
            presses=(
                Press("take", "agent", self.pressed_take),
                Press("give", "agent", self.pressed_give_back),
                Press("close", "agent", self.pressed_close),
                Press("draft", "agent", self.pressed_draft),
                Press("rate", "anyone", self.pressed_rating),
            ),
            contents=(
                Content("topic", "agent", self._is_topic, self.to_customer, self.edit_for_customer),
                Content("outsider", "anyone", self._is_topic, _nothing),
                Content("held", "anyone", self._is_held, self.to_topic, self.edit_for_topic),
            ),
        )

    # --- a person is asked for -----------------------------------------------------------------

    async def call(self, chat_id: int) -> None:
        """Give a waiting customer a topic with a card; without a group, write to each operator."""
        handover = await self._service.handovers.get(chat_id)
        if handover is None:
            return
        if not await self._team.group():
            await self._write_to_operators(handover)
            return
        try:
            await self._open(handover)
        except TelegramError as trouble:
            # The conversation stays among those who wait; the next start tries again.
            logger.warning("No topic for a customer: %s", redact(str(trouble)))

    async def catch_up(self) -> None:
        """Give topics to customers whose call was interrupted by the end of the process."""
        if await self._team.group():
            for handover in await self._service.handovers.open():
                if not handover.thread_id:
                    await self.call(handover.chat_id)

    async def _write_to_operators(self, handover: Handover) -> None:
        name = await self._service.chats.name(handover.chat_id)
        text = (
            f"{name or 'A customer'} asks for a person: “{handover.reason[:500]}”. To answer, add "
            "me to a group with topics and write /here there."
        )
        await self._service.sender.deliver(
            [message(Addressee(o.user_id), text) for o in await self._operators.list()]
        )

    async def forget(self, chat_id: int) -> None:
        """Delete a customer's topic with everything in it."""
        handover = await self._service.handovers.get(chat_id)
        group = await self._team.group()
        if handover and handover.thread_id and group:
            try:
                await self._service.bot.delete_forum_topic(group, handover.thread_id)
            except TelegramError as trouble:
                logger.warning("A topic was not deleted: %s", redact(str(trouble)))

    async def _open(self, handover: Handover) -> Handover:
        """Make or reopen the topic and put a new card into it."""
        service, group, chat_id = self._service, await self._team.group(), handover.chat_id
        thread = handover.thread_id
        if thread:
            thread = await self._reopened(group, thread)
        name = await service.chats.name(chat_id)
        if not thread:
            made = await service.bot.create_forum_topic(group, topic_name(name, chat_id))
            thread = made.message_thread_id
        turns = await service.judges.turns(f"telegram:{chat_id}", limit=_TURNS)
        card = message(
            Addressee(group, thread),
            card_text(handover, name=name, turns=turns),
            buttons=_card_buttons(handover),
        )
        (sent,) = await service.sender.deliver([card], priority="first")
        await service.handovers.set_topic(chat_id, thread_id=thread, card_id=sent.message_id or 0)
        found = await service.handovers.get(chat_id)
        assert found is not None
        return found

    async def _reopened(self, group: int, thread: int) -> int:
        """Reopen a topic; return 0 if it was deleted."""
        try:
            await self._service.bot.reopen_forum_topic(group, thread)
        except BadRequest as refusal:
            if _is_gone(str(refusal)):
                return 0
        return thread

    # --- messages ------------------------------------------------------------------------------

    async def to_customer(self, incoming: Incoming) -> None:
        """Pass on what an operator wrote in a topic."""
        handover = await self._of(incoming)
        if handover is None or incoming.text.startswith(INSIDE):
            return
        if handover.state != "held":
            await self._take(handover, holder=incoming.user.id)
        await self._copy(incoming, handover, to=Addressee(handover.chat_id))

    async def to_topic(self, incoming: Incoming) -> None:
        """Pass on what a customer wrote into their topic; make it again if it was deleted."""
        handover = await self._service.handovers.get(incoming.chat_id)
        group = await self._team.group()
        if handover is None or not group:
            return
        for _ in range(2):
            if not handover.thread_id:
                handover = await self._open(handover)
            sent = await self._copy(
                incoming, handover, to=Addressee(group, handover.thread_id), priority="first"
            )
            if sent is None or sent.state != "failed" or not _is_gone(sent.error):
                return
            await self._service.handovers.set_topic(handover.chat_id, thread_id=0, card_id=0)
            handover = await self._service.handovers.get(incoming.chat_id) or handover

    async def edit_for_customer(self, incoming: Incoming) -> None:
        """Change the customer's copy of what an operator wrote."""
        if not incoming.text.startswith(INSIDE):
            await self._edit_copy(incoming)

    async def edit_for_topic(self, incoming: Incoming) -> None:
        """Change the team's copy of what a customer wrote."""
        await self._edit_copy(incoming)

    # --- commands in a topic -------------------------------------------------------------------

    async def take(self, incoming: Incoming, _: str) -> None:
        """Take the conversation."""
        if handover := await self._of(incoming):
            await self._take(handover, holder=incoming.user.id)

    async def give_back(self, incoming: Incoming, _: str) -> None:
        """Let the bot answer again."""
        if handover := await self._of(incoming):
            await self._give_back(handover)

    async def close(self, incoming: Incoming, _: str) -> None:
        """End the conversation and ask the customer how it was."""
        if handover := await self._of(incoming):
            await self._close(handover)

    async def reopen(self, incoming: Incoming, _: str) -> None:
        """Take a closed conversation up again."""
        if handover := await self._of(incoming):
            await self._reopened(await self._team.group(), handover.thread_id)
            await self._take(handover, holder=incoming.user.id)

    async def ban(self, incoming: Incoming, _: str) -> None:
        """Stop listening to the customer."""
        if handover := await self._of(incoming):
            await self._service.chats.ban(handover.chat_id, banned=True)
            await self._close(handover, quietly=True)
            await self._say(incoming, "Banned: nothing they write is read. /unban undoes it.")

    async def unban(self, incoming: Incoming, _: str) -> None:
        """Listen to the customer again."""
        if handover := await self._of(incoming):
            await self._service.chats.ban(handover.chat_id, banned=False)
            await self._say(incoming, "No longer banned.")

    async def canned(self, incoming: Incoming, argument: str) -> None:
        """List, store or send replies that are used often."""
        name, _, text = argument.partition(" ")
        replies = await self._canned.all()
        handover = await self._of(incoming)
        if text.startswith("="):
            await self._canned.save(name[:32], text[1:].strip())
            await self._say(incoming, f"Stored as {name!r}." if text[1:].strip() else "Removed.")
        elif name in replies and handover:
            if handover.state != "held":
                await self._take(handover, holder=incoming.user.id)
            to = Addressee(handover.chat_id)
            await self._service.sender.deliver(
                [message(to, replies[name])], update_id=incoming.update.update_id
            )
        else:
            known = "\n".join(f"{n}: {t}" for n, t in replies.items()) or "None yet."
            await self._say(
                incoming, f"{known}\n\nIn a topic: /canned NAME sends. /canned NAME =TEXT stores."
            )

    # --- buttons -------------------------------------------------------------------------------

    async def pressed_take(self, query: CallbackQuery, _: Update, __: str) -> None:
        """Take the conversation."""
        await self._service.alert(query)
        if handover := await self._pressed(query):
            await self._take(handover, holder=query.from_user.id)

    async def pressed_give_back(self, query: CallbackQuery, _: Update, __: str) -> None:
        """Let the bot answer again."""
        await self._service.alert(query)
        if handover := await self._pressed(query):
            await self._give_back(handover)

    async def pressed_close(self, query: CallbackQuery, _: Update, __: str) -> None:
        """End the conversation."""
        await self._service.alert(query)
        if handover := await self._pressed(query):
            await self._close(handover)

    async def pressed_draft(self, query: CallbackQuery, update: Update, _: str) -> None:
        """Send the proposed answer."""
        handover = await self._pressed(query)
        if handover is None or not handover.draft:
            await self._service.alert(query, "There is no draft any more.")
            return
        await self._service.alert(query)
        if handover.state != "held":
            await self._take(handover, holder=query.from_user.id)
        to = Addressee(handover.chat_id)
        await self._service.sender.deliver(
            [message(to, handover.draft)], update_id=update.update_id
        )

    async def pressed_rating(self, query: CallbackQuery, _: Update, value: str) -> None:
        """Store how a customer found the conversation with a person."""
        shown = query.message
        languages = (query.from_user.language_code or "", self._service.manners.language)
        if shown is None or shown.chat.id != query.from_user.id or value not in "12345":
            await self._service.refuse(query)
            return
        await self._service.handovers.rate(shown.chat.id, int(value))
        await self._service.alert(query)
        await self._service.sender.edit(
            shown.chat.id, shown.message_id, {"text": bot_text("rate_thanks", *languages)}
        )

    # --- what they share -----------------------------------------------------------------------

    async def _take(self, handover: Handover, *, holder: int) -> None:
        new = handover.state != "held"
        await self._service.handovers.take(handover.chat_id, holder=holder)
        await self._mark(handover, "held")
        if new:
            await self._tell(handover, bot_text("person_here", *self._languages(handover)))

    async def _give_back(self, handover: Handover) -> None:
        await self._service.handovers.give_back(handover.chat_id)
        await self._mark(handover, "waiting")
        await self._tell(handover, bot_text("bot_back", *self._languages(handover)))

    async def _close(self, handover: Handover, *, quietly: bool = False) -> None:
        await self._service.handovers.close(handover.chat_id)
        await self._mark(handover, "closed")
        group = await self._team.group()
        try:
            await self._service.bot.close_forum_topic(group, handover.thread_id)
        except BadRequest as refusal:
            logger.info("A topic was not closed: %s", refusal)
        if not quietly:
            stars: list[Button] = [("★" * n, f"rate:{n}") for n in range(1, 6)]
            text = bot_text("person_gone", *self._languages(handover))
            to = Addressee(handover.chat_id)
            await self._service.sender.deliver([message(to, text, buttons=[stars[:2], stars[2:]])])

    async def _mark(self, handover: Handover, state: str) -> None:
        """Show on the card who has the conversation."""
        group = await self._team.group()
        if handover.card_id and group:
            await self._service.sender.edit_buttons(
                group, handover.card_id, keyboard(_card_buttons(handover, state))
            )

    async def _tell(self, handover: Handover, text: str) -> None:
        await self._service.sender.deliver([message(Addressee(handover.chat_id), text)])

    async def _copy(
        self,
        incoming: Incoming,
        handover: Handover,
        *,
        to: Addressee,
        priority: Priority | None = None,
    ) -> StoredMessage | None:
        """Copy a message to the other side and remember the pair, for edits."""
        params: dict[str, Any] = {
            "chat_id": to.chat_id,
            "from_chat_id": incoming.chat_id,
            "message_id": incoming.message.message_id,
        }
        if to.thread_id:
            params["message_thread_id"] = to.thread_id
        if incoming.message.reply_to_message:
            original = Place(incoming.chat_id, incoming.message.reply_to_message.message_id)
            there = await self._service.handovers.copy_of(original)
            if there and there.chat_id == to.chat_id:
                params["reply_to"] = there.message_id
        (sent,) = await self._service.sender.deliver(
            [Outgoing(to.chat_id, "copyMessage", params, {})],
            update_id=incoming.update.update_id,
            priority=priority,
        )
        if sent.message_id:
            here = Place(incoming.chat_id, incoming.message.message_id)
            there = Place(to.chat_id, sent.message_id)
            for original, copy in ((here, there), (there, here)):
                await self._service.handovers.mirror(original, copy, customer=handover.chat_id)
        return sent

    async def _edit_copy(self, incoming: Incoming) -> None:
        original = Place(incoming.chat_id, incoming.message.message_id)
        copy = await self._service.handovers.copy_of(original)
        if copy and incoming.message.text:
            await self._service.sender.edit(
                copy.chat_id, copy.message_id, {"text": incoming.message.text}
            )

    async def _say(self, incoming: Incoming, text: str) -> None:
        to = Addressee(incoming.chat_id, incoming.thread_id)
        await self._service.sender.deliver([message(to, text)], update_id=incoming.update.update_id)

    def _languages(self, handover: Handover) -> tuple[str, ...]:
        return tuple(filter(None, (handover.language, self._service.manners.language)))

    async def _of(self, incoming: Incoming) -> Handover | None:
        if not incoming.thread_id or incoming.chat_id != await self._team.group():
            return None
        return await self._service.handovers.of_topic(incoming.thread_id)

    async def _pressed(self, query: CallbackQuery) -> Handover | None:
        shown = query.message
        if not isinstance(shown, Message) or not shown.message_thread_id:
            return None
        return await self._service.handovers.of_topic(shown.message_thread_id)

    async def _is_topic(self, incoming: Incoming) -> bool:
        return _says_something(incoming.message) and await self._of(incoming) is not None

    async def _is_held(self, incoming: Incoming) -> bool:
        return (
            incoming.private
            and _says_something(incoming.message)
            and await self._service.handovers.is_held(incoming.chat_id)
        )


async def _nothing(_: Incoming) -> None:
    """Let a message pass without a reply."""


def _says_something(shown: Message) -> bool:
    """Tell a person's message from a note of Telegram, such as a closed topic."""
    return bool(shown.text or shown.effective_attachment)


def _is_gone(refusal: str) -> bool:
    lowered = refusal.lower()
    return any(sign in lowered for sign in _GONE)


def _card_buttons(handover: Handover, state: str = "") -> Sequence[Sequence[Button]]:
    now = state or handover.state
    if now == "closed":
        return []
    rows: list[list[Button]] = []
    if handover.draft and now == "waiting":
        rows.append([("✉ Send draft", "draft")])
    mine: Button = ("↩ Give back", "give") if now == "held" else ("✋ Take over", "take")
    return [*rows, [mine, ("✔ Close", "close")]]
