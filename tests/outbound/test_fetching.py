"""Keys: what is fetched for a check, how often, and what is never fetched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from runner.errors import ActionError, Rejected, Unavailable
from runner.inbound.verdict import Fetch
from runner.outbound import Outbound
from runner.outbound.fetching import FAILURE_SECONDS, MAX_DOUBTFUL, MAX_REMEMBERED, Keys
from tests.servers.http_sink import HttpSink, Received
from tests.servers.raw_peer import unused_port


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def keys(outbound: Outbound, clock: Clock) -> AsyncIterator[Keys]:
    one = Keys(outbound, clock=clock)
    yield one
    await one.close()


async def test_a_copy_is_kept_as_long_as_it_will_do(sink: HttpSink, keys: Keys, clock: Clock) -> None:
    for body in (b"one", b"two", b"three"):
        sink.reply(body=body)
    what = Fetch(f"{sink.url}/keys", keep_seconds=60)

    assert await keys.fetch(what) == b"one"
    clock.now += 60
    assert await keys.fetch(what) == b"one"
    assert await keys.fetch(Fetch(what.url, keep_seconds=59)) == b"two"
    assert await keys.fetch(what) == b"two"
    clock.now += 61
    assert await keys.fetch(what) == b"three"
    assert len(sink.requests) == 3


async def test_one_fetch_at_a_time_goes_to_an_address(sink: HttpSink, keys: Keys) -> None:
    """Others wait for it, also when the one who asked first has left."""
    go = asyncio.Event()

    async def slow(_received: Received) -> web.StreamResponse:
        await go.wait()
        return web.Response(body=b"key")

    sink.handler = slow
    what = Fetch(f"{sink.url}/keys")
    first, *others = [asyncio.create_task(keys.fetch(what)) for _ in range(20)]
    await sink.wait_for(1)
    first.cancel()
    go.set()

    assert await asyncio.gather(*others) == [b"key"] * 19
    assert await keys.fetch(what) == b"key"
    assert len(sink.requests) == 1


async def test_a_failure_is_remembered_for_a_while(sink: HttpSink, keys: Keys, clock: Clock) -> None:
    sink.reply(503)
    what = Fetch(f"{sink.url}/keys")

    for _ in range(5):
        with pytest.raises(Unavailable, match="503"):
            await keys.fetch(what)
    assert len(sink.requests) == 1

    clock.now += FAILURE_SECONDS + 1
    sink.reply(body=b"key")
    assert await keys.fetch(what) == b"key"


async def test_a_flood_of_addresses_is_no_flood_of_fetches(sink: HttpSink, keys: Keys, clock: Clock) -> None:
    """What was had from the host before is renewed meanwhile."""
    sink.reply(body=b"old")
    known = Fetch(f"{sink.url}/known", keep_seconds=1)
    assert await keys.fetch(known) == b"old"
    sink.reply(404, times=100)

    async def forged(number: int) -> str:
        with pytest.raises(Unavailable) as caught:
            await keys.fetch(Fetch(f"{sink.url}/forged/{number}"))
        return str(caught.value)

    answers = await asyncio.gather(*(forged(number) for number in range(50)))
    answers += [await forged(number) for number in range(50, 100)]
    assert sum("404" in one for one in answers) == MAX_DOUBTFUL == len(sink.requests) - 1

    sink._replies.clear()
    sink.reply(body=b"new")
    clock.now += 2
    assert await keys.fetch(known) == b"new"


async def test_what_is_remembered_is_bounded(sink: HttpSink, keys: Keys) -> None:
    for number in range(MAX_REMEMBERED + 1):
        await keys.fetch(Fetch(f"{sink.url}/{number}"))
        await keys.fetch(Fetch(f"{sink.url}/0"))  # what is asked for stays
    assert len(sink.requests) == MAX_REMEMBERED + 1

    await keys.fetch(Fetch(f"{sink.url}/1"))  # the least lately asked for had to go
    assert len(sink.requests) == MAX_REMEMBERED + 2


async def test_redirects_are_not_followed(sink: HttpSink, keys: Keys) -> None:
    for status in (301, 302, 303, 307, 308):
        sink.reply(status, headers={"Location": f"{sink.url}/elsewhere"}, body=b"x")
        with pytest.raises(Unavailable, match=f"answered {status}"):
            await keys.fetch(Fetch(f"{sink.url}/{status}"))
    assert not any(one.path == "/elsewhere" for one in sink.requests)


async def test_the_size_is_bounded(sink: HttpSink, keys: Keys) -> None:
    sink.reply(body=b"x" * 100)
    assert len(await keys.fetch(Fetch(f"{sink.url}/a", max_bytes=100))) == 100
    sink.reply(body=b"x" * 101)
    with pytest.raises(Rejected, match="more than 100 bytes"):
        await keys.fetch(Fetch(f"{sink.url}/b", max_bytes=100))


async def test_only_https_is_fetched_but_from_allowed_addresses(sink: HttpSink, keys: Keys) -> None:
    for url in ("http://example.com/keys", "http://localhost/keys", f"http://localhost:{sink.port}/keys"):
        with pytest.raises(Rejected, match="https"):
            await keys.fetch(Fetch(url))
        with pytest.raises(Rejected, match="https"):
            await keys.visit(url)
    assert sink.requests == []


@pytest.mark.parametrize(
    "url", ["https://169.254.169.254/keys", "https://[::1]/keys", "https://10.0.0.1/keys"]
)
async def test_private_addresses_are_refused(url: str, keys: Keys) -> None:
    with pytest.raises(Rejected, match="HOOKLINE_NETWORK_ALLOW"):
        await keys.fetch(Fetch(url))
    with pytest.raises(Rejected, match="HOOKLINE_NETWORK_ALLOW"):
        await keys.visit(url)


@pytest.mark.parametrize(
    "url", ["", "x", "file:///etc/passwd", "https://u:p@example.com/", "https://a\n.com/"]
)
async def test_what_is_no_address_is_refused(url: str, keys: Keys) -> None:
    with pytest.raises(Rejected):
        await keys.fetch(Fetch(url))


async def test_nobody_there_is_unavailable(keys: Keys) -> None:
    with pytest.raises(Unavailable):
        await keys.fetch(Fetch(f"http://127.0.0.1:{unused_port()}/keys"))


async def test_a_visit_is_one_get(sink: HttpSink, keys: Keys) -> None:
    await keys.visit(f"{sink.url}/?Action=ConfirmSubscription&Token=1")
    await keys.visit(f"{sink.url}/?Action=ConfirmSubscription&Token=1")  # never from what was kept
    assert [(one.method, one.query_string) for one in sink.requests] == [
        ("GET", "Action=ConfirmSubscription&Token=1")
    ] * 2
    for status in (302, 403, 500):
        sink.reply(status, headers={"Location": f"{sink.url}/elsewhere"})
        with pytest.raises(ActionError, match=str(status)):
            await keys.visit(f"{sink.url}/")
    assert len(sink.requests) == 5


async def test_the_roots_are_certificates(keys: Keys) -> None:
    roots = keys.roots()
    assert roots == b"" or roots.startswith(b"-----BEGIN CERTIFICATE-----")
    assert keys.roots() is roots


async def test_closing_ends_what_is_under_way(sink: HttpSink, outbound: Outbound) -> None:
    keys = Keys(outbound)

    async def never(_received: Received) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    sink.handler = never
    task = asyncio.create_task(keys.fetch(Fetch(f"{sink.url}/keys")))
    await sink.wait_for(1)
    await keys.close()
    with pytest.raises(asyncio.CancelledError):
        await task
