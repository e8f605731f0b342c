"""Each customer who needs a person has a topic in the team's group; messages go both ways.

What is said while the customer still waits for a person is stored for the topic together with the
bot's reply, so that a restart loses nothing of it.
"""

import asyncio
import json
import logging
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import KW_ONLY, dataclass, field
from typing import Any
from weakref import WeakValueDictionary

from telegram.error import BadRequest, TelegramError

from bot.conversation.replies import Addressee, message
from bot.conversation.service import CustomerService
from bot.operator.topic_text import (
    bot_turn,
    card_buttons,
    card_text,
    held_buttons,
    held_text,
    mark,
    topic_name,
)
from bot.transport.incoming import Incoming
from bot.transport.limiter import Priority
from bot.transport.redact import redact
from core.masking import mask
from core.rights import may
from core.types import Answer
from core.wording import speaking, tr
from db.accounts import Accounts
from db.drafts import Drafts
from db.handover import Handover, Place
from db.inbox import Inbox
from db.outbox import Outgoing, StoredMessage

logger = logging.getLogger(__name__)

_TURNS = 3
_ALL_TURNS = 10_000
_TELLING_CHARS = 8
"""A shorter question ("hello") tells nothing of who asked it."""
_GONE = ("thread not found", "topic_deleted", "topic_id_invalid")


