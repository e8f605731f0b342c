"""A message to an answer: the operator's words if we have them, else those of the documents."""

import datetime
import re
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, TypeAlias

from babel import Locale

from core.errors import ModelError
from core.shown import shown
from core.types import (
    Answer,
    Choice,
    Chunk,
    Draft,
    Hit,
    OnEvent,
    Source,
    TokenUsage,
    Turn,
    Urgency,
)
from db.careful import CarefulStart
from db.curation import Curations
from kb.answering.choose import MOST
from kb.answering.decision import Decision, careful, decide
from kb.answering.intent import (
    classify_turn,
    continues,
    in_context,
    split_questions,
    symbols_say,
)
from kb.answering.mood import NEUTRAL, Mood, Moods
from kb.answering.parts import join
from kb.answering.pieces import beside_it
from kb.answering.plain import plain
from kb.answering.reply import Replier, Reply
from kb.answering.scores import condition_of, depends, lacks_figure
from kb.answering.sums import follows
from kb.answering.texts import TEXT_LANGUAGES, TextKey, service_text, text_language
from kb.answering.writer import Writer, Written
from kb.ranking.retriever import Retrieval, Retriever
from kb.text.language import detect_language, may_be
from kb.text.layout import heading_of, length
from kb.text.lexicon import INVISIBLE
from kb.text.segmentation import split_sentences
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
_DANGER = 0.8
"""Probability of an urgent matter from which a text that may not be meant is left out: "no hot
water" has .7, "my child swallowed the glaze" .8, a fire .98."""
_SURE_ALONE = 0.9
"""Probability from which a question is not tried in the context of those before it."""
_SOURCE_QUOTE_CHARS = 900
"""As long as the longest reply: a link in it is shown if the cited words have it."""
_LABEL_CHARS = 120
_ASKING_EMOJI = str.maketrans("❓❔", "??", "\ufe0f")
"""Question marks that are emoji, with or without the mark that they are to be drawn as such."""
_YES_NO = re.compile(
    r"\W*(?:(?:yes|no|ja|nein|s[ií]|да|нет)(?=\s?[,.!:;–—])|(?:是的?|对|不是?|没有|有|可以|不可以|能|不能)(?=[，。！,]))",
    re.IGNORECASE,
)
"""How an answer begins that needs its question: "Yes" is none to what another one costs."""


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
    contact: str = ""
    """Where customers reach a person; said by channels that can call none."""


@dataclass(frozen=True, slots=True, eq=False)  # it holds vectors, which have no truth value
class Found:
    """A question, what was found for it, and how it is replied to."""

    question: str
    """As the customer wrote it; `retrieval` may have what it follows too."""
    retrieval: Retrieval
    decision: Decision

    @property
    def known(self) -> bool:
        """Whether there is a reply."""
        return bool(self.decision.hits)


