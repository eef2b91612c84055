"""Redirects: each hop is a new decision."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from runner.connector import Connection, Http, OutgoingRequest, SecretStr
from runner.errors import OutcomeUnknown, Rejected, Unavailable
from runner.outbound import Outbound
from runner.outbound.client import redirected_method
from tests.servers.http_sink import HttpSink
from tests.servers.raw_peer import unused_port

Client = Callable[..., Http]
FOREIGN = {"X-Api-Key": "k", "Cookie": "c", "Accept": "text/plain", "Authorization": "Basic x"}


class Token(Connection):
    token: SecretStr = SecretStr("s3cr3t-token")

    def apply(self, request: OutgoingRequest) -> None:
        request.set_header("Authorization", self.token.get_secret_value())
        request.query.append(("key", self.token.get_secret_value()))


@pytest.fixture
async def other() -> AsyncIterator[HttpSink]:
    """Another origin."""
    async with HttpSink() as one:
        yield one


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "POST", "GET"), (302, "POST", "GET"), (303, "POST", "GET"), (307, "POST", "POST"),
        (308, "POST", "POST"), (301, "GET", "GET"), (302, "PUT", "PUT"), (303, "PUT", "GET"),
        (303, "HEAD", "HEAD"), (301, "HEAD", "HEAD"), (308, "PATCH", "PATCH"),
    ],
)  # fmt: skip
def test_the_method_after_a_redirect(status: int, method: str, then: str) -> None:
    assert redirected_method(status, method) == then


async def test_within_an_origin_all_goes_along(sink: HttpSink, client: Client) -> None:
    sink.reply(307, headers={"Location": "/new?a=1"})

    reply = await client(Token()).post(f"{sink.url}/old", json={"a": 1}, headers={"X-Api-Key": "k"})

    last = sink.requests[1]
    assert (last.method, last.path, last.json()) == ("POST", "/new", {"a": 1})
    assert last.query == {"a": "1", "key": "s3cr3t-token"}
    assert last.headers["authorization"] == "s3cr3t-token"
    assert last.headers["x-api-key"] == "k"
    assert last.headers["idempotency-key"] == "evt1.step"
    assert reply.url.startswith(f"{sink.url}/new")


async def test_another_origin_gets_no_credentials(sink: HttpSink, other: HttpSink, client: Client) -> None:
    sink.reply(307, headers={"Location": f"{other.url}/new"})

    await client(Token()).post(f"{sink.url}/old", json={"a": 1}, headers=FOREIGN)

    received = other.requests[0]
    assert received.json() == {"a": 1}
    assert received.query == {}
    assert received.headers["accept"] == "text/plain"
    for name in ("authorization", "cookie", "x-api-key", "idempotency-key"):
        assert name not in received.headers


async def test_coming_back_from_another_origin_brings_no_credentials(
    sink: HttpSink, other: HttpSink, client: Client
) -> None:
    """A stranger must not choose what our credentials are used for."""
    sink.reply(302, headers={"Location": other.url})
    other.reply(302, headers={"Location": f"{sink.url}/delete-everything"})

    await client(Token()).get(sink.url)

    assert "authorization" in sink.requests[0].headers
    assert "authorization" not in sink.requests[1].headers


async def test_a_body_is_dropped_with_its_method(sink: HttpSink, client: Client) -> None:
    sink.reply(303, headers={"Location": "/done"})

    await client().post(sink.url, json={"a": 1})

    last = sink.requests[1]
    assert (last.method, last.body) == ("GET", b"")
    assert "content-type" not in last.headers


async def test_a_redirect_to_a_forbidden_address_is_refused(sink: HttpSink, client: Client) -> None:
    for location in ("http://169.254.169.254/latest/meta-data/", "http://[::1]:1/"):
        sink.reply(302, headers={"Location": location})

        with pytest.raises(Rejected, match="HOOKLINE_NETWORK_ALLOW"):
            await client().get(sink.url)


@pytest.mark.parametrize(
    "location",
    ["ftp://example.com/", "file:///etc/passwd", "http://u:hunter22@127.0.0.1/"],
)
async def test_a_redirect_to_what_is_no_plain_address_is_refused(
    sink: HttpSink, client: Client, location: str
) -> None:
    sink.reply(302, headers={"Location": location})

    with pytest.raises(Rejected, match="redirects to what is not") as caught:
        await client().get(sink.url)

    assert "hunter22" not in str(caught.value)


async def test_redirects_end(sink: HttpSink, client: Client) -> None:
    sink.reply(302, headers={"Location": "/again"}, times=10)

    with pytest.raises(Rejected, match="more than 5"):
        await client().get(sink.url)

    assert len(sink.requests) == 6


async def test_a_redirect_is_an_answer_where_it_is_not_followed(sink: HttpSink, client: Client) -> None:
    sink.reply(302, headers={"Location": "/x"}, body="moved")

    reply = await client().get(sink.url, follow_redirects=False)

    assert (reply.status, reply.headers["location"], reply.text()) == (302, "/x", "moved")


async def test_a_redirect_without_a_place_is_an_answer(sink: HttpSink, client: Client) -> None:
    sink.reply(304)

    assert (await client().get(sink.url)).status == 304


async def test_what_was_done_before_a_redirect_is_not_undone_by_its_end(
    sink: HttpSink, client: Client
) -> None:
    """POST, 303, and nobody there: trying it again would post twice."""
    gone = f"http://127.0.0.1:{unused_port()}/"
    sink.reply(303, headers={"Location": gone})
    sink.reply(307, headers={"Location": gone})

    with pytest.raises(OutcomeUnknown):
        await client().post(sink.url, json={})
    with pytest.raises(Unavailable):
        await client().post(sink.url, json={})


async def test_a_name_that_turns_private_after_the_first_hop_is_refused(sink: HttpSink) -> None:
    """Each hop is looked up and checked: 127.0.0.1 is allowed here, its neighbour is not."""
    outbound = Outbound(allow=["127.0.0.1/32"])
    http = outbound.for_call(connection=None, idempotency_key=None, timeout_seconds=5)
    sink.reply(302, headers={"Location": f"http://127.0.0.2:{sink.port}/"})
    try:
        with pytest.raises(Rejected, match=r"127\.0\.0\.2"):
            await http.get(sink.url)
    finally:
        await outbound.close()
