"""The inbox: questions that found no answer, and what operators do with them."""

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from console.form import fields_of, number_of, read_number
from console.pages import Pages
from console.security_logins import current_person
from console.upload_desk import UploadDesk
from core.errors import AnswerdeskError
from kb.releases.open_questions import OpenQuestions, Order, Unconfirmed

_PAGE = 10
"""Groups of one page; the nearest entry of each is searched for."""
_NEAREST, _FOUND = 3, 10
_SEARCH_CHARS = 200
_DISMISSED = 50
_MERGEABLE = 30
"""Other groups that a page offers to merge with."""


@dataclass(frozen=True, kw_only=True)
class QuestionPages:
    """Endpoints of the inbox."""

    pages: Pages
    questions: OpenQuestions
    desk: UploadDesk

    async def show(self, request: Request) -> Response:
        """List what waits for an operator."""
        order: Order = "newest" if request.query_params.get("order") == "newest" else "most"
        return await self._list(order, read_number(request.query_params.get("page", "")))

    async def set_aside(self, request: Request) -> Response:
        """List what was set aside as not ours, and what later releases answer."""
        found, dismissed = [
            await self.questions.settled(status, most=_DISMISSED)
            for status in ("found", "dismissed")
        ]
        return self.pages.response(
            "dismissed.html", found=found, dismissed=dismissed, most=_DISMISSED
        )

    async def one(self, request: Request) -> Response:
        """Show a group of questions, with what was replied and what is near."""
        asked = request.query_params
        words = " ".join(asked.get("find", "").split())[:_SEARCH_CHARS]
        return await self._page(read_number(asked.get("number", "")), words=words)

    async def answer(self, request: Request) -> Response:
        """Propose a question with an answer as an entry, and lead to its preview."""
        fields = await fields_of(request)
        number = read_number(fields["number"])
        answer = fields["answer"].strip()
        try:
            group = await self.questions.group(number)
            entry = group.entry(answer, question=" ".join(fields["question"].split()))
            upload = await self.desk.propose(entry, customer=group.customer)
        except AnswerdeskError as error:
            return await self._page(number, notice=str(error), status=409, answer=answer)
        return RedirectResponse(f"/console/upload?number={upload}", 303)

    async def link(self, request: Request) -> Response:
        """Make a question a way to ask an entry."""
        fields = await fields_of(request)
        number, entry, words = read_number(fields["number"]), fields["entry"], fields["find"]
        wording = " ".join(fields["question"].split())
        try:
            group = await self.questions.group(number)
            question = wording or group.text
            concerns = await self.questions.concerns_of(group, question)
            if concerns and not fields["confirmed"]:
                raise Unconfirmed(concerns)
            change, answered = await self.questions.link(
                group.open_ids, entry, question, author=current_person.get().author
            )
        except AnswerdeskError as error:
            notice = "" if isinstance(error, Unconfirmed) else str(error)  # the form has it
            return await self._page(
                number, notice=notice, status=409, wording=wording, chosen=entry, words=words
            )
        told = f"changed={change}&answered={answered}"
        return RedirectResponse(f"/console/knowledge?{told}", 303)

    async def dismiss(self, request: Request) -> Response:
        """Set a question aside with those that ask the same."""
        number = await number_of(request)
        return await self._after(self.questions.dismiss(number))

    async def reopen(self, request: Request) -> Response:
        """Reopen a question that was set aside."""
        number = await number_of(request)
        return await self._after(
            self.questions.reopen([number]), then="/console/questions/dismissed"
        )

    async def merge(self, request: Request) -> Response:
        """Put a group together with another one."""
        fields = await fields_of(request)
        number, into = read_number(fields["number"]), read_number(fields["into"])
        there = f"/console/question?number={into}"
        return await self._after(self.questions.merge(number, into), then=there)

    async def separate(self, request: Request) -> Response:
        """Undo what was merged in a group."""
        number = await number_of(request)
        there = f"/console/question?number={number}"
        return await self._after(self.questions.separate(number), then=there)

    async def _after(
        self, work: Coroutine[Any, Any, object], *, then: str = "/console/questions"
    ) -> Response:
        try:
            await work
        except AnswerdeskError as error:
            return await self._list(notice=str(error), status=409)
        return RedirectResponse(then, 303)

    async def _list(
        self, order: Order = "most", page: int = 1, *, notice: str = "", status: int = 200
    ) -> Response:
        groups = await self.questions.groups(order)
        pages = max(1, -(-len(groups) // _PAGE))
        page = min(max(1, page), pages)
        shown = groups[(page - 1) * _PAGE : page * _PAGE]
        return self.pages.response(
            "questions.html",
            status=status,
            notice=notice,
            order=order,
            groups=shown,
            nearest=await self.questions.nearest(shown),
            page=page,
            pages=pages,
            waiting=sum(len(group.questions) for group in groups),
        )

    async def _page(
        self,
        number: int,
        *,
        notice: str = "",
        status: int = 200,
        answer: str = "",
        wording: str = "",
        chosen: str = "",
        words: str = "",
    ) -> Response:
        groups = await self.questions.groups()
        try:
            group = await self.questions.group(number, among=groups)
        except AnswerdeskError as error:
            return await self._list(notice=str(error), status=409 if notice else 404)
        near = await self.questions.near(words or group.text)
        entries = [one for one in near if one.kind == "faq"]
        return self.pages.response(
            "question.html",
            status=status,
            group=group,
            words=words,
            nearest=entries[: _FOUND if words else _NEAREST],
            sections=[one for one in near if one.kind == "passage"][:_NEAREST],
            wording=wording or group.text,
            chosen=chosen,
            concerns=await self.questions.concerns_of(group, wording or group.text),
            others=await self.questions.others(group, among=groups, most=_MERGEABLE),
            notice=notice,
            answer=answer,
        )
