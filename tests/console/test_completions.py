"""OpenAI's own client talks to the service."""

from collections.abc import AsyncIterator

import pytest
from openai import AsyncOpenAI, AuthenticationError, UnprocessableEntityError

from tests.console.conftest import Builder
from tests.console.fakes import DOCUMENT_QUESTION, FAQ_QUESTION, HEDGED_QUESTION, ScriptedDesk
from tests.console.served import on_loopback

pytestmark = pytest.mark.anyio


@pytest.fixture
async def openai(builder: Builder) -> AsyncIterator[AsyncOpenAI]:
    key = await builder.records.keys.add("shop", ["ask"])
    async with (
        on_loopback(builder.build(password="correct horse")) as address,
        AsyncOpenAI(api_key=key, base_url=f"{address}/v1", max_retries=0) as client,
    ):
        yield client


async def test_a_whole_reply_has_its_sources_below(openai: AsyncOpenAI) -> None:
    reply = await openai.chat.completions.create(
        model="answerdesk", messages=[{"role": "user", "content": DOCUMENT_QUESTION}]
    )
    said = reply.choices[0].message.content or ""
    assert said.startswith("Take the battery out")
    assert "\n\n---\nSources:\n- Care guide › E-bikes › Storing the battery in winter" in said
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage
    assert (reply.usage.prompt_tokens, reply.usage.total_tokens) == (212, 253)


@pytest.mark.parametrize("question", [DOCUMENT_QUESTION, FAQ_QUESTION, HEDGED_QUESTION])
async def test_a_streamed_reply_says_the_same(openai: AsyncOpenAI, question: str) -> None:
    whole = await openai.chat.completions.create(
        model="answerdesk", messages=[{"role": "user", "content": question}]
    )
    stream = await openai.chat.completions.create(
        model="answerdesk", messages=[{"role": "user", "content": question}], stream=True
    )
    choices = [chunk.choices[0] async for chunk in stream]
    assert "".join(one.delta.content or "" for one in choices) == whole.choices[0].message.content
    assert [one.finish_reason for one in choices][-2:] == [None, "stop"]
    assert len(choices) > 5


async def test_what_was_said_before_is_the_history_without_our_sources(
    openai: AsyncOpenAI, desk: ScriptedDesk
) -> None:
    await openai.chat.completions.create(
        model="answerdesk",
        user="shop-7",
        temperature=0,
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": FAQ_QUESTION}]},
            {"role": "assistant", "content": "Yes.\n\n---\nSources:\n- faq.csv"},
            {"role": "user", "content": "And at night?"},
        ],
    )
    [call] = desk.calls
    assert (call.text, call.chat) == ("And at night?", "api:shop-7")
    assert [(turn.question, turn.answer) for turn in call.history] == [(FAQ_QUESTION, "Yes.")]


async def test_the_service_is_the_one_model(openai: AsyncOpenAI) -> None:
    assert [model.id async for model in openai.models.list()] == ["answerdesk"]


async def test_an_error_is_a_sentence_in_the_shape_that_clients_read(
    openai: AsyncOpenAI, builder: Builder
) -> None:
    with pytest.raises(UnprocessableEntityError, match="End with what the user asks") as error:
        await openai.chat.completions.create(
            model="answerdesk", messages=[{"role": "assistant", "content": "Hello."}]
        )
    assert error.value.type == "invalid_request_error"
    with pytest.raises(AuthenticationError, match="There is no such key"):
        await openai.with_options(api_key="adk_other").models.list()
