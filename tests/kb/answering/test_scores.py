"""The sentences with the answer are the likeliest; quotes hold them and are short."""

import json
import os
import statistics
from pathlib import Path

import numpy as np
import pytest

from core.types import Chunk, Hit, Matrix
from kb.answering.choose import quote
from kb.answering.reply import Replier
from kb.answering.scores import asks_fact, asks_figure, asks_how, lacks_figure, score_sentences
from kb.text.segmentation import normalise, split_sentences
from tests.fakes import WordEmbedder

DATA = Path(os.environ.get("ANSWERDESK_EVAL_DATA", "not named"))

SHOP = (
    "Our shop was founded in 1998 by Anna Schmidt. Standard delivery takes three to five days. "
    "Items can be returned within 30 days, because we want you to be sure. "
    "The warehouse is in Leipzig. Gift cards never expire. We are proud of our service. "
    "Our staff receive training every spring and our packaging is made of recycled paper, glued "
    "with starch, printed with soy ink and folded by machines that run on power from our own roof, "
    "which is covered with panels since the big rebuilding of the whole site."
)
LADEN = """本店由张敏于1998年创立。普通快递需要三至五天。
商品签收后七天内可以退货。仓库位于杭州市余杭区。礼品卡永久有效。"""


@pytest.mark.parametrize(
    "question", ["Auf wie vielen Geräten?", "wie viele Tage", "How many days?"]
)
def test_a_number_is_no_way_of_doing_something(question: str) -> None:
    assert asks_figure(question)
    assert asks_fact(question)
    assert not asks_how(question)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How long does delivery take?", "three to five days"),
        ("Who founded the shop?", "Anna Schmidt"),
        ("When was your shop founded?", "1998"),
        ("Where is the warehouse?", "Leipzig"),
        ("Do gift cards expire?", "never expire"),
        ("Until when can I return items?", "30 days"),
    ],
)
def test_the_sentence_with_the_answer_is_the_likeliest(question: str, answer: str) -> None:
    sentences = split_sentences(SHOP, "en")
    probabilities = score_sentences(question, sentences)
    assert answer in sentences[int(np.argmax(probabilities))]
    assert sum(probabilities) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("快递要多久？", "三至五天"),
        ("谁创立了本店？", "张敏"),
        ("仓库在哪里？", "杭州"),
        ("礼品卡有效期多久？", "永久"),
        ("多少天内可以退货？", "七天"),
    ],
)
def test_chinese(question: str, answer: str) -> None:
    assert answer in quote(question, LADEN, language="zh")


def test_pieces_are_exact_and_in_order_and_gaps_are_marked() -> None:
    words = quote("Is the shop or the warehouse in Leipzig?", SHOP, language="en")
    pieces = words.split(" … ")
    places = [SHOP.index(piece) for piece in pieces]
    assert places == sorted(places)
    assert len(words.split()) <= 90


def test_one_sentence_is_quoted_whole() -> None:
    assert quote("Why?", " Gift cards never expire. ") == "Gift cards never expire."


def test_a_list_comes_with_its_introduction() -> None:
    needed = "For a return you need:\n\n- an invoice\n- the original box"
    text = f"Send the item back.\n\n{needed}\n\nWe pay."
    words = quote("What do I need for a return?", text, language="en")
    assert needed in words


def test_nothing_announces_what_is_not_given() -> None:
    items = "\n".join(f"- {'a very long item ' * 8}{n}" for n in range(5))
    text = f"You need a form for that in any case. Proceed as follows:\n\n{items}\n\n" + "x " * 80
    assert quote("Do I need a form?", text, language="en").endswith("in any case.")
    text = "A flag hangs there:\n\nColour: red; Level: high\n\nOn a red day children stay ashore."
    assert (
        quote("May children go out?", text, language="en") == "On a red day children stay ashore."
    )


class CountingEmbedder(WordEmbedder):
    calls = 0

    async def embed_passages(self, texts: object) -> Matrix:
        self.calls += 1
        return await super().embed_passages(texts)  # type: ignore[arg-type]


@pytest.mark.anyio
async def test_the_sentences_of_a_passage_are_embedded_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kb.answering.part_reader._REMEMBERED", 1)
    embedder = CountingEmbedder()
    replier = Replier(embedder)
    one = Hit(Chunk("1", "a.md", "passage", SHOP, language="en"), 0.9)
    two = Hit(Chunk("2", "a.md", "passage", LADEN, language="zh"), 0.9)
    english, chinese = "How long does delivery take?", "快递需要多久才能送到？"
    vector = await embedder.embed_query(english)
    for hit, question in ((one, chinese), (one, english), (two, english), (one, chinese)):
        await replier.reply(question, vector, hit)
    assert embedder.calls == 3
    assert "three to five days" in (await replier.reply(english, None, one)).text


def test_a_question_in_another_language_is_decided_by_similarity() -> None:
    sentences = split_sentences(LADEN, "zh")
    similarities = [0.8, 0.8, 0.8, 0.95, 0.8]
    scores = score_sentences("Where?", sentences, similarities=similarities, across=True)
    assert max(scores) == scores[3]


@pytest.mark.parametrize(
    ("folder", "passages", "questions", "language", "least", "longest"),
    [
        ("xquad", "passages.en.jsonl", "questions.en.jsonl", "en", 0.9, 45),
        ("xquad", "passages.zh.jsonl", "questions.zh.jsonl", "zh", 0.87, 90),
        ("cmrc2018", "passages.jsonl", "questions.jsonl", "zh", 0.83, 90),
    ],
)
def test_quotes_of_the_right_passage_hold_the_answer(
    folder: str, passages: str, questions: str, language: str, least: float, longest: int
) -> None:
    if not (DATA / folder).is_dir():
        pytest.skip(f"the evaluation data is not at '{DATA}' (ANSWERDESK_EVAL_DATA)")
    texts = {row["id"]: row["text"] for row in _rows(DATA / folder / passages)}
    rows = _rows(DATA / folder / questions)[::11]
    hits, sizes = 0, []
    for row in rows:
        words = quote(row["question"], texts[row["doc"].removesuffix(".txt")], language=language)
        hits += any(normalise(answer) in normalise(words) for answer in row["answers"])
        sizes.append(len(words) if language == "zh" else len(words.split()))
    assert hits / len(rows) >= least
    assert statistics.median(sizes) <= longest


def _rows(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize(
    ("question", "text", "lacks"),
    [("How many hours does it last?", "No, it starts again.", True),
     ("¿Cuántos segundos aguanta?", "Entre 30 y 60 segundos.", False),
     ("Wann öffnen Sie?", "Um 9 Uhr.", False), ("Does it cost extra?", "No.", False),
     ("Who pays?", "We do.", False)],
)  # fmt: skip
def test_a_text_without_a_figure_lacks_what_was_asked(
    question: str, text: str, lacks: bool
) -> None:
    assert lacks_figure(question, text) == lacks


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        ("Das 8h às 18h todos os dias.", True), ("Em 3 dias, até 20 kg.", True), ("Sim.", True),
        ("R$ 50 por hora.", False), ("80 zł", False), ("10 %", False), ("1時間3000円", False),
    ],
)  # fmt: skip
def test_an_hour_and_a_kilogram_are_no_price(text: str, lacks: bool) -> None:
    assert lacks_figure("Quanto custa?", text, priced=True) is lacks
    assert not lacks_figure("Quanto custa?", text)
