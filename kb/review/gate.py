"""Ask golden questions of a release before it goes live; a worse answer holds it back.

They go through the same `Answerer` as customers' questions, over the rows as they would be live and
with the ranking trained on them. Two things are left out: the generator, since it decides nothing,
and the rules of the careful start, since they say who sends an answer and not which.
"""

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from core.errors import AnswerdeskError
from core.protocols import Embedder
from core.shown import short
from core.types import Answer, AnswerChange
from core.wording import tr
from db.golden import Golden, GoldenQuestions
from kb.answering.answerer import Answerer
from kb.answering.reply import Replier
from kb.index.view import View
from kb.ranking.ranker import Ranker
from kb.ranking.retriever import Retriever
from kb.ranking.training import Trainer
from kb.review.caution import contacts
from kb.text.segmentation import normalise

OnAsked: TypeAlias = Callable[[int, int], None]
"""Called with how many questions were asked, and of how many."""

_NAMED = 5
"""Questions named in the message about a held release."""
_QUESTION_CHARS = 80
_WORDS_CHARS = 160


class HeldBack(AnswerdeskError):
    """A release answers golden questions worse than the one that is live."""

    def __init__(self, changes: Sequence[AnswerChange], golden: int) -> None:
        named = [
            f'"{short(change.question, _QUESTION_CHARS)}" ({_difference(change)})'
            for change in changes[:_NAMED]
        ]
        if len(changes) > _NAMED:
            named.append(tr("and %(count)s more", count=len(changes) - _NAMED))
        super().__init__(
            tr(
                "Held back: %(count)s of %(golden)s golden questions would no longer come out as "
                "expected: %(questions)s. Nothing was published.",
                count=len(changes),
                golden=golden,
                questions="; ".join(named),
            )
        )
        self.changes = tuple(changes)


