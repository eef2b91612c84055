"""Which certificates are believed, and from where: PayPal's and Amazon SNS's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from hypothesis import given
from hypothesis import strategies as st

from runner.inbound.certificates import ROOTS, names_of, read_pins
from runner.inbound.providers import PROVIDERS
from runner.inbound.providers.aws_sns import CERTIFICATES as SNS
from runner.inbound.providers.aws_sns import confirm, confirmation_url
from runner.inbound.providers.paypal import CERTIFICATES as PAYPAL
from runner.inbound.providers.provider import Identity, Trust
from runner.inbound.request import Request
from runner.inbound.verdict import Fetch, Passed, Refused, Verdict
from runner.inbound.verify import verify
from tests.inbound import signers
from tests.inbound.signers import NOW, PAYPAL_CERTIFICATE_URL, SNS_CERTIFICATE_URL, TOPIC, days

LIVE = "messageverificationcerts.paypal.com"
WEBHOOK = {"webhook_id": "1JE4291016473214C"}
CONFIRM = {"confirm": True}
SUBSCRIBE = (
    f"https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37f"
)

GOOD_ADDRESSES = [
    (PAYPAL, PAYPAL_CERTIFICATE_URL),
    (PAYPAL, "https://api.paypal.com:443/v1/notifications/certs/CERT-1"),
    (PAYPAL, "https://api-m.paypal.com/v1/notifications/certs/CERT-1.pem"),
    (PAYPAL, "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1"),
    (PAYPAL, "https://api-m.sandbox.paypal.com/v1/notifications/certs/CERT-1"),
    (SNS, SNS_CERTIFICATE_URL),
    (SNS, "https://sns.us-gov-west-1.amazonaws.com/SimpleNotificationService-1.pem"),
    (SNS, "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-1.pem"),
    (SNS, "https://sns.ap-southeast-2.amazonaws.com:443/a.pem"),
]
HOSTILE_PAYPAL = [
    "http://api.paypal.com/v1/notifications/certs/CERT-1",
    "https://api.paypal.com.evil.com/v1/notifications/certs/CERT-1",
    "https://evilapi.paypal.com/v1/notifications/certs/CERT-1",
    "https://api.paypal.com@evil.com/v1/notifications/certs/CERT-1",
    "https://evil.com@api.paypal.com/v1/notifications/certs/CERT-1",
    "https://u:p@api.paypal.com/v1/notifications/certs/CERT-1",
    "https://api.paypal.com:8443/v1/notifications/certs/CERT-1",
    "https://api.paypal.com:/v1/notifications/certs/CERT-1",
    "https://api.paypal.com:443@evil.com/v1/notifications/certs/CERT-1",
    "https://api.paypal.com./v1/notifications/certs/CERT-1",
    "https://api.paypal.com\\@evil.com/v1/notifications/certs/CERT-1",
    "https://api.paypal.com/v1/notifications/certs/..",
    "https://api.paypal.com/v1/notifications/certs/../../x",
    "https://api.paypal.com/v1/notifications/certs/..%2f..%2fx",
    "https://api.paypal.com/v1/notifications/certs/%2e%2e",
    "https://api.paypal.com/v1/notifications/certs//evil.com",
    "https://api.paypal.com/v1/notifications/certs/a/../b",
    "https://api.paypal.com/v1/notifications/certs/",
    "https://api.paypal.com/v1/notifications/certs/CERT-1?x=https://evil.com",
    "https://api.paypal.com/v1/notifications/certs/CERT-1#x",
    "https://api.paypal.com/v1/notifications/certs/CERT-1\n",
    "https://api.paypal.com/v1/notifications/certs/CERT-1\r\nHost: evil.com",
    "https://api.paypal.com/v1/notifications/certs/CERT-1 ",
    "https://api.paypal.com/v1/notifications/certs/CERT-1\x00",
    "https://api.paypal.com/V1/notifications/certs/CERT-1",
    "https://api.paypal.com/v1/notifications/certs\\CERT-1",
    "https://api.paypal.com/x/v1/notifications/certs/CERT-1",
    "https://api.paypаl.com/v1/notifications/certs/CERT-1",  # a Cyrillic а
    "https://api。paypal.com/v1/notifications/certs/CERT-1",
    "https://xn--api.paypal.com/v1/notifications/certs/CERT-1",
    "https://apixpaypal.com/v1/notifications/certs/CERT-1",
    "https://api.paypalxcom/v1/notifications/certs/CERT-1",
    "https://127.0.0.1/v1/notifications/certs/CERT-1",
    "https://[::1]/v1/notifications/certs/CERT-1",
    "https://www.paypal.com/v1/notifications/certs/CERT-1",
    "https:api.paypal.com/v1/notifications/certs/CERT-1",
    "https:///api.paypal.com/v1/notifications/certs/CERT-1",
    "//api.paypal.com/v1/notifications/certs/CERT-1",
    "ftp://api.paypal.com/v1/notifications/certs/CERT-1",
    "file:///v1/notifications/certs/CERT-1",
    " https://api.paypal.com/v1/notifications/certs/CERT-1",
    "HTTPS://API.PAYPAL.COM/v1/notifications/certs/CERT-1",
    "https://api.paypal.com/v1/notifications/certs/" + "a" * 201,
    "cert_url",
]
HOSTILE_SNS = [
    "http://sns.us-east-1.amazonaws.com/a.pem",
    "https://sns.us-east-1.amazonaws.com.evil.com/a.pem",
    "https://sns.us-east-1.amazonaws.com.cn.evil.com/a.pem",
    "https://evil.com/sns.us-east-1.amazonaws.com/a.pem",
    "https://evilsns.us-east-1.amazonaws.com/a.pem",
    "https://sns.us-east-1.amazonaws.com@evil.com/a.pem",
    "https://evil.com#@sns.us-east-1.amazonaws.com/a.pem",
    "https://evil.com?@sns.us-east-1.amazonaws.com/a.pem",
    "https://evil.com\\@sns.us-east-1.amazonaws.com/a.pem",
    "https://sns.us-east-1.amazonaws.com\\.evil.com/a.pem",
    "https://sns.s3-us-west-2.amazonaws.com/a.pem",  # a bucket of the name "sns"
    "https://sns.s3.amazonaws.com/a.pem",
    "https://sns.s3.us-east-1.amazonaws.com/a.pem",
    "https://sns.s3-website-us-east-1.amazonaws.com/a.pem",
    "https://sns.execute-api.amazonaws.com/a.pem",
    "https://sns.amazonaws.com/a.pem",
    "https://sns.us-east-1.evil.amazonaws.com/a.pem",
    "https://sns.us-east-1.amazonaws.com:444/a.pem",
    "https://sns.us-east-1.amazonaws.com:0443/a.pem",
    "https://sns.us-east-1.amazonaws.com/a.pem.txt",
    "https://sns.us-east-1.amazonaws.com/a.pem?x=1",
    "https://sns.us-east-1.amazonaws.com/?x=a.pem",
    "https://sns.us-east-1.amazonaws.com/a/../b.pem",
    "https://sns.us-east-1.amazonaws.com/../b.pem",
    "https://sns.us-east-1.amazonaws.com//evil.com/b.pem",
    "https://sns.us-east-1.amazonaws.com/%2e%2e/b.pem",
    "https://sns.us-east-1.amazonaws.com/b.pem\n",
    "https://sns.us-east-1.amazonaws.com",
    "https://sns.us-east-1\n.amazonaws.com/a.pem",
    "https://snsxus-east-1xamazonaws.com/a.pem",
    "https://sns.ｕs-east-1.amazonaws.com/a.pem",
    "https://internetbadguys.com/cert.pem",
    "",
]


@pytest.mark.parametrize(("rule", "url"), GOOD_ADDRESSES)
def test_the_providers_own_addresses(rule: Any, url: str) -> None:
    assert rule.address.fullmatch(url)


@pytest.mark.parametrize("url", HOSTILE_PAYPAL)
@pytest.mark.parametrize("is_pinned", [False, True])
def test_nothing_else_is_fetched_for_paypal(url: str, *, is_pinned: bool) -> None:
    assert PAYPAL.address.fullmatch(url) is None
    if url.strip() != url:
        return  # white space around a header's value is no part of it
    options: dict[str, Any] = dict(WEBHOOK)
    if is_pinned:
        options["certificate"] = signers.pem(signers.certificate(LIVE, signers.rsa())).decode()
    request = signers.paypal()
    request = replace(request, headers={**request.headers, "paypal-cert-url": url})
    assert isinstance(judged("paypal", request, options), Refused)


@pytest.mark.parametrize("url", [*HOSTILE_SNS, None, 1, ["https://x"], {}])
def test_nothing_else_is_fetched_for_sns(url: Any) -> None:
    assert isinstance(judged("aws-sns", signers.sns(SigningCertURL=url), {}), Refused)
    request = signers.sns("SubscriptionConfirmation", SigningCertURL=url)
    assert confirm(request, Trust(options=CONFIRM)) is None


@given(
    st.text()
    | st.from_regex(r"https://sns\.[^/]{1,30}\.amazonaws\.com[^/]{0,10}/.{0,20}\.pem", fullmatch=True)
)
def test_an_address_that_passes_has_the_host_that_it_seems_to_have(url: str) -> None:
    if SNS.address.fullmatch(url):
        host = url.removeprefix("https://").partition("/")[0].removesuffix(":443")
        assert host.startswith("sns.")
        assert host.endswith((".amazonaws.com", ".amazonaws.com.cn"))
        assert host.isascii()
        assert not set(host) & set("@\\?#%: ")


def judged(
    name: str,
    request: Request,
    options: Mapping[str, Any],
    *,
    fetched: Mapping[str, bytes] | None = None,
    now: float = NOW,
) -> Verdict:
    return verify(request, PROVIDERS[name], Trust(options=options), now=now, fetched=fetched or {})


class TestFetched:
    """A certificate that was asked for, by PayPal's rule."""

    def verdict(self, pem: bytes, *, roots: bytes = b"", now: float = NOW, **options: Any) -> Verdict:
        fetched = {PAYPAL_CERTIFICATE_URL: pem, ROOTS: roots}
        return judged("paypal", signers.paypal(at=int(now)), WEBHOOK | options, fetched=fetched, now=now)

    def leaf(self, subject: str = LIVE, **more: Any) -> bytes:
        return signers.pem(signers.certificate(subject, signers.rsa(), **more))

    def test_it_is_asked_for_and_then_believed(self) -> None:
        assert judged("paypal", signers.paypal(), WEBHOOK) == Fetch(PAYPAL_CERTIFICATE_URL)
        assert self.verdict(self.leaf()) == Passed("PAYPAL-TRANSMISSION-SIG")
        assert isinstance(judged("aws-sns", signers.sns(), {}), Fetch)
        ours = signers.pem(signers.certificate("sns.amazonaws.com", signers.rsa()))
        for version in ("1", "2"):
            request = signers.sns(SignatureVersion=version)
            passed = judged("aws-sns", request, {}, fetched={SNS_CERTIFICATE_URL: ours})
            assert passed == Passed(f"Signature (version {version})")

    @pytest.mark.parametrize(
        "subject",
        ["evil.com", f"{LIVE}.evil.com", f"x{LIVE}", "*.paypal.com", LIVE.replace(".", ".sandbox.", 1)],
    )
    def test_another_subject_is_refused(self, subject: str) -> None:
        verdict = self.verdict(self.leaf(subject))
        assert isinstance(verdict, Refused)
        assert "is not for" in verdict.reason

    def test_the_sandbox_and_the_live_service_do_not_stand_for_each_other(self) -> None:
        url = "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1"
        for subject, passes in (("messageverificationcerts.sandbox.paypal.com", True), (LIVE, False)):
            verdict = judged("paypal", signers.paypal(url=url), WEBHOOK, fetched={url: self.leaf(subject)})
            assert isinstance(verdict, Passed) == passes

    def test_its_dates_count(self) -> None:
        assert "valid only from" in reason(self.verdict(self.leaf(begins=NOW + 60)))
        assert "was valid until" in reason(self.verdict(self.leaf(ends=NOW - 60)))

    @pytest.mark.parametrize(
        "pem", [b"", b"x", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"\xff" * 100]
    )
    def test_what_is_no_certificate_is_refused(self, pem: bytes) -> None:
        assert "cannot be read" in reason(self.verdict(pem))

    def test_a_weak_or_another_kind_of_key_is_refused(self) -> None:
        weak = signers.pem(signers.certificate(LIVE, signers.rsa("weak", 1024)))
        assert "1024 bits" in reason(self.verdict(weak))
        other = signers.pem(signers.certificate(LIVE, signers.p256()))
        assert "not RSA" in reason(self.verdict(other))

    def test_a_long_file_is_refused(self) -> None:
        assert "more than 10" in reason(self.verdict(self.leaf() * 11))

    def test_a_chain_has_to_lead_to_an_authority(self) -> None:
        root = signers.certificate("Root", signers.p256("root"), is_authority=True)
        between = signers.certificate(
            "Between", signers.p256("between"), issuer=(root, signers.p256("root")), is_authority=True
        )
        leaf = signers.certificate(LIVE, signers.rsa(), issuer=(between, signers.p256("between")))
        stranger = signers.certificate("Root", signers.p256("stranger"), is_authority=True)
        chain = signers.pem(leaf, between)

        assert isinstance(self.verdict(chain, roots=signers.pem(root)), Passed)
        assert isinstance(self.verdict(chain, roots=signers.pem(stranger, root)), Passed)
        assert "does not lead" in reason(self.verdict(chain, roots=signers.pem(stranger)))
        forged = signers.pem(signers.certificate(LIVE, signers.rsa()), between)
        assert "does not lead" in reason(self.verdict(forged, roots=signers.pem(root)))
        # nothing to follow it with: host, TLS and subject decide
        assert isinstance(self.verdict(signers.pem(leaf), roots=signers.pem(root)), Passed)
        assert isinstance(self.verdict(chain), Passed)

    def test_pinned_by_fingerprint_only_that_one_passes(self) -> None:
        ours, other = (signers.certificate(LIVE, signers.rsa(one)) for one in ("sender", "another"))
        pins = [one.fingerprint(hashes.SHA256()).hex() for one in (ours, other)]
        colons = ":".join(pins[0][at : at + 2] for at in range(0, 64, 2)).upper()
        for option in (pins[0], colons, f"{pins[1]}, {pins[0]}", pins):
            assert isinstance(self.verdict(signers.pem(ours), certificate=option), Passed)
        assert "fingerprint" in reason(self.verdict(signers.pem(ours), certificate=pins[1]))


