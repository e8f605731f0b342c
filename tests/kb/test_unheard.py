from pathlib import Path

import pytest

from core.types import Chunk, ChunkKind, Hit
from kb.retrieve import DefaultRanker, Retriever
from kb.train import Trainer
from kb.unheard import Openness, doubted, names_in, spelled_in
from tests.fakes import WordEmbedder
from tests.kb.test_rank_train import entry, make_base, shop


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("How far does the Kingfisher e-bike go?", ["kingfisher"]),
        ("Do I need an iPhone for it?", ["iphone"]),
        ("My IPHONE does not charge", ["iphone"]),
        ("Brompton 折叠车的收纳袋多少钱？", ["brompton"]),
        ("я живу в Казани, вы доставляете?", ["казани"]),
        # The first word, months, days and abbreviations are no names, nor is the end of "I'll".
        ("Kingfishers are nice. Puedo entrar? ¿Puedo pagar?", []),
        ("is it open on Sunday in March, OMG", []),
        ("When I'll get it", []),
        # Capitals say nothing in German and where every word has one.
        ("Wie lange dauert das Laden vom Akku?", []),
        ("Where Is My New Parcel", []),
        ("WHERE IS THE PARCEL OF MINE", []),
        ("北京明天会下雨吗", []),
        ("", []),
    ],
)
def test_names_are_words_with_a_capital_where_others_have_none(
    question: str, names: list[str]
) -> None:
    assert list(names_in(question)) == names


@pytest.mark.parametrize(
    ("name", "text", "there"),
    [
        ("herron", "How far does the Heron go?", True),
        ("skiper", "The Skipper case", True),
        ("tern", "Tern 折叠车", True),
        ("tern", "Turn the key", False),
        ("berlin", "The store in Bern", False),
        ("ibm", "IBN and more", False),
    ],
)
def test_another_spelling_of_a_name_is_the_name(name: str, text: str, *, there: bool) -> None:
    assert spelled_in(name, [text]) is there


def hit(kind: ChunkKind, probability: float, *questions: str, language: str = "en") -> Hit:
    text, *variants = questions
    chunk = Chunk(text, "faq.csv", kind, text, "Yes.", tuple(variants), language=language)
    return Hit(chunk, 0.9, probability)


def test_an_entry_of_a_base_that_gives_no_other_names_is_half_as_sure() -> None:
    found = doubted("Is the Kestrel light?", [hit("faq", 0.96, "Is the Tern light?")], Openness())
    assert found[0].probability == pytest.approx(0.48)


def test_a_base_whose_customers_name_their_cities_answers_for_any() -> None:
    found = doubted("Is it in Pune?", [hit("faq", 0.96, "Do you deliver?")], Openness(8))
    assert found[0].probability == pytest.approx(0.96 * 0.9)


def test_an_entry_that_is_asked_about_several_names_answers_for_any() -> None:
    open_to_all = hit("faq", 0.96, "Do you deliver to Pune?", "Will you send it to Delhi?")
    assert doubted("Do you deliver to Agra?", [open_to_all], Openness()) == [open_to_all]


def test_a_passage_loses_more_than_an_entry() -> None:
    found = doubted("Is there a train to London?", [hit("passage", 0.73, "Trains")], Openness())
    assert found[0].probability == pytest.approx(0.119, abs=0.001)


def test_names_in_another_language_are_written_otherwise() -> None:
    spain = hit("faq", 0.9, "Do you deliver to Spain?")
    assert doubted("¿Cuánto cuesta enviar un paquete a España?", [spain], Openness()) == [spain]
    chinese = hit("faq", 0.9, "Tern 折叠车多重？", language="zh")
    assert doubted("Brompton 多重？", [chinese], Openness())[0].probability < 0.5


def test_names_of_a_base_are_counted_where_no_other_text_has_them() -> None:
    questions = ["Do you deliver to Pune?", "is it sent to Delhi", "Do you send to Delhi?"]
    assert Openness.of(questions, [0, 0, 1], ["Everywhere.", ""]) == Openness(1)
    assert Openness.of(questions, [0, 0, 0], ["Everywhere, Pune too."]) == Openness(0)
    assert Openness.of([*questions, "Send it to Puna"], [0] * 4, [""]).signs == 3, (
        "three names in one"
    )


@pytest.mark.anyio
async def test_a_name_that_nothing_in_the_base_has_makes_an_answer_less_sure(
    tmp_path: Path,
) -> None:
    chunks = [*shop(), entry("How far does the Heron go?", ["how far the Heron will go"])]
    index = await make_base(chunks)
    trainer = Trainer(index, WordEmbedder(), tmp_path)
    await trainer.train(1)
    for rankers in (trainer, DefaultRanker()):
        retriever = Retriever(WordEmbedder(), index, rankers)
        known = (await retriever.retrieve("Tell me how far the Heron will go")).hits[0]
        strange = (await retriever.retrieve("Tell me how far the Kestrel will go")).hits[0]
        misspelt = (await retriever.retrieve("Tell me how far the Herron will go")).hits[0]
        assert strange.chunk.text == known.chunk.text == "How far does the Heron go?"
        assert strange.probability < misspelt.probability
