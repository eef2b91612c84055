"""The way out by a proxy of the configuration, and authorities of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from runner.connector import Http
from runner.errors import Rejected, SettingsError, Unavailable
from runner.outbound import Outbound
from tests.servers.certificates import server_tls
from tests.servers.forward_proxy import ForwardProxy
from tests.servers.http_sink import HttpSink
from tests.servers.raw_peer import unused_port


@asynccontextmanager
async def opened(**options: Any) -> AsyncIterator[Http]:
    outbound = Outbound(**options)
    try:
        yield outbound.for_call(connection=None, idempotency_key="k", timeout_seconds=5)
    finally:
        await outbound.close()


async def test_http_goes_by_the_proxy_which_alone_knows_the_names(sink: HttpSink) -> None:
    async with ForwardProxy({"shop.invalid:80": sink.port}) as proxy:
        async with opened(proxy=f"http://127.0.0.1:{proxy.port}") as http:
            reply = await http.post("http://shop.invalid/orders?a=1", json={"n": 1})

        assert (reply.status, sink.requests[0].json()) == (200, {"n": 1})
        assert proxy.asked == ["POST http://shop.invalid/orders?a=1 HTTP/1.1"]
        assert sink.requests[0].headers["idempotency-key"] == "k"


async def test_https_is_a_tunnel_that_the_proxy_cannot_look_into(tmp_path: Path) -> None:
    tls, pem = server_tls(tmp_path)
    (tmp_path / "authority.pem").write_text(pem)
    async with HttpSink(tls=tls) as sink, ForwardProxy({f"localhost:{sink.port}": sink.port}) as proxy:
        options = {"proxy": f"http://127.0.0.1:{proxy.port}", "ca_file": str(tmp_path / "authority.pem")}
        async with opened(allow=["127.0.0.0/8", "::1/128"], **options) as http:
            assert (await http.get(f"https://localhost:{sink.port}/secret")).status == 200

        assert proxy.asked == [f"CONNECT localhost:{sink.port} HTTP/1.1"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "169.254.169.254", "[::1]", "10.0.0.1"])
async def test_a_proxy_is_not_asked_for_what_is_private(sink: HttpSink, host: str) -> None:
    async with ForwardProxy({f"{host}:{sink.port}": sink.port}) as proxy:
        async with opened(proxy=f"http://127.0.0.1:{proxy.port}") as http:
            with pytest.raises(Rejected, match="not a public address"):
                await http.get(f"http://{host}:{sink.port}/")

        assert proxy.asked == []


async def test_what_is_listed_goes_without_it_and_is_guarded(sink: HttpSink) -> None:
    async with ForwardProxy({}) as proxy:
        options = {"proxy": f"http://127.0.0.1:{proxy.port}", "no_proxy": ["127.0.0.0/8", "*.internal"]}
        async with opened(allow=["127.0.0.1/32"], **options) as http:
            assert (await http.get(sink.url)).status == 200
            with pytest.raises(Rejected, match="HOOKLINE_NETWORK_ALLOW"):
                await http.get(f"http://127.0.0.2:{sink.port}/")
            with pytest.raises(Unavailable, match="cannot be resolved"):
                await http.get("http://db.internal/")

        assert proxy.asked == []


async def test_a_proxy_that_wants_a_password_gets_it_and_nobody_sees_it(sink: HttpSink) -> None:
    async with ForwardProxy(
        {"shop.invalid:80": sink.port, "shop.invalid:443": 1}, login="u:hunter22"
    ) as proxy:
        address = f"127.0.0.1:{proxy.port}"
        async with opened(proxy=f"http://u:hunter22@{address}") as http:
            assert (await http.get("http://shop.invalid/")).status == 200
        async with opened(proxy=f"http://u:hunter23@{address}") as http:
            with pytest.raises(Rejected, match="wants a user and password") as caught:
                await http.get("https://shop.invalid/")

    assert "hunter" not in str(caught.value)
    assert "proxy-authorization" not in sink.requests[0].headers


async def test_what_the_proxy_does_not_reach_is_said(sink: HttpSink) -> None:
    async with ForwardProxy({}) as proxy, opened(proxy=f"http://127.0.0.1:{proxy.port}") as http:
        with pytest.raises(Rejected, match="the proxy does not go there; it answered 403"):
            await http.get("https://shop.invalid/")
    async with opened(proxy=f"http://127.0.0.1:{unused_port()}") as http:
        with pytest.raises(Unavailable, match="no connection to the proxy"):
            await http.get("http://shop.invalid/")


async def test_an_authority_of_ones_own_is_trusted_beside_the_systems(tmp_path: Path) -> None:
    tls, pem = server_tls(tmp_path)
    (tmp_path / "authority.pem").write_text(pem)
    way = opened(allow=["127.0.0.0/8"], ca_file=str(tmp_path / "authority.pem"))
    async with HttpSink(tls=tls) as sink, way as http:
        assert (await http.get(sink.url)).status == 200


def test_a_file_of_authorities_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("hello")
    for name in ("x.pem", "missing.pem"):
        with pytest.raises(SettingsError, match=r"network\.ca_file"):
            Outbound(ca_file=str(tmp_path / name))
