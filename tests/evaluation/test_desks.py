"""What a customer got of a desk set: resolved, partly, asked, refused or wrong."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from core.types import Answer, AnswerKind, Turn
from evaluation.desks import (
    DeskOutcome,
    DeskQuestion,
    ask_all,
    evaluate,
    is_desk_set,
    load_desk_set,
    summarise_desk,
)

pytestmark = pytest.mark.anyio

FEE = DeskQuestion("q1", "What does it cost?", "plain", (("40 EUR", "€40"),), (), ())
TWO = replace(FEE, must=(("40 eur",), ("a year", "yearly")), must_not=("50 EUR",))
NONE = replace(FEE, question_id="q2", kind="none", must=())


def reply(text: str, kind: AnswerKind = "faq", *, hedged: bool = False) -> Answer:
    return Answer(kind, text, "en", confidence=0.9, hedged=hedged, timings_ms={"total": 4.0})


# --- verdicts ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "answer", "verdict"),
    [
        (FEE, reply("It costs 40 eur."), "resolved"),
        (FEE, reply("It costs €40.", "quoted"), "resolved"),
        (FEE, reply("It costs 40 EUR.", "composed", hedged=True), "resolved"),
        (TWO, reply("40 EUR, yearly."), "resolved"),
        (TWO, reply("40 EUR."), "partly"),
        (TWO, reply("40 EUR.", hedged=True), "partly"),
        (FEE, reply("It is blue."), "wrong"),
        (FEE, reply("It is blue.", hedged=True), "hedged_wrong"),
        (TWO, reply("40 EUR a year, or 50 eur."), "wrong"),
        (TWO, reply("40 EUR, or 50 EUR.", hedged=True), "hedged_wrong"),
        (FEE, reply("I don't know. Not even 40 EUR.", "unknown"), "refused"),
        (FEE, reply("You are welcome. 40 EUR.", "smalltalk"), "refused"),
        (NONE, reply("I don't know.", "unknown"), "none_refused"),
        (NONE, reply("Hello!", "smalltalk"), "none_refused"),
        (NONE, reply("It is blue."), "none_wrong"),
        (NONE, reply("It is blue.", hedged=True), "none_hedged_wrong"),
    ],
)
def test_a_reply_is_judged_by_its_facts(
    question: DeskQuestion, answer: Answer, verdict: str
) -> None:
    assert evaluate(question, answer) == verdict


@pytest.mark.parametrize(
    ("more", "verdict"),
    [("word " * 88, "resolved"), ("word " * 89, "overlong")],
)
def test_a_reply_of_more_than_ninety_words_is_overlong(more: str, verdict: str) -> None:
    assert evaluate(FEE, reply(f"{more} 40 EUR")) == verdict


@pytest.mark.parametrize(("count", "verdict"), [(176, "resolved"), (177, "overlong")])
def test_two_chinese_characters_are_one_word(count: int, verdict: str) -> None:
    assert evaluate(FEE, reply("字" * count + " 40 EUR")) == verdict


# --- sets --------------------------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "faq.md").write_text("## Fee?\n40 EUR")
    lines = [
        {"id": 7, "question": "Fee?", "lang": "en", "kind": "plain", "must": [["40", "forty"]]},
        {"id": "8", "question": "And yours?", "must": [], "must_not": ["x"], "history": ["Fee?"]},
    ]
    text = "\n\n".join(json.dumps(line) for line in lines)
    (tmp_path / "questions.jsonl").write_text(text)
    return tmp_path


def test_a_desk_set_has_files_and_questions(desk: Path) -> None:
    assert is_desk_set(desk)
    files, (first, second) = load_desk_set(desk)
    assert files == {"faq.md": b"## Fee?\n40 EUR"}
    assert first == DeskQuestion("7", "Fee?", "plain", (("40", "forty"),), (), ())
    assert second == DeskQuestion("8", "And yours?", "", (), ("x",), ("Fee?",))


def test_another_folder_is_no_desk_set(desk: Path, tmp_path: Path) -> None:
    (tmp_path / "questions.jsonl").rename(tmp_path / "queries.jsonl")
    assert not is_desk_set(tmp_path)


async def test_each_question_is_asked_in_a_conversation_of_its_own(desk: Path) -> None:
    _, questions = load_desk_set(desk)
    asked: list[tuple[str, list[Turn]]] = []

    async def ask(text: str, turns: Sequence[Turn]) -> Answer:
        asked.append((text, list(turns)))
        return reply(f"re: {text} 40")

    seen: list[DeskOutcome] = []
    outcomes = await ask_all(questions, ask, seen.append)
    assert asked == [
        ("Fee?", []),
        ("Fee?", []),
        ("And yours?", [Turn("Fee?", "re: Fee? 40")]),
    ]
    assert [outcome.verdict for outcome in outcomes] == ["resolved", "none_wrong"]
    assert seen == outcomes


# --- figures -----------------------------------------------------------------------------------


def outcomes_of(*pairs: tuple[DeskQuestion, Answer]) -> list[DeskOutcome]:
    return [DeskOutcome(question, evaluate(question, answer), answer) for question, answer in pairs]


def test_shares_are_of_what_can_be_answered_and_of_all() -> None:
    unsure = replace(reply("It is blue."), confidence=0.5)
    figures = summarise_desk(
        "set",
        outcomes_of(
            (FEE, reply("40 EUR")),
            (FEE, unsure),
            (FEE, reply("It is blue.", hedged=True)),
            (replace(FEE, kind="typo"), reply("?", "unknown")),
            (NONE, reply("It is blue.")),
        ),
    )
    assert (figures["n"], figures["answerable"]) == (5, 4)
    assert figures["resolved"] == 0.25
    assert figures["wrong_share"] == 0.4
    assert figures["hedged_wrong_share"] == 0.2
    assert (figures["at_80"], figures["right_at_80"]) == (3, 0.333)
    assert figures["verdicts"] == {
        "resolved": 1,
        "wrong": 1,
        "hedged_wrong": 1,
        "refused": 1,
        "none_wrong": 1,
    }
    assert figures["kinds"] == {
        "none": {"none_wrong": 1},
        "plain": {"resolved": 1, "wrong": 1, "hedged_wrong": 1},
        "typo": {"refused": 1},
    }
    assert figures["p50_ms"] == 4.0


def test_nothing_asked_has_figures_too() -> None:
    figures = summarise_desk("set", [])
    assert (figures["n"], figures["resolved"], figures["right_at_80"]) == (0, 0, 0)