@dataclass(frozen=True)
class TopicLink:
    """Opens topics and copies messages between them and the customers."""

    service: CustomerService
    inbox: Inbox
    drafts: Drafts
    accounts: Accounts
    _: KW_ONLY
    saves: bool
    """Whether answers may be saved as entries of the knowledge base."""
    _locks: WeakValueDictionary[int, asyncio.Lock] = field(
        default_factory=WeakValueDictionary, init=False
    )

    # --- topics --------------------------------------------------------------------------------

    async def call(self, chat_id: int) -> None:
        """Give a waiting customer a topic with a card; without a group, write to each operator."""
        async with self._lock(chat_id):
            handover = await self.service.handovers.get(chat_id)
            if handover is None or handover.card_id:
                return
            if not await self.group():
                await self._write_to_operators(handover)
                return
            try:
                await self._open(handover)
            except TelegramError as trouble:
                # The conversation stays among those who wait; the next start tries again.
                logger.warning("No topic for a customer: %s", redact(str(trouble)))

    async def propose(self, chat_id: int, answer_id: int, *, question: str) -> None:
        """Show the team a held answer: in the customer's topic; without a group, to each."""
        group = await self.group()
        if group:
            await self.call(chat_id)
        handover = await self.service.handovers.get(chat_id)
        draft = await self.drafts.one(answer_id)
        if handover is None or draft is None:
            return
        places = [Addressee(group, handover.thread_id)]
        if not group:
            places = [Addressee(one.user_id) for one in await self.service.operators.list()]
        with self._speaking():
            text, buttons = held_text(question, draft.text), [held_buttons(answer_id)]
        await self.service.sender.deliver(
            [message(place, text, buttons=buttons) for place in places]
        )

    async def catch_up(self) -> None:
        """Give topics to customers who called before there was a group, or just before the end."""
        if await self.group():
            for handover in await self.service.handovers.open():
                if not handover.card_id:
                    await self.call(handover.chat_id)

    async def has_card(self, chat_id: int) -> bool:
        """Tell whether a customer's call stands in the team's group."""
        handover = await self.service.handovers.get(chat_id)
        return handover is not None and handover.card_id != 0

    async def of(self, thread_id: int) -> Handover | None:
        """Return the conversation that belongs to a topic."""
        return await self.service.handovers.of_topic(thread_id) if thread_id else None

    async def group(self) -> int:
        """Return the team's group, 0 if it has none."""
        return await self.service.team.group()

    async def reopen(self, handover: Handover) -> int:
        """Open a topic that was closed; return 0 if it was deleted."""
        try:
            await self.service.bot.reopen_forum_topic(await self.group(), handover.thread_id)
        except BadRequest as refusal:
            if _is_gone(str(refusal)):
                return 0
        return handover.thread_id

    async def close(self, handover: Handover) -> None:
        """Close a topic; it is opened again when the customer calls again."""
        try:
            await self.service.bot.close_forum_topic(await self.group(), handover.thread_id)
        except BadRequest as refusal:
            logger.info("A topic was not closed: %s", refusal)

    async def forget(self, chat_id: int) -> None:
        """Delete a customer's topic with everything in it, and what the team was sent."""
        service = self.service
        handover = await service.handovers.get(chat_id)
        group = await self.group()
        team = [group, *(operator.user_id for operator in await self.service.operators.list())]
        turns = await service.conversations.turns(f"telegram:{chat_id}", limit=_ALL_TURNS)
        about = _tells_of(chat_id, handover, [turn.question for turn in turns])
        await service.outbox.forget_at(team, about=about)
        await self.inbox.forget_at(team, about=about)
        if handover and handover.thread_id and group:
            try:
                await self.service.bot.delete_forum_topic(group, handover.thread_id)
            except TelegramError as trouble:
                logger.warning("A topic was not deleted: %s", redact(str(trouble)))

    async def refresh(self, chat_id: int) -> None:
        """Let the card show how the conversation stands."""
        handover = await self.service.handovers.get(chat_id)
        group = await self.group()
        if handover and handover.card_id and group:
            card = await self._card(handover, group)
            await self.service.sender.edit(group, handover.card_id, card.params)

    async def _open(self, handover: Handover) -> Handover:
        """Make or reopen the topic and put a new card into it."""
        service, group, chat_id = self.service, await self.group(), handover.chat_id
        thread = await self.reopen(handover) if handover.thread_id else 0
        if not thread:
            name = await service.chats.name(chat_id)
            with self._speaking():
                shown = topic_name(name, chat_id)
            made = await service.bot.create_forum_topic(group, shown)
            thread = made.message_thread_id
        # Before the card is written: whoever answers from now on copies into the topic, and
        # what was answered before stands on the card.
        await service.handovers.set_topic(chat_id, thread_id=thread, card_id=0)
        opened = await service.handovers.get(chat_id)
        assert opened is not None
        (sent,) = await service.sender.deliver([await self._card(opened, group)], priority="first")
        await service.handovers.set_topic(chat_id, thread_id=thread, card_id=sent.message_id or 0)
        return await service.handovers.get(chat_id) or opened

    async def _card(self, handover: Handover, group: int) -> Outgoing:
        service = self.service
        turns = await service.conversations.turns(f"telegram:{handover.chat_id}", limit=_TURNS)
        holder = ""
        if handover.holder:
            names = {o.user_id: o.name for o in await self.service.operators.list()}
            holder = names.get(handover.holder, "")
        name = await service.chats.name(handover.chat_id)
        assigned = (await self.accounts.assigned([handover.chat])).get(handover.chat)
        whose = assigned.name if assigned else ""
        with self._speaking():
            return message(
                Addressee(group, handover.thread_id),
                card_text(handover, name=name, holder=holder, assigned=whose, turns=turns),
                buttons=card_buttons(handover, saves=self.saves),
            )

    async def _write_to_operators(self, handover: Handover) -> None:
        name = await self.service.chats.name(handover.chat_id)
        with self._speaking():
            lead = f"{mark(handover.urgency)}. " if handover.urgency else ""
            text = lead + tr(
                "%(name)s asks for a person: “%(reason)s”. For whole conversations, add me to a "
                "group with topics and write /here there.",
                name=name or tr("A customer"),
                reason=handover.reason[:500],
            )
            reply = [[(tr("✍ Reply"), f"reply:{handover.chat_id}")]]
        await self.service.sender.deliver(
            [
                message(Addressee(operator.user_id), text, buttons=reply)
                for operator in await self.service.operators.list()
                if may(operator.role, "talk")
            ]
        )

    # --- while the customer waits --------------------------------------------------------------

    async def copies(
        self, written: Sequence[Incoming], answer: Answer | None, handover: Handover | None
    ) -> list[Outgoing]:
        """Return what the topic of a waiting customer is shown: their messages and the reply.

        Empty if the customer does not wait, or the topic is still to be made: its card has it.
        """
        group = await self.group()
        if not (handover and handover.state == "waiting" and handover.thread_id and group):
            return []
        if not written[0].private:
            return []
        to = Addressee(group, handover.thread_id)
        shown = [_copy_of(incoming, to) for incoming in written]
        if answer is not None:
            shown.append(message(to, bot_turn(answer)))
        return shown

    async def send_copies(self, chat_id: int, stored: Sequence[StoredMessage]) -> None:
        """Send what `copies` returned, once it is stored; in order for each customer."""
        async with self._lock(chat_id):
            for one in stored:
                sent = await self.service.sender.send(one)
                if sent.state == "failed" and _is_gone(sent.error):
                    await self.service.handovers.set_topic(chat_id, thread_id=0, card_id=0)
                    break
                original = sent.context.get("copy_of")
                if sent.message_id and original:
                    here = Place(chat_id, int(original))
                    await self._pair(here, Place(sent.chat_id, sent.message_id), chat_id)
            else:
                return
        await self.call(chat_id)  # the card of the new topic has the last turns

    # --- while a person has it -----------------------------------------------------------------

    async def to_topic(self, incoming: Incoming) -> None:
        """Pass on what a customer wrote into their topic; make it again if it was deleted."""
        handover = await self.service.handovers.get(incoming.chat_id)
        group = await self.group()
        if handover is None:
            return
        if incoming.text:
            await self.service.handovers.wrote(incoming.chat_id, incoming.text)
        if not group:
            return
        for _ in range(2):
            if not handover.thread_id:
                handover = await self._open(handover)
            sent = await self.copy(
                incoming, handover, to=Addressee(group, handover.thread_id), priority="first"
            )
            if sent is None or sent.state != "failed" or not _is_gone(sent.error):
                return
            await self.service.handovers.set_topic(handover.chat_id, thread_id=0, card_id=0)
            handover = await self.service.handovers.get(incoming.chat_id) or handover

    async def copy(
        self,
        incoming: Incoming,
        handover: Handover,
        *,
        to: Addressee,
        priority: Priority | None = None,
    ) -> StoredMessage | None:
        """Copy a message to the other side and remember the pair, for edits."""
        copied = _copy_of(incoming, to)
        params = dict(copied.params)
        if incoming.message.reply_to_message:
            original = Place(incoming.chat_id, incoming.message.reply_to_message.message_id)
            there = await self.service.handovers.copy_of(original)
            if there and there.chat_id == to.chat_id:
                params["reply_to"] = there.message_id
        (sent,) = await self.service.sender.deliver(
            [Outgoing(to.chat_id, copied.method, params, {})],
            update_id=incoming.update.update_id,
            priority=priority,
        )
        if sent.message_id:
            here = Place(incoming.chat_id, incoming.message.message_id)
            await self._pair(here, Place(to.chat_id, sent.message_id), handover.chat_id)
        return sent

    async def edit_copy(self, incoming: Incoming) -> None:
        """Change the copy of a message as the message itself was changed."""
        original = Place(incoming.chat_id, incoming.message.message_id)
        copy = await self.service.handovers.copy_of(original)
        if copy and (text := incoming.message.text):
            shown = mask(text) if incoming.private else text
            await self.service.sender.edit(copy.chat_id, copy.message_id, {"text": shown})

    def _speaking(self) -> AbstractContextManager[None]:
        """Speak the company's language, whoever is worked for: the whole team reads it."""
        return speaking(self.service.manners.language)

    def _lock(self, chat_id: int) -> asyncio.Lock:
        return self._locks.setdefault(chat_id, asyncio.Lock())

    async def _pair(self, here: Place, there: Place, customer: int) -> None:
        for original, copy in ((here, there), (there, here)):
            await self.service.handovers.mirror(original, copy, customer=customer)


