"""Read passages ahead of the questions about them, so that the first customer does not wait.

Reading a passage of 300 tokens takes the generator seconds; restoring the stored state of one that
it has read takes milliseconds. In idle time the passages most likely to be asked for are read.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias

from core.errors import ModelUnavailable, Overloaded, PromptTooLong
from core.types import Chunk, TokenUsage
from kb.prompt import build_prompt, passage_of

logger = logging.getLogger(__name__)

Wanted: TypeAlias = tuple[str, str]
"""A chunk's id and the language of the reply."""


class ReadsAhead(Protocol):
    """A generator that keeps the state of what it has read (`models.generator`)."""

    async def prepare(self, instructions: str, passage: str) -> TokenUsage:
        """Read instructions and passage, unless their state is kept already."""
        ...


class ReadableView(Protocol):
    """One release of the index (`kb.index_view.View`)."""

    release: int

    async def chunk(self, chunk_id: str) -> Chunk | None:
        """Return a chunk, ``None`` if the release does not have it."""
        ...


class ReadableIndex(Protocol):
    """The index of a knowledge base (`kb.index.Index`)."""

    async def view(self) -> ReadableView:
        """Return the live release."""
        ...


class WarmUp:
    """Prepares passages for the generator, the most wanted first.

    Args:
        index: where the passages are.
        generator: reads them; a customer's question goes before.
        cited: returns what replies were written from lately, the most often first.
        expected: questions that customers are expected to ask; asked of `find` once a release.
        find: returns the passage that answers a question and the language of the reply.
        most: passages to keep ready.
        idle: returns once customers have left the machine alone for a while.
    """

    def __init__(
        self,
        index: ReadableIndex,
        generator: ReadsAhead,
        *,
        cited: Callable[[int], Awaitable[Sequence[Wanted]]],
        expected: Sequence[str],
        find: Callable[[str], Awaitable[Wanted | None]],
        most: int,
        idle: Callable[[], Awaitable[None]],
    ) -> None:
        self._index = index
        self._generator = generator
        self._cited = cited
        self._questions = expected
        self._find = find
        self._most = most
        self._idle = idle
        self._expected: tuple[int, list[Wanted]] = (0, [])
        self._done: tuple[int, set[Wanted]] = (0, set())

    async def run(self) -> int:
        """Prepare what is wanted and not prepared yet; return how many passages were read.

        Ends early, to go on at the next call, when customers keep the generator busy or it is
        down.
        """
        view = await self._index.view()
        if not view.release:
            return 0
        if self._expected[0] != view.release:
            asked = [await self._find(question) for question in self._questions]
            self._expected = (view.release, [wanted for wanted in asked if wanted is not None])
        if self._done[0] != view.release:
            self._done = (view.release, set())
        done = self._done[1]
        wanted = dict.fromkeys([*await self._cited(self._most), *self._expected[1]])
        count = 0
        for chunk_id, language in list(wanted)[: self._most]:
            if (chunk_id, language) in done:
                continue
            chunk = await view.chunk(chunk_id)
            if chunk is not None:
                prompt = build_prompt("", [passage_of(chunk)], language)
                await self._idle()
                try:
                    usage = await self._generator.prepare(prompt.instructions, prompt.passage)
                except PromptTooLong:
                    pass  # it is shortened for each question anew, so no state would fit
                except (ModelUnavailable, Overloaded) as error:
                    logger.info("Reading ahead goes on later: %s", error)
                    return count
                else:
                    count += usage.cached < usage.prompt
            done.add((chunk_id, language))
        return count
