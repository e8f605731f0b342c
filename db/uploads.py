"""Files and entries that operators sent, from the preview to what became of each."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

from sqlalchemy import JSON, BigInteger, String, Text, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from db.base import Base, Database, Repository, record

UploadState: TypeAlias = Literal[
    "checking", "preview", "applying", "live", "cancelled", "undone", "failed"
]
_NAMED = 3
"""Files that the title of an upload names."""

Channel: TypeAlias = Literal["telegram", "console"]


class UploadRow(Base):
    """One file or album, or one entry that an operator wrote."""

    __tablename__ = "uploads"

    upload_id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(String(8), default="telegram")
    actor: Mapped[int] = mapped_column(BigInteger)
    chat_id: Mapped[int] = mapped_column(BigInteger)
    message_id: Mapped[int] = mapped_column(BigInteger, default=0)
    """The bot's message with the preview and its buttons."""
    files: Mapped[list[list[str]]] = mapped_column(JSON)
    """Name of each, and Telegram's file id or the sha256 of the original."""
    columns: Mapped[str] = mapped_column(Text, default="")
    """What was said of the files' columns (`kb.parse.faq.columns.written`); empty for nothing."""
    outcome: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """What the last step found; see `Upload.outcome`."""
    thread_id: Mapped[int] = mapped_column(BigInteger, default=0)
    entry: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """The fields of an `Entry`; empty for files."""
    customer: Mapped[int] = mapped_column(BigInteger, default=0, index=True)
    """Whose question the entry came from; 0 for none."""
    state: Mapped[str] = mapped_column(String(12), index=True)
    before: Mapped[int] = mapped_column(default=0)
    """The live release before it was applied."""
    after: Mapped[int] = mapped_column(default=0)
    """The release it became."""
    created: Mapped[float]


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file that waits where it came in."""

    name: str
    file_id: str
    """Telegram's id of it; from the console, the sha256 of its original."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A question with its answer, as an operator wants it in the knowledge base."""

    question: str
    answer: str
    open_ids: tuple[int, ...] = ()
    """The open questions that it answers."""
    confirmed: bool = False
    """An operator looked at what may be personal in it and said that it may stay."""
    told: int = 0
    """The update with which the customers who had asked were told; 0: they were not."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One file or album, or one entry, and what became of it."""

    upload_id: int
    actor: int
    chat_id: int
    message_id: int
    files: tuple[SentFile, ...]
    state: UploadState
    before: int
    after: int
    thread_id: int = 0
    entry: Entry | None = None
    customer: int = 0
    columns: str = ""
    outcome: Mapping[str, Any] = field(default_factory=dict)
    """What the last step found, as the console shows it again (`kb.releases.upload.Outcome`)."""
    created: float = 0.0
    """UTC epoch seconds."""
    channel: str = "telegram"

    @property
    def title(self) -> str:
        """The question of an entry, or the names of the first files."""
        if self.entry:
            return self.entry.question
        names = [file.name for file in self.files]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return ", ".join(names[:_NAMED]) + more


