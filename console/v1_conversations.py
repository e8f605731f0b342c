"""Conversations through ``/api/v1``: who asked what, and which colleague looks after it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import Field
from starlette.requests import Request

from console.form import Refused
from console.openapi import Given, Operation, Reply
from console.operator import Records
from console.v1 import Page
from db.accounts import NAME_CHARS
from db.figures import Asked, Outcome, Which
from db.handover import Author

_TURNS = 100


class Filter(Page):
    """Which conversations."""

    days: int = Field(30, ge=1, le=3650)
    outcome: Literal["", Outcome] = ""
    language: str = Field("", max_length=8)
    feedback: Literal["", "yes", "no"] = ""
    """Whether an answer helped."""
    assigned: str = Field("", max_length=NAME_CHARS)
    """The account that looks after it."""
    offset: int = Field(0, ge=0, le=1_000_000)


class Assignee(Given):
    """Who looks after a conversation."""

    assigned: str = Field(max_length=NAME_CHARS)
    """The name of an account that may talk to customers; empty: nobody."""


class Assigned(Reply):
    """Who looks after a conversation now."""

    assigned: str
    """Empty: nobody."""


class Exchange(Reply):
    """A question with its answer."""

    conversation: int = Field(validation_alias="answer_id")
    """Leads to the conversation it is part of."""
    asked: datetime
    question: str
    text: str
    kind: str
    outcome: Outcome
    language: str
    channel: str
    confidence: float
    helpful: bool | None
    reason: str
    """Why it did not help."""


class Exchanges(Reply):
    """The latest matching answer of each conversation, newest first."""

    conversations: list[Exchange]
    more: bool
    """Whether there are others after these."""


class Said(Reply):
    """What a person wrote, or a notice."""

    created: datetime
    author: Author
    text: str


class Thread(Reply):
    """A conversation, oldest first; of a long one what is around the answer that led to it."""

    answers: list[Exchange]
    messages: list[Said]
    assigned: str
    """The account that looks after it; empty: nobody."""


@dataclass(frozen=True, kw_only=True)
class ConversationOperations:
    """Operations on conversations."""

    records: Records

    def operations(self) -> list[Operation]:
        """Return what programs may do."""
        conversation = "/api/v1/conversations/{number:int}"
        return [
            Operation("GET", "/api/v1/conversations", "read", self.conversations),
            Operation("GET", conversation, "read", self.conversation),
            Operation("POST", conversation, "write", self.assign),
        ]

    async def conversations(self, request: Request, given: Filter) -> Exchanges:
        """List conversations."""
        since = (datetime.now(UTC) - timedelta(days=given.days)).timestamp()
        person = await self.records.accounts.named(given.assigned) if given.assigned else None
        if given.assigned and person is None:
            raise Refused(f"There is no account {given.assigned!r}.")
        found = await self.records.figures.answers(
            Which(
                since,
                outcome=given.outcome,
                language=given.language,
                feedback=given.feedback,
                latest=True,
                assigned=person.account_id if person else None,
            ),
            limit=given.limit + 1,
            offset=given.offset,
        )
        shown = [Exchange.model_validate(one) for one in found[: given.limit]]
        return Exchanges(conversations=shown, more=len(found) > given.limit)

    async def conversation(self, request: Request, given: None) -> Thread:
        """Return the conversation that an answer is part of."""
        answers = await self.records.figures.conversation(
            (await self._one(request)).answer_id, limit=_TURNS
        )
        chat = answers[0].chat
        return Thread(
            answers=[Exchange.model_validate(one) for one in answers],
            messages=[Said.model_validate(one) for one in await self.records.handovers.said(chat)],
            assigned=await self._assigned(chat),
        )

    async def assign(self, request: Request, given: Assignee) -> Assigned:
        """Let somebody look after the conversation that an answer is part of."""
        chat = (await self._one(request)).chat
        await self.records.accounts.assign_to(chat, given.assigned.strip())
        return Assigned(assigned=await self._assigned(chat))

    async def _one(self, request: Request) -> Asked:
        number = request.path_params["number"]
        if found := await self.records.figures.one(number):
            return found
        raise Refused(
            f"There is no conversation {number}; it may have been erased, or deleted by now."
        )

    async def _assigned(self, chat: str) -> str:
        found = (await self.records.accounts.assigned([chat])).get(chat)
        return found.name if found else ""
