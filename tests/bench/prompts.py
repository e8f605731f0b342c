"""Prompts of a chosen length, made of this project's own documents."""

from collections.abc import Awaitable, Callable, Iterator, Sequence

from app.paths import PROJECT
from core.types import Prompt
from kb.answering.prompts import build_prompt

TEMPLATE_TOKENS = 12
"""What a chat template adds, about."""
QUESTIONS = (
    "How long does it take?",
    "What does it cost?",
    "Who decides about it?",
    "Where is it written?",
)
DETAILED = "Explain all of this in detail, step by step, in at least ten sentences."


async def make_prompts(
    count: Callable[[Sequence[str]], Awaitable[list[int]]], *, number: int, tokens: int
) -> list[Prompt]:
    """Return prompts of about `tokens` tokens on different passages, with a short question each."""
    prompts: list[Prompt] = []
    for words in _windows(size=tokens):
        question = QUESTIONS[len(prompts) % len(QUESTIONS)]
        size = len(words)
        for _ in range(6):  # a passage of English words has about 1.5 tokens a word
            prompt = build_prompt(question, " ".join(words[:size]), "en")
            parts = (prompt.instructions, prompt.passage, prompt.question)
            found = sum(await count(parts)) + TEMPLATE_TOKENS
            if abs(found - tokens) <= 3:
                break
            size = max(1, min(len(words), size - round((found - tokens) / 1.6)))
        prompts.append(prompt)
        if len(prompts) == number:
            break
    return prompts


def ask(prompt: Prompt, question: str, *, instructions: str = "") -> Prompt:
    """Return the prompt with another question, or other instructions, on the same passage."""
    said = build_prompt(question, "", "en")
    return Prompt(instructions or prompt.instructions, prompt.passage, said.question)


def talkative(prompt: Prompt) -> Prompt:
    """Return a prompt that is answered at length."""
    return Prompt("You explain texts thoroughly.", prompt.passage, DETAILED)


def _windows(*, size: int) -> Iterator[list[str]]:
    """Yield runs of `size` words of the documents, none overlapping another."""
    number = 0
    while True:  # once more from the start, with another first word, if more is asked for
        for path in sorted((PROJECT / "docs").glob("*.md")):
            words = path.read_text("utf-8").split()
            for start in range(0, len(words) - size, size):
                number += 1
                yield [f"Part {number}.", *words[start : start + size]]


def passages(*, number: int, words: int) -> list[str]:
    """Return `number` passages of `words` words each."""
    found = _windows(size=words)
    return [" ".join(next(found)) for _ in range(number)]
