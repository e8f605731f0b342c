"""What customers write: questions, corrections, commands, and what the bot cannot read."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from telegram import Update
from telegram.constants import ChatType

from bot.conversation.replies import Addressee, answer_messages, language_buttons, message
from bot.conversation.service import CustomerService
from bot.conversation.texts import bot_text
from bot.customer.handover_requests import HandoverRequests
from bot.operator.topic_link import TopicLink
from bot.transport.inbox import InboxQueue
from bot.transport.incoming import Incoming, Me, is_addressed, is_fragment, is_plain_text, read
from bot.transport.router import Command, Content, Routes
from bot.transport.typing import typing
from core.shown import short
from db.outbox import Outgoing, StoredMessage
from kb.answering.texts import service_text, text_language

LATE_S = 60.0
"""An answer that comes later than this begins with an apology."""

_QUESTION_CHARS = 80


@dataclass(frozen=True)
class Customers:
    """Handles what customers write."""

    service: CustomerService
    queue: InboxQueue
    me: Me
    link: TopicLink
    handover_requests: HandoverRequests

    @property
    def routes(self) -> Routes:
        """What customers write."""
        return (
            Command("start", "anyone", self.start),
            Command("help", "anyone", self.help),
            Command("human", "anyone", self.human),
            Command("language", "anyone", self.language),
            Command("privacy", "anyone", self.privacy),
            Content("question", "anyone", self._is_question, self.on_message, self.on_edit),
        )

    async def _is_question(self, incoming: Incoming) -> bool:
        return is_addressed(incoming, self.me)

    # --- messages ------------------------------------------------------------------------------

    async def on_message(self, incoming: Incoming) -> None:
        """Answer a question, or say in a friendly way what the bot cannot read."""
        await self._see(incoming)
        if not incoming.text:
            await self._on_wordless(incoming)
            return
        service = self.service
        text, followers = await self._with_what_follows(incoming)
        to = await service.addressee(incoming)
        repeated = incoming.update.update_id in self.queue.repeated
        stream = await service.stream(incoming, to, repeated=repeated)
        async with typing(service.bot, to.chat_id, to.thread_id):
            answer = await service.ask(
                text, to=to, language_code=incoming.language_code, stream=stream
            )
        handover = await service.handovers.get(to.chat_id)
        if handover and handover.state == "held":
            await self.link.to_topic(incoming)  # a person took over while the answer was made
            return
        parts = [incoming, *(read(f, username=self.me.username) for f in followers)]
        written = [part for part in parts if part]
        copies = await self.link.copies(written, answer, handover)
        if answer.kind == "held":  # the team is shown the draft, with its buttons
            copies = copies[: len(written)]
        made = answer = await self.handover_requests.given(answer, to, question=text)
        if copies and answer.kind == "unknown":  # it is with the team already: no need to offer it
            noted = bot_text("noted", answer.language, *to.languages)
            answer = replace(answer, kind="smalltalk", text=noted)
            copies = await self.link.copies(written, answer, handover)
        if answer.intent == "person":
            called = await self.handover_requests.call(to, reason=text, urgency=answer.urgency)
            answer = replace(answer, text=called)
        elif answer.urgency:
            await self.handover_requests.hasten(to.chat_id, answer.urgency)
        if answer.text != made.text:
            await service.conversations.said(answer)
        waited = time.time() - incoming.message.date.timestamp()
        lead = ""
        if waited > LATE_S:
            lead = bot_text(
                "late", answer.language, *to.languages, question=short(text, _QUESTION_CHARS)
            )
        last = followers[-1].message if followers else incoming.message
        assert last is not None
        messages = answer_messages(
            answer,
            to,
            question=text,
            question_message_id=last.message_id,
            lead=lead,
            quote_question=not incoming.private
            or len(self.queue.parked(incoming.update)) > len(followers),
        )
        await self._reply(written, await stream.finish(messages), copies)

    async def on_edit(self, incoming: Incoming) -> None:
        """Answer the new wording in place of the old answer."""
        service = self.service
        replies = await service.outbox.replies_to(incoming.chat_id, incoming.message.message_id)
        shown = [r for r in replies if r.state == "sent" and r.message_id]
        if not incoming.text or not shown or shown[-1].context.get("question") == incoming.text:
            return
        to = await service.addressee(incoming)
        async with typing(service.bot, to.chat_id, to.thread_id):
            answer = await service.ask(incoming.text, to=to, language_code=incoming.language_code)
        answer = await self.handover_requests.given(answer, to, question=incoming.text)
        messages = answer_messages(
            answer,
            to,
            question=incoming.text,
            question_message_id=incoming.message.message_id,
        )
        await self._replace(shown, messages, incoming.update.update_id)
        await self.link.edit_copy(incoming)

    async def on_flood(self, update: Update) -> None:
        """Ask a customer, once, to wait."""
        to = await self._whom(update)
        if to:
            await self.service.sender.deliver(
                [message(to, bot_text("flood", *to.languages))], priority="first"
            )

    async def on_dead(self, update: Update) -> None:
        """Tell a customer that a message could not be handled, and offer a person."""
        to = await self._whom(update)
        if to is None or update.edited_message:
            return
        person = (f"🙋 {service_text('talk_to_person', *to.languages)}", "human")
        # Not as the reply to the update, which an operator may have handled again.
        await self.service.sender.deliver(
            [message(to, service_text("trouble", *to.languages), buttons=[[person]])]
        )

    # --- commands ------------------------------------------------------------------------------

    async def start(self, incoming: Incoming, argument: str) -> None:
        """Greet; keep what the link carried."""
        await self._see(incoming, payload=argument)
        manners = self.service.manners
        await self.service.say(
            incoming,
            lambda *to: (
                manners.welcome.get(text_language(*to))
                or bot_text("start", *to, company=manners.company)
            ),
        )

    async def help(self, incoming: Incoming, _: str) -> None:
        """Say how to ask."""
        await self.service.say(incoming, lambda *to: bot_text("help", *to))

    async def privacy(self, incoming: Incoming, _: str) -> None:
        """Say what is stored."""
        company = self.service.manners.company
        await self.service.say(incoming, lambda *to: bot_text("privacy", *to, company=company))

    async def language(self, incoming: Incoming, _: str) -> None:
        """Offer the languages."""
        await self._see(incoming)
        to = await self.service.addressee(incoming)
        text = bot_text("choose_language", *to.languages)
        await self.service.reply(incoming, text, buttons=language_buttons(to.languages))

    async def human(self, incoming: Incoming, argument: str) -> None:
        """Call a person."""
        await self._see(incoming)
        to = await self.service.addressee(incoming)
        text = await self.handover_requests.call(to, reason=argument)
        await self.service.reply(incoming, text)

    # --- what they share -----------------------------------------------------------------------

    async def _reply(
        self,
        written: Sequence[Incoming],
        messages: Sequence[Outgoing],
        copies: Sequence[Outgoing],
    ) -> None:
        """Send the reply to messages, and to the team what it is to see of both."""
        first, *followers = written
        stored = await self.service.outbox.add(
            [*messages, *copies],
            update_id=first.update.update_id,
            answers_also=[follower.update.update_id for follower in followers],
        )
        self.queue.take(first.update, len(followers))
        if copies:  # beside: the group's budget is small, and the customer's next message waits
            self.service.spawn(self.link.send_copies(first.chat_id, stored[len(messages) :]))
        await self.service.sender.send_all(stored[: len(messages)])

    async def _with_what_follows(self, incoming: Incoming) -> tuple[str, list[Update]]:
        """Join short messages that follow at once; return the text and the later updates."""
        texts: list[str] = [incoming.text]
        followers: list[Update] = []
        update, merge_s = incoming.update, self.service.manners.merge_s
        if not (merge_s and incoming.private and is_plain_text(update)):
            return incoming.text, []
        while is_fragment(texts[-1]):
            count = len(followers) + 1
            waited = time.time() - incoming.message.date.timestamp()
            patience = merge_s if waited < LATE_S else 0.0
            if not await self.queue.wait_for_more(update, count=count, seconds=patience):
                break
            follower = self.queue.parked(update)[count - 1]
            if not is_plain_text(follower) or follower.message is None:
                break
            followers.append(follower)
            texts.append(follower.message.text or "")
        return "\n".join(texts), followers

    async def _on_wordless(self, incoming: Incoming) -> None:
        m = incoming.message
        to = await self.service.addressee(incoming)
        if m.voice or m.audio or m.video_note:
            text = bot_text("voice", *to.languages)
        elif m.sticker or m.animation or m.dice:
            text = bot_text("sticker", *to.languages)
        elif m.photo or m.video:
            text = bot_text("picture", *to.languages)
        elif m.document or m.location or m.contact or m.poll or m.venue:
            text = service_text("text_only", *to.languages)
        else:
            return  # a service message, such as a changed title: not for the bot
        handover = await self.service.handovers.get(incoming.chat_id)
        copies = await self.link.copies([incoming], None, handover)
        await self._reply([incoming], [message(to, text)], copies)

    async def _see(self, incoming: Incoming, *, payload: str = "") -> None:
        name = incoming.message.chat.title or incoming.user.full_name
        await self.service.chats.see(incoming.chat_id, name=name, payload=payload)

    async def _whom(self, update: Update) -> Addressee | None:
        """Return the customer of a private chat; a group is not bothered with such notes."""
        chat, user = update.effective_chat, update.effective_user
        if chat is None or chat.type != ChatType.PRIVATE:
            return None
        code = (user.language_code or "") if user else ""
        return Addressee(chat.id, languages=await self.service.languages(chat.id, code))

    async def _replace(
        self, shown: Sequence[StoredMessage], messages: Sequence[Outgoing], update_id: int
    ) -> None:
        """Put new messages in the place of shown ones; add and delete what is over."""
        sender, outbox = self.service.sender, self.service.outbox
        for old, new in zip(shown, messages, strict=False):
            await sender.edit(old.chat_id, old.message_id or 0, new.params)
            await outbox.change_context(old.outbox_id, new.context)
        for old in shown[len(messages) :]:
            await sender.delete(old.chat_id, old.message_id or 0)
        if len(messages) > len(shown):
            await sender.deliver(messages[len(shown) :], update_id=update_id)
