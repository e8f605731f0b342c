"""The stored prefix: the first word with it and without it, for the same prompt."""

from core.config import Config
from core.errors import ModelError
from tests.bench.figure import Figure, Measured, Say, less, median, missing
from tests.bench.prompts import ask, make_prompts
from tests.bench.writers import LARGE, SMALL, Ours, ours, states

_TOKENS = 300
_PASSAGES = 3
_MODELS = {"prefix_ttft_0.5b": SMALL, "prefix_ttft_1.5b": LARGE}


async def first_words(config: Config, say: Say) -> Measured:
    """Time the first word of 300-token prompts, new ones and the same ones again."""
    figures: list[Figure] = []
    for name, model in _MODELS.items():
        say(f"{name}: {_PASSAGES} prompts of {_TOKENS} tokens, each new and then again")
        try:
            with states() as folder:
                async with ours(config, model, folder) as writer:
                    stored, read = await _both(writer, _TOKENS, _PASSAGES)
        except ModelError as error:
            figures.append(missing(name, "s", str(error)))
        else:
            figures.append(less(name, stored, "s", read, "the same prompt without the store"))
    return figures


async def _both(writer: Ours, tokens: int, passages: int) -> tuple[float, float]:
    """Return the median first word with a stored state, and without.

    Each prompt has instructions of its own, so that the first time nothing of it is stored.
    """
    prompts = await make_prompts(writer.generator.count_tokens, number=passages + 1, tokens=tokens)
    await writer.ask(prompts.pop(), max_tokens=2)
    stored, read = [], []
    for number, prompt in enumerate(prompts):
        fresh = ask(
            prompt, "How long does it take?", instructions=f"{number}. {prompt.instructions}"
        )
        read.append((await writer.ask(fresh, max_tokens=2)).first_s)
        stored += [(await writer.ask(fresh, max_tokens=2)).first_s for _ in range(3)]
    return median(stored), median(read)
