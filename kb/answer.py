"""A message to an answer: the operator's words if we have them, checked words if we must."""

import datetime
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeAlias

from core.errors import ModelError
from core.types import Answer, AnswerEvent, Choice, Hit, Source, TokenUsage, Turn, Waiting
from kb.compose import Composed, Composer
from kb.decide import Decision, decide
from kb.language import detect_language
from kb.quote import Quoter
from kb.ranking.retriever import Retrieval
from kb.stems import stems
from kb.texts import TextKey, service_text
from kb.turn import classify_turn, in_context, split_questions

OnEvent = Callable[[AnswerEvent], Awaitable[None]]

SmallIntent: TypeAlias = Literal["greeting", "thanks", "goodbye", "person", "acknowledged"]
_SMALLTALK: Mapping[SmallIntent, TextKey] = {
    "greeting": "greeting",
    "thanks": "thanks",
    "goodbye": "goodbye",
    "person": "person_elsewhere",  # who can call one, the bot, says so in place of this
    "acknowledged": "acknowledged",
}
_MAX_PARTS = 3
"""Questions of one message that are answered one by one."""
_SOURCE_QUOTE_CHARS = 300
_LABEL_CHARS = 120
_DOUBT = 3.0
"""How much more often the default model says "no answer" of passages that have none: 38 % against
13 % (xquad zh, 21 and 60 questions)."""
_SAME = 0.8
"""A reply with this share of the quote's content words is the quote over again."""


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
    compose_across: bool = False
    """Let the generator write in another language than the passage's, too."""


class Finds(Protocol):
    """What answering needs of `kb.ranking.retriever.Retriever`."""

    async def retrieve(self, question: str, *, k: int = 10, today: str = "") -> Retrieval:
        """Return the most probable candidates for a question."""
        ...


class Answerer:
    """Answers messages from the knowledge base. Remembers nothing; `kb.desk.Desk` does."""

    def __init__(
        self,
        retriever: Finds,
        quoter: Quoter,
        composer: Composer | None,
        *,
        policy: Policy,
        today: Callable[[], datetime.date],
    ) -> None:
        """Take ready parts.

        Args:
            retriever: finds candidates with probabilities.
            quoter: picks the sentences of a passage that answer.
            composer: writes from a passage; ``None`` quotes instead.
            policy: thresholds and names.
            today: the date by which entries are valid.
        """
        self._retriever = retriever
        self._quoter = quoter
        self._composer = composer
        self._policy = policy
        self._today = today

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
        if intent != "question":
            return self._smalltalk(intent, language)
        parts = split_questions(text, language)[:_MAX_PARTS]
        if len(parts) > 1 and await self._are_separate(parts):
            answers = [await self.answer_question(p, language_code=language) for p in parts]
            return _join(parts, answers)
        return await self.answer_question(
            text, language_code=language, history=history, on_event=on_event
        )

    async def answer_question(
        self,
        question: str,
        *,
        language_code: str = "",
        history: Sequence[Turn] = (),
        on_event: OnEvent | None = None,
    ) -> Answer:
        """Answer one question, without asking whether it is one; see `answer`."""
        started = time.perf_counter()
        language = detect_language(question, language_code)
        retrieval = await self._best_retrieval(question, history)
        decision = self._decide(retrieval)
        answer = await self._carry_out(decision, retrieval, language, on_event)
        total = (time.perf_counter() - started) * 1000
        generate = total - sum(retrieval.timings_ms.values())
        timings = {**retrieval.timings_ms, "generate": max(generate, 0.0), "total": total}
        return replace(
            answer,
            release=retrieval.release,
            timings_ms={key: round(value, 1) for key, value in timings.items()},
        )

    async def would_read(self, question: str) -> tuple[str, str] | None:
        """Return the id of the passage that a reply would be written from, and its language.

        ``None`` if the question is not answered by writing.
        """
        language = detect_language(question)
        retrieval = await self._best_retrieval(question, ())
        decision = self._decide(retrieval)
        if decision.action != "compose":
            return None
        return decision.hits[0].chunk.chunk_id, language

    # --- understanding -------------------------------------------------------------------------

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

    async def _are_separate(self, parts: Sequence[str]) -> bool:
        """Tell whether at least two parts have sure answers of their own, in different chunks.

        Otherwise the parts are one question in several sentences.
        """
        today = self._today().isoformat()
        sure = set()
        for part in parts:
            found = await self._retriever.retrieve(part, today=today)
            if found.answerable >= self._policy.answer_at:
                sure.add(found.hits[0].chunk.chunk_id)
        return len(sure) > 1

    def _decide(self, retrieval: Retrieval) -> Decision:
        return decide(
            retrieval.hits,
            answer_at=self._policy.answer_at,
            hedge_at=self._policy.hedge_at,
        )

    # --- replying ------------------------------------------------------------------------------

    async def _carry_out(
        self, decision: Decision, retrieval: Retrieval, language: str, on_event: OnEvent | None
    ) -> Answer:
        if decision.action == "clarify":
            return self._clarify(decision, language)
        if decision.action == "faq":
            answer = self._faq(decision, language)
        elif decision.action == "compose":
            answer = await self._from_passages(decision, retrieval, language, on_event)
        else:
            return self._unknown(language, decision.confidence)
        return self._hedged(answer, decision, language) if decision.hedged else answer

    def _hedged(self, answer: Answer, decision: Decision, language: str) -> Answer:
        """Return an answer with the sentence that it may not be the one, and other choices."""
        if answer.kind == "unknown":
            return answer
        return replace(
            answer,
            text=f"{self._text('hedge', language)}\n\n{answer.text}",
            hedged=True,
            choices=tuple(_choice(hit) for hit in decision.others),
        )

    def _faq(self, decision: Decision, language: str) -> Answer:
        hit = decision.hits[0]
        return Answer(
            "faq",
            hit.chunk.answer,
            hit.chunk.language or language,
            confidence=decision.confidence,
            sources=(source_of(hit, quote=hit.chunk.answer),),
        )

    def _clarify(self, decision: Decision, language: str) -> Answer:
        choices = tuple(_choice(hit) for hit in decision.hits)
        return Answer(
            "clarify",
            self._text("clarify", language),
            language,
            confidence=decision.confidence,
            choices=choices,
        )

    async def _from_passages(
        self,
        decision: Decision,
        retrieval: Retrieval,
        language: str,
        on_event: OnEvent | None,
    ) -> Answer:
        passage = _Quoted(self._quoter, retrieval, decision.hits[0])
        composed = await self._compose(decision, retrieval, language, passage, on_event)
        if composed and composed.no_answer:
            lowered = _doubted(decision.confidence)
            if lowered < self._policy.hedge_at:
                return replace(self._unknown(language, lowered), tokens=composed.tokens)
        quote = await passage.quote()
        text = _with_quote(composed, quote) if composed else ""
        return Answer(
            "composed" if text else "quoted",
            text or quote,
            language if text else passage.hit.chunk.language or language,
            confidence=decision.confidence,
            sources=(source_of(passage.hit, quote=quote),),
            tokens=composed.tokens if composed else TokenUsage(),
        )

    async def _compose(
        self,
        decision: Decision,
        retrieval: Retrieval,
        language: str,
        passage: "_Quoted",
        on_event: OnEvent | None,
    ) -> Composed | None:
        """Let the generator write; ``None`` if it may not, or is down, late or overloaded."""
        across = passage.hit.chunk.language not in ("", language)
        if self._composer is None or (across and not self._policy.compose_across):
            return None
        try:
            return await self._composer.compose(
                retrieval.question,
                decision.hits[:1],
                language=language,
                quote=await passage.quote(),
                on_event=passage.shown_while_waiting(on_event) if on_event else None,
            )
        except ModelError:
            return None  # the passage itself still answers

    def _unknown(self, language: str, confidence: float) -> Answer:
        return Answer("unknown", self._text("unknown", language), language, confidence=confidence)

    def _smalltalk(self, intent: SmallIntent, language: str) -> Answer:
        text = self._text(_SMALLTALK[intent], language)
        return Answer("smalltalk", text, language, confidence=1.0, intent=intent)

    def _text(self, key: TextKey, language: str) -> str:
        return service_text(
            key, language, self._policy.fallback_language, company=self._policy.company
        )


