"""The page of the careful start: which answers are sent at once, and which by a person."""

import logging
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from console.form import Refused, fields_of
from console.operator import Records
from console.pages import Pages
from core.careful import SCOPES, STEPS, Rules, Scope, Step, Tier, step_of
from core.errors import AnswerdeskError
from core.wording import N_, tr
from kb.releases.entries import Entries

logger = logging.getLogger(__name__)

_WEEK_S = 7 * 86_400
_AGREEMENT_DAYS = 28
_COUNTED_S = 300.0
"""Seconds for which last week's answers stay counted: 100,000 take about a second."""
_CHANGES = 20
_MOST_CHARS = 500
"""Characters of a name, and of a reason."""
STEP_NAMES: Mapping[Step, str] = {
    "send": N_("Send"),
    "hedge": N_("Send with “may be”"),
    "hold": N_("Hold for a person"),
}
_SCOPE_NAMES: Mapping[Scope, str] = {
    "default": N_("All others"),
    "document": N_("Document"),
    "category": N_("Category"),
    "shadow": N_("Shadow mode: everything"),
}
AGREEMENTS = {
    "as_is": N_("Sent as drafted"),
    "edited": N_("Edited"),
    "own": N_("Own words"),
    "discarded": N_("Discarded"),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that may be set."""

    scope: Scope
    name: str
    tier: Tier | None
    """``None``: it is taken back."""

    def among(self, rules: Rules) -> Rules:
        """Return the current rules with this one added."""
        others = {key: tier for key, tier in rules.items() if key != (self.scope, self.name)}
        return others | ({(self.scope, self.name): self.tier} if self.tier else {})


@dataclass(kw_only=True)
class CarefulPages:
    """Endpoints of the page."""

    pages: Pages
    records: Records
    entries: Entries
    answer_at: float
    """Confidence from which an answer is sure."""

    def __post_init__(self) -> None:
        self._counted: tuple[Counter[tuple[str, str, bool]], int] = (Counter(), 0)
        self._counted_at = -_COUNTED_S

    async def show(self, request: Request) -> Response:
        """Show the rules; with one in the address, what it would have done to last week's
        answers."""
        asked = request.query_params
        return await self._page(_rule(asked) if asked.get("scope") else None)

    async def set(self, request: Request) -> Response:
        """Set a rule, or take it back, with the reason."""
        fields = await fields_of(request)
        rule, reason = _rule(fields), " ".join(fields["reason"].split())
        if rule is None:
            raise Refused(
                tr("A rule needs what it is for; of a document or category, the name."), 400
            )
        if not 0 < len(reason) <= _MOST_CHARS:
            notice = tr("Say why, in 1 to %(most)s characters.", most=_MOST_CHARS)
            return await self._page(rule, notice=notice, status=422)
        await self.records.careful.set(rule.scope, rule.name, rule.tier, reason=reason)
        steps = f"{rule.tier.sure}, {rule.tier.unsure}" if rule.tier else "taken back"
        request.state.about = f"{rule.scope} {rule.name}: {steps}; {reason}"
        return RedirectResponse("/console/careful", 303)

    async def _page(self, rule: Rule | None, *, notice: str = "", status: int = 200) -> Response:
        rules = await self.records.careful.rules()
        if time.monotonic() - self._counted_at >= _COUNTED_S:
            self._counted, self._counted_at = await self._given(), time.monotonic()
        given, unknown = self._counted
        live = await self.records.releases.live_number()
        agreement = await self.records.drafts.agreement(
            since=time.time() - _AGREEMENT_DAYS * 86_400
        )
        return self.pages.response(
            "careful.html",
            status=status,
            notice=notice,
            rules=rules,
            rule=rule,
            now=_outcome(given, rules),
            then=_outcome(given, rule.among(rules)) if rule else None,
            total=given.total(),
            unknown=unknown,
            steps=STEP_NAMES,
            scopes=_SCOPE_NAMES,
            documents=sorted(await self.records.releases.documents(live)),
            categories=sorted({category for _, category, _ in given if category}),
            changes=await self.records.careful.changes(limit=_CHANGES),
            agreement=agreement,
            agreements=AGREEMENTS,
            days=_AGREEMENT_DAYS,
            most=_MOST_CHARS,
        )

    async def _given(self) -> tuple[Counter[tuple[str, str, bool]], int]:
        """Count last week's answers by document, category and whether they were sure; and those
        whose first source is not live any more."""
        since = time.time() - _WEEK_S
        given = await self.records.careful.given(since=since, answer_at=self.answer_at)
        try:
            chunks = await self.entries.named(sorted({one.chunk_id for one in given}))
        except AnswerdeskError as error:
            logger.warning("The sources of last week's answers cannot be looked up: %s", error)
            chunks = []
        known = {chunk.chunk_id: (chunk.doc_id, chunk.category) for chunk in chunks}
        found: Counter[tuple[str, str, bool]] = Counter()
        for one in given:
            found[*known.get(one.chunk_id, ("", "")), one.sure] += one.count
        return found, sum(one.count for one in given if one.chunk_id not in known)


def _rule(fields: Mapping[str, str]) -> Rule | None:
    """Return the rule that a form describes; ``None`` if it describes none."""
    scope, name = fields.get("scope", ""), fields.get("name", "").strip()[:_MOST_CHARS]
    sure, unsure = fields.get("sure", ""), fields.get("unsure", "")
    if scope not in SCOPES:
        return None
    if scope in ("default", "shadow"):
        name = ""
    elif not name:
        return None
    if sure not in STEPS:
        return Rule(scope, name, None)
    if scope == "shadow":
        return Rule(scope, name, Tier("hold", "hold"))
    at_least = unsure if unsure in STEPS else "hedge"
    # Unsure answers are treated with at least as much care, and never sent as sure.
    careful = max(sure, at_least, "hedge", key=STEPS.index)
    return Rule(scope, name, Tier(sure, careful))


def _outcome(given: Counter[tuple[str, str, bool]], rules: Rules) -> Mapping[Step, int]:
    """Return how many answers would have been sent, hedged and held by rules."""
    counts: Counter[Step] = Counter()
    for (document, category, sure), count in given.items():
        counts[step_of(rules, document, category, sure=sure)] += count
    return counts