def reason(verdict: Verdict) -> str:
    assert isinstance(verdict, Refused), verdict
    return verdict.reason


class TestPinned:
    def test_a_pinned_certificate_is_believed_as_it_is(self) -> None:
        """A person chose it: neither its dates nor its subject count, and nothing is fetched."""
        old = signers.certificate("whoever", signers.rsa(), begins=0, ends=days(1))
        options = {"certificate": signers.pem(old).decode()}
        assert isinstance(judged("aws-sns", signers.sns(), options), Passed)
        verdict = judged("aws-sns", signers.sns(key="another"), options)
        assert isinstance(verdict, Refused)
        assert verdict.code == "mismatch"

    def test_any_of_several(self) -> None:
        several = signers.pem(*(signers.certificate("a", signers.rsa(one)) for one in ("another", "sender")))
        assert isinstance(judged("aws-sns", signers.sns(), {"certificate": several.decode()}), Passed)

    @pytest.mark.parametrize(
        "option",
        ["x", "00" * 31, "-----BEGIN CERTIFICATE-----", "\ud800", 12, ["x"], {"a": 1}, "00" * 32 + " x"],
    )
    def test_what_is_neither_refuses_everything(self, option: Any) -> None:
        verdict = judged("aws-sns", signers.sns(), {"certificate": option})
        assert isinstance(verdict, Refused)
        assert verdict.code == "no_secret"

    def test_unset_is_no_pin(self) -> None:
        for option in (None, "", [], ["", None]):
            assert read_pins(option) is None


