"""How sure the service must be before an answer goes out without a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

Step: TypeAlias = Literal["send", "hedge", "hold"]
"""``hedge``: send with the reservation that it may not be what was asked for. ``hold``: propose the
answer to an operator; the customer is told that a person will reply."""
STEPS: tuple[Step, ...] = get_args(Step)
"""The most careful last."""

Scope: TypeAlias = Literal["default", "document", "category", "shadow"]
"""What a rule is for; ``shadow``, which has no name, holds everything."""
SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclass(frozen=True, slots=True)
class Tier:
    """What happens to answers by their confidence."""

    sure: Step = "send"
    """From ``answers.answer_at``."""
    unsure: Step = "hedge"
    """From ``answers.hedge_at``; below there is no answer. ``hedge`` or ``hold``."""


Rules: TypeAlias = Mapping[tuple[Scope, str], Tier]
"""By what they are for and its name; ``default`` and ``shadow`` have none."""


def step_of(rules: Rules, document: str, category: str, *, sure: bool) -> Step:
    """Return what happens to an answer from a document or to a category of questions.

    Where both have a rule the more careful one counts; the default, where neither has.
    """
    if ("shadow", "") in rules:
        return "hold"
    named: tuple[tuple[Scope, str], ...] = (("document", document), ("category", category))
    own = [rules[key] for key in named if key in rules] or [rules.get(("default", ""), Tier())]
    return max((tier.sure if sure else tier.unsure for tier in own), key=STEPS.index)
