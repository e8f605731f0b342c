"""Messages with several questions, and questions that follow others."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from core.types import Chunk, Turn
from kb.answering.answerer import Answerer
from kb.answering.reply import Replier
from kb.answering.texts import service_text
from kb.ranking.retriever import Retrieval
from kb.text.stems import stems
from tests.kb.answering.scripted import (
    ENTRY,
    NOTED,
    OTHER,
    PASSAGE,
    POLICY,
    TODAY,
    ScriptedRetriever,
    WordReader,
    answerer,
)

pytestmark = pytest.mark.anyio


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


async def test_a_follow_up_with_which_nothing_is_found_in_context_is_answered_alone() -> None:
    found = {"and for abroad?": [(OTHER, 0.6)]}
    history = [Turn("When do you open?", ENTRY.answer)]
    answer = await answerer(found).answer("and for abroad?", history=history)
    assert OTHER.answer in answer.text


class CountingReader:
    """Says that a text answers the likelier the more words of the question it has."""

    async def read(self, question: str, texts: Sequence[str]) -> list[float]:
        return [6.0 * len(set(stems(question)) & set(stems(text))) - 9 for text in texts]


def following(
    asked: str, said: str, hits: Sequence[tuple[Chunk, float]]
) -> tuple[Answerer, Sequence[Turn]]:
    """Return who finds `hits` for what is asked in the context of `asked`, and what was said."""

    class Contextual(ScriptedRetriever):
        async def retrieve(self, question: str, *, k: int = 10, today: str = "") -> Retrieval:
            self.found = {question: hits if asked.rstrip("?") in question else ()}
            return await super().retrieve(question, k=k, today=today)

    replier = Replier(reader=CountingReader())
    made = Answerer(Contextual({}), replier, None, policy=POLICY, today=lambda: TODAY)
    return made, [Turn(asked, said)]


@pytest.mark.parametrize(("alone", "said"), [(0.6, OTHER.answer), (0.1, ENTRY.answer)])
async def test_what_was_told_gives_way_to_a_text_that_a_follow_up_finds_alone(
    alone: float, said: str
) -> None:
    class Contextual(ScriptedRetriever):
        async def retrieve(self, question: str, *, k: int = 10, today: str = "") -> Retrieval:
            self.found = {question: [(ENTRY, 0.95)] if "open" in question else [(OTHER, alone)]}
            return await super().retrieve(question, k=k, today=today)

    made = Answerer(Contextual({}), Replier(), None, policy=POLICY, today=lambda: TODAY)
    history = [Turn("When do you open?", f"{ENTRY.answer} Anything else?")]
    assert said in (await made.answer("and memberships?", history=history)).text


async def test_what_was_told_is_told_again_where_it_says_something_of_what_follows() -> None:
    class Contextual(ScriptedRetriever):
        async def retrieve(self, question: str, *, k: int = 10, today: str = "") -> Retrieval:
            self.found = {question: [(ENTRY, 0.95)] if "open" in question else [(OTHER, 0.6)]}
            return await super().retrieve(question, k=k, today=today)

    replier = Replier(reader=CountingReader())
    made = Answerer(Contextual({}), replier, None, policy=POLICY, today=lambda: TODAY)
    history = [Turn("When do you open?", ENTRY.answer)]
    assert (await made.answer("and at nine?", history=history)).text == ENTRY.answer
    assert OTHER.answer in (await made.answer("and memberships?", history=history)).text


@pytest.mark.parametrize("follow", ["and the other one?", "und der andere?", "¿y el otro?"])
async def test_what_follows_is_answered_by_the_like_of_the_text_that_was_told(follow: str) -> None:
    hours = "Open on workdays from 9:30 to 18:30, closed on Sunday and on public holidays."
    quayside = replace(PASSAGE, title="Stores › QUAYSIDE", text=hours)
    others = hours.replace("9:30 to 18:30", "10:00 to 17:00")
    hillgate = replace(quayside, chunk_id="p2", title="Stores › HILLGATE", text=others)
    made, said = following("When is Quayside open?", "", [(quayside, 0.9), (hillgate, 0.01)])
    told = await made.answer(said[0].question)
    assert "9:30" in told.text
    answer = await made.answer(follow, history=[Turn(said[0].question, told.text)])
    assert "10:00 to 17:00" in answer.text
    assert "9:30" not in answer.text


async def test_a_question_is_not_answered_by_a_text_that_only_the_one_before_finds() -> None:
    made, said = following("When do you open?", ENTRY.answer, [(ENTRY, 0.9)])
    assert (await made.answer("is there coffee", history=said)).kind == "unknown"
    assert (await made.answer("and on holidays?", history=said)).text == ENTRY.answer


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


async def test_each_part_of_a_message_is_searched_for_once() -> None:
    found = {"When do you open?": [(ENTRY, 0.9)], "When do you close?": [(OTHER, 0.9)]}
    retriever = ScriptedRetriever(found)
    made = Answerer(retriever, Replier(), None, policy=POLICY, today=lambda: TODAY)
    await made.answer("When do you open? When do you close?")
    assert retriever.asked == ["When do you open?", "When do you close?"]


@pytest.mark.parametrize(("second", "parts"), [(0.45, 1), (0.58, 2)])
async def test_parts_none_of_which_is_sure_are_answered_only_if_they_are_likely(
    second: float, parts: int
) -> None:
    asked = "When do you open? When do you close?"
    found = {"When do you open?": [(ENTRY, 0.5)], "When do you close?": [(OTHER, second)]}
    answer = await answerer({**found, asked: [(ENTRY, 0.5)]}).answer(asked)
    assert answer.hedged
    assert len(answer.sources) == parts


async def test_only_the_part_that_is_not_sure_has_a_reservation() -> None:
    found = {"When do you close?": [(OTHER, 0.5)], "When do you open?": [(ENTRY, 0.9)]}
    answer = await answerer(found).answer("When do you close? When do you open?")
    lead = service_text("hedge", "en")
    assert answer.text == f"When do you open?\nAt nine.\n\n{lead}\n\nWhen do you close?\nAt six."
    assert not answer.hedged
    assert answer.confidence == pytest.approx(0.5)


async def test_a_question_that_is_written_twice_is_answered_once() -> None:
    found = {"When do you open?": [(ENTRY, 0.9)], "When do you close?": [(OTHER, 0.9)]}
    asked = "When do you open? When do you close? When do you open?"
    answer = await answerer(found).answer(asked)
    assert answer.text == "When do you open?\nAt nine.\n\nWhen do you close?\nAt six."
