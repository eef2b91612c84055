"""TLS: who the client is, which certificate we show, what is refused. Real handshakes."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from h2.connection import H2Connection
from h2.events import DataReceived, StreamEnded

from runner.errors import SettingsError

LOOPBACK = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])


@dataclass
class Identity:
    """A certificate with its key, and the two as PEM files."""

    subject: x509.Name
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    certificate_path: Path
    key_path: Path

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, hex."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()


def usage_of(*, is_authority: bool) -> x509.KeyUsage:
    """What a key is for: an authority's signs certificates, any other does not."""
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def issue(folder: Path, name: str, issuer: Identity | None = None) -> Identity:
    """Make a certificate for *name*, signed by *issuer* or, as a CA, by itself."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    key = ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(LOOPBACK, critical=False)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        # Python 3.13 verifies strictly, as RFC 5280 has it: who signed must be named by its key
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key((issuer.key if issuer else key).public_key()),
            critical=False,
        )
        .add_extension(usage_of(is_authority=issuer is None), critical=True)
    )
    certificate = builder.sign(issuer.key if issuer else key, hashes.SHA256())
    certificate_path, key_path = folder / f"{name}.pem", folder / f"{name}.key"
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return Identity(subject, key, certificate, certificate_path, key_path)


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
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(known).encode()})


def client_context(authority: Identity, client: Identity | None = None) -> ssl.SSLContext:
    """Trust the authority, and show the client's certificate if there is one."""
    context = ssl.create_default_context(cafile=authority.certificate_path)
    if client is not None:
        context.load_cert_chain(client.certificate_path, client.key_path)
    return context


async def ask(port: int, context: ssl.SSLContext) -> tuple[dict[str, Any], str]:
    """Ask once; give the answer, and the fingerprint of the certificate that the server showed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.write(b"GET / HTTP/1.0\r\nhost: x\r\n\r\n")
        answer = await reader.read()
    finally:
        writer.close()
    fingerprint = x509.load_der_x509_certificate(shown).fingerprint(hashes.SHA256()).hex()
    return json.loads(answer.partition(b"\r\n\r\n")[2]), fingerprint


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
    assert known == {"http": "1.0"}


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
        with pytest.raises((OSError, json.JSONDecodeError)):
            await ask(port, client_context(authority, stranger))
    assert reached == []


async def test_a_client_certificate_that_nobody_asked_for_counts_for_nothing(
    served: Callable[..., Any], tmp_path: Path, authority: Identity, server: Identity
) -> None:
    client = issue(tmp_path, "client", authority)
    async with served(app, certificate=server.certificate_path, key=server.key_path) as port:
        known, _ = await ask(port, client_context(authority, client))
    assert known == {"http": "1.0"}


async def test_http_2_over_tls_shows_the_client_certificate_too(
    served: Callable[..., Any], tmp_path: Path, authority: Identity, server: Identity
) -> None:
    client = issue(tmp_path, "client", authority)
    context = client_context(authority, client)
    context.set_alpn_protocols(["h2"])
    async with served(
        app,
        certificate=server.certificate_path,
        key=server.key_path,
        client_ca=authority.certificate_path,
    ) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        known = await ask_http_2(reader, writer)
        writer.close()
    assert known["http"] == "2"
    assert known["fingerprint"] == client.fingerprint


async def ask_http_2(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Any:
    """Ask once over HTTP/2 and give the answer."""
    connection = H2Connection()
    connection.initiate_connection()
    headers = [(":method", "GET"), (":path", "/"), (":scheme", "https"), (":authority", "x")]
    connection.send_headers(1, headers, end_stream=True)
    body = b""
    while True:
        writer.write(connection.data_to_send())
        for event in connection.receive_data(await reader.read(65536)):
            if isinstance(event, DataReceived):
                body += event.data
            elif isinstance(event, StreamEnded):
                return json.loads(body)


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
