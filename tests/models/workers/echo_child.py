"""A model process for tests of the worker: it does what each request says."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Any

from core.errors import TextTooLong
from models.workers.child import Channel, Request, main


class Echo:
    def __init__(self, settings: Mapping[str, Any]) -> None:
        if settings.get("fail"):
            raise ValueError(settings["fail"])
        if settings.get("crash_at_load"):
            os.kill(os.getpid(), signal.SIGKILL)
        self._settings = settings
        self._cancelled = threading.Event()

    def info(self) -> Mapping[str, Any]:
        return {"pid": os.getpid(), "token": os.environ.get("TELEGRAM_BOT_TOKEN", "")}

    def serve(self, channel: Channel) -> None:
        channel.on_cancel = lambda _id: self._cancelled.set()
        while True:
            request = channel.requests.get()
            getattr(self, request.method)(channel, request)

    def echo(self, channel: Channel, request: Request) -> None:
        sys.stdout.write("noise that must not reach the parent\n")
        sys.stdout.flush()
        subprocess.run(["echo", "more noise"], check=True)
        channel.done(request, request.params, b"\x00\x01")

    def count(self, channel: Channel, request: Request) -> None:
        for n in range(request.params["n"]):
            channel.item(request, {"n": n})
        channel.done(request, {})

    def until_cancelled(self, channel: Channel, request: Request) -> None:
        channel.item(request, {"started": True})
        while not channel.is_cancelled(request.id):
            self._cancelled.wait()
            self._cancelled.clear()
        channel.done(request, {})

    def never(self, channel: Channel, request: Request) -> None:
        channel.item(request, {"started": True})
        threading.Event().wait()

    def crash(self, channel: Channel, request: Request) -> None:
        sys.stderr.write("GGML_ASSERT(false) failed\n")
        sys.stderr.flush()
        os.kill(os.getpid(), signal.SIGABRT)

    def too_long(self, channel: Channel, request: Request) -> None:
        channel.error(request, TextTooLong(600, 512))

    def garbage(self, channel: Channel, request: Request) -> None:
        channel._sink.write(b"\xff" * 64)
        channel._sink.flush()
        threading.Event().wait()

    def spin(self, channel: Channel, request: Request) -> None:
        re.match(r"(a+)+$", "a" * 60 + "b")  # for years, and without letting other threads run

    def nonsense(self, channel: Channel, request: Request) -> None:
        channel.send({"id": request.id})  # neither a part nor an end
        threading.Event().wait()


if __name__ == "__main__":
    main(Echo)
