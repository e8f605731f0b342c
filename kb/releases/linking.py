"""Which entry is nearest to a question that found no answer, and how it is made to answer it."""

from typing import Protocol

from core.types import Chunk
from db.curation import Curation
from kb.ranking.retriever import Retrieval
from kb.releases.entries import Entries


class Finds(Protocol):
    """The part of `kb.ranking.retriever.Retriever` that this uses."""

    async def retrieve(self, question: str, *, k: int = 10, today: str = "") -> Retrieval:
        """Return the most probable candidates for a question."""
        ...


class LinksQuestions(Protocol):
    """What operators do with a question and an entry (`EntryLinks`)."""

    async def nearest(self, question: str, *, most: int = 1) -> list[Chunk]:
        """Return the entries that are most likely meant, best first."""
        ...

    async def entry(self, chunk_id: str) -> Chunk:
        """Return a live entry; raise `EntryNotFound` if it is gone."""
        ...

    async def link(self, chunk_id: str, question: str, *, author: str) -> int:
        """Make the question a variant of the entry; return the number of the change."""
        ...

    async def unlink(self, number: int) -> None:
        """Take a change back."""
        ...


class EntryLinks:
    """Finds entries by meaning and adds questions to them, each as one release."""

    def __init__(self, finder: Finds, entries: Entries) -> None:
        self._finder = finder
        self._entries = entries

    async def nearest(self, question: str, *, most: int = 1) -> list[Chunk]:
        """Return the entries that are most likely meant, best first.

        Raises:
            ModelError, IndexDamaged, IndexMismatch: if nothing can be searched.
        """
        found = await self._finder.retrieve(question)
        return [hit.chunk for hit in found.hits if hit.chunk.kind == "faq"][:most]

    async def entry(self, chunk_id: str) -> Chunk:
        """Return a live entry with its variants.

        Raises:
            EntryNotFound: if no live entry has this id: it was changed or removed.
        """
        return await self._entries.get(chunk_id)

    async def link(self, chunk_id: str, question: str, *, author: str) -> int:
        """Make the question a variant of the entry, live; return the number of the change.

        Raises:
            EntryNotFound, BadChange: nothing was changed.
            ChangeNotLive: if it is stored only.
        """
        change: Curation = await self._entries.change(
            chunk_id, "variant", text=question, author=author
        )
        return change.curation_id

    async def unlink(self, number: int) -> None:
        """Take a change back, live.

        Raises:
            CurationNotFound: if there is none of this number.
            ChangeNotLive: if it is stored only that it was taken back.
        """
        await self._entries.take_back(number)
