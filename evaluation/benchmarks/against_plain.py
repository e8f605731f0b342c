"""Beside `Llama.create_chat_completion` of llama-cpp-python, with the same file and prompts."""

import asyncio
from collections.abc import Sequence

from core.config import Config
from core.types import Prompt
from evaluation.benchmarks.figure import Measured, Say, less, median, more
from evaluation.benchmarks.ours import SMALL, ours, states, weights
from evaluation.benchmarks.prompts import make_prompts, talkative
from evaluation.benchmarks.writers import Ours, Plain, Writer, plain, sides

_TOKENS = 300
_SHORT = 130
_CUSTOMERS = 8
_WRITTEN = 48
_ANSWER = 24
_NOTE = "create_chat_completion"


async def against_plain(config: Config, say: Say) -> Measured:
    """Time prompts read for the first time, writing, and eight customers at once."""
    with states() as folder:
        async with (
            ours(config, SMALL, folder) as mine,
            plain(weights(SMALL), threads=config.models.threads) as other,
        ):
            count = mine.generator.count_tokens
            prompts = await make_prompts(count, number=4 + _CUSTOMERS, tokens=_TOKENS)
            short = await make_prompts(count, number=3, tokens=_SHORT)
            say("three prompts read for the first time")
            cold = await _cold(mine, other, prompts[:4])
            say("three long replies")
            rates = await writing_rates(mine, other, short)
            say(f"{_CUSTOMERS} customers at once")
            queue = [await _first_words(w, prompts[4:]) for w in (mine, other)]
    return Measured(
        (
            less("cold_ttft_vs_plain", cold[0], "s", cold[1], _NOTE),
            more("decode_1_vs_plain", rates[0], "tokens/s", rates[1], _NOTE),
            less("queue_8_ttft_vs_plain", queue[0], "s", queue[1], f"{_NOTE}, one after the other"),
        )
    )


async def writing_rates(
    mine: Writer, other: Writer, prompts: Sequence[Prompt]
) -> tuple[float, float]:
    """Return the tokens a second of both while they write one long reply."""
    rates: tuple[list[float], list[float]] = ([], [])
    for prompt in prompts:
        for writer, found in sides(mine, other, rates):
            found.append((await writer.ask(talkative(prompt), max_tokens=_WRITTEN)).rate)
    return median(rates[0]), median(rates[1])


async def _cold(mine: Ours, other: Plain, prompts: Sequence[Prompt]) -> tuple[float, float]:
    """Return the median first word of new passages under instructions that both have read."""
    times: tuple[list[float], list[float]] = ([], [])
    for number, prompt in enumerate(prompts):
        for writer, found in sides(mine, other, times):
            reply = await writer.ask(prompt, max_tokens=2)
            if number:
                found.append(reply.first_s)
    return median(times[0]), median(times[1])


async def _first_words(writer: Writer, prompts: Sequence[Prompt]) -> float:
    """Return the median first word of customers who all ask at once."""
    replies = await asyncio.gather(*(writer.ask(p, max_tokens=_ANSWER) for p in prompts))
    return median([reply.first_s for reply in replies])
