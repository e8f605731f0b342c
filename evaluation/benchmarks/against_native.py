"""Beside llama.cpp's own server, with the same file, the same prompts and its prompt cache on."""

import asyncio
from collections.abc import Sequence

from core.config import Config
from core.types import Prompt
from evaluation.benchmarks.against_plain import writing_rates
from evaluation.benchmarks.figure import Measured, Point, Say, less, median, missing, more
from evaluation.benchmarks.ours import SMALL, ours, states, weights
from evaluation.benchmarks.prompts import QUESTIONS, ask, make_prompts
from evaluation.benchmarks.writers import (
    BaselineMissing,
    Ours,
    Reply,
    Server,
    Writer,
    native,
    sides,
)

_TOKENS = 300
_SHORT = 130
_PASSAGES = 4
_ANSWER = 24
_ROUNDS = 3
_NOTE = "llama.cpp's server"
_UNITS = {
    "warm_ttft_vs_native": "s",
    "restart_ttft_vs_native": "s",
    "decode_1_vs_native": "tokens/s",
    "warm_4_vs_native": "tokens/s",
}
_CUSTOMERS = (1, 2, 4, 8)


async def against_native(config: Config, say: Say) -> Measured:
    """Time passages that both have seen, one long reply, four customers, and a restart."""
    path, threads = weights(SMALL), config.models.threads
    try:
        with states() as folder:
            async with ours(config, SMALL, folder) as mine, native(path, threads=threads) as other:
                count = mine.generator.count_tokens
                prompts = await make_prompts(count, number=_PASSAGES, tokens=_TOKENS)
                short = await make_prompts(count, number=3, tokens=_SHORT)
                say(f"{_PASSAGES} passages are read by both")
                await _see(mine, prompts)
                await _see(other, prompts)
                say("other questions about them")
                warm = await _warm(mine, other, prompts)
                say("three long replies")
                rates = await writing_rates(mine, other, short)
                say("four customers at once")
                four = await _together(mine, other, prompts)
            say("both are started again")
            async with ours(config, SMALL, folder) as mine, native(path, threads=threads) as other:
                again = await _again(mine, other, prompts)
    except BaselineMissing as error:
        return Measured(tuple(missing(name, unit, str(error)) for name, unit in _UNITS.items()))
    return Measured(
        (
            less("warm_ttft_vs_native", *_pair(warm, "s"), _NOTE),
            less("restart_ttft_vs_native", *_pair(again, "s"), f"{_NOTE}, which reads again"),
            more("decode_1_vs_native", *_pair(rates, "tokens/s"), _NOTE),
            more("warm_4_vs_native", *_pair(four, "tokens/s"), f"{_NOTE}, sum of four"),
        )
    )


async def customers(config: Config, say: Say) -> Measured:
    """Let 1, 2, 4 and 8 customers ask at once about passages seen before, and about new ones."""
    points: list[Point] = []
    threads = config.models.threads
    with states() as folder:
        async with (
            ours(config, SMALL, folder) as mine,
            native(weights(SMALL), threads=threads) as other,
        ):
            prompts = await make_prompts(
                mine.generator.count_tokens, number=sum(_CUSTOMERS), tokens=_TOKENS
            )
            for number in _CUSTOMERS:
                say(f"{number} customers at once")
                theirs, prompts = prompts[:number], prompts[number:]
                for name, writer in (("Answerdesk", mine), (_NOTE, other)):
                    for kind, asked in (
                        ("new", theirs),
                        ("seen", [ask(prompt, QUESTIONS[-1]) for prompt in theirs]),
                    ):
                        replies = await at_once(writer, asked)
                        points += _points(f"{name}, {kind} passages", number, replies)
    return Measured((), tuple(points))


def _points(series: str, number: int, replies: Sequence[Reply]) -> list[Point]:
    first = median([reply.first_s for reply in replies])
    return [
        Point("first word, s | customers at once", series, number, first),
        Point("tokens/s of all | customers at once", series, number, sum_rate(replies)),
    ]


async def _see(writer: Writer, prompts: Sequence[Prompt]) -> None:
    for prompt in prompts:
        await writer.ask(prompt, max_tokens=2)


async def _warm(mine: Ours, other: Server, prompts: Sequence[Prompt]) -> tuple[float, float]:
    """Return the median first word of other questions about passages that were read."""
    times: tuple[list[float], list[float]] = ([], [])
    for question in ("Which of them is the newest?", "What happens after that?"):
        for prompt in prompts:
            for writer, found in sides(mine, other, times):
                found.append((await writer.ask(ask(prompt, question), max_tokens=2)).first_s)
    return median(times[0]), median(times[1])


async def _again(mine: Ours, other: Server, prompts: Sequence[Prompt]) -> tuple[float, float]:
    """Return the median first word of the same passages after a restart."""
    times: tuple[list[float], list[float]] = ([], [])
    for prompt in prompts[:3]:
        for writer, found in sides(mine, other, times):
            found.append((await writer.ask(ask(prompt, "Is it so?"), max_tokens=2)).first_s)
    return median(times[0]), median(times[1])


async def _together(mine: Ours, other: Server, prompts: Sequence[Prompt]) -> tuple[float, float]:
    """Return the sum of tokens a second of four customers, each with a passage seen before."""
    rates: tuple[list[float], list[float]] = ([], [])
    for number in range(_ROUNDS):
        asked = [ask(prompt, f"What are the main points, part {number}?") for prompt in prompts]
        for writer, found in sides(mine, other, rates):
            found.append(sum_rate(await at_once(writer, asked)))
    return median(rates[0]), median(rates[1])


async def at_once(writer: Writer, prompts: Sequence[Prompt]) -> list[Reply]:
    """Ask everything at the same moment."""
    return await asyncio.gather(*(writer.ask(p, max_tokens=_ANSWER) for p in prompts))


def sum_rate(replies: Sequence[Reply]) -> float:
    """Return all tokens by the time until the last of them, reading included."""
    return sum(reply.tokens for reply in replies) / max(reply.last_s for reply in replies)


def _pair(values: tuple[float, float], unit: str) -> tuple[float, str, float]:
    return values[0], unit, values[1]
