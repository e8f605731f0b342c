"""Beside other ways to run the same file with the same prompts.

These are `Llama.create_chat_completion` of llama-cpp-python, the server that comes with that, and
llama.cpp's own server with its prompt cache on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from core.config import Config
from core.types import Prompt
from evaluation.benchmarks.figure import Figure, Measured, Point, Say, less, median, more
from evaluation.benchmarks.prompts import QUESTIONS, ask, make_prompts, talkative
from evaluation.benchmarks.writers import (
    SMALL,
    Reply,
    Writer,
    native,
    ours,
    plain,
    python_server,
    states,
    weights,
)

T = TypeVar("T")

CUSTOMERS = (1, 2, 4, 8)
"""Who ask at once."""
_TOKENS = 300
_SHORT = 130
"""Tokens of prompts that are answered at length."""
_PASSAGES = 4
_WRITTEN = 48
_ANSWER = 24
_ROUNDS = 3
_PLAIN = "create_chat_completion"
_SERVER = "llama-cpp-python's server"
_NATIVE = "llama.cpp's server"


async def against_plain(config: Config, say: Say) -> Measured:
    """Time prompts read for the first time, writing, and eight customers at once."""
    most = max(CUSTOMERS)
    with states() as folder:
        async with (
            ours(config, SMALL, folder) as mine,
            plain(weights(SMALL), threads=config.models.threads) as other,
        ):
            count = mine.generator.count_tokens
            first, *prompts = await make_prompts(count, number=_PASSAGES + most, tokens=_TOKENS)
            short = await make_prompts(count, number=_ROUNDS, tokens=_SHORT)
            say("three prompts read for the first time")
            await _read(mine, other, [first])  # both have then read the instructions
            cold = await _medians(mine, other, prompts[:3], _first_word)
            say("three long replies")
            rates = await _medians(mine, other, short, _rate)
            say(f"{most} customers at once")
            queue = [_first_of(await _at_once(w, prompts[-most:])) for w in (mine, other)]
    return [
        less("cold_ttft_vs_plain", cold[0], "s", cold[1], _PLAIN),
        more("decode_1_vs_plain", rates[0], "tokens/s", rates[1], _PLAIN),
        less("queue_8_ttft_vs_plain", queue[0], "s", queue[1], f"{_PLAIN}, one after the other"),
    ]


async def against_server(config: Config, say: Say) -> Measured:
    """Let 1, 2, 4 and 8 customers ask at once about passages that both have read before."""
    figures: list[Figure] = []
    with states() as folder:
        async with (
            ours(config, SMALL, folder) as mine,
            python_server(weights(SMALL), threads=config.models.threads) as other,
        ):
            count = mine.generator.count_tokens
            prompts = await make_prompts(count, number=max(CUSTOMERS), tokens=_TOKENS)
            say(f"{len(prompts)} passages are read")
            await _read(mine, other, prompts)
            for number in CUSTOMERS:
                say(f"{number} customers at once")
                asked = [ask(p, f"What matters most, part {number}?") for p in prompts[:number]]
                here, there = await _at_once(mine, asked), await _at_once(other, asked)
                first, rate = f"ttft_{number}_vs_server", f"sum_{number}_vs_server"
                figures += [
                    less(first, _first_of(here), "s", _first_of(there), _SERVER),
                    more(rate, _sum_rate(here), "tokens/s", _sum_rate(there), _SERVER),
                ]
    return figures


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


async def customers(config: Config, say: Say) -> Measured:
    """Let 1, 2, 4 and 8 customers ask at once about passages seen before, and about new ones."""
    points: list[Point] = []
    with states() as folder:
        async with (
            ours(config, SMALL, folder) as mine,
            native(weights(SMALL), threads=config.models.threads) as other,
        ):
            count = mine.generator.count_tokens
            prompts = await make_prompts(count, number=sum(CUSTOMERS), tokens=_TOKENS)
            for number in CUSTOMERS:
                say(f"{number} customers at once")
                theirs, prompts = prompts[:number], prompts[number:]
                seen = [ask(prompt, QUESTIONS[-1]) for prompt in theirs]
                for name, writer in (("Answerdesk", mine), (_NATIVE, other)):
                    for kind, asked in (("new", theirs), ("seen", seen)):
                        replies = await _at_once(writer, asked)
                        for curve, value in (
                            ("first word, s | customers at once", _first_of(replies)),
                            ("tokens/s of all | customers at once", _sum_rate(replies)),
                        ):
                            points.append(Point(curve, f"{name}, {kind} passages", number, value))
    return points


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


def _first_of(replies: Sequence[Reply]) -> float:
    """Return the median first word."""
    return median([reply.first_s for reply in replies])


def _sum_rate(replies: Sequence[Reply]) -> float:
    """Return all tokens by the time until the last of them, reading included."""
    return sum(reply.tokens for reply in replies) / max(reply.last_s for reply in replies)
