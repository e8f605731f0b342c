"""A person takes over: one topic of the team's group for each customer who needs one.

What an operator writes in the topic goes to the customer, except what begins with ``//``; what the
customer writes goes into the topic. While a person holds the conversation the bot is silent.
"""

from collections.abc import Mapping

from telegram import CallbackQuery, Message, Update

from bot.conversation.replies import Addressee, Button, message
from bot.conversation.service import CustomerService
from bot.conversation.texts import bot_text
from bot.operator.entries import EntryDesk
from bot.operator.pending_input import INSIDE, PendingInputHandler
from bot.operator.topic_link import TopicLink
from bot.operator.topic_text import draft_buttons, held_buttons, save_button
from bot.transport.incoming import Incoming
from bot.transport.render import render_plain
from bot.transport.router import Command, Content, Press, Routes
from core.wording import N_, tr
from db.accounts import CannotTalk
from db.conversations import OpenQuestion
from db.drafts import Drafts
from db.handover import CannedReplies, Handover, number_of
from db.pending_inputs import PendingInput
from db.uploads import Entry

_WRITE = N_(
    "Write the answer as it should be. Your next message here goes to nobody before you press Send."
)
_DEALT_WITH = N_("Somebody has dealt with this draft.")
_NOTE_CHARS = 3000
_NOT_LINKED = N_("You are not linked with an account on the console; link one under My account.")
_ASSIGN_USAGE = N_("/assign me, /assign @NAME of an account on the console, or /assign nobody.")


