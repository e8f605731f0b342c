"""The generator's process: llama.cpp behind the requests of `models.generator`."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.errors import PromptTooLong
from core.types import Prompt
from models.llama.chat import ChatLayout
from models.llama.engine import GUESSED, Engine
from models.llama.llama import Llama
from models.llama.prefix_store import DiskPrefixes
from models.workers.child import Channel, Request, main

CHUNK_TOKENS = 128
"""Tokens read in one call: small enough that others wait little, large enough to be quick."""


class GeneratorHandler:
    """Answers ``generate`` (streamed) and ``count``."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        """Load the model; a context longer than the model was trained for is cut to that."""
        parallel = int(settings["parallel"])
        context_tokens = int(settings["context_tokens"])
        self._llama = Llama(
            Path(settings["path"]),
            threads=int(settings["threads"]),
            context_tokens=context_tokens + (parallel - 1) * int(settings["extra_tokens"]),
            sequences=parallel,
            chunk_tokens=CHUNK_TOKENS,
            outputs=1 + GUESSED,
        )
        self._context_tokens = min(context_tokens, self._llama.trained_tokens)
        self._layout = layout_of(self._llama)
        self._states = DiskPrefixes(
            Path(settings["prefix_folder"]),
            int(settings["prefix_memory_bytes"]),
            model=f"{settings['sha256']}; {self._llama.settings}",
            budget_bytes=int(settings["prefix_disk_bytes"]),
        )
        self._engine = Engine(
            self._llama, self._states, parallel=parallel, context_tokens=self._context_tokens
        )
        self._requests: dict[int, Request] = {}

    def info(self) -> Mapping[str, Any]:
        """Return the context that may be used."""
        return {"context_tokens": self._context_tokens}

    def serve(self, channel: Channel) -> None:
        """Take what has come, drop what was cancelled, compute a step, send what came out."""
        channel.intercept(lambda request: self._arrived(channel, request))
        channel.on_cancel = self._interrupt_if_active
        while True:
            while self._engine.idle or not channel.requests.empty():
                self._start(channel, channel.requests.get())
            for cancelled in [r for r in self._requests.values() if channel.is_cancelled(r.id)]:
                self._engine.cancel(cancelled.id)
                channel.done(self._requests.pop(cancelled.id), {})
            for output in self._engine.step():
                if output.text:
                    channel.item(self._requests[output.job_id], {"text": output.text})
                if output.usage is not None:
                    channel.done(self._requests.pop(output.job_id), asdict(output.usage))

    def _start(self, channel: Channel, request: Request) -> None:
        params = request.params
        prompt = Prompt(params["instructions"], params["passage"], params["question"])
        self._requests[request.id] = request
        try:
            self._engine.add(
                request.id,
                self._layout.tokens(prompt),
                max_tokens=params["max_tokens"],
                stop=params["stop"],
            )
        except PromptTooLong as error:
            channel.error(self._requests.pop(request.id), error)

    # --- in the reading thread, while the model computes ----------------------------------------

    def _arrived(self, channel: Channel, request: Request) -> bool:
        """Count tokens at once."""
        if request.method == "count":
            counts = [len(self._llama.tokenize(text)) for text in request.params["texts"]]
            channel.done(request, {"counts": counts})
            return True
        return False

    def _interrupt_if_active(self, request_id: int) -> None:
        if request_id in self._engine.active_ids:
            self._llama.interrupt()


def layout_of(llama: Llama) -> ChatLayout:
    """Return the chat layout of a loaded model."""
    bos, eos = llama.bos_and_eos()
    return ChatLayout(
        llama.chat_template,
        lambda text, special: llama.tokenize(text, special=special),
        bos=bos,
        eos=eos,
        add_bos=llama.starts_with_bos,
    )


if __name__ == "__main__":
    main(GeneratorHandler)
