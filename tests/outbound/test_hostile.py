"""
Server-side request forgery: a private range that the configuration allows works, and no trick of an
address, a name server or a redirect reaches anything else that is private.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import chain, cycle, repeat

import pytest
from aiohttp import web

from runner.connector import Http
from runner.errors import OutcomeUnknown, Rejected, Unavailable
from runner.outbound import Outbound
from runner.outbound.guard import AddressInfo, Resolve, getaddrinfo
from tests.servers.http_sink import HttpSink, Received
from tests.servers.raw_peer import RawPeer, answering

ALLOWED = "127.0.0.2"  # a private range of one address, as 10.1.2.3/32 would be
PUBLIC = "93.184.216.34"

SPELLED = [
    # loopback in each spelling that some library takes for it
    "127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "127.000.000.001", "2130706433", "0x7f000001",
    "0x7f.0x0.0x0.0x1", "0x7f.1", "017700000001", "0177.0.0.1", "127.255.255.254", "127.0.0.3",
    "[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0::ffff:127.0.0.1]",
    "[::127.0.0.1]", "[::7f00:1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]", "[::1%25lo]", "localhost", "LOCALHOST", "localhost.", "①②⑦.⓪.⓪.①", "127。0。0。1",
    # this host
    "0.0.0.0", "0", "0.0.0.1", "[::]", "[::0]", "[::ffff:0.0.0.0]",
    # metadata of clouds
    "169.254.169.254", "169.254.169.254.", "2852039166", "0xa9fea9fe", "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]", "[fd00:ec2::254]", "169.254.170.2", "100.100.100.200",
    # private, link-local, shared, reserved
    "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255",
    "100.64.0.1", "100.127.255.255", "198.18.0.1", "192.0.0.8", "192.0.2.1", "192.88.99.1",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "[fc00::1]", "[fdff::1]", "[fe80::1]", "[fe80::1%25eth0]", "[fec0::1]", "[ff02::1]", "[100::1]",
    "[2001::1]", "[2001:db8::1]", "[2002:a00:1::1]", "[3fff::1]", "[5f00::1]", "[::ffff:10.0.0.1]",
    "[::ffff:192.168.0.1]", "[64:ff9b::10.0.0.1]",
]  # fmt: skip
SHAPED = [
    "http://127.0.0.1:{port}@example.com/", "http://example.com@127.0.0.1:{port}/",
    "http://example.com:80@127.0.0.1:{port}/", "http://127.0.0.1:{port}\\@example.com/",
    "http://127.0.0.1:{port}#@example.com/", "http:///127.0.0.1:{port}/", "http:127.0.0.1:{port}",
    "//127.0.0.1:{port}/", "http://127.0.0.1:{port}\r\nHost: example.com/", "http://127.0.0.1%00:{port}/",
    "http://127.0.0.1\t:{port}/", "http://127.0.0.1:{port}/\x00", "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_x", "ftp://127.0.0.1:{port}/", "dict://127.0.0.1:{port}/", "unix:///tmp/x",
    "data:text/plain,x", "jar:http://127.0.0.1:{port}/!x", "ws://127.0.0.1:{port}/", "http://[::1", "http://",
    "http://127.0.0.1:99999/", "http://127.0.0.1:-1/",
]  # fmt: skip


def test_there_are_enough_of_them() -> None:
    assert len(set(SPELLED)) >= 60
    assert len({*SPELLED, *SHAPED}) == len(SPELLED) + len(SHAPED) >= 100


@asynccontextmanager
async def opened(resolve: Resolve = getaddrinfo) -> AsyncIterator[Http]:
    outbound = Outbound(allow=[f"{ALLOWED}/32"], resolve=resolve)
    try:
        yield outbound.for_call(connection=None, idempotency_key=None, timeout_seconds=5)
    finally:
        await outbound.close()


@pytest.fixture
async def anywhere() -> AsyncIterator[HttpSink]:
    """A peer on every address of this machine: what gets out reaches it."""

    async def answer(received: Received) -> web.Response:
        assert received.request.transport is not None
        return web.json_response({"at": received.request.transport.get_extra_info("sockname")[0]})

    async with HttpSink(host="0.0.0.0") as one:
        one.handler = answer
        yield one


@pytest.fixture
async def allowed() -> AsyncIterator[HttpSink]:
    async with HttpSink(host=ALLOWED) as one:
        yield one


@pytest.mark.parametrize("host", SPELLED)
async def test_no_spelling_reaches_what_is_not_allowed_while_the_allowed_range_works(
    anywhere: HttpSink, host: str
) -> None:
    async with opened() as http:
        with pytest.raises((Rejected, Unavailable)) as caught:
            await http.get(f"http://{host}:{anywhere.port}/")
        assert anywhere.requests == []
        assert (await http.get(f"http://{ALLOWED}:{anywhere.port}/")).status == 200

    # a spelling that is no address at all here may be an unknown name; nothing else is Unavailable
    if type(caught.value) is Unavailable:
        assert "cannot be resolved" in str(caught.value)


@pytest.mark.parametrize("address", SHAPED)
async def test_no_shape_of_an_address_reaches_it(anywhere: HttpSink, address: str) -> None:
    async with opened() as http:
        with pytest.raises((Rejected, Unavailable)):
            await http.get(address.replace("{port}", str(anywhere.port)))

    assert anywhere.requests == []


@pytest.mark.parametrize("host", SPELLED)
async def test_no_redirect_leads_there(anywhere: HttpSink, allowed: HttpSink, host: str) -> None:
    for status in (302, 307):
        allowed.reply(status, headers={"Location": f"http://{host}:{anywhere.port}/"})
        async with opened() as http:
            with pytest.raises((Rejected, Unavailable, OutcomeUnknown)):
                await http.post(f"{allowed.url}/", json={})

    assert anywhere.requests == []


def resolving(answers: Iterator[list[str]]) -> Callable[[str, int], list[AddressInfo]]:
    """A name server whose answers to any name are *answers*, one after another."""

    def resolve(_host: str, port: int) -> list[AddressInfo]:
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (one, port, 0, 0))
            if ":" in one
            else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
            for one in next(answers)
        ]

    return resolve


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "0.0.0.0", "::1", "::ffff:127.0.0.1", "64:ff9b::a9fe:a9fe"],
)
async def test_a_name_that_stands_for_a_private_address_is_refused(anywhere: HttpSink, address: str) -> None:
    """As those of wildcard domains do: 127.0.0.1.nip.io."""
    async with opened(resolving(repeat([address]))) as http:
        with pytest.raises(Rejected, match=r"rebind\.example is .*not a public address"):
            await http.get(f"http://rebind.example:{anywhere.port}/")

    assert anywhere.requests == []


async def test_of_several_addresses_only_the_allowed_is_called(anywhere: HttpSink) -> None:
    async with opened(resolving(repeat(["127.0.0.1", ALLOWED, "10.0.0.1"]))) as http:
        assert (await http.get(f"http://mixed.example:{anywhere.port}/")).json() == {"at": ALLOWED}


async def test_a_name_is_looked_up_once_and_what_was_checked_is_what_is_called(anywhere: HttpSink) -> None:
    """DNS rebinding: the first answer passes a check, the second would be connected to."""
    answers = chain([[ALLOWED]], repeat(["127.0.0.1"]))
    async with opened(resolving(answers)) as http:
        assert (await http.get(f"http://rebind.example:{anywhere.port}/")).json() == {"at": ALLOWED}

    async with opened(resolving(answers)) as http:
        with pytest.raises(Rejected, match=r"127\.0\.0\.1"):
            await http.get(f"http://rebind.example:{anywhere.port}/")
    assert len(anywhere.requests) == 1


async def test_each_connection_is_judged_however_a_name_flips(anywhere: HttpSink) -> None:
    reached = refused = 0
    answers = cycle([[ALLOWED], ["127.0.0.1"], ["::1"]])
    for _ in range(9):
        async with opened(resolving(answers)) as http:
            try:
                reply = await http.get(f"http://flips.example:{anywhere.port}/")
                assert reply.json() == {"at": ALLOWED}
                reached += 1
            except Rejected:
                refused += 1

    assert (reached, refused, len(anywhere.requests)) == (3, 6, 3)


async def test_a_redirect_to_a_name_that_turned_private_is_refused(
    anywhere: HttpSink, allowed: HttpSink
) -> None:
    allowed.reply(302, headers={"Location": f"http://turns.example:{anywhere.port}/"})
    async with opened(resolving(repeat(["127.0.0.1"]))) as http:
        with pytest.raises(Rejected, match=r"turns\.example is 127\.0\.0\.1"):
            await http.get(f"http://{ALLOWED}:{allowed.port}/")

    assert anywhere.requests == []


async def test_other_protocols_pass_the_same_guard(anywhere: HttpSink) -> None:
    outbound = Outbound(allow=[f"{ALLOWED}/32"], resolve=resolving(repeat(["127.0.0.1"])))
    try:
        with pytest.raises(Rejected):
            await outbound.connect("smtp.example", anywhere.port, timeout_seconds=5)
    finally:
        await outbound.close()


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 1_000_000 + b"\r\n\r\n", id="one-header-of-1-MB"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\n"
            + b"".join(b"X-%d: %s\r\n" % (n, b"a" * 900) for n in range(5000))
            + b"\r\n",
            id="5000-headers",
        ),
        pytest.param(b"HTTP/1.1 200 " + b"a" * 1_000_000 + b"\r\n\r\n", id="a-reason-of-1-MB"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX-" + b"a" * 1_000_000 + b": 1\r\n\r\n", id="a-name-of-1-MB"),
    ],
)
async def test_headers_of_an_answer_are_bounded(head: bytes) -> None:
    outbound = Outbound(allow=["127.0.0.0/8"])
    http = outbound.for_call(connection=None, idempotency_key=None, timeout_seconds=5)
    try:
        async with RawPeer(answering(head)) as peer:
            with pytest.raises(OutcomeUnknown):
                await http.get(peer.url)
    finally:
        await outbound.close()
