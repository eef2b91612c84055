"""What one client cannot take from the others: connections, time, headers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from typing import Any

import pytest

from runner.errors import HooklineError, SettingsError
from web.requests import LEFT_SECONDS
from web.serve import ServeOptions, listen, serve

POST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n"


async def exchange(port: int, sent: bytes) -> bytes:
    """Send bytes and read until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_body_that_does_not_come_is_cut_off_with_408(served: Callable[..., Any], echo: Any) -> None:
    async with served(echo, body_seconds=0.1) as port:
        answer = await exchange(port, POST + b"\r\nbo")
    assert answer.startswith(b"HTTP/1.1 408")


async def test_a_body_that_trickles_is_cut_off_though_bytes_keep_coming(
    served: Callable[..., Any], echo: Any
) -> None:
    async def trickle(writer: asyncio.StreamWriter, closed: asyncio.Event) -> None:
        while not closed.is_set():
            writer.write(b"1\r\nx\r\n")
            await asyncio.wait([asyncio.create_task(closed.wait())], timeout=0.02)

    async with served(echo, body_seconds=0.1) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        closed = asyncio.Event()
        trickling = asyncio.create_task(trickle(writer, closed))
        head = await reader.readuntil(b"\r\n\r\n")
        closed.set()
        await trickling
        writer.close()
    assert head.startswith(b"HTTP/1.1 408")


async def test_a_slow_answer_to_a_whole_body_is_not_cut_off(served: Callable[..., Any]) -> None:
    disconnected = asyncio.Event()

    async def patient(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        while (await receive()).get("more_body"):
            pass
        await asyncio.wait([asyncio.create_task(disconnected.wait())], timeout=0.4)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with served(patient, body_seconds=0.1) as port:
        answer = await exchange(port, POST + b"connection: close\r\n\r\nbody")
    assert answer.startswith(b"HTTP/1.1 204")


async def test_a_connection_that_its_sender_has_closed_takes_no_place(
    served: Callable[..., Any], echo: Any
) -> None:
    async with served(echo, max_connections=5) as port:
        for _ in range(50):  # each with a connection of its own, as most senders do
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(POST + b"\r\nbody")
            assert (await reader.readuntil(b"body")).startswith(b"HTTP/1.1 200")
            writer.close()
            await writer.wait_closed()


async def test_an_answer_that_does_not_wait_for_the_body_arrives_and_the_connection_goes_on(
    served: Callable[..., Any],
) -> None:
    async def refuse(scope: Any, _receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 410, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"gone"})

    async with served(refuse) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(POST + b"\r\n")
            assert (await reader.readuntil(b"gone")).startswith(b"HTTP/1.1 410")
            writer.write(b"body")
        writer.write(POST + b"expect: nothing\r\nconnection: close\r\n\r\nbody")
        assert (await reader.read()).endswith(b"gone")
        writer.close()


