"""API keys: their check, and the page on which an owner creates and revokes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from console.form import fields_of, read_number
from console.openapi import refusal
from console.operator import Records
from console.pages import Pages
from console.security import bearer_of
from console.widget import Allowance
from core.rights import Right
from db.keys import GRANTS, PER_MINUTE, PREFIX, BadKey, Grant, Key, Keys

_DELIVERIES = 50
DOCS = "/api/v1/docs"
RIGHT_OF: dict[Grant, Right] = {"ask": "see", "read": "see", "write": "publish"}
"""The role that people need for what a key with this right may do."""


class KeyGuard:
    """Lets programs through whose key has the right."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._allowances: dict[int, Allowance] = {}

    async def admit(self, request: Request, grant: Grant) -> Key | Response:
        """Return the key of a request, or why it is not served."""
        key = await self._keys.use(bearer_of(request))
        if key is None:
            return refusal(request, "There is no such key, or it was revoked.", 401)
        if grant not in key.grants:
            return refusal(request, f"The key {key.name!r} lacks the right {grant!r}.", 403)
        if key.key_id not in self._allowances:
            self._allowances[key.key_id] = Allowance(key.per_minute)
        if not self._allowances[key.key_id].take(""):
            sentence = f"The key {key.name!r} allows {key.per_minute} requests a minute. Wait."
            response = refusal(request, sentence, 429)
            response.headers["Retry-After"] = str(-(-60 // key.per_minute))
            return response
        return key

    @staticmethod
    def is_key(request: Request) -> bool:
        """Tell whether a request comes with what looks like a key."""
        return bearer_of(request).startswith(PREFIX)


@dataclass(frozen=True, kw_only=True)
class ProgramPages:
    """Endpoints of the page."""

    pages: Pages
    records: Records
    document: Mapping[str, Any]
    """OpenAPI."""

    async def openapi(self, request: Request) -> Response:
        """Return what programs can do, for programs."""
        return JSONResponse(self.document)

    async def described(self, request: Request) -> Response:
        """Show what programs can do, as a page."""
        return self.pages.response("api.html", api=self.document)

    async def show(self, request: Request) -> Response:
        """List keys, and what was told to webhooks."""
        return await self._page()

    async def add(self, request: Request) -> Response:
        """Make a key and show it, this once."""
        fields = await fields_of(request)
        grants = [grant for grant in GRANTS if fields[grant]]
        try:
            token = await self.records.keys.add(
                fields["name"], grants, per_minute=read_number(fields["per_minute"])
            )
        except BadKey as error:
            return await self._page(notice=str(error), status=409)
        request.state.about = f"{fields['name']}: {', '.join(grants)}"
        return await self._page(token=token)

    async def revoke(self, request: Request) -> Response:
        """Make a key worthless."""
        name = (await fields_of(request))["name"]
        try:
            await self.records.keys.revoke(name)
        except BadKey as error:
            return await self._page(notice=str(error), status=409)
        request.state.about = name
        return RedirectResponse("/console/programs", 303)

    async def _page(self, *, notice: str = "", token: str = "", status: int = 200) -> Response:
        return self.pages.response(
            "programs.html",
            status=status,
            keys=await self.records.keys.list(),
            grants=GRANTS,
            per_minute=PER_MINUTE,
            deliveries=await self.records.deliveries.latest(limit=_DELIVERIES),
            notice=notice,
            token=token,
        )
