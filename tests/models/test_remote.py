"""Servers that answer wrongly, slowly or not at all; real ones are in the contract suites."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from core.errors import ModelUnavailable, Overloaded, PromptTooLong, TextTooLong
from core.types import Piece, Prompt, TokenUsage
from models.factory import make_embedder
from models.remote import HttpEmbedder, HttpGenerator, estimate_tokens
from models.weights.spec import Server
from tests.models.scripted import say, server

pytestmark = pytest.mark.anyio

PROMPT = Prompt("Be brief.", "We ship on Mondays.", "When do you ship?")


async def text_of(generator: HttpGenerator, *, deadline_s: float = 20) -> list[object]:
    return [e async for e in generator.stream(PROMPT, max_tokens=8, deadline_s=deadline_s)]


async def test_a_server_that_is_not_there_is_named() -> None:
    embedder = HttpEmbedder(Server("http://127.0.0.1:9/v1", "m"))
    with pytest.raises(ModelUnavailable, match=r"server at 'http://127\.0\.0\.1:9/v1' does not"):
        await embedder.start()
    assert embedder.state.status == "down"
    await embedder.close()


async def test_what_the_server_says_about_an_error_reaches_the_operator() -> None:
    refusal = '{"error": {"message": "no such model", "type": "invalid"}}'
    async with server(say("404 Not Found", refusal)) as address:
        embedder = HttpEmbedder(Server(address, "m"))
        with pytest.raises(ModelUnavailable, match="status 404, 'no such model'"):
            await embedder.embed_query("x")
        await embedder.close()


@pytest.mark.parametrize(
    "body", ["<html>", '{"data": [{"index": 0}]}', '{"data": []}', '{"data": "x"}']
)
async def test_a_reply_that_holds_no_vectors_is_an_error(body: str) -> None:
    async with server(say("200 OK", body)) as address:
        embedder = HttpEmbedder(Server(address, "m"))
        with pytest.raises(ModelUnavailable, match="does not answer"):
            await embedder.embed_query("x")
        await embedder.close()


async def test_vectors_are_put_in_order_and_made_unit_length() -> None:
    body = '{"data": [{"index": 1, "embedding": [0, 2]}, {"index": 0, "embedding": [3, 4]}]}'
    async with server(say("200 OK", body)) as address:
        embedder = HttpEmbedder(Server(address, "m"))
        embedder.dim = 2
        rows = await embedder.embed_passages(["a", "b"])
        assert np.allclose(rows, np.array([[0.6, 0.8], [0, 1]]))
        await embedder.close()


async def test_prompts_and_key_are_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[tuple[str, bytes]] = []

    async def answer(head: str, body: bytes, writer: asyncio.StreamWriter) -> None:
        seen.append((head, body))
        await say("200 OK", '{"data": [{"index": 0, "embedding": [1, 0]}]}')(head, body, writer)

    async with server(answer) as address:
        monkeypatch.setenv("MODELS_API_KEY", "k3y")
        spec = f"url:{address}#m?query_prompt=query:%20&input_type=yes"
        embedder = make_embedder(spec, tmp_path)
        await embedder.embed_query("hello")
        await embedder.close()
    assert "authorization: bearer k3y" in seen[0][0]
    assert b'"input":["query: hello"]' in seen[0][1]
    assert b'"input_type":"query"' in seen[0][1]


async def test_a_passage_that_the_server_would_cut_is_refused() -> None:
    embedder = HttpEmbedder(Server("http://127.0.0.1:9/v1", "m", max_tokens=16))
    with pytest.raises(TextTooLong, match="and the model reads 16"):
        await embedder.embed_passages(["word " * 40])
    await embedder.close()


async def test_another_prompt_is_another_fingerprint() -> None:
    plain = HttpEmbedder(Server("http://h/v1", "m"))
    prompted = HttpEmbedder(Server("http://h/v1", "m", query_prompt="query: "))
    elsewhere = HttpEmbedder(Server("http://other/v1", "m"))
    assert plain.fingerprint != prompted.fingerprint
    assert plain.fingerprint == elsewhere.fingerprint
    for embedder in (plain, prompted, elsewhere):
        await embedder.close()


async def test_a_stream_is_joined_and_its_usage_read() -> None:
    lines = [
        'data: {"choices": [{"delta": {"role": "assistant"}}]}',
        ": keep-alive",
        'data: {"choices": [{"delta": {"content": "On "}}]}',
        'data: {"choices": [{"delta": {"content": "Mondays."}}]}',
        'data: {"choices": [], "usage": {"prompt_tokens": 30, "completion_tokens": 2, '
        '"prompt_tokens_details": {"cached_tokens": 20}}}',
        "data: [DONE]",
    ]
    async with server(say("200 OK", "\n\n".join(lines) + "\n\n")) as address:
        generator = HttpGenerator(Server(address, "m"))
        assert await text_of(generator) == [
            Piece("On "),
            Piece("Mondays."),
            TokenUsage(prompt=30, cached=20, generated=2),
        ]
        assert generator.state.status == "ready"
        await generator.close()


async def test_an_error_within_a_stream_is_raised() -> None:
    async with server(say("200 OK", 'data: {"error": {"message": "gone"}}\n\n')) as address:
        generator = HttpGenerator(Server(address, "m"))
        with pytest.raises(ModelUnavailable, match="gone"):
            await text_of(generator)
        await generator.close()


async def test_a_server_that_says_nothing_is_given_up_in_time() -> None:
    given_up = asyncio.Event()

    async def hang(_head: str, _body: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await writer.drain()
        await given_up.wait()

    async with server(hang) as address:
        generator = HttpGenerator(Server(address, "m"))
        with pytest.raises(ModelUnavailable, match=r"it was not done after 0\.1 s"):
            await text_of(generator, deadline_s=0.1)
        given_up.set()
        assert generator.state.running == 0
        await generator.close()


async def test_a_prompt_that_the_server_finds_too_long_is_said_as_such() -> None:
    refusal = '{"error": {"code": "context_length_exceeded", "message": "too long"}}'
    async with server(say("400 Bad Request", refusal)) as address:
        generator = HttpGenerator(Server(address, "m"))
        with pytest.raises(PromptTooLong):
            await text_of(generator)
        await generator.close()


async def test_a_prompt_that_cannot_fit_is_not_sent() -> None:
    generator = HttpGenerator(Server("http://127.0.0.1:9/v1", "m", context_tokens=10))
    with pytest.raises(PromptTooLong, match="and the context has 10"):
        await text_of(generator)
    await generator.close()


async def test_a_full_queue_refuses() -> None:
    arrived, release = asyncio.Event(), asyncio.Event()

    async def slow(head: str, body: bytes, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await release.wait()
        await say("200 OK", "data: [DONE]\n\n")(head, body, writer)

    async with server(slow) as address:
        generator = HttpGenerator(Server(address, "m"), parallel=1, queue=0)
        first = asyncio.create_task(text_of(generator))
        await arrived.wait()
        with pytest.raises(Overloaded, match="0 calls are waiting and the limit is 0"):
            await text_of(generator)
        release.set()
        await first
        await generator.close()


def test_tokens_are_estimated_for_any_script() -> None:
    assert estimate_tokens("") == 0
    assert estimate_tokens("a parcel, please") == 6
    assert estimate_tokens("退款需要3天") == 6
