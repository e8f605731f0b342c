"""Beside llama.cpp's own server, its prompt cache on, with the same file and the same prompts."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from core.config import Config
from core.types import Prompt
from tests.bench.figure import Measured, Say, less, median, more
from tests.bench.prompts import ask, make_prompts, talkative
from tests.bench.writers import (
    SMALL,
    Reply,
    Writer,
    native,
    ours,
    states,
    weights,
)

T = TypeVar("T")

_TOKENS = 300
_SHORT = 130
"""Tokens of prompts that are answered at length."""
_PASSAGES = 4
_WRITTEN = 48
_ANSWER = 24
_ROUNDS = 3
_NATIVE = "llama.cpp's server"


async def against_native(config: Config, say: Say) -> Measured:
    """Time passages that both have seen, one long reply, four customers, and a restart."""
    path, threads = weights(SMALL), config.models.threads
    with states() as folder:
        async with ours(config, SMALL, folder) as mine, native(path, threads=threads) as other:
            count = mine.generator.count_tokens
            prompts = await make_prompts(count, number=_PASSAGES, tokens=_TOKENS)
            short = await make_prompts(count, number=_ROUNDS, tokens=_SHORT)
            say(f"{_PASSAGES} passages are read by both")
            await _read(mine, other, prompts)
            say("other questions about them")
            questions = ("Which of them is the newest?", "What happens after that?")
            others = [ask(prompt, text) for text in questions for prompt in prompts]
            warm = await _medians(mine, other, others, _first_word)
            say("three long replies")
            rates = await _medians(mine, other, short, _rate)
            say("four customers at once")
            rounds = [
                [ask(prompt, f"What are the main points, part {number}?") for prompt in prompts]
                for number in range(_ROUNDS)
            ]
            four = await _medians(mine, other, rounds, _rate_of_all)
        say("both are started again")
        async with ours(config, SMALL, folder) as mine, native(path, threads=threads) as other:
            asked = [ask(prompt, "Is it so?") for prompt in prompts[:3]]
            again = await _medians(mine, other, asked, _first_word)
    return [
        less("warm_ttft_vs_native", warm[0], "s", warm[1], _NATIVE),
        less("restart_ttft_vs_native", again[0], "s", again[1], f"{_NATIVE}, which reads again"),
        more("decode_1_vs_native", rates[0], "tokens/s", rates[1], _NATIVE),
        more("warm_4_vs_native", four[0], "tokens/s", four[1], f"{_NATIVE}, sum of four"),
    ]


# --- asking ------------------------------------------------------------------------------------


async def _medians(
    mine: Writer, other: Writer, items: Sequence[T], figure: Callable[[Writer, T], Awaitable[float]]
) -> tuple[float, float]:
    """Return the medians of a figure of both, which take turns."""
    found: tuple[list[float], list[float]] = ([], [])
    for item in items:
        found[0].append(await figure(mine, item))
        found[1].append(await figure(other, item))
    return median(found[0]), median(found[1])


async def _first_word(writer: Writer, prompt: Prompt) -> float:
    """Return the seconds until the first word."""
    return (await writer.ask(prompt, max_tokens=2)).first_s


async def _rate(writer: Writer, prompt: Prompt) -> float:
    """Return the tokens a second of one long reply."""
    return (await writer.ask(talkative(prompt), max_tokens=_WRITTEN)).rate


async def _rate_of_all(writer: Writer, prompts: Sequence[Prompt]) -> float:
    return _sum_rate(await _at_once(writer, prompts))


async def _read(mine: Writer, other: Writer, prompts: Sequence[Prompt]) -> None:
    for writer in (mine, other):
        for prompt in prompts:
            await writer.ask(prompt, max_tokens=2)


async def _at_once(writer: Writer, prompts: Sequence[Prompt]) -> list[Reply]:
    return await asyncio.gather(*(writer.ask(p, max_tokens=_ANSWER) for p in prompts))


def _sum_rate(replies: Sequence[Reply]) -> float:
    """Return all tokens by the time until the last of them, reading included."""
    return sum(reply.tokens for reply in replies) / max(reply.last_s for reply in replies)
