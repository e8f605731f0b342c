"""What can be measured: the parts of the benchmark, each with the rows it gives."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from app.commands.common import Failed
from core.config import Config
from core.errors import ModelError
from tests.bench.against import against_native
from tests.bench.deciding import deciding
from tests.bench.embedding import embedding
from tests.bench.figure import BenchFailed, Measured, Say, missing
from tests.bench.ingesting import beside_ingest, ingest_rate
from tests.bench.mixed import mixed_hour
from tests.bench.prefix import first_words
from tests.bench.searching import MILLION, SIZES, search
from tests.bench.service import ask_warm_start, running, start


@dataclass(frozen=True, slots=True)
class Part:
    """Figures that are measured together, in a few minutes at most."""

    name: str
    measure: Callable[[Config, Say], Awaitable[Measured]]
    rows: tuple[str, ...]
    """Names of its figures."""
    by_default: bool = True
    """Whether it belongs to a run of everything."""


PARTS = (
    Part("prefix", first_words, ("prefix_ttft_0.5b", "prefix_ttft_1.5b")),
    Part(
        "native",
        against_native,
        ("warm_ttft_vs_native", "restart_ttft_vs_native", "decode_1_vs_native", "warm_4_vs_native"),
    ),
    Part("embed", embedding, ("embed_question_ms", "embed_batch_vs_torch")),
    Part("ingest", ingest_rate, ("ingest_vs_embed",)),
    Part("beside", beside_ingest, ("faq_beside_ingest", "answer_beside_ingest")),
    Part("search", partial(search, SIZES), tuple(SIZES)),
    Part("decide", deciding, ("decide_10k_ms",)),
    Part("service", running, ("faq_p50_ms", "parent_mb")),
    Part(
        "mixed",
        mixed_hour,
        ("mixed_without_llm", "mixed_p50_s", "mixed_p95_s", "embedder_mb", "generator_mb"),
    ),
    Part("start", start, ("start_accepts_s", "start_first_faq_s")),
    Part("ask", ask_warm_start, ("ask_warm_start_s",)),
    Part("million", partial(search, MILLION), tuple(MILLION), by_default=False),
)


def chosen(names: Sequence[str]) -> list[Part]:
    """Return the parts that were asked for, by their own name or that of one of their rows.

    Raises:
        Failed: if there is none of a name.
    """
    if not names:
        return [part for part in PARTS if part.by_default]
    known = {name for part in PARTS for name in (part.name, *part.rows)}
    for name in names:
        if name not in known:
            parts = ", ".join(part.name for part in PARTS)
            raise Failed(f"Nothing to measure is named {name!r}; there are {parts}.")
    return [part for part in PARTS if {part.name, *part.rows} & set(names)]


async def measure(part: Part, config: Config, say: Say) -> Measured:
    """Measure a part; what it cannot measure says so in its rows."""
    try:
        return await part.measure(config, say)
    except (ModelError, BenchFailed) as error:
        return [missing(name, "", str(error)) for name in part.rows]
