"""Answers that the rules of the careful start hold or hedge."""

from dataclasses import replace

import pytest

from core.careful import Rules, Scope, Tier
from core.types import AnswerEvent, Draft
from db.careful import CarefulStart
from kb.answering.answerer import Answerer
from kb.answering.reply import Replier
from kb.answering.texts import service_text
from kb.answering.writer import Writer
from tests.fakes import ScriptedGenerator
from tests.kb.answering.scripted import ENTRY, OTHER, PASSAGE, POLICY, TODAY, ScriptedRetriever

pytestmark = pytest.mark.anyio


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
