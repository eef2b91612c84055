"""What providers ask before they send, in a sentence each: for the reference."""

from __future__ import annotations

from collections.abc import Mapping

HANDSHAKES: Mapping[str, str] = {
    "aws-sns": (
        "`SubscriptionConfirmation`: with `confirm: true` its SubscribeURL is visited, on the same host of"
        " Amazon’s; without, it arrives as an event"
    ),
    "cloudevents": (
        "`OPTIONS` with `WebHook-Request-Origin` is agreed to, for those of `origins`;"
        " `SubscriptionValidation` of Azure Event Grid is answered with its code"
    ),
    "discord": "`PING` is answered with PONG, once its signature was verified",
    "dropbox": "`GET ?challenge=…` is answered with the challenge",
    "intercom": "`HEAD` and the test topic `ping` are answered with 200",
    "meta-whatsapp": (
        "`GET ?hub.challenge=…` is answered with the challenge where `hub.verify_token` is the secret that"
        " `verify_token` names, else with 403"
    ),
    "microsoft-graph": "`POST ?validationToken=…` is answered with the token, as plain text",
    "slack": (
        "`url_verification` is answered with its challenge, once its signature was verified,"
        " and `ssl_check` with 200"
    ),
    "websub": (
        "`GET ?hub.challenge=…` is answered with the challenge where `topic` names what is asked for,"
        " else with 404"
    ),
    "wechat": "`GET ?echostr=…` is answered with the text, once its signature was verified",
    "woocommerce": "the unsigned `webhook_id=…` that is posted on saving is answered with 200",
    "zoom": (
        "`endpoint.url_validation`, repeated every 72 hours, is answered with the token and its HMAC by"
        " the secret"
    ),
}