@dataclass(frozen=True, slots=True)
class _Order:
    """A reply to be made."""

    found: Found
    language: str
    """ISO 639-1 of the customer."""
    on_event: OnEvent | None = None
    most: float = MOST
    """Words of the reply, where it is built."""
    told: str = ""
    """The reply before this one."""


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
        self._writer = writer
        self._policy = policy
        self._today = today
        self._moods = moods
        self._translations = translations
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
        language = detect_language(text, language_code)
        last = history[-1].answer if history else ""
        intent = classify_turn(text, last_answer=last)
        if intent == "person":
            asked = [text, *(turn.question for turn in history[-1:])]
            return replace(self._smalltalk(intent, language), urgency=await self._urgency(asked))
        if intent == "upset":
            return Answer(
                "smalltalk", self._text("angry", language), language, confidence=1, urgency="angry"
            )
        if intent != "question":
            return self._smalltalk(intent, language)
        mood = await self._mood(text)
        before = () if mood == "wrong" else history  # else what was refused is found once more
        answer = await self._part_by_part(split_questions(text, language), language, before)
        if answer is None:
            found = found or await self.evaluate(text, before)
            told = before[-1].answer if before and before[-1].question != text else ""
            answer = await self._reply(_Order(found, language, on_event, told=told))
        if refused := _refused(answer, mood, history):
            said = self._text("say_otherwise", language)
            answer = replace(self._unknown(language, 0), text=said, unanswered=refused.question)
        if mood == "urgent" and answer.hedged and await self._mood(text, _DANGER) == mood:
            answer = self._unknown(
                language, answer.confidence
            )  # what may be meant helps nobody now
        asks = text.endswith(("?", "？", "؟"))
        answer = self._in_mood(self._led_in(answer, text, language), mood, language, asks=asks)
        return self._held(answer, language) if answer.draft else answer

    async def answer_question(self, question: str) -> Answer:
        """Answer one question, without asking whether it is one; see `answer`."""
        language = detect_language(question)
        answer = await self._reply(_Order(await self.evaluate(question), language))
        return self._led_in(answer, question, language)

    async def evaluate(self, question: str, history: Sequence[Turn] = ()) -> Found:
        """Return what is found for a question, in context, and how it would be replied to."""
        question = self._read(question)
        retrieval = await self._best_retrieval(question, history)
        answer_at, hedge_at = self._policy.answer_at, self._policy.hedge_at

        def lacks(hit: Hit) -> bool:
            return lacks_figure(question, hit.chunk.answer or hit.chunk.text)

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

    async def _mood(self, text: str, at_least: float = 0.5) -> Mood:
        if symbols_say(text) == "angry":
            return "angry"
        try:
            return await self._moods.of(text, at_least=at_least) if self._moods else NEUTRAL
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
            likelier = found.answerable > best.answerable  # and so there is one
            if likelier and (leans or await self._may_say(found, question, history[-1].answer)):
                best = found
        if best is alone or continues(question):
            return best
        return best if await self._replier.tells(question, best.hits[0].chunk) else alone

    async def _may_say(self, found: Retrieval, question: str, told: str) -> bool:
        """Tell whether a text that is found in context is new, or says something of a question."""
        new = not _is_told(found, told)
        chunk = found.hits[0].chunk
        return new or await self._replier.tells(question, chunk, unread=False)

    # --- replying ------------------------------------------------------------------------------

    def _in_mood(self, answer: Answer, mood: Mood, language: str, *, asks: bool) -> Answer:
        """Return an answer as a customer in this mood is given it."""
        if mood == "angry" or mood == "urgent":
            lead = self._text(mood, language)
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
        answers = [await self._reply(_Order(one, language, most=most)) for one in best]
        rest = self._text("rest_unknown", language) if others else ""
        said = join(answers, rest, self._text("hedge", language))
        draft = next((answer.draft for answer in answers if answer.draft), None)
        return replace(said, unanswered=" ".join(others), draft=draft)

    async def _left_open(self, found: Found, earlier: Sequence[Found]) -> bool:
        """Tell whether the nearest to a part answers an earlier one and says nothing of this."""
        chunks = [one.decision.hits[0].chunk for one in earlier if one.known]
        near = next((chunk for chunk in chunks if chunk.chunk_id in _nearest(found)), None)
        return near is not None and not await self._replier.tells(found.question, near)

    async def _reply(self, order: _Order) -> Answer:
        """Return the reply, still without the sentence that it may not be what was asked for."""
        started = time.perf_counter()
        answer = await self._carry_out(order)
        generate = (time.perf_counter() - started) * 1000
        spent = order.found.retrieval.timings_ms
        timings = {**spent, "generate": generate, "total": sum(spent.values()) + generate}
        return replace(
            answer,
            release=order.found.retrieval.release,
            timings_ms={key: round(value, 1) for key, value in timings.items()},
        )

    async def _carry_out(self, order: _Order) -> Answer:
        decision = order.found.decision
        if not order.found.known:
            return self._unknown(order.language, decision.confidence)
        share = replace(order, most=order.most / len(decision.hits))
        answers = [await self._from(hit, share) for hit in decision.hits]
        lines = [set(answer.text.splitlines()) for answer in answers]
        if len(answers) > 1 and lines[1] <= lines[0]:
            del answers[1]  # two passages of one table
        both = join(answers, "") if len(answers) > 1 else answers[0]
        fits = len(answers) == 1 or length(both.text) <= order.most
        others = decision.others if fits else (*decision.hits[1:], *decision.others)
        said = both if fits else answers[0]
        best = decision.hits[0].chunk
        unsure = answers[0].confidence < self._policy.answer_at
        return replace(
            said,
            confidence=answers[0].confidence,
            hedged=decision.hedged or (unsure and not decision.held),
            choices=tuple(map(_choice, others)),
            draft=Draft("", best.doc_id, best.category) if decision.held else None,
        )

    def _held(self, answer: Answer, language: str) -> Answer:
        """Return what is told to a customer whose answer an operator is to send.

        Who can call a person says so in place of this text.
        """
        assert answer.draft is not None
        return replace(
            answer,
            kind="held",
            text=self._text("held_elsewhere", language),
            language=language,
            hedged=False,
            draft=replace(answer.draft, text=shown(answer)),
        )

    async def _from(self, hit: Hit, order: _Order) -> Answer:
        """Return the answer of one entry, or one built from a passage."""
        confidence, retrieval = order.found.decision.confidence, order.found.retrieval
        language = hit.chunk.language or order.language
        if hit.chunk.kind == "faq":
            text = hit.chunk.answer
            source = source_of(hit, quote=text)
            if told := await self._translated(hit.chunk, order):
                return Answer("faq", told, order.language, confidence=confidence, sources=(source,))
            if _YES_NO.match(text) and set(stems(retrieval.question)) != set(stems(hit.chunk.text)):
                text = f"{hit.chunk.text}\n{text}"
            return Answer("faq", text, language, confidence=confidence, sources=(source,))
        reply = await self._built(hit, order)
        sources = tuple(source_of(cited, quote=words) for cited, words in reply.cited)
        told = "\n".join(words for _, words in reply.cited)
        written = await self._write(hit.chunk, sources[0], order) if len(sources) == 1 else None
        text = written.text if written else ""
        sum_ = ""
        if not text and not order.found.decision.hedged:
            sum_ = follows(retrieval.question, told, language, today=self._today())
        quoted = reply.text if reply.built else self._under_condition(reply.text, order, language)
        return Answer(
            "composed" if text or reply.built or sum_ or quoted != reply.text else "quoted",
            text or "\n\n".join(filter(None, [quoted, sum_])),
            language,
            confidence=confidence * reply.complete,
            sources=sources,
            tokens=written.tokens if written else TokenUsage(),
        )

    async def _built(self, hit: Hit, order: _Order) -> Reply:
        """Return a reply built from a passage.

        Where that is what was told before and says nothing of the last question, it is built from
        what stands beside it in the documents and says the like.
        """
        retrieval, latest = order.found.retrieval, order.found.question
        build = partial(
            self._replier.reply,
            retrieval.question,
            retrieval.vector,
            latest=latest,
            others=retrieval.hits,
            most=order.most,
        )
        reply = await build(hit)
        if reply.text not in order.told or await self._replier.tells(latest, hit.chunk):
            return reply
        beside = beside_it(hit, retrieval.hits)
        return await build(beside) if beside else reply

    def _under_condition(self, text: str, order: _Order, language: str) -> str:
        """Return quoted words, with "It depends" before them where they answer so."""
        first = next(iter(split_sentences(text, language)), "")
        if order.found.decision.hedged or _YES_NO.match(text) or language not in TEXT_LANGUAGES:
            return text
        if not depends(order.found.question, first):
            return text
        return self._text("depends", language, text=text)

    async def _translated(self, entry: Chunk, order: _Order) -> str:
        """Return the approved answer of an entry in the customer's language, if there is one."""
        if self._translations is None or order.language == entry.language:
            return ""
        return await self._translations.translation(entry.chunk_id, order.language)

    def _led_in(self, answer: Answer, question: str, language: str) -> Answer:
        """Return an answer after what a customer has to know of it.

        That it may not be what was asked for; that it exists in another language only.
        """
        spoken = text_language(language, self._policy.fallback_language)
        foreign = bool(answer.sources) and answer.language != spoken
        told = foreign and not may_be(question, answer.language)
        name = Locale(spoken).languages.get(answer.language, "") if told else ""
        if not name and not answer.hedged:
            return answer
        key: TextKey = "hedge" if not name else "hedge_only_in" if answer.hedged else "only_in"
        lead = self._text(key, language, language_name=name)
        return replace(answer, text=f"{lead}\n\n{answer.text}", language=language)

    async def _write(self, chunk: Chunk, source: Source, order: _Order) -> Written | None:
        """Let a model write; ``None`` if it may not, or is down, late or overloaded."""
        foreign = chunk.language not in ("", order.language)
        if self._writer is None or foreign or order.found.decision.hedged:
            return None
        try:
            return await self._writer.write(
                order.found.retrieval.question,
                chunk,
                source,
                language=order.language,
                on_event=None if order.found.decision.held else order.on_event,
            )
        except ModelError:
            return None  # what was built still answers

    def _unknown(self, language: str, confidence: float) -> Answer:
        return Answer("unknown", self._text("unknown", language), language, confidence=confidence)

    def _smalltalk(self, intent: SmallIntent, language: str) -> Answer:
        contact = self._policy.contact if intent == "person" else ""
        key: TextKey = "person_contact" if contact else _SMALLTALK[intent]
        text = self._text(key, language, contact=contact)
        return Answer("smalltalk", text, language, confidence=1.0, intent=intent)

    def _text(self, key: TextKey, language: str, **values: str) -> str:
        values["company"] = self._policy.company
        return service_text(key, language, self._policy.fallback_language, **values)


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
    asked = set(stems(condition_of(question))) if _YES_NO.match(entry.answer) else set[str]()
    return bool(asked) and len(asked & set(stems(f"{entry.text}\n{entry.answer}"))) < len(asked) / 2


def _choice(hit: Hit) -> Choice:
    """Return a choice: an entry's question; of a passage its innermost heading and first words."""
    chunk = hit.chunk
    if chunk.kind == "faq":
        return Choice(chunk.chunk_id, _cut(chunk.text, _LABEL_CHARS))
    label = ": ".join(filter(None, [heading_of(chunk.title), " ".join(chunk.text.split())]))
    return Choice(chunk.chunk_id, _cut(label, _LABEL_CHARS))


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
