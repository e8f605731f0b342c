"""A message to an answer: the operator's words if we have them, else those of the documents."""

import datetime
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeAlias

from core.errors import ModelError
from core.types import Answer, AnswerEvent, Choice, Hit, Source, TokenUsage, Turn, Urgency
from kb.answering.choose import MOST
from kb.answering.decision import Decision, decide
from kb.answering.intent import classify_turn, in_context, split_questions
from kb.answering.mood import NEUTRAL, Mood, Moods
from kb.answering.parts import is_foreign, join
from kb.answering.reply import Replier
from kb.answering.texts import TextKey, service_text
from kb.answering.writer import Writer, Written
from kb.ranking.retriever import Retrieval
from kb.text.language import detect_language
from kb.text.layout import length

OnEvent = Callable[[AnswerEvent], Awaitable[None]]

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
_SOURCE_QUOTE_CHARS = 900
"""As long as the longest reply: a link in it is shown if the cited words have it."""
_LABEL_CHARS = 120


@dataclass(frozen=True, slots=True)
class Policy:
    """What an operator decides about answering."""

    answer_at: float
    """Answer when at least this sure, 0 to 1."""
    hedge_at: float
    """Between this and `answer_at`: answer with a reservation, and offer other choices."""
    max_question_chars: int
    company: str
    fallback_language: str
    """ISO 639-1 of the service texts where the customer's language has none."""


class Finds(Protocol):
    """What answering needs of `kb.ranking.retriever.Retriever`."""

    async def retrieve(self, question: str, *, k: int = 10, today: str = "") -> Retrieval:
        """Return the most probable candidates for a question."""
        ...


