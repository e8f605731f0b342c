"""Open questions: put together by meaning, answered, linked, merged, set aside.

Telegram and the console show the same list and do the same with it; what becomes of a question
stands in the database (`db.conversations`).
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from scipy.sparse.csgraph import connected_components

from core.errors import AnswerdeskError, IndexUnusable, ModelError
from core.types import Answer, Chunk, Urgency
from core.wording import N_, tr
from db.conversations import Conversations, OpenQuestion, OpenStatus
from db.uploads import Entry
from kb.answering.intent import continues
from kb.ranking.retriever import Retriever
from kb.releases.alike import NEAR, Alike
from kb.releases.entries import Entries
from kb.text.lexicon import is_cjk
from kb.text.personal import personal_parts
from kb.text.segmentation import words
from kb.text.stems import content_words

Order: TypeAlias = Literal["most", "newest"]

_PRESSING: tuple[Urgency, ...] = ("urgent", "angry", "")
_CONSIDERED = 500
"""The newest questions; older ones follow when these are settled."""
_LOOKED_AT = 50
"""Entries and passages among which the nearest entries are looked for."""
_NEAREST_ROWS = 5
"""Questions of entries and their variants, of which the first that may be meant is named."""
_SURELY = 0.9
"""Probability from which an open question counts as answered: nobody looks at it again."""
_ASKED_AGAIN = 200
"""Wordings asked again after a release: half a minute of one core."""
_LITTLE_CHINESE = 6
"""Characters of a Chinese question that says little alone; in other languages it has at most one
word with a meaning of its own."""
CONFIRM = N_("Edit it, or confirm that it may be stored as it stands.")


class DealtWith(AnswerdeskError):
    """Somebody has answered a question, or set it aside, meanwhile."""

    def __init__(self) -> None:
        super().__init__(tr("It was dealt with already."))


class Unconfirmed(AnswerdeskError):
    """Something speaks against storing a text, and nobody has confirmed that it may stay."""

    def __init__(self, concerns: Sequence[str]) -> None:
        super().__init__(" ".join([*concerns, tr(CONFIRM)]))


@dataclass(frozen=True, slots=True)
class OpenGroup:
    """Open questions that ask the same, newest first."""

    questions: Sequence[OpenQuestion]

    @property
    def newest(self) -> OpenQuestion:
        """The newest one, which represents the group."""
        return self.questions[0]

    @property
    def urgency(self) -> Urgency:
        """The most pressing of them."""
        return min((question.urgency for question in self.questions), key=_PRESSING.index)

    @property
    def open_ids(self) -> tuple[int, ...]:
        """Their numbers."""
        return tuple(question.open_id for question in self.questions)

    @property
    def is_merged(self) -> bool:
        """Whether an operator put some of them together."""
        return any(question.same_as in self.open_ids for question in self.questions)

    @property
    def customer(self) -> int:
        """The Telegram chat that asked the newest, 0 if it came another way."""
        return next(iter(customers_of([self.newest])), 0)

    @property
    def text(self) -> str:
        """The question as it would be stored, on one line."""
        return " ".join(self.newest.question.split())

    def entry(self, answer: str, *, question: str = "") -> Entry:
        """Return the entry by which an answer is given to everybody who asks the same."""
        return Entry(question=question or self.text, answer=answer, open_ids=self.open_ids)


@dataclass(frozen=True)
class OpenQuestions:
    """What operators do with the questions that found no answer.

    What takes one of them raises DealtWith if it is not open any more; what changes an entry, the
    errors of `Entries`.
    """

    questions: Conversations
    alike: Alike
    finder: Retriever
    entries: Entries
    _: KW_ONLY
    name_of: Callable[[int], Awaitable[str]]
    """Returns the name of the customer of a Telegram chat."""

    # --- looking -------------------------------------------------------------------------------

    async def groups(self, order: Order = "most") -> list[OpenGroup]:
        """Return what waits: urgent, angry, others; of each the most asked or the newest first."""
        questions = await self.questions.open_questions(limit=_CONSIDERED)
        positions = await self.alike.group([question.question for question in questions])
        merged = _merged(questions, positions)
        groups = [OpenGroup([questions[n] for n in group]) for group in merged]
        if order == "most":
            groups.sort(key=lambda group: -len(group.questions))  # stable: else newest first
        return sorted(groups, key=lambda group: _PRESSING.index(group.urgency))

    async def group(self, open_id: int, *, among: Sequence[OpenGroup] | None = None) -> OpenGroup:
        """Return the open questions that ask the same as one of them, that one first.

        `among` are the groups, if they are known already.
        """
        for group in await self.groups() if among is None else among:
            own = [question for question in group.questions if question.open_id == open_id]
            if own:
                return OpenGroup([*own, *(q for q in group.questions if q not in own)])
        raise DealtWith

    async def others(
        self, group: OpenGroup, *, among: Sequence[OpenGroup], most: int
    ) -> list[tuple[OpenGroup, bool]]:
        """Return other groups, the nearest first, each with whether it probably asks the same."""
        others = [one for one in among if one.newest.open_id not in group.open_ids]
        order = await self.alike.by_nearness(group.text, [one.text for one in others])
        return [(others[place], cosine >= NEAR) for place, cosine in order[:most]]

    async def nearest(self, groups: Sequence[OpenGroup]) -> dict[int, Chunk]:
        """Return the entry nearest to each group, by the number of its newest question.

        Only the vectors of entries' own questions are compared: a fourth of the work of `near`.
        Nothing while nothing can be searched.
        """
        try:
            found: dict[int, Chunk] = {}
            view = await self.finder.view()
            vectors = await self.alike.vectors([group.text for group in groups])
            for group, vector in zip(groups, vectors, strict=True):
                no = await view.objections(vector)
                for row in await view.search_dense(vector, _NEAREST_ROWS, rows="asked"):
                    if no.get(row.chunk.chunk_id, -1.0) <= row.score:
                        found.setdefault(group.newest.open_id, row.chunk)
        except (ModelError, IndexUnusable):
            return {}
        return found

    async def near(self, words: str) -> list[Chunk]:
        """Return the entries and passages near a question, or words, the nearest first; none while
        nothing can be searched."""
        try:
            found = await self.finder.retrieve(words, k=_LOOKED_AT)
        except (ModelError, IndexUnusable):
            return []
        return [hit.chunk for hit in found.hits]

    async def asked(self, open_ids: Sequence[int]) -> list[OpenQuestion]:
        """Return questions by number, whatever became of them; who was forgotten is left out."""
        return await self.questions.open_questions(open_ids=open_ids, limit=len(open_ids))

    async def settled(self, status: OpenStatus, *, most: int) -> list[OpenQuestion]:
        """Return what was taken off the list in one way, the newest first."""
        return await self.questions.open_questions(status=status, limit=most)

    async def concerns(
        self, question: str, *, answer: str = "", customer: int = 0, part: bool = False
    ) -> list[str]:
        """Return what speaks against storing a question as it stands, as sentences.

        That it may tell who the customer is (a Telegram chat; 0: any), or says too little alone;
        `part`: it is no more than a part of a message.
        """
        found = []
        name = await self.name_of(customer) if customer else ""
        parts = personal_parts(f"{question}\n{answer}", name=name)
        own = self.entries.ingestor.own_contacts
        if parts := [part for part in parts if part not in own]:
            shown = ", ".join(f"“{part}”" for part in parts)
            found.append(tr("It may tell who the customer is: %(parts)s.", parts=shown))
        if _says_little(question, part=part):
            found.append(
                tr(
                    "It is understood only after what was said before: customers who mean "
                    "something else by it would get this answer too."
                )
            )
        return found

    async def concerns_of(self, group: OpenGroup, question: str) -> list[str]:
        """Return what speaks against storing a question of a group, in these words; `concerns`."""
        part = bool(group.newest.message) and question == group.text
        return await self.concerns(question, customer=group.customer, part=part)

    # --- dealing with them ---------------------------------------------------------------------

    async def answered(self, entry: Entry) -> tuple[Entry, int]:
        """Take the questions that an entry answers off the list, and those that ask the same.

        Return the entry with all of them, and how many were on the list.
        """
        entry = replace(entry, open_ids=await self._with_alike(entry.open_ids, entry.question))
        return entry, await self.questions.resolve(entry.open_ids, status="answered")

    async def answered_by_now(
        self, answer: Callable[[str], Awaitable[Answer]], *, without: Collection[int]
    ) -> list[int]:
        """Take off the list what was asked in vain and is surely answered now; return the numbers.

        The newest are asked, one after the other. Not those whose customers are in need or angry or
        refused an answer, those that say too little alone, and those `without`.
        """
        asked: dict[str, list[int]] = {}
        for one in await self.questions.open_questions(limit=_CONSIDERED):
            little = _says_little(one.question, part=bool(one.message))
            if one.kind == "unknown" and not (one.urgency or little or one.open_id in without):
                asked.setdefault(one.question, []).append(one.open_id)
        found = []
        for question, open_ids in [*asked.items()][:_ASKED_AGAIN]:
            said = await answer(question)
            given = said.kind in {"faq", "composed", "quoted"} and not (said.hedged or said.urgency)
            if given and said.confidence >= _SURELY and not said.unanswered:
                await self.questions.resolve(open_ids, status="found")
                found += open_ids
        return found

    async def _with_alike(self, open_ids: Sequence[int], question: str) -> tuple[int, ...]:
        """Add the numbers of the open questions that ask the same as a question."""
        waiting = await self.questions.open_questions(limit=_CONSIDERED)
        same, *_ = await self.alike.group([question, *(one.question for one in waiting)])
        alike = (waiting[place - 1].open_id for place in same if place)
        return tuple(dict.fromkeys([*open_ids, *alike]))

    async def reopen(self, open_ids: Sequence[int]) -> int:
        """Reopen questions: their answer was undone, or they are ours after all."""
        return await self.questions.reopen(open_ids)

    async def link(
        self, open_ids: Sequence[int], chunk_id: str, question: str, *, author: str
    ) -> tuple[int, int]:
        """Make a question a way to ask an entry, live.

        Return the number of the change, and how many open questions it answered: these, and those
        that ask the same.
        """
        change = await self.entries.change(chunk_id, "variant", text=question, author=author)
        number, open_ids = change.curation_id, await self._with_alike(open_ids, question)
        return number, await self.questions.resolve(open_ids, status="answered", change=number)

    async def unlink(self, number: int) -> int:
        """Take a change of an entry back, live; return how many questions are open again by it."""
        await self.entries.take_back(number)
        return await self.questions.reopen(change=number)

    async def dismiss(self, open_id: int) -> int:
        """Set a question aside with those that ask the same; return how many these were."""
        group = await self.group(open_id)
        return await self.questions.resolve(group.open_ids, status="dismissed")

    async def merge(self, open_id: int, into: int) -> None:
        """Put two groups together for good: they ask the same."""
        group, other = await self.group(open_id), await self.group(into)
        await self.questions.put_together(group.open_ids, with_=other.newest.open_id)

    async def separate(self, open_id: int) -> None:
        """Undo what was merged in a group; what is near by itself stays together."""
        group = await self.group(open_id)
        await self.questions.put_together(group.open_ids, with_=None)


def customers_of(questions: Sequence[OpenQuestion]) -> dict[int, OpenQuestion]:
    """Return the Telegram chats that asked, each with its newest question; newest come first."""
    found: dict[int, OpenQuestion] = {}
    for question in questions:
        channel, _, chat = question.chat.partition(":")
        if channel == "telegram" and chat.lstrip("-").isdigit():
            found.setdefault(int(chat), question)
    return found


def _says_little(question: str, *, part: bool) -> bool:
    """Tell whether a question is the rest of one: "and the other?"."""
    found = words(question)
    if any(is_cjk(word[0]) for word in found):
        return (part or continues(question)) and len(found) <= _LITTLE_CHINESE
    return len(content_words(question)) <= (part or continues(question))


def _merged(
    questions: Sequence[OpenQuestion], positions: Sequence[Sequence[int]]
) -> list[list[int]]:
    """Return groups of positions, those together that an operator merged; each newest first."""
    home = {number: place for place, group in enumerate(positions) for number in group}
    place_of = {question.open_id: home[number] for number, question in enumerate(questions)}
    pairs = [
        (home[n], place_of[q.same_as]) for n, q in enumerate(questions) if q.same_as in place_of
    ]
    links = np.zeros((len(positions), len(positions)), bool)
    links[tuple(zip(*pairs, strict=True))] = bool(pairs)
    groups: dict[int, list[int]] = {}
    for label, group in zip(connected_components(links)[1], positions, strict=True):
        groups.setdefault(label, []).extend(group)
    return [sorted(group) for group in groups.values()]
