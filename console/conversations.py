"""The operators' side of a conversation: read it, take it over, reply, note, correct an answer,
send what the bot held.

The states are those of Telegram's topics (`db.handover`). What goes to a customer in Telegram is
sent by the bot, which shows it in their topic; a visitor's widget asks for what is new.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from console.figures import NAMES
from console.form import Refused, fields_of, read_number
from console.labels import Labels
from console.operator import Records
from console.pages import Pages
from console.security_logins import current_person
from core.errors import AnswerdeskError
from core.wording import N_, tr
from db.conversations import OpenQuestion
from db.drafts import REACHABLE
from db.figures import Asked
from db.handover import Message, number_of
from kb.releases.entries import Entries

_TURNS = 100
"""Messages shown before and after the answer in question."""
_TEXT_CHARS = 3_500
"""Of a reply; Telegram takes 4,096."""
_NOBODY_READS = N_("Nobody can write back here: the visitor has no widget and is not in Telegram.")
_DEALT_WITH = N_("Somebody has dealt with this draft.")
NO_TELEGRAM = N_("Telegram is off or still connecting, so nothing can be sent. Try again later.")


class Talks(Protocol):
    """The part of `bot.operator.topics.Topics` that the page uses."""

    async def take_chat(self, chat_id: int, *, language: str) -> object:
        """Take a customer's conversation."""

    async def give_chat_back(self, chat_id: int) -> None:
        """Let the bot answer again."""

    async def refresh_chat(self, chat_id: int) -> None:
        """Let the card of a conversation show how it stands."""

    async def reply_to_chat(self, chat_id: int, text: str, *, language: str) -> str:
        """Send a reply; return why it did not arrive, empty if it did."""

    async def send_draft_to_chat(self, chat_id: int, text: str, *, draft: int) -> str:
        """Send a held answer, perhaps edited; return why it did not arrive, empty if it did."""

    async def tell_customers(self, customers: Mapping[int, OpenQuestion], answer: str) -> None:
        """Tell those who asked in vain, by chat, what the answer is now."""


