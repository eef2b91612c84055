"""
Mutual TLS for each workflow, at a real server: on its own TLS in HTTP/1.1 and HTTP/2, and behind a
proxy that tells whose certificate it saw.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from tests.cli.home import Home
from tests.servers.certificates import Identity, client_context, issue
from tests.servers.hookline_process import Running, serving
from tests.servers.https_client import Answer, Version, ask

STEPS = "steps:\n  - transform: payload\n"
WANTED = {
    "by-subject": "{subject: 'CN=orders,O=Acme'}",
    "by-name": "{san: orders.example.com}",
}


@dataclass(frozen=True)
class Place:
    """A server with TLS, the CA that it trusts, and the certificates of senders."""

    running: Running
    authority: Identity
    server: Identity
    folder: Path

    def client(self, name: str, issuer: Identity | None = None, organization: str = "Acme") -> Identity:
        """A sender's certificate of the trusted CA, or of *issuer*."""
        return issue(
            self.folder,
            name,
            issuer or self.authority,
            also=[x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)],
            names=[x509.DNSName(f"{name}.example.com")],
        )

    async def send(self, slug: str, client: Identity | None, version: Version = "1.1") -> Answer:
        """Send an event to a workflow, showing a certificate."""
        return await ask(
            self.running.port,
            client_context(self.authority, client),
            self.running.paths[slug],
            version=version,
            method="POST",
            headers={"content-type": "application/json"},
            body=b'{"n": 1}',
        )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home, folder = Home(tmp_path_factory.mktemp("home")), tmp_path_factory.mktemp("certificates")
    for slug, wanted in WANTED.items():
        home.workflow(slug, f"name: Orders\ntrigger: {{webhook: {{client_certificate: {wanted}}}}}\n{STEPS}")
    home.workflow("open", f"name: Open\ntrigger: {{webhook: {{}}}}\n{STEPS}")
    authority = issue(folder, "authority")
    server = issue(folder, "server", authority)
    with serving(
        home,
        HOOKLINE_SERVER_TLS_CERTIFICATE=str(server.certificate_path),
        HOOKLINE_SERVER_TLS_KEY=str(server.key_path),
        HOOKLINE_SERVER_TLS_CLIENT_CA=str(authority.certificate_path),
    ) as running:
        yield Place(running, authority, server, folder)


@pytest.mark.parametrize("version", ["1.1", "2"])
@pytest.mark.parametrize("slug", WANTED)
async def test_the_right_ca_and_name_are_accepted(place: Place, slug: str, version: Version) -> None:
    answer = await place.send(slug, place.client("orders"), version)
    assert (answer.status, answer.json()["status"]) == (200, "accepted")


@pytest.mark.parametrize("version", ["1.1", "2"])
@pytest.mark.parametrize("slug", WANTED)
@pytest.mark.parametrize("name", ["other", None])
async def test_the_right_ca_and_another_name_or_no_certificate_are_403(
    place: Place, slug: str, version: Version, name: str | None
) -> None:
    answer = await place.send(slug, place.client(name) if name else None, version)
    assert answer.status == 403


async def test_the_right_name_in_another_organization_is_403(place: Place) -> None:
    client = place.client("orders", organization="Other")
    assert (await place.send("by-subject", client)).status == 403
    assert (await place.send("by-name", client)).status == 200  # which asks for no organization


@pytest.mark.parametrize("version", ["1.1", "2"])
@pytest.mark.parametrize("slug", ["by-subject", "open"])
async def test_an_unknown_ca_is_refused_in_the_handshake(
    place: Place, slug: str, version: Version, tmp_path: Path
) -> None:
    # by the name of the right one, too
    stranger = place.client("orders", issue(tmp_path, "authority"))
    with pytest.raises(OSError):  # an alert, a reset or an end, as the timing has it
        await place.send(slug, stranger, version)


@pytest.mark.parametrize("version", ["1.1", "2"])
async def test_a_workflow_that_asks_for_none_takes_senders_with_and_without_certificates(
    place: Place, version: Version
) -> None:
    for client in (place.client("other"), None):
        assert (await place.send("open", client, version)).status == 200


async def test_a_header_is_no_certificate_without_a_trusted_proxy(place: Place) -> None:
    value = f":{base64.b64encode(place.client('orders').der).decode()}:"
    answer = await ask(
        place.running.port,
        client_context(place.authority),
        place.running.paths["by-subject"],
        method="POST",
        headers={
            "client-cert": value,
            "x-forwarded-client-cert": "Subject=CN=orders",
            "x-forwarded-for": "::1",
        },
    )
    assert answer.status == 403


async def test_a_renewed_certificate_and_an_added_ca_count_on_the_running_server(place: Place) -> None:
    newcomer_ca = issue(place.folder, "newcomer-ca")
    newcomer = place.client("orders", newcomer_ca)
    renewed = issue(place.folder, "server", place.authority)  # the same files
    trusted = place.authority.certificate_path
    trust_both = client_context(place.authority)  # read before the file grows
    trusted.write_text(place.authority.pem + newcomer_ca.pem)
    shown = place.server.der
    path = place.running.paths["open"]
    while shown != renewed.der:  # within some seconds, at most as long as a test may take
        shown = (await ask(place.running.port, trust_both, path)).server_certificate
    answer = await ask(
        place.running.port,
        client_context(place.authority, newcomer),
        place.running.paths["by-subject"],
        method="POST",
    )
    assert answer.status == 200


