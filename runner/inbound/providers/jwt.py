"""`jwt`: a sender of no listed provider that shows a JSON Web Token as its bearer token."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from runner.inbound.asymmetric import ONLY_THE_PROVIDER
from runner.inbound.jwt import (
    ALGORITHMS,
    LEEWAY_SECONDS,
    SECRET_ALGORITHMS,
    Key,
    Token,
    fitting,
    is_by_key,
    is_by_secret,
    read_keys,
    read_token,
    refusal_of_names,
    refusal_of_times,
    texts,
)
from runner.inbound.providers.provider import Option, Provider, Trust
from runner.inbound.request import Request
from runner.inbound.verdict import NO_SECRET, Fetch, Passed, Refused, Verdict
from runner.values import Json, dumps

AUTHORIZATION = "authorization"
MAX_JWKS_BYTES = 256 * 1024
KEEP_SECONDS = 3600.0
KEEP_UNKNOWN_SECONDS = 60.0  # a key that we do not know may be new; asked for once a minute at most
JWKS_OPTION = Option(
    "jwks",
    "The address (https) of the issuer's JSON Web Key Set, or the set itself.",
    example="https://issuer.example.com/.well-known/jwks.json",
)


def jwt_provider(options: Mapping[str, Json]) -> Provider:
    """
    The provider for `verify: {jwt: …}`. *options*: `jwks` (RS256/384/512, ES256, EdDSA) or the secrets
    (HS256/384/512), `audience`, `issuer`, `algorithms` (fewer than these), each a text or a list, and
    `header` (a name; authorization where it is not given).
    """
    header = options.get("header")
    scheme = BearerToken(header.lower()) if isinstance(header, str) and header else BearerToken()
    return replace(JWT, schemes=(scheme,), needs_secret=not options.get("jwks"))


def believed(
    request: Request,
    trust: Trust,
    *,
    now: float,
    fetched: Mapping[str, bytes],
    jwks: Json,
    algorithms: Sequence[str],
    issuers: tuple[str, ...],
    audiences: tuple[str, ...],
    header: str = AUTHORIZATION,
) -> Mapping[str, Json] | Refused | Fetch:
    """
    The claims of the token in *header*, or why they are not believed. *jwks* is a set or its address,
    or None; tokens of the HS algorithms are checked with the secrets alone.
    """
    text = request.header(header)
    if not text:
        return Refused("missing", f"the header {header} is missing or empty")
    scheme, space, rest = text.partition(" ")
    if scheme.lower() == "bearer":
        text = rest.strip()
    elif space or header == AUTHORIZATION:
        return Refused("malformed", f"the header {header} is no bearer token")
    try:
        token = read_token(text)
    except ValueError as error:
        return Refused("malformed", f"the token in {header} {error}")
    if token.algorithm not in ALGORITHMS.intersection(algorithms):
        return Refused("unsupported", "the token's `alg` is none that is accepted here")
    is_secret = token.algorithm in SECRET_ALGORITHMS
    unsigned = _by_secret(token, trust) if is_secret else _by_jwks(token, jwks, fetched)
    if unsigned is not None:
        return unsigned
    leeway = LEEWAY_SECONDS if trust.tolerance_seconds is None else trust.tolerance_seconds
    refusal = refusal_of_times(token.claims, now=now, leeway=leeway) or refusal_of_names(
        token.claims, issuers=issuers, audiences=audiences, address=request.url
    )
    return refusal or token.claims


def _by_secret(token: Token, trust: Trust) -> Refused | None:
    if not trust.secrets:
        return Refused("unsupported", f"the token's `alg` is {token.algorithm}, and no secret is configured")
    if is_by_secret(token, trust.secrets):
        return None
    return Refused("mismatch", "the token was signed with another secret, or changed")


def _by_jwks(token: Token, jwks: Json, fetched: Mapping[str, bytes]) -> Refused | Fetch | None:
    if not jwks:
        return Refused("unsupported", f"the token's `alg` is {token.algorithm}, and no jwks is configured")
    is_address = isinstance(jwks, str) and jwks.lstrip()[:1] != "{"
    if is_address and jwks not in fetched:
        return Fetch(jwks, MAX_JWKS_BYTES, KEEP_SECONDS)
    try:
        keys: tuple[Key, ...] = read_keys(fetched[jwks] if is_address else jwks)
    except ValueError:
        fault = "what stands at the address of `jwks` is" if is_address else "the option `jwks` is"
        return Refused("unavailable" if is_address else "no_secret", f"{fault} no JSON Web Key Set")
    chosen = fitting(token, keys)
    if not chosen:
        unknown = Refused("mismatch", "no key of the JSON Web Key Set has the token's `kid` and `alg`")
        return Fetch(jwks, MAX_JWKS_BYTES, KEEP_UNKNOWN_SECONDS, unknown) if is_address else unknown
    if is_by_key(token, chosen):
        return None
    return Refused("mismatch", "the token was signed with another key, or changed")


@dataclass(frozen=True, slots=True)
class BearerToken:
    """A token in *header* (lower-case), `Bearer` before it or not, with the rules of `jwt_provider`."""

    header: str = AUTHORIZATION

    def applies(self, request: Request) -> bool:
        """Whether the header is there."""
        return self.header in request.headers

    def check(self, request: Request, trust: Trust, *, now: float, fetched: Mapping[str, bytes]) -> Verdict:
        """Judge. The body is not covered by a token: only its sender is known."""
        options = trust.options
        if not trust.secrets and not options.get("jwks"):
            return NO_SECRET
        claims = believed(
            request,
            trust,
            now=now,
            fetched=fetched,
            jwks=options.get("jwks"),
            algorithms=texts(options.get("algorithms")) or tuple(ALGORITHMS),
            issuers=texts(options.get("issuer")),
            audiences=texts(options.get("audience")),
            header=self.header,
        )
        return Passed(f"{self.header} (JWT)") if isinstance(claims, Mapping) else claims

    def sign(self, request: Request, trust: Trust, *, now: float) -> Request:
        """
        Show an HS256 token of the first secret, with the configured issuer and audience, for 5 minutes.

        Raises:
            NotImplementedError: there is no secret: only the issuer has the private key.
        """
        if not trust.secrets:
            raise NotImplementedError(ONLY_THE_PROVIDER)
        claims: dict[str, Json] = {"iat": int(now), "exp": int(now) + 300}
        for claim, option in (("iss", "issuer"), ("aud", "audience")):
            if named := texts(trust.options.get(option)):
                claims[claim] = named[0]
        signed = ".".join(_base64url(dumps(one).encode()) for one in ({"alg": "HS256", "typ": "JWT"}, claims))
        code = hmac.digest(trust.secrets[0].encode(), signed.encode(), "sha256")
        return replace(
            request,
            headers={**request.headers, self.header: f"Bearer {signed}.{_base64url(code)}"},
        )


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


JWT = Provider(
    name="jwt",
    title="JSON Web Token",
    page="https://www.rfc-editor.org/rfc/rfc7519",
    schemes=(BearerToken(),),
    options=(
        JWKS_OPTION,
        Option("audience", "What the token's `aud` must be; this address where it is not set.", "texts",
               example=["https://hooks.example.com"]),
        Option("issuer", "What the token's `iss` must be.", "texts", example=["https://issuer.example.com"]),
        Option("header", "The header with the token.", example="X-Token"),
        Option("algorithms", "The only algorithms to accept.", "texts", example=["RS256"]),
    ),
    setup=("Let the sender show its token as `Authorization: Bearer …` to {url}.",),
)  # fmt: skip
