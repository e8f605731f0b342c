"""Put what was decided into words: an entry's answer, or a reply built from passages."""

import datetime
import time
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, replace
from functools import partial

from babel import Locale

from core.errors import ModelError
from core.shown import shown
from core.types import Answer, Choice, Chunk, Draft, Hit, OnEvent, Source, TokenUsage
from db.curation import Curations
from kb.answering.choose import MOST
from kb.answering.decision import Found, Policy
from kb.answering.parts import join
from kb.answering.pieces import beside_it
from kb.answering.reply import Replier, Reply
from kb.answering.scores import depends
from kb.answering.sums import follows
from kb.answering.texts import TextKey, service_text, text_language
from kb.answering.writer import Writer, Written
from kb.text.language import may_be
from kb.text.layout import heading_of, length
from kb.text.lexicon import lexicon, yes_or_no
from kb.text.segmentation import split_sentences
from kb.text.stems import stems

_SOURCE_QUOTE_CHARS = 900
"""As long as the longest reply: a link in it is shown if the cited words have it."""
_LABEL_CHARS = 120


@dataclass(frozen=True, slots=True)
class Order:
    """A reply to be made."""

    found: Found
    language: str
    """ISO 639-1 of the customer."""
    on_event: OnEvent | None = None
    most: float = MOST
    """Words of the reply, where it is built."""
    told: str = ""
    """The reply before this one."""


