"""Angry, urgent, grateful and chatting customers are told apart, and answered fittingly."""

import datetime
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.types import Chunk, Hit, Turn
from kb.answering.answerer import Answerer
from kb.answering.decision import Policy
from kb.answering.mood import Mood, Moods
from kb.answering.reply import Replier
from kb.answering.texts import TEXT_LANGUAGES, service_text
from kb.ranking.retriever import Retrieval, Retriever
from models.embedder import WorkerEmbedder
from models.factory import make_embedder
from tests.fakes import WordEmbedder

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[3]
HELD_OUT = [
    json.loads(line)
    for line in (ROOT / "training/data/moods_heldout.jsonl").read_text("utf-8").splitlines()
]
_BOUNDS = {
    "urgent": (0.89, 0.94), "angry": (0.74, 0.81), "neutral": (0.92, 0.9), "thanks": (0.9, 0.85),
    "smalltalk": (0.9, 0.82), "person": (0.85, 1.0), "wrong": (0.65, 0.9),
}  # fmt: skip
"""Least recall and precision."""
POLICY = Policy(
    answer_at=0.65, hedge_at=0.4, max_question_chars=200, company="Acme", fallback_language="en"
)
ENTRY = Chunk("e1", "faq.csv", "faq", "How do refunds work?", "In 5 days.", language="en")
SMOKE, FURIOUS = "battery smoking flames", "furious thieves refund"


class Found(Retriever):
    """Finds one entry for whatever has the word "refund" in it, and nothing else."""

    def __init__(self) -> None:
        pass

    async def retrieve(self, question: str, *, k: int = 10, today: str = "") -> Retrieval:
        sure = 0.5 if "perhaps" in question else 0.85 if "likely" in question else 0.9
        hits = (Hit(ENTRY, sure, sure),) if "refund" in question else ()
        return Retrieval(question, np.full(64, 0.125, np.float32), hits, 7, {})


@pytest.fixture
async def answerer() -> Answerer:
    """Return one for which words decide the mood."""
    words: Mapping[Mood, str] = {
        "urgent": SMOKE,
        "angry": FURIOUS,
        "thanks": "brilliant saved afternoon",
        "smalltalk": "joke robot weather",
        "person": "somebody real phone",
        "wrong": "incorrect nonsense again",
    }
    embedder = WordEmbedder()
    rows = [20 * await embedder.embed_query(text) for text in words.values()]
    moods = Moods(
        embedder,
        moods=("neutral", *words),
        hidden=np.stack(rows),
        hidden_bias=np.zeros(len(words), np.float32),
        weights=np.eye(len(words) + 1, len(words), -1, np.float32),
        bias=np.asarray([8, *[0] * len(words)], np.float32),
        price=np.append(20 * await embedder.embed_query("costing"), np.float32(-9)),
    )
    return Answerer(
        Found(),
        Replier(),
        None,
        policy=POLICY,
        today=lambda: datetime.date(2026, 11, 28),
        moods=moods,
    )


async def test_an_urgent_matter_that_nothing_answers_is_met_by_its_own_sentence(
    answerer: Answerer,
) -> None:
    answer = await answerer.answer("the battery smoking with flames")
    assert (answer.kind, answer.urgency) == ("unknown", "urgent")
    assert answer.text == service_text("urgent", "en")


async def test_in_an_urgent_matter_nothing_is_said_that_may_not_be_meant(
    answerer: Answerer,
) -> None:
    answer = await answerer.answer("battery smoking with flames perhaps a refund")
    assert (answer.kind, answer.urgency) == ("unknown", "urgent")
    assert answer.text == service_text("urgent", "en")
    answer = await answerer.answer("battery smoking with flames likely a refund")
    assert answer.text == service_text("urgent", "en")
    sure = await answerer.answer("battery smoking with flames refund")
    assert (sure.kind, sure.urgency) == ("faq", "urgent")
    upset = await answerer.answer("furious thieves perhaps a refund")
    assert (upset.kind, upset.text) == ("unknown", service_text("angry", "en"))


@pytest.mark.parametrize("number", ["0117 555 0199", "999"])
async def test_in_an_urgent_matter_whom_to_call_is_said_whole_even_if_it_may_not_be_meant(
    answerer: Answerer, monkeypatch: pytest.MonkeyPatch, number: str
) -> None:
    steps = "Do not make anyone vomit. Keep the label of the box at hand, and stay. " * 6
    chunk = replace(ENTRY, kind="passage", text=f"{steps}Ring {number}.", answer="")
    monkeypatch.setattr("tests.kb.answering.test_mood.ENTRY", chunk)
    answer = await answerer.answer("battery smoking with flames perhaps a refund")
    assert (answer.hedged, answer.urgency) == (True, "urgent")
    assert answer.text.endswith(chunk.text)


