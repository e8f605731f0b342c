"""What the buttons under the bot's messages do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from telegram import CallbackQuery, Update

from bot.conversation.replies import (
    REASONS,
    Addressee,
    answer_buttons,
    answer_messages,
    keyboard,
    message,
    passage_messages,
    reason_buttons,
)
from bot.conversation.service import CustomerService
from bot.conversation.texts import LANGUAGE_NAMES, bot_text
from bot.customer.handover_requests import HandoverRequests
from bot.operator.topic_text import found_text
from bot.transport.errors import TooLate
from bot.transport.router import Press, Routes
from bot.transport.typing import typing
from db.outbox import StoredMessage
from kb.answering.texts import service_text

_TURNS = 20
"""Among so many exchanges the one of a button is looked for."""


@dataclass(frozen=True, slots=True)
class CallbackQueries:
    """Handles the buttons that customers press."""

    service: CustomerService
    handover_requests: HandoverRequests

    @property
    def routes(self) -> Routes:
        """What customers press."""
        return (
            Press("src", "anyone", self.source),
            Press("pick", "anyone", self.choice),
            Press("fb", "anyone", self.verdict),
            Press("why", "anyone", self.reason),
            Press("human", "anyone", self.human),
            Press("lang", "anyone", self.language),
        )

    async def source(self, query: CallbackQuery, update: Update, value: str) -> None:
        """Show the words of a source."""
        stored, to = await self.service.pressed(query)
        sources = stored.context.get("sources", []) if stored else []
        if stored is None or not value.isdigit() or int(value) >= len(sources):
            raise TooLate(bot_text("expired", *to.languages))
        await self.service.alert(query)
        messages = passage_messages(sources[int(value)], to, reply_to=stored.message_id or 0)
        await self.service.sender.deliver(messages, update_id=update.update_id)

    async def choice(self, query: CallbackQuery, update: Update, value: str) -> None:
        """Answer the question that the customer meant, or ask for other words."""
        stored, to = await self.service.pressed(query)
        if stored is not None and value == "none":
            await self.service.alert(query)
            await self._judge(stored, helpful=False, reason="not_my_question")
            person = (f"🙋 {service_text('talk_to_person', *to.languages)}", "human")
            text = service_text("say_otherwise", *to.languages)
            asked_again = message(to, text, buttons=[[person]], context=stored.context)
            await self.service.sender.deliver([asked_again], update_id=update.update_id)
            return
        choices = stored.context.get("choices", []) if stored else []
        if stored is None or not value.isdigit() or int(value) >= len(choices):
            raise TooLate(bot_text("expired", *to.languages))
        await self.service.alert(query)
        await self.service.conversations.taken(int(stored.context.get("answer_id", 0)))
        question = choices[int(value)]["label"]
        async with typing(self.service.bot, to.chat_id, to.thread_id):
            answer = await self.service.ask(
                question, to=to, language_code=query.from_user.language_code or ""
            )
        answer = await self.handover_requests.given(answer, to, question=question)
        messages = answer_messages(
            answer,
            to,
            question=question,
            question_message_id=stored.context.get("question_message_id", 0),
        )
        await self.service.sender.deliver(messages, update_id=update.update_id)

    async def verdict(self, query: CallbackQuery, _: Update, value: str) -> None:
        """Store 👍 or 👎; ask why after 👎."""
        stored, to = await self.service.pressed(query)
        helpful = value == "1"
        if stored is None or not await self._judge(stored, helpful=helpful, reason=""):
            raise TooLate(bot_text("expired", *to.languages))
        thanks = service_text("feedback_thanks", *to.languages)
        asked = service_text("what_was_wrong", *to.languages)
        await self.service.alert(query, thanks if helpful else asked)
        await self._without_verdict(stored, to, ask_why=not helpful)

    async def reason(self, query: CallbackQuery, _: Update, value: str) -> None:
        """Store why an answer was not good."""
        stored, to = await self.service.pressed(query)
        if (
            stored is None
            or value not in REASONS
            or not await self._judge(stored, helpful=False, reason=value)
        ):
            raise TooLate(bot_text("expired", *to.languages))
        await self.service.alert(query, service_text("feedback_thanks", *to.languages))
        await self._without_verdict(stored, to, ask_why=False)

    async def human(self, query: CallbackQuery, update: Update, _: str) -> None:
        """Call a person."""
        stored, to = await self.service.pressed(query)
        await self.service.alert(query)
        context = stored.context if stored else {}
        question = str(context.get("question", ""))
        text = await self.handover_requests.call(
            to,
            reason=question,
            draft=await self._draft(context, to),
            found=found_text(context),
            answer_id=int(context.get("answer_id", 0)),
            urgency=context.get("urgency", ""),
        )
        await self.service.sender.deliver([message(to, text)], update_id=update.update_id)

    async def language(self, query: CallbackQuery, _: Update, value: str) -> None:
        """Set the language of the bot's own words."""
        await self.service.alert(query)
        if query.message is None:
            return
        chat_id = query.message.chat.id
        chosen = value if value in LANGUAGE_NAMES else ""
        await self.service.chats.choose_language(chat_id, chosen)
        languages = await self.service.languages(chat_id, query.from_user.language_code or "")
        text = bot_text("language_set", *languages)
        await self.service.sender.edit(chat_id, query.message.message_id, {"text": text})

    async def _draft(self, context: Mapping[str, Any], to: Addressee) -> str:
        """Return the passage to propose to an operator; where it was cut, the answer itself."""
        sources = context.get("sources", [])
        quote = str(sources[0]["quote"]) if sources else ""
        if not quote.endswith("…"):
            return quote
        turns = await self.service.conversations.turns(f"telegram:{to.chat_id}", limit=_TURNS)
        said = [turn.answer for turn in turns if turn.question == context.get("question")]
        return said[-1] if said else quote

    async def _judge(self, stored: StoredMessage, *, helpful: bool, reason: str) -> bool:
        answer_id = stored.context.get("answer_id", 0)
        return bool(answer_id) and await self.service.conversations.give_feedback(
            answer_id, helpful=helpful, reason=reason
        )

    async def _without_verdict(
        self, stored: StoredMessage, to: Addressee, *, ask_why: bool
    ) -> None:
        """Take the verdict's buttons away; ask for a reason instead if wanted."""
        rows = answer_buttons({**stored.context, "answer_id": 0}, to.languages)
        if ask_why:
            rows += reason_buttons(to.languages)
        await self.service.sender.edit_buttons(
            stored.chat_id, stored.message_id or 0, keyboard(rows)
        )
