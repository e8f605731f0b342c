"""Findings as sentences for operators."""

from collections.abc import Mapping, Sequence

from core.shown import short
from core.types import Finding, FindingKind
from core.wording import N_, told, tr

_ALONE: Mapping[FindingKind, str] = {
    "address": N_("leads to an address that nothing else in the knowledge base has,"),
    "model": N_("this speaks to a model, not to a reader:"),
    "contact": N_("another link or telephone number:"),
    "secret": N_("names what customers should keep to themselves or pay with:"),
}
_TOGETHER: Mapping[FindingKind, str] = {
    "conflict": N_(
        "%(here)s: “%(text)s” is answered otherwise in %(there)s: “%(mine)s” here, "
        "“%(theirs)s” there."
    ),
    "figure": N_("%(here)s: %(mine)s where %(there)s has %(theirs)s: “%(text)s” and “%(other)s”."),
    "near": N_("%(here)s: “%(text)s” is much like “%(other)s” in %(there)s."),
}
FINDINGS: Mapping[FindingKind, str] = {
    "conflict": N_("conflict"),
    "figure": N_("differs"),
    "near": N_("alike"),
    "address": N_("new link"),
    "model": N_("orders"),
    "contact": N_("contact"),
    "secret": N_("secret"),
}
"""The label of a finding."""
_SHOWN_CHARS = 160
_NAMED = 5
"""Findings that the sentence of a held change names."""


def describe(finding: Finding) -> str:
    """Return a finding as a sentence for operators."""
    here = _place(finding.doc_id, finding.location)
    if finding.kind in _ALONE:
        leads = tr(_ALONE[finding.kind])
        found = f"{here}: {leads} “{_cut(finding.mine)}”"
        if finding.theirs:
            found += tr(" in place of “%(text)s”", text=_cut(finding.theirs))
        return tr("%(sentence)s.", sentence=found)
    texts = {
        "here": here,
        "there": _place(finding.other_doc_id, finding.other_location),
        "mine": _cut(finding.mine),
        "theirs": _cut(finding.theirs),
        "text": _cut(finding.text),
        "other": _cut(finding.other_text),
    }
    return tr(_TOGETHER[finding.kind], **texts)


def to_confirm(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings that hold a change back until an editor has seen them."""
    return [finding for finding in findings if finding.kind in ("address", "model")]


def confirmation(waiting: Sequence[Finding]) -> str:
    """Return why a change waits for a person, as sentences."""
    said = [describe(finding) for finding in waiting[:_NAMED]]
    if len(waiting) > _NAMED:
        said.append(tr("And %(count)s more.", count=len(waiting) - _NAMED))
    return " ".join([tr("Held back until confirmed:"), *said, tr("Nothing of it was published.")])


def _cut(text: str) -> str:
    return short(text, _SHOWN_CHARS)


def _place(doc_id: str, location: str) -> str:
    return f"{doc_id}, {told(location)}" if location else doc_id
