"""What went wrong, told apart: nothing happened, or it may have happened."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import client_exceptions
from aiohttp.client_reqrep import ConnectionKey

from runner.connector import Http
from runner.errors import ActionError, OutcomeUnknown, Rejected, TimedOut, Unavailable
from runner.outbound import Outbound
from runner.outbound.faults import action_error
from runner.outbound.reply import retry_after_seconds
from tests.servers.certificates import server_tls
from tests.servers.http_sink import HttpSink
from tests.servers.raw_peer import RawPeer, answering, hang, reset, unused_port

Client = Callable[..., Http]

KEY = ConnectionKey("host", 80, False, True, None, None, None)
INFO = aiohttp.RequestInfo(None, "GET", None, None)  # type: ignore[arg-type]  # not looked at
REFUSED = OSError(111, "Connection refused")

MEANINGS: dict[str, tuple[Exception, type[ActionError]]] = {
    "ClientError": (aiohttp.ClientError(), OutcomeUnknown),
    "ClientConnectionError": (aiohttp.ClientConnectionError(), OutcomeUnknown),
    "ClientConnectionResetError": (aiohttp.ClientConnectionResetError(), OutcomeUnknown),
    "ClientOSError": (aiohttp.ClientOSError(104, "reset"), OutcomeUnknown),
    "ClientConnectorError": (aiohttp.ClientConnectorError(KEY, REFUSED), Unavailable),
    "ClientConnectorDNSError": (aiohttp.ClientConnectorDNSError(KEY, REFUSED), Unavailable),
    "ClientProxyConnectionError": (aiohttp.ClientProxyConnectionError(KEY, REFUSED), Unavailable),
    "UnixClientConnectorError": (
        client_exceptions.UnixClientConnectorError("/x", KEY, REFUSED),
        Unavailable,
    ),
    "ClientSSLError": (aiohttp.ClientSSLError(KEY, REFUSED), Unavailable),
    "ClientConnectorSSLError": (aiohttp.ClientConnectorSSLError(KEY, REFUSED), Unavailable),
    "ClientConnectorCertificateError": (
        aiohttp.ClientConnectorCertificateError(KEY, ssl.SSLCertVerificationError("self-signed")),
        Rejected,
    ),
    "ServerConnectionError": (aiohttp.ServerConnectionError(), OutcomeUnknown),
    "ServerDisconnectedError": (aiohttp.ServerDisconnectedError(), OutcomeUnknown),
    "ServerFingerprintMismatch": (aiohttp.ServerFingerprintMismatch(b"", b"", "h", 1), Rejected),
    "ServerTimeoutError": (aiohttp.ServerTimeoutError(), TimedOut),
    "ConnectionTimeoutError": (aiohttp.ConnectionTimeoutError(), Unavailable),
    "SocketTimeoutError": (aiohttp.SocketTimeoutError(), TimedOut),
    "ClientPayloadError": (aiohttp.ClientPayloadError(), OutcomeUnknown),
    "UploadAbortedError": (client_exceptions.UploadAbortedError(), OutcomeUnknown),
    "ClientResponseError": (aiohttp.ClientResponseError(INFO, ()), OutcomeUnknown),
    "ContentTypeError": (aiohttp.ContentTypeError(INFO, ()), OutcomeUnknown),
    "WSServerHandshakeError": (aiohttp.WSServerHandshakeError(INFO, ()), OutcomeUnknown),
    "ClientHttpProxyError": (aiohttp.ClientHttpProxyError(INFO, ()), Unavailable),  # nothing was sent on
    "TooManyRedirects": (aiohttp.TooManyRedirects(INFO, ()), Rejected),
    "InvalidURL": (aiohttp.InvalidURL("x"), Rejected),
    "InvalidUrlClientError": (aiohttp.InvalidUrlClientError("x"), Rejected),
    "RedirectClientError": (aiohttp.RedirectClientError(), Rejected),
    "NonHttpUrlClientError": (aiohttp.NonHttpUrlClientError(), Rejected),
    "InvalidUrlRedirectClientError": (aiohttp.InvalidUrlRedirectClientError("x"), Rejected),
    "NonHttpUrlRedirectClientError": (aiohttp.NonHttpUrlRedirectClientError(), Rejected),
}


def exceptions_of_aiohttp() -> list[type[Exception]]:
    found = {
        one
        for module in (aiohttp, client_exceptions)
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, aiohttp.ClientError)
    }
    return sorted(found, key=lambda one: one.__name__)


@pytest.mark.parametrize("kind", exceptions_of_aiohttp(), ids=lambda kind: kind.__name__)
def test_each_exception_of_aiohttp_has_its_meaning(kind: type[Exception]) -> None:
    error, meaning = MEANINGS[kind.__name__]

    assert type(error) is kind
    assert type(action_error(error, "GET host")) is meaning


def test_an_expired_certificate_may_be_renewed_and_any_other_fault_stays() -> None:
    expired = ssl.SSLCertVerificationError("x")
    expired.verify_code, expired.verify_message = 10, "certificate has expired"
    error = aiohttp.ClientConnectorCertificateError(KEY, expired)

    assert type(action_error(error, "GET host")) is Unavailable
    assert "certificate has expired" in str(action_error(error, "GET host"))


@pytest.mark.parametrize("error", [ValueError("Authorization: Bearer abc"), OSError(5, "io")])
def test_what_is_not_aiohttps_is_mapped_too_and_not_quoted(error: Exception) -> None:
    mapped = action_error(error, "GET host")

    assert isinstance(mapped, ActionError)
    assert "abc" not in str(mapped)


async def test_nobody_there_is_unavailable(client: Client) -> None:
    with pytest.raises(Unavailable, match="no connection") as caught:
        await client().post(f"http://127.0.0.1:{unused_port()}/secret-path?q=1", json={})

    assert caught.value.cause == "network"
    assert "secret-path" not in str(caught.value)


async def test_a_name_that_nobody_has_is_unavailable(client: Client) -> None:
    with pytest.raises(Unavailable, match="cannot be resolved"):
        await client().get("http://nowhere.invalid/")


async def test_a_reset_after_the_request_is_an_unknown_outcome(client: Client) -> None:
    async with RawPeer(reset) as peer:
        with pytest.raises(OutcomeUnknown, match="broke"):
            await client().post(peer.url, json={})

        assert peer.connections == 1


async def test_a_close_without_an_answer_is_an_unknown_outcome(client: Client) -> None:
    async with RawPeer(answering(b"")) as peer:
        with pytest.raises(OutcomeUnknown, match="broke"):
            await client().post(peer.url, json={})


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"\x16\x03\x01garbage\r\n\r\n", id="not-http"),
        pytest.param(b"220 mail.example.com ESMTP\r\n", id="smtp"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", id="cut-short"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nabc", id="no-length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", id="bad-chunk"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
            id="not-gzip",
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000, id="endless-header"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5_000, id="too-many-headers"),
    ],
)
async def test_garbage_for_an_answer_is_an_unknown_outcome(client: Client, answer: bytes) -> None:
    async with RawPeer(answering(answer)) as peer:
        with pytest.raises(OutcomeUnknown) as caught:
            await client().post(peer.url, json={})

    assert not isinstance(caught.value, TimedOut)


async def test_no_answer_in_time_is_a_time_out(client: Client) -> None:
    async with RawPeer(hang) as peer:
        with pytest.raises(TimedOut, match=r"within 0\.2 s") as caught:
            await client().post(peer.url, json={}, timeout_seconds=0.2)

        assert caught.value.cause == "timeout"
        with pytest.raises(TimedOut):
            await client(timeout_seconds=0.1).get(peer.url, timeout_seconds=60)


async def test_an_answer_that_drips_is_a_time_out(client: Client) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        gone = asyncio.ensure_future(reader.read())
        while not gone.done():
            writer.write(b"x")
            await asyncio.wait([gone], timeout=0.02)

    async with RawPeer(drip) as peer:
        with pytest.raises(TimedOut):
            await client().get(peer.url, timeout_seconds=0.3)


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path, client: Client) -> None:
    tls, _ = server_tls(tmp_path)
    async with HttpSink(tls=tls) as sink:
        with pytest.raises(Rejected, match=r"not trusted.*SSL_CERT_FILE"):
            await client().get(sink.url)

        assert sink.requests == []


async def test_an_expired_certificate_is_refused_for_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls, pem = server_tls(tmp_path, expired=True)
    (tmp_path / "authority.pem").write_text(pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    outbound = Outbound(allow=["127.0.0.0/8"])
    http = outbound.for_call(connection=None, idempotency_key=None, timeout_seconds=5)
    async with HttpSink(tls=tls) as sink:
        try:
            with pytest.raises(Unavailable, match="expired"):
                await http.get(sink.url)
        finally:
            await outbound.close()


@pytest.mark.parametrize("before", range(150, 197, 3))
async def test_a_sentence_that_is_cut_holds_no_part_of_a_secret_of_the_server(before: int) -> None:
    secret = "xoxb-c8oxbpl4nt3dinallofthem"
    outbound = Outbound(allow=["127.0.0.0/8"], secret_values=lambda: frozenset({secret}))
    http = outbound.for_call(connection=None, idempotency_key=None, timeout_seconds=5)
    async with HttpSink() as sink:
        sink.reply(400, body="." * before + secret)
        try:
            with pytest.raises(Rejected) as caught:
                (await http.get(sink.url)).accept()
        finally:
            await outbound.close()
    assert "•••" in str(caught.value)
    assert secret[:5] not in str(caught.value)


async def test_a_private_authority_is_trusted_where_the_environment_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls, pem = server_tls(tmp_path)
    (tmp_path / "authority.pem").write_text(pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    outbound = Outbound(allow=["127.0.0.0/8"])
    http = outbound.for_call(connection=None, idempotency_key=None, timeout_seconds=5)
    async with HttpSink(tls=tls) as sink:
        try:
            assert (await http.get(sink.url)).status == 200
        finally:
            await outbound.close()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0), ("0", 0.0), (" 3 ", 3.0), ("1.5", 1.5),
        ("Thu, 01 Jan 1970 00:10:00 GMT", 500.0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("-1", None), ("soon", None), ("", None), ("inf", None), ("nan", None), ("1e9", None),
        ("9" * 400, None), ("Thu, 99 Foo 1970 00:00:00 GMT", None),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after_seconds(value, now=100.0) == seconds


async def test_a_date_to_come_back_is_read_by_the_clock_that_wrote_it(sink: HttpSink, client: Client) -> None:
    headers = {
        "Date": "Thu, 01 Jan 1970 00:00:00 GMT",
        "Retry-After": "Thu, 01 Jan 1970 00:00:30 GMT",
    }
    sink.reply(503, headers=headers)

    with pytest.raises(Unavailable) as caught:
        (await client().get(sink.url)).accept()

    assert caught.value.retry_after_seconds == 30


def test_the_table_has_no_row_for_what_is_not_there() -> None:
    assert set(MEANINGS) == {one.__name__ for one in exceptions_of_aiohttp()}
