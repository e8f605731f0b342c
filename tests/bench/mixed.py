"""An hour of customers in fast time: a few questions are asked often, most of them seldom.

The questions are those of the demo shop's evaluation, answerable from its FAQ, from its documents
or not at all, none of them known to the knowledge base. How often each is asked falls as customers'
questions do (Zipf 1.0: the second half as often as the first, the third a third).
"""

import asyncio
import json
import random
import time
from collections import Counter

import psutil

from app.paths import PROJECT
from core.config import Config
from tests.bench.figure import Figure, Measured, Say, less, median, percentile
from tests.bench.figure import more as better_if_more
from tests.bench.ingesting import demo_service

_ASKED = 400
_MOST_S = 120.0
"""Asking ends after this long; the figures are then those of the questions that were asked."""
_SEED = 6
_WITHOUT_BOUND = 0.7
_P50_BOUND_S = 0.2
_P95_BOUND_S = 6.0
_BOUND = "our bound"


def customers_questions(number: int) -> list[str]:
    """Return `number` questions as customers ask them; the same each time."""
    folder = PROJECT / "demo" / "eval"
    known = [
        str(line.get("query") or line["question"])
        for name in ("queries.jsonl", "questions.jsonl")
        for line in map(json.loads, (folder / name).read_text("utf-8").splitlines())
    ]
    chance = random.Random(_SEED)
    chance.shuffle(known)
    return chance.choices(known, weights=[1 / rank for rank in range(1, len(known) + 1)], k=number)


async def mixed_hour(config: Config, say: Say) -> Measured:
    """Ask one question after the other, with the configured models and the states they have."""
    async with demo_service(config, say) as (service, _):
        asked = customers_questions(_ASKED)
        say(f"{len(asked)} questions of the demo shop")
        times: list[float] = []
        kinds: Counter[str] = Counter()
        written = 0
        end = time.monotonic() + _MOST_S
        for question in asked:
            started = time.perf_counter()
            answer = await service.answerer.answer(question)
            times.append(time.perf_counter() - started)
            kinds[answer.kind] += 1
            written += answer.tokens.prompt > 0
            if time.monotonic() > end:
                break
        memory = await asyncio.to_thread(_memory)
    note = f"{_BOUND}; {len(times)} asked: {', '.join(f'{n} {kind}' for kind, n in kinds.items())}"
    figures: tuple[Figure, ...] = (
        better_if_more(
            "mixed_without_llm", 1 - written / len(times), "share", _WITHOUT_BOUND, note
        ),
        less("mixed_p50_s", median(times), "s", _P50_BOUND_S, _BOUND),
        less("mixed_p95_s", percentile(times, 0.95), "s", _P95_BOUND_S, _BOUND),
    )
    return [*figures, *memory]


def _memory() -> tuple[Figure, ...]:
    """Return the memory of the model processes; both embedders count as one."""
    sizes: Counter[str] = Counter()
    for process in psutil.Process().children(recursive=True):
        for name in ("embedder", "generator"):
            if any(part.endswith(f".{name}_child") for part in process.cmdline()):
                sizes[name] += process.memory_info().rss
    return tuple(
        Figure(f"{name}_mb", round(size / 1e6), "MB", None, None, "its process")
        for name, size in sizes.items()
    )
