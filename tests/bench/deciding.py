"""What to reply to a question, without a generator, where the base has 10,000 entries."""

import csv
import io
import itertools

from app.wiring import make_answerer
from core.config import Config
from kb.releases.ingestor import IncomingFile
from tests.bench.figure import BenchFailed, Measured, Say, less, median
from tests.bench.ingesting import own_knowledge

ENTRIES = 10_000
_QUESTIONS = 200
_BOUND_MS = 60.0
_DEEDS = (
    ("order", "ordered"), ("return", "returned"), ("repair", "repaired"), ("clean", "cleaned"),
    ("insure", "insured"), ("replace", "replaced"), ("upgrade", "upgraded"), ("rent", "rented"),
    ("exchange", "exchanged"), ("adjust", "adjusted"),
)  # fmt: skip
_PARTS = (
    "chain", "saddle", "battery", "front lamp", "rear lamp", "brake lever", "child seat", "luggage "
    "rack", "mudguard", "pump", "lock", "bell", "handlebar", "pedal", "kickstand", "inner tube",
    "tyre", "spoke", "display", "charger", "trailer", "helmet", "mirror", "basket", "chain guard",
)  # fmt: skip
_BIKES = (
    "city bike", "road bike", "cargo bike", "folding bike", "touring bike", "mountain bike",
    "tandem", "tricycle", "children's bike", "e-bike",
)  # fmt: skip
_CASES = ("at home", "in the shop", "on a Sunday", "without a receipt")


async def deciding(config: Config, say: Say) -> Measured:
    """Ask a base of 10,000 entries: time of a whole decision, and the share of embedding."""
    async with own_knowledge(config) as (knowledge, _folder):
        say(f"{ENTRIES} entries are ingested")
        await knowledge.ingestor.ingest([IncomingFile("faq.csv", made_entries())])
        await knowledge.trainer.ensure()
        answerer = make_answerer(knowledge, None)
        say(f"{_QUESTIONS} questions")
        times, embeds = [], []
        for question in _questions():
            answer = await answerer.answer_question(question)
            times.append(answer.timings_ms["total"])
            embeds.append(answer.timings_ms["embed"])
    if not median(times):
        raise BenchFailed("No question was searched for.")
    share = median(embeds) / median(times)
    note = f"our bound; embedding takes {share:.0%}"
    return [less("decide_10k_ms", median(times), "ms", _BOUND_MS, note)]


def made_entries() -> bytes:
    """Return an FAQ of `ENTRIES` questions and answers, the same each time."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("question", "answer"))
    everything = itertools.product(_DEEDS, _PARTS, _BIKES, _CASES)
    for number, ((do, done), part, bike, case) in enumerate(everything):
        writer.writerow(
            (
                f"Can I {do} the {part} of my {bike} {case}?",
                f"The {part} of a {bike} is {done} {case} within {number % 9 + 2} days; "
                f"ask for service {number}.",
            )
        )
    return text.getvalue().encode()


def _questions() -> list[str]:
    """Return questions that no cache has seen, about entries all over the base."""
    everything = list(itertools.product(_DEEDS, _PARTS, _BIKES, _CASES))
    step = len(everything) // _QUESTIONS
    return [
        f"is it possible to have a {part} for the {bike} {done}, {case}"
        for (_, done), part, bike, case in everything[step // 3 :: step]
    ]
