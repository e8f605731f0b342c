"""Answers that the bot held for a person: sent as they are, edited or dropped."""

from dataclasses import dataclass

from telegram import CallbackQuery, Update

from bot.conversation.replies import Addressee, message
from bot.conversation.service import CustomerService, place_of
from bot.operator.pending_input import PendingInputHandler
from bot.operator.topic_link import TopicLink
from bot.operator.topic_text import held_buttons
from bot.transport.errors import TooLate
from bot.transport.incoming import Incoming
from bot.transport.render import render_plain
from bot.transport.router import Press, Routes, number_in
from core.wording import N_, tr
from db.drafts import Drafts
from db.handover import number_of
from db.pending_inputs import PendingInput

WRITE = N_(
    "Write the answer as it should be. Your next message here goes to nobody before you press Send."
)
_DEALT_WITH = N_("Somebody has dealt with this draft.")
_NOTE_CHARS = 3000


@dataclass
class HeldAnswers:
    """Handles the buttons under held answers."""

    service: CustomerService
    link: TopicLink
    pending_input: PendingInputHandler
    drafts: Drafts

    def __post_init__(self) -> None:
        self.pending_input.takes["held"] = self.on_text

    @property
    def routes(self) -> Routes:
        """What can be done with a held answer."""
        return (
            Press("held", "talk", self.send),
            Press("editheld", "talk", self.edit),
            Press("dropheld", "talk", self.drop),
        )

    async def send(self, query: CallbackQuery, update: Update, value: str) -> None:
        """Send a held answer, once; the bot goes on answering."""
        draft = await self.drafts.claim(number_in(value), press=update.update_id)
        if draft is None:
            raise TooLate(tr(_DEALT_WITH))
        await self.service.alert(query)
        chat_id = number_of(draft.chat)
        await self.service.handovers.answered(chat_id, draft.text, draft=draft.answer_id)
        sent = [message(Addressee(chat_id), part) for part in render_plain(draft.text)]
        note = message(place_of(query), tr("✉ Sent: %(text)s", text=draft.text[:_NOTE_CHARS]))
        await self.service.sender.deliver([*sent, note], update_id=update.update_id)
        await self.link.refresh(chat_id)

    async def edit(self, query: CallbackQuery, update: Update, value: str) -> None:
        """Let an operator write what a held answer shall be."""
        draft = await self.drafts.one(number_in(value))
        if draft is None:
            raise TooLate(tr(_DEALT_WITH))
        await self.service.alert(query)
        prompt = f"{draft.text[:_NOTE_CHARS]}\n\n" + tr(WRITE)
        pending = PendingInput("held", draft.answer_id)
        await self.pending_input.ask(query, update, pending, prompt=prompt)

    async def on_text(self, incoming: Incoming, pending: PendingInput) -> None:
        """Take what an operator wrote as the held answer, and ask whether it may go."""
        await self.drafts.edit(pending.ref, incoming.text)
        text = tr("Not sent yet:") + f"\n\n{incoming.text}"
        await self.service.reply(incoming, text, buttons=[held_buttons(pending.ref)])

    async def drop(self, query: CallbackQuery, _: Update, value: str) -> None:
        """Drop a held answer; the customer still waits for a person."""
        dropped = await self.drafts.discard(number_in(value))
        discarded = tr("Discarded. The customer still waits for a reply.")
        await self.service.alert(query, discarded if dropped else tr(_DEALT_WITH))
