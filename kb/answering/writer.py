"""Let a generator write the reply from a passage, and show what the passage supports.

A sentence with anything that no single sentence of the passage has, be it a figure, a link, a name
or a word, is dropped (`kb.answering.checker`). If nothing is left, the built reply is sent.
"""

import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import KW_ONLY, dataclass

from core.protocols import Generator
from core.shown import clean
from core.types import Chunk, OnEvent, Piece, Sentence, Source, TokenUsage, Waiting
from kb.answering.checker import unsupported
from kb.answering.plain import plain
from kb.answering.prompts import fit_prompt, is_no_answer, may_become_no_answer, passage_of
from kb.text.language import detect_language
from kb.text.layout import length
from kb.text.segmentation import split_sentences

_STOP = ("\n\n",)
_MOST_WORDS = 60
_FEW_WORDS = 4
"""The language of shorter sentences cannot be told."""


@dataclass(frozen=True, slots=True)
class Written:
    """What is left of a reply."""

    text: str
    """The supported sentences; empty if there are none."""
    tokens: TokenUsage


@dataclass(eq=False)
class Writer:
    """Writes replies with a generator, one passage at a time."""

    generator: Generator
    _: KW_ONLY
    max_tokens: int
    """Of a reply."""
    timeout_s: float
    """After which it is given up."""
    _seconds: float = 3.0
    """What a reply took lately."""

    async def write(
        self,
        question: str,
        chunk: Chunk,
        source: Source,
        *,
        language: str,
        on_event: OnEvent | None = None,
    ) -> Written:
        """Write a reply to a question.

        Args:
            question: as the customer asked it.
            chunk: the passage that answers.
            source: the passage as the customer sees it; it is there to read meanwhile.
            language: ISO 639-1 of question and passage.
            on_event: receives the passage at once, and each sentence that is supported.

        Raises:
            ModelUnavailable, Overloaded, PromptTooLong: as `core.protocols.Generator.stream`.
        """
        started = time.monotonic()
        passage = passage_of(chunk)
        prompt = await fit_prompt(
            self.generator, question, passage, language, max_tokens=self.max_tokens
        )
        stream = self.generator.stream(
            prompt, max_tokens=self.max_tokens, deadline_s=self.timeout_s, stop=_STOP
        )
        if on_event is not None:
            await on_event(Waiting(max(1.0, round(self._seconds, 1)), source))
        shown: list[str] = []
        usage = TokenUsage()
        async with aclosing(_sentences(stream, language)) as sentences:
            async for sentence in sentences:
                if isinstance(sentence, TokenUsage):
                    usage = sentence
                elif _may_be_shown(sentence, passage, language, shown):
                    shown.append(sentence)
                    if on_event is not None:
                        await on_event(Sentence(sentence))
        self._seconds += (time.monotonic() - started - self._seconds) / 5
        return Written(("" if language in ("zh", "ja") else " ").join(shown), usage)


def _may_be_shown(sentence: str, passage: str, language: str, shown: list[str]) -> bool:
    said = length(sentence)
    if sentence in shown or length(" ".join(shown)) + said > _MOST_WORDS:
        return False
    if said >= _FEW_WORDS and detect_language(sentence, language) != language:
        return False
    return not unsupported(sentence, passage)


async def _sentences(
    stream: AsyncIterator[Piece | TokenUsage], language: str
) -> AsyncGenerator[str | TokenUsage, None]:
    """Yield whole sentences as they are finished, and the tokens at the end.

    Nothing is yielded of a reply that says that there is no answer.
    """
    written, given = "", 0
    async for event in stream:
        if isinstance(event, TokenUsage):
            yield event
            continue
        written += event.text
        if is_no_answer(written):
            return
        if not may_become_no_answer(written):
            for sentence in split_sentences(written[given:], language)[:-1]:
                given = written.index(sentence, given) + len(sentence)
                yield clean(plain(sentence))
    for sentence in split_sentences(written[given:], language):
        yield clean(plain(sentence))