class _Quoted:
    """The words of a passage that answer, looked for once, when they are needed."""

    def __init__(self, quoter: Quoter, retrieval: Retrieval, hit: Hit) -> None:
        self.hit = hit
        self._quoter = quoter
        self._retrieval = retrieval
        self._quote = ""

    async def quote(self) -> str:
        """Return them."""
        if not self._quote:
            self._quote = await self._quoter.quote(
                self._retrieval.question, self._retrieval.vector, self.hit.chunk
            )
        return self._quote

    def shown_while_waiting(self, on_event: OnEvent) -> OnEvent:
        """Return a handler that adds the passage to the news that a reply takes long."""

        async def handle(event: AnswerEvent) -> None:
            if isinstance(event, Waiting):
                event = replace(event, source=source_of(self.hit, quote=await self.quote()))
            await on_event(event)

        return handle


def _doubted(confidence: float) -> float:
    """Return the probability that a passage answers after the model has said that it does not."""
    odds = confidence / max(1 - confidence, 1e-9) / _DOUBT
    return odds / (1 + odds)


def _with_quote(composed: Composed, quote: str) -> str:
    """Return what was written with the passage's own words below; empty if these say it all."""
    said, own = set(stems(composed.text)), set(stems(quote))
    if not said or len(own & said) >= _SAME * len(own):
        return ""
    return f"{composed.text}\n\n“{quote}”"


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


def _join(parts: Sequence[str], answers: Sequence[Answer]) -> Answer:
    """Return one answer to several questions, each under its question."""
    text = "\n\n".join(f"**{q}**\n{a.text}" for q, a in zip(parts, answers, strict=True))
    kinds = {answer.kind for answer in answers}
    known = [answer for answer in answers if answer.kind in ("faq", "composed", "quoted")]
    kind = next(k for k in ("composed", "quoted", "faq", "clarify", "unknown") if k in kinds)
    timings: dict[str, float] = {}
    for answer in answers:
        for key, value in answer.timings_ms.items():
            timings[key] = round(timings.get(key, 0.0) + value, 1)
    sources = {source.chunk_id: source for answer in answers for source in answer.sources}
    return Answer(
        kind,
        text,
        answers[0].language,
        confidence=min(answer.confidence for answer in known or answers),
        sources=tuple(sources.values()),
        choices=tuple(choice for answer in answers for choice in answer.choices)[:_MAX_PARTS],
        release=answers[0].release,
        timings_ms=timings,
        tokens=TokenUsage(
            prompt=sum(answer.tokens.prompt for answer in answers),
            cached=sum(answer.tokens.cached for answer in answers),
            generated=sum(answer.tokens.generated for answer in answers),
        ),
    )


def _cut(text: str, limit: int) -> str:
    text = text.strip()
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
