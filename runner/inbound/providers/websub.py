"""WebSub: feeds that a hub pushes (W3C Recommendation; YouTube and many blogs)."""

from __future__ import annotations

from collections.abc import Mapping

from runner.inbound.claim import ASK_SENDER, Plain, in_header
from runner.inbound.digests import DIGEST_BYTES
from runner.inbound.providers.naming import field, text
from runner.inbound.providers.provider import Identity, Option, Provider, Trust
from runner.inbound.providers.replies import say
from runner.inbound.request import Request
from runner.inbound.signature import Hmac
from runner.inbound.verdict import Refused, Reply, Verdict
from runner.values import Json

HEADER = "X-Hub-Signature"
METHODS: dict[str, Hmac] = {
    name: Hmac(in_header(HEADER, Plain(f"{name}=")), algorithm=name) for name in DIGEST_BYTES
}


class ByMethod:
    """The header names its algorithm: `sha256=…`. Source: WebSub, section 7.1."""

    def applies(self, request: Request) -> bool:
        """Whether the header is there."""
        return HEADER.lower() in request.headers

    def check(self, request: Request, trust: Trust, *, now: float, fetched: Mapping[str, bytes]) -> Verdict:
        """Judge by the algorithm that is named, of those the recommendation lists."""
        if not self.applies(request):
            return Refused("missing", f"the request has no {HEADER}", ASK_SENDER)
        method = request.header(HEADER.lower()).partition("=")[0]
        if method not in METHODS:
            return Refused("unsupported", f"{HEADER} names none of {', '.join(METHODS)}")
        return METHODS[method].check(request, trust, now=now, fetched=fetched)

    def sign(self, request: Request, trust: Trust, *, now: float) -> Request:
        """Sign with SHA-256."""
        return METHODS["sha256"].sign(request, trust, now=now)


def intent(request: Request, trust: Trust) -> Reply | None:
    """
    Confirm what the hub asks: a subscription to a topic that the workflow names, or the end of one that
    it does not name (any more). So nobody else can subscribe this address, or end what it wants.
    Source: WebSub, section 5.3.
    """
    query = request.query
    mode = query.get("hub.mode")
    if request.method != "GET" or mode is None:
        return None
    topic = query.get("hub.topic", "")
    if mode == "denied":
        return say(f"the hub denied the subscription to {topic[:200]}: {query.get('hub.reason', '')[:200]}")
    named = trust.options.get("topic")
    topics = named if isinstance(named, list | tuple) else [named]
    if mode in ("subscribe", "unsubscribe") and "hub.challenge" in query:
        if (topic in topics) is (mode == "subscribe"):
            return say(f"confirmed to {mode}: {topic[:200]}", query["hub.challenge"])
        why = "`topic` does not name it" if mode == "subscribe" else "`topic` names it"
        return say(f"did not confirm to {mode} {topic[:200]}: {why}", status=404)
    return say("did not confirm: no mode of WebSub, or no challenge", status=404)


def identify(_request: Request, payload: Json) -> Identity:
    """A feed has no type. One entry's id and time of change stand for the whole."""
    entry = field(payload, "feed.entry")
    if isinstance(entry, list):
        entry = entry[0] if len(entry) == 1 else None
    name, updated = text(entry, "id"), text(entry, "updated")
    return Identity(delivery_id=f"{name}:{updated}" if name and updated else None)


WEBSUB = Provider(
    name="websub",
    title="WebSub",
    page="https://www.w3.org/TR/websub/",
    schemes=(ByMethod(),),
    identify=identify,
    unsigned=(intent,),
    options=(
        Option(
            "topic",
            "The topics (addresses of feeds) that are subscribed to; only these are confirmed to a hub.",
            kind="texts",
            example=["https://www.youtube.com/xml/feeds/videos.xml?channel_id=UC123"],
        ),
    ),
    retries="The hub decides.",
    setup=(
        "Name the feed's own address (its link rel=self) under `topic`.",
        (
            "POST to its hub (link rel=hub) as a form: hub.mode=subscribe, hub.topic, hub.callback={url} and,"
            " as hub.secret, the value of the secret that `verify` names."
        ),
        "Subscribe again before hub.lease_seconds are over.",
    ),
)
