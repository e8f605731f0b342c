"""Logging in and out, and the page of an invitation."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from console.form import fields_of
from console.operator import Records
from console.pages import Pages
from console.security import client_address
from console.security_logins import COOKIE, PASSWORD_CHARS, Logins, TooManyFailures, hash_password
from core.errors import AnswerdeskError
from core.wording import tr
from db.accounts import Account

_FIRST_PAGE = "/console"


@dataclass(frozen=True, kw_only=True)
class LoginPages:
    """Endpoints for people who are not logged in."""

    pages: Pages
    logins: Logins
    records: Records
    leads_to: Callable[[str], bool]
    """Tells whether a path is a page that a login may lead to."""

    async def form(self, request: Request) -> Response:
        """Ask for name and password."""
        return self._form(request.query_params.get("next", ""))

    async def log_in(self, request: Request) -> Response:
        """Check name and password; ask for a code where there is an app, else let in."""
        fields = await fields_of(request)
        name, target = fields["name"], fields["next"]
        try:
            account = await self.logins.check(
                name, fields["password"], client=client_address(request)
            )
        except TooManyFailures as error:
            return self._form(target, name=name, notice=str(error), status=429)
        if account is None:
            notice = (
                tr("Name or password is not right.") if name else tr("This password is not right.")
            )
            return self._form(target, name=name, notice=notice, status=401)
        if account.totp:
            return self._form(target, pending=self.logins.after_password(account))
        return await self._enter(account, request, target)

    async def code(self, request: Request) -> Response:
        """Check the code that follows the password."""
        fields = await fields_of(request)
        pending, target = fields["pending"], fields["next"]
        try:
            account = await self.logins.check_code(
                pending, fields["code"], client=client_address(request)
            )
        except TooManyFailures as error:
            return self._form(target, pending=pending, notice=str(error), status=429)
        if account is None:
            notice = tr("This code is not right, too old, or was used before.")
            return self._form(target, pending=pending, notice=notice, status=401)
        return await self._enter(account, request, target)

    async def log_out(self, request: Request) -> Response:
        """Make the browser's token worthless."""
        person = await self.logins.person(request) if COOKIE in request.cookies else None
        if person:
            await self.records.accounts.end_session(person.account_id, person.session_id)
        response = RedirectResponse("/", 303)
        response.delete_cookie(COOKIE, samesite="strict", httponly=True)
        return response

    async def invitation(self, request: Request) -> Response:
        """Ask who was invited for a password."""
        return await self._invitation(request.query_params.get("token", ""))

    async def accept(self, request: Request) -> Response:
        """Keep the password of who was invited, and let them in."""
        fields = await fields_of(request)
        token = fields["token"]
        try:
            if not await self.records.accounts.invited(token):
                return await self._invitation(token)
            account = await self.records.accounts.accept(
                token, await hash_password(fields["password"])
            )
        except AnswerdeskError as error:
            return await self._invitation(token, notice=str(error))
        if account is None:
            return await self._invitation(token)
        return await self._enter(account, request, "")

    async def _enter(self, account: Account, request: Request, target: str) -> Response:
        """Remember the browser under a new token."""
        token = await self.logins.open(account.account_id, request)
        await self.records.audit.record(0, "login", person=account.name)
        response = RedirectResponse(self._target(target), 303)
        response.set_cookie(
            COOKIE, token, httponly=True, samesite="strict", secure=request.url.scheme == "https"
        )
        return response

    async def _invitation(self, token: str, *, notice: str = "") -> Response:
        account = await self.records.accounts.invited(token)
        return self.pages.response(
            "invitation.html",
            status=200 if account and not notice else 400,
            account=account,
            token=token,
            notice=notice,
            least=PASSWORD_CHARS[0],
        )

    def _form(
        self, target: str, *, name: str = "", pending: str = "", notice: str = "", status: int = 200
    ) -> Response:
        return self.pages.response(
            "login.html",
            status=status,
            notice=notice,
            target=self._target(target),
            name=name,
            pending=pending,
        )

    def _target(self, wanted: str) -> str:
        return wanted if self.leads_to(wanted) else _FIRST_PAGE
