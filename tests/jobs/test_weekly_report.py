"""Once a week the team's group reads five lines of figures, and no customer's words."""

import time
from pathlib import Path

import pytest
from sqlalchemy import update

from core.config import CompanyConfig
from core.types import Answer
from db.conversations import AnswerRow, Conversations
from db.figures import Figures
from db.group_commit import GroupCommit
from db.operators import Team
from jobs.weekly_report import WeeklyReport
from tests.database import empty_database

pytestmark = pytest.mark.anyio

LINES = """Acme: the last seven days
Questions: 4 (1 in the week before)
Resolved at once: 2 (50 %)
No answer known: 1 · asked for a person: 1
Helped: 1 · did not help: 0 · open now: 1 (/unanswered)"""


async def test_a_week_is_told_where_there_is_a_group(tmp_path: Path) -> None:
    async with empty_database(tmp_path) as database:
        conversations = Conversations(database)
        faq = Answer("faq", "Yes.", "en", confidence=0.9)
        for answer in (
            faq,
            faq,
            faq,
            Answer("unknown", "?", "en"),
            Answer("smalltalk", "One moment.", "en", intent="person"),
            Answer("smalltalk", "Hello!", "en", intent="greeting"),
        ):
            await conversations.record("secret", answer, chat="web:1", channel="web")
        await conversations.give_feedback(2, helpful=True)
        async with database.session() as session:
            earlier = update(AnswerRow).where(AnswerRow.id == 1)
            await session.execute(earlier.values(created=time.time() - 8 * 86_400))
        team = Team(database, GroupCommit(database))
        figures = Figures(database)
        report = WeeklyReport(figures, conversations, team, company="Acme", language="en")
        assert not (await report.job()).detail.get("tell")
        await team.set_group(-100)
        assert (await report.job()).detail == {"tell": LINES}
        for language in (*CompanyConfig().languages, "zh", "es", "de", "ru", "fr"):
            report = WeeklyReport(figures, conversations, team, company="Acme", language=language)
            lines = (await report.job()).text.splitlines()
            assert [len(lines), "Acme" in lines[0], "50" in lines[2]] == [5, True, True], language
