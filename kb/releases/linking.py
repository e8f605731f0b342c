"""Which entry is nearest to a question that found no answer, and how it is made to answer it."""

from core.types import Chunk
from db.curation import Curation
from kb.ranking.retriever import Retriever
from kb.releases.entries import Entries


class EntryLinks:
    """Finds entries by meaning and adds questions to them, each as one release."""

    def __init__(self, finder: Retriever, entries: Entries) -> None:
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
