"""What is sent, and what is read."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import brotli
import pytest
from pydantic import BaseModel

from runner.connector import Connection, Http, OutgoingRequest, Part, SecretStr
from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, Unavailable
from runner.outbound import Outbound
from tests.servers.http_sink import HttpSink

Client = Callable[..., Http]
SECRET = "s3cr3t-token-value"


class Keyed(Connection):
    token: SecretStr
    hosts: list[str] | None = None

    def apply(self, request: OutgoingRequest) -> None:
        request.set_header("Authorization", f"Bearer {self.token.get_secret_value()}")
        request.query.append(("key", self.token.get_secret_value()))

    def bound_hosts(self) -> list[str] | None:
        return self.hosts


async def test_json_goes_out_as_json_with_the_key_of_the_effect(sink: HttpSink, client: Client) -> None:
    reply = await client().post(f"{sink.url}/orders", json={"n": 2**70, "s": "é"})

    received = sink.requests[0]
    assert received.json() == {"n": 2**70, "s": "é"}
    assert received.headers["content-type"] == "application/json"
    assert received.headers["idempotency-key"] == "evt1.step"
    assert received.headers["user-agent"] == "Hookline"
    assert (reply.status, reply.json()) == (200, {"ok": True})
    assert reply.headers["content-type"].startswith("application/json")


async def test_a_model_goes_out_without_what_it_leaves_open(sink: HttpSink, client: Client) -> None:
    class Message(BaseModel):
        text: str
        thread: str | None = None

    await client().post(sink.url, json=Message(text="hi"))

    assert sink.requests[0].json() == {"text": "hi"}


async def test_the_callers_own_headers_win_in_any_case(sink: HttpSink, client: Client) -> None:
    headers = {"content-type": "application/vnd.api+json", "IDEMPOTENCY-KEY": "mine"}

    await client().post(sink.url, json=[], headers=headers)

    received = sink.requests[0]
    assert received.headers["content-type"] == "application/vnd.api+json"
    assert received.request.headers.getall("Idempotency-Key") == ["mine"]


async def test_each_effect_of_a_call_has_a_key_of_its_own(sink: HttpSink, client: Client) -> None:
    """A service that remembers keys would take the second for a repetition of the first."""
    for _attempt in range(2):
        http = client()
        await http.get(sink.url)  # which does nothing, and is not counted
        await http.post(f"{sink.url}/folders", json={})
        await http.get(sink.url)
        await http.request("PUT", f"{sink.url}/files/1", json={})
        await http.post(sink.url, json={}, headers={"Idempotency-Key": "mine"})
        await http.request("delete", f"{sink.url}/files/2")

    keys = ["evt1.step", "evt1.step", "evt1.step", "evt1.step.2", "mine", "evt1.step.3"]
    assert sink.keys == [*keys, *keys]


async def test_a_query_repeats_lists_and_leaves_null_out(sink: HttpSink, client: Client) -> None:
    query = {"tag": ["a", "b&c"], "n": 5, "yes": True, "none": None, "text": "ü +"}

    await client().get(f"{sink.url}/search?kept=1", query=query)

    asked = sink.requests[0].request.query
    assert asked.getall("tag") == ["a", "b&c"]
    assert (asked["n"], asked["yes"], asked["text"], asked["kept"]) == ("5", "true", "ü +", "1")
    assert "none" not in asked


async def test_a_form_is_urlencoded(sink: HttpSink, client: Client) -> None:
    await client().post(sink.url, form={"a": "1&2", "b": ["x", "y"]})

    assert sink.requests[0].body == b"a=1%262&b=x&b=y"
    assert sink.requests[0].headers["content-type"] == "application/x-www-form-urlencoded"


async def test_multipart_carries_texts_and_files(sink: HttpSink, client: Client) -> None:
    part = Part('a"\r\nX: y.txt', "text/csv\r\nX-Evil: 1", b"\x00\xff")
    await client().post(sink.url, multipart={"note": "é", "n": [3, 4], "file": part, "none": None})

    note, first, second, file = sink.requests[0].parts()
    assert (note.name, note.content.decode()) == ("note", "é")
    assert (first.name, first.content, second.name, second.content) == ("n", b"3", "n", b"4")
    assert (file.name, file.filename, file.content) == ("file", 'a"%0D%0AX: y.txt', b"\x00\xff")
    assert "x-evil" not in file.headers


async def test_text_and_bytes_go_out_as_they_are(sink: HttpSink, client: Client) -> None:
    await client().request("PUT", sink.url, body="grüße")
    await client().request("PUT", sink.url, body=b"\x00\x01")
    await client().request("DELETE", sink.url)

    assert [one.body for one in sink.requests] == ["grüße".encode(), b"\x00\x01", b""]
    assert "content-type" not in sink.requests[2].headers


async def test_two_bodies_are_refused(client: Client) -> None:
    with pytest.raises(Rejected, match="one body"):
        await client().post("http://127.0.0.1:1/", json={}, body="x")


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        pytest.param({"X-A": "b\r\nEvil: 1"}, "line break", id="line-break-in-value"),
        pytest.param({"X-A": "a\x00b"}, "control", id="nul"),
        pytest.param({"X\r\nA": "b"}, "name", id="line-break-in-name"),
        pytest.param({"X A": "b"}, "name", id="blank-in-name"),
        pytest.param({"": "b"}, "name", id="no-name"),
        pytest.param({"Content-Length": "5"}, "leave it out", id="length"),
        pytest.param({"transfer-encoding": "chunked"}, "leave it out", id="encoding"),
        pytest.param({"Host": "evil.example"}, "leave it out", id="host"),
    ],
)
async def test_a_header_that_breaks_the_request_is_refused(
    sink: HttpSink, client: Client, headers: dict[str, str], says: str
) -> None:
    with pytest.raises(Rejected, match=says):
        await client().get(sink.url, headers=headers)

    assert sink.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_", "/orders",
        "example.com", "http://", "http:///x", "http://a b/", "http://x:99999/", "http://[::1/",
        "http://user@example.com/", "http://user:pw@example.com/", "http://127.0.0.1\\@example.com/",
        "http://example.com/\r\nX: y", "javascript:alert(1)", "",
    ],
)  # fmt: skip
async def test_only_plain_http_addresses_are_called(client: Client, url: str) -> None:
    with pytest.raises(Rejected, match="url"):
        await client().get(url)


async def test_the_password_of_a_refused_address_is_not_shown(client: Client) -> None:
    with pytest.raises(Rejected) as caught:
        await client().get("http://user:hunter22@example.com/")

    assert "hunter22" not in str(caught.value)


async def test_half_a_character_is_refused(client: Client) -> None:
    with pytest.raises(Rejected, match="surrogate"):
        await client().post("http://127.0.0.1:1/", json={"a": "\ud800"})


async def test_the_connection_adds_its_credentials(sink: HttpSink, client: Client) -> None:
    connection = Keyed(token=SecretStr(SECRET))

    await client(connection).get(f"{sink.url}/?a=1", headers={"authorization": "mine"})

    received = sink.requests[0]
    assert received.request.headers.getall("Authorization") == [f"Bearer {SECRET}"]
    assert received.query == {"a": "1", "key": SECRET}


@pytest.mark.parametrize(
    ("hosts", "passes"),
    [
        pytest.param(["127.0.0.1"], True, id="the-host"),
        pytest.param(["api.example.com", "127.0.0.1"], True, id="one-of-them"),
        pytest.param(["api.example.com"], False, id="another"),
        pytest.param(["*.0.0.1"], True, id="below"),
        pytest.param(["*.127.0.0.1"], False, id="not-below-itself"),
        pytest.param(["0.0.1"], False, id="no-suffix-match"),
        pytest.param([], False, id="none"),
    ],
)
async def test_credentials_go_to_their_hosts_only(
    sink: HttpSink, client: Client, hosts: list[str], passes: bool
) -> None:
    http = client(Keyed(token=SecretStr(SECRET), hosts=hosts))

    if passes:
        await http.get(sink.url)
    else:
        with pytest.raises(Rejected, match=r"not to 127\.0\.0\.1"):
            await http.get(sink.url)

    assert len(sink.requests) == passes


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Rejected), (404, Rejected), (409, Rejected), (410, Rejected), (422, Rejected),
        (401, ConnectionRejected), (403, ConnectionRejected),
        (429, Unavailable), (503, Unavailable),
        (408, OutcomeUnknown), (500, OutcomeUnknown), (502, OutcomeUnknown), (504, OutcomeUnknown),
    ],
)  # fmt: skip
async def test_each_status_has_its_meaning(
    sink: HttpSink, client: Client, status: int, error: type[Exception]
) -> None:
    sink.reply(status, body=f"no: {SECRET}", headers={"Retry-After": "7"})

    reply = await client(Keyed(token=SecretStr(SECRET))).post(f"{sink.url}/path", json={})
    with pytest.raises(error) as caught:
        reply.accept()

    sentence = str(caught.value)
    assert sentence == f"POST 127.0.0.1:{sink.port} answered {status}: no: •••"
    if isinstance(caught.value, Unavailable):
        assert caught.value.retry_after_seconds == 7
    if isinstance(caught.value, Unavailable | OutcomeUnknown):
        assert caught.value.cause == str(status)
    assert reply.accept(status) is reply


async def test_without_a_connection_403_is_no_matter_of_one(sink: HttpSink, client: Client) -> None:
    sink.reply(403)

    reply = await client().get(sink.url)

    with pytest.raises(Rejected, match=r"answered 403$"):
        reply.accept()


async def test_a_page_of_html_is_not_part_of_the_sentence(sink: HttpSink, client: Client) -> None:
    sink.reply(500, body="<html>" * 1000, headers={"Content-Type": "text/html"})

    with pytest.raises(OutcomeUnknown, match=r"answered 500$"):
        (await client().get(sink.url)).accept()


async def test_json_that_is_none_is_an_unknown_outcome(sink: HttpSink, client: Client) -> None:
    sink.reply(200, body="<oops\x1b[31m>" + "x" * 1000)

    with pytest.raises(OutcomeUnknown, match="not with JSON") as caught:
        (await client().get(sink.url)).json()

    assert len(str(caught.value)) < 300
    assert "\x1b" not in str(caught.value)


async def test_text_is_read_by_its_charset(sink: HttpSink, client: Client) -> None:
    for charset in ("iso-8859-1", "no-such-charset", None):
        kind = f"text/plain; charset={charset}" if charset else "text/plain"
        content = "ü".encode("iso-8859-1" if charset == "iso-8859-1" else "utf-8")
        sink.reply(200, body=content, headers={"Content-Type": kind})

        assert (await client().get(sink.url)).text() == "ü"


async def test_no_cookie_is_kept(sink: HttpSink, client: Client) -> None:
    sink.reply(200, headers={"Set-Cookie": "session=1"})

    await client().get(sink.url)
    await client().get(sink.url)

    assert "cookie" not in sink.requests[1].headers


async def test_no_proxy_of_the_environment_is_used(
    sink: HttpSink, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    assert (await client().get(sink.url)).status == 200


async def test_calls_share_connections(sink: HttpSink, client: Client) -> None:
    for _ in range(5):
        await client().post(sink.url, json={})

    peers = {one.request.transport.get_extra_info("peername") for one in sink.requests}  # type: ignore[union-attr]  # open
    assert len(peers) == 1


async def test_a_big_answer_is_not_read_on(sink: HttpSink, client: Client) -> None:
    sink.reply(200, body=b"x" * 100_001)
    sink.reply(200, body=b"x" * 100_000)

    with pytest.raises(Rejected, match="more than 100000 bytes"):
        await client().get(sink.url)
    assert len((await client().get(sink.url)).content) == 100_000


@pytest.mark.parametrize(("encoding", "packed"), [("gzip", gzip.compress), ("br", brotli.compress)])
async def test_a_bomb_is_not_unpacked(
    sink: HttpSink, client: Client, encoding: str, packed: Callable[[bytes], bytes]
) -> None:
    small = packed(bytes(20_000_000))
    sink.reply(200, body=small, headers={"Content-Encoding": encoding})

    with pytest.raises(Rejected, match="more than 100000 bytes"):
        await client().get(sink.url)


async def test_after_closing_nothing_is_sent(sink: HttpSink) -> None:
    outbound = Outbound(allow=["127.0.0.0/8"])
    http = outbound.for_call(connection=None, idempotency_key=None, timeout_seconds=1)
    await outbound.close()

    with pytest.raises(Unavailable, match="stopping"):
        await http.get(sink.url)
