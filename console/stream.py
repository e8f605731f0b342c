"""An answer as server-sent events, while it is made."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from typing import Any, TypeAlias

from starlette.responses import StreamingResponse

from core.types import Answer, AnswerEvent

Asking: TypeAlias = Callable[..., Coroutine[Any, Any, Answer]]
"""`kb.answering.desk.Desk.ask` with everything but `on_event`."""


async def as_it_is_made(ask: Asking) -> AsyncGenerator["AnswerEvent | asyncio.Task[Answer]", None]:
    """Yield what happens while an answer is made and then the task, which is done.

    If nobody reads on, as when a browser goes away, the work is cancelled: others need not wait.
    """
    events: asyncio.Queue[AnswerEvent | None] = asyncio.Queue()
    task = asyncio.create_task(ask(on_event=events.put))
    task.add_done_callback(lambda _: events.put_nowait(None))
    try:
        while (one := await events.get()) is not None:
            yield one
        yield task
    finally:
        task.cancel()


def event_stream(events: AsyncIterator[str]) -> StreamingResponse:
    """Return events as a response that no proxy buffers."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)
