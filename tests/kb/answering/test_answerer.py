"""From what was found to a reply: which kind, with which sources, in which language."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from core.careful import Rules, Scope, Tier
from core.errors import ModelUnavailable
from core.types import AnswerEvent, Chunk, Draft, Hit, Sentence, Turn, Waiting
from db.careful import CarefulStart
from db.curation import Curations
from kb.answering.answerer import Answerer, Policy
from kb.answering.reply import Replier
from kb.answering.texts import service_text
from kb.answering.writer import Writer
from kb.ranking.retriever import Retrieval
from kb.text.stems import stems
from tests.fakes import ScriptedGenerator

pytestmark = pytest.mark.anyio

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


class ScriptedRetriever:
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


KAYAK = replace(PASSAGE, text="The kayak costs 18.00 € per day. We are open all year.")


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
        ("Combien de temps pour renvoyer un article ?", PASSAGE, "en", ""),
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


@pytest.mark.parametrize("alone", [0.1, POLICY.answer_at + 0.05])
async def test_a_follow_up_is_also_tried_in_its_context(alone: float) -> None:
    class Contextual(ScriptedRetriever):
        async def retrieve(self, question: str, *, k: int = 10, today: str = "") -> Retrieval:
            known = "abroad" in question and "delivery" in question
            self.found = {question: [(ENTRY, 0.9)] if known else [(OTHER, alone)]}
            return await super().retrieve(question, k=k, today=today)

    made = Answerer(Contextual({}), Replier(), None, policy=POLICY, today=lambda: TODAY)
    history = [Turn("How long does delivery take?", "Three days.")]
    answer = await made.answer("and for abroad?", history=history)
    assert answer.text == ENTRY.answer


async def test_two_questions_in_one_message_are_answered_one_by_one() -> None:
    found = {
        "When do you open?": [(ENTRY, 0.9)],
        "When do you close?": [(OTHER, 0.9)],
    }
    answer = await answerer(found).answer("When do you open? When do you close?")
    assert answer.kind == "faq"
    assert "At nine." in answer.text
    assert "At six." in answer.text
    assert len(answer.sources) == 2


async def test_the_customers_words_do_not_come_back_as_a_link() -> None:
    found = {
        "When do you open?": [(ENTRY, 0.9)],
        "Is [it](https://evil.example) closed?": [(OTHER, 0.9)],
    }
    asked = "When do you open? Is [it](https://evil.example) closed?"
    answer = await answerer(found).answer(asked)
    assert answer.text == "When do you open?\nAt nine.\n\nWhen do you close?\nAt six."


async def test_of_two_questions_the_one_that_is_not_known_is_said_to_be_not_known() -> None:
    answer = await answerer({"When do you open?": [(ENTRY, 0.9)]}).answer(
        "When do you open? Do you sell used caravans?"
    )
    assert answer.text.startswith("When do you open?\nAt nine.")
    assert answer.text.endswith("I don't know the answer to the rest of your question. " + NOTED)
    assert answer.unanswered == "Do you sell used caravans?"


async def test_a_part_that_is_not_known_is_said_in_another_language_too() -> None:
    found = {"Wann öffnen Sie morgens?": [(ENTRY, 0.9)]}
    answer = await answerer(found).answer("Wann öffnen Sie morgens und bis wann liefern Sie aus?")
    lead = "Diesen Text gibt es nur auf Englisch:"
    assert answer.text.startswith(f"{lead}\n\nWhen do you open?\nAt nine.")
    assert answer.unanswered == "Bis wann liefern Sie aus?"


@pytest.mark.parametrize(
    ("first", "joint", "second"),
    [
        ("How much is a rehair?", " and ", "Do you do it express?"),
        ("Was kostet ein neuer Bezug?", " und ", "Macht ihr das auch express?"),
        ("¿Cuánto cuesta el encerdado?", " y ", "Lo hacen exprés?"),
        ("Сколько стоит новый волос?", " и ", "Делаете ли вы это срочно?"),
        ("换弓毛多少钱", "，", "可以加急吗？"),
    ],
)
async def test_a_second_question_that_only_the_first_makes_sure_is_said_to_be_not_known(
    first: str, joint: str, second: str
) -> None:
    context = [f"{first.rstrip('?')} {second.rstrip('?？')}", f"{first} {second}"]
    message = first.rstrip("?") + joint + second[0].lower() + second[1:]
    found = {question: [(ENTRY, 0.9)] for question in (first, message, *context)}
    answer = await answerer(found, reader=WordReader()).answer(message)
    assert ENTRY.answer in answer.text
    assert answer.unanswered == second


async def test_a_second_question_is_answered_by_the_text_that_answers_the_first() -> None:
    entry = replace(ENTRY, answer="At nine. Dogs may come too.")
    message = "When do you open and may dogs come?"
    asked = ("When do you open?", "When do you open May dogs come", message)
    found = {question: [(entry, 0.9)] for question in asked}
    answer = await answerer(found, reader=WordReader()).answer(message)
    assert (answer.text, answer.unanswered) == (entry.answer, "")


async def test_a_remark_is_no_question_of_its_own() -> None:
    message = "How long can I send it back? Refunds take working days?"
    first = "How long can I send it back?"
    remark = {"Refunds take working days?": [(PASSAGE, 0.1)]}
    found = {first: [(PASSAGE, 0.9)], message: [(PASSAGE, 0.9)], **remark}
    answer = await answerer(found).answer(message)
    assert answer.kind == "quoted"
    assert "30 days" in answer.text
    assert "5 working days" in answer.text


async def test_an_entry_beside_a_passage_is_shown_without_marks() -> None:
    entry = replace(ENTRY, answer="At **nine**.")
    found = {"When do you open?": [(entry, 0.9)], "How long do refunds take?": [(PASSAGE, 0.9)]}
    answer = await answerer(found).answer("When do you open? How long do refunds take?")
    assert answer.kind == "composed"
    assert answer.text.startswith("When do you open?\nAt nine.\n\nDeadlines:\nSend it back")


@pytest.mark.parametrize("message", ["🚲❓", "🚲 ❔", "🚲❓\ufe0f"])
async def test_emoji_with_a_question_mark_are_a_question(message: str) -> None:
    read = "🚲 ?" if " " in message else "🚲?"
    assert (await answerer({read: [(ENTRY, 0.9)]}).answer(message)).text == ENTRY.answer


async def test_each_part_of_a_message_is_searched_for_once() -> None:
    found = {"When do you open?": [(ENTRY, 0.9)], "When do you close?": [(OTHER, 0.9)]}
    retriever = ScriptedRetriever(found)
    made = Answerer(retriever, Replier(), None, policy=POLICY, today=lambda: TODAY)
    await made.answer("When do you open? When do you close?")
    assert retriever.asked == ["When do you open?", "When do you close?"]


async def test_what_was_found_before_is_not_searched_for_again() -> None:
    retriever = ScriptedRetriever({"When do you open?": [(ENTRY, 0.9)]})
    made = Answerer(retriever, Replier(), None, policy=POLICY, today=lambda: TODAY)
    found = await made.evaluate("When do  you open?")
    answer = await made.answer("When do  you open?", found=found)
    assert answer.text == "At nine."
    assert retriever.asked == ["When do you open?"]


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


async def test_a_reply_with_a_reservation_is_in_the_language_of_its_customer() -> None:
    answer = await answerer({"Wann öffnen Sie morgens?": [(ENTRY, 0.5)]}).answer(
        "Wann öffnen Sie morgens?"
    )
    assert answer.hedged
    assert answer.language == "de"


@pytest.mark.parametrize(("second", "parts"), [(0.45, 1), (0.58, 2)])
async def test_parts_none_of_which_is_sure_are_answered_only_if_they_are_likely(
    second: float, parts: int
) -> None:
    asked = "When do you open? When do you close?"
    found = {"When do you open?": [(ENTRY, 0.5)], "When do you close?": [(OTHER, second)]}
    answer = await answerer({**found, asked: [(ENTRY, 0.5)]}).answer(asked)
    assert answer.hedged
    assert len(answer.sources) == parts


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


async def test_a_question_that_is_written_twice_is_answered_once() -> None:
    found = {"When do you open?": [(ENTRY, 0.9)], "When do you close?": [(OTHER, 0.9)]}
    asked = "When do you open? When do you close? When do you open?"
    answer = await answerer(found).answer(asked)
    assert answer.text == "When do you open?\nAt nine.\n\nWhen do you close?\nAt six."


async def test_a_reservation_and_another_language_are_said_in_one_sentence() -> None:
    asked = "Wann öffnen Sie morgens?"
    answer = await answerer({asked: [(ENTRY, 0.5)]}).answer(asked)
    assert answer.hedged
    lead = "Vielleicht ist es das, was Sie suchen (den Text gibt es nur auf Englisch):"
    assert answer.text == f"{lead}\n\nAt nine."


class Rule(CarefulStart):
    """One rule of the careful start."""

    def __init__(self, scope: Scope, name: str, tier: Tier) -> None:
        self.found: Rules = {(scope, name): tier}

    async def rules(self) -> Rules:
        return self.found


def careful_answerer(rule: Rule, probability: float) -> Answerer:
    found = {"opening?": [(replace(ENTRY, category="Shop"), probability), (OTHER, 0.3)]}
    return Answerer(
        ScriptedRetriever(found),
        Replier(),
        None,
        policy=POLICY,
        today=lambda: TODAY,
        careful_rules=rule,
    )


@pytest.mark.parametrize(
    ("rule", "probability", "expected"),
    [
        (Rule("shadow", "", Tier("hold", "hold")), 0.9, "held"),
        (Rule("default", "", Tier("send", "hold")), 0.9, "sent"),
        (Rule("default", "", Tier("send", "hold")), 0.5, "held"),
        (Rule("category", "Shop", Tier("hold", "hold")), 0.9, "held"),
        (Rule("category", "Repairs", Tier("hold", "hold")), 0.9, "sent"),
        (Rule("document", "faq.csv", Tier("hedge", "hedge")), 0.9, "hedged"),
        (Rule("document", "faq.csv", Tier("hedge", "hedge")), 0.5, "hedged"),
        (Rule("shadow", "", Tier("hold", "hold")), 0.1, "unknown"),
    ],
)
async def test_a_rule_sends_hedges_or_holds_by_confidence_document_and_category(
    rule: Rule, probability: float, expected: str
) -> None:
    answer = await careful_answerer(rule, probability).answer("opening?")
    became = answer.kind if answer.kind in ("held", "unknown") else "sent"
    assert ("hedged" if answer.hedged else became) == expected


async def test_a_held_answer_is_a_draft_that_its_customer_is_not_told() -> None:
    answer = await careful_answerer(Rule("shadow", "", Tier("hold", "hold")), 0.5).answer(
        "opening?"
    )
    assert answer.draft == Draft("At nine.", "faq.csv", "Shop")
    assert answer.text == service_text("held_elsewhere", "en")
    assert not answer.hedged


async def test_one_held_part_holds_the_message_and_nothing_is_streamed() -> None:
    found = {"When do you open?": [(ENTRY, 0.9)], "How do I return it?": [(PASSAGE, 0.9)]}
    generator = ScriptedGenerator(*["Send it back within 30 days."] * 2)
    events: list[AnswerEvent] = []

    async def on_event(event: AnswerEvent) -> None:
        events.append(event)

    rule = Rule("document", "returns.md", Tier("hold", "hold"))
    answerer = Answerer(
        ScriptedRetriever(found),
        Replier(),
        Writer(generator, max_tokens=60, timeout_s=9),
        policy=POLICY,
        today=lambda: TODAY,
        careful_rules=rule,
    )
    both = await answerer.answer("When do you open? How do I return it?")
    assert both.kind == "held"
    assert both.draft is not None
    assert "At nine." in both.draft.text
    alone = await answerer.answer("How do I return it?", on_event=on_event)
    assert (alone.kind, events) == ("held", [])
