"""Let the generator choose which sentences of a passage answer. It writes their numbers only."""

import re
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

from core.errors import ModelError
from core.protocols import Generator
from core.types import Chunk, Piece, Prompt
from kb.answering.prompts import clean
from kb.text.layout import Unit

_INSTRUCTIONS = (
    "You are given a numbered text and a customer's question. Reply with the number of the "
    "sentence that answers the question, or with several numbers if it takes several. If no "
    "sentence answers it, reply 0."
)
_MOST = 3
"""Numbers of one reply."""
_TOKENS = 3 * _MOST


class Chooser:
    """Asks a generator for the numbers of the sentences that answer.

    Whatever it writes, a customer sees words of the passage.
    """

    def __init__(self, generator: Generator, *, timeout_s: float) -> None:
        """Take a generator; a choice that takes longer than `timeout_s` is given up."""
        self._generator = generator
        self._timeout_s = timeout_s

    async def choose(self, question: str, chunk: Chunk, units: Sequence[Unit]) -> list[int] | None:
        """Return the units that answer, best first; empty if none does.

        ``None`` if the generator is down, late, overloaded or writes no number.
        """
        prompt = replace(choice_prompt(question, units), sources=(chunk.chunk_id,))
        written = ""
        try:
            stream = self._generator.stream(
                prompt, max_tokens=_TOKENS, deadline_s=self._timeout_s, stop=("\n",)
            )
            async with aclosing(stream):  # type: ignore[type-var]
                async for event in stream:
                    written += event.text if isinstance(event, Piece) else ""
        except ModelError:
            return None
        numbers = [int(number) for number in re.findall(r"\d+", written)]
        if not numbers:
            return None
        places = [n - 1 for n in dict.fromkeys(numbers) if 0 < n <= len(units)]
        return places if places or numbers[0] == 0 else None


def choice_prompt(question: str, units: Sequence[Unit]) -> Prompt:
    """Return the prompt that asks for the numbers of units."""
    numbered = "\n".join(f"[{n}] {' '.join(clean(u.text).split())}" for n, u in enumerate(units, 1))
    asked = " ".join(clean(question).split())
    return Prompt(
        instructions=_INSTRUCTIONS,
        passage=f"Text:\n{numbered}",
        question=f"Question: {asked}\nNumbers:",
        only="0123456789, ",
    )
