"""The web application: routes, who may use each, and one place where errors become sentences."""

import sys
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from typing import TypeAlias

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from console.api import Api, error_json
from console.chat import AskingDesk, ChatPages
from console.knowledge import Editing, KnowledgePages
from console.operator import COOKIE as OPERATOR_COOKIE
from console.operator import OperatorPages, Records
from console.pages import STATIC, Pages
from console.security import (
    LOOPBACK_HOSTS,
    CookieSigner,
    Logins,
    TooManyFailures,
    client_address,
    is_of_this_machine,
)
from console.shield import Shield
from console.upload_desk import UploadDesk
from console.uploads import UploadLimits, UploadPages
from core.health import Health
from core.metrics import Metrics

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]

_MAX_BODY_BYTES = 64 * 1024

_SENTENCES = {
    400: "The request could not be understood.",
    401: (
        "This console has no password, so it serves this machine alone and nobody through a proxy. "
        "Set CONSOLE_PASSWORD."
    ),
    403: "This page does not take requests from other sites.",
    404: "There is no such page.",
    405: "This page does not take such a request.",
    413: "That is more text than this page takes.",
    421: "This name does not belong to this service. Open it under its own address.",
    500: "Something went wrong on our side. Please try again in a moment.",
}


class Access(Enum):
    """Who may use a route. Every route names one, so that a new one is not open by mistake."""

    PUBLIC = "everybody"
    OPERATOR = "whoever has the password; if there is none, whoever is on this machine"