class Uploads(Repository):
    """Stores files and entries that wait for their operator's word; each way in has its own."""

    def __init__(self, database: Database, *, channel: Channel = "telegram") -> None:
        super().__init__(database)
        self._channel = channel

    async def add(
        self,
        *,
        actor: int = 0,
        chat_id: int = 0,
        thread_id: int = 0,
        files: Sequence[SentFile] = (),
        columns: str = "",
        entry: Entry | None = None,
        customer: int = 0,
    ) -> int:
        """Store an upload that is to be checked; return its number."""

        def write(session: Session) -> int:
            row = UploadRow(
                channel=self._channel,
                actor=actor,
                chat_id=chat_id,
                thread_id=thread_id,
                files=[[file.name, file.file_id] for file in files],
                columns=columns,
                entry=asdict(entry) if entry else {},
                customer=customer,
                state="checking",
                created=time.time(),
            )
            session.add(row)
            session.flush()
            return row.upload_id

        return await self._run(write)

    async def get(self, upload_id: int) -> Upload | None:
        """Return an upload; ``None`` if there is none of this channel."""
        row = await self._first(select(UploadRow).where(UploadRow.upload_id == upload_id))
        return _upload(row) if row and row.channel == self._channel else None

    async def latest(self, *, limit: int) -> list[Upload]:
        """Return the uploads of this channel, newest first."""
        rows = await self._all(
            select(UploadRow)
            .where(UploadRow.channel == self._channel)
            .order_by(UploadRow.upload_id.desc())
            .limit(limit)
        )
        return [_upload(row) for row in rows]

    async def held(self) -> list[Upload]:
        """Return the uploads that were held back and wait for a word, newest first; of all ways in.

        Those are previews whose last step was to apply them (`IngestReport.held`).
        """
        rows = await self._all(
            select(UploadRow)
            .where(UploadRow.state == "preview")
            .order_by(UploadRow.upload_id.desc())
        )
        return [_upload(row) for row in rows if (row.outcome.get("report") or {}).get("held")]

    async def unfinished(self) -> list[Upload]:
        """Return uploads whose check or application was interrupted, oldest first."""
        rows = await self._all(
            select(UploadRow)
            .where(
                UploadRow.channel == self._channel,
                UploadRow.state.in_(("checking", "applying")),
            )
            .order_by(UploadRow.upload_id)
        )
        return [_upload(row) for row in rows]

    async def move(
        self,
        upload_id: int,
        old: UploadState,
        new: UploadState,
        *,
        outcome: Mapping[str, Any] | None = None,
        entry: Entry | None = None,
        **values: int | str,
    ) -> bool:
        """Change an upload's state if it still is `old`; return whether it was.

        `outcome` and `entry` take the place of those before; ``None`` leaves them.
        """
        changes: dict[str, Any] = {**values}
        if entry is not None:
            changes["entry"] = asdict(entry)
        if outcome is not None:
            changes["outcome"] = dict(outcome)

        return bool(
            await self._execute(
                update(UploadRow)
                .where(UploadRow.upload_id == upload_id, UploadRow.state == old)
                .values(state=new, **changes)
                .returning(UploadRow.upload_id)
            )
        )

    async def change_entry(self, upload_id: int, entry: Entry) -> bool:
        """Replace an entry that is not applied yet; it is to be checked again.

        Returns:
            Whether it was changed; not if it is live, cancelled or being applied.
        """
        return bool(
            await self._execute(
                update(UploadRow)
                .where(
                    UploadRow.upload_id == upload_id, UploadRow.state.in_(("checking", "preview"))
                )
                .values(entry=asdict(entry), state="checking")
                .returning(UploadRow.upload_id)
            )
        )

    async def tell_once(self, upload_id: int, *, update_id: int) -> bool:
        """Note that the customers who had asked are told now; return whether nobody did before.

        The same update may do it again when it is handled once more after a crash.
        """

        def write(session: Session) -> bool:
            row = session.get(UploadRow, upload_id)
            if row is None or row.entry.get("told", 0) not in (0, update_id):
                return False
            row.entry = {**row.entry, "told": update_id}
            return True

        return await self._run(write)

    async def forget(self, customer: int) -> None:
        """Erase the entries that came from a customer's question; what is live stays live."""
        await self._execute(delete(UploadRow).where(UploadRow.customer == customer))

    async def set_message(self, upload_id: int, message_id: int) -> None:
        """Remember which message shows an upload."""
        await self._execute(
            update(UploadRow).where(UploadRow.upload_id == upload_id).values(message_id=message_id)
        )

    async def purge(self, *, before: float) -> None:
        """Delete what is older than a time; its buttons no longer work."""
        await self._execute(delete(UploadRow).where(UploadRow.created < before))


def _upload(row: UploadRow) -> Upload:
    files = tuple(SentFile(name, file_id) for name, file_id in row.files)
    stored = row.entry
    entry = Entry(**{**stored, "open_ids": tuple(stored["open_ids"])}) if stored else None
    return record(Upload, row, files=files, entry=entry)
