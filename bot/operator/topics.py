"""A person takes over: one topic of the team's group for each customer who needs one.

What an operator writes in the topic goes to the customer, except what begins with ``//``; what the
customer writes goes into the topic. While a person holds the conversation the bot is silent.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from telegram import CallbackQuery, Message, Update

from bot.conversation.replies import Addressee, Button, message
from bot.conversation.service import CustomerService, place_of
from bot.conversation.texts import bot_text
from bot.operator.entries import EntryDesk
from bot.operator.held_answers import WRITE
from bot.operator.pending_input import INSIDE, PendingInputHandler
from bot.operator.topic_link import TopicLink
from bot.operator.topic_text import draft_buttons, save_button
from bot.transport.errors import TooLate
from bot.transport.incoming import Incoming
from bot.transport.router import Command, Content, OnCommand, OnPress, Press, Routes
from core.wording import N_, tr
from db.accounts import CannotTalk
from db.conversations import OpenQuestion
from db.handover import CannedReplies, Handover
from db.pending_inputs import PendingInput
from db.uploads import Entry

_NOT_LINKED = N_("You are not linked with an account on the console; link one under My account.")
_ASSIGN_USAGE = N_("/assign me, /assign @NAME of an account on the console, or /assign nobody.")

Step: TypeAlias = Callable[[Handover, int], Awaitable[None]]
"""What an operator, by Telegram's number, does with a conversation."""


