"""Targets 19 and 20: customers go away while a long prompt is read or a long reply is written.

python -m tests.soak.cancels --cancels 200 [--folder F --piece 50]

The model is a real one, in its process. Every fifth prompt has four times the tokens of the
context, or a megabyte: it is refused, and the model goes on.
"""

import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from core.config import ModelsConfig, data_folder
from core.errors import PromptTooLong
from core.types import Prompt
from models.factory import make_generator
from models.generator import WorkerGenerator
from tests.soak import pieces

_MODEL = "smollm2-135m-instruct"
_FREED_S = 2.0
_REPLACED_S = 20.0
_WORDS = "A long passage about parcels. "


@dataclass(slots=True)
class Cancelled(pieces.Found):
    """What became of the model."""

    freed: int = 0
    slowest_s: float = 0.0
    """From the cancelling until the model was free."""
    late: int = 0
    """How often that took longer than it may."""
    refused: int = 0
    """Prompts that are longer than the context."""
    accepted: int = 0
    """Such prompts that were not refused."""
    restarts: int = 0

    @property
    def broken(self) -> bool:
        """Tell whether a promise was broken."""
        return bool(self.late or self.accepted)


async def _cancel(model: WorkerGenerator, after: float) -> float:
    """Give up a reply after so many seconds; return how long the model then stayed busy."""
    prompt = Prompt("Answer.", _WORDS * 200, f"What is it about, {after}?")

    async def read() -> None:
        async with aclosing(model.stream(prompt, max_tokens=500, deadline_s=300)) as stream:
            async for _ in stream:
                pass

    task = asyncio.create_task(read())
    await asyncio.wait([task], timeout=after)
    started = time.monotonic()
    task.cancel()
    await asyncio.wait([task])
    async with aclosing(model.stream(Prompt("", "", "hi"), max_tokens=1, deadline_s=300)) as next_:
        await anext(next_)
    return time.monotonic() - started


async def run(_: Path, numbers: range, seed: int, found: Cancelled) -> AsyncIterator[None]:
    """Cancel at random moments."""
    model = make_generator(ModelsConfig(generator=_MODEL), data_folder())
    assert isinstance(model, WorkerGenerator)
    await model.start(wait=True)
    before, known = found.restarts, model.state.restarts
    try:
        for number in numbers:
            if number % 5 == 4:
                words = model.context_tokens if number % 10 == 4 else 2**20 // len(_WORDS)
                try:
                    stream = model.stream(
                        Prompt("", _WORDS * words, "?"), max_tokens=9, deadline_s=300
                    )
                    async with aclosing(stream):
                        await anext(stream)
                    found.accepted += 1
                except PromptTooLong:
                    found.refused += 1
            else:
                restarts = model.state.restarts
                seconds = await _cancel(model, random.Random(f"{seed} {number}").uniform(0, 2))
                found.freed += 1
                found.slowest_s = round(max(found.slowest_s, seconds), 2)
                replaced = model.state.restarts > restarts
                found.late += seconds > (_REPLACED_S if replaced else _FREED_S)
            found.restarts = before + model.state.restarts - known
            yield
    finally:
        await model.close()


def main(arguments: list[str] | None = None) -> int:
    """Run, print one line of figures, return 1 if a promise was broken."""
    return pieces.main(
        run, Cancelled(), name="cancels", steps="cancels", total=200, arguments=arguments
    )


if __name__ == "__main__":
    sys.exit(main())
