"""Sixty dialogues in five languages with the demo shop's lookup and the real embedder."""

import csv
import datetime as dt
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from app.lookups import make_lookup
from core.config_files import load_config
from core.types import Answer, Vector
from kb.answering.texts import service_text
from kb.ranking.align import AlignedEmbedder
from lookups.dialogue import Lookups
from models.factory import make_embedder

PROJECT = Path(__file__).parents[2]
SETTINGS = load_config(PROJECT / "config.yaml").lookups["orders"]
DIALOGUES = [
    (language, number, dialogue)
    for language, listed in yaml.safe_load(
        (Path(__file__).parent / "dialogues.yaml").read_text("utf-8")
    ).items()
    for number, dialogue in enumerate(listed)
]

pytestmark = [pytest.mark.anyio, pytest.mark.models]


def today() -> dt.date:
    return dt.date(2026, 11, 27)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def lookups() -> AsyncIterator[Lookups]:
    if not (PROJECT / "data/models/multilingual-e5-small").exists():
        pytest.skip("the default embedder is not there: `answerdesk models fetch --default`")
    model = make_embedder("multilingual-e5-small", PROJECT / "data", precision="int8")
    await model.start(wait=True)
    embedder = AlignedEmbedder.load(model) or model
    asked = [
        wording
        for name in ("demo/faq.csv", "demo/source/faq-orders.csv")
        for row in csv.DictReader(io.StringIO((PROJECT / name).read_text("utf-8")))
        for wording in (row["question"], *row["variants"].split(" | "))
    ]
    entries = await embedder.embed_queries(asked)

    async def rival(vector: Vector) -> float:
        return float(np.max(entries @ vector))

    lookup = make_lookup("orders", SETTINGS)
    yield Lookups([lookup], embedder, rival, languages=["en"], today=today)
    await lookup.source.close()
    await model.close()


def outcome(answer: Answer | None, language: str) -> str:
    """Return what came of a message, in the words of `dialogues.yaml`."""
    if answer is None:
        return "-"
    if answer.intent == "person":
        return "person"
    if answer.text == service_text("lookup_not_found", language):
        return "none"
    for name, parameter in SETTINGS.parameters.items():
        if answer.text == parameter.ask[language]:
            return f"?{name}"
    return answer.text.replace("\xa0", " ")  # between an amount and its sign


def test_there_are_sixty_of_which_twenty_are_hostile() -> None:
    assert len(DIALOGUES) == 60
    assert sum(dialogue[0] == "hostile" for _, _, dialogue in DIALOGUES) == 20


@pytest.mark.parametrize(
    ("language", "number", "dialogue"), DIALOGUES, ids=[f"{c}-{n}" for c, n, _ in DIALOGUES]
)
async def test_dialogue(lookups: Lookups, language: str, number: int, dialogue: list[Any]) -> None:
    """A hostile one never gets more than a question or "nothing found"."""
    hostile = dialogue[0] == "hostile"
    for said, expected in dialogue[1:] if hostile else dialogue:
        answer = await lookups.answer(said, chat=f"test:{language}{number}", language_code=language)
        got = outcome(answer, language)
        if hostile:
            assert got in expected.split("|"), said
        elif expected in {"-", "person", "none", "?order", "?email"}:
            assert got == expected, said
        else:
            assert expected in got, said


@pytest.mark.parametrize(
    "message",
    [
        "I want to cancel order 4711",
        "How do I return order 4711?",
        "What does delivery cost?",
        "Where is your shop?",
        "我想取消订单4711",
        "怎么退货",
        "¿Cuánto cuesta el envío?",
        "quiero cancelar mi pedido",
        "Wie lange dauert die Lieferung?",
        "Ich möchte meine Bestellung stornieren",
        "Сколько стоит доставка?",
        "хочу отменить заказ",
        "Thanks!",
        "I'd like to talk to a person about order 4711",
    ],
)
async def test_other_questions_are_left_to_the_knowledge_base(
    lookups: Lookups, message: str
) -> None:
    assert await lookups.answer(message, chat="test:other") is None
