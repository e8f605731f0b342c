"""Once a week the team's group reads ten lines of figures, and no customer's words."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from core.config import CompanyConfig, TelegramConfig
from core.types import Answer, Chunk, Source
from db.conversations import AnswerRow, Conversations
from db.figures import Figures
from db.operators import Team
from jobs.schedule import trigger_of
from jobs.weekly_report import WeeklyReport
from tests.database import empty_database, session_of

pytestmark = pytest.mark.anyio

LINES = """Acme: the last seven days, and the change from the week before
Questions: 7 (+5)
Resolved at once: 5 (+4)
That is 71 % (+21 percentage points)
No answer known: 1 (+1)
Asked for a person: 1 (+1)
Helped: 1 (+1) · did not help: 0 (−1)
Open now: 2 (/unanswered)
Asked more often: “May I?” +4
More: https://desk.example.com/console/figures?days=7"""


class Entries:
    """One entry that is live."""

    async def named(self, chunk_ids: Sequence[str]) -> list[Chunk]:
        return [Chunk("c1", "faq.csv", "faq", "May I?")] if "c1" in chunk_ids else []


async def test_a_week_is_told_where_there_is_a_group(tmp_path: Path) -> None:
    async with empty_database(tmp_path) as database:
        conversations = Conversations(database)
        faq = Answer("faq", "Yes.", "en", confidence=0.9)
        cited = replace(faq, sources=(Source("c1", "faq.csv", "", "", "", 0.9, ""),))
        gone = replace(faq, sources=(Source("gone", "faq.csv", "", "", "", 0.9, ""),))
        both = replace(faq, sources=(*cited.sources, *gone.sources))
        for answer in (
            both,
            faq,
            *5 * [both],
            Answer("unknown", "?", "en"),
            Answer("smalltalk", "One moment.", "en", intent="person"),
            Answer("smalltalk", "Hello!", "en", intent="greeting"),
        ):
            await conversations.record("secret", answer, chat="web:1", channel="web")
        await conversations.give_feedback(2, helpful=False)
        await conversations.give_feedback(3, helpful=True)
        async with session_of(database) as session:
            earlier = update(AnswerRow).where(AnswerRow.id <= 2)
            await session.execute(earlier.values(created=time.time() - 8 * 86_400))
        team = Team(database)

        def report(language: str = "en", address: str = "") -> WeeklyReport:
            figures, named = Figures(database), Entries().named
            return WeeklyReport(
                figures,
                conversations,
                team,
                named,
                company="Acme",
                language=language,
                address=address,
            )

        assert not (await report().job()).detail.get("tell")
        await team.set_group(-100)
        told = (await report(address="https://desk.example.com/").job()).detail["tell"]
        assert told == LINES
        assert "secret" not in told
        for language in (*CompanyConfig().languages, "th"):
            lines = (await report(language).job()).text.splitlines()
            assert [len(lines), "Acme" in lines[0], "71" in lines[3]] == [10, True, True], language
            assert "http" not in lines[9]


def test_the_report_is_due_when_the_owner_says() -> None:
    assert TelegramConfig().report_cron == "0 8 * * mon"
    assert TelegramConfig(report="fri 17:05").report_cron == "5 17 * * fri"
    assert TelegramConfig.model_validate({"report": False}).report_cron == "", "off, in YAML"
    trigger = trigger_of("weekly report", "5 17 * * fri", "Europe/Berlin")
    due = trigger.get_next_fire_time(None, datetime(2026, 11, 30, tzinfo=UTC))
    assert due.isoformat() == "2026-12-04T17:05:00+01:00"
    for wrong in ("friday 17:00", "fri 24:00", "17:00", ""):
        with pytest.raises(ValueError, match="is not a day and a time; write mon 08:00, or off"):
            TelegramConfig(report=wrong)
