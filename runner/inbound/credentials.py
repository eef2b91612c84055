"""
Where requests show what is as good as their sender: tokens, passwords, and a signature that covers
nothing of the body. Whoever reads it in a record could send requests, so people see it as •••.

A signature over the body is no such thing: it is good for one body, which was seen with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from runner.inbound.asymmetric import EitherKey
from runner.inbound.claim import Place
from runner.inbound.providers.google_pubsub import GoogleToken
from runner.inbound.providers.jwt import BearerToken
from runner.inbound.providers.microsoft_graph import ClientState
from runner.inbound.signature import AnyOf
from runner.inbound.tokens import Basic, SortedDigest, Token
from runner.language.paths import EACH, Part, ValuePath

if TYPE_CHECKING:
    from runner.inbound.providers.provider import Scheme

HEADERS = (
    "authorization",
    "proxy-authorization",
    "cookie",
    "x-api-key",
    "x-auth-token",
    "x-gitlab-token",
    "x-goog-channel-token",  # of Google's push notifications
    "x-hook-secret",  # of Asana's handshake
    "x-telegram-bot-api-secret-token",
)


def _path(*parts: Part) -> ValuePath:
    return ValuePath(".".join("[]" if part is EACH else str(part) for part in parts), parts)


# of any request, whatever its workflow asks for; `access_token` in a query is RFC 6750's, section 2.3
WELL_KNOWN = (
    *(_path("event", "headers", name) for name in HEADERS),
    _path("event", "query", "access_token"),
)


def credentials(schemes: Iterable[Scheme]) -> tuple[ValuePath, ...]:
    """The paths to what these schemes compare with a secret, or believe as it is."""
    return tuple(dict.fromkeys(path for scheme in schemes for path in _of(scheme)))


def _of(scheme: Scheme) -> Iterator[ValuePath]:
    match scheme:
        case Token():
            yield _at(scheme.place)
        case Basic() | GoogleToken():
            yield _path("event", "headers", "authorization")
        case BearerToken():
            yield _path("event", "headers", scheme.header)
        case ClientState():
            yield _path("payload", "value", EACH, "clientState")
        case SortedDigest():
            yield _path("event", "query", "signature")
        case AnyOf():
            yield from credentials(scheme.schemes)
        case EitherKey():
            yield from credentials((scheme.symmetric, scheme.asymmetric))


def _at(place: Place) -> ValuePath:
    match place.kind:
        case "header":
            return _path("event", "headers", place.name.lower())
        case "query":
            return _path("event", "query", place.name)
        case _:
            return _path("payload", *place.name.split("."))
