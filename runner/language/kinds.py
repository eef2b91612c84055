"""The kinds of value that a workflow file knows: how each is read, named and described by a schema."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.values import Json

ID_PATTERN = "[a-z_][a-z0-9_]*"
DURATION_PATTERN = r"^(\d+(\.\d+)?(ms|s|m|h|d|w))+$"
RATE_PATTERN = r"^[1-9]\d* ?/ ?((\d+(\.\d+)?)?(ms|s|m|h|d|w))+$"
ORIGIN_PATTERN = r"^[A-Za-z][A-Za-z0-9+.-]*://[^/?#\s]+$"
SECRET_PATTERN = "^[A-Za-z_][A-Za-z0-9_]{0,99}$"  # noqa: S105 - what a secret's name looks like
SIZE_PATTERN = r"^\d+ ?(B|KiB|MiB|GiB)$"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")

Reads: TypeAlias = Literal[
    "text", "texts", "id", "word", "boolean", "count", "number", "status", "duration", "size",
    "methods", "zone", "vars", "expression", "expressions", "template", "templates", "inputs",
    "block", "cases", "rounds", "steps", "branches", "off", "causes", "paths",
    "secret", "secrets", "events", "networks", "rate", "origins", "fingerprint", "signed", "field",
    "url", "one_or_more", "verify", "json_schema", "value", "own_kinds",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value: how it is read, what a person calls it, and its JSON Schema."""

    reads: Reads
    noun: str
    schema: Mapping[str, Json]
    words: tuple[str, ...] = ()  # of "word"; the block's name of "block" and "cases"


