"""TLS: who the client is, which certificate we show, what is refused. Real handshakes."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from runner.errors import SettingsError
from tests.servers import https_client
from tests.servers.certificates import Identity, client_context, issue


@pytest.fixture
def authority(tmp_path: Path) -> Identity:
    """Give the CA of the server and of the clients it knows."""
    return issue(tmp_path, "authority")


@pytest.fixture
def server(tmp_path: Path, authority: Identity) -> Identity:
    """Give the server's certificate."""
    return issue(tmp_path, "server", authority)


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer with what is known of the client's certificate, and the HTTP version."""
    assert scope["type"] == "http"
    known = {"http": scope["http_version"], **(scope["state"]["client_certificate"] or {})}
    body = json.dumps(known, default=bytes.hex).encode()
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def ask(
    port: int, context: ssl.SSLContext, version: https_client.Version = "1.1"
) -> tuple[dict[str, Any], str]:
    """Ask once; give the answer, and the fingerprint of the certificate that the server showed."""
    answer = await https_client.ask(port, context, version=version)
    certificate = x509.load_der_x509_certificate(answer.server_certificate)
    return answer.json(), certificate.fingerprint(hashes.SHA256()).hex()


async def test_a_client_certificate_of_the_ca_is_in_the_state_with_its_subject_and_fingerprint(
    served: Callable[..., Any], tmp_path: Path, authority: Identity, server: Identity
) -> None:
    client = issue(tmp_path, "client", authority)
    async with served(
        app,
        certificate=server.certificate_path,
        key=server.key_path,
        client_ca=authority.certificate_path,
    ) as port:
        known, _ = await ask(port, client_context(authority, client))
    assert known["subject"] == [[["commonName", "client"]]]
    assert known["subjectAltName"] == [["IP Address", "127.0.0.1"]]
    assert known["fingerprint"] == client.fingerprint


async def test_a_client_without_a_certificate_is_served_and_the_state_says_none(
    served: Callable[..., Any], authority: Identity, server: Identity
) -> None:
    async with served(
        app,
        certificate=server.certificate_path,
        key=server.key_path,
        client_ca=authority.certificate_path,
    ) as port:
        known, _ = await ask(port, client_context(authority))
    assert known == {"http": "1.1"}


async def test_a_client_certificate_of_another_ca_is_refused(
    served: Callable[..., Any], tmp_path: Path, authority: Identity, server: Identity
) -> None:
    stranger = issue(tmp_path, "stranger", issue(tmp_path, "other"))
    reached = []

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        reached.append(scope["path"])
        await app(scope, receive, send)

    async with served(
        noting,
        certificate=server.certificate_path,
        key=server.key_path,
        client_ca=authority.certificate_path,
    ) as port:
        # In TLS 1.3 a client has sent its request before it hears of the refusal: an alert, a
        # reset, or an end without an answer, as the timing has it.
        with pytest.raises(OSError):
            await ask(port, client_context(authority, stranger))
    assert reached == []


async def test_a_client_certificate_that_nobody_asked_for_counts_for_nothing(
    served: Callable[..., Any], tmp_path: Path, authority: Identity, server: Identity
) -> None:
    client = issue(tmp_path, "client", authority)
    async with served(app, certificate=server.certificate_path, key=server.key_path) as port:
        known, _ = await ask(port, client_context(authority, client))
    assert known == {"http": "1.1"}


async def test_http_2_over_tls_shows_the_client_certificate_too(
    served: Callable[..., Any], tmp_path: Path, authority: Identity, server: Identity
) -> None:
    client = issue(tmp_path, "client", authority)
    async with served(
        app,
        certificate=server.certificate_path,
        key=server.key_path,
        client_ca=authority.certificate_path,
    ) as port:
        known, _ = await ask(port, client_context(authority, client), "2")
    assert known["http"] == "2"
    assert known["fingerprint"] == client.fingerprint
    assert known["der"] == client.der.hex()


async def test_a_changed_certificate_is_used_without_a_restart(
    served: Callable[..., Any], tmp_path: Path, authority: Identity, server: Identity
) -> None:
    context = client_context(authority)
    async with served(
        app,
        certificate=server.certificate_path,
        key=server.key_path,
        certificate_check_seconds=0.02,
    ) as port:
        _, shown = await ask(port, context)
        assert shown == server.fingerprint
        renewed = issue(tmp_path, "server", authority)  # the same files
        while shown == server.fingerprint:  # until it is seen, at most as long as a test may take
            _, shown = await ask(port, context)
    assert shown == renewed.fingerprint


async def test_a_renewed_certificate_without_its_key_leaves_the_old_one_in_use(
    served: Callable[..., Any],
    tmp_path: Path,
    authority: Identity,
    server: Identity,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What a renewal looks like for the moment between its two files."""
    context = client_context(authority)
    async with served(
        app,
        certificate=server.certificate_path,
        key=server.key_path,
        certificate_check_seconds=0.02,
    ) as port:
        other = issue(tmp_path, "other", authority)
        server.certificate_path.write_bytes(other.certificate_path.read_bytes())
        while "goes on with the certificate it has" not in caplog.text:
            await ask(port, context)
        _, shown = await ask(port, context)
        assert shown == server.fingerprint
        server.key_path.write_bytes(other.key_path.read_bytes())
        while shown == server.fingerprint:
            _, shown = await ask(port, context)
    assert shown == other.fingerprint


@pytest.mark.parametrize("missing", ["certificate", "key"])
async def test_half_of_a_pair_is_a_fault_of_the_settings(
    served: Callable[..., Any], server: Identity, missing: str
) -> None:
    pair = {"certificate": server.certificate_path, "key": server.key_path, missing: None}
    with pytest.raises(SettingsError, match="both"):
        async with served(app, **pair):
            pass


async def test_a_certificate_that_is_none_is_a_fault_of_the_settings(
    served: Callable[..., Any], server: Identity
) -> None:
    server.certificate_path.write_text("nothing of the kind")
    with pytest.raises(SettingsError, match=r"server\.pem"):
        async with served(app, certificate=server.certificate_path, key=server.key_path):
            pass
