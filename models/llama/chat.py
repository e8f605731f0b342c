"""A prompt in a model's own chat template, cut where the stored part ends.

The template is rendered with marks in place of the three texts, so that what comes before the
question is the same for every question. Only the template's own words may hold control tokens:
a passage or a question that contains ``<|im_end|>`` is plain text to the model.
"""

from collections.abc import Callable
from dataclasses import dataclass

from llama_cpp.llama_chat_format import Jinja2ChatFormatter

from core.types import Prompt

_INSTRUCTIONS, _PASSAGE, _QUESTION = "@@instructions@@", "@@passage@@", "@@question@@"
_BETWEEN = "\n\n"

TILE = 4
"""Tokens that llama.cpp multiplies at a time; the last one to three of a call take another way.

The sums are then rounded differently. A passage of whole tiles gives the same state, bit for bit,
whether it is read alone or with the question after it (tests/models/llama/test_engine.py).
"""

Tokenize = Callable[[str, bool], list[int]]
"""Text and whether control tokens are recognised in it."""


@dataclass(frozen=True, slots=True)
class PromptTokens:
    """A prompt as it is read: in these three pieces, one after the other."""

    instructions: tuple[int, ...]
    passage: tuple[int, ...]
    """Whole tiles, see `TILE`."""
    question: tuple[int, ...]
    """With what the template puts after it, up to where the reply starts, and up to three tokens
    of the passage's end before it."""

    @property
    def stages(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The prefixes whose state may be kept, shorter first. No question is in them."""
        return self.instructions, self.instructions + self.passage

    def __len__(self) -> int:
        return len(self.instructions) + len(self.passage) + len(self.question)


class ChatLayout:
    """Turns prompts into tokens for one model."""

    def __init__(
        self, template: str, tokenize: Tokenize, *, bos: str, eos: str, add_bos: bool
    ) -> None:
        """`template` may be empty: the texts then simply follow each other."""
        self._tokenize = tokenize
        self._before, self._between, self._after = _render(template, bos=bos, eos=eos)
        if add_bos and bos and not self._before.startswith(bos):
            self._before = bos + self._before

    def tokens(self, prompt: Prompt) -> PromptTokens:
        """Return the tokens of a prompt."""
        passage = self._text(prompt.passage)
        if passage:
            passage += self._text(_BETWEEN)
        passage = self._words(self._between) + passage
        cut = len(passage) // TILE * TILE
        question = self._text(prompt.question) + self._words(self._after)
        return PromptTokens(
            instructions=(*self._words(self._before), *self._text(prompt.instructions)),
            passage=tuple(passage[:cut]),
            question=(*passage[cut:], *question),
        )

    def _text(self, text: str) -> list[int]:
        return self._tokenize(text, False)

    def _words(self, text: str) -> list[int]:
        return self._tokenize(text, True)


def _render(template: str, *, bos: str, eos: str) -> tuple[str, str, str]:
    """Return the template's words before the instructions, before the passage, after the question.

    A template that takes no system message gets the instructions at the start of the customer's.
    """
    if not template:
        return "", _BETWEEN, _BETWEEN
    formatter = Jinja2ChatFormatter(template, eos_token=eos, bos_token=bos)
    user = _PASSAGE + _QUESTION
    system = {"role": "system", "content": _INSTRUCTIONS}
    parts: list[str] = []
    for messages in (
        [system, {"role": "user", "content": user}],
        [{"role": "user", "content": _INSTRUCTIONS + _BETWEEN + user}],
    ):
        try:
            text = formatter(messages=messages).prompt  # type: ignore[arg-type]
        except (ValueError, TypeError):  # the template's own way of refusing a role
            continue
        before, found, rest = text.partition(_INSTRUCTIONS)
        if found and _PASSAGE in rest and _QUESTION in rest:
            between, _, rest = rest.partition(_PASSAGE)
            parts = [before, between, rest.partition(_QUESTION)[2]]
            break
    if not parts:
        raise ValueError("the model's chat template leaves out a part of the prompt")
    return parts[0], parts[1], parts[2]
