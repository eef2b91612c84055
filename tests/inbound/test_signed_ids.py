"""A request that is sent again with other unsigned headers is the same delivery: what is signed names it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runner.errors import InboundError
from runner.inbound.bounds import Bounds
from runner.inbound.decode import decode
from runner.inbound.providers import PROVIDERS
from runner.inbound.providers.provider import Identity, Trust
from runner.inbound.request import Request
from runner.inbound.samples import sample, samples_of
from runner.inbound.verdict import Passed
from runner.inbound.verify import verify
from tests.inbound.senders import NOW, SYMMETRIC, URL, judged, trusting

# their delivery ids stand in headers that nobody signs, by their own design, or they have none
BY_DESIGN = {
    "bitbucket", "cloudevents", "dropbox", "github", "linear", "razorpay", "sentry", "shopify", "woocommerce",
}  # fmt: skip
# whose bodies nobody signs either, or (WebSub) may be of any type, which a header alone says
UNSIGNED = {"gitlab", "telegram", "wechat", "mailgun", "websub"}


def identified(name: str, request: Request) -> Identity | None:
    """None where it is not even read."""
    provider = PROVIDERS[name]
    content_type = provider.reads_as or request.header("content-type")
    try:
        payload = decode(request.body, content_type=content_type, bounds=Bounds()).payload
    except InboundError:
        return None
    return provider.identify(request, payload)


def test_of_svix_and_standard_webhooks_the_id_is_that_of_the_signature() -> None:
    trust = Trust(("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLw==",))
    for name, prefix, other in (("svix", "svix", "webhook"), ("standard-webhooks", "webhook", "svix")):
        made = sample(name, samples_of(name)[0], now=NOW, entropy=b"").to(URL)
        request = PROVIDERS[name].schemes[0].sign(made, trust, now=NOW)
        own = request.header(f"{prefix}-id")
        forged = {f"{other}-id": "fresh", f"{other}-timestamp": "1", f"{other}-signature": "v1,x"}
        for headers in ({f"{other}-id": "fresh"}, forged):
            again = replace(request, headers={**headers, **request.headers})
            assert isinstance(verify(again, PROVIDERS[name], trust, now=NOW, fetched={}), Passed)
            found = identified(name, again)
            assert found
            assert found.delivery_id == own
    swapped = replace(request, headers={"svix-id": "fresh", **request.headers})
    assert isinstance(verify(swapped, PROVIDERS["svix"], trust, now=NOW, fetched={}), Passed)
    found = identified("svix", swapped)
    assert found
    assert found.delivery_id == own  # by webhook-…, which Svix's receivers accept too


def test_gitlabs_signed_id_comes_before_those_that_are_not() -> None:
    headers = {"webhook-id": "signed", "idempotency-key": "fresh", "x-gitlab-event-uuid": "fresh"}
    assert identified("gitlab", Request("POST", URL, headers, b"{}")) == Identity(delivery_id="signed")


@pytest.mark.parametrize("name", sorted(set(SYMMETRIC) - BY_DESIGN - UNSIGNED))
@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-ndjson", "application/octet-stream", "text/xml", "", "text/csv",
     "application/json; charset=utf-16", "application/x-www-form-urlencoded; charset=utf-16",
     "application/x-www-form-urlencoded"],
)  # fmt: skip
def test_another_content_type_makes_no_other_delivery(name: str, content_type: str) -> None:
    made = sample(name, samples_of(name)[0], now=NOW, entropy=b"").to(URL)
    request = PROVIDERS[name].schemes[0].sign(made, trusting(name), now=NOW)
    first = identified(name, request)
    assert first
    assert first.delivery_id
    again = replace(request, headers={**request.headers, "content-type": content_type})
    if not isinstance(judged(name, again), Passed):
        return
    second = identified(name, again)
    assert second is None or second.delivery_id == first.delivery_id
