"""From what was found to a reply: which kind, with which sources, in which language."""

from dataclasses import replace

import numpy as np
import pytest

from core.errors import ModelUnavailable
from core.types import AnswerEvent, Chunk, Sentence, Turn, Vector, Waiting
from db.curation import Curations
from kb.answering.answerer import Answerer
from kb.answering.mood import Moods
from kb.answering.reply import Replier
from kb.answering.texts import service_text
from tests.fakes import ScriptedGenerator, WordEmbedder
from tests.kb.answering.scripted import (
    CHINESE,
    ENTRY,
    KAYAK,
    OTHER,
    PASSAGE,
    POLICY,
    TODAY,
    ScriptedRetriever,
    WordReader,
    answerer,
)

pytestmark = pytest.mark.anyio


async def test_a_sure_entry_is_answered_word_for_word_without_the_generator() -> None:
    generator = ScriptedGenerator()
    answer = await answerer({"opening?": [(ENTRY, 0.9)]}, generator).answer("opening?")
    assert (answer.kind, answer.text, answer.release) == ("faq", "At nine.", 7)
    assert answer.confidence == 0.9
    assert [(s.document, s.location) for s in answer.sources] == [("faq.csv", "row 2")]
    assert generator.prompts == []


async def test_two_entries_that_are_likely_are_both_answered_under_their_questions() -> None:
    answer = await answerer({"hours?": [(ENTRY, 0.5), (OTHER, 0.48)]}).answer("hours?")
    assert (answer.kind, answer.hedged, answer.choices) == ("faq", True, ())
    assert answer.text == (
        "This may be what you are looking for:\n\n"
        f"When do you open?\nAt nine.\n\nWhen do you close?\n{OTHER.answer}"
    )
    assert len(answer.sources) == 2


async def test_of_two_answers_too_long_for_one_reply_the_second_is_a_choice() -> None:
    long = replace(OTHER, answer=" ".join(["word"] * 90))
    answer = await answerer({"hours?": [(ENTRY, 0.5), (long, 0.48)]}).answer("hours?")
    assert answer.text == "This may be what you are looking for:\n\nAt nine."
    assert [choice.label for choice in answer.choices] == ["When do you close?"]


async def test_nothing_likely_is_unknown_in_the_customers_language() -> None:
    answer = await answerer({"营业时间是几点？": [(ENTRY, 0.1)]}).answer("营业时间是几点？")
    assert (answer.kind, answer.language) == ("unknown", "zh")
    assert "不知道" in answer.text
    assert answer.sources == ()


async def test_a_follow_up_means_the_likely_text_that_has_what_it_names() -> None:
    mice = replace(PASSAGE, text="The guarantee for mice lasts 30 days.", title="Terms › Mice")
    rats = replace(PASSAGE, chunk_id="p2", text="The one for rats lasts 60.", title="Terms › Rats")
    found = {
        "How long is the guarantee for mice?": [(mice, 0.95)],
        "How long is the guarantee for mice for rats": [(mice, 0.7), (rats, 0.3)],
        "How long is the guarantee for mice for beetles": [(mice, 0.7), (rats, 0.3)],
    }
    history = [Turn("How long is the guarantee for mice?", mice.text)]
    asked = answerer(found, reader=WordReader())
    assert (await asked.answer("and for rats?", history=history)).text.endswith(rats.text)
    assert (await asked.answer("and for beetles?", history=history)).text.endswith(mice.text)
    unread = await answerer(found).answer("and for rats?", history=history)
    assert unread.text.endswith(mice.text)


async def test_less_sure_the_best_answer_comes_with_a_reservation_and_other_choices() -> None:
    asked = {"How long can I return it?": [(PASSAGE, 0.5), (ENTRY, 0.25), (OTHER, 0.2)]}
    answer = await answerer(asked).answer("How long can I return it?")
    assert (answer.kind, answer.hedged) == ("composed", True)
    assert answer.text.startswith("This may be what you are looking for:")
    assert [choice.label for choice in answer.choices] == ["When do you close?"]


