"""WeChat's official accounts, in plain text mode: the body of the safe mode is encrypted and not read."""

from __future__ import annotations

from runner.inbound.providers.naming import text
from runner.inbound.providers.provider import Identity, Provider, Trust
from runner.inbound.providers.replies import say
from runner.inbound.request import Request
from runner.inbound.tokens import SortedDigest
from runner.inbound.verdict import Reply
from runner.values import Json


def echo(request: Request, _trust: Trust) -> Reply | None:
    """Give `echostr` back."""
    if request.method != "GET" or "echostr" not in request.query:
        return None
    return say("answered WeChat's echostr", request.query["echostr"])


def identify(_request: Request, payload: Json) -> Identity:
    """
    `text`, or `event.subscribe`, also `event`. Messages have a MsgId; for events the page names sender
    and time, to which we add the event, since one tap may cause two.
    """
    kind, event = text(payload, "xml.MsgType"), text(payload, "xml.Event")
    delivery_id = text(payload, "xml.MsgId")
    if kind == "event" and event:
        sender, time = text(payload, "xml.FromUserName"), text(payload, "xml.CreateTime")
        return Identity(
            f"event.{event}", ("event",), f"{sender}:{time}:{event}" if sender and time else delivery_id
        )
    return Identity(kind, (), delivery_id)


def thanks(_request: Request, _payload: Json) -> Reply:
    """Anything else is shown to the person as a fault of the account."""
    return say("answered WeChat with success", "success")


WECHAT = Provider(
    name="wechat",
    title="WeChat",
    page="https://developers.weixin.qq.com/doc/offiaccount/en/Basic_Information/Access_Overview.html",
    schemes=(SortedDigest(),),  # the body is not signed: the address itself must stay secret
    identify=identify,
    signed=(echo,),
    thanks=thanks,
    timeout_seconds=5,
    retries="WeChat tries 3 times, 5 seconds apart.",
    setup=(
        "At mp.weixin.qq.com: Settings and development, Basic configuration, Server configuration.",
        "URL: {url}. Token: the value of the secret that `verify` names. Mode: plain text.",
    ),
)
