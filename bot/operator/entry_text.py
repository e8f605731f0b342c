"""What operators read about an entry that they wrote, and about open questions. Pure functions."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from bot.conversation.replies import Button
from bot.operator.topic_text import mark
from bot.operator.uploads_text import live_text, preview_text
from core.shown import short
from core.types import Chunk, IngestReport
from core.wording import ntr, tr
from db.uploads import Entry
from kb.releases.open_questions import CONFIRM, OpenGroup

MAX_ANSWER_CHARS = 2500
"""Question, answer and what they change stand in one message of 4096 units."""
PAGE = 6
"""Open questions of one page."""

_SHOWN_CHARS = 200
_SHOWN_ANSWER_CHARS = 1500
_OTHERS_SHOWN = 2


def entry_text(entry: Entry) -> str:
    """Return exactly what would be stored."""
    return f"❓ {entry.question}\n\n💬 {entry.answer}"


def entry_preview(entry: Entry, report: IngestReport, *, concerns: Sequence[str]) -> str:
    """Return what applying an entry would change, and what speaks against it."""
    lines = [
        tr("This would be stored, word for word, and shown to every customer who asks:"),
        "",
    ]
    lines += [entry_text(entry), "", preview_text(report)]
    if concerns:
        lines += ["", " ".join(["⚠", *concerns, tr(CONFIRM)])]
    return "\n".join(lines)


def entry_buttons(upload_id: int, *, changes: bool, concerns: Sequence[str]) -> list[list[Button]]:
    """Return what can be done with an entry; what speaks against it is confirmed before all."""
    edits: list[Button] = [
        (tr("✏ Question"), f"editq:{upload_id}"),
        (tr("✏ Answer"), f"edita:{upload_id}"),
    ]
    cancel: Button = (tr("Cancel"), f"dropentry:{upload_id}")
    if not changes:
        return [[*edits, cancel]]
    if concerns:
        return [[(tr("It may be stored as it stands"), f"fine:{upload_id}")], [*edits, cancel]]
    return [[(tr("✅ Apply"), f"apply:{upload_id}"), cancel], edits]


def entry_live(entry: Entry, report: IngestReport, *, answered: int) -> str:
    """Return what was applied."""
    lines = [live_text(report), "", entry_text(entry)]
    if answered:
        lines += ["", tr("Open questions answered: %(count)s.", count=answered)]
    return "\n".join(lines)


def link_text(group: OpenGroup, entry: Chunk, *, concerns: Sequence[str]) -> str:
    """Return what linking a question to an entry would do, and what speaks against it."""
    answer = entry.answer
    if len(answer) > _SHOWN_ANSWER_CHARS:
        answer = answer[: _SHOWN_ANSWER_CHARS - 1] + "…"
    lines = [
        tr("This question would be stored, word for word, as a way to ask an entry:"),
        f"\n❓ {group.text}",
        f"\n📄 {entry.text}\n\n💬 {answer}",
    ]
    if concerns:
        remedy = tr(
            "Confirm that it may be stored as it stands, or write an answer instead, where the "
            "question can be changed."
        )
        lines.append(" ".join(["\n⚠", *concerns, remedy]))
    return "\n".join(lines)


def link_buttons(*, concerns: Sequence[str]) -> list[list[Button]]:
    """Return what can be done with a proposed link."""
    if concerns:
        return [[(tr("It may be stored as it stands: link"), "linked")], [(tr("Cancel"), "nolink")]]
    return [[(tr("✅ Link"), "linked"), (tr("Cancel"), "nolink")]]


def questions_text(
    groups: Sequence[OpenGroup],
    *,
    order: str,
    page: int,
    waiting: int,
    nearest: Mapping[int, Chunk],
) -> str:
    """Return one page of the list of open questions.

    `nearest` has the nearest entry by the id of a group's newest question.
    """
    number = sum(len(group.questions) for group in groups)
    lines = []
    if waiting:
        lines += [tr("🙋 Conversations that wait for a person: %(count)s.", count=waiting), ""]
    if not groups:
        return "\n".join([*lines, tr("No open questions.")])
    sorting = tr("most asked first") if order == "most" else tr("newest first")
    first = page * PAGE
    shown = groups[first : first + PAGE]
    head = tr("Open questions: %(count)s", count=number)
    if len(groups) < number:
        head += tr(", in %(count)s groups", count=len(groups))
    lines.append(tr("%(head)s; %(sorting)s.", head=head, sorting=sorting))
    if len(groups) > PAGE:
        last = first + len(shown)
        lines.append(
            tr(
                "Here %(first)s to %(last)s of %(all)s.",
                first=first + 1,
                last=last,
                all=len(groups),
            )
        )
    for place, group in enumerate(shown, first + 1):
        newest, count = group.newest, len(group.questions)
        day = datetime.fromtimestamp(newest.asked, UTC).strftime("%Y-%m-%d")
        times = ntr("on %(day)s", "%(num)s times, last on %(day)s", count, day=day)
        lines += [
            "",
            f"{place}. “{short(newest.question, _SHOWN_CHARS)}” · {newest.language} · {times}",
        ]
        texts = dict.fromkeys(q.question for q in group.questions)
        others = [text for text in texts if text != newest.question]
        lines += [
            "    " + tr("also “%(text)s”", text=short(text, _SHOWN_CHARS))
            for text in others[:_OTHERS_SHOWN]
        ]
        lines += [f"    {mark(group.urgency)}"] if group.urgency else []
        if entry := nearest.get(newest.open_id):
            nearest_text = short(entry.text, _SHOWN_CHARS)
            lines.append("    " + tr("nearest entry: “%(text)s”", text=nearest_text))
    return "\n".join(lines)


def questions_buttons(groups: Sequence[OpenGroup], *, order: str, page: int) -> list[list[Button]]:
    """Return the buttons of a page: answer, link or dismiss each, other order, other pages."""
    rows: list[list[Button]] = [
        [
            (tr("✍ %(place)s Answer", place=place), f"answer:{group.newest.open_id}"),
            (tr("🔗 %(place)s Link", place=place), f"link:{group.newest.open_id}"),
            (tr("🗑 %(place)s Not ours", place=place), f"notours:{group.newest.open_id}"),
        ]
        for place, group in enumerate(groups[page * PAGE : (page + 1) * PAGE], page * PAGE + 1)
    ]
    if not groups:
        return rows
    other: Button = (
        (tr("Newest first"), "list:newest:0")
        if order == "most"
        else (
            tr("Most asked first"),
            "list:most:0",
        )
    )
    pages: list[Button] = []
    if page:
        pages.append(("◀", f"list:{order}:{page - 1}"))
    pages.append(other)
    if (page + 1) * PAGE < len(groups):
        pages.append(("▶", f"list:{order}:{page + 1}"))
    return [*rows, pages]


def answer_prompt(group: OpenGroup) -> str:
    """Return how an operator is asked to answer."""
    texts = dict.fromkeys(q.question for q in group.questions)
    asked = "\n".join(f"“{short(text, _SHOWN_CHARS)}”" for text in list(texts)[:PAGE])
    prompt = tr(
        "Write the answer now, as every customer shall read it. You see the entry before it is "
        "stored, and may change the question."
    )
    return f"{asked}\n\n{prompt}"
