"""`openai.chat` and `openai.embed`, against a server of the documented API on loopback."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.openai import OpenAiConnection, openai
from runner.connector import Call
from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, TimedOut, Unavailable
from tests.servers.openai_api import KEY, OpenAiApi
from tests.servers.raw_peer import RawPeer, hang, unused_port

MakeCall = Callable[..., Call]
SORTED = {
    "type": "object",
    "properties": {"topic": {"enum": ["billing", "other"]}},
    "required": ["topic"],
    "additionalProperties": False,
}
ASK: dict[str, Any] = {"model": "gpt-5-mini", "prompt": "Where is my order?"}


@pytest.fixture
async def api() -> AsyncIterator[OpenAiApi]:
    async with OpenAiApi() as one:
        yield one


def key(api_url: str, **fields: Any) -> OpenAiConnection:
    return OpenAiConnection.model_validate({"api_key": KEY, "api_url": api_url, **fields})


async def run(
    make_call: MakeCall, way: OpenAiConnection, name: str, *, seconds: float = 10, **inputs: Any
) -> Any:
    action = openai.actions[name]
    call = make_call(way, seconds)
    return (await action.function(call, way, action.read_input(inputs))).model_dump(by_alias=True)


async def test_a_model_answers(api: OpenAiApi, make_call: MakeCall) -> None:
    way = key(api.api_url, organization="org-1", project="proj-1")

    answer = await run(
        make_call, way, "chat", **ASK, instructions="Be short.", max_tokens=50, temperature=0.2, seed=7,
        stop=["END"], reasoning_effort="low", more={"top_p": 0.9},
    )  # fmt: skip

    assert answer == {
        "text": "Hello", "json": None, "finish_reason": "stop", "model": "gpt-5-mini-2026",
        "usage": {"input_tokens": 7, "output_tokens": 3},
    }  # fmt: skip
    assert api.asked == [
        {
            "model": "gpt-5-mini",
            "messages": [
                {"role": "system", "content": "Be short."},
                {"role": "user", "content": "Where is my order?"},
            ],
            "max_completion_tokens": 50, "temperature": 0.2, "seed": 7, "stop": ["END"],
            "reasoning_effort": "low", "top_p": 0.9,
        }
    ]  # fmt: skip
    headers = api.requests[0].headers
    assert (headers["openai-organization"], headers["openai-project"]) == ("org-1", "proj-1")


async def test_a_schema_makes_the_answer_data(api: OpenAiApi, make_call: MakeCall) -> None:
    api.says = {"content": '{"topic": "billing"}'}

    answer = await run(make_call, key(api.api_url), "chat", **ASK, schema=SORTED, schema_name="ticket")

    assert answer["json"] == {"topic": "billing"}
    named = {"name": "ticket", "schema": SORTED, "strict": True}
    assert api.asked[0]["response_format"] == {"type": "json_schema", "json_schema": named}


async def test_an_object_of_any_shape_may_be_asked_for(api: OpenAiApi, make_call: MakeCall) -> None:
    api.says = {"content": '{"a": [1]}'}

    answer = await run(make_call, key(api.api_url), "chat", **ASK, as_json=True)

    assert answer["json"] == {"a": [1]}
    assert api.asked[0]["response_format"] == {"type": "json_object"}


@pytest.mark.parametrize(
    ("content", "finish", "says"),
    [
        ('{"topic": "weather"}', "stop", "topic: "),
        ('{"topic": "other", "x": 1}', "stop", "not as the schema wants it: the whole: "),
        ("Sure! Here you are", "stop", "the answer is no JSON"),
        ('{"topic": "bil', "length", "cut off at max_tokens"),
        ("[" * 100_000, "stop", "the answer is no JSON"),
    ],
)
async def test_an_answer_that_leaves_the_schema_is_refused(
    api: OpenAiApi, make_call: MakeCall, content: str, finish: str, says: str
) -> None:
    api.says, api.finish = {"content": content}, finish

    with pytest.raises(Rejected, match=says):
        await run(make_call, key(api.api_url), "chat", **ASK, schema=SORTED, strict=False)


async def test_a_refusal_is_a_refusal(api: OpenAiApi, make_call: MakeCall) -> None:
    api.says = {"content": None, "refusal": "I cannot help with that."}
    with pytest.raises(Rejected, match="the model refuses: I cannot help"):
        await run(make_call, key(api.api_url), "chat", **ASK)
    api.says, api.finish = {"content": ""}, "content_filter"
    with pytest.raises(Rejected, match="content filter"):
        await run(make_call, key(api.api_url), "chat", **ASK)


async def test_pictures_and_whole_conversations_are_given(
    api: OpenAiApi, make_call: MakeCall, files: Any
) -> None:
    way = key(api.api_url)
    png = await files.save(b"PNG", filename="a.png", content_type="image/png")
    talk = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Yes?"},
        {"content": [{"type": "text", "text": "Bye"}]},
    ]

    await run(make_call, way, "chat", **ASK, images=[png])
    await run(make_call, way, "chat", model="gpt-5-mini", messages=talk)

    url = f"data:image/png;base64,{base64.b64encode(b'PNG').decode()}"
    assert api.asked[0]["messages"][0]["content"][1] == {"type": "image_url", "image_url": {"url": url}}
    assert [one["role"] for one in api.asked[1]["messages"]] == ["user", "assistant", "user"]
    text = await files.save(b"x", filename="a.txt", content_type="text/plain")
    for wrong, says in ((text, "text/plain is no picture"), ("a text", "a text is no picture")):
        with pytest.raises(Rejected, match=says):
            await run(make_call, way, "chat", **ASK, images=[wrong])


async def test_vectors_stand_in_the_order_of_their_texts(api: OpenAiApi, make_call: MakeCall) -> None:
    way = key(api.api_url)

    many = await run(make_call, way, "embed", model="text-embedding-3-small", texts=["a", "bb"], dimensions=2)
    one = await run(make_call, way, "embed", model="text-embedding-3-small", texts="abc")

    assert many == {
        "vectors": [[1.0, 0.5], [2.0, 0.5]], "model": "text-embedding-3-small",
        "usage": {"input_tokens": 4, "output_tokens": None},
    }  # fmt: skip
    assert one["vectors"] == [[3.0, 0.5]]
    assert api.asked[0]["dimensions"] == 2


async def test_a_compatible_server_may_need_no_key_and_know_other_names(make_call: MakeCall) -> None:
    async with OpenAiApi(key=None) as local:
        way = OpenAiConnection.model_validate({"api_url": local.api_url, "bound_by": "max_tokens"})
        await run(make_call, way, "chat", **ASK, max_tokens=9)
        azure = key(local.api_url, key_header="api-key")
        await run(make_call, azure, "chat", **ASK)

    assert local.asked[0]["max_tokens"] == 9
    assert "authorization" not in local.requests[0].headers
    assert local.requests[1].headers["api-key"] == KEY


@pytest.mark.parametrize(
    ("status", "code", "meaning", "says"),
    [
        (401, "invalid_api_key", ConnectionRejected, "the API key is not valid"),
        (403, "unsupported_country_region_territory", ConnectionRejected, "may not do this"),
        (402, None, ConnectionRejected, "nothing left"),
        (429, "insufficient_quota", ConnectionRejected, "nothing left"),
        (429, "rate_limit_exceeded", Unavailable, "429"),
        (503, None, Unavailable, "503"),
        (400, "context_length_exceeded", Rejected, "400: no"),
        (404, "model_not_found", Rejected, "404: no"),
        (500, None, OutcomeUnknown, "500"),
        (408, None, OutcomeUnknown, "408"),
        (200, None, Rejected, "200: no"),
    ],
)
async def test_each_refusal_has_its_meaning(
    api: OpenAiApi, make_call: MakeCall, status: int, code: str | None, meaning: type[Exception], says: str
) -> None:
    api.refuse(status, code)

    with pytest.raises(meaning, match=says) as caught:
        await run(make_call, key(api.api_url), "chat", **ASK)

    assert type(caught.value) is meaning


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "20"}, 20),
        ({"Retry_After_Ms": "1500", "Retry_After": "2"}, 1.5),
        ({"X_Ratelimit_Remaining_Requests": "0", "X_Ratelimit_Reset_Requests": "6m0s"}, 360),
        ({"X_Ratelimit_Remaining_Tokens": "0", "X_Ratelimit_Reset_Tokens": "1h2m3.5s"}, 3723.5),
        ({"X_Ratelimit_Remaining_Tokens": "0", "X_Ratelimit_Reset_Tokens": "120ms"}, 0.12),
        ({"X_Ratelimit_Remaining_Tokens": "5", "X_Ratelimit_Reset_Tokens": "9s"}, None),
        ({"X_Ratelimit_Remaining_Tokens": "0", "X_Ratelimit_Reset_Tokens": "soon"}, None),
        ({}, None),
    ],
)
async def test_a_rate_limit_says_when_to_come_back(
    api: OpenAiApi, make_call: MakeCall, headers: dict[str, str], seconds: float | None
) -> None:
    api.refuse(429, "rate_limit_exceeded", **headers)

    with pytest.raises(Unavailable) as caught:
        await run(make_call, key(api.api_url), "embed", model="m", texts="x")

    assert caught.value.retry_after_seconds == seconds


@pytest.mark.parametrize(
    "body",
    [{"error": "model not found"}, {"detail": [{"msg": "model not found"}]}, {"message": "model not found"}],
)
async def test_errors_of_compatible_servers_are_read_too(
    api: OpenAiApi, make_call: MakeCall, body: Any
) -> None:
    api.reply(404, json=body)

    with pytest.raises(Rejected, match=r"404: .*model not found"):
        await run(make_call, key(api.api_url), "chat", **ASK)


async def test_an_answer_that_is_none_is_an_unknown_outcome(api: OpenAiApi, make_call: MakeCall) -> None:
    bodies: list[Any] = [[], {"choices": []}, {"choices": [{"message": {}}]}]
    for body in bodies:
        api.reply(200, json=body)
        with pytest.raises(OutcomeUnknown):
            await run(make_call, key(api.api_url), "chat", **ASK)
    api.reply(200, json={"data": []})
    with pytest.raises(OutcomeUnknown, match="another number of vectors"):
        await run(make_call, key(api.api_url), "embed", model="m", texts="x")
    api.reply(502, body="<html>")
    with pytest.raises(OutcomeUnknown, match="502"):
        await run(make_call, key(api.api_url), "chat", **ASK)


async def test_a_server_that_takes_too_long_or_is_away_is_told_apart(make_call: MakeCall) -> None:
    async with RawPeer(hang) as silent:
        with pytest.raises(TimedOut, match="give the step a longer `timeout`"):
            await run(make_call, key(silent.url), "chat", **ASK, timeout_seconds=0.1)
    with pytest.raises(Unavailable):
        await run(make_call, key(f"http://127.0.0.1:{unused_port()}"), "chat", **ASK)


@pytest.mark.parametrize(
    ("name", "inputs", "says"),
    [
        ("chat", {"model": "m"}, "either prompt or messages"),
        ("chat", {**ASK, "messages": [{"content": "x"}]}, "either prompt or messages"),
        ("chat", {"model": "m", "messages": []}, "messages"),
        ("chat", {"model": "m", "messages": [{"role": "tool", "content": "x"}]}, "role"),
        ("chat", {"model": "m", "messages": [{"content": "x"}], "images": ["x"]}, "images go with prompt"),
        ("chat", {**ASK, "schema": {"type": "array"}}, "must be of type object at its root"),
        ("chat", {**ASK, "schema": {"type": "nope"}}, "is no JSON Schema"),
        ("chat", {**ASK, "schema": {"type": "object", "$ref": "http://127.0.0.1/x"}}, "is no JSON Schema"),
        ("chat", {**ASK, "schema": SORTED, "as_json": True}, "either schema or as_json"),
        ("chat", {**ASK, "more": {"stream": True}}, "stream is set here already"),
        ("chat", {**ASK, "temperature": 3}, "temperature"),
        ("chat", {**ASK, "stop": ["a"] * 5}, "stop"),
        ("embed", {"model": "m", "texts": []}, "texts"),
        ("embed", {"model": "m", "texts": ["a", " "]}, "is empty"),
        ("embed", {"model": "m", "texts": ["a"] * 101}, "at most 100 at once"),
    ],
)
async def test_what_cannot_be_is_refused_before_it_is_sent(
    api: OpenAiApi, make_call: MakeCall, name: str, inputs: dict[str, Any], says: str
) -> None:
    with pytest.raises(Rejected, match=says):
        await run(make_call, key(api.api_url), name, **inputs)

    assert api.requests == []


async def test_models_are_listed_and_a_connection_tested(api: OpenAiApi, make_call: MakeCall) -> None:
    way, wrong = key(api.api_url), key(api.api_url, api_key="sk-wr0ng0123456789")

    found = await openai.choosers["embed.model"](make_call(way), way, {}, "GPT", None)

    assert [(one.value, one.note) for one in found.items] == [("gpt-5-mini", "system")]
    assert await way.test(make_call(way)) == "connected to 127.0.0.1, which has 2 models"
    with pytest.raises(ConnectionRejected, match="the API key is not valid"):
        await wrong.test(make_call(wrong))


def test_a_key_is_never_shown_and_a_connection_is_whole() -> None:
    way = key("https://api.openai.com/v1/")

    assert KEY not in repr(way)
    assert way.secret_texts() == {KEY}
    assert (way.bound_hosts(), way.api_url) == (["api.openai.com"], "https://api.openai.com/v1")
    for wrong in ("api.openai.com", "https://a.example/v1?x=1"):
        with pytest.raises(ValidationError, match="api_url"):
            key(wrong)
