"""`entries`: what operators change by hand."""

import dataclasses
import getpass
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.markup import escape

from app import output
from app.commands.common import Json, main_database, main_knowledge, moment, open_main
from core.shown import short
from core.types import Chunk
from db.curation import Curation, CurationKind, Curations
from kb.parse.faq.values import iso_date
from kb.releases.entries import BadChange

_NUMBER_CHARS = 8


Entry = Annotated[str, typer.Argument(help="Number of the entry, or its first letters.")]
Language = Annotated[str, typer.Argument(help="A code such as de, es or zh.")]


async def find(
    words: Annotated[str, typer.Argument(help="Only entries with these letters.")] = "",
    *,
    documents: Annotated[str, typer.Option("--document", help="* and ? are allowed.")] = "*",
    as_json: Json = False,
) -> None:
    """List live entries with their numbers."""
    async with open_main(wait_for_embedder=False) as knowledge:
        found = await knowledge.entries.find(words, documents=documents)
    output.print_listed(
        [dataclasses.asdict(entry) for entry in found],
        ("entry", "document", "question", "answer"),
        [(e.chunk_id[:_NUMBER_CHARS], e.doc_id, e.text, short(e.answer, 80)) for e in found],
        as_json=as_json,
    )


async def show(entry: Entry) -> None:
    """Show an entry, and what was done to it by hand."""
    async with open_main(wait_for_embedder=False) as knowledge:
        found = await knowledge.entries.get(entry)
        changes = await knowledge.entries.curations.open()
    for name, value in _fields(found):
        if value:
            output.console.print(f"[dim]{name:>12}[/dim]  {escape(value)}")
    _print_changes([change for change in changes if change.chunk_id == found.chunk_id])


async def variant(entry: Entry, text: str) -> None:
    """Add another way to ask an entry's question."""
    await _change(entry, "variant", text)


async def answer(entry: Entry, text: str) -> None:
    """Replace an entry's answer."""
    await _change(entry, "answer", text)


async def negative(entry: Entry, text: str) -> None:
    """Say of a question that this entry does not answer it."""
    await _change(entry, "negative", text)


async def disable(entry: Entry) -> None:
    """Take an entry out, whatever its file says."""
    await _change(entry, "disabled")


async def validity(
    entry: Entry,
    *,
    start: Annotated[str, typer.Option("--from", help="First day, 2026-12-31.")] = "",
    end: Annotated[str, typer.Option("--until", help="Last day.")] = "",
) -> None:
    """Say from when until when an entry is valid; without a day there is no limit."""
    first, last = iso_date(start), iso_date(end)
    if first is None or last is None:
        raise BadChange(f"{start or end!r} is no clear date: write 2026-12-31.")
    await _change(entry, "validity", valid_from=first, valid_until=last)


async def category(entry: Entry, text: str) -> None:
    """Put an entry into another category; "" into none."""
    await _change(entry, "category", text)


async def note(entry: Entry, text: str) -> None:
    """Keep a note for colleagues with an entry; customers never see it."""
    await _change(entry, "note", text)


async def translation(entry: Entry, language: Language, text: str) -> None:
    """Say an entry's answer in another language, for customers who ask in it."""
    await _change(entry, "translation", text, language=language)


async def draft(entry: Entry, language: Language) -> None:
    """Let the generator draft an answer in another language; `translation` approves it."""
    async with main_knowledge(with_demo=False) as knowledge:
        made = await knowledge.entries.draft(entry, language, author=getpass.getuser())
    output.console.print(
        f"Draft {made.curation_id} to “{escape(made.anchor.question)}” is stored; nobody is shown "
        f"it before it is given to `answerdesk entries translation`:\n{escape(made.text)}"
    )


async def _change(key: str, kind: CurationKind, text: str = "", **more: str) -> None:
    """Change an entry and publish it; `more` as `Entries.change` takes it."""
    async with main_knowledge(with_demo=False) as knowledge:
        made = await knowledge.entries.change(
            key, kind, text=text, author=getpass.getuser(), **more
        )
        live = await knowledge.release_rows.live_number()
    output.console.print(
        f"Change {made.curation_id} to “{escape(made.anchor.question)}” is stored; release "
        f"{live} is live. `answerdesk entries undo "
        f"{made.curation_id}` takes it back."
    )


async def changes(*, as_json: Json = False) -> None:
    """List what was changed by hand."""
    await _list_changes(review=False, as_json=as_json)


async def review(*, as_json: Json = False) -> None:
    """List changes that no longer fit their file and wait for a decision."""
    await _list_changes(review=True, as_json=as_json)


async def _list_changes(*, review: bool, as_json: bool) -> None:
    async with main_database() as database:
        found = await Curations(database).open()
    if review:
        found = [curation for curation in found if curation.state != "active"]
    if as_json:
        output.print_json([dataclasses.asdict(curation) for curation in found])
        return
    if not found:
        output.console.print("Nothing waits for review." if review else "There are no changes.")
        return
    _print_changes(found)


async def undo(change: int) -> None:
    """Take a change back, or drop one that waits for review."""
    async with main_knowledge(with_demo=False) as knowledge:
        closed = await knowledge.entries.take_back(change)
    output.console.print(
        f"Change {change} ({closed.kind}) to “{escape(closed.anchor.question)}” is taken back."
    )


async def attach(change: int, entry: Entry) -> None:
    """Put a change that waits for review on an entry."""
    async with main_knowledge(with_demo=False) as knowledge:
        made = await knowledge.entries.reattach(change, entry)
    output.console.print(
        f"It is change {made.curation_id} of “{escape(made.anchor.question)}” now, and live."
    )


def _fields(entry: Chunk) -> list[tuple[str, str]]:
    return [
        ("entry", entry.chunk_id),
        ("document", f"{entry.doc_id}, {entry.location}" if entry.location else entry.doc_id),
        ("id", entry.entry_id),
        ("question", entry.text),
        ("variants", "\n              ".join(entry.variants)),
        ("not for", "\n              ".join(entry.negatives)),
        ("answer", entry.answer),
        ("valid from", entry.valid_from),
        ("valid until", entry.valid_until),
    ]


def _print_changes(found: Sequence[Curation]) -> None:
    if not found:
        return
    output.print_table(
        ("change", "made (UTC)", "by", "kind", "document", "question", "what", "state"),
        [
            (
                c.curation_id,
                moment(c.created),
                c.author,
                c.kind,
                c.anchor.doc_id,
                c.anchor.question,
                short(c.text or " to ".join(d for d in (c.valid_from, c.valid_until) if d), 80),
                ("not shown" if c.kind == "draft" else "live")
                if c.state == "active"
                else f"review: {c.reason}",
            )
            for c in found
        ],
    )
