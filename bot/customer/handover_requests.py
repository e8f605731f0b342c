"""A customer asks for a person: the team is told, and the customer what is true."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import time as now

from bot.conversation.replies import Addressee
from bot.conversation.service import CustomerService
from bot.conversation.texts import bot_text
from bot.operator.topic_link import TopicLink
from core.rights import may
from core.types import Answer, Urgency
from kb.answering.texts import service_text


@dataclass(frozen=True)
class HandoverRequests:
    """Lets customers wait for a person."""

    service: CustomerService
    link: TopicLink

    async def call(
        self,
        to: Addressee,
        *,
        reason: str,
        draft: str = "",
        found: str = "",
        answer_id: int = 0,
        urgency: Urgency = "",
        held: bool = False,
    ) -> str:
        """Let a chat wait for a person; return what its customer is to be told.

        `draft` is the answer that the bot proposes to the operator, `found` where it stands and how
        sure the bot is, `answer_id` the answer under which a person was asked for, 0 for none.
        `held`: nobody asked for a person, but the answer is for an operator to send.
        """
        handovers = self.service.handovers
        language = to.languages[0] if to.languages else ""
        new = await handovers.ask(
            to.chat_id,
            reason=reason,
            language=language[:8],
            draft=draft,
            found=found,
            urgency=urgency,
            for_draft=held,
        )
        if urgency and not new:
            await self.hasten(to.chat_id, urgency)
        if not any(may(one.role, "talk") for one in await self.service.operators.list()):
            await self._leave_open(to, reason, answer_id)
            return bot_text("nobody_here", *to.languages)
        if held:
            self.service.spawn(self.link.propose(to.chat_id, answer_id, question=reason))
        elif new or (await self.link.group() and not await self.link.has_card(to.chat_id)):
            self.service.spawn(self.link.call(to.chat_id))
        hours = self.service.manners.hours
        back = hours.next_opening(datetime.fromtimestamp(now(), UTC))
        if back:
            days = bot_text("weekdays", *to.languages).split(",")
            return bot_text(
                "outside_hours",
                *to.languages,
                day=days[back.weekday()].strip(),
                time=back.strftime("%H:%M"),
                zone=hours.timezone,
            )
        return service_text("person_called", *to.languages)

    async def given(self, answer: Answer, to: Addressee, *, question: str) -> Answer:
        """Return an answer as its customer gets it: of a held one, that a person will reply."""
        if answer.kind != "held":
            return answer
        text = await self.call(
            to, reason=question, answer_id=answer.answer_id, urgency=answer.urgency, held=True
        )
        answer = replace(answer, text=text)
        await self.service.conversations.said(answer)
        return answer

    async def hasten(self, chat_id: int, urgency: Urgency) -> None:
        """Let a customer who waits already come before others, and their card say why."""
        if await self.service.handovers.hasten(chat_id, urgency):
            self.service.spawn(self.link.refresh(chat_id))

    async def _leave_open(self, to: Addressee, reason: str, answer_id: int) -> None:
        """Keep the question for the list of those that wait for an operator."""
        if answer_id:
            await self.service.conversations.leave_open(answer_id)
        elif reason:
            language = to.languages[0] if to.languages else "en"
            text = bot_text("nobody_here", *to.languages)
            await self.service.conversations.record(
                reason,
                Answer("unknown", text, language[:8]),
                chat=f"telegram:{to.chat_id}",
                channel="telegram",
            )
