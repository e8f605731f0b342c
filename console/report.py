"""A change as pages show it, before and after: counts, findings, answers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.types import FileReport, FindingKind, IngestReport, Skipped
from core.wording import N_, ntr, tr
from db.figures import Figures
from kb.parse.faq.columns import described
from kb.releases.upload import changes_something
from kb.review.finding_text import FINDINGS, describe, to_confirm
from kb.review.most_asked import answers_text, own_known

_COLUMNS = (
    (N_("New"), "added"),
    (N_("Changed"), "changed"),
    (N_("Removed"), "removed"),
    (N_("Unchanged"), "unchanged"),
    (N_("Elsewhere too"), "duplicates"),
)
_SHOWN = 100
"""Findings, and skipped parts, of one preview."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page of an upload shows besides the counts of its report."""

    summary: str = ""
    """What applying does, in words."""
    columns: Sequence[tuple[str, str]] = ()
    offers: Sequence[tuple[str, str]] = ()
    """What the columns of a table may mean: for people, and as the form gives it."""
    """Of the table of files, those that say something: heading, and name of the count."""
    findings: Sequence[tuple[FindingKind, str, str]] = ()
    """Kind, label and sentence."""
    more_findings: int = 0
    unfit: Sequence[str] = ()
    """Operators' edits that no longer fit."""
    skipped: Sequence[tuple[str, Skipped]] = ()
    """Document and place."""
    more_skipped: int = 0
    changes: bool = False
    """Whether there was anything to apply."""
    waits: bool = False
    """Whether it will be held back, or is, until somebody confirms it."""


async def answers_of(report: IngestReport | None, figures: Figures) -> dict[str, Any]:
    """Return what a change does to answers, for `_changes.html`; nothing if it was held back."""
    if report is None or report.held:
        return {"answers": (), "changes": (), "asked": {}}
    asked = await figures.named([*report.own, *report.answers])
    lines = answers_text(replace(report, own=()), asked)
    return {
        "answers": [line for line in lines if not line.startswith("- ")],
        "changes": [*own_known(report.own, asked), *report.golden, *report.answers],
        "asked": asked,
    }


def shown_of(report: IngestReport | None) -> Shown:
    """Return what a page says of a report beside its counts."""
    if report is None:
        return Shown()
    skipped = [(file.doc_id, part) for file in report.files for part in file.skipped]
    return Shown(
        summary=_summary(report.files),
        columns=[
            (heading, name)
            for heading, name in _COLUMNS
            if any(getattr(file, name) for file in report.files)
        ],
        offers=[
            (described(offer), offer)
            for offer in dict.fromkeys(o for _, part in skipped for o in part.columns)
        ],
        findings=[(f.kind, FINDINGS[f.kind], describe(f)) for f in report.findings[:_SHOWN]],
        more_findings=max(0, len(report.findings) - _SHOWN),
        unfit=[reason for file in report.files for reason in file.unfit],
        skipped=skipped[:_SHOWN],
        more_skipped=max(0, len(skipped) - _SHOWN),
        changes=changes_something(report),
        waits=bool(to_confirm(report.findings)) or any(one.expected for one in report.golden),
    )


def _summary(files: Sequence[FileReport]) -> str:
    """Return what applying would do to entries and passages, as a sentence."""
    added, changed, removed = (
        sum(getattr(file, name) for file in files) for name in ("added", "changed", "removed")
    )
    parts = [
        ntr("adds %(num)s piece", "adds %(num)s pieces", added) if added else "",
        ntr("changes %(num)s piece", "changes %(num)s pieces", changed) if changed else "",
        ntr("removes %(num)s piece", "removes %(num)s pieces", removed) if removed else "",
    ]
    done = ", ".join(filter(None, parts))
    return tr("Applying %(what)s.", what=done) if done else ""
