"""Housekeeping removes what is old and nothing else."""

import time
from pathlib import Path

import pytest

from core.config import RetentionConfig
from core.types import Answer
from db.conversations import Conversations
from db.jobs import JobRepository
from jobs.housekeeping import Housekeeping
from tests.fakes import WordEmbedder
from tests.kb.workshop import workshop

pytestmark = pytest.mark.anyio


async def test_old_releases_and_runs_go_and_the_rest_stays(
    tmp_path: Path, embedder: WordEmbedder
) -> None:
    async with workshop(tmp_path, embedder) as shop:
        runs = JobRepository(shop.database)
        for n in range(4):
            await shop.put(page=f"text {n}")
        for job in ("finished", "running"):
            run_id = await runs.start(job, "slot")
            assert run_id is not None
            if job == "finished":
                await runs.finish(run_id, "done", text="", detail={})
        now = time.time()
        for later, kept in ((0.0, ["finished", "running"]), (91 * 86_400.0, ["running"])):
            keeping = Housekeeping(
                shop.releases,
                runs,
                shop.database,
                keep_releases=2,
                retention=RetentionConfig(),
                clock=lambda later=later: now + later,  # type: ignore[misc]
            )
            report = await keeping.job()
            assert sorted(run.job for run in await runs.runs()) == kept
        assert report.text == "0 old releases forgotten, 2 kept. 0 old answers deleted."
        assert [release.number for release in await shop.repository.list()] == [4, 3]
        assert await shop.texts() == ["text 3"]


async def test_answers_are_deleted_when_their_kind_is_no_longer_kept(
    tmp_path: Path, embedder: WordEmbedder
) -> None:
    day = 86_400.0
    async with workshop(tmp_path, embedder) as shop:
        conversations = Conversations(shop.database)
        for chat in ("telegram:1", "web:a", "api:b", "cli:c"):
            await conversations.record("q?", Answer("unknown", "?", "en"), chat=chat, channel="x")
        now = time.time()

        async def left_after(days: float) -> set[str]:
            keeping = Housekeeping(
                shop.releases,
                JobRepository(shop.database),
                shop.database,
                keep_releases=2,
                retention=RetentionConfig(api_days=10),
                clock=lambda: now + days * day,
            )
            await keeping.job()
            return {question.chat for question in await conversations.open_questions()}

        assert await left_after(9) == {"telegram:1", "web:a", "api:b", "cli:c"}
        assert await left_after(11) == {"telegram:1", "web:a", "cli:c"}
        assert await left_after(31) == {"telegram:1"}
        assert await left_after(366) == set()
