"""What operators read about an entry that they wrote, and about open questions. Pure functions."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from bot.conversation.replies import Button
from bot.operator.topic_text import mark
from bot.operator.uploads_text import live_text, preview_text
from core.types import Chunk, IngestReport
from db.uploads import Entry
from kb.releases.open_questions import OpenGroup

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


def entry_preview(entry: Entry, report: IngestReport, *, personal: Sequence[str]) -> str:
    """Return what applying an entry would change, and what in it may be personal."""
    lines = ["This would be stored, word for word, and shown to every customer who asks:", ""]
    lines += [entry_text(entry), "", preview_text(report)]
    if personal:
        found = ", ".join(f"“{part}”" for part in personal)
        lines += [
            "",
            f"⚠ May tell who the customer is: {found}. Edit it out, or confirm that it may be "
            "stored as it stands above.",
        ]
    return "\n".join(lines)


def entry_buttons(upload_id: int, *, changes: bool, personal: Sequence[str]) -> list[list[Button]]:
    """Return what can be done with an entry; what may be personal is confirmed before all."""
    edits: list[Button] = [
        ("✏ Question", f"editq:{upload_id}"),
        ("✏ Answer", f"edita:{upload_id}"),
    ]
    cancel: Button = ("Cancel", f"dropentry:{upload_id}")
    if not changes:
        return [[*edits, cancel]]
    if personal:
        return [[("It may be stored as it stands", f"fine:{upload_id}")], [*edits, cancel]]
    return [[("✅ Apply", f"apply:{upload_id}"), cancel], edits]


def entry_live(entry: Entry, report: IngestReport, *, answered: int) -> str:
    """Return what was applied."""
    lines = [live_text(report), "", entry_text(entry)]
    if answered:
        lines += ["", f"Open questions answered: {answered}."]
    return "\n".join(lines)


def link_text(question: str, entry: Chunk, *, personal: Sequence[str]) -> str:
    """Return what linking a question to an entry would do."""
    answer = entry.answer
    if len(answer) > _SHOWN_ANSWER_CHARS:
        answer = answer[: _SHOWN_ANSWER_CHARS - 1] + "…"
    lines = [
        "This question would be stored, word for word, as a way to ask an entry:",
        f"\n❓ {question}",
        f"\n📄 {entry.text}\n\n💬 {answer}",
    ]
    if personal:
        found = ", ".join(f"“{part}”" for part in personal)
        lines.append(
            f"\n⚠ May tell who the customer is: {found}. Confirm that it may be stored as it "
            "stands, or write an answer instead, where the question can be changed."
        )
    return "\n".join(lines)


def link_buttons(*, personal: Sequence[str]) -> list[list[Button]]:
    """Return what can be done with a proposed link."""
    if personal:
        return [[("It may be stored as it stands: link", "linked")], [("Cancel", "nolink")]]
    return [[("✅ Link", "linked"), ("Cancel", "nolink")]]


def questions_text(
    groups: Sequence[OpenGroup],
    *,
    order: str,
    page: int,
    waiting: int,
    nearest: Mapping[int, Sequence[Chunk]] | None = None,
) -> str:
    """Return one page of the list of open questions.

    `nearest` has the nearest entries by the id of a group's newest question.
    """
    number = sum(len(group.questions) for group in groups)
    lines = []
    if waiting:
        lines += [f"🙋 Conversations that wait for a person: {waiting}.", ""]
    if not groups:
        return "\n".join([*lines, "No open questions."])
    sorting = "most asked first" if order == "most" else "newest first"
    first = page * PAGE
    shown = groups[first : first + PAGE]
    head = f"Open questions: {number}"
    if len(groups) < number:
        head += f", in {len(groups)} groups"
    lines.append(f"{head}; {sorting}.")
    if len(groups) > PAGE:
        lines.append(f"Here {first + 1} to {first + len(shown)} of {len(groups)}.")
    for place, group in enumerate(shown, first + 1):
        newest, count = group.newest, len(group.questions)
        day = datetime.fromtimestamp(newest.asked, UTC).strftime("%Y-%m-%d")
        times = f"{count} times, last on" if count > 1 else "on"
        lines += ["", f"{place}. “{_short(newest.question)}” · {newest.language} · {times} {day}"]
        texts = dict.fromkeys(q.question for q in group.questions)
        others = [text for text in texts if text != newest.question]
        lines += [f"    also “{_short(text)}”" for text in others[:_OTHERS_SHOWN]]
        near = (nearest or {}).get(newest.open_id, ())
        lines += [f"    {mark(group.urgency)}"] if group.urgency else []
        lines += [f"    nearest entry: “{_short(entry.text)}”" for entry in near[:1]]
    return "\n".join(lines)


def questions_buttons(groups: Sequence[OpenGroup], *, order: str, page: int) -> list[list[Button]]:
    """Return the buttons of a page: answer, link or dismiss each, other order, other pages."""
    rows: list[list[Button]] = [
        [
            (f"✍ {place} Answer", f"answer:{group.newest.open_id}"),
            (f"🔗 {place} Link", f"link:{group.newest.open_id}"),
            (f"🗑 {place} Not ours", f"notours:{group.newest.open_id}"),
        ]
        for place, group in enumerate(groups[page * PAGE : (page + 1) * PAGE], page * PAGE + 1)
    ]
    if not groups:
        return rows
    other: Button = (
        ("Newest first", "list:newest:0")
        if order == "most"
        else (
            "Most asked first",
            "list:most:0",
        )
    )
    turn: list[Button] = []
    if page:
        turn.append(("◀", f"list:{order}:{page - 1}"))
    turn.append(other)
    if (page + 1) * PAGE < len(groups):
        turn.append(("▶", f"list:{order}:{page + 1}"))
    return [*rows, turn]


def answer_prompt(group: OpenGroup) -> str:
    """Return how an operator is asked to answer."""
    texts = dict.fromkeys(q.question for q in group.questions)
    asked = "\n".join(f"“{_short(text)}”" for text in list(texts)[:PAGE])
    return (
        f"{asked}\n\nWrite the answer now, as every customer shall read it. You see the entry "
        "before it is stored, and may change the question."
    )


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _SHOWN_CHARS else flat[: _SHOWN_CHARS - 1] + "…"
