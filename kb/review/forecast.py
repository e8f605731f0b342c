"""Preview the answers that a change would alter."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.errors import AnswerdeskError, IndexUnusable, ModelError
from core.types import Answer, AnswerChange, Vector
from core.wording import ntr, tr
from db.golden import Golden, GoldenQuestions
from kb.index.view import View
from kb.ingest.diff import Comparison
from kb.ranking.training import Trainer
from kb.review.gate import OnAsked, Replay, Seen, change_of, drop, drops_out, rests_on, seen
from kb.review.most_asked import Asked, AskedOnce, differences
from kb.review.overlay import Overlay

logger = logging.getLogger(__name__)

_MOST_GOLDEN = 50
"""Golden questions that a preview asks; applying asks all of them."""


@dataclass(frozen=True)
class Forecast:
    """Answers to customers that would change."""

    asked: int = 0
    """Frequent questions that were asked."""
    answers: tuple[AnswerChange, ...] = ()
    own: tuple[AnswerChange, ...] = ()
    golden_asked: int = 0
    golden: tuple[AnswerChange, ...] = ()
    trouble: str = ""
    """Why some or all of it could not be told as customers would be answered: a sentence."""


@dataclass(frozen=True)
class Forecaster:
    """Asks frequent and golden questions of a release that does not exist yet.

    Bounded: 50 questions of either kind, each asked twice without the generator, and training for
    up to 2,000 rows. Nothing is written, and publishing goes on meanwhile.
    """

    asked: Asked
    golden: GoldenQuestions
    replay: Replay
    rankers: Trainer

    async def foresee(
        self,
        live: View,
        comparison: Comparison,
        vectors: Mapping[str, Vector],
        *,
        own: Sequence[AskedOnce] = (),
        on_asked: OnAsked | None = None,
    ) -> Forecast:
        """Return how a change to `live` would alter answers; nothing if that is unknown.

        New texts without one of the `vectors` are left out. `own` are questions that the change is
        made for.
        """
        if not live.release or not (comparison.written or comparison.gone):
            return Forecast()
        asked, golden = await self.asked(), (await self.golden.list())[:_MOST_GOLDEN]
        if not asked and not golden and not own:
            return Forecast()
        try:
            overlay = await _overlay(live, comparison, vectors)
            before = await self.rankers.ranker(live.release)
            after = await self.rankers.preview(overlay)
            if after is None:  # then both without what was learned, so that only rows differ
                before = after = before.untrained()
            return await self._compare(
                asked, golden, Seen(live, before), Seen(overlay, after), own=own, on_asked=on_asked
            )
        except (ModelError, IndexUnusable) as error:
            return _unknown(error)

    async def between(
        self, live: View, other: View, *, on_asked: OnAsked | None = None
    ) -> Forecast:
        """Return the answers that would differ if another release were live.

        Raises:
            ModelError, IndexUnusable: if that cannot be told.
        """
        asked, golden = await self.asked(), (await self.golden.list())[:_MOST_GOLDEN]
        releases = await seen(live, self.rankers), await seen(other, self.rankers)
        return await self._compare(asked, golden, *releases, on_asked=on_asked)

    async def changes(self, before: View | Seen, after: View) -> Forecast:
        """Return the frequent questions that a new release answers differently.

        Nothing if that cannot be told.
        """
        releases = await seen(before, self.rankers), await seen(after, self.rankers)
        asked = await self.asked() if all(one.rows.release for one in releases) else ()
        try:
            return await self._compare(asked, (), *releases)
        except (ModelError, IndexUnusable) as error:
            return _unknown(error)

    async def _compare(
        self,
        asked: Sequence[AskedOnce],
        golden: Sequence[Golden],
        live: Seen,
        other: Seen,
        *,
        own: Sequence[AskedOnce] = (),
        on_asked: OnAsked | None = None,
    ) -> Forecast:
        customers = [question for question, *_ in (*asked, *own)]
        questions = [*customers, *(one.question for one in golden)]
        (old, new), unread = await self.replay.compare(questions, live, other, on_asked=on_asked)
        pairs = zip(own, old[len(asked) :], new[len(asked) :], strict=False)
        return Forecast(
            asked=len(asked),
            answers=differences(asked, old[: len(asked)], new[: len(asked)]),
            own=tuple(
                replace(
                    change_of(was, now),
                    question="" if number else question,
                    answer_ids=(number,) * bool(number),
                )
                for (question, _, number), was, now in pairs
            ),
            golden_asked=len(golden),
            golden=_changed(golden, old[len(customers) :], new[len(customers) :]),
            trouble=ntr(
                "The reader was down or busy at %(num)s question, so customers may be answered "
                "otherwise than is said here. Look again later.",
                "The reader was down or busy at %(num)s questions, so customers may be answered "
                "otherwise than is said here. Look again later.",
                unread,
            )
            if unread
            else "",
        )


def _unknown(error: AnswerdeskError) -> Forecast:
    logger.warning("What becomes of answers is not known: %s", error)
    return Forecast(trouble=tr("What becomes of answers is not known: %(reason)s", reason=error))


async def _overlay(live: View, comparison: Comparison, vectors: Mapping[str, Vector]) -> Overlay:
    missing = {row.vector_key for row in comparison.written} - vectors.keys()
    known = {**vectors, **await live.vectors(missing)}
    rows = [row for row in comparison.written if row.vector_key in known]
    fresh = {row.row_id for row in comparison.fresh}
    rewritten = {row.row_id for row in comparison.written} - fresh
    matrix = (
        np.stack([known[row.vector_key] for row in rows]) if rows else np.empty((0, 1), np.float32)
    )
    return Overlay(live, rows, matrix, without=comparison.gone | rewritten)


def _changed(
    golden: Sequence[Golden], old: Sequence[Answer], new: Sequence[Answer]
) -> tuple[AnswerChange, ...]:
    """Return the golden questions with another outcome, first those that would hold it back."""
    drops, others = [], []
    for one, was, now in zip(golden, old, new, strict=True):
        if drops_out(one, was, now):
            drops.append(drop(one, was, now))
        elif rests_on(was) != rests_on(now):
            others.append(replace(change_of(was, now), question=one.question))
    return (*drops, *others)
