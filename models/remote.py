"""Models behind a server that speaks the OpenAI API: Ollama, llama.cpp's server, vLLM, TEI."""

import asyncio
import hashlib
import json
import math
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import astuple, replace
from typing import Any, Literal

import httpx
import numpy as np

from core.errors import ModelUnavailable, Overloaded, PromptTooLong, TextTooLong
from core.types import GenerationEvent, Matrix, Piece, Prompt, TokenUsage, Vector
from models.weights.spec import Server
from models.workers.contract import Status, WorkerState

_BATCH_TEXTS = 32
_INGEST_AT_A_TIME = 1
_QUESTION_DEADLINE_S = 12
_BATCH_DEADLINE_S = 300
_CONNECT_S = 5
_LONGEST_REASON = 200
_CONTEXT_WORDS = ("context_length", "context length", "maximum context", "context size")
"""How servers say that a prompt is too long."""
_WORD = re.compile(r"[⺀-鿿가-힯豈-﫿]|[^\W⺀-鿿가-힯豈-﫿]+|[^\w\s]")


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a text has, rather too many than too few.

    Servers have no common way of counting. A word counts one token per four letters, a Chinese
    character or a sign one.
    """
    return sum(math.ceil(len(word.encode()) / 4) for word in _WORD.findall(text))


class _HttpModel:
    """A model of one server, and how its last request went."""

    def __init__(self, server: Server, *, api_key: str) -> None:
        self.name = server.model or server.base_url
        self._server = server
        self._status: Status = "stopped"
        self._reason = "it was not asked yet"
        self._served = 0
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._client = httpx.AsyncClient(
            base_url=server.base_url + "/",
            headers=headers,
            timeout=httpx.Timeout(None, connect=_CONNECT_S),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    @property
    def state(self) -> WorkerState:
        """How the server is."""
        reason = "" if self._status == "ready" else self._reason
        return WorkerState(self._status, reason, 0, 0, 0, self._served, 0)

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Estimate the tokens of each text."""
        return [estimate_tokens(text) for text in texts]

    def _succeeded(self) -> None:
        self._status = "ready"
        self._served += 1

    def _failed(self, reason: str) -> ModelUnavailable:
        """Note that a request was not answered, and return the error to raise."""
        self._status, self._reason = "down", reason
        address = self._server.base_url
        return ModelUnavailable(f"The model server at {address!r} does not answer: {reason}.")


def reason_of(response: httpx.Response) -> str:
    """Return what a server says about an error, shortened."""
    text = response.text
    try:
        error = response.json().get("error", text)
        text = error.get("message", text) if isinstance(error, dict) else str(error)
    except (ValueError, AttributeError):
        pass
    return f"status {response.status_code}, {text[:_LONGEST_REASON]!r}"


class HttpEmbedder(_HttpModel):
    """`core.protocols.Embedder` on a server's ``/embeddings``."""

    def __init__(self, server: Server, *, api_key: str = "") -> None:
        super().__init__(server, api_key=api_key)
        self.max_tokens = server.max_tokens
        self.dim = 0
        """Length of the vectors; known after `start`."""
        facts = [server.model, server.query_prompt, server.passage_prompt, server.input_type]
        self.fingerprint = "url-" + hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]
        """Of the model's name and prompts; a server does not show its weights."""
        self._slots = asyncio.Semaphore(_INGEST_AT_A_TIME)

    async def start(self, *, wait: bool = True) -> None:
        """Embed a word to learn the length of the vectors; `wait` makes no difference."""
        self.dim = (await self._embed(["?"], "query", deadline_s=_QUESTION_DEADLINE_S)).shape[1]

    async def embed_query(self, text: str) -> Vector:
        """Embed one question. What is beyond `max_tokens` is left to the server."""
        rows = await self._embed([text], "query", deadline_s=_QUESTION_DEADLINE_S)
        return np.asarray(rows[0], np.float32)

    async def embed_queries(self, texts: Sequence[str]) -> Matrix:
        """Embed questions of the knowledge base."""
        return await self._embed_all(texts, "query")

    async def embed_passages(self, texts: Sequence[str]) -> Matrix:
        """Embed passages."""
        for text in texts:
            tokens = estimate_tokens(self._server.passage_prompt + text)
            if tokens > self.max_tokens:
                raise TextTooLong(tokens, self.max_tokens)
        return await self._embed_all(texts, "passage")

    async def _embed_all(self, texts: Sequence[str], kind: Literal["query", "passage"]) -> Matrix:
        rows = np.empty((len(texts), self.dim), np.float32)
        for start in range(0, len(texts), _BATCH_TEXTS):
            batch = texts[start : start + _BATCH_TEXTS]
            async with self._slots:
                rows[start : start + len(batch)] = await self._embed(
                    batch, kind, deadline_s=_BATCH_DEADLINE_S
                )
        return rows

    async def _embed(
        self, texts: Sequence[str], kind: Literal["query", "passage"], *, deadline_s: float
    ) -> Matrix:
        server = self._server
        prompt = server.query_prompt if kind == "query" else server.passage_prompt
        body: dict[str, Any] = {
            "model": server.model,
            "input": [prompt + text for text in texts],
            "encoding_format": "float",
        }
        if server.input_type:
            body["input_type"] = kind
        values = await self._post("embeddings", body, deadline_s=deadline_s)
        try:
            data = sorted(values["data"], key=lambda item: int(item["index"]))
            rows = np.array([item["embedding"] for item in data], np.float32)
        except (KeyError, TypeError, ValueError) as error:
            raise self._failed(f"it sent no embeddings ({error})") from error
        if rows.shape != (len(texts), self.dim or rows.shape[-1]):
            raise self._failed(f"it sent vectors of shape {rows.shape}")
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(rows / np.maximum(norms, 1e-12), np.float32)

    async def _post(self, path: str, body: Mapping[str, Any], *, deadline_s: float) -> Any:
        """Send one request and return the JSON of the reply."""
        try:
            async with asyncio.timeout(deadline_s):
                response = await self._client.post(path, json=dict(body))
            if response.is_error:
                raise self._failed(reason_of(response))
            values = response.json()
        except TimeoutError:
            raise self._failed(f"nothing came within {deadline_s:g} s") from None
        except (httpx.HTTPError, ValueError) as error:
            raise self._failed(str(error) or type(error).__name__) from error
        self._succeeded()
        return values


