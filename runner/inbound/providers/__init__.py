"""
All providers by name, and the one that a workflow's `verify` means. A row that is not listed here does
not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from runner.inbound.providers import generic
from runner.inbound.providers.adyen import ADYEN
from runner.inbound.providers.aws_sns import AWS_SNS
from runner.inbound.providers.bitbucket import BITBUCKET
from runner.inbound.providers.cloudevents import CLOUDEVENTS
from runner.inbound.providers.discord import DISCORD
from runner.inbound.providers.dropbox import DROPBOX
from runner.inbound.providers.github import GITHUB
from runner.inbound.providers.gitlab import GITLAB
from runner.inbound.providers.google_pubsub import GOOGLE_PUBSUB
from runner.inbound.providers.hubspot import HUBSPOT
from runner.inbound.providers.intercom import INTERCOM
from runner.inbound.providers.jwt import jwt_provider
from runner.inbound.providers.line import LINE
from runner.inbound.providers.linear import LINEAR
from runner.inbound.providers.mailgun import MAILGUN
from runner.inbound.providers.meta_whatsapp import META_WHATSAPP
from runner.inbound.providers.microsoft_graph import MICROSOFT_GRAPH
from runner.inbound.providers.mux import MUX
from runner.inbound.providers.paddle import PADDLE
from runner.inbound.providers.pagerduty import PAGERDUTY
from runner.inbound.providers.paypal import PAYPAL
from runner.inbound.providers.provider import Provider
from runner.inbound.providers.razorpay import RAZORPAY
from runner.inbound.providers.sendgrid import SENDGRID
from runner.inbound.providers.sentry import SENTRY
from runner.inbound.providers.shopify import SHOPIFY
from runner.inbound.providers.slack import SLACK
from runner.inbound.providers.square import SQUARE
from runner.inbound.providers.standard_webhooks import STANDARD_WEBHOOKS, SVIX
from runner.inbound.providers.stripe import STRIPE
from runner.inbound.providers.telegram import TELEGRAM
from runner.inbound.providers.twilio import TWILIO
from runner.inbound.providers.typeform import TYPEFORM
from runner.inbound.providers.websub import WEBSUB
from runner.inbound.providers.wechat import WECHAT
from runner.inbound.providers.woocommerce import WOOCOMMERCE
from runner.inbound.providers.zendesk import ZENDESK
from runner.inbound.providers.zoom import ZOOM
from runner.language.suggest import did_you_mean, one_of
from runner.language.verification import OptionInfo, ProviderInfo, Verification
from runner.values import Json

ROWS = (
    ADYEN,
    AWS_SNS,
    BITBUCKET,
    CLOUDEVENTS,
    DISCORD,
    DROPBOX,
    GITHUB,
    GITLAB,
    GOOGLE_PUBSUB,
    HUBSPOT,
    INTERCOM,
    LINE,
    LINEAR,
    MAILGUN,
    META_WHATSAPP,
    MICROSOFT_GRAPH,
    MUX,
    PADDLE,
    PAGERDUTY,
    PAYPAL,
    RAZORPAY,
    SENDGRID,
    SENTRY,
    SHOPIFY,
    SLACK,
    SQUARE,
    STANDARD_WEBHOOKS,
    STRIPE,
    SVIX,
    TELEGRAM,
    TWILIO,
    TYPEFORM,
    WEBSUB,
    WECHAT,
    WOOCOMMERCE,
    ZENDESK,
    ZOOM,
)
PROVIDERS: Mapping[str, Provider] = {row.name: row for row in ROWS}
GENERIC: Mapping[str, Callable[[Mapping[str, Json]], Provider]] = {
    "hmac": generic.hmac,
    "token": generic.token,
    "basic": generic.basic,
    "jwt": jwt_provider,
}


@lru_cache(maxsize=1024)  # asked for every request
def provider_of(verification: Verification) -> Provider:
    """
    The row that a workflow names, or the generic scheme that it describes.

    Raises:
        ValueError: there is none of that name, or it has no such option; the message names the nearest.
    """
    name, options = verification.provider, verification.options
    if name in GENERIC:
        return GENERIC[name](options)
    if name not in PROVIDERS:
        hint = did_you_mean(name, (*PROVIDERS, *GENERIC)) or one_of((*PROVIDERS, *GENERIC), most=50)
        raise ValueError(f'there is no provider "{name}"; {hint}')
    provider = PROVIDERS[name]
    known = [option.name for option in provider.options]
    for option in options:
        if option not in known:
            hint = did_you_mean(option, known) or (one_of(known) if known else "it has none but `secret`")
            raise ValueError(f'the provider "{name}" has no option `{option}`; {hint}')
    return provider


def provider_infos() -> Mapping[str, ProviderInfo]:
    """What a file may name, for the language's checks: the rows of the table."""
    return {
        row.name: ProviderInfo(
            row.name,
            row.title,
            row.needs_secret,
            tuple(OptionInfo(one.name, one.about, one.kind, one.is_required) for one in row.options),
        )
        for row in ROWS
    }
