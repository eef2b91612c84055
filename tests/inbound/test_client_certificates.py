"""Whose certificate a sender showed, in every form in which proxies tell it."""

from __future__ import annotations

import base64
import ipaddress
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from runner.inbound.client_certificates import (
    PeerCertificate,
    Shown,
    read_certificate,
    read_forwarded,
    read_subject,
    refusal,
    shown_certificate,
)
from runner.language.workflow import ClientCertificate
from tests.servers.certificates import Identity, issue

NAMES = [
    x509.DNSName("Orders.example.com"),
    x509.RFC822Name("Ops@example.com"),
    x509.UniformResourceIdentifier("spiffe://example.com/orders"),
    x509.IPAddress(ipaddress.ip_address("2001:db8::1")),
]


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    """Give a certificate with a rich subject and every kind of alternative name."""
    return issue(
        tmp_path_factory.mktemp("certificates"),
        "orders",
        also=[
            x509.NameAttribute(NameOID.COUNTRY_NAME, "GR"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Açme, Inc."),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Shop"),
        ],
        names=NAMES,
    )


@pytest.fixture(scope="module")
def shown(identity: Identity) -> Shown:
    """Give it as shown on the connection."""
    return shown_certificate({"der": identity.der}, {}, header="", is_from_proxy=False)


@pytest.mark.parametrize(
    "subject",
    [
        "orders", "CN=orders", "cn=orders", "CN=orders,O=Açme\\, Inc.", "O=A\\C3\\A7me\\2C Inc. , C=GR",
        "2.5.4.3=orders", "OU=Shop+CN=orders",
    ],
)  # fmt: skip
def test_a_subject_fits_by_its_common_name_or_by_the_attributes_that_are_given(
    shown: Shown, subject: str
) -> None:
    assert refusal(ClientCertificate(subject=subject), shown) is None


@pytest.mark.parametrize(
    "subject",
    [
        "order", "Orders", "orders ", "Shop", "*", "CN=orders,O=Other", "O=Acme", "CN=orders,L=Athens",
        "CN=orders,XX=1", "CN=", "O=orders", "CN=orders\\,O=Açme",
    ],
)  # fmt: skip
def test_another_subject_does_not_fit_and_the_reason_names_both(shown: Shown, subject: str) -> None:
    reason = refusal(ClientCertificate(subject=subject), shown)
    assert reason
    assert subject in reason
    assert "CN=orders" in reason


@pytest.mark.parametrize(
    ("san", "fits"),
    [
        ("orders.example.com", True),
        ("ORDERS.EXAMPLE.COM", True),
        ("Ops@example.com", True),
        ("ops@example.com", False),
        ("spiffe://example.com/orders", True),
        ("spiffe://example.com/Orders", False),
        ("2001:db8:0:0::1", True),
        ("2001:db8::2", False),
        ("example.com", False),
        ("*.example.com", False),
        ("orders", False),
    ],
)
def test_an_alternative_name_fits_exactly_a_host_s_in_any_case(shown: Shown, san: str, fits: bool) -> None:
    reason = refusal(ClientCertificate(san=san), shown)
    assert (reason is None) is fits
    assert fits or (reason and san in reason and "spiffe://" in reason)


def test_a_fingerprint_fits_with_colons_or_without(shown: Shown, identity: Identity) -> None:
    plain = identity.fingerprint
    with_colons = ":".join(plain[at : at + 2] for at in range(0, 64, 2)).upper()
    for fingerprint in (plain, plain.upper(), with_colons):
        assert refusal(ClientCertificate(fingerprint=fingerprint), shown) is None
    for fingerprint in ("0" * 64, plain[:-1], ""):
        assert refusal(ClientCertificate(fingerprint=fingerprint), shown)


def test_all_that_is_given_must_fit(shown: Shown) -> None:
    assert refusal(ClientCertificate(subject="orders", san="orders.example.com"), shown) is None
    assert refusal(ClientCertificate(subject="orders", san="other.example.com"), shown)
    assert refusal(ClientCertificate(subject="other", san="orders.example.com"), shown)


def test_no_certificate_fits_nothing() -> None:
    assert refusal(ClientCertificate(subject="a"), Shown()) == "no client certificate was shown"


def pem_as(form: str, identity: Identity) -> str:
    """The certificate as a proxy of that name writes it."""
    der = base64.b64encode(identity.der).decode()
    escaped = quote(identity.pem, safe="")
    return {
        "nginx": escaped,
        "aws": quote(identity.pem, safe="+=/"),
        "apache": identity.pem.replace("\n", " "),
        "rfc-9440": f":{der}:",
        "traefik": der,
        "traefik-escaped": quote(der, safe=""),
        "envoy": f'By=spiffe://a/b;Hash={identity.fingerprint};Cert="{escaped}";Subject=""',
    }[form]


@pytest.mark.parametrize(
    "form", ["nginx", "aws", "apache", "rfc-9440", "traefik", "traefik-escaped", "envoy"]
)
def test_a_trusted_proxy_s_header_is_the_certificate_in_every_form(
    shown: Shown, identity: Identity, form: str
) -> None:
    headers = {"x-client-cert": pem_as(form, identity)}
    behind = shown_certificate(None, headers, header="X-Client-Cert", is_from_proxy=True)
    assert behind == shown