def _copy_of(incoming: Incoming, to: Addressee) -> Outgoing:
    """Return a copy for the other side; a customer's without card numbers and passwords."""
    params: dict[str, Any] = {
        "chat_id": to.chat_id,
        "from_chat_id": incoming.chat_id,
        "message_id": incoming.message.message_id,
    }
    if to.thread_id:
        params["message_thread_id"] = to.thread_id
    context = {"copy_of": incoming.message.message_id}
    text = incoming.message.text or incoming.message.caption or ""
    if incoming.private and (masked := mask(text)) != text:
        if incoming.message.text:
            return message(to, masked, context=context)
        params["caption"] = masked
    return Outgoing(to.chat_id, "copyMessage", params, context)


def _tells_of(
    chat_id: int, handover: Handover | None, questions: Sequence[str]
) -> Callable[[str], bool]:
    """Return what tells whether the JSON of a message is about a customer."""
    parts = [json.dumps(question, ensure_ascii=False)[1:-1] for question in questions]
    parts = [part for part in parts if len(part) >= _TELLING_CHARS]
    numbers = [f"{chat_id}"]
    if handover and handover.thread_id:
        numbers.append(f'"message_thread_id": {handover.thread_id}')
    named = re.compile("|".join(rf"(?<!\d){re.escape(number)}(?!\d)" for number in numbers))
    return lambda said: bool(named.search(said)) or any(part in said for part in parts)


def _is_gone(refusal: str) -> bool:
    lowered = refusal.lower()
    return any(sign in lowered for sign in _GONE)
