"""The one place where the errors of requests become sentences."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from console.form import Refused
from console.openapi import refusal
from console.pages import Pages
from console.security_guard import wants_json
from console.security_logins import TooManyFailures
from core.errors import ConversationErased
from core.wording import N_, tr

_SENTENCES = {
    400: N_("The request could not be understood."),
    401: N_(
        "This console has no password, so it serves this machine alone and nobody through a proxy. "
        "Set CONSOLE_PASSWORD."
    ),
    403: N_("This page does not take requests from other sites."),
    404: N_("There is no such page."),
    410: str(ConversationErased()),
    405: N_("This page does not take such a request."),
    413: N_("That is more text than this takes. Send less of it at a time."),
    415: N_("This page takes JSON."),
    429: N_("That was a lot at once. Please wait a minute."),
    421: N_("This name does not belong to this service. Open it under its own address."),
    500: N_("Something went wrong on our side. Please try again in a moment."),
}


class ErrorPages:
    """Turns errors into one sentence. The traceback goes to the log, never to the visitor."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def refuse(self, request: Request, status: int, sentence: str = "") -> Response:
        """Return the page, or the JSON, that says why a request is not served."""
        sentence = sentence or tr(_SENTENCES.get(status, _SENTENCES[400 if status < 500 else 500]))
        if wants_json(request):
            return refusal(request, sentence, status)
        return self._pages.response("error.html", status=status, sentence=sentence)

    async def known(self, request: Request, error: Exception) -> Response:
        """Answer an error that carries a status."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        # Starlette's sentences are not meant for visitors.
        return self.refuse(request, status, str(error.detail) if isinstance(error, Refused) else "")

    async def too_many(self, request: Request, error: Exception) -> Response:
        """Answer a client that keeps guessing the password."""
        response = refusal(request, str(error), 429)
        if isinstance(error, TooManyFailures):
            response.headers["Retry-After"] = str(error.wait_s)
        return response

    async def not_allowed(self, request: Request, error: Exception) -> Response:
        """Answer somebody whose role does not include a route."""
        return self.refuse(request, 403, str(error))

    async def erased(self, request: Request, error: Exception) -> Response:
        """Answer a question whose conversation was erased meanwhile."""
        return self.refuse(request, 410)

    async def unknown(self, request: Request, error: Exception) -> Response:
        """Answer any other error; the server logs it with its traceback."""
        return self.refuse(request, 500)
