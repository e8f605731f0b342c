"""Targets 32 and 33: 200 customers with a mark each; nobody reads the mark of another.

python -m tests.soak.leaks --rounds 50 [--folder F --piece 10]

In each round every customer asks the same in nearly the same words, all at once, through one desk
that is made anew, and a model writes back whatever it was ever asked.
"""

import asyncio
import logging
import os
import re
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from core.metrics import Metrics
from core.types import Answer, AnswerEvent, GenerationEvent, Piece, Prompt, TokenUsage
from kb.answering.desk import Desk
from kb.answering.prompts import wording
from kb.answering.writer import Writer
from tests.fakes import WordEmbedder
from tests.kb.workshop import POLICY, Workshop, answerer_of, workshop
from tests.soak import pieces

CUSTOMERS = 200
_SECRETS = {"TELEGRAM_BOT_TOKEN": "110:secret-of-telegram", "CONSOLE_PASSWORD": "secret-of-console"}
_QUESTIONS = ("Can I return unused articles? My order is {}.", "And within 30 days, for {}?")


@dataclass(slots=True)
class Leaks(pieces.Found):
    """What of one customer was found elsewhere."""

    answers: int = 0
    prompts: int = 0
    leaked: list[str] = field(default_factory=list)

    @property
    def broken(self) -> bool:
        """Tell whether a promise was broken."""
        return bool(self.leaked)


class _Gossip:
    """A model that keeps every prompt and writes the last ones back."""

    name = "gossip"
    context_tokens = 4096

    def __init__(self) -> None:
        self.prompts: list[Prompt] = []

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text) // 4 for text in texts]

    async def stream(
        self, prompt: Prompt, *, max_tokens: int, deadline_s: float, stop: Sequence[str] = ()
    ) -> AsyncIterator[GenerationEvent]:
        self.prompts.append(prompt)
        await asyncio.sleep(0)  # let others ask
        yield Piece(" ".join(f"{one.question} {one.passage}" for one in self.prompts[-3:]))
        yield TokenUsage()


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += self.format(record)


def _mark(customer: int) -> str:
    return f"canary{customer:03}x"


def _found(text: str, *, but: str = "") -> list[str]:
    """Return the marks and secrets in a text that are not its owner's."""
    marks = set(re.findall(r"canary\d{3}x", text)) - {but}
    return sorted(marks) + [secret for secret in _SECRETS.values() if secret in text]


async def one_round(shop: Workshop, number: int, found: Leaks) -> None:
    """Let everybody ask at once, then look."""
    model = _Gossip()
    writer = Writer(model, max_tokens=96, timeout_s=30)
    policy = replace(POLICY, answer_at=0.02, hedge_at=0.01)
    answerer = answerer_of(shop, writer, policy=policy)
    desk = Desk(answerer, shop.conversations, Metrics())

    async def ask(customer: int) -> None:
        mark, seen = _mark(customer), []

        async def on_event(event: AnswerEvent) -> None:
            seen.append(repr(event))

        text = _QUESTIONS[number % 2].format(mark)
        answer: Answer = await desk.ask(
            text, chat=f"web:{customer}", channel="web", on_event=on_event
        )
        turns = await shop.conversations.turns(f"web:{customer}", limit=9)
        for place in ("".join(seen), repr(answer), repr(turns)):
            found.leaked += [f"{m} was shown to {mark}" for m in _found(place, but=mark)]

    await asyncio.gather(*map(ask, range(CUSTOMERS)))
    found.answers += CUSTOMERS
    found.prompts += len(model.prompts)
    for prompt in model.prompts:
        marks = _found(f"{prompt.instructions}\n{prompt.passage}") + _found(prompt.question)[1:]
        found.leaked += [f"{mark} is in another's prompt" for mark in marks]
        if prompt.instructions != wording("en").instructions:
            found.leaked.append(f"instructions: {prompt.instructions}")


async def run(folder: Path, numbers: range, _: int, found: Leaks) -> AsyncIterator[None]:
    """Run some rounds on a knowledge base in `folder`."""
    log = _Lines()
    logging.getLogger().addHandler(log)
    environment = {name: os.environ.get(name) for name in _SECRETS}
    os.environ |= _SECRETS
    try:
        async with workshop(folder / "data", WordEmbedder()) as shop:
            await shop.put(page="Unused articles can be returned within 30 days of delivery.")
            for number in numbers:
                await one_round(shop, number, found)
                files = [path for path in shop.folder.rglob("*") if path.is_file()]
                others = [path for path in files if not path.name.startswith("answerdesk.db")]
                in_files = [path for path in others if b"canary" in path.read_bytes()]
                found.leaked += [f"a mark is in {path.name}" for path in in_files]
                found.leaked += [f"{mark} is in the log" for mark in _found(log.text)]
                yield
    finally:
        logging.getLogger().removeHandler(log)
        for name, value in environment.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def main(arguments: list[str] | None = None) -> int:
    """Run, print one line of figures, return 1 if a promise was broken."""
    return pieces.main(run, Leaks(), name="leaks", steps="rounds", total=50, arguments=arguments)


if __name__ == "__main__":
    sys.exit(main())
