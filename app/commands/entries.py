"""`entries`: what operators change by hand."""

import dataclasses
import getpass
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from rich.markup import escape

from app import output
from app.commands.common import main_knowledge, moment, read_config
from app.paths import find_paths
from app.wiring import open_database, open_knowledge
from core.config import data_folder
from core.types import Chunk
from db.curation import Curation, CurationKind, Curations
from kb.parse.faq.values import iso_date
from kb.releases.entries import BadChange, Entries

_NUMBER_CHARS = 8


async def find(words: str, *, documents: str, as_json: bool) -> None:
    """List live entries."""
    async with _reading() as entries:
        found = await entries.find(words, documents=documents)
    if as_json:
        output.print_json([dataclasses.asdict(entry) for entry in found])
        return
    output.print_table(
        ("entry", "document", "question", "answer"),
        [(e.chunk_id[:_NUMBER_CHARS], e.doc_id, e.text, _short(e.answer)) for e in found],
    )


async def show(key: str) -> None:
    """Print an entry with everything that operators did to it."""
    async with _reading() as entries:
        entry = await entries.get(key)
        mine = [c for c in await entries.changes() if c.chunk_id == entry.chunk_id]
    for name, value in _fields(entry):
        if value:
            output.console.print(f"[dim]{name:>12}[/dim]  {escape(value)}")
    _print_changes(mine)


async def change(
    key: str, kind: CurationKind, text: str = "", *, valid_from: str = "", valid_until: str = ""
) -> None:
    """Change an entry and publish it."""
    days = [iso_date(valid_from), iso_date(valid_until)]
    if None in days:
        raise BadChange(f"{valid_from or valid_until!r} is no clear date: write 2026-12-31.")
    async with main_knowledge(with_demo=False) as knowledge:
        made = await knowledge.entries.change(
            key,
            kind,
            text=text,
            valid_from=days[0] or "",
            valid_until=days[1] or "",
            author=getpass.getuser(),
        )
        live = await knowledge.release_rows.current()
    output.console.print(
        f"Change {made.curation_id} to “{escape(made.anchor.question)}” is stored; release "
        f"{0 if live is None else live.number} is live. `answerdesk entries undo "
        f"{made.curation_id}` takes it back."
    )


async def changes(*, review: bool, as_json: bool) -> None:
    """List what operators did by hand, or what of it waits for review."""
    async with open_database(read_config(), find_paths(data_folder())) as database:
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


async def undo(number: int) -> None:
    """Take a change back."""
    async with main_knowledge(with_demo=False) as knowledge:
        closed = await knowledge.entries.take_back(number)
    output.console.print(
        f"Change {number} ({closed.kind}) to “{escape(closed.anchor.question)}” is taken back."
    )


async def attach(number: int, key: str) -> None:
    """Put a change that waits for review on an entry."""
    async with main_knowledge(with_demo=False) as knowledge:
        made = await knowledge.entries.reattach(number, key)
    output.console.print(
        f"It is change {made.curation_id} of “{escape(made.anchor.question)}” now, and live."
    )


@asynccontextmanager
async def _reading() -> AsyncIterator[Entries]:
    paths = find_paths(data_folder())
    async with open_knowledge(read_config(), paths, wait_for_embedder=False) as knowledge:
        yield knowledge.entries


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
                _short(c.text or " to ".join(d for d in (c.valid_from, c.valid_until) if d)),
                "live" if c.state == "active" else f"review: {c.reason}",
            )
            for c in found
        ],
    )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else f"{line[:79]}…"
