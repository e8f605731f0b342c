"""A message to an answer: the operator's words if we have them, else those of the documents."""

import datetime
import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

from core.errors import ModelError
from core.types import Answer, Chunk, Hit, OnEvent, Turn, Urgency
from db.careful import CarefulStart
from db.curation import Curations
from kb.answering.choose import MOST
from kb.answering.composer import Composer, Order
from kb.answering.decision import Decision, Found, Policy, careful, decide
from kb.answering.intent import (
    classify_turn,
    continues,
    in_context,
    split_questions,
    symbols_say,
)
from kb.answering.mood import NEUTRAL, Mood, Moods
from kb.answering.parts import join
from kb.answering.plain import plain
from kb.answering.reply import Replier
from kb.answering.scores import condition_of, lacks_figure
from kb.answering.texts import TextKey
from kb.answering.writer import Writer
from kb.ranking.retriever import Retrieval, Retriever
from kb.text.language import detect_language
from kb.text.lexicon import INVISIBLE, yes_or_no
from kb.text.stems import stems

SmallIntent: TypeAlias = Literal[
    "greeting", "smalltalk", "thanks", "goodbye", "person", "acknowledged"
]
_SMALLTALK: Mapping[SmallIntent, TextKey] = {
    "greeting": "greeting",
    "smalltalk": "smalltalk",
    "thanks": "thanks",
    "goodbye": "goodbye",
    "person": "person_elsewhere",  # who can call one, the bot, says so in place of this
    "acknowledged": "acknowledged",
}
_MAX_PARTS = 3
"""Questions of one message that are answered one by one."""
_EVEN = 0.5
"""Mean probability from which on parts none of which is sure are answered one by one."""
_SURE_ALONE = 0.9
"""Probability from which a question is not tried in the context of those before it, and a text that
names nobody to call is given in an urgent matter."""
_URGENT_MOST = 2 * MOST
"""Words of a reply in an urgent matter: nothing that matters in it may be left out."""
_MAY_BE_MEANT = 3
"""Texts found in context of which a follow-up may mean each …"""
_ADDED = 0.4
"""… and what the reader's log-odds by the follow-up alone count beside those in context."""
_CALL = re.compile(
    r"(?<![\w.,])(?:(?:\+|0)\d[\d ()/-]{5,}\d|(?:112|911|999)(?![\d.,]*\s?[\d%€$£]))"
)
"""A telephone number."""
_ASKING_EMOJI = str.maketrans("❓❔", "??", "\ufe0f")
"""Question marks that are emoji, with or without the mark that they are to be drawn as such."""