class HttpGenerator(_HttpModel):
    """`core.protocols.Generator` on a server's ``/chat/completions``."""

    def __init__(
        self, server: Server, *, api_key: str = "", parallel: int = 4, queue: int = 8
    ) -> None:
        """`parallel` requests go to the server at a time, `queue` more may wait."""
        super().__init__(server, api_key=api_key)
        self.context_tokens = server.context_tokens
        self._slots = asyncio.Semaphore(parallel)
        self._parallel, self._queue = parallel, queue
        self._inside = 0

    async def start(self, *, wait: bool = True) -> None:
        """Ask the server for a word; `wait` makes no difference."""
        stream = self.stream(Prompt("", "", "Hi"), max_tokens=1, deadline_s=60)
        async for _ in stream:
            pass

    @property
    def state(self) -> WorkerState:
        """How the server is, and how many requests wait for it."""
        running = min(self._inside, self._parallel)
        return replace(super().state, waiting=self._inside - running, running=running)

    async def stream(
        self, prompt: Prompt, *, max_tokens: int, deadline_s: float, stop: Sequence[str] = ()
    ) -> AsyncGenerator[GenerationEvent, None]:
        """Write a reply."""
        tokens = sum(estimate_tokens(part) for part in astuple(prompt))
        if tokens + max_tokens > self.context_tokens:
            raise PromptTooLong(tokens + max_tokens, self.context_tokens)
        if self._inside >= self._parallel + self._queue:
            raise Overloaded(self._inside - self._parallel, self._queue)
        end = asyncio.get_running_loop().time() + deadline_s
        body = self._body(prompt, max_tokens=max_tokens, stop=stop)
        self._inside += 1
        try:
            async for event in self._turn(body, tokens, end=end, deadline_s=deadline_s):
                yield event
        finally:
            self._inside -= 1

    async def _turn(
        self, body: Mapping[str, Any], tokens: int, *, end: float, deadline_s: float
    ) -> AsyncGenerator[GenerationEvent, None]:
        """Wait for a turn, then stream; every wait is bounded by the deadline."""
        late = f"it was not done after {deadline_s:g} s"
        try:
            async with asyncio.timeout_at(end):
                await self._slots.acquire()
            try:
                request = self._client.build_request("POST", "chat/completions", json=body)
                async with asyncio.timeout_at(end):
                    response = await self._client.send(request, stream=True)
                try:
                    if response.is_error:
                        async with asyncio.timeout_at(end):
                            await response.aread()
                        raise self._refused(response, tokens)
                    async for event in self._events(response, tokens, end=end):
                        yield event
                finally:
                    await response.aclose()
            finally:
                self._slots.release()
        except TimeoutError:
            raise self._failed(late) from None
        except (httpx.HTTPError, ValueError, LookupError) as error:
            raise self._failed(str(error) or type(error).__name__) from error
        self._succeeded()

    async def _events(
        self, response: httpx.Response, tokens: int, *, end: float
    ) -> AsyncGenerator[GenerationEvent, None]:
        usage: Mapping[str, Any] = {}
        pieces = 0
        lines = response.aiter_lines()
        while True:
            try:
                async with asyncio.timeout_at(end):
                    line = await anext(lines)
            except StopAsyncIteration:
                break
            if not line.startswith("data:") or line.endswith("[DONE]"):
                continue
            values = json.loads(line.removeprefix("data:"))
            if "error" in values:
                raise self._failed(str(values["error"])[:_LONGEST_REASON])
            usage = values.get("usage") or usage
            for choice in values.get("choices", ()):
                text = choice.get("delta", {}).get("content")
                if text:
                    pieces += 1
                    yield Piece(text)
        details = usage.get("prompt_tokens_details") or {}
        yield TokenUsage(
            prompt=usage.get("prompt_tokens", tokens),  # not every server counts in a stream
            cached=details.get("cached_tokens") or 0,
            generated=usage.get("completion_tokens", pieces),
        )

    def _body(self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str]) -> dict[str, Any]:
        user = "\n\n".join(part for part in (prompt.passage, prompt.question) if part)
        messages = [{"role": "user", "content": user}]
        if prompt.instructions:
            messages.insert(0, {"role": "system", "content": prompt.instructions})
        body: dict[str, Any] = {
            "model": self._server.model,
            "messages": messages,
            "max_tokens": max_tokens,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if stop:
            body["stop"] = list(stop)
        return body

    def _refused(self, response: httpx.Response, tokens: int) -> Exception:
        if response.is_client_error and any(w in response.text for w in _CONTEXT_WORDS):
            return PromptTooLong(tokens, self.context_tokens)
        return self._failed(reason_of(response))
