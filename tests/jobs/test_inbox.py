"""Open questions are asked again when another release is live."""

from pathlib import Path

import pytest

from core.types import Answer, Urgency
from db.jobs import JobRepository, JobRun
from jobs.inbox import NAME, Recheck
from jobs.schedule import Job, Scheduler
from tests.fakes import WordEmbedder
from tests.kb.workshop import Workshop, answerer_of, library_of, workshop

pytestmark = pytest.mark.anyio


async def ask(shop: Workshop, question: str, urgency: Urgency = "") -> None:
    answer = Answer("unknown", "?", "en", urgency=urgency)
    await shop.conversations.record(question, answer, chat="web:1", channel="web")


async def look(shop: Workshop) -> JobRun:
    runs, live = JobRepository(shop.database), shop.repository.current
    job = Recheck(library_of(shop).questions, runs, live, answerer_of(shop).answer).job
    done = await Scheduler([Job(NAME, job)], runs).run_now(NAME)
    assert done.state == "done", done.text
    return done


async def waiting(shop: Workshop) -> list[str]:
    return sorted(one.question for one in await shop.conversations.open_questions())


async def test_what_a_release_answers_leaves_the_inbox_and_can_be_put_back(tmp_path: Path) -> None:
    async with workshop(tmp_path, WordEmbedder()) as shop:
        await shop.put(faq="May I return it?|Within 30 days.")
        for question in ("Do you ship to Norway?", "do you ship to norway?", "Who won the match?"):
            await ask(shop, question)
        await ask(shop, "Help! Do you ship to Norway?", "urgent")
        await look(shop)
        assert len(await waiting(shop)) == 4
        await shop.put(norway="Do you ship to Norway?|Yes, for 9 euros.")
        done = await look(shop)
        assert done.text.startswith("2 open questions are surely answered now")
        assert "Norway" not in f"{done.text} {done.detail}"
        assert await waiting(shop) == ["Help! Do you ship to Norway?", "Who won the match?"]
        questions = library_of(shop).questions
        found = await questions.settled("found", most=9)
        assert [one.question for one in found] == [
            "do you ship to norway?",
            "Do you ship to Norway?",
        ]
        await questions.reopen([found[0].open_id])
        await shop.put(more="Are you open?|Always.")
        await look(shop)
        assert "do you ship to norway?" in await waiting(shop), "an operator put it back"


async def test_a_release_is_looked_at_once(tmp_path: Path) -> None:
    async with workshop(tmp_path, WordEmbedder()) as shop:
        await shop.put(faq="Do you ship to Norway?|Yes.")
        await look(shop)
        await ask(shop, "Do you ship to Norway?")
        await look(shop)
        assert await waiting(shop) == ["Do you ship to Norway?"]


async def test_what_a_release_from_before_does_not_answer_is_open_again(tmp_path: Path) -> None:
    async with workshop(tmp_path, WordEmbedder()) as shop:
        await shop.put(returns="May I return it?|Within 30 days.")
        for question in ("Do you ship to Norway?", "Are you open?"):
            await ask(shop, question)
        await shop.put(hours="Are you open?|Always.")
        await look(shop)
        await shop.put(norway="Do you ship to Norway?|Yes, for 9 euros.")
        await look(shop)
        assert await waiting(shop) == []
        await shop.releases.rollback(2)
        await look(shop)
        assert await waiting(shop) == ["Do you ship to Norway?"]
        await shop.put(norway="Do you ship to Norway?|Yes, for 8 euros.")
        await look(shop)
        assert await waiting(shop) == []