class Answerer:
    """Answers messages from the knowledge base. Remembers nothing; `Desk` does."""

    def __init__(
        self,
        retriever: Finds,
        replier: Replier,
        writer: Writer | None,
        *,
        policy: Policy,
        today: Callable[[], datetime.date],
        moods: Moods | None = None,
    ) -> None:
        """Take ready parts.

        Args:
            retriever: finds candidates with probabilities.
            replier: builds replies from passages.
            writer: writes from a passage; ``None``: what is built is sent.
            policy: thresholds and names.
            today: the date by which entries are valid.
            moods: tells who is angry or in danger; ``None``: every message is an ordinary one.
        """
        self._retriever = retriever
        self._replier = replier
        self._writer = writer
        self._policy = policy
        self._today = today
        self._moods = moods

    async def answer(
        self,
        message: str,
        *,
        language_code: str = "",
        history: Sequence[Turn] = (),
        on_event: OnEvent | None = None,
    ) -> Answer:
        """Answer a message: a question, several, or none.

        Args:
            message: as the customer wrote it.
            language_code: of the customer's app; decides where the message is too short to tell.
            history: earlier turns, oldest first, which a follow-up may refer to.
            on_event: receives checked sentences and waiting times before the answer is whole.

        Raises:
            IndexDamaged, IndexMismatch, ModelUnavailable: if nothing can be searched.
        """
        text = " ".join(message[: self._policy.max_question_chars].split())
        language = detect_language(text, language_code)
        last = history[-1].answer if history else ""
        intent = classify_turn(text, language, last_answer=last)
        if intent == "person":
            asked = [text, *(turn.question for turn in history[-1:])]
            return replace(self._smalltalk(intent, language), urgency=await self._urgency(asked))
        if intent != "question":
            return self._smalltalk(intent, language)
        mood = await self._mood(text)
        joined = await self._part_by_part(split_questions(text, language), language, history)
        answer = joined or await self.answer_question(
            text, language_code=language, history=history, on_event=on_event
        )
        return self._in_mood(answer, mood, language)

    async def answer_question(
        self,
        question: str,
        *,
        language_code: str = "",
        history: Sequence[Turn] = (),
        on_event: OnEvent | None = None,
    ) -> Answer:
        """Answer one question, without asking whether it is one; see `answer`."""
        retrieval, decision = await self.judge(question, history)
        language = detect_language(question, language_code)
        return await self._reply(retrieval, decision, language, on_event)

    async def judge(
        self, question: str, history: Sequence[Turn] = ()
    ) -> tuple[Retrieval, Decision]:
        """Return what is found for a question, in context, and how it would be replied to."""
        retrieval = await self._best_retrieval(question, history)
        return retrieval, self._decide(retrieval)

    async def would_read(self, question: str) -> str | None:
        """Return the id of the passage that a reply would be built from; ``None`` if none would."""
        _, decision = await self.judge(question)
        best = decision.hits[0].chunk if decision.hits else None
        return best.chunk_id if best is not None and best.kind == "passage" else None

    # --- understanding -------------------------------------------------------------------------

    async def _mood(self, text: str) -> Mood:
        return await self._moods.of(text) if self._moods else NEUTRAL

    async def _urgency(self, asked: Sequence[str]) -> Urgency:
        """Return the most pressing mood of messages that led to a call for a person."""
        moods = {await self._mood(text) for text in asked}
        return "urgent" if "urgent" in moods else "angry" if "angry" in moods else ""

    async def _best_retrieval(self, question: str, history: Sequence[Turn]) -> Retrieval:
        """Search for the question alone and, if it may be a follow-up, in its context."""
        today = self._today().isoformat()
        best = await self._retriever.retrieve(question, today=today)
        if best.answerable >= self._policy.answer_at:
            return best
        for rewritten in in_context(question, history):
            found = await self._retriever.retrieve(rewritten, today=today)
            if found.answerable > best.answerable:
                best = found
        return best

    def _decide(self, retrieval: Retrieval) -> Decision:
        return decide(
            retrieval.hits,
            answer_at=self._policy.answer_at,
            hedge_at=self._policy.hedge_at,
        )

    # --- replying ------------------------------------------------------------------------------

    def _in_mood(self, answer: Answer, mood: Mood, language: str) -> Answer:
        """Return an answer as a customer in this mood is given it."""
        if mood == "angry" or mood == "urgent":
            lead = self._text(mood, language)
            text = lead if answer.kind == "unknown" else f"{lead}\n\n{answer.text}"
            return replace(answer, text=text, urgency=mood)
        unsure = answer.hedged or answer.kind in ("unknown", "clarify")
        if mood == "neutral" or not unsure:
            return answer
        return self._smalltalk(mood, language)

    async def _part_by_part(
        self, parts: Sequence[str], language: str, history: Sequence[Turn]
    ) -> Answer | None:
        """Answer the questions of a message one by one; ``None`` if they are one question."""
        if len(parts) < 2:
            return None
        found: list[tuple[Retrieval, Decision]] = []
        for number, part in enumerate(parts[:_MAX_PARTS]):
            before = [Turn(earlier, "") for earlier in parts[:number]]
            retrieval = await self._best_retrieval(part, [*history, *before])
            found.append((retrieval, self._decide(retrieval)))
        known = [(r, d) for r, d in found if d.action == "answer"]
        chunks = [decision.hits[0].chunk for _, decision in known]
        others = [r.question for r, d in found if d.action != "answer"]
        unknown = [part for part in others if is_foreign(part, chunks)]
        if not known or len({chunk.chunk_id for chunk in chunks}) + len(unknown) < 2:
            return None
        room = MOST / len(known)
        plainly = [(r, replace(d, hits=d.hits[:1], hedged=False)) for r, d in known]
        answers = [await self._reply(r, d, language, None, room) for r, d in plainly]
        rest = self._text("rest_unknown", language) if others else ""
        said = join(answers, rest)
        return self._with_reservation(said, language) if any(d.hedged for _, d in known) else said

    async def _reply(
        self,
        retrieval: Retrieval,
        decision: Decision,
        language: str,
        on_event: OnEvent | None,
        most: float = MOST,
    ) -> Answer:
        """Carry a decision out; what is built has at most so many words."""
        started = time.perf_counter()
        answer = await self._carry_out(decision, retrieval, language, on_event, most)
        generate = (time.perf_counter() - started) * 1000
        spent = retrieval.timings_ms
        timings = {**spent, "generate": generate, "total": sum(spent.values()) + generate}
        return replace(
            answer,
            release=retrieval.release,
            timings_ms={key: round(value, 1) for key, value in timings.items()},
        )

    async def _carry_out(
        self,
        decision: Decision,
        retrieval: Retrieval,
        language: str,
        on_event: OnEvent | None,
        most: float,
    ) -> Answer:
        if decision.action == "unknown":
            return self._unknown(language, decision.confidence)
        room = most / len(decision.hits)
        answers = [
            await self._from(hit, decision, retrieval, language, on_event, room)
            for hit in decision.hits
        ]
        if not decision.hedged:
            return answers[0]
        return self._hedged(answers, decision, language, most)

    async def _from(
        self,
        hit: Hit,
        decision: Decision,
        retrieval: Retrieval,
        language: str,
        on_event: OnEvent | None,
        most: float,
    ) -> Answer:
        """Return the answer of one entry or passage; of a passage at most so many words."""
        if hit.chunk.kind == "passage":
            return await self._from_passages(hit, decision, retrieval, language, on_event, most)
        return Answer(
            "faq",
            hit.chunk.answer,
            hit.chunk.language or language,
            confidence=decision.confidence,
            sources=(source_of(hit, quote=hit.chunk.answer),),
        )

    def _hedged(
        self, answers: Sequence[Answer], decision: Decision, language: str, most: float
    ) -> Answer:
        """Return what may be asked for, with the sentence that it may not be, and other choices.

        Two answers that are together longer than a reply may be give way to the first one and to a
        choice of the other.
        """
        said, others = answers[0], decision.others
        if len(answers) > 1:
            both = join(answers, "")
            if length(both.text) <= most:
                said = both
            else:
                others = (*decision.hits[1:], *others)
        said = replace(said, choices=tuple(_choice(hit) for hit in others))
        return self._with_reservation(said, language)

    def _with_reservation(self, answer: Answer, language: str) -> Answer:
        """Return an answer after the sentence that it may not be what was asked for."""
        text = f"{self._text('hedge', language)}\n\n{answer.text}"
        return replace(answer, text=text, hedged=True)

    async def _from_passages(
        self,
        hit: Hit,
        decision: Decision,
        retrieval: Retrieval,
        language: str,
        on_event: OnEvent | None,
        most: float,
    ) -> Answer:
        reply = await self._replier.reply(
            retrieval.question,
            retrieval.vector,
            [hit],
            others=retrieval.hits,
            most=most,
        )
        written = await self._write(retrieval, reply.cited[0], language, on_event)
        text = written.text if written else ""
        return Answer(
            "composed" if text or reply.built else "quoted",
            text or reply.text,
            hit.chunk.language or language,
            confidence=decision.confidence,
            sources=tuple(source_of(cited, quote=words) for cited, words in reply.cited),
            tokens=written.tokens if written else TokenUsage(),
        )

    async def _write(
        self,
        retrieval: Retrieval,
        cited: tuple[Hit, str],
        language: str,
        on_event: OnEvent | None,
    ) -> Written | None:
        """Let a model write; ``None`` if it may not, or is down, late or overloaded."""
        hit, words = cited
        if self._writer is None or hit.chunk.language not in ("", language):
            return None
        try:
            return await self._writer.write(
                retrieval.question,
                hit.chunk,
                source_of(hit, quote=words),
                language=language,
                on_event=on_event,
            )
        except ModelError:
            return None  # what was built still answers

    def _unknown(self, language: str, confidence: float) -> Answer:
        return Answer("unknown", self._text("unknown", language), language, confidence=confidence)

    def _smalltalk(self, intent: SmallIntent, language: str) -> Answer:
        text = self._text(_SMALLTALK[intent], language)
        return Answer("smalltalk", text, language, confidence=1.0, intent=intent)

    def _text(self, key: TextKey, language: str) -> str:
        return service_text(
            key, language, self._policy.fallback_language, company=self._policy.company
        )


def _choice(hit: Hit) -> Choice:
    """Return a choice: an entry's question; of a passage its innermost heading and first words."""
    chunk = hit.chunk
    if chunk.kind == "faq":
        return Choice(chunk.chunk_id, _cut(chunk.text, _LABEL_CHARS))
    heading = chunk.title.rsplit(" › ", 1)[-1]
    words = " ".join(chunk.text.split())
    return Choice(chunk.chunk_id, _cut(f"{heading}: {words}" if heading else words, _LABEL_CHARS))


def source_of(hit: Hit, *, quote: str) -> Source:
    """Return what a customer sees of the chunk an answer comes from."""
    chunk = hit.chunk
    return Source(
        chunk_id=chunk.chunk_id,
        document=chunk.doc_id,
        # Of an entry its question: where it stands, the name of a table, tells a customer nothing.
        title=chunk.text if chunk.kind == "faq" else chunk.title,
        location=chunk.location,
        quote=_cut(quote, _SOURCE_QUOTE_CHARS),
        score=round(hit.score, 4),
        updated=chunk.updated,
    )


def _cut(text: str, limit: int) -> str:
    text = text.strip()
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
