"""The HTTP side: requests in, results out, long polling, faults."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from aiogram.types import BufferedInputFile
from aiohttp import web

from tests.botapi.check import Json, NotBotApi, check_request
from tests.botapi.faults import Fault, FaultKind
from tests.botapi.methods import Methods, Refused
from tests.botapi.people import Person, Received
from tests.botapi.world import BOT_ID, PATIENCE_S, World

TOKEN = f"{BOT_ID}:AAH-loopback_test_token_0123456789abcdef"
_HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"
_NOT_RUN = {
    FaultKind.FLOOD,
    FaultKind.ERROR_JSON,
    FaultKind.ERROR_HTML,
    FaultKind.DROP_BEFORE,
    FaultKind.UNAUTHORIZED,
    FaultKind.BAD_REQUEST,
    FaultKind.FORBIDDEN,
}


@dataclass(slots=True)
class Call:
    """One request of the bot."""

    method: str
    params: dict[str, str]
    files: tuple[str, ...]
    at: float
    """Time of the loop at which it arrived."""
    run: bool = False
    """Whether the method had its effect."""
    result: Any = None
    error: str = ""
    fault: FaultKind | None = None
    retry_after: int = 0
    """Seconds that it was told to wait."""

    @property
    def chat_id(self) -> int | None:
        """The chat it is about."""
        text = self.params.get("chat_id", "")
        return int(text) if text.lstrip("-").isdigit() else None


@dataclass(slots=True)
class _Poll:
    """A getUpdates that waits."""

    ended: asyncio.Event = field(default_factory=asyncio.Event)


class BotApi:
    """A Telegram of its own on a free port of loopback.

    Use as ``async with BotApi() as telegram``; leaving the block fails if the bot sent anything
    that the Bot API does not know.
    """

    def __init__(self, *, seed: int = 1) -> None:
        self.world = World()
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.chance: Callable[[str, int | None], Fault | None] | None = None
        """Picks a fault for a call at random, for long runs."""
        self.pushed: dict[int, Json] = {}
        """Every update that was made for the bot, by its id."""
        self.violations: list[str] = []
        self.conflicts = 0
        self.down = False
        """Every connection is closed at once, as if Telegram could not be reached."""
        self.random = random.Random(seed)
        self._methods = Methods(self.world)
        self._polls: list[_Poll] = []
        self._news = asyncio.Condition()
        self._inboxes: dict[int, asyncio.Queue[Received]] = {}
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._port = 0

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=60_000_000)
        app.router.add_route("*", "/bot{token}/{method}", self._on_method)
        app.router.add_get("/file/bot{token}/{path:.+}", self._on_file)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await self.come_back()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        self.end_polls()
        await self._runner.cleanup()
        assert not self.violations, "\n".join(self.violations)

    async def go_away(self) -> None:
        """Refuse connections and cut those there are, as in an outage."""
        assert self._runner is not None
        assert self._runner.server is not None
        assert self._site is not None
        await self._site.stop()
        for connection in self._runner.server.connections:
            if connection.transport is not None:
                connection.transport.abort()

    async def come_back(self) -> None:
        """Take connections, at the same port as before."""
        assert self._runner is not None
        self._site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await self._site.start()
        self._port = self._runner.addresses[0][1]

    @property
    def base_url(self) -> str:
        """For ``ApplicationBuilder.base_url``."""
        return f"http://127.0.0.1:{self._port}/bot"

    @property
    def base_file_url(self) -> str:
        """For ``ApplicationBuilder.base_file_url``."""
        return f"http://127.0.0.1:{self._port}/file/bot"

    # --- what tests do -------------------------------------------------------------------------

    def person(self, name: str = "Ana", *, language: str = "en", user_id: int = 0) -> Person:
        """Let somebody open a private chat with the bot."""
        return Person(self, name=name, language=language, user_id=user_id)

    def group(self, title: str, *, forum: bool = False, bot_is_admin: bool = True) -> int:
        """Make a group with the bot in it; return its chat id."""
        chat_id = -1_000_000_000_000 - next(self.world.other_ids)
        forum_flag = {"is_forum": True} if forum else {}
        self.world.chats[chat_id] = {
            "id": chat_id,
            "type": "supergroup",
            "title": title,
            **forum_flag,
        }
        self.world.members[chat_id, BOT_ID] = "administrator" if bot_is_admin else "member"
        return chat_id

    def fault(self, kind: FaultKind, method: str = "", **fields: Any) -> Fault:
        """Let the next matching calls fail."""
        fault = Fault(kind, method, **fields)
        self.faults.append(fault)
        return fault

    def push(self, content: Json) -> int:
        """Let an update wait for the bot; return its id."""
        update_id = self.world.push(content)
        self.pushed[update_id] = content
        return update_id

    def push_broken(self, content: Json) -> int:
        """Let an object wait for the bot that no bot can read as an update."""
        return self.world.push_unchecked(content)

    def repeat(self, update_id: int) -> None:
        """Deliver a confirmed update once more."""
        self.world.repeats.append({"update_id": update_id, **self.pushed[update_id]})
        self.world.arrived.set()

    def end_polls(self) -> None:
        """End the getUpdates that wait, as if another process had asked."""
        for poll in self._polls:
            poll.ended.set()

    def sent_to(self, chat_id: int) -> list[str]:
        """Return the texts of all messages of the bot that stand in a chat, oldest first."""
        return [
            str(message.get("text", message.get("caption", "")))
            for (chat, _), message in sorted(self.world.messages.items())
            if chat == chat_id and message.get("from", {}).get("id") == BOT_ID
        ]

    def called(self, method: str, chat_id: int | None = None) -> list[Call]:
        """Return the calls of one method, oldest first."""
        return [c for c in self.calls if c.method == method and chat_id in (None, c.chat_id)]

    async def until(self, condition: Callable[[], bool], *, what: str = "") -> None:
        """Wait until a condition holds; it is looked at after every call of the bot."""
        try:
            async with asyncio.timeout(PATIENCE_S), self._news:
                await self._news.wait_for(condition)
        except TimeoutError:
            last = "\n".join(
                f"  {c.method} {c.params} -> {c.error or 'ok'}"
                for c in self.calls[-12:]
                if c.method != "getUpdates"
            )
            raise AssertionError(f"Waited in vain for {what or condition}. Last:\n{last}") from None

    async def news(self) -> None:
        """Wait for the bot's next call."""
        async with self._news:
            await self._news.wait()

    async def call(self, method: str, *, count: int = 1, chat_id: int | None = None) -> Call:
        """Wait until a method was called `count` times; return the call of that number."""
        await self.until(
            lambda: len(self.called(method, chat_id)) >= count, what=f"{method} × {count}"
        )
        return self.called(method, chat_id)[count - 1]

    def inbox(self, chat_id: int) -> "asyncio.Queue[Received]":
        """Return the bot's new messages in a chat that no test has looked at yet."""
        return self._inboxes.setdefault(chat_id, asyncio.Queue())

    # --- HTTP ----------------------------------------------------------------------------------

    async def _on_file(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["token"] != TOKEN:
            return _error(Refused(401, "Unauthorized"))
        stored = self.world.files.get(request.match_info["path"].removeprefix("documents/"))
        if stored is None:
            return _error(Refused(404, "Not Found"))
        return web.Response(body=stored.data)

    async def _on_method(self, request: web.Request) -> web.StreamResponse:
        if self.down:
            return _cut(request)
        if request.match_info["token"] != TOKEN:
            return _error(Refused(401, "Unauthorized"))
        try:
            form, files = await _read(request)
        except ConnectionResetError:
            return web.Response()  # the bot was killed while it wrote
        call = Call(
            method=request.match_info["method"],
            params=form,
            files=tuple(f.filename or "" for f in files.values()),
            at=asyncio.get_running_loop().time(),
        )
        self.calls.append(call)
        await self._tell()
        try:
            return await self._answer(request, call, files)
        finally:
            await self._tell()

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def _answer(
        self, request: web.Request, call: Call, files: dict[str, BufferedInputFile]
    ) -> web.StreamResponse:
        try:
            checked = check_request(call.method, call.params, files)
        except NotBotApi as problem:
            self.violations.append(str(problem))
            return _error(Refused(400, f"Bad Request: {problem}"))
        fault = self._pick_fault(call)
        if fault:
            call.fault = fault.kind
            call.retry_after = fault.retry_after if fault.kind is FaultKind.FLOOD else 0
            if fault.kind is FaultKind.SLOW:
                await fault.gate.wait()
            if fault.kind in _NOT_RUN:
                call.error = fault.kind.name
                return _fail(request, fault)
        try:
            if call.method == "getUpdates":
                call.result = await self._get_updates(checked)
            else:
                call.result = self._methods.find(call.method)(checked)
        except Refused as refusal:
            call.error = str(refusal)
            return _error(refusal)
        except AssertionError as problem:
            self.violations.append(f"{call.method}: {problem}")
            return _error(Refused(400, f"Bad Request: {problem}"))
        call.run = True
        self._deliver(call)
        if fault and fault.kind is not FaultKind.SLOW:
            return _fail(request, fault)
        return web.json_response({"ok": True, "result": call.result})

    def _pick_fault(self, call: Call) -> Fault | None:
        for fault in self.faults:
            if fault.matches(call.method, call.chat_id):
                fault.used += 1
                return fault
        return self.chance(call.method, call.chat_id) if self.chance else None

    def _deliver(self, call: Call) -> None:
        """Let the person see what the bot did."""
        if call.method.startswith("send") and isinstance(call.result, dict):
            chat_id = call.result["chat"]["id"]
            self.inbox(chat_id).put_nowait(Received(call.result))
        elif call.method == "copyMessage":
            chat_id = int(call.params["chat_id"])
            message = self.world.messages[chat_id, call.result["message_id"]]
            self.inbox(chat_id).put_nowait(Received(message))

    # --- long polling --------------------------------------------------------------------------

    async def _get_updates(self, m: Any) -> list[Json]:
        poll = _Poll()
        self.end_polls()
        self._polls.append(poll)
        try:
            return await self._wait_for_updates(
                poll, offset=m.offset or 0, limit=m.limit or 100, timeout_s=m.timeout or 0
            )
        finally:
            self._polls.remove(poll)

    async def _wait_for_updates(
        self, poll: _Poll, *, offset: int, limit: int, timeout_s: float
    ) -> list[Json]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while True:
            if poll.ended.is_set():
                self.conflicts += 1
                raise Refused(
                    409,
                    "Conflict: terminated by other getUpdates request; make sure that only one "
                    "bot instance is running",
                )
            updates = self.world.take(offset, limit)
            left = deadline - loop.time()
            if updates or left <= 0:
                return updates
            waits = [
                asyncio.ensure_future(self.world.arrived.wait()),
                asyncio.ensure_future(poll.ended.wait()),
            ]
            try:
                await asyncio.wait(waits, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()


async def _read(request: web.Request) -> tuple[dict[str, str], dict[str, BufferedInputFile]]:
    form: dict[str, str] = {}
    files: dict[str, BufferedInputFile] = {}
    for key, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            files[key] = BufferedInputFile(value.file.read(), filename=value.filename)
        else:
            assert isinstance(value, str)
            form[key] = value
    return form | dict(request.query), files


def _error(refusal: Refused) -> web.Response:
    body: Json = {"ok": False, "error_code": refusal.code, "description": refusal.description}
    if refusal.parameters:
        body["parameters"] = refusal.parameters
    return web.json_response(body, status=refusal.code)


def _cut(request: web.Request) -> web.Response:
    transport = request.transport
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()
    return web.Response()


def _fail(request: web.Request, fault: Fault) -> web.Response:
    match fault.kind:
        case FaultKind.FLOOD | FaultKind.FLOOD_DONE:
            return _error(
                Refused(
                    429,
                    f"Too Many Requests: retry after {fault.retry_after}",
                    parameters={"retry_after": fault.retry_after},
                )
            )
        case FaultKind.ERROR_JSON:
            return _error(Refused(fault.status, fault.description or "Internal Server Error"))
        case FaultKind.ERROR_HTML | FaultKind.ERROR_HTML_DONE:
            return web.Response(status=fault.status, text=_HTML, content_type="text/html")
        case FaultKind.UNAUTHORIZED:
            return _error(Refused(401, "Unauthorized"))
        case FaultKind.BAD_REQUEST:
            return _error(Refused(400, fault.description or "Bad Request: refused by the test"))
        case FaultKind.FORBIDDEN:
            return _error(Refused(403, "Forbidden: bot was blocked by the user"))
        case FaultKind.GARBAGE_DONE:
            return web.Response(text='{"ok": tru', content_type="application/json")
        case FaultKind.RESET_AFTER:
            cut_short = web.Response(text='{"ok": true}', headers={"Content-Length": "4096"})
            cut_short.force_close()
            return cut_short
        case _:
            return _cut(request)