@dataclass(frozen=True, slots=True)
class Key:
    """A key: one sentence about it, the kinds of value it takes, an example."""

    name: str
    about: str
    kinds: tuple[Kind, ...]
    example: Json = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A mapping of the file, its keys in the order in which they are best written."""

    noun: str
    keys: Mapping[str, Key]
    later: frozenset[str] = frozenset()  # in the language, not in this version
    elsewhere: Mapping[str, str] = field(default_factory=dict)  # another product's key → what to write
    beside: Mapping[str, str] = field(default_factory=dict)  # a key of another kind of step → that kind


def named_block(name: str, *keys: Key, later: str = "", elsewhere: Mapping[str, str] | None = None) -> Block:
    """The block *name* of BLOCK_NOUNS; *later* has names between spaces."""
    return Block(
        BLOCK_NOUNS[name], {one.name: one for one in keys}, frozenset(later.split()), elsewhere or {}
    )


def _text(description: str, **more: Json) -> Mapping[str, Json]:
    return {"type": "string", "description": description, **more}


TEXT = Kind("text", "a text", {"type": "string"})
TEXTS = Kind("texts", "a list of texts", {"type": "array", "items": {"type": "string"}})
PATHS = Kind(
    "paths",
    "a list of paths such as payload.customer.email",
    {"type": "array", "minItems": 1, "items": {"type": "string"}},
)
ID = Kind("id", "an id such as big_order", {"type": "string", "pattern": f"^{ID_PATTERN}$"})
BOOLEAN = Kind("boolean", "true or false", {"type": "boolean"})
COUNT = Kind("count", "a whole number from 1", {"type": "integer", "minimum": 1})
FACTOR = Kind("number", "a number from 1", {"type": "number", "minimum": 1})
STATUS = Kind(
    "status",
    "an HTTP status from 200 to 599",
    {"anyOf": [{"type": "integer", "minimum": 200, "maximum": 599}, {"type": "string", "pattern": r"\{\{"}]},
)
DURATION = Kind(
    "duration",
    "a duration such as 30s, 15m or 2h",
    _text("A duration: 500ms, 30s, 15m, 1h30m, 7d.", pattern=DURATION_PATTERN),
)
SIZE = Kind(
    "size",
    "a size such as 1 MiB, or a number of bytes",
    {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": SIZE_PATTERN}]},
)
METHOD_LIST = Kind(
    "methods",
    "a list of HTTP methods in upper case, such as [POST]",
    {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"enum": list(METHODS)}},
)
ZONE = Kind("zone", "a time zone such as Europe/Athens", {"type": "string"})
VARS = Kind("vars", "a mapping of names to values", {"type": "object"})
EXPRESSION = Kind(
    "expression",
    "a JMESPath expression",
    {"type": ["string", "number", "boolean"], "description": "A JMESPath expression."},
)
EXPRESSIONS = Kind(
    "expressions",
    "a JMESPath expression, or a shape of them",
    {"description": "A JMESPath expression, or a mapping or list whose leaf texts are JMESPath."},
)
TEMPLATE = Kind("template", "a text", _text("A text; {{ … }} is filled in."))
TEMPLATES = Kind(
    "templates",
    "a text, or a shape of them",
    {"description": "A text, or a mapping or list of them; {{ … }} is filled in."},
)
INPUTS = Kind(
    "inputs",
    "a mapping of inputs, or one {{ … }} that gives it",
    {"type": ["object", "string"], "description": "The action's inputs; {{ … }} is filled in."},
)
SECRET = Kind(
    "secret",
    "the name of a secret such as ORDERS_SECRET",
    _text("The name of a secret, never its value.", pattern=SECRET_PATTERN),
)
SECRETS = Kind(
    "secrets",
    "the name of a secret such as ORDERS_SECRET, or a list of names",
    {
        "anyOf": [
            {"type": "string", "pattern": SECRET_PATTERN},
            {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": SECRET_PATTERN}},
        ]
    },
)
ONE_OR_MORE = Kind(
    "one_or_more",
    "a text, or a list of texts",
    {"anyOf": [{"type": "string"}, {"type": "array", "minItems": 1, "items": {"type": "string"}}]},
)
EVENTS = Kind(
    "events",
    "a list of event types such as [orders/create]",
    {"type": "array", "minItems": 1, "items": {"type": "string"}},
)
NETWORKS = Kind(
    "networks",
    "a list of addresses or networks such as 203.0.113.0/24",
    {"type": "array", "minItems": 1, "items": {"type": "string"}},
)
RATE = Kind(
    "rate", "a count and a time such as 100/1m", _text("A count and a time: 100/1m.", pattern=RATE_PATTERN)
)
ORIGINS = Kind(
    "origins",
    'a list of origins such as https://shop.example.com, or "*"',
    {
        "anyOf": [
            {"const": "*"},
            {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": ORIGIN_PATTERN}},
        ]
    },
)
FINGERPRINT = Kind(
    "fingerprint",
    "the SHA-256 of a certificate, 64 hexadecimal digits",
    _text("A certificate's SHA-256: 64 hexadecimal digits, with or without colons."),
)
SIGNED = Kind("signed", "a text such as {{ timestamp }}.{{ body }}", {"type": "string"})
FIELD = Kind("field", "a path in the JSON body such as signature.value", {"type": "string"})
URL = Kind("url", "an https address", {"type": "string", "pattern": "^https://"})
VERIFY = Kind(
    "verify",
    "none, a provider's name, or a mapping such as {provider: github, secret: GITHUB_SECRET}",
    {"$ref": "#/$defs/verification"},
)
JSON_SCHEMA = Kind(
    "json_schema", "a JSON Schema", {"type": ["object", "boolean"], "description": "A JSON Schema 2020-12."}
)
STEPS = Kind("steps", "a list of steps", {"$ref": "#/$defs/steps"})
BRANCHES = Kind(
    "branches",
    "a mapping of branch names to lists of steps",
    {"type": "object", "minProperties": 1, "additionalProperties": {"$ref": "#/$defs/steps"}},
)
OFF = Kind("off", "false", {"const": False})
CAUSES = Kind(
    "causes",
    "a list of network, timeout, 429, 5xx or a status",
    {
        "type": "array",
        "minItems": 1,
        "items": {
            "anyOf": [
                {"enum": ["network", "timeout", "5xx"]},
                {"type": "integer", "minimum": 400, "maximum": 599},
                {"type": "string", "pattern": "^[45][0-9]{2}$"},
            ]
        },
    },
)


def word(*options: str) -> Kind:
    """One of a few words."""
    return Kind("word", " or ".join(options), {"enum": list(options)}, options)


def block(name: str) -> Kind:
    """A mapping described by the block *name*."""
    return Kind("block", BLOCK_NOUNS[name], {"$ref": f"#/$defs/{name}"}, (name,))


BLOCK_NOUNS = {
    "workflow": "a workflow",
    "trigger": "a mapping of triggers",
    "webhook": "a mapping of the webhook's keys",
    "manual": "a mapping of inputs and public",
    "hookline": "a mapping of on",
    "schedule": "a mapping of cron or every, and timezone",
    "poll": "a mapping of action, every, items and id",
    "wait": "a mapping with wait",
    "reply": "a mapping of status, headers and body",
    "retry": "a mapping of the retry's keys",
    "case": "a mapping with when and steps",
    "wait_until": "a mapping with until",
    "wait_for": "a mapping of callback or approval",
    "callback": "a mapping of the callback's keys",
    "approval": "a mapping of message, choices and assignees",
    "repeat": "a mapping of until, at_most and every",
    "deduplicate": "a mapping of key, within and after_failure",
    "concurrency": "a mapping of limit, key and when_full",
    "retention": "a mapping of events and runs",
    "verify": "a mapping of provider and its options, or of hmac, token, basic or jwt",
    "hmac": "a mapping of where the signature is and what is signed",
    "token": "a mapping of where the token is and its secret",
    "basic": "a mapping of user and secret",
    "jwt": "a mapping of jwks or secret, audience and issuer",
    "timestamp": "a mapping of where the timestamp is and its format",
    "signed_id": "a mapping of where the id is",
    "client_certificate": "a mapping of subject, san or fingerprint",
}
ROUNDS = Kind("rounds", BLOCK_NOUNS["repeat"], {"$ref": "#/$defs/repeat"}, ("repeat",))
CASES = Kind(
    "cases", "a list of cases", {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/case"}}, ("case",)
)
