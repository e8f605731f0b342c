"""Files and entries that operators sent, from the preview to what became of each."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from sqlalchemy import JSON, BigInteger, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.wording import tr
from db.base import Base, Database, Repository, writes

UploadState: TypeAlias = Literal[
    "checking", "preview", "applying", "live", "cancelled", "undone", "failed"
]
_NAMED = 3
"""Files that the title of an upload names."""

Channel: TypeAlias = Literal["telegram", "console"]


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


class Upload(Base):
    """One file or album, or one entry that an operator wrote, and what became of it."""

    __tablename__ = "uploads"

    upload_id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(String(8), default="telegram")
    actor: Mapped[int] = mapped_column(BigInteger)
    chat_id: Mapped[int] = mapped_column(BigInteger)
    message_id: Mapped[int] = mapped_column(BigInteger, default=0)
    """The bot's message with the preview and its buttons."""
    sent: Mapped[list[list[str]]] = mapped_column("files", JSON)
    """The fields of each `SentFile`."""
    columns: Mapped[str] = mapped_column(Text, default="")
    """What was said of the files' columns (`kb.parse.faq.columns.written`); empty for nothing."""
    outcome: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """What the last step found, as the console shows it again (`kb.releases.upload.Outcome`)."""
    thread_id: Mapped[int] = mapped_column(BigInteger, default=0)
    written: Mapped[dict[str, Any]] = mapped_column("entry", JSON, default=dict)
    """The fields of an `Entry`; empty for files."""
    customer: Mapped[int] = mapped_column(BigInteger, default=0, index=True)
    """Whose question the entry came from; 0 for none."""
    state: Mapped[UploadState] = mapped_column(String(12), index=True)
    before: Mapped[int] = mapped_column(default=0)
    """The live release before it was applied."""
    after: Mapped[int] = mapped_column(default=0)
    """The release it became."""
    created: Mapped[float]
    """UTC epoch seconds."""

    @property
    def files(self) -> tuple[SentFile, ...]:
        """The files, none of an entry."""
        return tuple(SentFile(*fields) for fields in self.sent)

    @property
    def entry(self) -> Entry | None:
        """The entry; ``None`` of files."""
        fields = self.written
        return Entry(**{**fields, "open_ids": tuple(fields["open_ids"])}) if fields else None

    @property
    def title(self) -> str:
        """The question of an entry, or the names of the first files."""
        if self.entry:
            return self.entry.question
        names = [file.name for file in self.files]
        more = tr("and %(count)s more", count=len(names) - _NAMED) if len(names) > _NAMED else ""
        return f"{', '.join(names[:_NAMED])} {more}".rstrip()


class Uploads(Repository):
    """Stores files and entries that wait for their operator's word; each way in has its own."""

    def __init__(self, database: Database, *, channel: Channel = "telegram") -> None:
        super().__init__(database)
        self._channel = channel

    @writes
    def add(
        self,
        session: Session,
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
        row = Upload(
            channel=self._channel,
            actor=actor,
            chat_id=chat_id,
            thread_id=thread_id,
            sent=[[file.name, file.file_id] for file in files],
            columns=columns,
            written=asdict(entry) if entry else {},
            customer=customer,
            state="checking",
            created=time.time(),
        )
        session.add(row)
        session.flush()
        return row.upload_id

    async def get(self, upload_id: int) -> Upload | None:
        """Return an upload; ``None`` if there is none of this channel."""
        which = Upload.upload_id == upload_id, Upload.channel == self._channel
        return await self._first(select(Upload).where(*which))

    async def latest(self, *, limit: int) -> Sequence[Upload]:
        """Return the uploads of this channel, newest first."""
        return await self._all(
            select(Upload)
            .where(Upload.channel == self._channel)
            .order_by(Upload.upload_id.desc())
            .limit(limit)
        )

    async def held(self) -> list[Upload]:
        """Return the uploads that were held back and wait for a word, newest first; of all ways in.

        Those are previews whose last step was to apply them (`IngestReport.held`).
        """
        rows = await self._all(
            select(Upload).where(Upload.state == "preview").order_by(Upload.upload_id.desc())
        )
        return [row for row in rows if (row.outcome.get("report") or {}).get("held")]

    async def unfinished(self) -> Sequence[Upload]:
        """Return uploads whose check or application was interrupted, oldest first."""
        return await self._all(
            select(Upload)
            .where(Upload.channel == self._channel, Upload.state.in_(("checking", "applying")))
            .order_by(Upload.upload_id)
        )

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
            changes["written"] = asdict(entry)
        if outcome is not None:
            changes["outcome"] = dict(outcome)
        which = Upload.upload_id == upload_id, Upload.state == old
        return bool(await self._update(Upload, *which, state=new, **changes))

    async def change_entry(self, upload_id: int, entry: Entry) -> bool:
        """Replace an entry that is not applied yet; it is to be checked again.

        Returns:
            Whether it was changed; not if it is live, cancelled or being applied.
        """
        which = Upload.upload_id == upload_id, Upload.state.in_(("checking", "preview"))
        return bool(await self._update(Upload, *which, written=asdict(entry), state="checking"))

    @writes
    def tell_once(self, session: Session, upload_id: int, *, update_id: int) -> bool:
        """Note that the customers who had asked are told now; return whether nobody did before.

        The same update may do it again when it is handled once more after a crash.
        """
        row = session.get(Upload, upload_id)
        if row is None or row.written.get("told", 0) not in (0, update_id):
            return False
        row.written = {**row.written, "told": update_id}
        return True

    async def forget(self, customer: int) -> None:
        """Erase the entries that came from a customer's question; what is live stays live."""
        await self._delete(Upload, Upload.customer == customer)

    async def set_message(self, upload_id: int, message_id: int) -> None:
        """Remember which message shows an upload."""
        await self._update(Upload, Upload.upload_id == upload_id, message_id=message_id)

    async def purge(self, *, before: float) -> None:
        """Delete what is older than a time; its buttons no longer work."""
        await self._delete(Upload, Upload.created < before)