async def test_a_text_that_is_sure_but_not_which_of_its_sentences_is_given_with_a_reservation() -> (
    None
):
    long = " ".join(["the book of the house is signed by the desk"] * 5)
    text = "\n\n".join(f"{name} {long}." for name in ("Anna", "Bert", "Carl"))
    passage = replace(PASSAGE, text=text)
    found = {"Where?": [(passage, 0.9)], "Does Bert come?": [(passage, 0.9)]}
    unsure = await answerer(found, reader=WordReader()).answer("Where?")
    assert unsure.hedged
    assert unsure.confidence < POLICY.answer_at
    sure = await answerer(found, reader=WordReader()).answer("Does Bert come?")
    assert not sure.hedged
    assert sure.confidence > POLICY.answer_at


async def test_a_composed_reply_holds_only_what_the_passage_says() -> None:
    generator = ScriptedGenerator("You can send it back within 30 days. Damaged items get 50 EUR.")
    found = {"How long can I send it back?": [(PASSAGE, 0.9)]}
    shown: list[AnswerEvent] = []

    async def on_event(event: AnswerEvent) -> None:
        shown.append(event)

    question = "How long can I send it back?"
    answer = await answerer(found, generator).answer(question, on_event=on_event)
    assert answer.kind == "composed"
    assert "30 days" in answer.text
    assert "50" not in answer.text
    assert [s.document for s in answer.sources] == ["returns.md"]
    sentences = [event.text for event in shown if isinstance(event, Sentence)]
    assert all("50" not in sentence for sentence in sentences)


async def test_a_sum_that_follows_stands_under_the_quoted_words() -> None:
    found = {"How much is the kayak for 3 days?": [(KAYAK, 0.9)]}
    answer = await answerer(found).answer("How much is the kayak for 3 days?")
    assert answer.text == f"{KAYAK.text}\n\n3 × 18.00 € = 54.00 €"
    assert answer.kind == "composed"
    assert answer.sources[0].quote == KAYAK.text


async def test_under_a_hedged_reply_nothing_is_computed() -> None:
    found = {"How much is the kayak for 3 days?": [(KAYAK, 0.5)]}
    answer = await answerer(found).answer("How much is the kayak for 3 days?")
    assert answer.hedged
    assert "54" not in answer.text


async def test_for_a_hedged_reply_no_model_writes() -> None:
    generator = ScriptedGenerator("You can send it back within 30 days.")
    other = replace(
        PASSAGE, chunk_id="p2", text="Send it back to our shop. Keep the box.", title="B"
    )
    asked = "How long can I send it back?"
    answer = await answerer({asked: [(PASSAGE, 0.5), (other, 0.48)]}, generator).answer(asked)
    assert answer.hedged
    assert len(answer.sources) == 2
    assert generator.prompts == []


async def test_what_can_be_said_at_once_is_there_while_a_model_writes() -> None:
    generator = ScriptedGenerator("You can send it back within 30 days.")
    shown: list[AnswerEvent] = []

    async def on_event(event: AnswerEvent) -> None:
        shown.append(event)

    found = {"How long can I send it back?": [(PASSAGE, 0.9)]}
    answer = await answerer(found, generator).answer(
        "How long can I send it back?", on_event=on_event
    )
    waiting = shown[0]
    assert isinstance(waiting, Waiting)
    assert waiting.source is not None
    assert waiting.source.quote in PASSAGE.text
    assert answer.text == "You can send it back within 30 days."
    assert answer.sources[0].quote == waiting.source.quote


async def test_a_reply_of_which_nothing_is_left_is_quoted_instead() -> None:
    generator = ScriptedGenerator("Paris is the capital of France.")
    found = {"How long can I send it back?": [(PASSAGE, 0.9)]}
    answer = await answerer(found, generator).answer("How long can I send it back?")
    assert answer.kind == "quoted"
    assert answer.text in PASSAGE.text
    assert answer.sources[0].title == "Returns › Deadlines"


