"""What a refresh did, for operators and for programs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from core.types import IngestReport, Skipped
from core.wording import tr
from jobs.schedule import JobReport
from kb.review.most_asked import answers_text

_LINES = 20
"""Of files that were not taken; the table of runs has them all."""


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What a refresh found in one source."""

    name: str
    location: str
    kind: str = "folder"
    files: int = 0
    new: int = 0
    changed: int = 0
    gone: int = 0
    held: str = ""
    """Why nothing of it was published; empty if it was."""
    skipped: tuple[Skipped, ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict)
    """Why single files were not taken, by document id; what stood there stays."""


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """What a refresh did, or would do."""

    sources: tuple[SourceReport, ...]
    ingest: IngestReport
    answers: int | None = None
    """Answers of the last weeks that rest on a text which is no longer there; ``None``: unknown."""

    def text(self) -> str:
        """Return the report as a sentence or more for operators."""
        new, changed, gone = (
            sum(getattr(s, name) for s in self.sources) for name in ("new", "changed", "gone")
        )
        kept = sum(file.unchanged for file in self.ingest.files)
        parts = [
            tr(
                "+%(new)s files, %(changed)s changed, %(gone)s gone",
                new=new,
                changed=changed,
                gone=gone,
            ),
            tr(
                "%(count)s texts embedded, %(kept)s chunks kept",
                count=self.ingest.embedded,
                kept=kept,
            ),
        ]
        if self.answers is not None:
            parts.append(tr("%(count)s answers may change", count=self.answers))
        parts.append(tr("release %(number)s", number=self.ingest.release))
        lines = [tr("%(sentence)s.", sentence="; ".join(parts))]
        if self.ingest.held:
            remedy = tr(
                "If that is right, accept it on the first page of the console, or run "
                "`answerdesk refresh --anyway` once."
            )
            lines = [f"{self.ingest.held} {remedy}"]
        else:
            lines += answers_text(self.ingest)
        lines += [f"{source.name}: {source.held}" for source in self.sources if source.held]
        errors = [error for source in self.sources for error in source.errors.values()]
        lines += errors[:_LINES]
        if len(errors) > _LINES:
            more = len(errors) - _LINES
            lines.append(tr("… and %(count)s more files were not taken.", count=more))
        unfit = [reason for file in self.ingest.files for reason in file.unfit]
        lines += [tr("To review: %(reason)s", reason=reason) for reason in unfit]
        return "\n".join(lines)

    def job_report(self) -> JobReport:
        """Return the report for the table of runs."""
        held = self.ingest.held or any(s.held or s.errors for s in self.sources)
        detail = {
            "tell": any(source.new or source.changed or source.gone for source in self.sources),
            "release": self.ingest.release,
            "embedded": self.ingest.embedded,
            "answers": self.answers,
            "held": self.ingest.held,
            "changed_answers": [asdict(change) for change in self.ingest.answers],
            "seconds": round(self.ingest.seconds, 3),
            "sources": [
                asdict(source)
                | {
                    "skipped": [
                        {"location": s.location, "reason": s.reason} for s in source.skipped
                    ]
                }
                for source in self.sources
            ],
        }
        return JobReport(self.text(), "held" if held else "done", detail)