class Answerer:
    """Answers messages from the knowledge base. Remembers nothing; `Desk` does."""

    def __init__(
        self,
        retriever: Retriever,
        replier: Replier,
        writer: Writer | None,
        *,
        policy: Policy,
        today: Callable[[], datetime.date],
        moods: Moods | None = None,
        translations: Curations | None = None,
        careful_rules: CarefulStart | None = None,
    ) -> None:
        """Take ready parts.

        Args:
            retriever: finds candidates with probabilities.
            replier: builds replies from passages.
            writer: writes from a passage; ``None``: what is built is sent.
            policy: thresholds and names.
            today: the date by which entries are valid.
            translations: of entries' answers; ``None``: all are given as they stand.
            moods: tells who is angry or in danger; ``None``: every message is an ordinary one.
            careful_rules: which answers are held or hedged; ``None``: none but the unsure.
        """
        self._retriever = retriever
        self._replier = replier
        self._policy = policy
        self._today = today
        self._moods = moods
        self._composer = Composer(
            replier, writer, policy=policy, today=today, translations=translations
        )
        self._careful_rules = careful_rules

    async def answer(
        self,
        message: str,
        *,
        language_code: str = "",
        history: Sequence[Turn] = (),
        on_event: OnEvent | None = None,
        found: Found | None = None,
    ) -> Answer:
        """Answer a message: a question, several, or none.

        Args:
            message: as the customer wrote it.
            language_code: of the customer's app; decides where the message is too short to tell.
            history: earlier turns, oldest first, which a follow-up may refer to.
            on_event: receives checked sentences and waiting times before the answer is whole.
            found: what `evaluate` returned for the message, if it was asked before.

        Raises:
            IndexDamaged, IndexMismatch, ModelUnavailable: if nothing can be searched.
        """
        text = self._read(message)
        hint = language_code or self._policy.fallback_language
        for turn in history[-1:]:  # who wrote Spanish goes on in Spanish
            hint = detect_language(turn.question, hint)
        language = detect_language(text, hint)
        last = history[-1].answer if history else ""
        intent = classify_turn(text, last_answer=last)
        if intent == "person":
            asked = [text, *(turn.question for turn in history[-1:])]
            return replace(self._smalltalk(intent, language), urgency=await self._urgency(asked))
        if intent == "upset":
            return Answer(
                "smalltalk",
                self._composer.text("angry", language),
                language,
                confidence=1,
                urgency="angry",
            )
        if intent != "question":
            return self._smalltalk(intent, language)
        mood = await self._mood(text)
        if mood == "wrong" and not history:
            mood = "angry"  # there was no reply that could be refused
        before = () if mood == "wrong" else history  # else what was refused is found once more
        question, parts = text, split_questions(text, language)
        if mood == "angry" and len(parts) > 1:  # what is said of the company asks for nothing
            calm = [part for part in parts if await self._mood(part) != "angry"]
            question, parts = " ".join(calm) or text, calm
        answer = await self._part_by_part(parts, language, before)
        if answer is None:
            found = found or await self.evaluate(question, before)
            told = before[-1].answer if before and before[-1].question != text else ""
            most = _URGENT_MOST if mood == "urgent" else MOST
            answer = await self._composer.compose(Order(found, language, on_event, most, told))
        if refused := _refused(answer, mood, history):
            said = self._composer.text("say_otherwise", language)
            answer = replace(
                self._composer.unknown(language, 0), text=said, unanswered=refused.question
            )
        urgent = mood == "urgent" and not _CALL.search(answer.text)
        if (urgent and answer.confidence < _SURE_ALONE) or (mood == "angry" and answer.hedged):
            # What may not be meant helps nobody now, unless it says whom to call.
            answer = self._composer.unknown(language, answer.confidence)
        asks = text.endswith(("?", "？", "؟"))
        answer = self._in_mood(
            self._composer.led_in(answer, text, language), mood, language, asks=asks
        )
        if answer.kind == "smalltalk" and asks and history:
            answer = replace(answer, unanswered=text)  # "and the viola?" may be no small talk
        return self._composer.held(answer, language) if answer.draft else answer

    async def answer_question(self, question: str) -> Answer:
        """Answer one question, without asking whether it is one; see `answer`."""
        language = detect_language(question, self._policy.fallback_language)
        answer = await self._composer.compose(Order(await self.evaluate(question), language))
        return self._composer.led_in(answer, question, language)

    async def evaluate(self, question: str, history: Sequence[Turn] = ()) -> Found:
        """Return what is found for a question, in context, and how it would be replied to."""
        question = self._read(question)
        retrieval = await self._best_retrieval(question, history)
        answer_at, hedge_at = self._policy.answer_at, self._policy.hedge_at
        priced = self._moods is not None and await self._moods.asks_price(question)

        def lacks(hit: Hit) -> bool:
            return lacks_figure(question, hit.chunk.answer or hit.chunk.text, priced=priced)

        decision = decide(retrieval.hits, answer_at=answer_at, hedge_at=hedge_at, lacks=lacks)
        if decision.hits and _yes_to_another(question, decision.hits[0].chunk):
            decision = replace(decision, hedged=True)
        if self._careful_rules is not None:
            decision = careful(decision, await self._careful_rules.rules())
        return Found(question, retrieval, decision)

    # --- understanding -------------------------------------------------------------------------

    def _read(self, message: str) -> str:
        """Return what is read of a message."""
        read = unicodedata.normalize("NFC", message[: self._policy.max_question_chars])
        return " ".join(INVISIBLE.sub("", read.translate(_ASKING_EMOJI)).split())

    async def _mood(self, text: str) -> Mood:
        if symbols_say(text) == "angry":
            return "angry"
        try:
            return await self._moods.of(text) if self._moods else NEUTRAL
        except ModelError:
            return NEUTRAL  # what is searched next says so if the model is down

    async def _urgency(self, asked: Sequence[str]) -> Urgency:
        """Return the most pressing mood of messages that led to a call for a person."""
        upset = any(classify_turn(text) == "upset" for text in asked)
        moods = {await self._mood(text) for text in asked}
        return "urgent" if "urgent" in moods else "angry" if upset or "angry" in moods else ""

    async def _best_retrieval(self, question: str, history: Sequence[Turn]) -> Retrieval:
        """Search for the question alone and, if it may be a follow-up, in its context.

        A text that is found in context has to say something of the question alone too, unless
        that is no more than the end of one: "and for abroad?". One that was the last reply gives
        way to another that the question finds alone: "and memberships?".
        """
        today = self._today().isoformat()
        best = alone = await self._retriever.retrieve(question, today=today)
        if alone.answerable >= _SURE_ALONE:
            return alone
        leans = alone.answerable < self._policy.hedge_at
        for rewritten in in_context(question, history, part=leans):
            found = await self._retriever.retrieve(rewritten, today=today)
            found = await self._by_latest(found, question)
            likelier = found.answerable > best.answerable  # and so there is one
            if likelier and (leans or await self._may_say(found, question, history[-1].answer)):
                best = found
        if best is alone or continues(question):
            return best
        return best if await self._replier.tells(question, best.hits[0].chunk) else alone

    async def _by_latest(self, found: Retrieval, latest: str) -> Retrieval:
        """Put the likely text first that says most of what a follow-up adds.

        "And for rats?" asks for the text about rats, "and when?" for the timetable.
        """
        likely = found.hits[:_MAY_BE_MEANT]
        said = [await self._replier.says(latest, hit.chunk) for hit in likely]
        odds = [
            math.log(max(hit.probability, 1e-9)) + _ADDED * added
            for hit, added in zip(likely, said, strict=True)
            if added is not None
        ]
        meant = max(range(len(odds)), key=odds.__getitem__, default=0)
        if len(odds) < len(likely) or not meant:
            return found
        first = replace(likely[meant], probability=found.answerable)
        rest = [hit for hit in found.hits if hit is not likely[meant]]
        return replace(found, hits=(first, *rest))

    async def _may_say(self, found: Retrieval, question: str, told: str) -> bool:
        """Tell whether a text that is found in context is new, or says something of a question."""
        new = not _is_told(found, told)
        chunk = found.hits[0].chunk
        return new or await self._replier.tells(question, chunk, unread=False)

    # --- replying ------------------------------------------------------------------------------

    def _in_mood(self, answer: Answer, mood: Mood, language: str, *, asks: bool) -> Answer:
        """Return an answer as a customer in this mood is given it."""
        if mood == "angry" or mood == "urgent":
            lead = self._composer.text(mood, language)
            text = lead if answer.kind == "unknown" else f"{lead}\n\n{answer.text}"
            return replace(answer, text=text, urgency=mood)
        # What asks for something and may have an answer is no thanks and no greeting.
        unsure = answer.kind == "unknown" or (answer.hedged and not asks)
        if mood == "neutral" or mood == "wrong" or not unsure:
            return answer
        return self._smalltalk(mood, language)

    async def _part_by_part(
        self, parts: Sequence[str], language: str, history: Sequence[Turn]
    ) -> Answer | None:
        """Answer the questions of a message one by one; ``None`` if they are one question."""
        parts = list(dict.fromkeys(parts))
        if len(parts) < 2:
            return None
        found: list[Found] = []
        silent: list[Found] = []
        for number, part in enumerate(parts[:_MAX_PARTS]):
            before = [Turn(earlier, "") for earlier in parts[:number]]
            one = await self.evaluate(part, [*history, *before])
            if await self._left_open(one, found):
                one = await self.evaluate(part)
            if await self._left_open(one, found):
                one = replace(one, decision=Decision((), one.decision.confidence))
                silent.append(one)
            found.append(one)
        whole = all(one.known for one in found)
        # One reservation for a part that may be wrong and a part that is not known: no reply.
        known = [one for one in found if one.known and (whole or not one.decision.hedged)]
        chunks = [one.decision.hits[0].chunk for one in known]
        others = [part for part, one in zip(parts, found, strict=False) if one not in known]
        # What nothing nearer is found for is more of what was asked: "And after twenty days?"
        told = {chunk.chunk_id for chunk in chunks}
        likely = [one.decision.confidence for one in known]
        if known and all(one.decision.hedged for one in known) and sum(likely) < _EVEN * len(known):
            return None
        foreign = [
            one for one in found if one in silent or (one not in known and not _nearest(one) & told)
        ]
        if not known or len(told) + len(foreign) < 2:
            return None
        best = [replace(one, decision=one.decision.alone()) for one in known]
        most = MOST / len(known)
        answers = [await self._composer.compose(Order(one, language, most=most)) for one in best]
        rest = self._composer.text("rest_unknown", language) if others else ""
        said = join(answers, rest, self._composer.text("hedge", language))
        draft = next((answer.draft for answer in answers if answer.draft), None)
        return replace(said, unanswered=" ".join(others), draft=draft)

    async def _left_open(self, found: Found, earlier: Sequence[Found]) -> bool:
        """Tell whether the nearest to a part answers an earlier one and says nothing of this."""
        chunks = [one.decision.hits[0].chunk for one in earlier if one.known]
        near = next((chunk for chunk in chunks if chunk.chunk_id in _nearest(found)), None)
        return near is not None and not await self._replier.tells(found.question, near)

    def _smalltalk(self, intent: SmallIntent, language: str) -> Answer:
        contact = self._policy.contact if intent == "person" else ""
        key: TextKey = "person_contact" if contact else _SMALLTALK[intent]
        text = self._composer.text(key, language, contact=contact)
        return Answer("smalltalk", text, language, confidence=1.0, intent=intent)


