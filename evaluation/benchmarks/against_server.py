"""Beside the server that comes with llama-cpp-python, with the same file and prompts."""

from core.config import Config
from evaluation.benchmarks.against_native import at_once, sum_rate
from evaluation.benchmarks.figure import Figure, Measured, Say, less, median, more
from evaluation.benchmarks.ours import SMALL, ours, states, weights
from evaluation.benchmarks.prompts import ask, make_prompts
from evaluation.benchmarks.writers import python_server

CUSTOMERS = (1, 2, 4, 8)
_TOKENS = 300
_NOTE = "llama-cpp-python's server"


async def against_server(config: Config, say: Say) -> Measured:
    """Let 1, 2, 4 and 8 customers ask at once about passages that both have read before."""
    figures: list[Figure] = []
    with states() as folder:
        async with (
            ours(config, SMALL, folder) as mine,
            python_server(weights(SMALL), threads=config.models.threads) as other,
        ):
            prompts = await make_prompts(
                mine.generator.count_tokens, number=max(CUSTOMERS), tokens=_TOKENS
            )
            say(f"{len(prompts)} passages are read")
            for writer in (mine, other):
                for prompt in prompts:
                    await writer.ask(prompt, max_tokens=2)
            for number in CUSTOMERS:
                say(f"{number} customers at once")
                asked = [ask(p, f"What matters most, part {number}?") for p in prompts[:number]]
                here, there = await at_once(mine, asked), await at_once(other, asked)
                first = [median([reply.first_s for reply in side]) for side in (here, there)]
                rate = sum_rate(here), sum_rate(there)
                figures += [
                    less(f"ttft_{number}_vs_server", first[0], "s", first[1], _NOTE),
                    more(f"sum_{number}_vs_server", rate[0], "tokens/s", rate[1], _NOTE),
                ]
    return Measured(tuple(figures))
