"""A model in a supervised child process: queue, deadlines, cancelling, restarts.

The parent's event loop never computes. Calls wait here in order of priority and go to the child
one at a time (or a few, where the child works on several together); beside them go calls that say
what they cost, in an order that is fair to those who ask (`models.workers.fair`). A child that
crashes or cannot be started, for whatever reason, is started again after a pause that grows; one
that keeps crashing is left down for a while, and calls fail at once instead of waiting. After a
number of requests a fresh child is loaded beside the old one and takes its place, because C
libraries leak.
"""

import asyncio
import heapq
import itertools
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from core.asker import asker
from core.errors import ModelError, ModelUnavailable, Overloaded
from models.workers.contract import Limits, ModelStopped, Priority, Status, WorkerState, error_of
from models.workers.fair import FairQueue
from models.workers.process import ChildProcess, ProcessEnded, Reply

_logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Call:
    id: int
    header: Mapping[str, Any]
    at_once: bool
    cost: float
    replies: asyncio.Queue[Reply | ModelError] = field(default_factory=asyncio.Queue)
    process: ChildProcess | None = None
    """The child that works on it; `None` while it waits."""


class Worker:
    """Runs one kind of model process and hands it work."""

    def __init__(
        self,
        name: str,
        module: str,
        settings: Mapping[str, Any],
        *,
        environment: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> None:
        """`name` is what people read; `module` is run with ``python -m`` and gets `settings`."""
        self.name = name
        self.info: Mapping[str, Any] = {}
        """What the child said when it was ready."""
        self._module = module
        self._settings = settings
        self._environment = dict(environment or {})
        self._limits = limits or Limits()
        self._ids = itertools.count(1)
        self._waiting: list[tuple[Priority, int, _Call]] = []
        self._asked: FairQueue[_Call] = FairQueue()
        """Waiting calls that say what they cost."""
        self._running: dict[int, _Call] = {}
        self._process: ChildProcess | None = None
        self._retired: set[ChildProcess] = set()
        self._status: Status = "stopped"
        self._reason = "it was not started"
        self._served = 0
        self._restarts = 0
        self._trouble, self._trouble_at = "", 0.0
        self._crashes: deque[float] = deque(maxlen=self._limits.crashes)
        self._changed = asyncio.Event()
        """For `start`: the state is another one."""
        self._wake = asyncio.Event()
        """For the supervisor: the child ended or has served enough."""
        self._supervisor: asyncio.Task[None] | None = None
        self._closers: set[asyncio.Task[None]] = set()

    # --- life ----------------------------------------------------------------------------------

    async def start(self, *, wait: bool = True) -> None:
        """Start the child; with `wait`, return when the model is loaded.

        Raises:
            ModelUnavailable: with the reason, if it cannot be loaded. Call `close` then.
        """
        if self._supervisor is None:
            self._set("loading", "it is loading")
            self._supervisor = asyncio.create_task(self._supervise(), name=f"{self.name}-worker")
        while wait and self._status == "loading" and not self._restarts:
            self._changed.clear()
            await self._changed.wait()
        if wait and self._status != "ready":
            raise ModelUnavailable(f"The model {self.name!r} cannot be loaded: {self._reason}.")

    async def close(self) -> None:
        """End the child and fail what waits. Afterwards no process of ours is left."""
        self._set("stopped", "it was stopped")
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.gather(self._supervisor, return_exceptions=True)
            self._supervisor = None
        processes = {self._process, *self._retired} - {None}
        self._process = None
        self._fail_all()
        await asyncio.gather(*(p.close() for p in processes if p is not None))
        await asyncio.gather(*self._closers, return_exceptions=True)

    @property
    def state(self) -> WorkerState:
        """What is going on, for people."""
        return WorkerState(
            status=self._status,
            reason="" if self._status == "ready" else self._reason,
            pid=self._process.pid if self._process and self._process.alive else 0,
            waiting=len(self._waiting) + len(self._asked),
            running=len(self._running),
            served=self._served,
            restarts=self._restarts,
            trouble=self._trouble,
            trouble_at=self._trouble_at,
        )

    # --- work ----------------------------------------------------------------------------------

    async def call(
        self,
        method: str,
        params: Mapping[str, Any],
        *,
        priority: Priority = Priority.CUSTOMER,
        deadline_s: float = 60,
        at_once: bool = False,
        cost: float = 0,
    ) -> Reply:
        """Send a request and return the end of its reply. Raises what `stream` raises."""
        replies = self.stream(
            method, params, priority=priority, deadline_s=deadline_s, at_once=at_once, cost=cost
        )
        async with aclosing(replies):
            async for reply in replies:
                if reply.last:
                    return reply
        raise ModelUnavailable(f"The model {self.name!r} gave no reply.")

    async def stream(
        self,
        method: str,
        params: Mapping[str, Any],
        *,
        priority: Priority = Priority.CUSTOMER,
        deadline_s: float = 60,
        at_once: bool = False,
        cost: float = 0,
    ) -> AsyncGenerator[Reply, None]:
        """Send a request and yield the parts of its reply; closing the iterator cancels it.

        `at_once` is for requests that the child answers while it computes: they do not queue
        behind others. A `cost` above 0 is for those that it computes beside the others: they take
        turns by what whoever asks (`core.asker`) has cost lately, whatever their priority.

        Raises:
            Overloaded: if too many calls wait, and none of them is further back.
            ModelUnavailable: if the model is down, or not done after `deadline_s` seconds.
            TextTooLong, PromptTooLong: as the child says.
        """
        loop = asyncio.get_running_loop()
        started = loop.time()
        end = started + deadline_s
        call_id = next(self._ids)
        header = {"id": call_id, "method": method, "params": params}
        call = _Call(call_id, header, at_once, cost)
        self._admit(call, priority)
        finished = False
        try:
            while not finished:
                try:
                    # Not `wait_for`, which forgets a cancellation that comes with a reply.
                    async with asyncio.timeout_at(end):
                        reply = await call.replies.get()
                except TimeoutError:
                    raise ModelUnavailable(
                        f"The model {self.name!r} was not done after {deadline_s:g} s."
                    ) from None
                if isinstance(reply, ModelError):
                    finished = True
                    raise reply
                finished = reply.last
                if reply.error is not None:
                    raise error_of(self.name, reply.error)
                yield reply
        finally:
            if not finished:
                self._give_up(call)
            took_ms = (loop.time() - started) * 1000
            ending = "done" if finished else "given up"
            _logger.debug("%s: %s %s after %.0f ms", self.name, method, ending, took_ms)

    def _admit(self, call: _Call, priority: Priority) -> None:
        """Send a call, or let it wait."""
        waits = self._limits.wait_while_loading and self._status == "loading"
        if self._status != "ready" and not waits:
            raise self._unavailable()
        if call.cost:
            self._ask(call)
            return
        ahead = sum(running.at_once for running in self._running.values()) if call.at_once else 0
        if max(ahead, len(self._waiting)) >= self._limits.max_waiting:
            raise Overloaded(max(ahead, len(self._waiting)), self._limits.max_waiting)
        if call.at_once and self._status == "ready" and self._process is not None:
            self._send(call, self._process)
            return
        heapq.heappush(self._waiting, (priority, call.id, call))
        self._dispatch()

    def _ask(self, call: _Call) -> None:
        """Queue a call that says what it costs; where too many wait, the last one has to go."""
        self._asked.push(call, asker=asker(), cost=call.cost)
        most = self._limits.max_waiting
        if len(self._asked) > most:
            last = self._asked.pop_last()
            error = Overloaded(most, most)
            if last is call:
                raise error
            last.replies.put_nowait(error)
        self._dispatch()

    def _dispatch(self) -> None:
        """Send waiting calls to the child as far as it takes them."""
        process = self._process
        if self._status != "ready" or process is None:
            return
        while (asked := self._asked.pop(partial(self._may_join, process))) is not None:
            self._send(asked, process)
        busy = sum(not call.at_once and not call.cost for call in self._calls_of(process))
        while self._waiting and busy < self._limits.concurrency:
            _, _, call = heapq.heappop(self._waiting)
            self._send(call, process)
            busy += 1

    def _may_join(self, process: ChildProcess, call: _Call) -> bool:
        """Tell whether the child takes a call that says what it costs."""
        most = self._limits.ahead
        costs = [other.cost for other in self._calls_of(process)]
        if call.cost > most:
            return all(cost <= most for cost in costs)
        return sum(cost for cost in costs if cost <= most) + call.cost <= most

    def _send(self, call: _Call, process: ChildProcess) -> None:
        call.process = process
        self._running[call.id] = call
        process.send(call.header)

    def _give_up(self, call: _Call) -> None:
        """Forget a waiting call; tell the child to stop a running one, and see that it does."""
        if call.process is None:
            self._asked.remove(call)
            self._waiting = [entry for entry in self._waiting if entry[2] is not call]
            heapq.heapify(self._waiting)
        elif call.id in self._running:
            call.process.send({"cancel": call.id})
            loop = asyncio.get_running_loop()
            loop.call_later(self._limits.cancel_grace_s, self._kill_if_running, call)

    def _kill_if_running(self, call: _Call) -> None:
        if self._running.get(call.id) is call and call.process is not None:
            _logger.warning("%s does not stop a cancelled request: it is killed", self.name)
            call.process.kill()

    def _on_reply(self, process: ChildProcess, call_id: int, reply: Reply) -> None:
        call = self._running.get(call_id)
        if call is None or call.process is not process:
            return
        call.replies.put_nowait(reply)
        if reply.last:
            del self._running[call_id]
            self._served += 1
            process.served += 1
            if process.served >= self._limits.recycle_after:
                self._wake.set()
            self._close_if_idle(process)
            self._dispatch()

    def _on_exit(self, process: ChildProcess, reason: str) -> None:
        """Fail the calls that a process had when it ended, and wake the supervisor."""
        error = ModelStopped(f"The model {self.name!r} stopped while it worked: {reason}.")
        for call in self._calls_of(process):
            del self._running[call.id]
            call.replies.put_nowait(error)
        self._retired.discard(process)
        if process is self._process and self._status != "stopped":
            self._set("loading", reason)
            self._wake.set()

    # --- supervision ---------------------------------------------------------------------------

    async def _supervise(self) -> None:
        while True:
            process = await self._load()
            if process is None:
                await self._pause()
                continue
            self._process = process
            self._set("ready", "")
            self._dispatch()
            while process.alive and self._process is process:
                self._wake.clear()
                if process.served >= self._limits.recycle_after:
                    process = await self._recycle(process)
                elif process.alive:
                    await self._wake.wait()
            self._crashed(self._reason)
            await self._pause()

    async def _load(self) -> ChildProcess | None:
        """Start a child and wait until its model is loaded; `None` if that failed.

        Whatever fails (no descriptors, no memory, no threads, no interpreter) may be well a moment
        later, and nobody else would start the model again: so every error is a crash.
        """
        child: ChildProcess | None = None
        try:
            child = await ChildProcess.spawn(
                self.name,
                self._module,
                self._settings,
                environment=self._environment,
                on_reply=self._on_reply,
                on_exit=self._on_exit,
                beat_s=self._limits.beat_s,
            )
            self._retired.add(child)  # so that `close` ends it while it loads
            async with asyncio.timeout(self._limits.load_timeout_s):
                self.info = await asyncio.shield(child.ready)
        except ProcessEnded as error:
            self._crashed(str(error))
        except TimeoutError:
            self._crashed(f"it was not loaded after {self._limits.load_timeout_s:g} s")
        except Exception as error:
            _logger.exception("%s cannot be started", self.name)
            self._crashed(f"it cannot be started: {error or type(error).__name__}")
        else:
            self._retired.discard(child)
            return child
        if child is not None:
            child.kill()
        return None

    async def _recycle(self, old: ChildProcess) -> ChildProcess:
        """Load a fresh child while the old one serves, and let it take over."""
        old.served = 0
        fresh = await self._load()
        if fresh is None:
            return old
        self._process = fresh
        if self._status == "loading":  # the old one ended meanwhile
            self._set("ready", "")
        elif old.alive:
            self._retired.add(old)
            self._close_if_idle(old)
        self._dispatch()
        return fresh

    def _close_if_idle(self, process: ChildProcess) -> None:
        """End a child that another has replaced, once it has finished its work."""
        if process in self._retired and not self._calls_of(process):
            closer = asyncio.create_task(process.close(), name=f"{self.name}-recycle")
            self._closers.add(closer)
            closer.add_done_callback(self._closers.discard)

    def _calls_of(self, process: ChildProcess) -> list[_Call]:
        return [call for call in self._running.values() if call.process is process]

    def _crashed(self, reason: str) -> None:
        self._restarts += 1
        self._trouble, self._trouble_at = reason, time.time()
        self._crashes.append(asyncio.get_running_loop().time())
        _logger.warning("%s: %s", self.name, reason)
        if self._process is None or not self._process.alive:
            self._set("loading", reason)

    async def _pause(self) -> None:
        """Wait before the next start: briefly, or for long after several crashes in a row."""
        limits = self._limits
        now = asyncio.get_running_loop().time()
        recent = sum(now - crash < limits.crash_window_s for crash in self._crashes)
        if recent >= limits.crashes:
            self._set("down", f"{self._reason}; next try in {limits.down_s:g} s")
            self._fail_all()
            await asyncio.sleep(limits.down_s)
            self._set("loading", self._reason)
        elif recent:
            await asyncio.sleep(limits.backoff_s[min(recent, len(limits.backoff_s)) - 1])

    def _fail_all(self) -> None:
        waiting = [*self._asked.clear(), *(entry[2] for entry in self._waiting)]
        for call in (*self._running.values(), *waiting):
            call.replies.put_nowait(self._unavailable())
        self._running.clear()
        self._waiting.clear()

    def _unavailable(self) -> ModelUnavailable:
        return ModelUnavailable(f"The model {self.name!r} is not ready: {self._reason}.")

    def _set(self, status: Status, reason: str) -> None:
        self._status, self._reason = status, reason
        self._changed.set()