def build_console(
    *,
    desk: AskingDesk,
    records: Records,
    editing: Editing,
    uploads: UploadDesk,
    health: Callable[[], Awaitable[Health]],
    metrics: Metrics,
    shop: str,
    examples: Sequence[str],
    secret: bytes,
    max_file_bytes: int = 50 * 2**20,
    password: str = "",
    hosts: Sequence[str] = LOOPBACK_HOSTS,
) -> Shield:
    """Assemble the web application.

    Args:
        desk: answers questions.
        records: what the operators' page shows.
        editing: changes the knowledge base.
        uploads: takes files.
        health: tells how the service is; called for every /health and page.
        metrics: what /metrics shows.
        shop: name of the company, as headline.
        examples: questions that the empty try-it page offers.
        secret: signs cookies; another one starts every browser's conversation anew.
        max_file_bytes: larger files are not taken.
        password: of the operators; empty: this machine alone is served, and needs none.
        hosts: names under which a service without a password may be opened. With one any name is
            accepted, since a login is bound to its name.
    """
    logins = Logins(password)
    pages = Pages(shop=shop, can_log_out=logins.required)
    guard = _Guard(logins)
    chat = ChatPages(
        desk=desk,
        verdicts=records.conversations,
        pages=pages,
        signer=CookieSigner(secret),
        health=health,
        examples=examples,
    )
    api = Api(desk=desk, health=health, metrics=metrics, detailed_health=guard.knows)
    operator = OperatorPages(pages=pages, logins=logins, records=records, health=health)
    knowledge = KnowledgePages(pages=pages, editing=editing, releases=records.releases)
    limits = UploadLimits(max_file_bytes)
    files = UploadPages(pages=pages, desk=uploads, limits=limits)

    def route(
        path: str,
        endpoint: Endpoint,
        access: Access,
        method: str = "GET",
        *,
        max_body_bytes: int = _MAX_BODY_BYTES,
    ) -> Route:
        guarded = guard.over(endpoint, access)
        return Route(path, guarded, methods=[method], max_body_size=max_body_bytes)

    errors = _Errors(pages)
    application = Starlette(
        routes=[
            route("/", chat.show, Access.OPERATOR),
            route("/ask", chat.ask, Access.OPERATOR, "POST"),
            route("/feedback", chat.rate, Access.OPERATOR, "POST"),
            route("/new", chat.start_again, Access.OPERATOR, "POST"),
            route("/api/ask", api.ask, Access.OPERATOR, "POST"),
            route("/metrics", api.metrics, Access.OPERATOR),
            route("/health", api.health, Access.PUBLIC),
            route("/console", operator.show, Access.OPERATOR),
            route("/console/knowledge", knowledge.show, Access.OPERATOR),
            route("/console/changes/undo", knowledge.take_back, Access.OPERATOR, "POST"),
            route("/console/releases/rollback", knowledge.roll_back, Access.OPERATOR, "POST"),
            route("/console/uploads", files.show, Access.OPERATOR),
            route(
                "/console/uploads",
                files.take,
                Access.OPERATOR,
                "POST",
                max_body_bytes=sys.maxsize,  # it looks itself, to say it in a sentence
            ),
            route("/console/upload", files.one, Access.OPERATOR),
            route("/console/uploads/columns", files.columns, Access.OPERATOR, "POST"),
            route("/console/uploads/apply", files.apply, Access.OPERATOR, "POST"),
            route("/console/uploads/anyway", files.apply_anyway, Access.OPERATOR, "POST"),
            route("/console/uploads/discard", files.discard, Access.OPERATOR, "POST"),
            route("/console/uploads/undo", files.undo, Access.OPERATOR, "POST"),
            route("/login", operator.login_form, Access.PUBLIC),
            route("/login", operator.log_in, Access.PUBLIC, "POST"),
            route("/logout", operator.log_out, Access.PUBLIC, "POST"),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        exception_handlers={
            HTTPException: errors.known,
            TooManyFailures: errors.too_many,
            Exception: errors.unknown,
        },
        max_body_size=_MAX_BODY_BYTES,
    )
    # Outside of the application, so that its error pages too get their headers and are counted.
    return Shield(
        application,
        hosts=None if logins.required else tuple(hosts),
        metrics=metrics,
        refuse=errors.refuse,
    )


class _Guard:
    """Lets through who may use a route."""

    def __init__(self, logins: Logins) -> None:
        self._logins = logins

    def over(self, endpoint: Endpoint, access: Access) -> Endpoint:
        """Return `endpoint` behind the check of `access`."""
        if access is Access.PUBLIC:
            return endpoint

        async def guarded(request: Request) -> Response:
            if self.knows(request):
                return await endpoint(request)
            if not self._logins.required:
                raise HTTPException(401)
            if request.method == "GET" and not _wants_json(request):
                return RedirectResponse(f"/login?next={request.url.path}", 303)
            return error_json("Log in first, or send the password as a bearer token.", 401)

        return guarded

    def knows(self, request: Request) -> bool:
        """Tell whether the request may see what operators see.

        Raises:
            TooManyFailures: after too many wrong bearer tokens.
        """
        if not self._logins.required:
            return is_of_this_machine(request)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._logins.check(token, client=client_address(request))
        return self._logins.is_valid(request.cookies.get(OPERATOR_COOKIE, ""))


class _Errors:
    """Turns errors into one sentence. The traceback goes to the log, never to the visitor."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def refuse(self, request: Request, status: int) -> Response:
        """Return the page, or the JSON, that says why a request is not served."""
        sentence = _SENTENCES.get(status, _SENTENCES[400 if status < 500 else 500])
        if _wants_json(request):
            return error_json(sentence, status)
        return self._pages.response("error.html", status=status, sentence=sentence)

    async def known(self, request: Request, error: Exception) -> Response:
        """Answer an error that carries a status."""
        return self.refuse(request, error.status_code if isinstance(error, HTTPException) else 500)

    async def too_many(self, request: Request, error: Exception) -> Response:
        """Answer a client that keeps guessing the password."""
        response = error_json(str(error), 429)
        if isinstance(error, TooManyFailures):
            response.headers["Retry-After"] = str(error.wait_s)
        return response

    async def unknown(self, request: Request, error: Exception) -> Response:
        """Answer any other error; the server logs it with its traceback."""
        return self.refuse(request, 500)


def _wants_json(request: Request) -> bool:
    return request.url.path.startswith(("/api/", "/health", "/metrics"))