class NothingToExpect(AnswerdeskError):
    """The outcome of a question is neither an answer nor a refusal, so it cannot be expected."""

    def __init__(self, found: str) -> None:
        super().__init__(
            tr(
                "The question is %(what)s now, which cannot be expected from here on: say what is "
                "expected with `answerdesk golden add`.",
                what=found,
            )
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """A release that is asked in place of the live one."""

    rows: View
    scorer: Ranker
    embedder: Embedder | None = None
    """The model that filled it; ``None``: that of the knowledge base."""

    async def view(self) -> View:
        """Return its rows."""
        return self.rows

    async def ranker(self, release: int) -> Ranker:
        """Return its ranker."""
        return self.scorer


async def seen(live: View | Seen, rankers: Trainer) -> Seen:
    """Return a release with its own ranking."""
    return live if isinstance(live, Seen) else Seen(live, await rankers.ranker(live.release))


@dataclass(frozen=True)
class Replay:
    """Asks questions of any release, live or not, as customers do, each without a history. Nothing
    is recorded.

    Where nothing can be searched, this and all that rests on it raises IndexDamaged, IndexMismatch
    or ModelUnavailable.
    """

    retriever: Retriever
    """Of the live release."""
    answering: Callable[[Retriever, Replier, None], Answerer]

    async def compare(
        self, questions: Sequence[str], *releases: Seen, on_asked: OnAsked | None = None
    ) -> tuple[list[list[Answer]], int]:
        """Return what each release answers to each question, release by release.

        And how many of the questions the reader should have judged and could not.
        """
        found: list[list[Answer]] = []
        unread = 0
        for release in releases:
            embedder = release.embedder or self.retriever.embedder
            retriever = replace(
                self.retriever, embedder=embedder, view=release.view, ranker=release.ranker
            )
            replier = Replier(embedder, release.rows.chunks_of, retriever.reader)
            answerer = self.answering(retriever, replier, None)
            found.append([])
            for question in questions:
                found[-1].append(await answerer.answer(question))
                if on_asked:
                    on_asked(sum(map(len, found)), len(questions) * len(releases))
            unread = max(unread, retriever.unread)
        return found, unread


@dataclass(frozen=True)
class Gate:
    """Decides whether a release may go live."""

    golden: GoldenQuestions
    replay: Replay
    rankers: Trainer

    async def evaluate(self, live: View | Seen, candidate: View) -> int:
        """Ask the golden questions of a release that is not live yet; return how many there are.

        A question that the live release does not answer as expected either holds nothing back. With
        a `Seen`, what is live is in a knowledge base of another embedding model.

        Raises:
            HeldBack: if it does worse than the live one.
        """
        golden = await self.golden.list()
        old = await seen(live, self.rankers)
        if not golden or not old.rows.release:
            return 0
        new = Seen(candidate, await self.rankers.trial(candidate))
        (before, after), _ = await self.replay.compare([g.question for g in golden], old, new)
        compared = zip(golden, before, after, strict=True)
        drops = [drop(one, was, now) for one, was, now in compared if drops_out(one, was, now)]
        if drops:
            raise HeldBack(drops, len(golden))
        return len(golden)

    async def as_it_is(self, live: View, question: str, *, author: str) -> Golden:
        """Return a golden question that expects what the live release makes of it.

        Raises:
            NothingToExpect: if that is neither an answer nor a refusal.
        """
        ((answer,),), _ = await self.replay.compare([question], await seen(live, self.rankers))
        if answer.kind == "unknown":
            return Golden(question, refuse=True, author=author)
        if not answer.sources:
            raise NothingToExpect(outcome(answer))
        source = answer.sources[0]
        chunk = await live.chunk(source.chunk_id)
        entry = source.title if chunk is not None and chunk.kind == "faq" else ""
        # Without introductions: that it may not be meant, that somebody is angry or in danger.
        words = answer.text.split("\n\n", answer.hedged + bool(answer.urgency))[-1]
        return Golden(question, document=source.document, entry=entry, words=words, author=author)

    async def check(self, live: View) -> list[tuple[Golden, Answer, bool]]:
        """Ask the golden questions of the live release; return each with whether it fits."""
        golden = await self.golden.list()
        own = await seen(live, self.rankers)
        (answers,), _ = await self.replay.compare([g.question for g in golden], own)
        return [(g, a, fits(g, a)) for g, a in zip(golden, answers, strict=True)]


def fits(golden: Golden, answer: Answer) -> bool:
    """Tell whether an answer is what an operator expects of a question."""
    if golden.refuse:
        return answer.kind == "unknown"
    if answer.kind not in {"faq", "composed", "quoted"}:
        return False
    if golden.words and normalise(golden.words) not in normalise(answer.text):
        return False
    entry = normalise(golden.entry)
    return any(
        source.document in {golden.document or source.document}
        and (not entry or normalise(source.title) == entry)
        for source in answer.sources
    )


def drops_out(golden: Golden, old: Answer, new: Answer) -> bool:
    """Tell whether a golden question came out as expected and no longer would.

    Its figures and links are expected to stay, whatever else is: a poisoned answer may come from
    the same entry of the same file.
    """
    return fits(golden, old) and (not fits(golden, new) or changed_marks(old, new) != ([], []))


def changed_marks(old: Answer, new: Answer) -> tuple[list[str], list[str]]:
    """Return the figures and links that an answer loses, and those that it gets.

    None if it comes from the same texts: then only what is quoted of them differs.
    """
    if {s.chunk_id for s in new.sources} <= {s.chunk_id for s in old.sources}:
        return [], []
    before, after = _marks(old.text), _marks(new.text)
    return [m for m in before if m not in after], [m for m in after if m not in before]


def drop(golden: Golden, old: Answer, new: Answer) -> AnswerChange:
    """Return how a golden question fails that passed before."""
    expected = expectation(golden)
    lost, got = changed_marks(old, new)
    if fits(golden, new) and lost:
        expected += tr(" with %(parts)s", parts=", ".join(lost))
    if fits(golden, new) and got:
        expected += tr(" without %(parts)s", parts=", ".join(got))
    return replace(change_of(old, new), question=golden.question, expected=expected)


def change_of(old: Answer, new: Answer) -> AnswerChange:
    """Return the difference between two answers to one question, without the question."""
    before, after = _words(old), _words(new)
    pairs = zip(before, after, strict=False)
    shared = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
    begin = max(0, shared - _WORDS_CHARS // 2)
    return AnswerChange(
        "",
        outcome(old),
        outcome(new),
        old_words=_short_from(before, begin),
        new_words=_short_from(after, begin),
    )


def rests_on(answer: Answer) -> tuple[str, str]:
    """Return what makes two answers equal: their kind and the chunks they rest on."""
    kind = "answered" if answer.kind in {"composed", "quoted"} else answer.kind
    return kind, answer.sources[0].chunk_id if answer.sources else ""


def expectation(golden: Golden) -> str:
    """Return the expected outcome in words."""
    if golden.refuse:
        return tr("refused")
    words = short(golden.words, _WORDS_CHARS)
    parts = [
        tr(' from "%(document)s"', document=golden.document) if golden.document else "",
        tr(' by the entry "%(entry)s"', entry=golden.entry) if golden.entry else "",
        tr(' with the words "%(words)s"', words=words) if words else "",
    ]
    return "".join([tr("answered"), *parts])


def outcome(answer: Answer) -> str:
    """Return the outcome of a question in words, without those of the customer."""
    if answer.kind == "unknown":
        return tr("refused")
    if not answer.sources:
        return tr("taken for no question")
    source = answer.sources[0]
    title = short(source.title, _QUESTION_CHARS)
    return tr('answered from "%(document)s" ("%(title)s")', document=source.document, title=title)


def _difference(change: AnswerChange) -> str:
    if change.after == change.before:
        return tr("should be %(what)s, and the answer's words are others", what=change.expected)
    return tr("should be %(what)s, would be %(after)s", what=change.expected, after=change.after)


def _marks(text: str) -> list[str]:
    """Return the links, telephone numbers and figures of a text."""
    found = [contact.text for contact in contacts(text)]
    figures = re.findall(r"\d+(?:[.,:/]\d+)*", normalise(text))
    return list(dict.fromkeys([*found, *figures]))


def _words(answer: Answer) -> str:
    """Return an answer's own words, none if it is no answer."""
    return " ".join(answer.text.split()) if answer.sources else ""


def _short_from(text: str, begin: int) -> str:
    """Return the excerpt of a text that shows where it begins to differ."""
    if len(text) <= _WORDS_CHARS:
        return text
    return short(f"…{text[begin:].lstrip()}" if begin else text, _WORDS_CHARS)