@pytest.fixture(scope="module")
def options() -> dict[str, Any]:
    """SNS's, with the tests' own certificate."""
    return {"certificate": signers.pem(signers.certificate("a", signers.rsa())).decode()}


class TestSns:
    def test_a_topic_that_is_not_listed_is_refused(self, options: dict[str, Any]) -> None:
        assert isinstance(judged("aws-sns", signers.sns(), options | {"topics": [TOPIC]}), Passed)
        verdict = judged("aws-sns", signers.sns(), options | {"topics": [f"{TOPIC}x", TOPIC[:-1]]})
        assert isinstance(verdict, Refused)
        assert verdict.code == "not_allowed"

    def test_a_raw_delivery_is_refused_with_its_reason(self, options: dict[str, Any]) -> None:
        headers = {"x-amz-sns-message-type": "Notification", "x-amz-sns-rawdelivery": "true"}
        verdict = judged("aws-sns", signers.request(b"hello", headers), options)
        assert isinstance(verdict, Refused)
        assert (verdict.code, "raw" in verdict.hint) == ("unsupported", True)

    @pytest.mark.parametrize("version", ["0", "3", "", None, True, [1], "1 "])
    def test_an_unknown_version_is_refused(self, version: Any, options: dict[str, Any]) -> None:
        verdict = judged("aws-sns", signers.sns(SignatureVersion=version), options)
        assert isinstance(verdict, Refused)
        assert verdict.code == "unsupported"

    def test_a_subject_is_signed_where_there_is_one(self, options: dict[str, Any]) -> None:
        assert isinstance(judged("aws-sns", signers.sns(Subject="Hi"), options), Passed)
        body = {**json.loads(signers.sns().body), "Subject": "added"}
        verdict = judged("aws-sns", signers.request(json.dumps(body).encode(), {}), options)
        assert isinstance(verdict, Refused)

    def test_a_confirmation_is_visited_only_where_the_workflow_says_so(self, options: dict[str, Any]) -> None:
        request = signers.sns("SubscriptionConfirmation")
        assert isinstance(judged("aws-sns", request, options), Passed)
        reply = confirm(request, Trust(options=CONFIRM))
        assert reply is not None
        assert reply.visit == SUBSCRIBE
        for option in ({}, {"confirm": False}, {"confirm": "true"}):
            assert confirm(request, Trust(options=option)) is None
        assert confirm(signers.sns(), Trust(options=CONFIRM)) is None
        assert confirm(signers.sns("UnsubscribeConfirmation"), Trust(options=CONFIRM)) is None

    @pytest.mark.parametrize(
        "url",
        [
            "https://evil.example.com/",
            SUBSCRIBE.replace("us-east-1", "eu-west-1"),
            SUBSCRIBE.replace("https", "http"),
            SUBSCRIBE.replace("ConfirmSubscription", "DeleteTopic"),
            SUBSCRIBE.replace(TOPIC, f"{TOPIC}x"),
            SUBSCRIBE.replace("2336412f37f", "x"),
            SUBSCRIBE.replace("Topic", "Action=Publish&Topic"),
            SUBSCRIBE.replace("/?", "/x?"),
            SUBSCRIBE.replace("/?", "@evil.com/?"),
            SUBSCRIBE.replace("/?", ".evil.com/?"),
            f"{SUBSCRIBE}#x",
            f"{SUBSCRIBE}\n",
            "",
            None,
            5,
        ],
    )
    def test_a_confirmation_elsewhere_is_not_visited(self, url: Any) -> None:
        request = signers.sns("SubscriptionConfirmation", SubscribeURL=url)
        assert confirm(request, Trust(options=CONFIRM)) is None
        assert confirmation_url(json.loads(request.body)) is None

    def test_what_a_message_is(self) -> None:
        identify = PROVIDERS["aws-sns"].identify
        request = signers.sns(Subject="Order")
        number = "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324"
        assert identify(request, request.json) == Identity("Notification", ("Order",), number)
        assert PROVIDERS["aws-sns"].reads_as == "application/json"
        payloads: list[Any] = [None, [], "text", {"Type": 5, "MessageId": []}]
        for payload in payloads:
            assert identify(request, payload).delivery_id is None


def test_paypal_wants_its_algorithm_and_its_webhooks_id() -> None:
    request = signers.paypal()
    other = replace(request, headers={**request.headers, "paypal-auth-algo": "SHA1withRSA"})
    options = WEBHOOK | {"certificate": signers.pem(signers.certificate("a", signers.rsa())).decode()}
    for verdict, code in (
        (judged("paypal", other, options), "unsupported"),
        (judged("paypal", request, options | {"webhook_id": "2"}), "mismatch"),
        (judged("paypal", request, {}), "no_secret"),
    ):
        assert isinstance(verdict, Refused)
        assert verdict.code == code


def test_the_names_of_a_certificate() -> None:
    assert names_of(signers.certificate("a.example.com", signers.rsa())) == {"a.example.com"}
