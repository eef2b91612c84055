"""
Amazon SNS: the signature stands in the body and covers chosen fields; the certificate is named there
too. A topic sends nothing before its subscription is confirmed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives import hashes

from runner.inbound.asymmetric import ONLY_THE_PROVIDER, base64_bytes, is_signed, when_stale
from runner.inbound.certificates import CertificateRule, signing_keys
from runner.inbound.jwt import texts
from runner.inbound.providers.naming import text
from runner.inbound.providers.provider import Identity, Option, Provider, Trust
from runner.inbound.request import Request
from runner.inbound.timestamps import read_timestamp
from runner.inbound.verdict import Fetch, Passed, Refused, Reply, Verdict
from runner.values import Json

PAGE = "https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html"
RETRIES_SECONDS = 3600.0 + 300.0  # SNS gives up after an hour at most
# A region by its form (us-east-1, us-gov-west-1): Amazon's own sns.[a-z0-9-]{3,} would also match the
# bucket "sns" of S3 at sns.s3-us-west-2.amazonaws.com, where its owner may put what he likes.
HOST = r"sns\.[a-z]{2,3}(?:-[a-z]{2,12}){1,2}-[0-9]{1,2}\.amazonaws\.com(?:\.cn)?"
CERTIFICATES = CertificateRule(
    address=re.compile(rf"https://(?P<host>{HOST})(?::443)?/[A-Za-z0-9_-]{{1,200}}\.pem"),
    subject=lambda _match: "sns.amazonaws.com",
    page=PAGE,
)
SUBSCRIBE = re.compile(rf"https://(?P<host>{HOST})(?::443)?/\?[A-Za-z0-9=&%:._*~+-]{{1,2000}}")
DIGESTS: Mapping[str, hashes.HashAlgorithm] = {
    "1": hashes.SHA1(),  # noqa: S303 - how SNS signs unless a topic asks for version 2
    "2": hashes.SHA256(),
}
CONFIRMATIONS = ("SubscriptionConfirmation", "UnsubscribeConfirmation")
NOTIFICATION_FIELDS = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
CONFIRMATION_FIELDS = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


def signed_text(body: Mapping[str, Json]) -> bytes | None:
    """What SNS signs of a message: its chosen fields, each as name, line feed, value, line feed."""
    is_notification = body.get("Type") == "Notification"
    if not is_notification and body.get("Type") not in CONFIRMATIONS:
        return None
    lines = []
    for name in NOTIFICATION_FIELDS if is_notification else CONFIRMATION_FIELDS:
        value = body.get(name)
        if name == "Subject" and value is None:
            continue
        if not isinstance(value, str):
            return None
        lines.append(f"{name}\n{value}\n")
    return "".join(lines).encode(errors="replace")


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """The signature inside a message of SNS, versions 1 and 2."""

    def applies(self, request: Request) -> bool:
        """Whether it is a message of SNS at all; one delivered raw bears no signature."""
        return "x-amz-sns-message-type" in request.headers

    def check(self, request: Request, trust: Trust, *, now: float, fetched: Mapping[str, bytes]) -> Verdict:
        """Judge, and hold the topic against the option `topics`."""
        if request.header("x-amz-sns-rawdelivery").lower() == "true":
            return Refused(
                "unsupported",
                "the message was delivered raw, which SNS does not sign",
                "turn off raw message delivery of the subscription",
            )
        body = request.json
        if not isinstance(body, dict):
            return Refused("missing", "the body is no message of SNS: it is no JSON object")
        digest = DIGESTS.get(str(body.get("SignatureVersion")))
        if digest is None:
            return Refused("unsupported", "the field SignatureVersion is neither 1 nor 2")
        if not isinstance(body.get("Signature"), str) or not body["Signature"]:
            return Refused("missing", "the field Signature is missing or empty")
        message, moment = signed_text(body), read_timestamp(str(body.get("Timestamp")), "rfc3339")
        try:
            signature = base64_bytes(body["Signature"])
        except ValueError:
            return Refused("malformed", "the field Signature is not base64")
        if message is None or moment is None:
            return Refused("malformed", "the fields Type, Timestamp and those that are signed are not SNS's")
        keys = signing_keys(
            body.get("SigningCertURL"),
            CERTIFICATES,
            pinned=trust.options.get("certificate"),
            where="SigningCertURL",
            now=now,
            fetched=fetched,
        )
        if isinstance(keys, Refused | Fetch):
            return keys
        if not any(is_signed(key, signature, message, digest) for key in keys):
            return Refused(
                "mismatch",
                "the field Signature does not sign this message",
                "the message was changed on its way, or its JSON written anew",
            )
        stale = when_stale(moment, trust, now=now, where="the field Timestamp", default=RETRIES_SECONDS)
        topics = texts(trust.options.get("topics"))
        if stale is None and topics and body["TopicArn"] not in topics:
            return Refused(
                "not_allowed",
                "the message is of a topic that is not listed in `topics`",
                "add the topic's ARN there, if it is yours",
            )
        return stale or Passed(f"Signature (version {body['SignatureVersion']})")

    def sign(self, request: Request, trust: Trust, *, now: float) -> Request:
        """
        Never.

        Raises:
            NotImplementedError: always; only Amazon has the private key.
        """
        raise NotImplementedError(ONLY_THE_PROVIDER)


def confirm(request: Request, trust: Trust) -> Reply | None:
    """
    Confirm a subscription, if the workflow has `confirm: true`: visit the address that the (verified)
    message gives, which must be the same SNS host's for the same topic. Else it is an event like others.
    """
    if trust.options.get("confirm") is not True:
        return None
    if request.header("x-amz-sns-message-type") != "SubscriptionConfirmation":
        return None  # most requests are told by this header, without reading the body
    body = request.json
    if not isinstance(body, dict) or body.get("Type") != "SubscriptionConfirmation":
        return None
    url = confirmation_url(body)
    if url is None:
        return None
    return Reply(f"confirmed the subscription to {body['TopicArn']}", visit=url)


def confirmation_url(body: Mapping[str, Json]) -> str | None:
    """The SubscribeURL of a message, if it confirms this topic at the host of its certificate."""
    url, certificate_url = body.get("SubscribeURL"), body.get("SigningCertURL")
    if not isinstance(url, str) or not isinstance(certificate_url, str):
        return None
    there, signer = SUBSCRIBE.fullmatch(url), CERTIFICATES.address.fullmatch(certificate_url)
    if there is None or signer is None or there["host"] != signer["host"]:
        return None
    asked = parse_qs(urlsplit(url).query, keep_blank_values=True)
    expected = {"Action": "ConfirmSubscription", "TopicArn": body.get("TopicArn"), "Token": body.get("Token")}
    return url if all(asked.get(name) == [value] for name, value in expected.items()) else None


def identify(_request: Request, payload: Json) -> Identity:
    """The message's Type, found also by its subject; MessageId stays the same when it is sent again."""
    subject = text(payload, "Subject")
    return Identity(text(payload, "Type"), (subject,) if subject else (), text(payload, "MessageId"))


AWS_SNS = Provider(
    name="aws-sns",
    title="Amazon SNS",
    page=PAGE,
    schemes=(SignedMessage(),),
    identify=identify,
    signed=(confirm,),
    options=(
        Option("topics", "The ARNs of the topics to accept; without it any topic of any account passes.",
               "texts", example=["arn:aws:sns:eu-west-1:123456789012:orders"]),
        Option("confirm", "Whether to confirm subscriptions by itself.", "boolean", example=True),
        Option("certificate", "The only certificates to believe, as PEM, or SHA-256 fingerprints of them.",
               example="-----BEGIN CERTIFICATE-----…"),
    ),
    needs_secret=False,
    reads_as="application/json",  # it says text/plain; charset=UTF-8
    timeout_seconds=15.0,
    retries="After a 5xx or 429 three more times, 20 s apart, as the topic's policy says; no other 4xx.",
    setup=(
        "List the topic's ARN under `topics`, and write `confirm: true`.",
        "Create a subscription of the topic with protocol HTTPS and endpoint {url}; raw delivery off.",
        "Without `confirm` the confirmation arrives as an event: visit its SubscribeURL within 3 days.",
    ),
)  # fmt: skip