class Topics:
    """Handles the team's group."""

    def __init__(
        self,
        service: CustomerService,
        link: TopicLink,
        canned: CannedReplies,
        pending_input: PendingInputHandler,
        entries: EntryDesk | None,
        drafts: Drafts,
    ) -> None:
        """`entries` makes answers entries of the knowledge base; ``None``: nothing does."""
        self._service = service
        self._link = link
        self._canned = canned
        self._pending_input = pending_input
        self._entries = entries
        self._drafts = drafts
        pending_input.takes["draft"] = self.on_draft
        pending_input.takes["held"] = self.on_held
        pending_input.takes["reply"] = self.on_reply

    @property
    def routes(self) -> Routes:
        """What happens in topics, and in chats that a person holds."""
        return Routes(
            commands=(
                Command("take", "talk", self.take),
                Command("giveback", "talk", self.give_back),
                Command("close", "talk", self.close),
                Command("reopen", "talk", self.reopen),
                Command("assign", "talk", self.assign),
                Command("ban", "talk", self.ban),
                Command("unban", "talk", self.unban),
                Command("canned", "talk", self.canned),
                Command("save", "propose", self.save),
            ),
            presses=(
                Press("take", "talk", self.pressed_take),
                Press("give", "talk", self.pressed_give_back),
                Press("close", "talk", self.pressed_close),
                Press("draft", "talk", self.send_draft),
                Press("editdraft", "talk", self.edit_draft),
                Press("held", "talk", self.send_held),
                Press("editheld", "talk", self.edit_held),
                Press("dropheld", "talk", self.drop_held),
                Press("save", "propose", self.pressed_save),
                Press("reply", "talk", self.reply),
                Press("rate", "anyone", self.pressed_rating),
            ),
            contents=(
                Content("topic", "talk", self._is_topic, self.to_customer, self.edit_for_customer),
                Content("outsider", "anyone", self._is_topic, _nothing),
                Content("held", "anyone", self._is_held, self.to_topic, self.edit_for_topic),
            ),
        )

    # --- messages ------------------------------------------------------------------------------

    async def to_customer(self, incoming: Incoming) -> None:
        """Pass on what an operator wrote in a topic."""
        handover = await self._of(incoming)
        if handover is None:
            return
        if incoming.text.startswith(INSIDE):
            note = incoming.text.removeprefix(INSIDE).strip()
            await self._service.handovers.note(handover.chat, note)
            return
        if handover.state != "held":
            await self._take(handover, holder=incoming.user.id)
        sent = await self._link.copy(incoming, handover, to=Addressee(handover.chat_id))
        if sent and sent.state != "sent":
            lost = sent.state == "failed"
            sure = tr("⚠ This was not delivered:") if lost else tr("⚠ This may not have arrived:")
            await self._say(incoming, f"{sure} {sent.error}")
        elif incoming.text:
            await self._answered(handover, incoming.text)

    async def to_topic(self, incoming: Incoming) -> None:
        """Pass on what a customer wrote into their topic."""
        await self._link.to_topic(incoming)

    async def edit_for_customer(self, incoming: Incoming) -> None:
        """Change the customer's copy of what an operator wrote."""
        if not incoming.text.startswith(INSIDE):
            await self._link.edit_copy(incoming)

    async def edit_for_topic(self, incoming: Incoming) -> None:
        """Change the team's copy of what a customer wrote."""
        await self._link.edit_copy(incoming)

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
            await self._link.reopen(handover)
            await self._take(handover, holder=incoming.user.id)

    async def assign(self, incoming: Incoming, argument: str) -> None:
        """Let somebody with an account on the console look after the conversation."""
        handover = await self._of(incoming)
        if handover is None:
            return
        name = " ".join(argument.split()).removeprefix("@")
        try:
            if name == "me":
                own = await self._link.accounts.in_telegram(incoming.user.id)
                if own is None:
                    await self._say(incoming, tr(_NOT_LINKED))
                    return
                name = own.name
            if name:
                await self._link.accounts.assign_to(handover.chat, "" if name == "nobody" else name)
                await self._link.refresh(handover.chat_id)
        except CannotTalk as error:
            await self._say(incoming, str(error))
            return
        found = (await self._link.accounts.assigned([handover.chat])).get(handover.chat)
        shown = tr("Assigned to %(name)s.", name=found.name) if found else tr("Assigned to nobody.")
        await self._say(incoming, shown if name else "\n\n".join((shown, tr(_ASSIGN_USAGE))))

    async def ban(self, incoming: Incoming, _: str) -> None:
        """Stop listening to the customer."""
        if handover := await self._of(incoming):
            await self._service.chats.ban(handover.chat_id, banned=True)
            await self._close(handover, quietly=True)
            await self._say(incoming, tr("Banned: nothing they write is read. /unban undoes it."))

    async def unban(self, incoming: Incoming, _: str) -> None:
        """Listen to the customer again."""
        if handover := await self._of(incoming):
            await self._service.chats.ban(handover.chat_id, banned=False)
            await self._say(incoming, tr("No longer banned."))

    async def canned(self, incoming: Incoming, argument: str) -> None:
        """List, store or send replies that are used often."""
        name, _, text = argument.partition(" ")
        replies = await self._canned.all()
        handover = await self._of(incoming)
        if text.startswith("="):
            await self._canned.save(name[:32], text[1:].strip())
            stored = tr("Stored as %(name)r.", name=name)
            await self._say(incoming, stored if text[1:].strip() else tr("Removed."))
        elif name in replies and handover:
            if handover.state != "held":
                await self._take(handover, holder=incoming.user.id)
            to = Addressee(handover.chat_id)
            await self._service.sender.deliver(
                [message(to, replies[name])], update_id=incoming.update.update_id
            )
            await self._answered(handover, replies[name])
        else:
            known = "\n".join(f"{n}: {t}" for n, t in replies.items()) or tr("None yet.")
            usage = tr("In a topic: /canned NAME sends. /canned NAME =TEXT stores.")
            await self._say(incoming, f"{known}\n\n{usage}")

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

    async def send_draft(self, query: CallbackQuery, update: Update, _: str) -> None:
        """Send the proposed answer, once."""
        handover = await self._pressed(query)
        draft = ""
        if handover:
            draft = await self._service.handovers.claim_draft(
                handover.chat_id, update_id=update.update_id
            )
        if handover is None or not draft:
            await self._service.alert(query, tr("There is no draft any more."))
            return
        await self._service.alert(query)
        if handover.state != "held":
            await self._take(handover, holder=query.from_user.id)
        note = message(
            Addressee(await self._link.group(), handover.thread_id),
            tr("✉ Sent: %(text)s", text=draft),
            buttons=[[save_button()]] if self._entries else (),
        )
        await self._service.handovers.answered(handover.chat_id, draft)
        await self._service.sender.deliver(
            [message(Addressee(handover.chat_id), draft), note], update_id=update.update_id
        )
        await self._link.refresh(handover.chat_id)

    async def edit_draft(self, query: CallbackQuery, update: Update, _: str) -> None:
        """Let an operator write what the draft shall be."""
        handover = await self._pressed(query)
        if handover is None or not handover.draft:
            await self._service.alert(query, tr("There is no draft any more."))
            return
        await self._service.alert(query)
        await self._pending_input.ask(
            query,
            update,
            PendingInput("draft", handover.chat_id),
            prompt=f"{handover.draft}\n\n" + tr(_WRITE),
        )

    async def on_draft(self, incoming: Incoming, pending: PendingInput) -> None:
        """Take what an operator wrote as the draft, and ask whether it may go."""
        await self._service.handovers.set_draft(pending.ref, incoming.text)
        to = Addressee(incoming.chat_id, incoming.thread_id)
        text = tr("Not sent yet:") + f"\n\n{incoming.text}"
        await self._service.sender.deliver(
            [message(to, text, buttons=[draft_buttons()])], update_id=incoming.update.update_id
        )
        await self._link.refresh(pending.ref)

    async def send_held(self, query: CallbackQuery, update: Update, value: str) -> None:
        """Send a held answer, once; the bot goes on answering."""
        answer_id = int(value) if value.isdecimal() else 0
        draft = await self._drafts.claim(answer_id, press=update.update_id)
        if draft is None:
            await self._service.alert(query, tr(_DEALT_WITH))
            return
        await self._service.alert(query)
        chat_id = number_of(draft.chat)
        await self._service.handovers.answered(chat_id, draft.text, draft=answer_id)
        sent = [message(Addressee(chat_id), part) for part in render_plain(draft.text)]
        note = message(_place_of(query), tr("✉ Sent: %(text)s", text=draft.text[:_NOTE_CHARS]))
        await self._service.sender.deliver([*sent, note], update_id=update.update_id)
        await self._link.refresh(chat_id)

    async def edit_held(self, query: CallbackQuery, update: Update, value: str) -> None:
        """Let an operator write what a held answer shall be."""
        draft = await self._drafts.one(int(value) if value.isdecimal() else 0)
        if draft is None:
            await self._service.alert(query, tr(_DEALT_WITH))
            return
        await self._service.alert(query)
        prompt = f"{draft.text[:_NOTE_CHARS]}\n\n" + tr(_WRITE)
        pending = PendingInput("held", draft.answer_id)
        await self._pending_input.ask(query, update, pending, prompt=prompt)

    async def on_held(self, incoming: Incoming, pending: PendingInput) -> None:
        """Take what an operator wrote as the held answer, and ask whether it may go."""
        await self._drafts.edit(pending.ref, incoming.text)
        to = Addressee(incoming.chat_id, incoming.thread_id)
        shown = message(
            to, tr("Not sent yet:") + f"\n\n{incoming.text}", buttons=[held_buttons(pending.ref)]
        )
        await self._service.sender.deliver([shown], update_id=incoming.update.update_id)

    async def drop_held(self, query: CallbackQuery, _: Update, value: str) -> None:
        """Drop a held answer; the customer still waits for a person."""
        dropped = await self._drafts.discard(int(value) if value.isdecimal() else 0)
        discarded = tr("Discarded. The customer still waits for a reply.")
        await self._service.alert(query, discarded if dropped else tr(_DEALT_WITH))

    async def reply(self, query: CallbackQuery, update: Update, value: str) -> None:
        """Let an operator answer a customer from a private chat, while there is no group."""
        number = int(value) if value.lstrip("-").isdigit() else 0
        handover = await self._service.handovers.get(number)
        if handover is None or handover.state == "closed":
            await self._service.alert(query, tr("Somebody has answered, or they are gone."))
            return
        await self._service.alert(query)
        prompt = f"“{handover.reason[:500]}”\n\n" + tr(
            "Write your answer. Your next message here is sent."
        )
        await self._pending_input.ask(
            query, update, PendingInput("reply", handover.chat_id), prompt=prompt
        )

    async def on_reply(self, incoming: Incoming, pending: PendingInput) -> None:
        """Send an operator's answer to a customer; the conversation is over until they call."""
        here = Addressee(incoming.chat_id, incoming.thread_id)
        handover = await self._service.handovers.get(pending.ref)
        messages = [message(here, tr("Nothing was sent: somebody has answered, or they are gone."))]
        if handover and handover.state != "closed":
            messages = [
                message(Addressee(handover.chat_id), f"🙋 {incoming.text}"),
                message(here, tr("Sent. They can ask for a person again at any time.")),
            ]
            await self._service.handovers.answered(pending.ref, incoming.text)
        await self._service.sender.deliver(messages, update_id=incoming.update.update_id)
        await self._service.handovers.close(pending.ref)

    async def pressed_save(self, query: CallbackQuery, update: Update, _: str) -> None:
        """Propose the customer's question and the last answer as an entry."""
        handover = await self._pressed(query)
        if handover is None or not handover.answer or self._entries is None:
            await self._service.alert(query, tr("Nobody has answered here yet."))
            return
        await self._service.alert(query)
        await self._save(handover, handover.answer, query.from_user.id, update.update_id)

    async def save(self, incoming: Incoming, _: str) -> None:
        """Propose an entry with the answer that this replies to, else with the last one."""
        handover = await self._of(incoming)
        replied = incoming.message.reply_to_message
        answer = (replied.text or "") if replied and not replied.forum_topic_created else ""
        answer = answer or (handover.answer if handover else "")
        if handover is None or not answer or self._entries is None:
            await self._say(
                incoming, tr("Write /save in a customer's topic, best as a reply to your answer.")
            )
            return
        await self._save(handover, answer, incoming.user.id, incoming.update.update_id)

    async def pressed_rating(self, query: CallbackQuery, _: Update, value: str) -> None:
        """Store how a customer found the conversation with a person."""
        shown = query.message
        languages = (query.from_user.language_code or "", self._service.manners.language)
        if shown is None or shown.chat.id != query.from_user.id or value not in "12345":
            await self._service.refuse(query)
            return
        await self._service.handovers.rate(shown.chat.id, int(value))
        await self._service.alert(query)
        await self._link.refresh(shown.chat.id)
        await self._service.sender.edit(
            shown.chat.id, shown.message_id, {"text": bot_text("rate_thanks", *languages)}
        )

    # --- from the console ----------------------------------------------------------------------

    async def take_chat(self, chat_id: int, *, language: str) -> Handover:
        """Take a customer's conversation for whoever works at the console."""
        await self._service.handovers.ask(chat_id, reason="", language=language)
        handover = await self._service.handovers.get(chat_id)
        assert handover is not None
        if handover.state != "held":
            await self._take(handover, holder=0)
        return handover

    async def give_chat_back(self, chat_id: int) -> None:
        """Let the bot answer again."""
        handover = await self._service.handovers.get(chat_id)
        if handover and handover.state == "held":
            await self._give_back(handover)

    async def refresh_chat(self, chat_id: int) -> None:
        """Let the card of a conversation show how it stands."""
        await self._link.refresh(chat_id)

    async def reply_to_chat(self, chat_id: int, text: str, *, language: str) -> str:
        """Send a reply, and show it in the topic; return why it did not arrive, empty if it did."""
        handover = await self.take_chat(chat_id, language=language)
        return await self._send(handover, text)

    async def send_draft_to_chat(self, chat_id: int, text: str, *, draft: int) -> str:
        """Send a held answer, perhaps edited, and show it in the topic; return why it did not
        arrive, empty if it did."""
        handover = await self._service.handovers.get(chat_id)
        if handover is None:  # an older database was restored meanwhile
            return tr("the conversation is gone")
        return await self._send(handover, text, draft=draft)

    async def tell_customers(self, customers: Mapping[int, OpenQuestion], answer: str) -> None:
        """Tell those who asked in vain, by chat, what the answer is now."""
        if self._entries:
            await self._entries.tell_customers(customers, answer)

    # --- what they share -----------------------------------------------------------------------

    async def _send(self, handover: Handover, text: str, *, draft: int = 0) -> str:
        (sent,) = await self._service.sender.deliver([message(Addressee(handover.chat_id), text)])
        if sent.state != "sent":
            return sent.error
        await self._answered(handover, text, draft=draft)
        group = await self._link.group()
        if group and handover.thread_id:
            copy = message(
                Addressee(group, handover.thread_id), tr("✉ From the console: %(text)s", text=text)
            )
            await self._service.sender.deliver([copy])
        return ""

    async def _take(self, handover: Handover, *, holder: int) -> None:
        new = handover.state != "held"
        await self._service.handovers.take(handover.chat_id, holder=holder)
        await self._link.refresh(handover.chat_id)
        if new:
            await self._tell(handover, bot_text("person_here", *self._languages(handover)))

    async def _give_back(self, handover: Handover) -> None:
        await self._service.handovers.give_back(handover.chat_id)
        await self._link.refresh(handover.chat_id)
        await self._tell(handover, bot_text("bot_back", *self._languages(handover)))

    async def _close(self, handover: Handover, *, quietly: bool = False) -> None:
        await self._service.handovers.close(handover.chat_id)
        await self._link.refresh(handover.chat_id)
        await self._link.close(handover)
        if not quietly:
            stars: list[Button] = [("★" * n, f"rate:{n}") for n in range(1, 6)]
            text = bot_text("person_gone", *self._languages(handover))
            to = Addressee(handover.chat_id)
            await self._service.sender.deliver([message(to, text, buttons=[stars[:2], stars[2:]])])

    async def _answered(self, handover: Handover, text: str, *, draft: int = 0) -> None:
        """Remember what the customer was told; the first answer brings its button to the card."""
        await self._service.handovers.answered(handover.chat_id, text, draft=draft)
        if draft or not handover.answer:
            await self._link.refresh(handover.chat_id)

    async def _tell(self, handover: Handover, text: str) -> None:
        await self._service.sender.deliver([message(Addressee(handover.chat_id), text)])

    async def _save(self, handover: Handover, answer: str, operator: int, update_id: int) -> None:
        assert self._entries is not None
        await self._entries.propose(
            Addressee(await self._link.group(), handover.thread_id),
            Entry(" ".join(handover.reason.split()) or "?", answer),
            actor=operator,
            customer=handover.chat_id,
            update_id=update_id,
        )

    async def _say(self, incoming: Incoming, text: str) -> None:
        to = Addressee(incoming.chat_id, incoming.thread_id)
        await self._service.sender.deliver([message(to, text)], update_id=incoming.update.update_id)

    def _languages(self, handover: Handover) -> tuple[str, ...]:
        return tuple(filter(None, (handover.language, self._service.manners.language)))

    async def _of(self, incoming: Incoming) -> Handover | None:
        if incoming.chat_id != await self._link.group():
            return None
        return await self._link.of(incoming.thread_id)

    async def _pressed(self, query: CallbackQuery) -> Handover | None:
        shown = query.message
        thread = (shown.message_thread_id or 0) if isinstance(shown, Message) else 0
        return await self._link.of(thread)

    async def _is_topic(self, incoming: Incoming) -> bool:
        return _says_something(incoming.message) and await self._of(incoming) is not None

    async def _is_held(self, incoming: Incoming) -> bool:
        return (
            incoming.private
            and _says_something(incoming.message)
            and await self._service.handovers.is_held(incoming.chat_id)
        )


def _place_of(query: CallbackQuery) -> Addressee:
    """Return where a button was pressed."""
    shown = query.message
    if not isinstance(shown, Message):
        return Addressee(query.from_user.id)
    return Addressee(shown.chat.id, shown.message_thread_id or 0)


async def _nothing(_: Incoming) -> None:
    """Let a message pass without a reply."""


def _says_something(shown: Message) -> bool:
    """Tell a person's message from a note of Telegram, such as a closed topic."""
    return bool(shown.text or shown.effective_attachment)
