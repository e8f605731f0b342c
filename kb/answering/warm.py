"""Read passages ahead of the questions about them, so that the first customer does not wait.

Reading a passage of 300 tokens takes the generator seconds; restoring the stored state of one that
it has read takes milliseconds. In idle time the passages most likely to be asked for are read, and
the states of those that the live release no longer has are deleted.
"""

import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from typing import Protocol

from core.errors import ModelUnavailable, Overloaded, PromptTooLong
from core.types import Prompt, TokenUsage
from kb.answering.prompts import build_prompt, passage_of
from kb.index.index import Index
from kb.index.view import View

logger = logging.getLogger(__name__)


class ReadsAhead(Protocol):
    """A generator that keeps the state of what it has read (`models.generator`)."""

    async def prepare(self, prompt: Prompt) -> TokenUsage:
        """Read instructions and passage, unless their state is kept already."""
        ...

    async def kept_sources(self) -> set[str]:
        """Return the ids of the chunks that kept states were made of."""
        ...

    async def forget(self, sources: Collection[str]) -> int:
        """Delete the states that were made of one of these chunks."""
        ...


class WarmUp:
    """Prepares passages for the generator, the most wanted first.

    Args:
        index: where the passages are.
        generator: reads them; a customer's question goes before.
        cited: returns the passages that replies were built from lately, the most often first.
        expected: questions that customers are expected to ask; asked of `find` once a release.
        find: returns the passage that answers a question.
        most: passages to keep ready.
        idle: returns once customers have left the machine alone for a while.
    """

    def __init__(
        self,
        index: Index,
        generator: ReadsAhead,
        *,
        cited: Callable[[int], Awaitable[Sequence[str]]],
        expected: Sequence[str],
        find: Callable[[str], Awaitable[str | None]],
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
        self._expected: tuple[int, list[str]] = (0, [])
        self._done: tuple[int, set[str]] = (0, set())

    async def run(self) -> int:
        """Prepare what is wanted and not prepared yet; return how many passages were read.

        Ends early, to go on at the next call, when customers keep the generator busy or it is
        down.
        """
        view = await self._index.view()
        if not view.release:
            return 0
        try:
            await self._forget_gone(view)
            return await self._prepare(view)
        except (ModelUnavailable, Overloaded) as error:
            logger.info("Reading ahead goes on later: %s", error)
            return 0

    async def _forget_gone(self, view: View) -> None:
        """Delete the states of passages that the release does not have."""
        kept = await self._generator.kept_sources()
        gone = kept - await view.present(kept)
        if gone:
            count = await self._generator.forget(gone)
            logger.info("%d stored states were of passages that are gone", count)

    async def _prepare(self, view: View) -> int:
        if self._expected[0] != view.release:
            asked = [await self._find(question) for question in self._questions]
            self._expected = (view.release, [wanted for wanted in asked if wanted is not None])
        if self._done[0] != view.release:
            self._done = (view.release, set())
        done = self._done[1]
        wanted = dict.fromkeys([*await self._cited(self._most), *self._expected[1]])
        count = 0
        for chunk_id in list(wanted)[: self._most]:
            if chunk_id in done:
                continue
            chunk = await view.chunk(chunk_id)
            if chunk is not None:
                prompt = build_prompt("", [passage_of(chunk)], chunk.language)  # as `Writer` asks
                await self._idle()
                try:
                    usage = await self._generator.prepare(replace(prompt, sources=(chunk_id,)))
                except PromptTooLong:
                    pass  # no question about it fits either
                except (ModelUnavailable, Overloaded) as error:
                    logger.info("Reading ahead goes on later: %s", error)
                    return count
                else:
                    count += usage.cached < usage.prompt
            done.add(chunk_id)
        return count
