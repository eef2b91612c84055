"""The keys under `trigger.webhook`, as `keys.py` has those of the rest of the file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runner.language.kinds import (
    DURATION,
    EVENTS,
    EXPRESSION,
    FIELD,
    FINGERPRINT,
    JSON_SCHEMA,
    METHOD_LIST,
    NETWORKS,
    OFF,
    ONE_OR_MORE,
    ORIGINS,
    RATE,
    SECRETS,
    SIGNED,
    SIZE,
    STATUS,
    TEMPLATES,
    TEXT,
    URL,
    VERIFY,
    Block,
    Key,
    block,
    named_block,
    word,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET_KEY = Key(
    "secret",
    "The name of the secret that is shared with the sender; of several any may match, so that one can "
    "be replaced by the next.",
    (SECRETS,),
    "ORDERS_SECRET",
)
NEEDED_SECRET = replace(SECRET_KEY, required=True)
TOLERANCE = Key(
    "tolerance",
    "How far a timestamp may be off, both ways; as the provider says by default; `false` for never.",
    (OFF, DURATION),
    "5m",
)
SECRET_ELSEWHERE = {
    "secrets": "`secret`, which may be a list of names",
    "key": "`secret` has the name of a secret on the server",
    "secret_name": "`secret` is a name already",
}


def _where(what: str, example: str) -> tuple[Key, Key, Key]:
    """The keys that say where in a request *what* stands; one of them is given."""
    return (
        Key("header", f"The header with {what}.", (TEXT,), example),
        Key("query", f"The field of the URL's query with {what}.", (TEXT,), "signature"),
        Key("field", f"The path to {what} in the JSON body.", (FIELD,), "signature.value"),
    )


WEBHOOK_BLOCKS: Mapping[str, Block] = {
    "webhook": named_block(
        "webhook",
        Key("methods", "The HTTP methods that are accepted; POST by default.", (METHOD_LIST,), ["POST"]),
        Key(
            "verify",
            "Who may send: a provider with the name of its secret, or `hmac`, `token`, `basic` or `jwt` "
            "for any other sender; `none`, the default, for everybody who has the address.",
            (VERIFY,),
            {"provider": "github", "secret": "GITHUB_SECRET"},
        ),
        Key(
            "events",
            "The types of event that start runs, as the provider calls them; `*` at the end or between "
            "two dots or slashes stands for any. Others are acknowledged and recorded as ignored.",
            (EVENTS,),
            ["orders/create", "refunds/*"],
        ),
        Key(
            "answer",
            "What the sender gets: `accepted` at once, a fixed answer, or the run's `result`, "
            "waiting 20s or as long as `wait` says.",
            (word("accepted", "result"), block("wait"), block("reply")),
            "accepted",
        ),
        Key(
            "deduplicate",
            "What makes an event the same as an earlier one, which then starts nothing; the provider's "
            "delivery id by default; `false` for never.",
            (OFF, block("deduplicate")),
            {"key": "payload.id", "within": "7d"},
        ),
        Key(
            "schema",
            "A JSON Schema (2020-12) that the payload must satisfy; what does not is answered 422 with the "
            "path of the fault. `format` is checked, too.",
            (JSON_SCHEMA,),
            {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}},
        ),
        Key(
            "on_mismatch",
            "What happens to a payload that does not satisfy `schema`; `reject` by default.",
            (word("reject", "accept_and_record"),),
            "accept_and_record",
        ),
        Key(
            "split",
            "Gives a list: one run for each item, whose `payload` is the item.",
            (EXPRESSION,),
            "payload.events",
        ),
        Key("max_body", "The largest body.", (SIZE,), "1 MiB"),
        Key("max_file", "The largest uploaded file.", (SIZE,), "25 MiB"),
        Key(
            "allow_ips",
            "The addresses and networks that may send; all by default.",
            (NETWORKS,),
            ["203.0.113.0/24", "2001:db8::/32"],
        ),
        Key(
            "client_certificate",
            "What a sender's certificate must name, for mutual TLS; all that is given must fit.",
            (block("client_certificate"),),
            {"subject": "orders.example.com"},
        ),
        Key(
            "rate_limit",
            "How many requests may come within a time; past it senders hear 429 with Retry-After.",
            (RATE,),
            "100/1m",
        ),
        Key(
            "cors",
            'The origins whose pages may send from a browser; `"*"` for all; none by default.',
            (ORIGINS,),
            ["https://shop.example.com"],
        ),
        Key(
            "expect_every",
            "How often an event is expected at least; when the sender is silent for longer, that is a "
            "problem that someone is told of.",
            (DURATION,),
            "1d",
        ),
        elsewhere={
            "method": "`methods: [POST]`, a list",
            "path": "the address is made by the server",
            "secret": "`verify: {provider: …, secret: NAME}`",
            "signature": "`verify: {provider: …, secret: NAME}`, or `verify: {hmac: {…}}`",
            "provider": "`verify: {provider: …, secret: NAME}`",
            "auth": "`verify: {basic: …}`, `{token: …}` or `{jwt: …}`",
            "authentication": "`verify: {basic: …}`, `{token: …}` or `{jwt: …}`",
            "hmac": "`verify: {hmac: {…}}`",
            "token": "`verify: {token: {…}}`",
            "response": "`answer` says what the sender gets",
            "event": "`events`, a list",
            "types": "`events`, a list",
            "filter": "`filter: <JMESPath>` as the first step",
            "json_schema": "`schema`",
            "batch": "`split: <JMESPath>` starts one run for each item",
            "for_each": "`split: <JMESPath>` starts one run for each item",
            "ip_whitelist": "`allow_ips`",
            "allowed_ips": "`allow_ips`",
            "ips": "`allow_ips`",
            "mtls": "`client_certificate`",
            "throttle": "`rate_limit: 100/1m`",
            "allowed_origins": "`cors`",
            "origins": "`cors`",
            "heartbeat": "`expect_every: 1d`",
        },
    ),
    "verify": named_block(
        "verify",
        Key("provider", "Who sends, by the name in the list of providers.", (TEXT,), "github"),
        SECRET_KEY,
        TOLERANCE,
        Key(
            "hmac",
            "A signature over the body with a shared secret.",
            (block("hmac"),),
            {"header": "X-Signature", "secret": "ORDERS_SECRET"},
        ),
        Key(
            "token",
            "A shared secret that is sent along as it is.",
            (block("token"),),
            {"header": "X-Token", "secret": "ORDERS_TOKEN"},
        ),
        Key(
            "basic",
            "A user and a password, as HTTP's Basic scheme sends them.",
            (block("basic"),),
            {"user": "orders", "secret": "ORDERS_PASSWORD"},
        ),
        Key(
            "jwt",
            "A signed JSON Web Token, as a bearer's.",
            (block("jwt"),),
            {"jwks": "https://id.example.com/keys", "audience": "orders", "issuer": "https://id.example.com"},
        ),
        elsewhere={
            "name": "`provider`",
            "type": "`provider`, or one of `hmac`, `token`, `basic` and `jwt`",
            "scheme": "`provider`, or one of `hmac`, `token`, `basic` and `jwt`",
            **SECRET_ELSEWHERE,
        },
    ),
    "hmac": named_block(
        "hmac",
        *_where("the signature", "X-Signature"),
        Key("prefix", "What stands before the signature.", (TEXT,), "sha256="),
        Key(
            "separator",
            "What stands between the signatures where there may be several; those with the prefix count.",
            (TEXT,),
            ",",
        ),
        Key(
            "algorithm",
            "The hash; sha256 by default.",
            (word("sha256", "sha1", "sha384", "sha512"),),
            "sha256",
        ),
        Key("encoding", "How the signature is written; hex by default.", (word("hex", "base64"),), "base64"),
        Key(
            "signed",
            "What is signed, of `{{ body }}`, `{{ timestamp }}`, `{{ id }}` and `{{ url }}`; the body, as it "
            "came, by default.",
            (SIGNED,),
            "{{ timestamp }}.{{ body }}",
        ),
        Key(
            "timestamp",
            "Where the time of sending stands; with it old requests are refused.",
            (block("timestamp"),),
            {"header": "X-Timestamp"},
        ),
        Key("id", "Where the delivery's id stands.", (block("signed_id"),), {"header": "X-Delivery"}),
        NEEDED_SECRET,
        Key(
            "secret_encoding",
            "What the secret's text is to the key: the key itself (`text`, the default), or the key in hex "
            "or base64.",
            (word("text", "hex", "base64"),),
            "base64",
        ),
        Key(
            "tolerance",
            "How far the timestamp may be off, both ways; 5m by default; `false` for never.",
            (OFF, DURATION),
            "5m",
        ),
        elsewhere={
            "algo": "`algorithm`",
            "digest": "`encoding` is how it is written, `algorithm` the hash",
            "format": "`encoding: hex` or `base64`, with a `prefix`",
            "payload": "`signed: '{{ timestamp }}.{{ body }}'`",
            "timestamp_header": "`timestamp: {header: X-Timestamp}`",
            "id_header": "`id: {header: X-Delivery}`",
            **SECRET_ELSEWHERE,
        },
    ),
    "timestamp": named_block(
        "timestamp",
        *_where("the timestamp", "X-Timestamp"),
        Key(
            "prefix",
            "What stands before it, where it is one of the list in the signature's header.",
            (TEXT,),
            "t=",
        ),
        Key(
            "format",
            "Seconds since 1970 (`unix`, the default), milliseconds, or RFC 3339.",
            (word("unix", "unix_ms", "rfc3339"),),
            "unix_ms",
        ),
    ),
    "signed_id": named_block("signed_id", *_where("the id", "X-Delivery")),
    "token": named_block(
        "token",
        *_where("the token", "X-Token"),
        Key("prefix", "What stands before the token.", (TEXT,), "Bearer "),
        NEEDED_SECRET,
        elsewhere=SECRET_ELSEWHERE,
    ),
    "basic": named_block(
        "basic",
        Key("user", "The user's name.", (TEXT,), "orders", required=True),
        NEEDED_SECRET,
        elsewhere={
            "username": "`user`",
            "password": "`secret` has the name of the secret that is the password",
            **SECRET_ELSEWHERE,
        },
    ),
    "jwt": named_block(
        "jwt",
        Key("jwks", "The address of the sender's keys.", (URL,), "https://id.example.com/keys"),
        Key(
            "secret",
            "The name of the secret that tokens are signed with, where there is no `jwks`.",
            (SECRETS,),
            "ORDERS_SECRET",
        ),
        Key(
            "audience",
            "Whom the token must be meant for, any of a list; the workflow's address by default.",
            (ONE_OR_MORE,),
            "orders",
        ),
        Key("issuer", "Who must have issued it, any of a list.", (ONE_OR_MORE,), "https://id.example.com"),
        Key("header", "The header with the token; Authorization by default.", (TEXT,), "X-Token"),
        Key("algorithms", "The only algorithms to accept.", (ONE_OR_MORE,), ["RS256"]),
        TOLERANCE,
        elsewhere={"aud": "`audience`", "iss": "`issuer`", "jwks_url": "`jwks`", **SECRET_ELSEWHERE},
    ),
    "client_certificate": named_block(
        "client_certificate",
        Key(
            "subject",
            "Its common name, or its whole subject as RFC 4514 writes it.",
            (TEXT,),
            "orders.example.com",
        ),
        Key(
            "san",
            "One of its alternative names: a DNS name, URI, e-mail or IP address.",
            (TEXT,),
            "orders.example.com",
        ),
        Key(
            "fingerprint",
            "The SHA-256 of the certificate.",
            (FINGERPRINT,),
            "3f:a8:0c:9d:1e:77:52:b4:c6:0a:f1:2d:88:e3:45:9b:3f:a8:0c:9d:1e:77:52:b4:c6:0a:f1:2d:88:e3:45:9b",
        ),
        elsewhere={
            "cn": "`subject`",
            "common_name": "`subject`",
            "sha256": "`fingerprint`",
            "ca": "the server's `tls_client_ca` says which CA is trusted",
        },
    ),
    "wait": named_block("wait", Key("wait", "How long the caller waits.", (DURATION,), "60s", required=True)),
    "reply": named_block(
        "reply",
        Key("status", "The HTTP status; 200 by default.", (STATUS,), 201),
        Key("headers", "Header names and values.", (TEMPLATES,), {"Content-Type": "text/plain"}),
        Key(
            "body",
            "An object or a list goes out as JSON, a text as text/plain, a file as itself.",
            (TEMPLATES,),
            {"ok": True},
        ),
        elsewhere={
            "code": "`status`",
            "json": "`body`; an object goes out as JSON",
            "text": "`body`",
            "content": "`body`",
        },
    ),
    "deduplicate": named_block(
        "deduplicate",
        Key(
            "key",
            "What is the same in the same event; without a value an event is always a new one.",
            (EXPRESSION,),
            "payload.id",
        ),
        Key("within", "For how long; 7d by default.", (DURATION,), "1d"),
        Key(
            "after_failure",
            "What a repeated event does when all runs of the first one failed: starts a new run, or "
            "nothing; `retry` by default.",
            (word("retry", "ignore"),),
            "ignore",
        ),
        elsewhere={
            "id": "`key: <JMESPath>`",
            "by": "`key: <JMESPath>`",
            "window": "`within: 7d`",
            "ttl": "`within: 7d`",
            "for": "`within: 7d`",
        },
    ),
}