async def test_an_angry_customer_is_answered_after_a_sentence_of_regret(
    answerer: Answerer,
) -> None:
    answer = await answerer.answer("furious about my refund thieves")
    assert (answer.kind, answer.urgency) == ("faq", "angry")
    assert answer.text == f"{service_text('angry', 'en')}\n\nIn 5 days."
    assert answer.sources


async def test_what_an_angry_customer_says_of_the_company_is_no_question(
    answerer: Answerer,
) -> None:
    answer = await answerer.answer("What furious thieves are you? How is my refund paid?")
    assert (answer.kind, answer.urgency, answer.unanswered) == ("faq", "angry", "")
    assert answer.text == f"{service_text('angry', 'en')}\n\nIn 5 days."


@pytest.mark.parametrize("language", TEXT_LANGUAGES)
@pytest.mark.parametrize(
    "faces",
    ["😡😡😡", "😠", "🤬!", "😤 😤", "👿", "😢", "😭😭", "💔", "👎", "🙁", ":(", ":'(", "((("],
)
async def test_angry_and_sad_faces_are_met_with_regret(
    answerer: Answerer, faces: str, language: str
) -> None:
    answer = await answerer.answer(faces, language_code=language)
    assert (answer.text, answer.urgency) == (service_text("angry", language), "angry")
    assert answer.kind == "smalltalk"  # nothing was asked that could be noted
    called = await answerer.answer("ok", history=[Turn(faces, answer.text)])
    assert (called.intent, called.urgency) == ("person", "angry")


async def test_an_angry_face_beside_a_question_is_seen(answerer: Answerer) -> None:
    answer = await answerer.answer("where is my refund 😡")
    assert (answer.kind, answer.urgency) == ("faq", "angry")
    answer = await answerer.answer("how does a refund work 😢")
    assert (answer.kind, answer.urgency) == ("faq", "")


async def test_thanks_and_small_talk_do_not_end_in_i_dont_know(answerer: Answerer) -> None:
    for text, key in (
        ("brilliant saved my afternoon", "thanks"),
        ("joke about robot", "smalltalk"),
    ):
        answer = await answerer.answer(text)
        assert (answer.kind, answer.intent) == ("smalltalk", key)
        assert answer.text == service_text(key, "en", company="Acme")  # type: ignore[arg-type]
        assert not answer.unanswered


async def test_a_follow_up_that_asks_and_is_met_as_small_talk_is_noted(answerer: Answerer) -> None:
    before = [Turn("my bike squeaks", "Oil it.")]
    answer = await answerer.answer("joke about robot?", history=before)
    assert (answer.kind, answer.unanswered) == ("smalltalk", "joke about robot?")
    assert not (await answerer.answer("joke about robot?")).unanswered


async def test_what_asks_for_a_price_is_given_no_days_that_may_be_meant(answerer: Answerer) -> None:
    assert (await answerer.answer("perhaps how long is a refund?")).hedged
    assert (await answerer.answer("perhaps costing costing refund?")).kind == "unknown"
    assert (await answerer.answer("costing costing refund?")).kind == "faq"  # a sure one is given


async def test_a_sure_answer_is_given_whatever_the_mood_seems(answerer: Answerer) -> None:
    answer = await answerer.answer("brilliant saved afternoon refund")
    assert (answer.kind, answer.text) == ("faq", "In 5 days.")


async def test_a_question_that_may_have_an_answer_is_no_thanks(answerer: Answerer) -> None:
    answer = await answerer.answer("brilliant saved afternoon refund perhaps?")
    assert (answer.kind, answer.hedged) == ("faq", True)
    answer = await answerer.answer("brilliant saved afternoon refund perhaps")
    assert (answer.kind, answer.intent) == ("smalltalk", "thanks")


async def test_a_call_for_a_person_in_other_words_is_one(answerer: Answerer) -> None:
    answer = await answerer.answer("somebody real on the phone")
    assert (answer.kind, answer.intent) == ("smalltalk", "person")


@pytest.mark.parametrize(
    ("says", "key"), [("incorrect nonsense", "say_otherwise"), ("furious thieves", "angry")]
)
async def test_a_refused_answer_is_not_given_again(answerer: Answerer, says: str, key: str) -> None:
    asked, message = "how do my refunds work", f"{says}, refund"
    told = (await answerer.answer(asked)).text
    answer = await answerer.answer(message, history=[Turn(asked, told)])
    assert (answer.kind, answer.unanswered, answer.sources) == ("unknown", asked, ())
    assert answer.text == service_text(key, "en")  # type: ignore[arg-type]
    other = await answerer.answer(message, history=[Turn("opening hours", "At nine.")])
    assert ENTRY.answer in other.text


async def test_a_refusal_is_not_read_as_a_follow_up(answerer: Answerer) -> None:
    said = [Turn("how do my refunds work", "After we have checked the parcel.")]
    answer = await answerer.answer("incorrect, it is nonsense", history=said)
    assert (answer.kind, answer.unanswered) == ("unknown", said[0].question)


