"""What operators read about the files they sent. Pure functions."""

from core.types import FileReport, IngestReport
from kb.review.findings import describe
from kb.review.most_asked import answers_text

DOWNLOAD_LIMIT = (
    "Telegram gives bots files of up to 20 MB only, and {names} is larger. Send it in parts or on "
    "the console's page of files, run `answerdesk ingest FILE` on the machine, or put it into a "
    "folder named in refresh.sources."
)

_SKIPPED_SHOWN = 8
_FILES_SHOWN = 20
_FINDINGS_SHOWN = 6
_ROOM_CHARS = 3900
"""Below Telegram's limit of 4,096 for one message."""
_SIGNS = {
    "address": "🔗",
    "model": "🤖",
    "contact": "☎️",
    "secret": "🔑",
    "conflict": "⚠️",
    "figure": "🔢",
    "near": "👯",
}


def preview_text(report: IngestReport) -> str:
    """Return what applying would change, file by file."""
    lines = [_file(file) for file in report.files[:_FILES_SHOWN]]
    lines += _more(len(report.files) - _FILES_SHOWN, "file")
    if report.findings:
        lines.append("\nPlease look at:")
        lines += [f"{_SIGNS[f.kind]} {describe(f)}" for f in report.findings[:_FINDINGS_SHOWN]]
        lines += _more(len(report.findings) - _FINDINGS_SHOWN, "finding")
    if report.uncompared:
        lines.append(f"\n{report.uncompared} texts were compared with others word for word only.")
    if report.answers or report.golden:
        lines += ["", *answers_text(report)]
    changes = any(f.added or f.changed or f.removed for f in report.files)
    if changes:
        texts = "text" if report.embedded == 1 else "texts"
        adds = f"Applying adds {report.embedded} new {texts}. " if report.embedded else ""
        last = f"\n{adds}Nothing is changed yet."
    else:
        last = "\nNothing to apply."
    return _fit(lines, last)


def live_text(report: IngestReport) -> str:
    """Return what was applied."""
    lines = [f"Release {report.release} is live ({report.seconds:.1f} s).", ""]
    lines += [_file(file) for file in report.files[:_FILES_SHOWN]]
    lines += _more(len(report.files) - _FILES_SHOWN, "file")
    answers = answers_text(report)
    return _fit([*lines, *(["", *answers] if report.answers else [])], "")


def held_text(report: IngestReport) -> str:
    """Return why a release is held back."""
    last = "\nIf that is right, publish it anyway; else cancel and correct the file."
    return _fit([f"⛔ {report.held}"], last)


def _file(file: FileReport) -> str:
    if file.error:
        return f"❌ {file.error}"
    counts = [
        f"{number} {what}"
        for number, what in (
            (file.added, "new"),
            (file.changed, "changed"),
            (file.removed, "removed"),
            (file.unchanged, "unchanged"),
            (file.duplicates, "also in other documents"),
            (len(file.skipped), "skipped"),
        )
        if number
    ]
    lines = [f"📄 {file.doc_id}: {', '.join(counts) or 'nothing in it'}"]
    lines += [f"   skipped {s.location}: {s.reason}" for s in file.skipped[:_SKIPPED_SHOWN]]
    lines += _more(len(file.skipped) - _SKIPPED_SHOWN, "skipped place")
    lines += [f"   ✍️ to review: {reason}" for reason in file.unfit[:_SKIPPED_SHOWN]]
    lines += _more(len(file.unfit) - _SKIPPED_SHOWN, "own change")
    return "\n".join(lines)


def _fit(lines: list[str], last: str) -> str:
    """Join lines as far as one message holds them; the last one always stays."""
    kept, left = [], _ROOM_CHARS - len(last)
    for line in lines:
        left -= len(line) + 1
        if left < 0:
            kept.append("…")
            break
        kept.append(line)
    return "\n".join([*kept, last])


def _more(number: int, what: str) -> list[str]:
    return [f"   … and {number} more {what}{'s' if number > 1 else ''}"] if number > 0 else []
