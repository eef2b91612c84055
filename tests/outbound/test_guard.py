"""Which addresses an action may reach."""

from __future__ import annotations

import socket

import pytest

from runner.errors import Rejected, SettingsError, Unavailable
from runner.outbound import Outbound
from runner.outbound.guard import Guard
from tests.servers.http_sink import HttpSink
from tests.servers.raw_peer import unused_port

FORBIDDEN = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.0.170", "192.0.2.1",
    "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::808:808", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808",
    "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::1", "3fff::1", "5f00::1",
    "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%1", "fec0::1", "ff02::1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", FORBIDDEN)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert Guard().refusal(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_passes(address: str) -> None:
    assert Guard().refusal(address) is None


@pytest.mark.parametrize(
    ("network", "address"),
    [
        ("10.0.0.0/8", "10.2.3.4"),
        ("127.0.0.0/8", "::ffff:127.0.0.1"),
        ("10.0.0.0/8", "64:ff9b::a00:1"),
        ("::1/128", "::1"),
        ("192.168.1.7/24", "192.168.1.9"),
        ("0.0.0.0/0", "169.254.169.254"),
    ],
)
def test_an_allowed_network_passes(network: str, address: str) -> None:
    assert Guard([network]).refusal(address) is None


def test_allowing_one_network_allows_no_other() -> None:
    guard = Guard(["127.0.0.0/8"])

    assert guard.refusal("10.0.0.1") == "private"
    assert guard.refusal("::1") == "loopback"


def test_a_network_that_is_none_is_a_fault_of_the_settings() -> None:
    with pytest.raises(SettingsError, match=r"HOOKLINE_NETWORK_ALLOW.*10\.0\.0\.0/8"):
        Guard(["localhost"])


def test_the_refusal_names_the_setting_that_would_allow_it() -> None:
    with pytest.raises(Rejected, match=r"HOOKLINE_NETWORK_ALLOW=169\.254\.169\.254/32"):
        Guard().check("169.254.169.254", "169.254.169.254")


def test_the_socket_itself_is_refused_whoever_chose_its_address() -> None:
    info = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("10.0.0.1", 80))

    with pytest.raises(Rejected, match="private"):
        Guard().open_socket(info)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1",
        "2130706433", "①②⑦.⓪.⓪.①", "[::1]", "[::]", "0.0.0.0", "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]", "169.254.169.254", "[fe80::1]",
    ],
)  # fmt: skip
async def test_no_spelling_of_a_forbidden_address_reaches_it(host: str) -> None:
    outbound = Outbound()
    async with HttpSink() as sink:
        http = outbound.for_call(connection=None, idempotency_key=None, timeout_seconds=5)
        try:
            with pytest.raises(Rejected):
                await http.get(f"http://{host}:{sink.port}/")
        finally:
            await outbound.close()

        assert sink.requests == []


async def test_a_name_is_refused_by_its_name_and_address() -> None:
    outbound = Outbound()
    http = outbound.for_call(connection=None, idempotency_key=None, timeout_seconds=5)
    try:
        with pytest.raises(Rejected, match=r"localhost is .* which is not a public address"):
            await http.get("http://localhost:1/")
    finally:
        await outbound.close()


async def test_a_name_is_reached_at_the_address_of_it_that_is_allowed() -> None:
    """On most machines localhost is ::1 and 127.0.0.1; one of the two suffices."""
    outbound = Outbound(allow=["127.0.0.0/8"])
    async with HttpSink() as sink:
        http = outbound.for_call(connection=None, idempotency_key=None, timeout_seconds=5)
        try:
            reply = await http.get(f"http://localhost:{sink.port}/")
        finally:
            await outbound.close()

        assert reply.status == 200


async def test_a_socket_for_other_protocols_passes_the_same_guard() -> None:
    closed, allowing = Outbound(), Outbound(allow=["127.0.0.0/8"])
    async with HttpSink() as sink:
        try:
            with pytest.raises(Rejected, match="HOOKLINE_NETWORK_ALLOW"):
                await closed.connect("127.0.0.1", sink.port, timeout_seconds=5)
            sock = await allowing.connect("127.0.0.1", sink.port, timeout_seconds=5)
            with sock:
                assert sock.getpeername() == ("127.0.0.1", sink.port)
                assert not sock.getblocking()
        finally:
            await closed.close()
            await allowing.close()


async def test_a_socket_that_nobody_answers_is_unavailable() -> None:
    outbound = Outbound(allow=["127.0.0.0/8"])
    try:
        with pytest.raises(Unavailable, match="no connection to 127"):
            await outbound.connect("127.0.0.1", unused_port(), timeout_seconds=5)
        with pytest.raises(Unavailable, match="no connection to"):
            await outbound.connect("nowhere.invalid", 25, timeout_seconds=20)
    finally:
        await outbound.close()
