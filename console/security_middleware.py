"""Around every request: the right host, no requests from other sites, headers, a count."""

import logging
import time
from collections.abc import Callable, Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.security import is_own_host, is_same_origin
from core.metrics import Metrics
from core.request import new_request_id, request_id, working_on
from core.wording import speaking

logger = logging.getLogger(__name__)

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "content-type",
    "Access-Control-Max-Age": "600",
}
_WIDGET = "/widget"
"""What websites use begins so."""
_YEAR_S = 365 * 24 * 3600


class SecurityMiddleware:
    """The application, behind these checks."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Sequence[str] | None,
        metrics: Metrics,
        refuse: Callable[[Request, int], Response],
        origins: Sequence[str] = (),
    ) -> None:
        """`origins` are the websites whose pages may use the widget."""
        self.app = app
        self._hosts = hosts
        self._metrics = metrics
        self._refuse = refuse
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        path = scope["path"]
        of_widget, origin = self._from_widget(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers["X-Request-ID"] = request_id()
                if of_widget:
                    headers["Cross-Origin-Resource-Policy"] = "cross-origin"
                    headers["Vary"] = "Origin"
                if origin:
                    headers["Access-Control-Allow-Origin"] = origin
                if path.startswith("/static/") and scope["query_string"]:
                    headers["Cache-Control"] = f"public, max-age={_YEAR_S}, immutable"
                route = scope.get("route")
                self._metrics.observe_request(getattr(route, "path", "none"), message["status"])
            await send(message)

        started = time.perf_counter()
        # What customers do; pages and checks of monitors would fill the log.
        level = logging.INFO if scope["method"] == "POST" else logging.DEBUG
        accepted = Headers(scope=scope).get("accept-language", "").split(",")
        languages = [
            one.partition(";")[0].strip() for one in accepted
        ]  # browsers name the best first
        with working_on(new_request_id()), speaking(*languages):
            logger.log(level, "%s: a request arrived", scope["method"])
            await self._serve(scope, receive, send_with_headers)
            # Not the path, which is a visitor's.
            route = getattr(scope.get("route"), "path", "none")
            took_ms = (time.perf_counter() - started) * 1000
            logger.log(level, "%s %s: replied after %.0f ms", scope["method"], route, took_ms)

    def _from_widget(self, scope: Scope) -> tuple[bool, str]:
        """Tell whether a request is for the widget, and the website it comes from if named."""
        of_widget = bool(self._origins) and scope["path"].startswith(_WIDGET)
        origin = Headers(scope=scope).get("origin", "")
        return of_widget, origin if of_widget and origin in self._origins else ""

    async def _serve(self, scope: Scope, receive: Receive, send_with_headers: Send) -> None:
        headers = Headers(scope=scope)
        of_widget, origin = self._from_widget(scope)
        status = 0
        if self._hosts is not None and not is_own_host(headers, self._hosts):
            status = 421
        elif of_widget and scope["path"].startswith(f"{_WIDGET}/"):
            status = 0 if origin else 403
        elif not is_same_origin(scope["method"], headers):
            status = 403
        answer = self.app
        if status:
            answer = self._refuse(Request(scope), status)
        elif origin and scope["method"] == "OPTIONS":
            answer = Response(status_code=204, headers=_PREFLIGHT)
        else:
            send_with_headers = self._in_our_words(scope, receive, send_with_headers)
        await answer(scope, receive, send_with_headers)

    def _in_our_words(self, scope: Scope, receive: Receive, send: Send) -> Send:
        """Return what sends a reply, but for Starlette's own to a body that is too large."""
        replaced = False

        async def send_ours(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and message["status"] == 413:
                kind = Headers(raw=message["headers"]).get("content-type", "")
                replaced = kind.startswith("text/plain")
                if replaced:
                    await self._refuse(Request(scope), 413)(scope, receive, send)
            if not replaced:
                await send(message)

        return send_ours
