"""The child's side of a model process: requests come in, replies go out, one thread computes.

A second thread reads the pipe, so that a cancel is seen while the model computes, and so that the
process ends at once when its parent does. Standard output is moved aside first: whatever a C
library prints goes to standard error and cannot spoil the protocol.
"""

import json
import logging
import os
import queue
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Any, Protocol

from core.errors import AnswerdeskError, PromptTooLong, TextTooLong
from models.workers.ipc import LENGTHS, pack, unpack_lengths

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """One piece of work."""

    id: int
    method: str
    params: Mapping[str, Any]


class Channel:
    """The pipe to the parent."""

    def __init__(self, source: IO[bytes], sink: IO[bytes]) -> None:
        self._source = source
        self._sink = sink
        self.requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        self._send_lock = threading.Lock()
        self.on_cancel: Callable[[int], None] = lambda _id: None
        """Called in the reading thread when a request is cancelled; must be quick."""
        self._take: Callable[[Request], bool] = lambda _request: False
        self._arriving = threading.Lock()

    def read_settings(self) -> Mapping[str, Any]:
        """Return the first frame's settings, then start the reading thread."""
        header = self._read()
        threading.Thread(target=self._listen, name="requests", daemon=True).start()
        settings: Mapping[str, Any] = header["settings"]
        return settings

    def intercept(self, take: Callable[[Request], bool]) -> None:
        """Call `take` in the reading thread for each request; true if that sees to it already.

        Those that came before, between "ready" and this call, are put to it now.
        """
        with self._arriving:
            self._take = take
            for _ in range(self.requests.qsize()):
                self._arrive(self.requests.get())

    def _arrive(self, request: Request) -> None:
        if not self._take(request):
            self.requests.put(request)

    def is_cancelled(self, request_id: int) -> bool:
        """Tell whether the parent no longer wants this reply."""
        return request_id in self._cancelled

    def send(self, header: Mapping[str, Any], blob: bytes = b"") -> None:
        """Send one frame."""
        with self._send_lock:
            self._sink.write(pack(header, blob))
            self._sink.flush()

    def item(self, request: Request, item: Mapping[str, Any]) -> None:
        """Send a part of the reply."""
        self.send({"id": request.id, "item": item})

    def done(self, request: Request, result: Mapping[str, Any], blob: bytes = b"") -> None:
        """Send the end of the reply."""
        self._cancelled.discard(request.id)
        self.send({"id": request.id, "done": result}, blob)

    def error(self, request: Request, error: Exception) -> None:
        """Send an error in place of the end of the reply."""
        self._cancelled.discard(request.id)
        self.send({"id": request.id, "error": describe_error(error)})

    def _listen(self) -> None:
        try:
            while True:
                header = self._read()
                if "beat" in header:
                    self.send(header)
                elif "cancel" in header:
                    self._cancelled.add(header["cancel"])
                    self.on_cancel(header["cancel"])
                else:
                    request = Request(header["id"], header["method"], header["params"])
                    with self._arriving:
                        self._arrive(request)
        except (EOFError, OSError, ValueError):
            os._exit(0)  # the parent closed the pipe or died; the model may be computing

    def _read(self) -> dict[str, Any]:
        header_size, _ = unpack_lengths(self._exactly(LENGTHS.size))
        header: dict[str, Any] = json.loads(self._exactly(header_size))
        return header

    def _exactly(self, size: int) -> bytes:
        data = self._source.read(size)
        if len(data) != size:
            raise EOFError
        return data


def describe_error(error: Exception) -> dict[str, Any]:
    """Return what the parent needs to raise the same error."""
    if isinstance(error, TextTooLong | PromptTooLong):
        return {"type": type(error).__name__, "tokens": error.tokens, "limit": error.limit}
    return {"type": "", "text": str(error) or type(error).__name__}


class Handler(Protocol):
    """What a model does with requests."""

    def info(self) -> Mapping[str, Any]:
        """Return what the parent should know once the model is loaded."""

    def serve(self, channel: Channel) -> None:
        """Work on requests until the process ends."""


def open_channel() -> Channel:
    """Take the pipes over; afterwards standard output is standard error and input is empty."""
    source = os.fdopen(os.dup(0), "rb")
    sink = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - a file descriptor, open for good
    return Channel(source, sink)


def main(load: Callable[[Mapping[str, Any]], Handler]) -> None:
    """Run a model process: load, say ready, serve."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    channel = open_channel()
    settings = channel.read_settings()
    try:
        handler = load(settings)
    except (AnswerdeskError, OSError, ValueError, RuntimeError, ImportError, KeyError) as error:
        _logger.exception("The model cannot be loaded")
        channel.send({"failed": str(error) or type(error).__name__})
        raise SystemExit(1) from error
    channel.send({"ready": dict(handler.info())})
    handler.serve(channel)


def serve_one_by_one(
    channel: Channel,
    requests: "queue.SimpleQueue[Request]",
    handle: Callable[[Request], tuple[Mapping[str, Any], bytes]],
) -> None:
    """Answer requests in order of arrival with a function of one request."""
    while True:
        request = requests.get()
        if channel.is_cancelled(request.id):
            channel.done(request, {})
            continue
        try:
            result, blob = handle(request)
        except Exception as error:
            if not isinstance(error, AnswerdeskError):
                _logger.exception("Request %s failed", request.method)
            channel.error(request, error)
        else:
            channel.done(request, result, blob)