@dataclass(frozen=True)
class Topics:
    """Handles the team's group."""

    service: CustomerService
    link: TopicLink
    canned_replies: CannedReplies
    pending_input: PendingInputHandler
    entries: EntryDesk | None
    """Makes answers entries of the knowledge base; ``None``: nothing does."""

    def __post_init__(self) -> None:
        self.pending_input.takes |= {"draft": self.on_draft, "reply": self.on_reply}

    @property
    def routes(self) -> Routes:
        """What happens in topics, and in chats that a person holds."""
        return (
            Command("take", "talk", self._written(self._take)),
            Command("giveback", "talk", self._written(self._give_back)),
            Command("close", "talk", self._written(self._close)),
            Command("reopen", "talk", self.reopen),
            Command("assign", "talk", self.assign),
            Command("ban", "talk", self.ban),
            Command("unban", "talk", self.unban),
            Command("canned", "talk", self.canned),
            Command("save", "propose", self.save),
            Press("take", "talk", self._pressed_on_card(self._take)),
            Press("give", "talk", self._pressed_on_card(self._give_back)),
            Press("close", "talk", self._pressed_on_card(self._close)),
            Press("draft", "talk", self.send_draft),
            Press("editdraft", "talk", self.edit_draft),
            Press("save", "propose", self.pressed_save),
            Press("reply", "talk", self.reply),
            Press("rate", "anyone", self.pressed_rating),
            Content("topic", "talk", self._is_topic, self.to_customer, self.edit_for_customer),
            Content("outsider", "anyone", self._is_topic, _nothing),
            Content("held", "anyone", self._is_held, self.link.to_topic, self.link.edit_copy),
        )

    # --- messages ------------------------------------------------------------------------------

    async def to_customer(self, incoming: Incoming) -> None:
        """Pass on what an operator wrote in a topic."""
        handover = await self._of(incoming)
        if handover is None:
            return
        if incoming.text.startswith(INSIDE):
            note = incoming.text.removeprefix(INSIDE).strip()
            await self.service.handovers.note(handover.chat, note)
            return
        if handover.state != "held":
            await self._take(handover, incoming.user.id)
        sent = await self.link.copy(incoming, handover, to=Addressee(handover.chat_id))
        if sent and sent.state != "sent":
            lost = sent.state == "failed"
            sure = tr("⚠ This was not delivered:") if lost else tr("⚠ This may not have arrived:")
            await self.service.reply(incoming, f"{sure} {sent.error}")
        elif incoming.text:
            await self._answered(handover, incoming.text)

    async def edit_for_customer(self, incoming: Incoming) -> None:
        """Change the customer's copy of what an operator wrote."""
        if not incoming.text.startswith(INSIDE):
            await self.link.edit_copy(incoming)

    # --- commands in a topic -------------------------------------------------------------------

    async def reopen(self, incoming: Incoming, _: str) -> None:
        """Take a closed conversation up again."""
        if handover := await self._of(incoming):
            await self.link.reopen(handover)
            await self._take(handover, incoming.user.id)

    async def assign(self, incoming: Incoming, argument: str) -> None:
        """Let somebody with an account on the console look after the conversation."""
        handover = await self._of(incoming)
        if handover is None:
            return
        name = " ".join(argument.split()).removeprefix("@")
        try:
            if name == "me":
                own = await self.link.accounts.in_telegram(incoming.user.id)
                if own is None:
                    await self.service.reply(incoming, tr(_NOT_LINKED))
                    return
                name = own.name
            if name:
                await self.link.accounts.assign_to(handover.chat, "" if name == "nobody" else name)
                await self.link.refresh(handover.chat_id)
        except CannotTalk as error:
            await self.service.reply(incoming, str(error))
            return
        found = (await self.link.accounts.assigned([handover.chat])).get(handover.chat)
        shown = tr("Assigned to %(name)s.", name=found.name) if found else tr("Assigned to nobody.")
        usage = "" if name else "\n\n" + tr(_ASSIGN_USAGE)
        await self.service.reply(incoming, shown + usage)

    async def ban(self, incoming: Incoming, _: str) -> None:
        """Stop listening to the customer."""
        if handover := await self._of(incoming):
            await self.service.chats.ban(handover.chat_id, banned=True)
            await self._close(handover, incoming.user.id, quietly=True)
            await self.service.reply(
                incoming, tr("Banned: nothing they write is read. /unban undoes it.")
            )

    async def unban(self, incoming: Incoming, _: str) -> None:
        """Listen to the customer again."""
        if handover := await self._of(incoming):
            await self.service.chats.ban(handover.chat_id, banned=False)
            await self.service.reply(incoming, tr("No longer banned."))

    async def canned(self, incoming: Incoming, argument: str) -> None:
        """List, store or send replies that are used often."""
        name, _, text = argument.partition(" ")
        replies = await self.canned_replies.all()
        handover = await self._of(incoming)
        if text.startswith("="):
            await self.canned_replies.save(name[:32], text[1:].strip())
            stored = tr("Stored as %(name)r.", name=name)
            await self.service.reply(incoming, stored if text[1:].strip() else tr("Removed."))
        elif name in replies and handover:
            if handover.state != "held":
                await self._take(handover, incoming.user.id)
            to = Addressee(handover.chat_id)
            await self.service.sender.deliver(
                [message(to, replies[name])], update_id=incoming.update.update_id
            )
            await self._answered(handover, replies[name])
        else:
            known = "\n".join(f"{n}: {t}" for n, t in replies.items()) or tr("None yet.")
            usage = tr("In a topic: /canned NAME sends. /canned NAME =TEXT stores.")
            await self.service.reply(incoming, f"{known}\n\n{usage}")

    # --- buttons -------------------------------------------------------------------------------

    async def send_draft(self, query: CallbackQuery, update: Update, _: str) -> None:
        """Send the proposed answer, once."""
        handover = await self._pressed(query)
        draft = ""
        if handover:
            draft = await self.service.handovers.claim_draft(
                handover.chat_id, update_id=update.update_id
            )
        if handover is None or not draft:
            raise TooLate(tr("There is no draft any more."))
        await self.service.alert(query)
        if handover.state != "held":
            await self._take(handover, query.from_user.id)
        note = message(
            Addressee(await self.link.group(), handover.thread_id),
            tr("✉ Sent: %(text)s", text=draft),
            buttons=[[save_button()]] if self.entries else (),
        )
        await self.service.handovers.answered(handover.chat_id, draft)
        await self.service.sender.deliver(
            [message(Addressee(handover.chat_id), draft), note], update_id=update.update_id
        )
        await self.link.refresh(handover.chat_id)

    async def edit_draft(self, query: CallbackQuery, update: Update, _: str) -> None:
        """Let an operator write what the draft shall be."""
        handover = await self._pressed(query)
        if handover is None or not handover.draft:
            raise TooLate(tr("There is no draft any more."))
        await self.service.alert(query)
        await self.pending_input.ask(
            query,
            update,
            PendingInput("draft", handover.chat_id),
            prompt=f"{handover.draft}\n\n" + tr(WRITE),
        )

    async def on_draft(self, incoming: Incoming, pending: PendingInput) -> None:
        """Take what an operator wrote as the draft, and ask whether it may go."""
        await self.service.handovers.set_draft(pending.ref, incoming.text)
        text = tr("Not sent yet:") + f"\n\n{incoming.text}"
        await self.service.reply(incoming, text, buttons=[draft_buttons()])
        await self.link.refresh(pending.ref)

    async def reply(self, query: CallbackQuery, update: Update, value: str) -> None:
        """Let an operator answer a customer from a private chat, while there is no group."""
        number = int(value) if value.lstrip("-").isdigit() else 0
        handover = await self.service.handovers.get(number)
        if handover is None or handover.state == "closed":
            raise TooLate(tr("Somebody has answered, or they are gone."))
        await self.service.alert(query)
        prompt = f"“{handover.reason[:500]}”\n\n" + tr(
            "Write your answer. Your next message here is sent."
        )
        await self.pending_input.ask(
            query, update, PendingInput("reply", handover.chat_id), prompt=prompt
        )

    async def on_reply(self, incoming: Incoming, pending: PendingInput) -> None:
        """Send an operator's answer to a customer; the conversation is over until they call."""
        here = Addressee(incoming.chat_id, incoming.thread_id)
        handover = await self.service.handovers.get(pending.ref)
        messages = [message(here, tr("Nothing was sent: somebody has answered, or they are gone."))]
        if handover and handover.state != "closed":
            messages = [
                message(Addressee(handover.chat_id), f"🙋 {incoming.text}"),
                message(here, tr("Sent. They can ask for a person again at any time.")),
            ]
            await self.service.handovers.answered(pending.ref, incoming.text)
        await self.service.sender.deliver(messages, update_id=incoming.update.update_id)
        await self.service.handovers.close(pending.ref)

    async def pressed_save(self, query: CallbackQuery, update: Update, _: str) -> None:
        """Propose the customer's question and the last answer as an entry."""
        handover = await self._pressed(query)
        if handover is None or not handover.answer or self.entries is None:
            raise TooLate(tr("Nobody has answered here yet."))
        await self.service.alert(query)
        await self._save(handover, handover.answer, query.from_user.id, update.update_id)

    async def save(self, incoming: Incoming, _: str) -> None:
        """Propose an entry with the answer that this replies to, else with the last one."""
        handover = await self._of(incoming)
        replied = incoming.message.reply_to_message
        answer = (replied.text or "") if replied and not replied.forum_topic_created else ""
        answer = answer or (handover.answer if handover else "")
        if handover is None or not answer or self.entries is None:
            await self.service.reply(
                incoming, tr("Write /save in a customer's topic, best as a reply to your answer.")
            )
            return
        await self._save(handover, answer, incoming.user.id, incoming.update.update_id)

    async def pressed_rating(self, query: CallbackQuery, _: Update, value: str) -> None:
        """Store how a customer found the conversation with a person."""
        shown = query.message
        languages = (query.from_user.language_code or "", self.service.manners.language)
        if shown is None or shown.chat.id != query.from_user.id or value not in "12345":
            await self.service.refuse(query)
            return
        await self.service.handovers.rate(shown.chat.id, int(value))
        await self.service.alert(query)
        await self.link.refresh(shown.chat.id)
        await self.service.sender.edit(
            shown.chat.id, shown.message_id, {"text": bot_text("rate_thanks", *languages)}
        )

    # --- from the console ----------------------------------------------------------------------

    async def take_chat(self, chat_id: int, *, language: str) -> Handover:
        """Take a customer's conversation for whoever works at the console."""
        await self.service.handovers.ask(chat_id, reason="", language=language)
        handover = await self.service.handovers.get(chat_id)
        assert handover is not None
        if handover.state != "held":
            await self._take(handover, 0)
        return handover

    async def give_chat_back(self, chat_id: int) -> None:
        """Let the bot answer again."""
        handover = await self.service.handovers.get(chat_id)
        if handover and handover.state == "held":
            await self._give_back(handover, 0)

    async def refresh_chat(self, chat_id: int) -> None:
        """Let the card of a conversation show how it stands."""
        await self.link.refresh(chat_id)

    async def reply_to_chat(self, chat_id: int, text: str, *, language: str) -> str:
        """Send a reply, and show it in the topic; return why it did not arrive, empty if it did."""
        handover = await self.take_chat(chat_id, language=language)
        return await self._send(handover, text)

    async def send_draft_to_chat(self, chat_id: int, text: str, *, draft: int) -> str:
        """Send a held answer, perhaps edited, and show it in the topic; return why it did not
        arrive, empty if it did."""
        handover = await self.service.handovers.get(chat_id)
        if handover is None:  # an older database was restored meanwhile
            return tr("the conversation is gone")
        return await self._send(handover, text, draft=draft)

    async def tell_customers(self, customers: Mapping[int, OpenQuestion], answer: str) -> None:
        """Tell those who asked in vain, by chat, what the answer is now."""
        if self.entries:
            await self.entries.tell_customers(customers, answer)

    # --- what they share -----------------------------------------------------------------------

    async def _send(self, handover: Handover, text: str, *, draft: int = 0) -> str:
        (sent,) = await self.service.sender.deliver([message(Addressee(handover.chat_id), text)])
        if sent.state != "sent":
            return sent.error
        await self._answered(handover, text, draft=draft)
        group = await self.link.group()
        if group and handover.thread_id:
            copy = message(
                Addressee(group, handover.thread_id), tr("✉ From the console: %(text)s", text=text)
            )
            await self.service.sender.deliver([copy])
        return ""

    def _written(self, step: Step) -> OnCommand:
        """Return the command that takes a step with the conversation of the topic it is in."""

        async def run(incoming: Incoming, _: str) -> None:
            if handover := await self._of(incoming):
                await step(handover, incoming.user.id)

        return run

    def _pressed_on_card(self, step: Step) -> OnPress:
        """Return what the button on the card does: a step with the conversation of its topic."""

        async def run(query: CallbackQuery, _: Update, __: str) -> None:
            await self.service.alert(query)
            if handover := await self._pressed(query):
                await step(handover, query.from_user.id)

        return run

    async def _take(self, handover: Handover, holder: int) -> None:
        """Give the conversation to an operator; 0: to whoever works at the console."""
        new = handover.state != "held"
        await self.service.handovers.take(handover.chat_id, holder=holder)
        await self.link.refresh(handover.chat_id)
        if new:
            await self._tell(handover, bot_text("person_here", *self._languages(handover)))

    async def _give_back(self, handover: Handover, _: int) -> None:
        """Let the bot answer again."""
        await self.service.handovers.give_back(handover.chat_id)
        await self.link.refresh(handover.chat_id)
        await self._tell(handover, bot_text("bot_back", *self._languages(handover)))

    async def _close(self, handover: Handover, _: int, *, quietly: bool = False) -> None:
        """End the conversation; unless `quietly`, ask the customer how it was."""
        await self.service.handovers.close(handover.chat_id)
        await self.link.refresh(handover.chat_id)
        await self.link.close(handover)
        if not quietly:
            stars: list[Button] = [("★" * n, f"rate:{n}") for n in range(1, 6)]
            text = bot_text("person_gone", *self._languages(handover))
            to = Addressee(handover.chat_id)
            await self.service.sender.deliver([message(to, text, buttons=[stars[:2], stars[2:]])])

    async def _answered(self, handover: Handover, text: str, *, draft: int = 0) -> None:
        """Remember what the customer was told; the first answer brings its button to the card."""
        await self.service.handovers.answered(handover.chat_id, text, draft=draft)
        if draft or not handover.answer:
            await self.link.refresh(handover.chat_id)

    async def _tell(self, handover: Handover, text: str) -> None:
        await self.service.sender.deliver([message(Addressee(handover.chat_id), text)])

    async def _save(self, handover: Handover, answer: str, operator: int, update_id: int) -> None:
        assert self.entries is not None
        await self.entries.propose(
            Addressee(await self.link.group(), handover.thread_id),
            Entry(" ".join(handover.reason.split()) or "?", answer),
            actor=operator,
            customer=handover.chat_id,
            update_id=update_id,
        )

    def _languages(self, handover: Handover) -> tuple[str, ...]:
        return tuple(filter(None, (handover.language, self.service.manners.language)))

    async def _of(self, incoming: Incoming) -> Handover | None:
        if incoming.chat_id != await self.link.group():
            return None
        return await self.link.of(incoming.thread_id)

    async def _pressed(self, query: CallbackQuery) -> Handover | None:
        return await self.link.of(place_of(query).thread_id)

    async def _is_topic(self, incoming: Incoming) -> bool:
        return _says_something(incoming.message) and await self._of(incoming) is not None

    async def _is_held(self, incoming: Incoming) -> bool:
        return (
            incoming.private
            and _says_something(incoming.message)
            and await self.service.handovers.is_held(incoming.chat_id)
        )


async def _nothing(_: Incoming) -> None:
    """Let a message pass without a reply."""


def _says_something(shown: Message) -> bool:
    """Tell a person's message from a note of Telegram, such as a closed topic."""
    return bool(shown.text or shown.effective_attachment)
