"""The embedder: one question, and batches of passages beside plain sentence-transformers."""

import time

from core.config import Config, data_folder
from models.factory import make_embedder, make_store
from tests.bench.figure import Measured, Say, less, median, more
from tests.bench.process import baseline
from tests.bench.prompts import passages

_MODEL = "multilingual-e5-small"
_QUESTION_BOUND_MS = 8.0
_QUESTIONS = 60
_TEXTS = 96
_WORDS = 85
"""Of a passage: about 160 tokens, as `knowledge.passage_tokens`."""
_BATCH = 32
"""The default of sentence-transformers."""
_ROUNDS = 3


async def embedding(config: Config, say: Say) -> Measured:
    """Time single questions and batches of passages."""
    folder = make_store(data_folder()).check(_MODEL)
    embedder = make_embedder(
        _MODEL,
        data_folder(),
        threads=config.models.threads,
        precision=config.models.embedder_precision,
    )
    texts = passages(number=_TEXTS, words=_WORDS)
    mine, theirs = [], []
    async with baseline("embedder", folder, config.models.threads) as (process, _ready):
        try:
            await embedder.start(wait=True)
            say(f"{_QUESTIONS} questions")
            questions = []
            for number in range(_QUESTIONS):
                started = time.perf_counter()
                await embedder.embed_query(f"How long do I have to send back order {number}?")
                questions.append((time.perf_counter() - started) * 1000)
            for number in range(_ROUNDS):
                say(f"{_TEXTS} passages, {number + 1} of {_ROUNDS}")
                started = time.perf_counter()
                await embedder.embed_passages(texts)
                mine.append(_TEXTS / (time.perf_counter() - started))
                # Both read the text with its prompt.
                process.send({"texts": [f"passage: {t}" for t in texts], "batch": _BATCH})
                theirs.append(_TEXTS / (await process.receive())["seconds"])
        finally:
            await embedder.close()
    return [
        less("embed_question_ms", median(questions), "ms", _QUESTION_BOUND_MS, "our bound"),
        more(
            "embed_batch_vs_torch", median(mine), "texts/s", median(theirs),
            "sentence-transformers on torch, float32",
        ),
    ]  # fmt: skip