async def test_what_an_angry_customer_asks_anew_is_noted_itself(answerer: Answerer) -> None:
    said = [Turn("opening hours", service_text("unknown", "en"))]
    answer = await answerer.answer("furious thieves, no lights", history=said)
    assert (answer.kind, answer.unanswered, answer.urgency) == ("unknown", "", "angry")


async def test_what_nothing_answers_after_a_refused_answer_is_noted_as_that_question(
    answerer: Answerer,
) -> None:
    said = [Turn("opening hours", "At nine.")]
    answer = await answerer.answer("incorrect nonsense again", history=said)
    assert (answer.kind, answer.unanswered) == ("unknown", "opening hours")
    assert answer.text == service_text("say_otherwise", "en")
    assert (await answerer.answer("incorrect nonsense again")).text == service_text("angry", "en")


async def test_an_ordinary_question_is_answered_as_ever(answerer: Answerer) -> None:
    answer = await answerer.answer("how long does a refund take")
    assert (answer.kind, answer.urgency, answer.text) == ("faq", "", "In 5 days.")


@pytest.mark.parametrize("language", TEXT_LANGUAGES)
@pytest.mark.parametrize("key", ["angry", "urgent"])
async def test_yes_after_the_sentence_calls_a_person_with_the_reason(
    answerer: Answerer, key: str, language: str
) -> None:
    asked = {"angry": FURIOUS, "urgent": SMOKE}[key]
    said = service_text(key, language)  # type: ignore[arg-type]
    for shown in (said, f"{said}\n\nIn 5 days."):
        answer = await answerer.answer("ok", history=[Turn(asked, shown)])
        assert (answer.intent, answer.urgency) == ("person", key)


async def test_an_angry_call_for_a_person_says_so(answerer: Answerer) -> None:
    answer = await answerer.answer("furious thieves, refund! talk to a human")
    assert (answer.intent, answer.urgency) == ("person", "angry")


async def test_nothing_is_told_of_another_models_vectors() -> None:
    assert Moods.load(WordEmbedder()) is None


# --- the weights that ship ----------------------------------------------------------------------


@pytest.fixture
async def real() -> AsyncIterator[WorkerEmbedder]:
    data = ROOT / "data"
    if not (data / "models" / "multilingual-e5-small").is_dir():
        pytest.skip("multilingual-e5-small is not here")
    made = make_embedder("multilingual-e5-small", data, precision="int8")
    assert isinstance(made, WorkerEmbedder)
    await made.start()
    yield made
    await made.close()


@pytest.mark.models
async def test_messages_that_were_not_learned_are_told_apart(real: WorkerEmbedder) -> None:
    """Written before the code, or by somebody who saw none of it. Goodbyes: small talk."""
    moods = Moods.load(real)
    assert moods is not None
    told = [_class(await moods.of(message["text"])) for message in HELD_OUT]
    wanted = [_class(message["label"]) for message in HELD_OUT]
    for mood, (recall, precision) in _BOUNDS.items():
        right = sum(w == g == mood for w, g in zip(wanted, told, strict=True))
        assert right / wanted.count(mood) >= recall, mood
        assert right / told.count(mood) >= precision, mood


PRICED = (
    "Quanto custa a hora?|qual o preço do aluguel?|Combien coûte la livraison ?|"
    "Quanto costa un'ora?|"
    "Jaka jest cena wynajmu?|Ile kosztuje godzina?|kaç para?|Kargo ücreti nedir?|"
    "送料はかかりますか|1時間いくらですか？|배송비가 얼마인가요?|가격이 어떻게 되나요?|"
    "كم سعر الساعة؟|Wat kost een uur?|डिलीवरी का शुल्क कितना है?|Vad kostar en timme?"
)
OTHERS = (
    "Quantos dias demora a entrega?|Qual o horário da marina?|Combien de temps dure la livraison ?|"
    "Puis-je payer par carte ?|Quanto dura la consegna?|Ile trwa dostawa?|Kargo kaç günde gelir?|"
    "配送は何日かかりますか？|카드로 결제할 수 있나요?|كم يستغرق التوصيل؟|"
    "Hoe lang duurt de levering?|"
    "डिलीवरी में कितने दिन लगते हैं?|Коли ви відкриваєтесь?|"
    "Jam berapa buka?|How much luggage may I bring?"
)


@pytest.mark.models
async def test_a_question_for_a_price_is_told_in_languages_without_word_lists(
    real: WorkerEmbedder,
) -> None:
    moods = Moods.load(real)
    assert moods is not None
    told = [await moods.asks_price(text) for text in PRICED.split("|")]
    assert sum(told) >= 0.9 * len(told)
    assert not [text for text in OTHERS.split("|") if await moods.asks_price(text)]


def _class(label: str) -> str:
    return "smalltalk" if label == "goodbye" else label
