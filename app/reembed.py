"""Another embedding model: everything is embedded anew beside the index that answers meanwhile."""

import logging
import time

from app.wiring import Knowledge, open_knowledge
from core.errors import AnswerdeskError
from core.types import IngestReport
from kb.index.view import View
from kb.ingest.prepare import OnProgress, Progress
from kb.review.gate import Seen
from kb.review.most_asked import answers_text

logger = logging.getLogger(__name__)

_LINE_EVERY_S = 30


async def is_undone(knowledge: Knowledge) -> bool:
    """Tell whether an operator went back to the model before: that is not done over by itself."""
    releases = await knowledge.release_rows.list(limit=1000)
    return releases[0].kind == "rollback" and any(r.kind == "embed" for r in releases)


async def reembed(
    knowledge: Knowledge, *, anyway: bool = False, on_progress: OnProgress | None = None
) -> str:
    """Embed everything with the configured model, compare, switch; return what changed, in words.

    `knowledge` is open with the model that filled the index, and goes on answering. `anyway`:
    switch whatever the golden questions say, and without documents that cannot be read again.

    Raises:
        AnswerdeskError: if the other model cannot be used, or golden questions come out worse;
            what answers stays as it is.
    """
    async with open_knowledge(knowledge.config, knowledge.paths, beside=knowledge.database) as new:

        async def before() -> Seen:
            view = await knowledge.index.view()
            ranker = await knowledge.trainer.ranker(view.release)
            return Seen(view, ranker, knowledge.retriever.embedder)

        async def approve(candidate: View) -> None:
            if not anyway:
                await new.gate.evaluate(await before(), candidate)

        old = await before()
        rebuilt = await new.releases.reembed(
            approve,
            model=new.embedder.name,
            partial=anyway,
            on_progress=on_progress or _logged(new.embedder.name),
        )
        told = await new.forecaster.changes(old, await new.index.view())
    await knowledge.index.view()  # sees that it is superseded
    report = IngestReport(
        rebuilt.release, (), rebuilt.embedded, 0, asked=told.asked, answers=told.answers
    )
    lines = [
        f"Release {rebuilt.release} is live, embedded by {new.embedder.name} ({rebuilt.embedded} "
        f"texts, {rebuilt.seconds:.0f} s). For a week `answerdesk releases rollback "
        f"{old.rows.release}` brings {knowledge.embedder.name} back.",
        *(f"Left out: {error}" for error in rebuilt.errors.values()),
        *answers_text(report),
    ]
    return "\n".join(lines)


async def reembed_beside(knowledge: Knowledge) -> str:
    """Do it while the service answers; return what operators are told, empty for nothing."""
    if not knowledge.wanted:
        return ""
    name = knowledge.embedder.name
    if await is_undone(knowledge):
        logger.warning(
            "The index is as %s filled it and models.embedder is %s: run `answerdesk rebuild` to "
            "embed everything anew, or set models.embedder back to %s.",
            name,
            knowledge.wanted,
            name,
        )
        return ""
    logger.info(said_meanwhile(knowledge))
    try:
        return await reembed(knowledge)
    except AnswerdeskError as error:
        logger.warning("Nothing was embedded anew: %s", error)
        return (
            f"The embedding model was not changed to {knowledge.wanted}. {error} "
            f"Run `answerdesk rebuild --anyway` to change it all the same, or set models.embedder "
            f"back to {name}."
        )


def said_meanwhile(knowledge: Knowledge) -> str:
    """Return what goes on while everything is embedded anew."""
    return (
        f"The index was filled by {knowledge.embedder.name}, which answers, while everything is "
        f"embedded anew with {knowledge.wanted} beside it."
    )


def _logged(name: str) -> OnProgress:
    said = time.monotonic()

    def report(state: Progress) -> None:
        nonlocal said
        if time.monotonic() - said > _LINE_EVERY_S:
            said = time.monotonic()
            logger.info("%s: %d of %d texts embedded", name, state.texts, state.texts_total)

    return report