@pytest.mark.parametrize(
    ("question", "passage", "language", "lead"),
    [
        ("How long can I send it back?", CHINESE, "en", "This text is in Chinese only:"),
        ("多久之内可以寄回？", PASSAGE, "zh", "以下内容只有英语版本："),
        (
            "Combien de temps pour renvoyer un article ?",
            PASSAGE,
            "fr",
            "Ce texte n'existe qu'en anglais\N{NO-BREAK SPACE}:",
        ),
        ("Hur länge kan jag skicka tillbaka en vara?", PASSAGE, "en", ""),
    ],
)
async def test_a_passage_in_another_language_is_shown_as_it_is_after_saying_so(
    question: str, passage: Chunk, language: str, lead: str
) -> None:
    generator = ScriptedGenerator("It can be sent back within 7 days.")
    answer = await answerer({question: [(passage, 0.99)]}, generator).answer(question)
    assert (answer.kind, answer.language) == ("quoted", language)
    said, _, words = answer.text.rpartition("\n\n")
    assert said == lead
    assert words in passage.text
    assert generator.prompts == []


@pytest.mark.parametrize("question", ["price of a Heron", "is EMI available?", "return pls"])
async def test_a_question_that_may_be_in_the_language_of_the_text_gets_it_alone(
    question: str,
) -> None:
    answer = await answerer({question: [(PASSAGE, 0.99)]}).answer(question)
    assert answer.text in PASSAGE.text


async def test_a_model_that_finds_no_answer_leaves_what_was_built() -> None:
    found = {"How long can I return it?": [(PASSAGE, 0.97)]}
    answer = await answerer(found, ScriptedGenerator("NO ANSWER")).answer(
        "How long can I return it?"
    )
    assert answer.kind == "quoted"
    assert "30 days" in answer.text


async def test_a_link_at_the_end_of_a_long_reply_stands_in_its_source() -> None:
    link = "https://shop.example/returns"
    text = "Everybody returning merchandise completes the corresponding questionnaire before. " * 4
    passage = replace(PASSAGE, text=f"{text}The form is at {link}.")
    answer = await answerer({"How do I send it back?": [(passage, 0.9)]}).answer(
        "How do I send it back?"
    )
    assert link in answer.text
    assert link in answer.sources[0].quote


async def test_a_generator_that_is_down_costs_nothing_but_the_wording() -> None:
    generator = ScriptedGenerator(ModelUnavailable("down"))
    found = {"How long can I return it?": [(PASSAGE, 0.9)]}
    answer = await answerer(found, generator).answer("How long can I return it?")
    assert answer.kind == "quoted"


@pytest.mark.parametrize(
    ("message", "intent"),
    [("Hello!", "greeting"), ("谢谢", "thanks"), ("I want to talk to a person", "person")],
)
async def test_a_message_that_is_no_question_is_not_searched_for(message: str, intent: str) -> None:
    retriever = ScriptedRetriever({})
    made = Answerer(retriever, Replier(), None, policy=POLICY, today=lambda: TODAY)
    answer = await made.answer(message)
    assert (answer.kind, answer.intent) == ("smalltalk", intent)
    assert retriever.asked == []


async def test_no_person_is_promised_where_nobody_can_be_called() -> None:
    answer = await answerer({}).answer("I want to talk to a person")
    assert answer.text.startswith("I cannot call a person from here.")


@pytest.mark.parametrize("message", ["🚲❓", "🚲 ❔", "🚲❓\ufe0f"])
async def test_emoji_with_a_question_mark_are_a_question(message: str) -> None:
    read = "🚲 ?" if " " in message else "🚲?"
    assert (await answerer({read: [(ENTRY, 0.9)]}).answer(message)).text == ENTRY.answer