@dataclass(frozen=True)
class Composer:
    """Makes answers of decisions. For its parts see `Answerer`."""

    replier: Replier
    writer: Writer | None
    _: KW_ONLY
    policy: Policy
    today: Callable[[], datetime.date]
    translations: Curations | None

    async def compose(self, order: Order) -> Answer:
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

    async def _carry_out(self, order: Order) -> Answer:
        decision = order.found.decision
        if not order.found.known:
            return self.unknown(order.language, decision.confidence)
        share = replace(order, most=order.most / len(decision.hits))
        answers = [await self._from(hit, share) for hit in decision.hits]
        if len(answers) > 1 and _says_all(answers[0], answers[1]):
            del answers[1]
        both = join(answers, "") if len(answers) > 1 else answers[0]
        fits = len(answers) == 1 or length(both.text) <= order.most
        others = decision.others if fits else (*decision.hits[1:], *decision.others)
        said = both if fits else answers[0]
        best = decision.hits[0].chunk
        unsure = answers[0].confidence < self.policy.answer_at
        return replace(
            said,
            confidence=answers[0].confidence,
            hedged=decision.hedged or (unsure and not decision.held),
            choices=tuple(map(_choice, others)),
            draft=Draft("", best.doc_id, best.category) if decision.held else None,
        )

    async def _from(self, hit: Hit, order: Order) -> Answer:
        """Return the answer of one entry, or one built from a passage."""
        confidence, retrieval = order.found.decision.confidence, order.found.retrieval
        language = hit.chunk.language or order.language
        if hit.chunk.kind == "faq":
            text = hit.chunk.answer
            source = source_of(hit, quote=text)
            if told := await self._translated(hit.chunk, order):
                return Answer("faq", told, order.language, confidence=confidence, sources=(source,))
            if yes_or_no(text) and set(stems(retrieval.question)) != set(stems(hit.chunk.text)):
                text = f"{hit.chunk.text}\n{text}"
            return Answer("faq", text, language, confidence=confidence, sources=(source,))
        reply = await self._built(hit, order)
        sources = tuple(source_of(cited, quote=words) for cited, words in reply.cited)
        told = "\n".join(words for _, words in reply.cited)
        written = await self._write(hit.chunk, sources[0], order) if len(sources) == 1 else None
        text = written.text if written else ""
        sum_ = ""
        if not text and not order.found.decision.hedged:
            sum_ = follows(retrieval.question, told, language, today=self.today())
        quoted = reply.text if reply.built else self._under_condition(reply.text, order, language)
        return Answer(
            "composed" if text or reply.built or sum_ or quoted != reply.text else "quoted",
            text or "\n\n".join(filter(None, [quoted, sum_])),
            language,
            confidence=confidence * reply.complete,
            sources=sources,
            tokens=written.tokens if written else TokenUsage(),
        )

    async def _built(self, hit: Hit, order: Order) -> Reply:
        """Return a reply built from a passage.

        Where that is what was told before and says nothing of the last question, it is built from
        what stands beside it in the documents and says the like.
        """
        retrieval, latest = order.found.retrieval, order.found.question
        build = partial(
            self.replier.reply,
            retrieval.question,
            retrieval.vector,
            latest=latest,
            others=retrieval.hits,
            most=order.most,
        )
        reply = await build(hit)
        if reply.text not in order.told or await self.replier.tells(latest, hit.chunk):
            return reply
        beside = beside_it(hit, retrieval.hits)
        return await build(beside) if beside else reply

    def _under_condition(self, text: str, order: Order, language: str) -> str:
        """Return quoted words, with "It depends" before them where they answer so."""
        first = next(iter(split_sentences(text, language)), "")
        if order.found.decision.hedged or yes_or_no(text) or language not in lexicon().stopwords:
            return text
        if not depends(order.found.question, first):
            return text
        return self.text("depends", language, text=text)

    async def _translated(self, entry: Chunk, order: Order) -> str:
        """Return the approved answer of an entry in the customer's language, if there is one."""
        if self.translations is None or order.language == entry.language:
            return ""
        return await self.translations.translation(entry.chunk_id, order.language)

    def led_in(self, answer: Answer, question: str, language: str) -> Answer:
        """Return an answer after what a customer has to know of it.

        That it may not be what was asked for; that it exists in another language only.
        """
        spoken = text_language(language, self.policy.fallback_language)
        foreign = bool(answer.sources) and answer.language != spoken
        told = foreign and not may_be(question, answer.language)
        name = Locale(spoken).languages.get(answer.language, "") if told else ""
        if not name and not answer.hedged:
            return answer
        key: TextKey = "hedge" if not name else "hedge_only_in" if answer.hedged else "only_in"
        lead = self.text(key, language, language_name=name)
        return replace(answer, text=f"{lead}\n\n{answer.text}", language=language)

    def held(self, answer: Answer, language: str) -> Answer:
        """Return what is told to a customer whose answer an operator is to send.

        Who can call a person says so in place of this text.
        """
        assert answer.draft is not None
        return replace(
            answer,
            kind="held",
            text=self.text("held_elsewhere", language),
            language=language,
            hedged=False,
            draft=replace(answer.draft, text=shown(answer)),
        )

    async def _write(self, chunk: Chunk, source: Source, order: Order) -> Written | None:
        """Let a model write; ``None`` if it may not, or is down, late or overloaded."""
        foreign = chunk.language not in ("", order.language)
        if self.writer is None or foreign or order.found.decision.hedged:
            return None
        try:
            return await self.writer.write(
                order.found.retrieval.question,
                chunk,
                source,
                language=order.language,
                on_event=None if order.found.decision.held else order.on_event,
            )
        except ModelError:
            return None  # what was built still answers

    def unknown(self, language: str, confidence: float) -> Answer:
        """Return that nothing is known."""
        return Answer("unknown", self.text("unknown", language), language, confidence=confidence)

    def text(self, key: TextKey, language: str, **values: str) -> str:
        """Return a service text in the customer's language, with the company's name."""
        values["company"] = self.policy.company
        return service_text(key, language, self.policy.fallback_language, **values)


def _says_all(answer: Answer, other: Answer) -> bool:
    """Tell whether an answer has all of another one: of one table, or with the other's passage."""
    lines, others = set(answer.text.splitlines()), set(other.text.splitlines())
    sources = {source.chunk_id for source in answer.sources}
    return others <= lines or sources >= {source.chunk_id for source in other.sources}


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
