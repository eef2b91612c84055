"""`http.request`."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

import connectors
from connectors.http import Response
from runner.connector import Bearer, Call, HttpCredentials
from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, Unavailable
from tests.servers.http_sink import HttpSink

MakeCall = Callable[..., Call]
SECRET = "s3cr3t-value-1234"


def opened(kind: str, **fields: Any) -> Any:
    """A connection of *kind*, by default bound to where the sink is."""
    model = connectors.connection_model(kind)
    assert model is not None
    return model.model_validate({**({} if "api_url" in fields else {"hosts": ["127.0.0.1"]}), **fields})


async def send(make_call: MakeCall, connection: HttpCredentials | None = None, **inputs: Any) -> Any:
    action = connectors.action("http.request")
    assert action is not None
    answer = await action.function(make_call(connection), connection, action.read_input(inputs))
    assert isinstance(answer, Response)
    return answer.model_dump()


async def test_json_goes_out_and_comes_back(sink: HttpSink, make_call: MakeCall) -> None:
    sink.reply(201, json={"id": 7}, headers={"X-Limit": "9"})

    answer = await send(make_call, method="post", url=f"{sink.url}/orders", json={"n": 1})

    assert (answer["status"], answer["body"], answer["headers"]["x-limit"]) == (201, {"id": 7}, "9")
    assert sink.requests[0].method == "POST"
    assert sink.requests[0].json() == {"n": 1}
    assert sink.keys == ["evt1.shop.step"]


async def test_headers_and_query_take_numbers_and_leave_null_out(sink: HttpSink, make_call: MakeCall) -> None:
    await send(
        make_call,
        url=f"{sink.url}/?a=1",
        query={"page": 2, "tag": ["x", "y"], "none": None},
        headers={"X-Count": 5, "X-Live": True, "X-None": None},
    )

    received = sink.requests[0]
    assert received.query_string == "a=1&page=2&tag=x&tag=y"
    assert (received.headers["x-count"], received.headers["x-live"]) == ("5", "true")
    assert "x-none" not in received.headers


@pytest.mark.parametrize(
    ("content", "kind", "body"),
    [
        (b'{"a": 1}', "application/json", {"a": 1}),
        (b"[18446744073709551617]", "application/vnd.api+json; charset=utf-8", [2**64 + 1]),
        (b"", "application/json", None),
        (b"  ", "application/json", None),
        (b"null", "application/json", None),
        (b"hello", "text/plain", "hello"),
        (b"", "text/plain", ""),
        (b"<a/>", "application/xml", "<a/>"),
        (b"<svg/>", "image/svg+xml", {"content_type": "image/svg+xml"}),
        ("ü".encode("latin-1"), "text/html; charset=iso-8859-1", "ü"),
        (b"\x89PNG", "image/png", {"content_type": "image/png", "size": 4}),
        (b"", "image/png", None),
    ],
)
async def test_the_body_is_what_its_type_says(
    sink: HttpSink, make_call: MakeCall, content: bytes, kind: str, body: Any
) -> None:
    sink.reply(200, body=content, headers={"Content-Type": kind})

    got = (await send(make_call, url=sink.url))["body"]

    if isinstance(body, dict) and "content_type" in body:
        assert body.items() <= got.items()
    else:
        assert got == body


async def test_what_is_no_text_is_kept_as_a_file_of_the_run(
    sink: HttpSink, make_call: MakeCall, files: Any
) -> None:
    names = [
        ('attachment; filename="../../etc/pass wd"', "/a", "pass wd"),
        ("attachment; filename*=UTF-8''%C3%BC.pdf", "/a", "ü.pdf"),
        ("", "/files/report%202.pdf", "report 2.pdf"),
        ('attachment; filename=".."', "/", "download"),
    ]  # fmt: skip
    for disposition, path, name in names:
        headers = {"Content-Type": "application/pdf", "Content-Disposition": disposition}
        sink.reply(200, body=b"%PDF", headers=headers)

        body = (await send(make_call, url=f"{sink.url}{path}"))["body"]

        assert body["filename"] == name
        assert await files.read(body) == b"%PDF"


async def test_json_that_is_none_is_an_unknown_outcome(sink: HttpSink, make_call: MakeCall) -> None:
    sink.reply(200, body=b"<html>", headers={"Content-Type": "application/json"})

    with pytest.raises(OutcomeUnknown, match="not with JSON"):
        await send(make_call, url=sink.url)


@pytest.mark.parametrize(
    ("status", "expect", "fine"),
    [
        (404, None, False), (404, 404, True), (404, [404, 409], True), (404, [409], False),
        (500, [500], True), (204, [404], True), (200, [], True), (429, [429], True),
    ],
)  # fmt: skip
async def test_from_400_on_a_status_must_be_expected(
    sink: HttpSink, make_call: MakeCall, status: int, expect: Any, fine: bool
) -> None:
    sink.reply(status)

    if fine:
        assert (await send(make_call, url=sink.url, expect=expect))["status"] == status
    else:
        with pytest.raises(Rejected, match=f"answered {status}"):
            await send(make_call, url=sink.url, expect=expect)


async def test_a_busy_service_is_come_back_to(sink: HttpSink, make_call: MakeCall) -> None:
    sink.reply(429, headers={"Retry-After": "12"})

    with pytest.raises(Unavailable) as caught:
        await send(make_call, url=sink.url)

    assert (caught.value.retry_after_seconds, caught.value.cause) == (12, "429")


async def test_a_form_and_a_body_go_out(sink: HttpSink, make_call: MakeCall, files: Any) -> None:
    kept = await files.save(b"\x01\x02", filename="a.bin", content_type="image/gif")
    made = {"filename": "b", "content_type": "text/csv", "content": base64.b64encode(b"a;b")}

    await send(make_call, method="POST", url=sink.url, form={"a": "ü", "b": 1})
    await send(make_call, method="POST", url=sink.url, body="plain")
    await send(make_call, method="POST", url=sink.url, body=kept)
    await send(make_call, method="POST", url=sink.url, body=made | {"content": "YTti"})
    await send(make_call, method="POST", url=sink.url, body=kept, headers={"content-type": "a/b"})

    assert [(one.body, one.headers["content-type"]) for one in sink.requests] == [
        (b"a=%C3%BC&b=1", "application/x-www-form-urlencoded"),
        (b"plain", "text/plain; charset=utf-8"),
        (b"\x01\x02", "image/gif"),
        (b"a;b", "text/csv"),
        (b"\x01\x02", "a/b"),
    ]


async def test_multipart_takes_texts_files_of_the_run_and_files_made_on_the_spot(
    sink: HttpSink, make_call: MakeCall, files: Any
) -> None:
    kept = await files.save(b"\x00", filename="kept.bin", content_type="image/gif")
    made = {"filename": "made.txt", "content_type": "text/plain", "content": "aGk="}

    await send(
        make_call,
        method="POST",
        url=sink.url,
        multipart={"note": "ü", "n": 3, "kept": kept, "more": [made, made], "none": None},
    )

    parts = sink.requests[0].parts()
    assert [(one.name, one.filename, one.content) for one in parts] == [
        ("note", None, "ü".encode()),
        ("n", None, b"3"),
        ("kept", "kept.bin", b"\x00"),
        ("more", "made.txt", b"hi"),
        ("more", "made.txt", b"hi"),
    ]
    assert [one.headers.get("content-type") for one in parts[2:4]] == ["image/gif", "text/plain"]


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({}, "url: Field required"),
        ({"url": "http://x/", "json": {}, "body": "a"}, "one body, not json and body"),
        ({"url": "http://x/", "method": "BREW"}, "method: Input should be 'GET'"),
        ({"url": "http://x/", "metod": "GET"}, "metod: Extra inputs"),
        ({"url": "http://x/", "timeout_seconds": 0}, "timeout_seconds: Input should be greater"),
        ({"url": "http://x/", "body": {"a": 1}}, "filename, content_type"),
        ({"url": "http://x/", "headers": {"X": "a\nb"}}, "line break"),
    ],
)
async def test_inputs_that_make_no_request_are_refused(
    make_call: MakeCall, inputs: dict[str, Any], says: str
) -> None:
    with pytest.raises(Rejected, match=says):
        await send(make_call, **inputs)


@pytest.mark.parametrize(
    ("kind", "fields", "headers", "query"),
    [
        ("bearer", {"token": SECRET}, {"authorization": f"Bearer {SECRET}"}, {}),
        (
            "basic",
            {"user": "ann", "password": SECRET},
            {"authorization": "Basic " + base64.b64encode(f"ann:{SECRET}".encode()).decode()},
            {},
        ),
        ("header", {"name": "X-Api-Key", "value": SECRET}, {"x-api-key": SECRET}, {}),
        ("query", {"name": "key", "value": SECRET}, {}, {"key": SECRET}),
    ],
    ids=["bearer", "basic", "header", "query"],
)
async def test_credentials_go_as_the_service_wants_them(
    sink: HttpSink,
    make_call: MakeCall,
    kind: str,
    fields: dict[str, str],
    headers: dict[str, str],
    query: dict[str, str],
) -> None:
    connection = opened(kind, **fields)
    sink.reply(200)
    sink.reply(401, body=f"bad key {SECRET} in {headers}")

    await send(make_call, connection, url=sink.url)
    with pytest.raises(ConnectionRejected) as caught:
        await send(make_call, connection, url=sink.url)

    assert headers.items() <= sink.requests[0].headers.items()
    assert sink.requests[0].query == query
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(connection)
    for value in headers.values():
        assert value.removeprefix("Basic ") not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        ("bearer", {}, "Field required"),
        ("basic", {"password": SECRET}, "Field required"),
        ("basic", {"user": "a:b", "password": SECRET}, "should match pattern"),
        ("header", {"value": SECRET}, "Field required"),
        ("header", {"name": "X Key", "value": SECRET}, "should match pattern"),
        ("bearer", {"token": SECRET, "hosts": None}, "name the hosts that may get"),
        ("bearer", {"token": SECRET, "hosts": []}, "name the hosts that may get"),
        ("bearer", {"token": SECRET, "hosts": ["https://x.example"]}, "is no host; write api.example.com"),
        ("bearer", {"token": SECRET, "hosts": ["x.example:443"]}, "is no host"),
        ("bearer", {"token": SECRET, "hosts": ["*"]}, "is no host"),
        ("bearer", {"token": SECRET, "hosts": ["*.com"]}, "is no host"),
        ("bearer", {"token": SECRET, "api_url": "example.com"}, "must start with https"),
        ("bearer", {"token": SECRET, "api_url": "https://u:p@example.com"}, "must start with https"),
        ("bearer", {"token": SECRET, "api_url": "https://x/?a=1"}, "no query"),
        ("bearer", {"token": SECRET, "host": "x"}, "Extra inputs"),
    ],
)
def test_a_connection_that_lacks_something_is_refused(kind: str, fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says) as caught:
        opened(kind, **fields)

    assert SECRET not in str(caught.value)


async def test_a_path_stands_below_the_api_url(sink: HttpSink, make_call: MakeCall) -> None:
    connection = Bearer.model_validate({"token": SECRET, "api_url": f"{sink.url}/v1/"})

    for url in ("/orders/5", "orders/5?a=b", f"{sink.url}/v2"):
        await send(make_call, connection, url=url)

    assert [one.path for one in sink.requests] == ["/v1/orders/5", "/v1/orders/5", "/v2"]


@pytest.mark.parametrize(
    "url", ["../admin", "/orders/../../admin", "orders/%2e%2e/x", "a/..%2f..%2fadmin", "..\\x"]
)
async def test_a_path_does_not_leave_the_api_url(make_call: MakeCall, url: str) -> None:
    connection = Bearer.model_validate({"token": SECRET, "api_url": "http://127.0.0.1:1/v1"})

    with pytest.raises(Rejected, match="leaves the connection's api_url"):
        await send(make_call, connection, url=url)


async def test_credentials_are_bound_to_the_host_of_the_api_url_or_to_hosts(
    sink: HttpSink, make_call: MakeCall
) -> None:
    bounds: list[dict[str, Any]] = [
        {"api_url": "https://api.example.com"},
        {"hosts": ["API.example.com."]},
        {"hosts": ["api.example.com"], "api_url": sink.url},
    ]
    for bound in bounds:
        connection = Bearer.model_validate({"token": SECRET, **bound})
        with pytest.raises(Rejected, match=r"api\.example\.com only"):
            await send(make_call, connection, url=sink.url)

    await send(make_call, opened("bearer", token=SECRET), url=sink.url)
    assert len(sink.requests) == 1


async def test_a_connection_is_tested_by_the_way_of_sending(sink: HttpSink, make_call: MakeCall) -> None:
    connection = Bearer.model_validate({"token": SECRET, "api_url": sink.url})
    sink.reply(404)
    sink.reply(401)

    assert await connection.test(make_call(connection)) == "127.0.0.1 answered 404"
    with pytest.raises(ConnectionRejected):
        await connection.test(make_call(connection))
    with pytest.raises(Rejected, match="api_url"):
        await opened("bearer", token=SECRET).test(make_call())
    assert sink.requests[0].headers["authorization"] == f"Bearer {SECRET}"


async def test_a_redirect_is_shown_where_it_is_not_followed(sink: HttpSink, make_call: MakeCall) -> None:
    sink.reply(302, headers={"Location": "/x"})

    answer = await send(make_call, url=sink.url, follow_redirects=False)

    assert (answer["status"], answer["headers"]["location"]) == (302, "/x")


def test_any_request_is_repeated_after_a_crash_because_it_carries_a_key() -> None:
    action = connectors.action("http.request")
    assert action is not None

    assert action.crash_rule(action.read_input({"url": "http://x/", "method": "POST"})) == "repeat"
