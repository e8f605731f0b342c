"""Check of rights on each request, and the audit log."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from console.form import Endpoint, fields_of, read_number
from console.keys import DOCS, KeyGuard
from console.openapi import refusal
from console.security_logins import Logins, Person, current_person
from core.errors import AnswerdeskError, StorageError
from core.rights import Audience, Role, may
from core.wording import speak, tr
from db.keys import Grant
from db.operators import Audit


class NotAllowed(AnswerdeskError):
    """Somebody's role does not include a route."""

    def __init__(self, role: Role) -> None:
        super().__init__(
            tr("Your role (%(role)s) does not include this. Ask an owner.", role=tr(role))
        )


class Guard:
    """Lets through who may use a route."""

    def __init__(self, logins: Logins, audit: Audit, keys: KeyGuard) -> None:
        self._logins = logins
        self._audit = audit
        self._keys = keys
        self._audiences: dict[tuple[str, str], Audience] = {}

    def over(
        self,
        path: str,
        endpoint: Endpoint,
        audience: Audience,
        method: str,
        *,
        grant: Grant | None = None,
    ) -> Endpoint:
        """Return `endpoint` behind the check of who may use it, with which right of a key."""
        self._audiences[path, method] = audience
        if audience == "anyone":
            return endpoint

        async def guarded(request: Request) -> Response:
            if grant and self._keys.is_key(request):
                key = await self._keys.admit(request, grant)
                if isinstance(key, Response):
                    return key
                return await _as(Person("viewer", f"key {key.name}"), endpoint, request)
            person = await self._person(request)
            if person and may(person.role, audience):
                return await _as(person, endpoint, request)
            if person:
                raise NotAllowed(person.role)
            if not self._logins.required:
                raise HTTPException(401)
            if method == "GET" and not wants_json(request):
                return RedirectResponse(f"/login?next={request.url.path}", 303)
            sentence = "Log in first, or send a key or the password as a bearer token."
            return refusal(request, sentence, 401)

        return guarded

    def recorded(self, path: str, endpoint: Endpoint) -> Endpoint:
        """Return `endpoint` that leaves a record when it has done something.

        The record has what it says of itself in `request.state.about`, else the form's number.
        """

        async def done(request: Request) -> Response:
            response = await endpoint(request)
            if response.status_code < 400:
                about = getattr(request.state, "about", "")
                if not request.headers.get("content-type", "").startswith("multipart/"):
                    about = about or read_number((await fields_of(request))["number"])
                action, name = path.removeprefix("/console/"), current_person.get().name
                await self._audit.record(0, action, str(about or ""), person=name)
            return response

        return done

    def allows(self, path: str, method: str = "POST") -> bool:
        """Tell whether the sender of the current request may use a route."""
        return may(current_person.get().role, self._audiences[path, method])

    def leads_to(self, path: str) -> bool:
        """Tell whether a path is a page behind the login."""
        return self._audiences.get((path, "GET"), "anyone") != "anyone"

    async def knows(self, request: Request) -> bool:
        """Tell whether the request may see what operators see; raises as `Logins.person`."""
        try:
            person = await self._person(request)
        except StorageError:
            return False
        return person is not None and may(person.role, "see")

    async def _person(self, request: Request) -> Person | None:
        """Return who asks, and speak the language they chose.

        A key is nobody, nor is it a guess of the password.
        """
        person = None if self._keys.is_key(request) else await self._logins.person(request)
        if person and person.language:
            speak(person.language)
        return person


async def _as(person: Person, endpoint: Endpoint, request: Request) -> Response:
    """Serve a request in somebody's name."""
    token = current_person.set(person)
    try:
        return await endpoint(request)
    finally:
        current_person.reset(token)


def wants_json(request: Request) -> bool:
    """Tell whether a program asks."""
    if request.url.path == DOCS:
        return False
    return request.url.path.startswith(("/api/", "/v1/", "/health", "/metrics", "/widget"))