@dataclass(frozen=True, kw_only=True)
class ConversationPages:
    """Endpoints of a conversation."""

    pages: Pages
    records: Records
    entries: Entries
    telegram: Callable[[], Talks | None]
    """Returns the bot while it serves."""

    async def show(self, request: Request) -> Response:
        """Show the conversation that an answer is part of."""
        number = read_number(request.query_params.get("answer", ""))
        return await self._page(await self._one(number))

    async def take(self, request: Request) -> Response:
        """Take the conversation; the bot is silent from now on."""
        one = await self._one(read_number((await fields_of(request))["number"]))
        return await self._after(one, await self._take(one))

    async def give_back(self, request: Request) -> Response:
        """Let the bot answer again."""
        one = await self._one(read_number((await fields_of(request))["number"]))
        if one.channel != "telegram":
            number = number_of(one.chat)
            if await self.records.handovers.is_held(number):
                await self.records.handovers.close(number)
                await self._tell(one, Labels(one.language)("bot_back"))
        elif bot := self.telegram():
            await bot.give_chat_back(number_of(one.chat))
        else:
            return await self._after(one, tr(NO_TELEGRAM))
        return await self._after(one)

    async def reply(self, request: Request) -> Response:
        """Send a reply to the customer, which takes the conversation."""
        fields = await fields_of(request)
        one, text = await self._one(read_number(fields["number"])), fields["text"].strip()
        if not 0 < len(text) <= _TEXT_CHARS:
            return await self._after(
                one, tr("Write 1 to %(most)s characters.", most=_TEXT_CHARS), text=text
            )
        bot = self.telegram()
        if one.channel == "telegram" and bot:
            trouble = await bot.reply_to_chat(number_of(one.chat), text, language=one.language)
            await self._look_after(one)
            if trouble:
                trouble = tr(
                    "This was not delivered, or may not have arrived: %(reason)s", reason=trouble
                )
        else:
            trouble = await self._take(one)
            if not trouble:
                await self.records.handovers.answered(number_of(one.chat), text)
        return await self._after(one, trouble, text=text)

    async def send_draft(self, request: Request) -> Response:
        """Send a held answer as it is in the form; the conversation is not taken over."""
        fields = await fields_of(request)
        one, text = await self._one(read_number(fields["number"])), fields["text"].strip()
        if not 0 < len(text) <= _TEXT_CHARS:
            return await self._after(one, tr("Write 1 to %(most)s characters.", most=_TEXT_CHARS))
        if one.channel not in REACHABLE:
            return await self._after(one, tr(_NOBODY_READS))
        # Below zero, where no update of Telegram is.
        if not await self.records.drafts.claim(one.answer_id, press=-time.time_ns()):
            return await self._after(one, tr(_DEALT_WITH))
        number, trouble = number_of(one.chat), ""
        if one.channel != "telegram":
            await self.records.handovers.answered(number, text, draft=one.answer_id)
        elif bot := self.telegram():
            trouble = await bot.send_draft_to_chat(number, text, draft=one.answer_id)
        else:
            trouble = tr(NO_TELEGRAM)
        if trouble:
            await self.records.drafts.edit(one.answer_id, text)
            await self.records.drafts.release(one.answer_id)
        return await self._after(one, trouble)

    async def discard_draft(self, request: Request) -> Response:
        """Drop a held answer; the customer still waits for a person."""
        one = await self._one(read_number((await fields_of(request))["number"]))
        discarded = await self.records.drafts.discard(one.answer_id)
        return await self._after(one, "" if discarded else tr(_DEALT_WITH))

    async def assign(self, request: Request) -> Response:
        """Let somebody look after the conversation, or nobody."""
        fields = await fields_of(request)
        one, chosen = await self._one(read_number(fields["number"])), read_number(fields["account"])
        name = next(
            (who.name for who in await self.records.accounts.talking() if who.account_id == chosen),
            "",
        )
        if chosen and not name:
            return await self._after(
                one, tr("This account was removed, or may not talk to customers.")
            )
        await self.records.accounts.assign(one.chat, chosen)
        if one.channel == "telegram" and (bot := self.telegram()):
            await bot.refresh_chat(number_of(one.chat))
        request.state.about = f"{one.answer_id}, {name or 'nobody'}"
        return await self._after(one)

    async def note(self, request: Request) -> Response:
        """Keep a note that the team alone reads."""
        fields = await fields_of(request)
        one, text = await self._one(read_number(fields["number"])), fields["text"].strip()
        if text:
            await self.records.handovers.note(one.chat, text[:_TEXT_CHARS])
        return await self._after(one)

    async def correct(self, request: Request) -> Response:
        """Lead to the entry that an answer came from, else to a new one, with the question."""
        one = await self._one(read_number(request.query_params.get("answer", "")))
        for chunk_id in one.chunk_ids[:1]:
            try:
                await self.entries.one(chunk_id)
            except AnswerdeskError:
                break  # it was changed or removed meanwhile
            return RedirectResponse(f"/console/entry?id={chunk_id}&answer={one.answer_id}", 303)
        return RedirectResponse(f"/console/knowledge?answer={one.answer_id}#add", 303)

    async def _one(self, number: int) -> Asked:
        if found := await self.records.figures.one(number):
            return found
        raise Refused(
            tr("There is no such conversation; it may have been erased, or deleted by now.")
        )

    async def _take(self, one: Asked) -> str:
        """Take a conversation; return why not, empty if it is taken."""
        if one.channel not in REACHABLE:
            return tr(_NOBODY_READS)
        number = number_of(one.chat)
        if one.channel == "telegram":
            if not (bot := self.telegram()):
                return tr(NO_TELEGRAM)
            await bot.take_chat(number, language=one.language)
        elif not await self.records.handovers.is_held(number):
            await self.records.handovers.ask(
                number, reason=one.question, language=one.language, chat=one.chat
            )
            await self.records.handovers.take(number, holder=0)
            await self._tell(one, Labels(one.language)("person_joined"))
        await self._look_after(one)
        return ""

    async def _look_after(self, one: Asked) -> None:
        """Assign an unassigned conversation to the person who takes it."""
        if account_id := current_person.get().account_id:
            await self.records.accounts.assign(one.chat, account_id, if_nobodys=True)

    async def _tell(self, one: Asked, text: str) -> None:
        await self.records.handovers.note(one.chat, text, author="bot")

    async def _after(self, one: Asked, notice: str = "", *, text: str = "") -> Response:
        if notice:
            return await self._page(one, notice=notice, text=text, status=409)
        return RedirectResponse(f"/console/conversation?answer={one.answer_id}#end", 303)

    async def _page(
        self, one: Asked, *, notice: str = "", text: str = "", status: int = 200
    ) -> Response:
        asked = await self.records.figures.conversation(one.answer_id, limit=_TURNS)
        said = await self.records.handovers.said(one.chat)
        state = ""
        if one.channel in REACHABLE:
            handover = await self.records.handovers.get(number_of(one.chat))
            state = handover.state if handover else ""
        return self.pages.response(
            "conversation.html",
            status=status,
            number=one.answer_id,
            turns=sorted([*asked, *said], key=_when),
            state=state,
            reachable=one.channel in REACHABLE,
            assigned=(await self.records.accounts.assigned([one.chat])).get(one.chat),
            drafts={
                draft.answer_id: draft for draft in await self.records.drafts.waiting(one.chat)
            },
            names=NAMES,
            people=await self.records.accounts.talking(),
            notice=notice,
            text=text,
            most=_TEXT_CHARS,
        )


def _when(one: Asked | Message) -> float:
    return one.created if isinstance(one, Message) else one.asked
