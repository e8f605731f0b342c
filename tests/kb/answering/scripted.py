"""An answerer whose search finds what a script says, for tests of answering."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from core.types import Chunk, Hit
from kb.answering.answerer import Answerer
from kb.answering.decision import Policy
from kb.answering.reply import Replier
from kb.answering.writer import Writer
from kb.ranking.retriever import Retrieval, Retriever
from kb.text.stems import stems
from tests.fakes import ScriptedGenerator

TODAY = datetime.date(2026, 11, 21)
POLICY = Policy(
    answer_at=0.65,
    hedge_at=0.35,
    max_question_chars=200,
    company="Acme",
    fallback_language="en",
)
ENTRY = Chunk(
    "e1", "faq.csv", "faq", "When do you open?", "At nine.", location="row 2", language="en"
)
OTHER = Chunk("e2", "faq.csv", "faq", "When do you close?", "At six.", language="en")
PASSAGE = Chunk(
    "p1",
    "returns.md",
    "passage",
    "Send it back within 30 days, and add the printed form to it. Refunds take 5 working days. "
    "We pay the postage.",
    title="Returns › Deadlines",
    location="line 4",
    language="en",
    updated="2026-11-01",
)
NOTED = "I have noted it for our team."
CHINESE = replace(PASSAGE, text="商品可以在七天之内寄回。我们承担邮费。", language="zh")


class ScriptedRetriever(Retriever):
    """Finds what the script says for a question, and nothing for any other."""

    def __init__(self, found: Mapping[str, Sequence[tuple[Chunk, float]]]) -> None:
        self.found = found
        self.asked: list[str] = []

    async def retrieve(self, question: str, *, k: int = 10, today: str = "") -> Retrieval:
        assert today == "2026-11-21"
        self.asked.append(question)
        hits = tuple(Hit(chunk, 0.9, p) for chunk, p in self.found.get(question, ()))
        vector = np.full(64, 0.125, np.float32)
        return Retrieval(question, vector, hits, 7, {"embed": 1.0, "search": 1.0, "decide": 1.0})


class WordReader:
    """Says that a text answers what it shares a word with."""

    async def read(self, question: str, texts: Sequence[str]) -> list[float]:
        return [5.0 if set(stems(question)) & set(stems(text)) else -9.0 for text in texts]


def answerer(
    found: Mapping[str, Sequence[tuple[Chunk, float]]],
    generator: ScriptedGenerator | None = None,
    *,
    reader: WordReader | None = None,
) -> Answerer:
    writer = Writer(generator, max_tokens=60, timeout_s=9) if generator else None
    replier = Replier(reader=reader)
    return Answerer(ScriptedRetriever(found), replier, writer, policy=POLICY, today=lambda: TODAY)


KAYAK = replace(PASSAGE, text="The kayak costs 18.00 € per day. We are open all year.")
