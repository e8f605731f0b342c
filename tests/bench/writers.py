"""The generators that are compared, all asked in the same way and timed from outside."""

import contextlib
import json
import re
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx

from core.config import Config, ModelsConfig, data_folder
from core.types import Piece, Prompt
from models.factory import make_generator, make_store
from models.generator import WorkerGenerator
from tests.bench.figure import BenchFailed
from tests.bench.process import DEADLINE_S, baseline

SMALL = "qwen2.5-coder-0.5b-instruct"
LARGE = "qwen2.5-coder-1.5b-instruct"
CONTEXT_TOKENS = 4096
_CONTENT = re.compile(rb'"content": ?"')


@dataclass(frozen=True, slots=True)
class Reply:
    """When a reply came, in seconds from the question, and how long it was."""

    first_s: float
    last_s: float
    tokens: int

    @property
    def rate(self) -> float:
        """Tokens a second after the first."""
        return (self.tokens - 1) / (self.last_s - self.first_s)


class Writer(Protocol):
    """Something that answers prompts."""

    async def ask(self, prompt: Prompt, *, max_tokens: int) -> Reply:
        """Answer at temperature 0, as soon as possible."""


class Ours:
    """This project's generator in its worker process."""

    def __init__(self, generator: WorkerGenerator) -> None:
        self.generator = generator

    async def ask(self, prompt: Prompt, *, max_tokens: int) -> Reply:
        """Answer a prompt."""
        started = time.perf_counter()
        first = last = 0.0
        tokens = 0
        stream = self.generator.stream(prompt, max_tokens=max_tokens, deadline_s=DEADLINE_S)
        async with contextlib.aclosing(stream):
            async for event in stream:
                last = time.perf_counter() - started
                if isinstance(event, Piece):
                    first = first or last
                else:
                    tokens = event.generated
        return _checked(Reply(first, last, tokens))


class Server:
    """A server with the OpenAI API; what it sends is read after the last byte came."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def ask(self, prompt: Prompt, *, max_tokens: int) -> Reply:
        """Answer a prompt."""
        body = {
            "messages": messages(prompt),
            "max_tokens": max_tokens,
            "temperature": 0,
            "cache_prompt": True,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        started = time.perf_counter()
        parts: list[tuple[float, bytes]] = []
        async with self._client.stream("POST", "/v1/chat/completions", json=body) as response:
            async for part in response.aiter_bytes():
                parts.append((time.perf_counter() - started, part))
        first = next((at for at, part in parts if _CONTENT.search(part)), 0.0)
        events = _events(parts)
        usage = next((event["usage"] for event in reversed(events) if event.get("usage")), None)
        tokens = usage["completion_tokens"] if usage else sum(map(_has_content, events))
        return _checked(Reply(first, parts[-1][0], int(tokens)))


def weights(name: str) -> Path:
    """Return the file of a catalogue model, if it is there and whole."""
    store = make_store(data_folder())
    return store.check(name) / store.catalogue.get(name).files[0].path


@contextlib.contextmanager
def states() -> Iterator[Path]:
    """Give a folder for states that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="answerdesk-bench-") as folder:
        yield Path(folder)


@contextlib.asynccontextmanager
async def ours(config: Config, name: str, folder: Path) -> AsyncIterator[Ours]:
    """Load a model; its states are kept in `folder`."""
    models = ModelsConfig(generator=name, threads=config.models.threads)
    generator = make_generator(models, data_folder(), prefix_folder=folder)
    if not isinstance(generator, WorkerGenerator):
        raise BenchFailed(f"{name!r} is no model of this machine; it cannot be timed.")
    try:
        await generator.start()
        yield Ours(generator)
    finally:
        await generator.close()


@contextlib.asynccontextmanager
async def native(model: Path, *, threads: int) -> AsyncIterator[Server]:
    """Start llama.cpp's own server with a model; `BenchFailed` if it is not installed."""
    async with baseline("native", model, threads, CONTEXT_TOKENS, 4) as (_process, values):
        if "missing" in values:
            raise BenchFailed(f"Not compared: {values['missing']}. `make test` installs it.")
        async with httpx.AsyncClient(
            base_url=values["url"],
            trust_env=False,
            timeout=DEADLINE_S,
            limits=httpx.Limits(max_keepalive_connections=0),
        ) as client:
            yield Server(client)


def messages(prompt: Prompt) -> list[dict[str, str]]:
    """Return a prompt as chat messages that the model's template turns into the same text."""
    return [
        {"role": "system", "content": prompt.instructions},
        {"role": "user", "content": f"{prompt.passage}\n\n{prompt.question}"},
    ]


def _events(parts: list[tuple[float, bytes]]) -> list[dict[str, Any]]:
    text = b"".join(part for _, part in parts).decode()
    lines = (line.removeprefix("data: ") for line in text.splitlines() if line[:6] == "data: ")
    return [json.loads(line) for line in lines if line != "[DONE]"]


def _has_content(event: dict[str, Any]) -> bool:
    choices = event.get("choices") or [{}]
    return bool(choices[0].get("delta", {}).get("content"))


def _checked(reply: Reply) -> Reply:
    if not reply.first_s or not reply.tokens:
        raise BenchFailed("A model gave an empty reply; it cannot be timed.")
    return reply