async def test_a_body_that_nobody_wants_and_that_does_not_come_is_not_waited_for_long(
    served: Callable[..., Any],
) -> None:
    async def refuse(scope: Any, _receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 410, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async with served(refuse) as port:
        huge = POST.replace(b"4", b"99999999999")
        assert (await exchange(port, huge + b"\r\n")).startswith(b"HTTP/1.1 410")  # at once
        assert (await exchange(port, POST + b"\r\n")).startswith(b"HTTP/1.1 410")  # after LEFT_SECONDS


async def test_a_body_that_the_application_reads_beside_its_answer_is_not_waited_for(
    served: Callable[..., Any],
) -> None:
    """Quart reads a body in a task of its own, and answers meanwhile."""

    async def both(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"

        async def read() -> None:
            while (await receive()).get("more_body"):
                pass

        reading = asyncio.create_task(read())
        await asyncio.sleep(0)  # it waits for the body before the answer's end does
        await send({"type": "http.response.start", "status": 410, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
        await reading

    async with served(both) as port, asyncio.timeout(LEFT_SECONDS / 2):
        for _ in range(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(POST + b"\r\nbo")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 410")
            writer.write(b"dy" + POST + b"connection: close\r\n\r\nbody")
            assert (await reader.read()).startswith(b"HTTP/1.1 410")  # the next one is answered
            writer.close()


async def test_headers_that_do_not_come_are_cut_off(served: Callable[..., Any], echo: Any) -> None:
    async with served(echo, header_seconds=0.1) as port:
        assert await exchange(port, b"POST / HTTP/1.1\r\nhost:") == b""


async def test_too_long_headers_are_refused_with_431(served: Callable[..., Any], echo: Any) -> None:
    async with served(echo, max_header_bytes=1000) as port:
        answer = await exchange(port, b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"x" * 2000)
    assert answer.startswith(b"HTTP/1.1 431")


async def test_too_many_headers_are_refused_with_431(served: Callable[..., Any], echo: Any) -> None:
    async with served(echo, max_headers=10) as port:
        answer = await exchange(port, b"GET / HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * 10 + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 431")


async def test_past_the_bound_on_connections_the_answer_is_503_and_a_closed_one_makes_room(
    served: Callable[..., Any], echo: Any
) -> None:
    async with served(echo, max_connections=1) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(POST + b"\r\nbody")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        assert await reader.readexactly(4) == b"body"
        refused = await exchange(port, b"")
        assert refused.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 1" in refused
        writer.write(POST + b"connection: close\r\n\r\nmore")  # the open one is served as before
        assert (await reader.read()).endswith(b"more")
        writer.close()
        answer = refused
        while answer.startswith(b"HTTP/1.1 503"):  # until the server has seen the other go
            answer = await exchange(port, POST + b"connection: close\r\n\r\nthen")
        assert answer.endswith(b"then")


async def test_http_2_without_tls_never_reaches_the_application(
    served: Callable[..., Any], echo: Any
) -> None:
    """An upgrade to h2c carries requests past a proxy's rules (h2c smuggling)."""
    upgrade = (
        b"GET /admin HTTP/1.1\r\nhost: x\r\nconnection: upgrade, http2-settings\r\n"
        b"upgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n"
    )
    reached = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        reached.append(scope["path"])
        await echo(scope, receive, send)

    async with served(app, header_seconds=0.2) as port:
        await exchange(port, upgrade)
    assert reached == []


async def test_what_does_not_end_within_the_grace_period_is_cut_off(
    served: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    begun = asyncio.Event()

    async def endless(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        begun.set()
        await asyncio.Event().wait()

    with caplog.at_level(logging.WARNING, "hookline.web"):
        async with served(endless, grace_seconds=0.1) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            await begun.wait()
        assert await reader.read() == b""
        writer.close()
    assert "1 connections were cut off" in caplog.text


async def test_an_endless_answer_can_watch_for_the_end(served: Callable[..., Any]) -> None:
    begun = asyncio.Event()

    async def live(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        begun.set()
        await scope["state"]["stopping"].wait()
        await send({"type": "http.response.body", "body": b"last"})

    async with served(live) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        await begun.wait()
    assert b"last" in await reader.read()
    writer.close()


async def test_an_application_that_refuses_to_start_says_why() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "the disk is full"})

    with pytest.raises(HooklineError, match="the disk is full"):
        await serve(broken, ServeOptions(port=0), stop=asyncio.Event(), ready=print)


def test_an_address_in_use_is_a_fault_of_the_settings() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(SettingsError, match="--port"):
        listen("127.0.0.1", taken.getsockname()[1])


@pytest.mark.skipif(not socket.has_ipv6, reason="this system has no IPv6")
def test_ipv6_addresses_are_listened_on() -> None:
    with listen("::1", 0) as listening:
        socket.create_connection(listening.getsockname()[:2]).close()


@pytest.mark.parametrize("target", ["*", "?", "http://x/", "http://[::1", "x:80"])
async def test_a_target_that_is_no_path_never_reaches_the_application(
    served: Callable[..., Any], echo: Any, target: str
) -> None:
    async with served(echo) as port:
        answer = await exchange(port, f"GET {target} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "opening",
    [
        pytest.param(
            b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
            b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
            id="websocket",
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
            id="broken-websocket",
        ),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", id="http-2-without-tls"),
    ],
)
async def test_a_protocol_that_is_not_spoken_holds_no_connection(
    served: Callable[..., Any], echo: Any, opening: bytes
) -> None:
    async with served(echo, header_seconds=0.1) as port:
        with contextlib.suppress(ConnectionResetError):
            await exchange(port, opening)  # it ends