# --- behind a proxy


def envoy(client: Identity) -> str:
    """Give what Envoy writes when it is told to set all details."""
    return (
        f'By=spiffe://edge;Hash={client.fingerprint};Cert="{quote(client.pem, safe="")}";'
        'Subject="CN=orders,O=Acme";DNS=orders.example.com'
    )


FORMS: Mapping[str, Callable[[Identity], str]] = {
    "nginx": lambda client: quote(client.pem, safe=""),
    "rfc-9440": lambda client: f":{base64.b64encode(client.der).decode()}:",
    "envoy": envoy,
}


@dataclass(frozen=True)
class Behind:
    """A server that trusts a proxy at 127.0.0.1, which every test is, and at no other address."""

    running: Running
    right: Identity
    other: Identity

    async def send(self, slug: str, headers: Mapping[str, str], *, peer: str = "127.0.0.1") -> int:
        """Send an event from *peer* (an address of loopback) and give the status."""
        connector = aiohttp.TCPConnector(local_addr=(peer, 0))
        url = f"http://127.0.0.1:{self.running.port}{self.running.paths[slug]}"
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.post(url, json={"n": 1}, headers=headers) as answer,
        ):
            return answer.status


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    home, folder = Home(tmp_path_factory.mktemp("behind")), tmp_path_factory.mktemp("certificates")
    for slug, wanted in WANTED.items():
        home.workflow(slug, f"name: Orders\ntrigger: {{webhook: {{client_certificate: {wanted}}}}}\n{STEPS}")
    home.workflow("local", f"name: Local\ntrigger: {{webhook: {{allow_ips: [127.0.0.0/8]}}}}\n{STEPS}")
    home.workflow(
        "far", f"name: Far\ntrigger: {{webhook: {{allow_ips: [203.0.113.0/24, '2001:db8::/32']}}}}\n{STEPS}"
    )
    authority = issue(folder, "authority")
    right, other = (
        issue(
            folder,
            name,
            authority,
            also=[x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Acme")],
            names=[x509.DNSName(f"{name}.example.com")],
        )
        for name in ("orders", "other")
    )
    with serving(
        home,
        HOOKLINE_SERVER_TRUSTED_PROXIES="127.0.0.1",
        HOOKLINE_SERVER_CLIENT_CERTIFICATE_HEADER="X-Client-Cert",
    ) as running:
        yield Behind(running, right, other)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("slug", WANTED)
async def test_a_trusted_proxy_s_header_is_the_sender_s_certificate(
    behind: Behind, slug: str, form: str
) -> None:
    assert await behind.send(slug, {"X-Client-Cert": FORMS[form](behind.right)}) == 200
    assert await behind.send(slug, {"X-Client-Cert": FORMS[form](behind.other)}) == 403


@pytest.mark.parametrize(
    "headers", [{}, {"X-Client-Cert": ""}, {"X-Client-Cert": "garbage"}], ids=["none", "empty", "garbage"]
)
async def test_a_trusted_proxy_that_saw_no_certificate_is_403(
    behind: Behind, headers: dict[str, str]
) -> None:
    assert await behind.send("by-subject", headers) == 403


async def test_the_same_header_from_any_other_peer_is_403(behind: Behind) -> None:
    headers = {"X-Client-Cert": FORMS["nginx"](behind.right), "X-Forwarded-For": "127.0.0.1"}
    assert await behind.send("by-subject", headers, peer="127.0.0.2") == 403


# --- allow_ips


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"X-Forwarded-For": "203.0.113.9"}, 200, id="allowed"),
        pytest.param({"Forwarded": 'for="[2001:db8::1]:4711";proto=https'}, 200, id="allowed-as-ipv6"),
        pytest.param({"X-Forwarded-For": "::ffff:203.0.113.9"}, 200, id="ipv4-inside-of-ipv6"),
        pytest.param({"X-Forwarded-For": "198.51.100.1"}, 403, id="another"),
        pytest.param({"X-Forwarded-For": "203.0.113.9, 198.51.100.1"}, 403, id="claimed-by-the-sender"),
        pytest.param({"X-Forwarded-For": "1203.0.113.9"}, 403, id="no-address"),
        pytest.param({"Forwarded": "for=203.0.113.9", "X-Forwarded-For": "198.51.100.1"}, 403, id="both"),
        pytest.param({}, 403, id="silence"),
    ],
)
async def test_behind_a_trusted_proxy_the_sender_s_address_counts(
    behind: Behind, headers: dict[str, str], status: int
) -> None:
    assert await behind.send("far", headers) == status


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP"])
async def test_any_other_peer_cannot_claim_an_address(behind: Behind, header: str) -> None:
    value = "for=203.0.113.9" if header == "Forwarded" else "203.0.113.9"
    assert await behind.send("far", {header: value}, peer="127.0.0.2") == 403


async def test_a_workflow_for_local_senders_is_not_reached_through_a_proxy(behind: Behind) -> None:
    """The proxy's own address is in the range that may send."""
    assert await behind.send("local", {"X-Forwarded-For": "198.51.100.1"}) == 403
    assert await behind.send("local", {}) == 403  # a proxy that does not say for whom
    assert (
        await behind.send("local", {"X-Forwarded-For": "198.51.100.1"}, peer="127.0.0.2") == 403
    )  # not named
    assert await behind.send("local", {}, peer="127.0.0.2") == 200
    assert await behind.send("local", {"X-Forwarded-For": "127.0.0.9"}) == 200
