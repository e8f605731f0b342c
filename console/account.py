"""The page of one's own account: password, logins, authenticator app, Telegram."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import pyotp
import segno
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from console.form import Refused, chosen, fields_of, number_of
from console.operator import Records
from console.pages import Pages
from console.security import client_address
from console.security_logins import (
    PASSWORD_CHARS,
    Logins,
    TooManyFailures,
    current_person,
    hash_password,
    step_of,
)
from core.errors import AnswerdeskError
from core.wording import LANGUAGES, language_names, tr
from db.accounts import Account

_HERE = "/console/account"
_SECRET = re.compile(r"[A-Z2-7]{32}")
_RECOVERY_CODES = 10


@dataclass(frozen=True, kw_only=True)
class AccountPages:
    """Endpoints of the page. They change whose account the browser is logged in to, no other."""

    pages: Pages
    shop: str
    records: Records
    logins: Logins

    async def show(self, request: Request) -> Response:
        """Show the account."""
        return await self._page()

    async def change_password(self, request: Request) -> Response:
        """Change the password, which logs out everywhere, here too."""
        own, fields = await self._own(), await fields_of(request)
        if notice := await self._refused(request, own, fields["password"]):
            return await self._page(notice=notice)
        try:
            await self.records.accounts.set_password(
                own.account_id, await hash_password(fields["new"])
            )
        except AnswerdeskError as error:
            return await self._page(notice=str(error))
        return RedirectResponse("/login", 303)

    async def choose_language(self, request: Request) -> Response:
        """Choose the language of the texts for operators."""
        own, fields = await self._own(), await fields_of(request)
        language = chosen(fields["language"], ("", *LANGUAGES))
        await self.records.accounts.set_language(own.account_id, language)
        return RedirectResponse(_HERE, 303)

    async def end(self, request: Request) -> Response:
        """Log one browser out."""
        own = current_person.get().account_id
        await self.records.accounts.end_session(own, await number_of(request))
        return RedirectResponse(_HERE, 303)

    async def end_all(self, request: Request) -> Response:
        """Log out everywhere, here too."""
        await self.records.accounts.end_sessions(current_person.get().account_id)
        return RedirectResponse("/login", 303)

    async def app(self, request: Request) -> Response:
        """Show the secret for an authenticator app; nothing is stored yet."""
        await self._own()
        return await self._page(secret=pyotp.random_base32())

    async def confirm_app(self, request: Request) -> Response:
        """Ask for codes from now on, if the app shows the right one; show recovery codes."""
        own, fields = await self._own(), await fields_of(request)
        secret = fields["secret"]
        if not _SECRET.fullmatch(secret):
            raise Refused(tr("The secret of the app is missing. Begin again on My account."), 422)
        if notice := await self._refused(request, own, fields["password"]):
            return await self._page(notice=notice, secret=secret)
        step = step_of(secret, fields["code"])
        if not step:
            notice = tr("This code is not right. Is the clock of your telephone right?")
            return await self._page(notice=notice, secret=secret)
        codes = [secrets.token_hex(8) for _ in range(_RECOVERY_CODES)]
        await self.records.accounts.set_totp(own.account_id, secret, codes, used=step)
        return await self._page(codes=codes)

    async def remove_app(self, request: Request) -> Response:
        """Ask for no code any more."""
        own, fields = await self._own(), await fields_of(request)
        if notice := await self._refused(request, own, fields["password"]):
            return await self._page(notice=notice)
        await self.records.accounts.set_totp(own.account_id, "")
        return RedirectResponse(_HERE, 303)

    async def link(self, request: Request) -> Response:
        """Show a code that gives its sender in Telegram this account's role."""
        own = await self._own()
        return await self._page(
            code=await self.records.operators.new_code(own.role, account_id=own.account_id)
        )

    async def unlink(self, request: Request) -> Response:
        """End the link with Telegram."""
        await self.records.operators.unlink((await self._own()).account_id)
        return RedirectResponse(_HERE, 303)

    async def _own(self) -> Account:
        """Return the account; whoever came in by the console's password has none."""
        if found := await self.records.accounts.get(current_person.get().account_id):
            return found
        raise Refused(tr("You came in with the console's password, which is no account."))

    async def _refused(self, request: Request, own: Account, password: str) -> str:
        """Return why a password is not taken; empty if it is."""
        try:
            right = await self.logins.check(own.name, password, client=client_address(request))
        except TooManyFailures as error:
            return str(error)
        return "" if right else tr("This password is not right.")

    async def _page(
        self, *, notice: str = "", secret: str = "", codes: Sequence[str] = (), code: str = ""
    ) -> Response:
        person = current_person.get()
        own = await self.records.accounts.get(person.account_id)
        picture: str = ""
        if own and secret:
            uri = pyotp.TOTP(secret).provisioning_uri(name=own.name, issuer_name=self.shop)
            # Made here of digits and letters alone: safe HTML.
            picture = Markup(segno.make(uri).svg_inline(scale=4, dark="#000", light="#fff"))
        team = await self.records.operators.list()
        return self.pages.response(
            "account.html",
            status=409 if notice else 200,
            own=own,
            sessions=await self.records.accounts.sessions(person.account_id),
            this=person.session_id,
            linked=[one for one in team if own and one.account_id == own.account_id],
            notice=notice,
            secret=secret,
            picture=picture,
            codes=codes,
            code=code,
            languages=language_names(),
            least=PASSWORD_CHARS[0],
        )
