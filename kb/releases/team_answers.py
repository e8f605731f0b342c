"""Entries written by the team: rows of a separate file, ingested like any other.

The file is truth like every original: it is listed with its release, undone by a rollback, and may
be downloaded, edited and sent again under its name.
"""

import asyncio
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.errors import AnswerdeskError, UnreadableFile
from core.types import IngestReport
from core.wording import N_, tr
from db.uploads import Entry
from kb.parse.faq.columns import Field, plain
from kb.releases.ingestor import IncomingFile, Ingestor
from kb.review.most_asked import AskedOnce
from kb.text.segmentation import normalise

DOC_ID = "team-answers.csv"
_COLUMNS: tuple[Field, ...] = ("question", "answer")
QUESTION_CHARS = 500
ANSWER_CHARS = 20_000
"""Characters of a hand-written entry; longer ones come in a file."""


class BadEntry(AnswerdeskError):
    """An entry that somebody wrote cannot be stored."""

    def __init__(self, what: str, chars: int, limit: int) -> None:
        super().__init__(
            tr(
                "The %(what)s has %(chars)s characters; an entry from here may have %(limit)s. "
                "Shorten it, or send it in a file.",
                what=tr(what),
                chars=chars,
                limit=limit,
            )
            if chars
            else tr("The %(what)s is empty.", what=tr(what))
        )


def check_entry(entry: Entry, *, answer_chars: int = ANSWER_CHARS) -> None:
    """Raise BadEntry if an entry lacks its question or its answer, or one is too long."""
    for what, text, limit in (
        (N_("question"), entry.question, QUESTION_CHARS),
        (N_("answer"), entry.answer, answer_chars),
    ):
        if not text.strip() or len(text) > limit:
            raise BadEntry(what, len(text.strip()), limit)


@dataclass(frozen=True)
class TeamAnswers:
    """Adds one entry at a time; two at once both stay."""

    ingestor: Ingestor
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False, repr=False)

    async def add(
        self,
        question: str,
        answer: str,
        *,
        dry_run: bool = False,
        note: str = "",
        anyway: bool = False,
        asked: Sequence[AskedOnce] = (),
    ) -> IngestReport:
        """Make the knowledge base answer `question` with `answer`, word for word.

        An entry with the same question gets the new answer. All other entries stay. A dry run asks
        it, and what customers `asked` that it is to answer.

        Raises:
            UnreadableFile: if somebody replaced the file by one without the columns question and
                answer; nothing was changed.
        """
        async with self._lock:
            data = with_entry(await self._current(), question, answer)
            return await self.ingestor.ingest(
                [IncomingFile(DOC_ID, data)],
                dry_run=dry_run,
                note=note,
                anyway=anyway,
                own=[(question, 0, 0), *asked],
            )

    async def _current(self) -> bytes:
        """Return the file as the live release has it, empty if it has none."""
        publisher = self.ingestor.publisher
        documents = await publisher.releases.live_documents()
        if DOC_ID not in documents:
            return b""
        path = publisher.preparer.originals.path(documents[DOC_ID].sha256)
        return await asyncio.to_thread(path.read_bytes)


def with_entry(data: bytes, question: str, answer: str) -> bytes:
    """Return a table of entries with one more, or with the answer of an equal question replaced."""
    columns, rows = _read(data)
    asked, answered = (columns.index(name) for name in _COLUMNS)
    wanted = normalise(question)
    for row in rows:
        if normalise(row[asked]) == wanted:
            row[answered] = answer
            break
    else:
        new = [""] * len(columns)
        # Of several lines each would be a wording of its own.
        new[asked], new[answered] = " ".join(question.split()), answer
        rows.append(new)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([columns, *rows])
    return text.getvalue().encode()


def _read(data: bytes) -> tuple[list[str], list[list[str]]]:
    if not data:
        return list(_COLUMNS), []
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableFile(DOC_ID, "it is no longer UTF-8. Save it as CSV UTF-8.") from None
    head = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
    columns = [plain(name) for name in rows[0]]
    missing = [name for name in _COLUMNS if name not in columns]
    if missing:
        raise UnreadableFile(
            DOC_ID, f"it no longer has a column {missing[0]!r}. Send it again with that column."
        )
    return columns, [(row + [""] * len(columns))[: len(columns)] for row in rows[1:]]
