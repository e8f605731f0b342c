"""What a refresh did, for operators and for programs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from core.types import IngestReport, Skipped
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
            f"+{new} files, {changed} changed, {gone} gone",
            f"{self.ingest.embedded} texts embedded, {kept} chunks kept",
            *([f"{self.answers} answers may change"] if self.answers is not None else []),
            f"release {self.ingest.release}",
        ]
        lines = ["; ".join(parts) + "."]
        if self.ingest.held:
            lines = [
                f"{self.ingest.held} If that is right, run `answerdesk refresh --anyway` once."
            ]
        else:
            lines += answers_text(self.ingest)
        lines += [f"{source.name}: {source.held}" for source in self.sources if source.held]
        errors = [error for source in self.sources for error in source.errors.values()]
        lines += errors[:_LINES]
        if len(errors) > _LINES:
            lines.append(f"… and {len(errors) - _LINES} more files were not taken.")
        lines += [f"To review: {reason}" for file in self.ingest.files for reason in file.unfit]
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
