"""What operators read about the files they sent. Pure functions."""

from core.types import FileReport, IngestReport
from core.wording import N_, ntr, told, tr
from kb.review.finding_text import describe
from kb.review.most_asked import answers_text

DOWNLOAD_LIMIT = N_(
    "Telegram gives bots files of up to 20 MB only, and %(names)s is larger. Send it in parts or "
    "on the console's page of files, run `answerdesk ingest FILE` on the machine, or put it into a "
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
    lines += _more_files(report)
    if report.findings:
        lines.append("\n" + tr("Please look at:"))
        lines += [f"{_SIGNS[f.kind]} {describe(f)}" for f in report.findings[:_FINDINGS_SHOWN]]
        more = len(report.findings) - _FINDINGS_SHOWN
        lines += _more(more, ntr("%(num)s more finding", "%(num)s more findings", more))
    if report.uncompared:
        lines.append(
            "\n"
            + ntr(
                "One text was compared with others word for word only.",
                "%(num)s texts were compared with others word for word only.",
                report.uncompared,
            )
        )
    if report.own or report.answers or report.golden or report.trouble:
        lines += ["", *answers_text(report)]
    changes = any(f.added or f.changed or f.removed for f in report.files)
    if changes:
        last = tr("Nothing is changed yet.")
        if report.embedded:
            adds = ntr(
                "Applying adds %(num)s new text.",
                "Applying adds %(num)s new texts.",
                report.embedded,
            )
            last = f"{adds} {last}"
    else:
        last = tr("Nothing to apply.")
    return _fit(lines, f"\n{last}")


def live_text(report: IngestReport) -> str:
    """Return what was applied."""
    lines = [
        tr(
            "Release %(number)s is live (%(seconds)s s).",
            number=report.release,
            seconds=f"{report.seconds:.1f}",
        ),
        "",
    ]
    lines += [_file(file) for file in report.files[:_FILES_SHOWN]]
    lines += _more_files(report)
    answers = answers_text(report)
    return _fit([*lines, *(["", *answers] if report.answers or report.trouble else [])], "")


def held_text(report: IngestReport) -> str:
    """Return why a release is held back."""
    last = tr("If that is right, publish it anyway; else cancel and correct the file.")
    return _fit([f"⛔ {report.held}"], f"\n{last}")


def _file(file: FileReport) -> str:
    if file.error:
        return f"❌ {file.error}"
    counts = [
        tr(what, count=number)
        for number, what in (
            (file.added, N_("%(count)s new")),
            (file.changed, N_("%(count)s changed")),
            (file.removed, N_("%(count)s removed")),
            (file.unchanged, N_("%(count)s unchanged")),
            (file.duplicates, N_("%(count)s also in other documents")),
            (len(file.skipped), N_("%(count)s skipped")),
        )
        if number
    ]
    found = ", ".join(counts) or tr("nothing in it")
    lines = [f"📄 {file.doc_id}: {found}"]
    skipped, review = tr("skipped"), tr("to review:")
    lines += [
        f"   {skipped} {told(s.location)}: {told(s.reason)}" for s in file.skipped[:_SKIPPED_SHOWN]
    ]
    more = len(file.skipped) - _SKIPPED_SHOWN
    lines += _more(more, ntr("%(num)s more skipped place", "%(num)s more skipped places", more))
    lines += [f"   ✍️ {review} {reason}" for reason in file.unfit[:_SKIPPED_SHOWN]]
    more = len(file.unfit) - _SKIPPED_SHOWN
    lines += _more(more, ntr("%(num)s more own change", "%(num)s more own changes", more))
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


def _more_files(report: IngestReport) -> list[str]:
    more = len(report.files) - _FILES_SHOWN
    return _more(more, ntr("%(num)s more file", "%(num)s more files", more))


def _more(number: int, what: str) -> list[str]:
    return ["   " + tr("… and %(what)s", what=what)] if number > 0 else []