def _is_told(found: Retrieval, reply: str) -> bool:
    """Tell whether all that the likeliest text says stands in a reply."""
    chunk = found.hits[0].chunk
    return (chunk.answer or plain(chunk.text)) in reply


def _nearest(found: Found) -> set[str]:
    """Return the id of the candidate nearest to a question, if there is one."""
    return {hit.chunk.chunk_id for hit in found.retrieval.hits[:1]}


def _refused(answer: Answer, mood: Mood, history: Sequence[Turn]) -> Turn | None:
    """Return the turn whose answer a customer refuses, if there is nothing else to say."""
    unknown = answer.kind == "unknown"
    if mood != "wrong" and (mood != "angry" or unknown):
        return None
    lines = set(filter(None, answer.text.splitlines()))
    for turn in reversed(history):
        again = lines & set(turn.answer.splitlines())
        if again == lines or (again and mood == "wrong"):
            return turn
    return history[-1] if history and unknown else None


def _yes_to_another(question: str, entry: Chunk) -> bool:
    """Tell whether an answer is yes or no to a question without the condition of this one.

    "Yes, until it is packed" is none to "Can I cancel if it has been shipped?". Of the written
    companies' questions with a condition that such an entry answers, hardly one had its yes or no.
    """
    asked = set(stems(condition_of(question))) if yes_or_no(entry.answer) else set[str]()
    return bool(asked) and len(asked & set(stems(f"{entry.text}\n{entry.answer}"))) < len(asked) / 2