async def test_what_was_found_before_is_not_searched_for_again() -> None:
    retriever = ScriptedRetriever({"When do you open?": [(ENTRY, 0.9)]})
    made = Answerer(retriever, Replier(), None, policy=POLICY, today=lambda: TODAY)
    found = await made.evaluate("When do  you open?")
    answer = await made.answer("When do  you open?", found=found)
    assert answer.text == "At nine."
    assert retriever.asked == ["When do you open?"]


async def test_who_wants_a_person_is_told_where_to_find_one() -> None:
    policy = replace(POLICY, contact="help@finch.example")
    asked = Answerer(ScriptedRetriever({}), Replier(), None, policy=policy, today=lambda: TODAY)
    assert "help@finch.example" in (await asked.answer("I want to talk to a person")).text
    nobody = await answerer({}).answer("I want to talk to a person")
    assert nobody.text == service_text("person_elsewhere", "en")


@pytest.mark.parametrize("message", ["ope\u200bning?", "\u2066opening?\u2069", "\u00adopening?"])
async def test_characters_that_nobody_sees_are_not_read(message: str) -> None:
    assert (await answerer({"opening?": [(ENTRY, 0.9)]}).answer(message)).text == "At nine."


async def test_a_message_whose_mood_cannot_be_told_is_answered() -> None:
    class Down(WordEmbedder):
        async def embed_query(self, text: str) -> Vector:
            raise ModelUnavailable("down")

    weights = np.zeros((1, 64), np.float32)
    bias = np.ones(1, np.float32)
    moods = Moods(Down(), ("angry",), weights, bias, np.ones((1, 1), np.float32), bias)
    found = ScriptedRetriever({"opening?": [(ENTRY, 0.9)]})
    asked = Answerer(found, Replier(), None, policy=POLICY, today=lambda: TODAY, moods=moods)
    assert (await asked.answer("opening?")).text == "At nine."


async def test_a_very_long_message_is_cut() -> None:
    retriever = ScriptedRetriever({})
    made = Answerer(retriever, Replier(), None, policy=POLICY, today=lambda: TODAY)
    await made.answer("word " * 1000)
    assert all(len(question) <= 200 for question in retriever.asked)


@pytest.mark.parametrize("begin", ["Yes, ", "No. ", "Ja, ", "Sí, ", "Нет, ", "可以，"])
async def test_an_answer_that_begins_with_yes_or_no_says_to_what(begin: str) -> None:
    entry = replace(ENTRY, answer=f"{begin}from nine.")
    found = {question: [(entry, 0.9)] for question in ("Hours of the shop?", ENTRY.text)}
    made = answerer(found)
    assert (await made.answer("Hours of the shop?")).text == f"{ENTRY.text}\n{begin}from nine."
    assert (await made.answer(ENTRY.text)).text == f"{begin}from nine."


@pytest.mark.parametrize(
    "question",
    [
        "Can I cancel if it has already been shipped?",
        "Kann ich stornieren, wenn es schon verschickt ist?",
        "¿Puedo cancelar si ya ha salido?",
        "Можно отменить, если заказ уже отправлен?",
        "已经发货了还能取消吗？",
    ],
)
async def test_a_yes_to_a_question_without_its_condition_is_given_under_a_reservation(
    question: str,
) -> None:
    entry = replace(ENTRY, text="Can I cancel?", answer="Yes, until it is packed.")
    answer = await answerer({question: [(entry, 0.9)]}).answer(question)
    assert answer.hedged
    assert answer.text.endswith(f"{entry.text}\n{entry.answer}")


async def test_a_yes_under_the_condition_that_was_asked_for_is_sure() -> None:
    question = "Can I cancel if it is already packed?"
    for answered in ("Yes, until it is packed.", "Open “My orders” and press “Cancel”."):
        entry = replace(ENTRY, text="Can I cancel?", answer=answered)
        assert not (await answerer({question: [(entry, 0.9)]}).answer(question)).hedged


