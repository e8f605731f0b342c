"""The pages of accounts and of the audit log, for owners."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from console.form import Refused, chosen, fields_of, number_of, read_number
from console.operator import Records
from console.pages import Pages, as_csv
from core.errors import AnswerdeskError
from core.rights import ROLES
from core.wording import tr
from db.accounts import NAME_CHARS, Account
from db.operators import Audit

_HERE = "/console/people"
_PAGE = 100
_MOST_ROWS = 100_000
_AT_ONCE = 5_000


@dataclass(frozen=True, kw_only=True)
class PeoplePages:
    """Endpoints of the page of people."""

    pages: Pages
    records: Records
    asked_for: bool
    """Whether anybody needs to log in."""

    async def show(self, request: Request) -> Response:
        """List the accounts, and who is an operator in Telegram."""
        return await self._page()

    async def invite(self, request: Request) -> Response:
        """Make an account and show its link."""
        fields = await fields_of(request)
        name = " ".join(fields["name"].split())
        if not name or len(name) > NAME_CHARS:
            return await self._page(
                notice=tr("Write a name of 1 to %(most)s characters.", most=NAME_CHARS)
            )
        role = chosen(fields["role"], ROLES)
        request.state.about = f"{name}, {role}"
        try:
            token = await self.records.accounts.invite(name, role)
        except AnswerdeskError as error:
            return await self._page(notice=str(error))
        return await self._page(link=_link(request, token), invited=name)

    async def new_link(self, request: Request) -> Response:
        """Show a link with which the account's person chooses a new password."""
        one = await self._one(request)
        token = await self.records.accounts.invite_again(one.account_id)
        return await self._page(link=_link(request, token), invited=one.name)

    async def set_role(self, request: Request) -> Response:
        """Change somebody's role."""
        one, role = await self._one(request), chosen((await fields_of(request))["role"], ROLES)
        request.state.about = f"{one.name}, {role}"
        return await self._after(lambda: self.records.accounts.set_role(one.account_id, role))

    async def log_out(self, request: Request) -> Response:
        """Log somebody out everywhere."""
        one = await self._one(request)
        return await self._after(lambda: self.records.accounts.end_sessions(one.account_id))

    async def remove(self, request: Request) -> Response:
        """Remove an account."""
        one = await self._one(request)
        return await self._after(lambda: self.records.accounts.remove(one.account_id))

    async def _one(self, request: Request) -> Account:
        if found := await self.records.accounts.get(await number_of(request)):
            request.state.about = found.name
            return found
        raise Refused(tr("There is no such account; it may have been removed."))

    async def _after(self, work: Callable[[], Awaitable[None]]) -> Response:
        try:
            await work()
        except AnswerdeskError as error:
            return await self._page(notice=str(error))
        return RedirectResponse(_HERE, 303)

    async def _page(self, *, notice: str = "", link: str = "", invited: str = "") -> Response:
        operators = await self.records.operators.list()
        return self.pages.response(
            "people.html",
            status=409 if notice else 200,
            accounts=await self.records.accounts.list(),
            linked={one.account_id for one in operators},
            operators=[one for one in operators if not one.account_id],
            roles=ROLES,
            asked_for=self.asked_for,
            most=NAME_CHARS,
            notice=notice,
            link=link,
            invited=invited,
        )


@dataclass(frozen=True, kw_only=True)
class AuditPages:
    """Endpoints of the record of what people did."""

    pages: Pages
    audit: Audit

    async def show(self, request: Request) -> Response:
        """List what was done, newest first, by person and kind."""
        asked = request.query_params
        person, action = asked.get("person", ""), asked.get("action", "")
        page = max(1, read_number(asked.get("page", "")))
        entries = await self.audit.recent(
            person=person, action=action, limit=_PAGE + 1, skip=_PAGE * (page - 1)
        )
        people, actions = await self.audit.choices()
        return self.pages.response(
            "audit.html",
            entries=entries[:_PAGE],
            more=len(entries) > _PAGE,
            page=page,
            people=people,
            actions=actions,
            person=person,
            action=action,
            address=urlencode({"person": person, "action": action}),
        )

    async def export(self, request: Request) -> Response:
        """Return the same as CSV, up to 100,000 rows."""
        asked = request.query_params
        rows = [("time (UTC)", "person", "telegram id", "action", "details")]
        for skip in range(0, _MOST_ROWS, _AT_ONCE):
            entries = await self.audit.recent(
                person=asked.get("person", ""),
                action=asked.get("action", ""),
                limit=_AT_ONCE,
                skip=skip,
            )
            rows += [
                (one.moment, one.person, str(one.actor or ""), one.action, one.details)
                for one in entries
            ]
            if len(entries) < _AT_ONCE:
                break
        return as_csv("audit.csv", rows)


def _link(request: Request, token: str) -> str:
    return f"{request.base_url}invitation?token={token}"
