"""What the generator reads: instructions, passage, question, in the customer's language.

The order lets the state before the question be stored, so the passage is never shortened for a
question unless it does not fit.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from core.errors import PromptTooLong
from core.protocols import Generator
from core.types import Chunk, Prompt
from kb.answering.choose import quote
from kb.text.layout import heading_of
from kb.text.lexicon import fold, read_lists

_FILE = Path(__file__).parent / "data" / "prompts.yaml"

_TEMPLATE_TOKENS = 32
"""Room for the words of a model's chat template."""


@dataclass(frozen=True, slots=True)
class Wording:
    """The words around passage and question in one language."""

    instructions: str
    text: str
    question: str
    reply: str
    no_answer: str
    """What the model is to write when the passage does not answer."""


def build_prompt(question: str, passage: str, language: str) -> Prompt:
    """Return the prompt for a question with the passage that may answer it.

    Texts are cleaned: they cannot end their part or pass for a part of the prompt. `language` is
    ISO 639-1 of the reply.
    """
    said = wording(language)
    asked = " ".join(clean(question).split())
    return Prompt(
        instructions=said.instructions,
        passage=f"{said.text}\n{clean(passage)}",
        question=f"{said.question} {asked}\n{said.reply}",
    )


async def fit_prompt(
    generator: Generator, question: str, passage: str, language: str, *, max_tokens: int
) -> Prompt:
    """Return a prompt that fits the generator's context together with `max_tokens` of reply.

    What does not fit is left out in this order: sentences of the passage that do not answer, the
    end of the question.

    Raises:
        PromptTooLong: if not even that is enough.
    """
    room = generator.context_tokens - max_tokens - _TEMPLATE_TOKENS
    size = 0
    short = quote(question, passage)
    cut = [(question[:limit], short) for limit in (500, 200) if len(question) > limit]
    for asked, text in [(question, passage), (question, short), *cut]:
        prompt = build_prompt(asked, text, language)
        parts = (prompt.instructions, prompt.passage, prompt.question)
        size = sum(await generator.count_tokens(parts))
        if size <= room:
            return prompt
    raise PromptTooLong(size + max_tokens + _TEMPLATE_TOKENS, generator.context_tokens)


def passage_of(chunk: Chunk) -> str:
    """Return what the generator reads of a chunk: its innermost heading and its text."""
    text = f"{chunk.text}\n{chunk.answer}" if chunk.answer else chunk.text
    heading = heading_of(chunk.title)
    return text if heading in text[:200] else f"{heading}\n{text}"


def wording(language: str) -> Wording:
    """Return the words for a language; where there are none, English ones that name it."""
    texts, names = _texts()
    if language in texts:
        return texts[language]
    name = names.get(language, "the language of the question")
    other = texts["other"]
    return replace(
        other,
        instructions=other.instructions.format(language=name),
        reply=other.reply.format(language=name),
    )


def is_no_answer(reply: str) -> bool:
    """Tell whether a reply (or its beginning) is the agreed sign that there is no answer."""
    squeezed = _squeeze(reply)
    return any(squeezed.startswith(_squeeze(said.no_answer)) for said in _texts()[0].values())


def may_become_no_answer(beginning: str) -> bool:
    """Tell whether the beginning of a reply may still grow into that sign."""
    squeezed = _squeeze(beginning)
    return any(_squeeze(said.no_answer).startswith(squeezed) for said in _texts()[0].values())


def _squeeze(text: str) -> str:
    return re.sub(r"[\W_]", "", fold(text)).casefold()


@cache
def _texts() -> tuple[Mapping[str, Wording], Mapping[str, str]]:
    texts = dict(read_lists(_FILE))
    names: dict[str, str] = texts.pop("languages")
    return {language: Wording(**said) for language, said in texts.items()}, names


# --- untrusted text ----------------------------------------------------------------------------


@cache
def _labels() -> re.Pattern[str]:
    """Return a pattern of the prompt's own labels at the beginning of a line."""
    said = _texts()[0].values()
    labels = {label.rstrip(":：") for w in said for label in (w.text, w.question, w.reply)}
    labels |= {"system", "user", "assistant", "human"}
    listed = "|".join(re.escape(label) for label in sorted(labels, key=len, reverse=True))
    return re.compile(rf"^(\W*(?:{listed})\s*)[:：]", re.IGNORECASE | re.MULTILINE)


_CHAT_MARK = re.compile(r"<[|｜]|[|｜]>|\[/?INST\]|<</?SYS>>|</?s>", re.IGNORECASE)


def clean(text: str) -> str:
    """Return the text without control and invisible characters, and without a prompt's marks.

    Line ends stay; blank lines, which separate the prompt's parts, do not.
    """
    kept = "".join(c for c in text if c in "\n\t" or unicodedata.category(c)[0] != "C")
    kept = _CHAT_MARK.sub(" ", kept)
    kept = _labels().sub(r"\1 -", kept)
    return re.sub(r"\s*\n\s*", "\n", kept).strip()