async def test_a_follow_up_too_short_to_tell_is_in_the_language_of_the_one_before() -> None:
    before = [Turn("¿Cuánto cuesta el envío a Ibiza?", "6,50 €")]
    asked = "y a partir de qué compra es gratis?"
    assert (await answerer({}).answer(asked)).language == "en"
    assert (await answerer({}).answer(asked, history=before)).language == "es"


async def test_a_reply_with_a_reservation_is_in_the_language_of_its_customer() -> None:
    answer = await answerer({"Wann öffnen Sie morgens?": [(ENTRY, 0.5)]}).answer(
        "Wann öffnen Sie morgens?"
    )
    assert answer.hedged
    assert answer.language == "de"


async def test_an_approved_translation_is_given_word_for_word() -> None:
    class Translated(Curations):
        def __init__(self) -> None:
            pass

        async def translation(self, chunk_id: str, language: str) -> str:
            return {"de": "Wir öffnen morgens um neun Uhr."}.get(language, "")

    asked = "Wann öffnen Sie morgens?"
    made = Answerer(
        ScriptedRetriever({asked: [(ENTRY, 0.9)], "When do you open?": [(ENTRY, 0.9)]}),
        Replier(),
        None,
        policy=POLICY,
        today=lambda: TODAY,
        translations=Translated(),
    )
    answer = await made.answer(asked)
    assert (answer.text, answer.language) == ("Wir öffnen morgens um neun Uhr.", "de")
    assert answer.sources[0].quote == ENTRY.answer
    assert (await made.answer("When do you open?")).text == ENTRY.answer


@pytest.mark.parametrize(
    ("question", "text", "language"),
    [
        ("Can I bring my dog?", "Dogs may come if they sit in a double.", "en"),
        ("Darf ich den Hund mitbringen?", "Hunde sind erlaubt, wenn eine Decke dabei ist.", "de"),
        ("¿Puedo cancelar?", "La reserva se anula gratis si nos avisa un día antes.", "es"),
        ("Можно вернуть товар?", "Товар принимаем назад, если сохранён чек.", "ru"),
        ("可以退货吗？", "七天内如果包装完好即可退货。", "zh"),
    ],
)
async def test_a_condition_answers_a_yes_no_question_with_it_depends(
    question: str, text: str, language: str
) -> None:
    passage = replace(PASSAGE, text=text, language=language)
    answer = await answerer({question: [(passage, 0.9)]}).answer(question)
    assert answer.text == service_text("depends", language, text=text)
    assert answer.sources[0].quote == text
    hedged = await answerer({question: [(passage, 0.5)]}).answer(question)
    assert service_text("depends", language, text="") not in hedged.text


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("How long may dogs stay?", "Dogs may stay an hour if they sit in a double."),
        ("Can I bring my dog?", "Dogs may not come if they weigh more than 20 kg."),
        ("Can I bring my dog?", "Yes, if it sits in a double."),
        ("Can I bring my dog?", "Never bring a dog. Cats are welcome if they are small."),
        ("Can I bring my dog?", "Dogs are welcome on the boards."),
        ("Can I bring my dog?", "Dogs are welcome; ask if they may swim."),
        ("What about my dog?", "Dogs may come if they sit in a double."),
    ],
)
async def test_what_is_no_condition_of_a_yes_is_quoted_alone(question: str, text: str) -> None:
    passage = replace(PASSAGE, text=text)
    answer = await answerer({question: [(passage, 0.9)]}).answer(question)
    assert (answer.kind, answer.text) == ("quoted", text)


async def test_a_reservation_and_another_language_are_said_in_one_sentence() -> None:
    asked = "Wann öffnen Sie morgens?"
    answer = await answerer({asked: [(ENTRY, 0.5)]}).answer(asked)
    assert answer.hedged
    lead = "Vielleicht ist es das, was Sie suchen (den Text gibt es nur auf Englisch):"
    assert answer.text == f"{lead}\n\nAt nine."