def test_envoy_s_fields_are_enough_without_the_certificate() -> None:
    value = (
        r'Hash=AB12;Subject="CN=orders,O=Acme\, Inc.";URI=spiffe://example.com/orders;'
        "DNS=Orders.example.com;DNS=b.example.com"
    )
    certificate = read_forwarded(value)
    assert certificate.fingerprint == "ab12"
    assert certificate.subject == {("2.5.4.3", "orders"), ("2.5.4.10", "Acme, Inc.")}
    assert certificate.names == {
        ("uri", "spiffe://example.com/orders"),
        ("dns", "orders.example.com"),
        ("dns", "b.example.com"),
    }


def test_of_envoy_s_elements_the_nearest_proxy_s_counts() -> None:
    forged = 'Hash=aa;Subject="CN=admin";URI=spiffe://example.com/admin'
    certificate = read_forwarded(f'{forged},By=x;Hash=bb;Subject="CN=guest, O=Acme";DNS=guest.example.com')
    assert certificate == PeerCertificate(
        frozenset({("2.5.4.3", "guest"), ("2.5.4.10", "Acme")}),
        frozenset({("dns", "guest.example.com")}),
        "bb",
    )


def test_a_subject_in_the_old_form_of_envoy_fits_nothing() -> None:
    """Its values are not escaped: O=x/CN=admin is one name or two."""
    certificate = read_forwarded('Hash=aa;Subject="/C=US/O=x/CN=admin"')
    assert refusal(ClientCertificate(subject="admin"), Shown(certificate))


def test_the_header_of_anybody_else_is_ignored_and_noted(shown: Shown, identity: Identity) -> None:
    headers = {"client-cert": pem_as("rfc-9440", identity)}
    ignored = shown_certificate(None, headers, header="Client-Cert", is_from_proxy=False)
    assert ignored.certificate is None
    reason = refusal(ClientCertificate(subject="orders"), ignored)
    assert reason
    assert "does not come from a trusted proxy" in reason
    beside = shown_certificate({"der": identity.der}, headers, header="Client-Cert", is_from_proxy=False)
    assert beside.certificate == shown.certificate
    assert beside.note


def test_without_the_setting_no_header_counts(identity: Identity) -> None:
    headers = {"client-cert": pem_as("rfc-9440", identity), "": pem_as("rfc-9440", identity)}
    assert shown_certificate(None, headers, header="", is_from_proxy=True) == Shown()


@pytest.mark.parametrize("value", ["", "-", "(null)"])
def test_the_certificate_of_the_proxy_s_own_connection_is_not_the_sender_s(
    identity: Identity, value: str
) -> None:
    own = {"der": identity.der}
    found = shown_certificate(own, {"client-cert": value}, header="Client-Cert", is_from_proxy=True)
    assert found.certificate is None
    assert "sent no Client-Cert" in found.note


@pytest.mark.parametrize(
    "value",
    [
        "garbage", "::", ":!:", ":AAAA:", "%ff%fe", "AAAA", 'Hash=a;Subject="open', "SUCCESS",
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----", "-----BEGIN PRIVATE KEY-----",
    ],
)  # fmt: skip
def test_a_header_that_holds_no_certificate_shows_none_and_says_why(value: str) -> None:
    found = shown_certificate(None, {"client-cert": value}, header="Client-Cert", is_from_proxy=True)
    if value.startswith("Hash"):
        assert "quote" in found.note
    assert found.certificate is None
    assert "cannot be read" in found.note


@pytest.mark.parametrize("form", ["nginx", "apache", "rfc-9440", "traefik"])
def test_a_header_that_was_added_to_one_of_the_sender_s_is_refused(identity: Identity, form: str) -> None:
    one = pem_as(form, identity)
    with pytest.raises(ValueError, match=r"no|several"):
        read_forwarded(f"{one}, {one}")


@pytest.mark.parametrize(
    "text", ["", "orders", "=a", "CN", "a=b", "CN=a,", "CN=a;O=b", 'CN="a"', "CN=a,,O=b"]
)
def test_what_is_no_subject_is_read_as_none(text: str) -> None:
    assert read_subject(text) is None


@pytest.mark.parametrize("text", ["CN=" + " " * 16_000 + "\\", "CN=a," * 4_000 + '"', "CN=" + "\\ " * 8_000])
def test_a_long_subject_is_read_quickly(text: str) -> None:
    began = time.process_time()
    read_subject(text)
    assert time.process_time() - began < 0.25


@given(
    value=st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: f":{base64.b64encode(raw).decode()}:")
)
def test_any_header_is_a_certificate_or_a_value_error(value: str) -> None:
    shown_certificate(None, {"client-cert": value}, header="Client-Cert", is_from_proxy=True)


@given(der=st.binary(max_size=100))
def test_any_bytes_are_a_certificate_or_a_value_error(der: bytes) -> None:
    with pytest.raises(ValueError, match="no certificate"):
        read_certificate(der)


def test_a_certificate_without_alternative_names_says_so(tmp_path: Path) -> None:
    plain = issue(tmp_path, "plain", names=())
    shown = Shown(read_certificate(plain.der))
    assert (refusal(ClientCertificate(san="plain"), shown) or "").endswith("it has none")
